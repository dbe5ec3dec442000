"""Pages for customers: an offer to accept or decline, and no more messages. No sign-in; the signed link says who.

Mail programs open links to look at them: a GET changes nothing.
"""

from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from makegood.ground.staff.access import public
from makegood.ground.web.language import speaking
from makegood.ground.web.throttle import address, spend
from makegood.prevent.outreach.errors import OfferGone
from makegood.prevent.outreach.models import Recipient
from makegood.prevent.outreach.services import accept_or_decline, answering, no_more
from makegood.prevent.outreach.wording import language_for

HOUR = timedelta(hours=1)
WRONG_LINKS_AN_HOUR = 30


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@public
def offer(request: HttpRequest, token: str) -> HttpResponse:
    """What we offer, accepted or declined once, in the language of the message. Two SQL queries to show."""
    now = timezone.now()
    found = _whose(request, token)
    if request.method == "POST" and request.POST.get("answer") in ("accept", "decline"):
        accept_or_decline(token=token, accept=request.POST["answer"] == "accept", now=now)
        return redirect(request.path)
    return _page(request, "outreach/offer.html", found)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@public
def unwanted(request: HttpRequest, token: str) -> HttpResponse:
    """No more messages that nobody asked for. One SQL query to show."""
    found = _whose(request, token, any_state=True)
    if request.method == "POST":
        no_more(token=token, now=timezone.now())
        return _page(request, "outreach/no_more.html", found, done=True)
    return _page(request, "outreach/no_more.html", found, done=False)


def _whose(request: HttpRequest, token: str, *, any_state: bool = False) -> Recipient:
    """Whose link it is; guessing is limited by address. Raises OfferGone."""
    now = timezone.now()
    try:
        return answering.whose(token) if any_state else answering.offer(token, now=now)
    except OfferGone:
        spend("wrong-offer", address(request), limit=WRONG_LINKS_AN_HOUR, per=HOUR, now=now)
        raise


def _page(request: HttpRequest, template: str, found: Recipient, **more: Any) -> HttpResponse:
    code = language_for(found.segment, found.language) if found.segment else found.language
    with speaking(code, get_language() or ""):
        response = render(request, template, {"it": found, "segment": found.segment} | more)
    response["X-Robots-Tag"] = "noindex"
    return response
