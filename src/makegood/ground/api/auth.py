"""Who may call an operation. Each operation names the permission it needs: `auth=Holds("cases.see")`."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.utils import timezone
from ninja.security import SessionAuth

from makegood.errors import MakegoodError, NotPermitted
from makegood.ground.staff.keys import KeyRefused, recognise
from makegood.ground.web.throttle import address, spend

GetResponse = Callable[[HttpRequest], HttpResponseBase]
WRONG_KEYS_AN_HOUR = 60


class OperationClosed(NotPermitted):
    code = "not_permitted"

    def __init__(self, permission: str) -> None:
        self.permission = permission
        super().__init__(f"This needs the permission {permission}, which your role or key does not hold.")


class Holds(SessionAuth):
    """Somebody of a role that holds the permission: signed in, or an integration whose key has it as a scope.

    Writes of people also need the CSRF token, as pages do; a key is sent on purpose and needs none.
    """

    def __init__(self, permission: str) -> None:
        super().__init__(csrf=True)
        self.permission = permission

    def _get_key(self, request: HttpRequest) -> str | None:
        return None if hasattr(request, "api_key") else super()._get_key(request)

    def authenticate(self, request: HttpRequest, key: str | None) -> Any:  # noqa: ARG002  who it is was settled before
        if not request.user.is_authenticated:
            return None
        scopes = request.api_key.scopes if hasattr(request, "api_key") else [self.permission]
        if self.permission not in scopes or not request.user.has_perm(self.permission):
            raise OperationClosed(self.permission)
        return request.user


class Keys:
    """Middleware: `Authorization: Bearer mg_...` speaks for the integration whose key it is, within the API only."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not request.path.startswith("/api/"):
            return self.get_response(request)
        now = timezone.now()
        try:
            key = recognise(secret.strip(), now=now)
        except KeyRefused as why:
            return _refuse(request, why)
        request.api_key = key  # type: ignore[attr-defined]
        request.user = key.user
        return self.get_response(request)


def _refuse(request: HttpRequest, why: MakegoodError) -> JsonResponse:
    try:
        spend("wrong-key", address(request), limit=WRONG_KEYS_AN_HOUR, per=timedelta(hours=1), now=timezone.now())
    except MakegoodError as too_often:
        why = too_often
    facts = {"code": why.code, "status": why.status, "detail": str(why), "fields": []}
    return JsonResponse(facts, status=why.status, content_type="application/problem+json")
