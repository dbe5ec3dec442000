"""Pages for customers: no sign-in, the signed link says whose case it is."""

import uuid
from datetime import datetime, timedelta

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from makegood.ground.asking import ask_all
from makegood.ground.retail.queries.orders import purchase
from makegood.ground.staff.access import public
from makegood.ground.web.language import speaking
from makegood.ground.web.throttle import TooOften, address, spend
from makegood.recover.cases.errors import LinkGone
from makegood.recover.cases.models import Case, Channel
from makegood.recover.cases.queries.case import timeline
from makegood.recover.cases.services.links import open_link, wrote_in
from makegood.recover.commitments.queries.case import on_case
from makegood.recover.intake import extensions
from makegood.recover.intake.services.receiving import receive
from makegood.recover.intake.standing import LONGEST_STORY, headline, moment, promised, story, zone_for

HOUR = timedelta(hours=1)
WRONG_LINKS_AN_HOUR = 30
ANSWERS_AN_HOUR = 10


class AnswerForm(forms.Form):
    words = forms.CharField(max_length=20_000)
    once = forms.UUIDField()


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@public
def standing(request: HttpRequest, token: str) -> HttpResponse:
    """Where a case stands, what was promised, and one box to answer. Eight SQL statements to show.

    In the customer's language and time zone, as far as they are known.

    Guessing is limited by address, answering by link.
    """
    now = timezone.now()
    try:
        link = open_link(token, now=now)
    except LinkGone:
        spend("wrong-link", address(request), limit=WRONG_LINKS_AN_HOUR, per=HOUR, now=now)
        raise
    case, problem = link.case.merged_into or link.case, ""  # what was merged goes on there
    merged = list(Case.objects.filter(merged_into=case).values_list("pk", flat=True))
    told = case.customer.language if case.customer else ""
    with timezone.override(zone_for(case)), speaking(told, wrote_in(link), get_language() or ""):
        form = AnswerForm(request.POST if request.method == "POST" else None)
        if form.is_bound:
            if form.is_valid():
                try:
                    spend("answer-by-link", str(link.pk), limit=ANSWERS_AN_HOUR, per=HOUR, now=now)
                except TooOften as why:
                    problem = str(why)
                else:
                    _take_in(case, form.cleaned_data["words"], once=form.cleaned_data["once"], now=now)
                    return redirect(request.path + "?said=1")
            else:
                problem = _("Write something first.")
        response = render(request, "intake/standing.html", {
            "link": link, "case": case, "headline": headline(case.status, case.outcome), "moment": moment,
            "order": purchase(case.order_id) if case.order_id else None,
            "steps": story(timeline(case.pk, merged=merged, limit=LONGEST_STORY)),
            "promises": promised(on_case(case.pk).promises),
            "told": [words for words in ask_all([tell(case.pk) for tell in extensions.told_to_customer]) if words],
            "said": "said" in request.GET, "problem": problem, "once": uuid.uuid4(),
            "typed": request.POST.get("words", ""),
        }, status=422 if problem else 200)  # fmt: skip
    response["X-Robots-Tag"] = "noindex"
    return response


def _take_in(case: Case, words: str, *, once: uuid.UUID, now: datetime) -> None:
    """What the customer wrote, once: the form carries its own reference."""
    who = case.customer
    receive(
        channel=Channel.WEB, body=words, at=now, subject=case.subject, author=who.name if who else "",
        customer_ref=who.ref if who else "", source=who.source if who else None, place=case.place,
        case_number=case.number, ref=f"link:{once}",
    )  # fmt: skip
