"""Deny by default: see `access.py`."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponseBase, JsonResponse

from makegood.errors import NotPermitted
from makegood.ground.staff.access import Access
from makegood.ground.web.middleware import refusal

GetResponse = Callable[[HttpRequest], HttpResponseBase]


class RouteClosed(NotPermitted):
    code = "not_permitted"

    def __init__(self, permission: str) -> None:
        self.permission = permission
        super().__init__("Your role may not open this page. Ask your administrator if you need it.")


class DenyByDefault:
    """Let a request through to its view only as the view, or the route map for foreign views, declares."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], _args: object, _kwargs: object
    ) -> HttpResponseBase | None:
        access = getattr(view, "access", None) or declared_for(request)
        if access is not None and access.public:
            return None
        if not request.user.is_authenticated:
            if request.path.startswith("/api/") and not _is_api_page(request):
                return JsonResponse({"code": "not_signed_in", "status": 401, "detail": "Sign in first."}, status=401)
            return redirect_to_login(request.get_full_path(), settings.LOGIN_URL)
        if access is None or (access.permission and not request.user.has_perm(access.permission)):
            # Returned, not raised: what is raised before the view does not pass the middleware that renders refusals.
            return refusal(request, RouteClosed(access.permission if access else ""))
        return None


def _is_api_page(request: HttpRequest) -> bool:
    """The API's document is read by people; the rest is for programs, which do not follow us to a form."""
    match = request.resolver_match
    return match is not None and match.url_name == "openapi-json"


def declared_for(request: HttpRequest) -> Access | None:
    """What the route map declares for views that are not ours (`FOREIGN` in app/config/urls.py)."""
    from django.urls import get_resolver  # noqa: PLC0415

    foreign: dict[str, Access] = getattr(get_resolver().urlconf_module, "FOREIGN", {})
    route = request.resolver_match.route if request.resolver_match else ""
    return next((access for prefix, access in foreign.items() if route.startswith(prefix)), None)
