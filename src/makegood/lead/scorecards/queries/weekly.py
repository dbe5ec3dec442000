"""The figures behind a weekly report, from the lake. No judgement and no words yet."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from makegood.engines.lake import weekly as ask
from makegood.engines.lake.read import Lake
from makegood.engines.statistics import Judged, judge_periods, p_limits
from makegood.prevent.lake import facts

TREND: Final = 26  # weeks shown
BASELINE: Final = 8  # quiet weeks that say what to expect of a week
REACH: Final = 16  # weeks among which they are looked for
WEEKS: Final = TREND + REACH
THIS: Final = WEEKS - 1
MICROSECONDS: Final = 1e6

Counts = NDArray[np.int64]


@dataclass(frozen=True)
class Slice:
    """Shipments of one state, route or seller: this week, in the weeks it is judged by, in the whole trend."""

    name: str
    due: int
    late: int
    due_before: int
    late_before: int
    due_long: int
    late_long: int


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Arrays have one entry a week, oldest first: `REACH` weeks that are not shown, then `TREND` that are."""

    orders: Counts
    cases: dict[str, Counts]  # by reason code
    due: Counts
    late: Counts
    late_judged: Judged
    slices: dict[str, list[Slice]]
    waits: dict[str, list[NDArray[np.float64]]] = field(repr=False)  # seconds, by "first_response_at", "resolved_at"
    last_moment: datetime | None  # of anything known

    @property
    def all_cases(self) -> Counts:
        return sum(self.cases.values(), np.zeros(WEEKS, dtype=np.int64))


SLICED_BY: Final = {"states": "to_state", "routes": "route", "sellers": "seller"}


def weekly_figures(
    *, bounds: Sequence[datetime], as_of: datetime, source: str = "", places: Sequence[uuid.UUID] | None = None
) -> Figures:
    """Ask the lake. No SQL in PostgreSQL; nine questions in the lake.

    Parameters
    ----------
    bounds : sequence of datetime, WEEKS + 1 of them
        Where the weeks begin; the last one is the end of the week reported on.
    as_of : datetime
        What became known later does not count.
    source : str
        Slug of a source, or all.
    places : sequence of UUID or None
        Only what belongs to these places; None for the whole company.
    """
    weeks = ask.Weeks(tuple(bounds))
    wanted = None if places is None else [str(place) for place in places]
    with facts() as lake:
        orders, shipments, cases = (
            ask.in_places(ask.of_source(lake[name], source), wanted) for name in ("orders", "shipments", "cases")
        )
        asked = ask.promises_due(shipments, weeks, as_of=as_of).select("week", "late", *SLICED_BY.values())
        promises = lake.keep("promises", asked)  # four questions are about it
        by_week = _rows(lake, ask.late_by_week(promises))
        due, late = _by_week(by_week, "due"), _by_week(by_week, "late")
        judged = judge_periods(late, due, chart=p_limits, span=BASELINE, reach=REACH)
        last = _rows(lake, ask.last_moments(orders, cases, as_of=as_of))
        return Figures(
            orders=_by_week(_rows(lake, ask.orders_due(orders, weeks, as_of=as_of)), "orders"),
            cases=_by_reason(_rows(lake, ask.cases_opened(cases, weeks, as_of=as_of))),
            due=due,
            late=late,
            late_judged=judged,
            slices={name: _slices(lake, promises, column, judged.baseline[THIS]) for name, column in SLICED_BY.items()},
            waits={
                until: _waits(lake.answer(ask.waits(cases, weeks, until=until, as_of=as_of)))
                for until in ("first_response_at", "resolved_at")
            },
            last_moment=max((row["moment"] for row in last if row["moment"]), default=None),
        )


def largest_source() -> str:
    """Slug of the source with most orders; empty for an empty lake."""
    with facts() as lake:
        rows = _rows(lake, ask.orders_by_source(lake["orders"]).limit(1))
    return str(rows[0]["source"]) if rows else ""


def _rows(lake: Lake, question: ir.Table) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = lake.answer(question).to_pylist()
    return rows


def _by_week(rows: list[dict[str, Any]], column: str) -> Counts:
    counts = np.zeros(WEEKS, dtype=np.int64)
    for row in rows:
        counts[row["week"]] = row[column]
    return counts


def _by_reason(rows: list[dict[str, Any]]) -> dict[str, Counts]:
    counts: dict[str, Counts] = {}
    for row in rows:
        counts.setdefault(row["reason"], np.zeros(WEEKS, dtype=np.int64))[row["week"]] = row["cases"]
    return counts


def _slices(lake: Lake, promises: ir.Table, column: str, baseline: NDArray[np.int64]) -> list[Slice]:
    asked = ask.late_by_slice(promises, column, this=THIS, baseline=baseline.tolist(), since=REACH)
    return [Slice(row.pop("slice"), **row) for row in _rows(lake, asked)]


def _waits(rows: pa.Table) -> list[NDArray[np.float64]]:
    """Seconds of calendar time, per week."""
    week = rows["week"].to_numpy()
    took = pc.subtract(rows["ended_at"], rows["asked_at"]).cast(pa.int64()).to_numpy() / MICROSECONDS
    return [took[week == number] for number in range(WEEKS)]
