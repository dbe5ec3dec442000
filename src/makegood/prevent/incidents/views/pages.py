"""Incidents as a list, one incident, its cases, its summary."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_safe

from makegood.ground.asking import Question, ask_all
from makegood.ground.staff.access import needs
from makegood.ground.staff.http import StaffRequest
from makegood.ground.staff.models import User
from makegood.ground.staff.scope import visible_places
from makegood.ground.web.charts import page_spec
from makegood.ground.web.exports import csv_response
from makegood.prevent.incidents import charts, extensions, numbers, words
from makegood.prevent.incidents.extensions import Figure
from makegood.prevent.incidents.models import Incident
from makegood.prevent.incidents.queries import listing, one
from makegood.prevent.incidents.queries.listing import find_incident
from makegood.prevent.incidents.services.telling import hears_of
from makegood.prevent.incidents.summary import summary
from makegood.prevent.incidents.views.acting import acts_for
from makegood.prevent.signals import charts as signal_charts
from makegood.prevent.signals.queries.one import series as signal_series
from makegood.prevent.slices_in_words import Names
from makegood.recover.cases.models import Outcome, Status
from makegood.recover.cases.queries.queue import Cursor

SHOWN = 8
"""So many cases stand on the page of the incident itself."""


@require_safe
@needs("incidents.see")
def incidents(request: StaffRequest) -> HttpResponse:
    """One page. At most four SQL queries: who asks, rows, their number, names."""
    me, now = request.user, timezone.now()
    filters = listing.Filters.read(request.GET)
    after = Cursor.read(request.GET.get("after", ""))
    rows, following = listing.page(filters, me=me, after=after)
    number = listing.count(filters, me=me) if after or following else len(rows)
    names = Names.of(row.any_of for row in rows)
    facts = {
        "rows": [(row, names.of_slice(row.any_of, since=row.since, until=row.until)) for row in rows], "now": now,
        "filters": filters, "after": after, "following": following, "states": words.STATES, "kinds": words.KINDS,
        "severities": words.SEVERITIES,
        "number": f"{listing.COUNT_UP_TO:,}+" if number > listing.COUNT_UP_TO else f"{number:,}",
    }  # fmt: skip
    return render(request, "incidents/list.html", facts)


@require_safe
@needs("incidents.see")
def export(request: StaffRequest) -> HttpResponseBase:
    """The list as a file, with the filters of the page. Two SQL queries and one per thousand rows."""
    rows = list(listing.every(listing.Filters.read(request.GET), me=request.user))
    names = Names.of(row.any_of for row in rows)
    return csv_response("incidents.csv", _HEAD, (_line(row, names) for row in rows))


_HEAD = ("incident", "kind", "title", "severity", "state", "what", "since", "until", "declared_at", "contained_at",
         "resolved_at", "commander", "cases", "affected_orders", "cause_state", "cause", "merged_into")  # fmt: skip


def _line(row: listing.Row, names: Names) -> tuple[object, ...]:
    return (f"I-{row.number}", row.kind, row.title, words.SEVERITIES[row.severity], row.state,
            names.of_slice(row.any_of), row.since, row.until, row.declared_at, row.contained_at, row.resolved_at,
            row.commander, row.cases, row.affected, row.cause_state, row.cause,
            f"I-{row.merged_into}" if row.merged_into else "")  # fmt: skip


@require_safe
@needs("incidents.see")
def incident(request: StaffRequest, number: int) -> HttpResponse:
    """One incident. At most ten SQL queries: who asks, the incident, cases, days, timeline, tasks, names, who hears of
    it (two), and in one all that other rooms ask.
    """
    me, now = request.user, timezone.now()
    it = find_incident(number)
    cases = one.cases_of(it.pk, places=visible_places(me), limit=SHOWN)
    events, more = one.moments_of(it)
    shown, figures = _of_other_rooms(it, me, now)
    names = Names.of([it.any_of])
    facts = {
        "incident": it, "now": now, "cases": cases, "state": words.STATES[it.state], "kind": words.KINDS[it.kind],
        "severity": words.SEVERITIES[it.severity], "leads": me.has_perm("incidents.lead"), "names": names,
        "in_words": names.of_slice(it.any_of, since=it.since, until=it.until),
        "figures": _in_order([*numbers.own(it, cases), *figures]), "acts": dict(acts_for(it)), **_picture(it, now),
        "moments": [(event, words.happened(event)) for event in events], "more": more, "tasks": one.tasks_of(it),
        "hears": hears_of(it), "cause": words.cause_in_words(it), "loci": words.LOCI, "causes": words.CAUSES,
        "disciplines": words.DISCIPLINES, "statuses": dict(Status.choices), "kinds": words.KINDS,
    }  # fmt: skip
    return render(request, "incidents/incident.html", facts | shown)


@require_GET
@needs("incidents.see")
def earlier(request: StaffRequest, number: int) -> HttpResponse:
    """Older items of the timeline; without scripts a page of its own."""
    it = find_incident(number)
    before = request.GET.get("before", "")
    is_number = before.isascii() and before.isdigit() and len(before) < 10  # noqa: PLR2004  an int4
    events, more = one.moments_of(it, before=int(before) if is_number else None)
    facts = {"incident": it, "moments": [(event, words.happened(event)) for event in events], "more": more}
    return render(request, "incidents/_moments.html" if request.htmx else "incidents/earlier.html", facts)


@require_safe
@needs("incidents.see")
def by_number(request: StaffRequest, number: int) -> HttpResponse:  # noqa: ARG001
    """Incidents are called I-31; their bare number leads there too."""
    return redirect("incidents:incident", number, permanent=True)


@require_safe
@needs("incidents.see")
def cases(request: StaffRequest, number: int) -> HttpResponse:
    """The cases of an incident. At most three SQL queries."""
    return cases_page(request, find_incident(number))


def cases_page(request: StaffRequest, it: Incident, *, problem: str = "") -> HttpResponse:
    """The cases within what the reader sees, to look at and to take out."""
    after = Cursor.read(request.GET.get("after", ""))
    facts = {
        "incident": it, "found": one.cases_of(it.pk, places=visible_places(request.user), after=after), "after": after,
        "now": timezone.now(), "problem": problem, "statuses": dict(Status.choices), "outcomes": dict(Outcome.choices),
        "leads": request.user.has_perm("incidents.lead") and it.state != "resolved",
    }  # fmt: skip
    return render(request, "incidents/cases.html", facts, status=422 if problem else 200)


@require_safe
@needs("cases.export")
def cases_export(request: StaffRequest, number: int) -> HttpResponseBase:
    """The same as a file. Two SQL queries and one per thousand rows."""
    it, places = find_incident(number), visible_places(request.user)

    def rows() -> Iterator[one.Linked]:
        after: Cursor | None = None
        while True:
            page = one.cases_of(it.pk, places=places, after=after, limit=1000)
            yield from page.rows
            after = page.after
            if after is None:
                return

    head = ("case", "subject", "failed", "customer", "opened_at", "status", "outcome", "joined_at", "joined_by")
    lines = ((f"C-{row.number}", row.subject, row.failed, row.customer, row.opened_at, row.status, row.outcome,
              row.joined_at, row.joined_by or "") for row in rows())  # fmt: skip
    return csv_response(f"I-{it.number}-cases.csv", head, lines)


@require_safe
@needs("incidents.see")
def systemic_summary(request: StaffRequest, number: int) -> HttpResponse:
    """What a team lead or QA has to know, as text to copy, or (`?download`) as a Markdown file."""
    me, now = request.user, timezone.now()
    it = find_incident(number)
    _shown, figures = _of_other_rooms(it, me, now)
    found = one.cases_of(it.pk, places=visible_places(me), limit=1)
    text = summary(
        it, user=me, in_words=Names.of([it.any_of]).of_slice(it.any_of, since=it.since, until=it.until),
        figures=_in_order([*numbers.own(it, found), *figures]), tasks=one.tasks_of(it),
    )  # fmt: skip
    if "download" in request.GET:
        response = HttpResponse(text, content_type="text/markdown; charset=utf-8")
        response["Content-Disposition"] = f'attachment; filename="I-{it.number}.md"'
        return response
    template = "incidents/_summary.html" if request.htmx else "incidents/summary.html"
    return render(request, template, {"incident": it, "text": text})


def _of_other_rooms(it: Incident, me: User, now: datetime) -> tuple[dict[str, Any], list[tuple[int, Figure]]]:
    """The panels by part of the page with what they need, and the headline numbers. One SQL query at most."""
    shown: dict[str, Any] = {"panels": {"story": [], "affected": [], "cause": []}}
    asked: list[Question[Any]] = []
    for panel in sorted(extensions.panels, key=lambda panel: panel.position):
        shown["panels"][panel.part].append(panel.template)
        context = panel.context(it, me, now)
        if isinstance(context, Question):
            asked.append(context)
        else:
            shown |= context
    answers = ask_all([*asked, *(one.ask(it, me, now) for one in extensions.numbers)])
    for answer in answers[: len(asked)]:
        shown |= answer
    figures = zip((one.position for one in extensions.numbers), answers[len(asked) :], strict=True)
    return shown, [(position, figure) for position, figure in figures if figure]


def _in_order(figures: Iterable[tuple[int, Figure]]) -> list[Figure]:
    return [figure for _position, figure in sorted(figures, key=lambda pair: pair[0])]


def _picture(it: Incident, now: datetime) -> dict[str, Any]:
    """What a signal saw, with the band that was to be expected; without one, the cases over time."""
    zone = timezone.get_current_timezone_name()
    if it.signal:
        seen = signal_series(it.signal, now=now, zone=zone)
        if not seen.is_empty:
            return {"spec": page_spec(signal_charts.cases(it.signal, seen)), "series": seen,
                    "reading": signal_charts.reading(it.signal, seen)}  # fmt: skip
    series = one.series_of(it, now=now, zone=zone)
    if not series.spans:
        return {"spec": None, "series": None, "reading": ""}
    return {"spec": page_spec(charts.cases(it, series)), "series": series, "reading": charts.reading(it, series)}
