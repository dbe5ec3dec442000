"""Signals as a list, one signal, and what people make of it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from makegood.ground.staff.access import needs
from makegood.ground.staff.http import StaffRequest
from makegood.ground.staff.models import User
from makegood.ground.staff.scope import visible_places
from makegood.ground.web.charts import page_spec
from makegood.ground.web.exports import csv_response
from makegood.prevent.signals import charts, extensions
from makegood.prevent.signals.errors import NobodyJudges, SnoozeInThePast
from makegood.prevent.signals.models import Acceptance, Detection, Signal, State
from makegood.prevent.signals.queries import listing, one
from makegood.prevent.signals.services import judging
from makegood.prevent.signals.services.telling import judges
from makegood.prevent.signals.words import STATES, excess, happened, heading, why_not
from makegood.prevent.slices import DIMENSIONS
from makegood.prevent.slices_in_words import Names
from makegood.recover.cases.models import Status
from makegood.recover.cases.queries.queue import Cursor

SNOOZES: Final = {
    "1": gettext_lazy("Until tomorrow"), "7": gettext_lazy("For a week"), "30": gettext_lazy("For 30 days"),
    "doubled": gettext_lazy("Until its cases double"),
}  # fmt: skip


@require_safe
@needs("signals.see")
def signals(request: StaffRequest) -> HttpResponse:
    """One page. At most six SQL queries: who asks, rows, their number, names, the detection, what is accepted."""
    me, now = request.user, timezone.now()
    filters = listing.Filters.read(request.GET)
    after = Cursor.read(request.GET.get("after", ""))
    rows, following = listing.page(filters, me=me, after=after)
    number = listing.count(filters, me=me) if after or following else len(rows)
    accepted = list(Acceptance.objects.exclude(until__lte=now).select_related("by").order_by("-at")[:50])
    names = Names.of([*(row.slice for row in rows), *(it.slice for it in accepted)])
    facts = {
        "rows": [(row, names.of_slice(row.slice), excess(row)) for row in rows], "filters": filters, "after": after,
        "following": following, "now": now, "states": STATES, "dimensions": _dimensions(),
        "number": f"{listing.COUNT_UP_TO:,}+" if number > listing.COUNT_UP_TO else f"{number:,}",
        "detection": Detection.objects.filter(ended_at=None).first(), "one_in": settings.MAKEGOOD_ONE_FALSE_ALARM_IN,
        "accepted": [(it, names.of_slice(it.slice)) for it in accepted],
    }  # fmt: skip
    return render(request, "signals/list.html", facts)


@require_safe
@needs("signals.see")
def export(request: StaffRequest) -> HttpResponseBase:
    """The list as a file, with the filters of the page. Two SQL queries and one per thousand rows."""
    rows = list(listing.every(listing.Filters.read(request.GET), me=request.user))
    names = Names.of(row.slice for row in rows)
    return csv_response("signals.csv", _HEAD, (_line(row, names) for row in rows))


_HEAD = ("signal", "state", "slice", *DIMENSIONS, "since", "raised_at", "closed_at", "observed", "expected",
         "excess_low", "excess_high", "evidence", "found_by", "owner", "dismissed_because")  # fmt: skip


def _line(row: listing.Row, names: Names) -> tuple[object, ...]:
    return (f"S-{row.number}", row.state, names.of_slice(row.slice), *(row.slice.get(name, "") for name in DIMENSIONS),
            row.since, row.raised_at, row.closed_at, row.observed, round(row.expected, 3), round(row.excess_low, 3),
            round(row.excess_high, 3), round(row.evidence, 3), row.found_by, row.owner,
            row.dismissed_because)  # fmt: skip


@require_safe
@needs("signals.see")
def signal(request: StaffRequest, number: int) -> HttpResponse:
    """One signal. At most seven SQL queries: who asks, the signal, its days, cases, history, names, who may own it."""
    me, now = request.user, timezone.now()
    it = listing.find_signal(number)
    series = one.series(it, now=now, zone=timezone.get_current_timezone_name())
    cases, within, in_all = one.examples(it.pk, places=visible_places(me))
    events, left_out = one.history(it.pk)
    slices = [it.slice, *(near["slice"] for near in it.neighbours)]
    names = Names.of([*slices, *(event.facts.get("slice", {}) for event in events)])
    may_judge = me.has_perm("signals.judge")
    facts = {
        "signal": it, "heading": heading(it, names), "in_words": names.of_slice(it.slice), "excess": excess(it),
        "parts": [(str(DIMENSIONS[name].label), names.value(name, it.slice[name])) for name in DIMENSIONS
                  if name in it.slice],
        "state": STATES[State(it.state)], "now": now, "series": series, "reading": charts.reading(it, series),
        "spec": page_spec(charts.cases(it, series)) if not series.is_empty else None,
        "cases": cases, "within": within, "in_all": in_all, "statuses": dict(Status.choices),
        "neighbours": [(near, names.of_slice(near["slice"]), why_not(near["why"])) for near in it.neighbours],
        "history": [(event, happened(event, names)) for event in events], "left_out": left_out,
        "may_judge": may_judge, "undoable": _undoable(it, events), "snoozes": SNOOZES,
        "judges": [(user.username, user.display_name) for user in judges()] if may_judge else [],
        "offers": [offer for make in extensions.offers if (offer := make(it, me))],
    }  # fmt: skip
    return render(request, "signals/signal.html", facts)


@require_POST
@needs("signals.judge")
def watch(request: StaffRequest, number: int) -> HttpResponse:
    """Keep an eye on it."""
    return _judged(request, number, _("You watch it."),
                   lambda it, now: judging.watch(signal_id=it.pk, by=request.user, now=now))  # fmt: skip


@require_POST
@needs("signals.judge")
def snooze(request: StaffRequest, number: int) -> HttpResponse:
    """Put it aside."""
    chosen = request.POST.get("until", "")
    if chosen not in SNOOZES:
        raise SnoozeInThePast
    doubled = chosen == "doubled"

    def put_aside(it: Signal, now: datetime) -> Signal:
        until = None if doubled else now + timedelta(days=int(chosen))
        return judging.snooze(signal_id=it.pk, by=request.user, now=now, until=until, doubled=doubled)

    return _judged(request, number, _("Put aside: %(until)s.") % {"until": SNOOZES[chosen]}, put_aside)


@require_POST
@needs("signals.judge")
def dismiss(request: StaffRequest, number: int) -> HttpResponse:
    """There is nothing to do about it; perhaps known and accepted for the time to come."""
    why, accept = request.POST.get("why", "").replace("\0", ""), bool(request.POST.get("accept"))
    days = request.POST.get("days", "")

    def say(it: Signal, now: datetime) -> Signal:
        until = now + timedelta(days=int(days)) if days in ("90", "365") else None
        return judging.dismiss(signal_id=it.pk, by=request.user, now=now, why=why, accept=accept, accept_until=until)

    return _judged(request, number, _("Known and accepted.") if accept else _("Dismissed."), say)


@require_POST
@needs("signals.judge")
def assign(request: StaffRequest, number: int) -> HttpResponse:
    """Give it to somebody, or to nobody."""
    username = request.POST.get("owner", "").replace("\0", "")[:150]
    owner = User.objects.filter(username=username).first() if username else None
    if username and owner is None:
        raise NobodyJudges(username)
    says = _("It is %(who)s's now.") % {"who": owner.display_name} if owner else _("It is nobody's now.")
    return _judged(request, number, says,
                   lambda it, now: judging.assign(signal_id=it.pk, owner=owner, by=request.user, now=now))  # fmt: skip


@require_POST
@needs("signals.judge")
def undo(request: StaffRequest, number: int) -> HttpResponse:
    """Take the last judgement back."""
    return _judged(request, number, _("Taken back."),
                   lambda it, now: judging.undo(signal_id=it.pk, by=request.user, now=now))  # fmt: skip


@require_POST
@needs("signals.judge")
def end_acceptance(request: StaffRequest, acceptance_id: Any) -> HttpResponse:
    """It is not accepted any more."""
    judging.end_acceptance(acceptance_id=acceptance_id, by=request.user, now=timezone.now())
    messages.success(request, _("Not accepted any more: what is found there calls again."))
    return redirect("signals:list")


def _judged(request: StaffRequest, number: int, says: str, write: Callable[[Signal, datetime], Signal]) -> HttpResponse:
    write(listing.find_signal(number), timezone.now())
    messages.success(request, f"S-{number}: {says}")
    return redirect("signals:signal", number)


def _undoable(it: Signal, events: list[Any]) -> bool:
    """Whether the latest thing that was not learned was done by somebody and may be taken back."""
    last = next((event for event in events if event.kind not in ("raised", "updated", "closed")), None)
    return bool(last and "before" in last.facts and it.state != State.DECLARED)


def _dimensions() -> list[tuple[str, str]]:
    return [(name, str(dimension.label)) for name, dimension in DIMENSIONS.items()]
