"""What changed between two periods, as a page, with its table as a file."""

import uuid
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language, pgettext
from django.utils.translation import gettext as _

from makegood.ground.retail.models import Source
from makegood.ground.staff.access import needs
from makegood.ground.staff.models import User
from makegood.ground.staff.scope import visible_places
from makegood.ground.web.exports import csv_response
from makegood.lead.scorecards import sentences
from makegood.lead.scorecards.changed import Found, Span, WhatChanged
from makegood.lead.scorecards.metrics import CHANGED
from makegood.lead.scorecards.periods import read_span, the_one_before
from makegood.lead.scorecards.views import GOES_ON
from makegood.lead.scorecards.weeks import Week
from makegood.prevent.lake import lake_state

KEPT: Final = 64
ASKED: Final = ("of", "period", "against", "source")
COLUMNS: Final = ("slice", "before", "observed", "expected", "excess", "share")


@needs("scorecards.see")
def changed(request: HttpRequest) -> HttpResponseBase:
    """Two periods compared. Four SQL queries at most; what was compared before on the same facts is not again."""
    told, spec, reading = _prepared(request)
    if told.empty and told.last_day_with_data and not request.GET.get("period"):
        # Nobody asked for certain days: history that ended long ago opens where it ended.
        week = _week_of(told.last_day_with_data)
        return HttpResponseRedirect(_address(request, period=str(week), against=""))
    facts = {
        "told": told, "chart": spec, "chart_reading": reading, "metric": CHANGED[told.of],
        "numbers": [(slug, _(metric.name)) for slug, metric in CHANGED.items()],
        "sources": list(Source.objects.order_by("name").values_list("slug", "name")),
        "presets": [(label, _address(request, **spans), _current(told, spans)) for label, spans in _presets(told)],
        "file": _address(request, "what_changed_file"), "number": sentences.number, "signed": sentences.signed,
        "percent": sentences.percent, "behind": _behind,
    }  # fmt: skip
    return render(request, "scorecards/changed.html", facts)


@needs("scorecards.see")
def changed_file(request: HttpRequest) -> HttpResponseBase:
    """The slices as CSV. Four SQL queries at most."""
    told = _prepared(request).told
    rows: list[list[Any]] = [
        *([row.words, row.before, row.observed, row.expected, row.excess, row.share] for row in told.causes),
        [_("Everything else"), "", "", "", told.rest, ""],
        [_("All"), told.before, told.observed, told.expected, round(told.observed - told.expected, 1), 1],
    ]
    return csv_response(f"{told.of}-{told.period}-against-{told.against}.csv", COLUMNS, rows)


class Prepared(NamedTuple):
    """A comparison, ready to be shown."""

    told: WhatChanged
    chart: Any
    reading: str


def _prepared(request: HttpRequest) -> Prepared:
    user: User = request.user  # type: ignore[assignment]  # nobody anonymous gets here
    now = timezone.now()
    # A period that goes on is told anew every few minutes.
    known = now - timedelta(seconds=now.timestamp() % GOES_ON.total_seconds())
    places = visible_places(user)
    narrowed = None if places is None else tuple(sorted(places))
    of, period, against, source = (request.GET.get(name, "") for name in ASKED)
    return _kept(of or "cases", period, against, source, narrowed, known, lake_state().stamp, get_language() or "")


@lru_cache(maxsize=KEPT)
def _kept(
    of: str, period: str, against: str, source: str, places: tuple[uuid.UUID, ...] | None, now: datetime, facts: str,
    language: str,
) -> Prepared:  # fmt: skip
    # Altair, Ibis and SciPy take seconds to import: whoever opens the first comparison waits, not every start.
    from makegood.ground.web import charts as web  # noqa: PLC0415
    from makegood.lead.scorecards import charts  # noqa: PLC0415
    from makegood.lead.scorecards.services.changed import what_changed  # noqa: PLC0415

    del facts, language  # part of the key only: other facts or words are another comparison
    told = what_changed(of=of, period=period, against=against, now=now, source=source, places=places)
    drawn = web.page_spec(charts.differences(told)) if told.causes else ""
    return Prepared(told, drawn, charts.reading_of_differences(told))


def _presets(told: WhatChanged) -> list[tuple[str, dict[str, str]]]:
    """Periods one press away, counted from the end of the period that is shown, so that history can be walked."""
    last = told.period.last
    week = _week_of(last - timedelta(days=6))  # the last one that was over then, or went on to that day
    four = Span(first=last - timedelta(days=27), last=last)
    month = read_span(f"{last:%Y-%m}")
    return [
        (_("Week"), _spans(week, the_one_before(week))),
        (_("Four weeks"), _spans(four, the_one_before(four))),
        (_("Month"), _spans(month, the_one_before(month))),
        (_("Same days a year before"), _spans(told.period, _back(told.period, 364))),
    ]


def _spans(period: Span, against: Span) -> dict[str, str]:
    return {"period": str(period), "against": str(against)}


def _back(span: Span, days: int) -> Span:
    # 364 days: the same days of the week.
    return Span(first=span.first - timedelta(days=days), last=span.last - timedelta(days=days))


def _current(told: WhatChanged, spans: dict[str, str]) -> bool:
    return (spans["period"], spans["against"]) == (str(told.period), str(told.against))


def _week_of(day: date) -> Span:
    week = Week(day - timedelta(days=day.weekday()))
    return Span(first=week.monday, last=week.sunday)


def _address(request: HttpRequest, route: str = "what_changed", **other: str) -> str:
    asked = {name: request.GET.get(name, "") for name in ASKED} | other
    return f"{reverse(route)}?{urlencode({name: value for name, value in asked.items() if value})}"


def _behind(told: WhatChanged, found: Found) -> list[tuple[str, str, datetime]]:
    """What is behind a slice, newest first: words, address, time."""
    if told.of == "cases":
        return [(f"C-{one.ref}", reverse("cases:case", args=[one.ref]), one.at) for one in found.examples]
    return [(pgettext("a purchase", "Order"), reverse("order", args=[one.ref]), one.at) for one in found.examples]
