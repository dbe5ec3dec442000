"""What is to be seen once the demo stands: cases by reason, what is open, what rose."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection
from django.utils import timezone

from makegood.app.demo.hidden import BATCH, HIDDEN, Hidden
from makegood.app.demo.incident import own
from makegood.ground.retail.models import Place, Product, Vendor
from makegood.lead.scorecards.report import WeeklyReport
from makegood.lead.scorecards.services.weekly import time_zone, weekly_report
from makegood.lead.scorecards.weeks import Week
from makegood.prevent.incidents.models import Incident
from makegood.prevent.lake import refresh_lake
from makegood.prevent.signals.errors import DetectionBusy
from makegood.prevent.signals.models import Signal
from makegood.prevent.signals.services.detecting import tick
from makegood.prevent.slices import Predicate
from makegood.prevent.slices_in_words import Names


@dataclass(frozen=True)
class Open:
    """The open cases at a moment."""

    total: int
    overdue: int
    due_today: int  # within the next 24 hours
    unassigned: int


def cases_by_reason() -> list[dict[str, Any]]:
    """Every reason with its cases, all and open, most first. One SQL query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT r.code, r.name, count(*), count(*) FILTER (WHERE c.resolved_at IS NULL)
            FROM cases_case c JOIN cases_reason r ON r.id = c.reason_id
            GROUP BY r.code, r.name ORDER BY count(*) DESC, r.code
            """
        )
        return [{"code": code, "reason": name, "cases": cases, "open": still} for code, name, cases, still in cursor]


def open_at(moment: datetime) -> Open:
    """Open cases, seen from a moment. One SQL query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT count(*), count(*) FILTER (WHERE due_at < %(now)s::timestamptz),
                   count(*) FILTER (WHERE due_at >= %(now)s::timestamptz AND due_at < %(soon)s::timestamptz),
                   count(*) FILTER (WHERE assignee_id IS NULL)
            FROM cases_case WHERE resolved_at IS NULL
            """,
            {"now": moment, "soon": moment + timedelta(days=1)},
        )
        return Open(*cursor.fetchone())


def loudest_rises(end: datetime, *, weeks: int = 12, most: int = 6) -> list[dict[str, Any]]:
    """What rose furthest beyond chance in the last full weeks: reasons, and late deliveries by route. Each once.

    Brings the lake up to date first, from scratch: a demo that was wiped has left facts behind.
    """
    refresh_lake(now=timezone.now(), full=True)
    zone = time_zone()
    last = Week.of(end, zone).plus(-1)
    loudest: dict[str, tuple[float, dict[str, Any]]] = {}
    for back in range(weeks):
        for what, week, cases, expected in _rises(weekly_report(week=str(last.plus(-back)), now=end)):
            loud = (cases - expected) / max(expected, 1.0) ** 0.5
            if loud > loudest.get(what, (0.0, {}))[0]:
                loudest[what] = loud, {"what": what, "week": week, "cases": cases, "expected": round(expected, 1)}
    return [row for _, row in sorted(loudest.values(), key=lambda rise: -rise[0])[:most]]


@dataclass(frozen=True)
class Found:
    """A signal, and the failure that was hidden where it looks; empty: none of those."""

    signal: str
    hidden: str
    words: str
    found_at: datetime
    since: datetime
    observed: int
    expected: float


def signals_found(end: datetime) -> list[Found]:
    """Have detection look at the whole year of a demo, and hold every signal against what is hidden in it.

    A signal is of a hidden failure when it names a part of where that is, contradicts nothing of it, and was found
    while it lasted or within eight weeks after (a fault may show that late).
    """
    with suppress(DetectionBusy):  # the worker is at it
        tick(end)
    signals = list(Signal.objects.filter(rule=None).order_by("raised_at"))
    names = Names.of(signal.slice for signal in signals)
    where = {row.name: {**_values(row), "reason": row.reason} for row in HIDDEN.values()}
    return [
        Found(str(it), _hidden(it, where, end), names.of_slice(it.slice), it.raised_at, it.since, it.observed,
              round(it.expected, 3))
        for it in signals
    ]  # fmt: skip


def incident_owned(signals: Sequence[Found], end: datetime) -> Incident | None:
    """The incident of the faulty batch: as it is, or else played through from the first signal that was of it.

    None: there was no such signal, or it came too late.
    """
    known = Incident.objects.order_by("number").first()
    found = next((it for it in signals if it.hidden == BATCH), None)
    if known or found is None:
        return known
    signal = Signal.objects.get(number=int(found.signal.removeprefix("S-")))
    any_of = {name: [value] for name, value in _values(HIDDEN[BATCH]).items()}
    return own(signal, Predicate(any_of={"reason": [HIDDEN[BATCH].reason], **any_of}), name=BATCH, end=end)


def _hidden(signal: Signal, where: Mapping[str, Mapping[str, str]], end: datetime) -> str:
    for name, slice_ in where.items():
        since, until = HIDDEN[name].window(end)
        since -= timedelta(days=1)  # on its first day it failed from the morning on
        named = (signal.slice.keys() & slice_.keys()) - {"reason"}
        agrees = all(signal.slice[dimension] == slice_[dimension] for dimension in named)
        # A lost parcel also opens cases by itself, for another reason; a category alone is no place.
        told = signal.slice.get("reason") in (None, slice_["reason"]) or len(named) > 1
        if agrees and told and named - {"category"} and since <= signal.raised_at <= until + timedelta(weeks=8):
            return name
    return ""


_IN_SLICES: Final[Mapping[str, tuple[str, type[Vendor | Place | Product]]]] = {
    "carrier_ref": ("carrier", Vendor), "warehouse_ref": ("warehouse", Place), "product_ref": ("product", Product),
    "place_ref": ("store", Place), "district_ref": ("district", Place),
}  # fmt: skip


def _values(row: Hidden) -> dict[str, str]:
    """Where it is hidden, as slices name it."""
    found = {}
    for column, value in row.where.items():
        if column in _IN_SLICES:
            dimension, model = _IN_SLICES[column]
            found[dimension] = str(model.objects.get(ref=value).pk)
        else:
            found[column] = value
    return found


def _rises(report: WeeklyReport) -> Iterator[tuple[str, str, int, float]]:
    """What lies above its limits in a week."""
    for count in report.reasons:
        if count.outside == "above" and count.expected is not None:
            yield count.name, report.week, count.cases, count.expected
    for ranking in report.late_by:
        if ranking.by == "routes":
            for row in ranking.rows:
                if row.outside and row.expected is not None:
                    yield f"Late: {row.name}", report.week, row.late, row.expected
