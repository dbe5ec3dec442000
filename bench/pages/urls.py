"""The real route map and an empty page on top: what a request costs before any page of ours does anything."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from makegood.app.config import urls as real
from makegood.ground.staff.access import signed_in


@signed_in
def empty(request: HttpRequest) -> HttpResponse:
    """Nothing, for whoever is signed in. One SQL query: who asks."""
    return HttpResponse(b"", headers={"X-Signed-In": request.user.get_username()})


urlpatterns = [path("bench/empty", empty), *real.urlpatterns]
FOREIGN = real.FOREIGN
