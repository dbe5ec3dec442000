"""The weekly report as a page, with a picture of its charts and every table as a file."""

import uuid
from collections.abc import Callable, Iterable
from dataclasses import asdict
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from makegood.ground.retail.models import Source
from makegood.ground.staff.access import needs
from makegood.ground.staff.models import User
from makegood.ground.staff.scope import visible_places
from makegood.ground.web.exports import csv_response
from makegood.lead.scorecards import sentences
from makegood.lead.scorecards.report import WeeklyReport
from makegood.lead.scorecards.weeks import Week
from makegood.prevent.lake import lake_state

KEPT: Final = 64  # reports kept ready in each process; the facts change once an hour
GOES_ON: Final = timedelta(minutes=5)


@needs("scorecards.see")
def weekly(request: HttpRequest) -> HttpResponseBase:
    """One week. Four SQL queries at most; a report that was built before on the same facts is not built again."""
    report, drawn = _prepared(request)
    if report.empty and report.last_week_with_data and not request.GET.get("week"):
        # Nobody asked for a certain week: history that ended long ago opens where it ended.
        return HttpResponseRedirect(_address(request, report.last_week_with_data))
    week = Week.parse(report.week)
    # A week that has not begun has no report.
    ahead = week.plus(1).starts(report.starts.tzinfo) < timezone.now()  # type: ignore[arg-type]  # a ZoneInfo
    facts = {
        "report": report, "week": week, "earlier": _address(request, str(week.plus(-1))),
        "later": _address(request, str(week.plus(1))) if ahead else "",
        "sources": list(Source.objects.order_by("name").values_list("slug", "name")),
        "percent": sentences.percent, "number": sentences.number, "time": sentences.time, "charts": drawn,
        "file": lambda name: _address(request, report.week, "weekly_report_file", [name]),
        "rankings": {
            "states": (_("Late deliveries by state"), _("To state")),
            "routes": (_("Late deliveries by route"), _("Route")),
            "sellers": (_("Late deliveries by seller"), _("Seller")),
        },
    }  # fmt: skip
    return render(request, "scorecards/weekly.html", facts)


@needs("scorecards.see")
def file(request: HttpRequest, name: str) -> HttpResponseBase:
    """A table of the report as CSV, or its charts as SVG. At most four SQL queries."""
    report = _prepared(request).report
    if name == "charts.svg":
        from makegood.ground.web import charts as web  # noqa: PLC0415  see `_kept`
        from makegood.lead.scorecards import charts  # noqa: PLC0415

        answer = HttpResponse(web.svg(charts.whole(report)), content_type="image/svg+xml")
        answer["Content-Disposition"] = f'attachment; filename="weekly-report-{report.week}.svg"'
        return answer
    table = TABLES.get(name.removesuffix(".csv"))
    if table is None or not name.endswith(".csv"):
        raise Http404(name)
    rows = [asdict(row) for row in table(report)]
    head = list(rows[0]) if rows else ["empty"]
    return csv_response(f"{report.week}-{name}", head, (tuple(row.values()) for row in rows))


def _ranking(by: str) -> Callable[[WeeklyReport], Iterable[Any]]:
    return lambda report: next(ranking.rows for ranking in report.late_by if ranking.by == by)


TABLES: Final[dict[str, Callable[[WeeklyReport], Iterable[Any]]]] = {
    "reasons": lambda report: [report.cases, *report.reasons],
    "changed": lambda report: [report.changed, *report.changed_by_reason],
    "cases-trend": lambda report: report.cases_trend,
    "late-trend": lambda report: report.late_trend,
    "waits": lambda report: report.waits,
    "states": _ranking("states"),
    "routes": _ranking("routes"),
    "sellers": _ranking("sellers"),
}


class Prepared(NamedTuple):
    """A report, ready to be shown."""

    report: WeeklyReport
    charts: dict[str, tuple[str, str]]  # each chart with its reading


def _prepared(request: HttpRequest) -> Prepared:
    from makegood.lead.scorecards.services.weekly import time_zone  # noqa: PLC0415  see `_kept`

    user: User = request.user  # type: ignore[assignment]  # nobody anonymous gets here
    source = request.GET.get("source", "")
    zone, now = time_zone(source), timezone.now()
    week = Week.parse(request.GET["week"]) if request.GET.get("week") else Week.of(now, zone).plus(-1)
    places = visible_places(user)
    # A week that goes on is told anew every few minutes.
    known_until = min(week.ends(zone), now - timedelta(seconds=now.timestamp() % GOES_ON.total_seconds()))
    narrowed = None if places is None else tuple(sorted(places))
    return _kept(str(week), source, narrowed, known_until, lake_state().stamp, get_language() or "")


@lru_cache(maxsize=KEPT)
def _kept(
    week: str, source: str, places: tuple[uuid.UUID, ...] | None, now: datetime, facts: str, language: str
) -> Prepared:
    # Altair, Ibis and SciPy take seconds to import: whoever opens the first report waits, not every start.
    from makegood.ground.web import charts as web  # noqa: PLC0415
    from makegood.lead.scorecards import charts  # noqa: PLC0415
    from makegood.lead.scorecards.services.weekly import weekly_report  # noqa: PLC0415

    del facts, language  # part of the key only: other facts or words are another report
    report = weekly_report(week=week, now=now, source=source, places=places)
    return Prepared(
        report,
        {
            "cases": (web.page_spec(charts.cases_trend(report)), charts.reading_of_cases(report)),
            "late": (web.page_spec(charts.late_trend(report)), charts.reading_of_late(report)),
            "changed": (web.page_spec(charts.what_changed(report)), charts.reading_of_change(report)),
        },
    )


def _address(request: HttpRequest, week: str, route: str = "weekly_report", arguments: list[str] | None = None) -> str:
    asked = {"week": week} | ({"source": request.GET["source"]} if request.GET.get("source") else {})
    return f"{reverse(route, args=arguments or [])}?{urlencode(asked)}"
