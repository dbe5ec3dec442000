"""How the API says no: one JSON shape for every refusal (RFC 9457, application/problem+json)."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError

from makegood.errors import MakegoodError


class FieldProblem(Schema):
    """One field that cannot be read."""

    field: str
    says: str


class Problem(Schema):
    """A refusal: stable code, HTTP status, one sentence for people."""

    code: str
    status: int
    detail: str
    fields: list[FieldProblem] = []


def add_handlers(api: NinjaAPI) -> None:
    """Make every refusal, and only refusals, come out as a `Problem`."""

    def answer(request: HttpRequest, problem: Problem) -> HttpResponse:
        response = api.create_response(request, problem.dict(), status=problem.status)
        response["Content-Type"] = "application/problem+json"
        return response

    @api.exception_handler(MakegoodError)
    def refused(request: HttpRequest, problem: Any) -> HttpResponse:
        return answer(request, Problem(code=problem.code, status=problem.status, detail=str(problem)))

    @api.exception_handler(ValidationError)
    def malformed(request: HttpRequest, problem: Any) -> HttpResponse:
        fields = [
            FieldProblem(field=".".join(str(p) for p in e["loc"][1:]) or "body", says=e["msg"]) for e in problem.errors
        ]
        return answer(
            request, Problem(code="malformed", status=422, detail="Some fields cannot be read.", fields=fields)
        )

    @api.exception_handler(AuthenticationError)
    def unknown(request: HttpRequest, problem: Any) -> HttpResponse:  # noqa: ARG001
        return answer(request, Problem(code="not_signed_in", status=401, detail="Sign in first."))

    @api.exception_handler(HttpError)
    def unreadable(request: HttpRequest, problem: Any) -> HttpResponse:
        return answer(request, Problem(code="unreadable", status=problem.status_code, detail=str(problem)))

    @api.exception_handler(Http404)
    def missing(request: HttpRequest, problem: Any) -> HttpResponse:  # noqa: ARG001
        return answer(request, Problem(code="not_found", status=404, detail="There is no such thing."))
