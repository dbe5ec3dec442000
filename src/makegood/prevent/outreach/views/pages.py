"""Looking at outreaches: the list, one of them while it runs, its people, and what each of them reads."""

from typing import Any, Final
from urllib.parse import urlencode

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from makegood.errors import NotFound
from makegood.ground.staff.access import needs
from makegood.ground.staff.http import StaffRequest
from makegood.ground.staff.scope import visible_places
from makegood.ground.web.charts import page_spec
from makegood.ground.web.exports import csv_response
from makegood.ids import read_uuid
from makegood.prevent.outreach import queries, results
from makegood.prevent.outreach.deciding import WHY
from makegood.prevent.outreach.limits import limit_of
from makegood.prevent.outreach.models import Recipient, Remedy, State
from makegood.prevent.outreach.services import sending
from makegood.prevent.outreach.wording import language_for

TONES: Final = {"draft": "outline", "asked": "amber", "running": "accent", "stopped": "red", "ended": "green"}
ICONS: Final = {"draft": "pencil", "asked": "hourglass", "running": "send", "stopped": "octagon-x", "ended": "check"}
STATES: Final = dict(State.choices)
PEOPLE: Final = dict(Recipient.State.choices)
PEOPLE_TONES: Final = {"sent": "green", "queued": "accent", "uncertain": "amber", "failed": "red", "holdout": "violet"}
ANSWERS: Final = dict(Recipient.Answer.choices)
REMEDIES: Final = dict(Remedy.choices)
WORDS: Final[dict[str, Any]] = {
    "tones": TONES, "icons": ICONS, "state_words": STATES, "people_words": PEOPLE, "people_tones": PEOPLE_TONES,
    "answer_words": ANSWERS, "remedy_words": REMEDIES, "why_words": WHY,
}  # fmt: skip


@require_safe
@needs("outreach.see")
def listed(request: StaffRequest) -> HttpResponse:
    """All outreaches, the newest first. Three SQL queries: who asks, the rows, their people."""
    state, before = request.GET.get("state", ""), _number(request.GET.get("before", ""))
    incident = _number(request.GET.get("incident", ""))
    rows = queries.outreaches(state=state, incident=incident, before=before)
    following = rows[queries.PAGE - 1].outreach.number if len(rows) > queries.PAGE else None
    kept = {name: value for name, value in (("state", state), ("incident", incident)) if value}
    facts = {
        "rows": rows[: queries.PAGE], "state": state, "incident": incident, "before": before, "kept": urlencode(kept),
        "next": urlencode({**kept, "before": following}) if following else "",
    }  # fmt: skip
    return render(request, "outreach/list.html", facts | WORDS)


@require_safe
@needs("outreach.see")
def one(request: StaffRequest, number: int) -> HttpResponse:
    """One outreach. Six SQL queries: who asks, itself, how it stands, segments, what was done, its people; once it was
    started a seventh, for who was found since.
    """
    outreach = queries.outreach_called(number)
    filters = queries.Filters.read(request.GET)
    after = read_uuid(request.GET.get("after", ""))
    rows = queries.people(outreach.pk, filters, places=visible_places(request.user), after=after)
    limit = limit_of(request.user.role)
    progress = queries.progress_of(outreach.pk)
    kept = {name: value for name, value in filters._asdict().items() if value}
    facts: dict[str, Any] = {
        "outreach": outreach, "progress": progress, "segments": list(outreach.segments.all()), "filters": filters,
        "entries": list(outreach.entries.select_related("by").order_by("-id")[:50]), "rows": rows[: queries.PAGE],
        "after": after, "kept": urlencode(kept), "now": timezone.now(),
        "next": urlencode({**kept, "after": rows[queries.PAGE - 1].id}) if len(rows) > queries.PAGE else "",
        "limit": limit, "within": limit.covers(progress.most_each, progress.at_most),
        "mine": outreach.asked_by_id == request.user.pk,
        "found_since": queries.found_since(outreach) if outreach.started_at else 0,
    }  # fmt: skip
    return render(request, "outreach/one.html", facts | WORDS)


@require_safe
@needs("outreach.see")
def live(request: StaffRequest, number: int) -> HttpResponse:
    """How it stands, asked again while it runs, or while it is worked out who is told. Three SQL queries."""
    outreach = queries.outreach_called(number)
    if outreach.draw_asked_at:
        return render(request, "outreach/_drawing.html", {"outreach": outreach, "now": timezone.now()})
    if "drawing" in request.GET:
        return HttpResponse(headers={"HX-Refresh": "true"})  # there are people now, and other things to do
    facts = {"outreach": outreach, "progress": queries.progress_of(outreach.pk), "now": timezone.now()}
    return render(request, "outreach/_progress.html", facts | WORDS)


@require_safe
@needs("outreach.see")
def outcome(request: StaffRequest, number: int) -> HttpResponse:
    """What it brought, on a page of its own: with many people it takes seconds. Three SQL queries."""
    outreach, now = queries.outreach_called(number), timezone.now()
    found = results.results_of(outreach, now=now)
    facts = {
        "outreach": outreach, "results": found, "now": now, "full": results.complete_from(outreach, 60),
        "reading": results.reading(found) if found else "", "fewest": results.FEWEST,
        "spec": page_spec(results.picture(found)) if found and found.measures[0].effect else None,
    }  # fmt: skip
    return render(request, "outreach/results.html", facts | WORDS)


@require_safe
@needs("outreach.see")
def export(request: StaffRequest, number: int) -> HttpResponseBase:
    """Its people as a file, with the filters of the page. Two SQL queries and one per thousand people."""
    outreach = queries.outreach_called(number)
    rows = queries.every(outreach.pk, queries.Filters.read(request.GET), places=visible_places(request.user))
    return csv_response(f"O-{number}.csv", _HEAD, (_line(row) for row in rows))


_HEAD = ("name", "email", "orders", "value", "currency", "segment", "language", "state", "why", "wrote", "offered",
         "case", "told_at", "answer")  # fmt: skip


def _line(row: queries.PersonRow) -> tuple[object, ...]:
    return (row.name, row.email, " ".join(row.refs), row.value, row.currency, row.segment, row.language, row.state,
            row.why, row.wrote, row.amount, f"C-{row.case}" if row.case else "", row.told_at, row.answer)  # fmt: skip


class NobodyThere(NotFound):
    code = "recipient_not_found"

    def __init__(self) -> None:
        super().__init__("There is nobody to show in this outreach, or they lie outside the places that you see.")


@require_safe
@needs("outreach.see")
def preview(request: StaffRequest, number: int) -> HttpResponse:
    """What each person reads, one after the other, or why they read nothing. Six SQL queries."""
    outreach = queries.outreach_called(number)
    filters, places = queries.Filters.read(request.GET), visible_places(request.user)
    after = read_uuid(request.GET.get("after", ""))
    found = queries.people(outreach.pk, filters, places=places, after=after, limit=1)
    if not found:
        if after is None:
            raise NobodyThere
        return redirect(f"{request.path}?{urlencode({k: v for k, v in filters._asdict().items() if v})}")
    row = found[0]
    segments = {segment.pk: segment for segment in outreach.segments.all()}
    [person] = sending.people([row.id])
    segment = segments.get(person.segment_id)
    kept = {name: value for name, value in filters._asdict().items() if value}
    facts = {
        "outreach": outreach, "row": row, "segment": segment, "filters": filters, "after": after,
        "words": sending.words_to(person, segment, f"C-{row.case}" if row.case else "C-…") if segment else None,
        "spoken": language_for(segment, person.language) if segment else "",
        "first": urlencode(kept), "next": urlencode({**kept, "after": row.id}) if len(found) > 1 else "",
    }  # fmt: skip
    return render(request, "outreach/preview.html", facts | WORDS)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None  # noqa: PLR2004  nobody has more
