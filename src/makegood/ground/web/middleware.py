"""Refusals as pages, and the reader's own time zone."""

import zoneinfo
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.utils import timezone

from makegood.errors import MakegoodError
from makegood.ground.web.language import speaking

GetResponse = Callable[[HttpRequest], HttpResponseBase]


def refusal(request: HttpRequest, problem: MakegoodError) -> HttpResponse:
    """What is said instead of the page: JSON to programs, a toast inside a page (htmx), else a page of its own."""
    if request.path.startswith("/api/"):
        facts = {"code": problem.code, "status": problem.status, "detail": str(problem)}
        return JsonResponse(facts, status=problem.status, content_type="application/problem+json")
    template = "web/_refusal.html" if getattr(request, "htmx", False) else "web/refusal.html"
    return render(request, template, {"problem": problem}, status=problem.status)


class Refusals:
    """Render what rooms refuse: one sentence, the right status; inside a page (htmx) as a toast."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, problem: Exception) -> HttpResponse | None:
        if not isinstance(problem, MakegoodError):
            return None
        return refusal(request, problem)


class LocalTime:
    """Speak the language of whoever is signed in, and show times in their zone. The public is spoken to in the language
    that their browser asks for.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return self.get_response(request)
        zone = request.user.time_zone or settings.TIME_ZONE
        with timezone.override(zoneinfo.ZoneInfo(zone)), speaking(request.user.language):
            return self.get_response(request)
