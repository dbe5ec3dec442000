"""What a change brought, from the weeks before and since: counted, compared, judged.

A week counts the orders placed in it and, of these, the cases opened within so many days of their purchase. Every week
is so watched equally long, and a week is looked at only when that time has passed.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from math import isfinite, sqrt
from typing import TYPE_CHECKING, Any, Final

import msgspec
import numpy as np
from django.db import connection
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from makegood.engines.statistics import CannotTell, Effect, Range, Series, effect, periods_needed
from makegood.prevent import casing
from makegood.prevent.improvements.models import Hypothesis, Verdict
from makegood.prevent.lake import facts, lake_state
from makegood.prevent.slices import DIMENSIONS
from makegood.recover.cases.unasked import OURS

if TYPE_CHECKING:
    import ibis.expr.types as ir

HISTORY: Final = 104  # weeks before the start
WEEK: Final = timedelta(days=7)
Slices = Mapping[str, Sequence[str]]
Three = tuple[float | None, float | None, float | None]  # value, from, to; None: without limit


@dataclass(frozen=True, kw_only=True)
class Counted:
    """Cases and orders of consecutive weeks from `first`, a Monday; of the slice and of what it is compared with."""

    first: date
    cases: NDArray[np.float64]
    orders: NDArray[np.float64]
    beside_cases: NDArray[np.float64] | None = None
    beside_orders: NDArray[np.float64] | None = None

    @property
    def until(self) -> date:
        return self.first + WEEK * len(self.cases)

    def at(self, monday: date) -> int:
        """Which week begins on that Monday."""
        return (monday - self.first).days // 7


class Finding(msgspec.Struct, kw_only=True):
    """One look, as it is kept. Arrays go by week."""

    first: date
    cases: list[float]
    orders: list[float]
    beside_cases: list[float] | None = None
    beside_orders: list[float] | None = None
    start: int | None = None  # the first whole week with the change; None: it was planned only
    end: int | None = None  # the week from which on there is a verdict in any case
    cannot: str = ""  # why nothing can be told yet
    needed: int | None = None  # weeks with the change, to see what is hoped for
    hoped: float = 1.0
    ratio: Three | None = None
    always: Three | None = None
    at_end: Three | None = None
    avoided: Three | None = None
    avoided_always: Three | None = None
    expected: list[float] | None = None
    low: list[float] | None = None
    high: list[float] | None = None
    dispersion: float = 1.0
    autocorrelation: float = 0.0
    seasonal: bool = False
    before: int = 0
    after: int = 0
    why: str = ""  # of the verdict: shown, at_end, too_small, nothing_at_end

    @classmethod
    def read(cls, kept: Mapping[str, Any]) -> "Finding":
        return msgspec.convert(kept, cls)

    def by_week(self) -> list[dict[str, Any]]:
        """Each week: its Monday, orders, cases, and what was to be expected without the change."""
        return [
            {"from": self.first + WEEK * week, "orders": orders, "cases": cases,
             "expected": self.expected[week] or None if self.expected else None}
            for week, (cases, orders) in enumerate(zip(self.cases, self.orders, strict=True))
        ]  # fmt: skip

    def kept(self) -> dict[str, Any]:
        """For a JSON column. What has no limit is null."""
        found: dict[str, Any] = json.loads(msgspec.json.encode(self))
        return found


# -- counting


def countable_until(now: datetime, within_days: int) -> date:
    """The Monday before which every week was watched long enough, and is in the lake."""
    copied = lake_state().refreshed_at
    day = (min(now, copied) if copied else now).astimezone(UTC).date() - timedelta(days=within_days)
    return day - timedelta(days=day.weekday())


def first_whole_week(day: date) -> date:
    """The Monday on or after a day."""
    return day + timedelta(days=-day.weekday() % 7)


def count(hypothesis: Hypothesis, *, first: date, until: date) -> Counted:
    """Weeks from Monday `first` until Monday `until` (UTC). One SQL query for cases, one of the lake for orders."""
    n = max((until - first).days // 7, 0)
    cases, orders = np.zeros((2, n)), np.zeros((2, n))
    if n:
        for week, mine, others in _cases(hypothesis, first, until):
            cases[:, week] = mine, others
        for week, mine, others in _orders(hypothesis, first, until):
            orders[:, week] = mine, others
    # Before the slice had any order there is no history.
    begun = int(np.argmax(orders[0] > 0)) if orders[0].any() else 0
    # In a week without orders nothing could fail; what was opened there has an order elsewhere, or none.
    cases = np.where(orders > 0, cases, 0)[:, begun:]
    orders = orders[:, begun:]
    compared = hypothesis.beside != Hypothesis.Beside.NOTHING
    return Counted(
        first=first + WEEK * begun, cases=cases[0], orders=orders[0],
        beside_cases=cases[1] if compared else None, beside_orders=orders[1] if compared else None,
    )  # fmt: skip


def _moment(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _cases(hypothesis: Hypothesis, first: date, until: date) -> list[tuple[int, int, int]]:
    within = timedelta(days=hypothesis.within_days)
    values: dict[str, Any] = {
        "first": _moment(first), "until": _moment(until), "opened_until": _moment(until) + within, "within": within,
    }  # fmt: skip
    mine = _sql(hypothesis.any_of, "mine", values)
    reason = {name: of for name, of in hypothesis.any_of.items() if DIMENSIONS[name].from_case}
    others = {
        Hypothesis.Beside.NOTHING: "false",
        Hypothesis.Beside.REST: f"{_sql(reason, 'reason', values)} AND NOT coalesce({mine}, false)",
        Hypothesis.Beside.SLICE: _sql(hypothesis.beside_any_of, "others", values),
    }[Hypothesis.Beside(hypothesis.beside)]
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT floor(extract(epoch FROM at - %(first)s) / 604800)::int AS week,
                   count(*) FILTER (WHERE {mine}), count(*) FILTER (WHERE {others})
            FROM (
                SELECT told.*, coalesce(exposed_at, opened_at) AS at
                FROM ({casing.SQL} WHERE NOT {OURS.format("c")}) AS told
                WHERE opened_at >= %(first)s AND opened_at < %(opened_until)s
            ) AS told
            WHERE at >= %(first)s AND at < %(until)s AND opened_at < at + %(within)s
            GROUP BY week
            """,
            values,
        )
        found: list[tuple[int, int, int]] = cursor.fetchall()
        return found


def _sql(any_of: Slices, prefix: str, values: dict[str, Any]) -> str:
    values |= {f"{prefix}_{name}": list(of) for name, of in any_of.items()}
    return "(" + (" AND ".join(f"{name} = ANY(%({prefix}_{name})s)" for name in any_of) or "true") + ")"


def _orders(hypothesis: Hypothesis, first: date, until: date) -> list[tuple[int, int, int]]:
    import ibis  # noqa: PLC0415  the pages that only show a look never ask

    with facts() as lake:
        lines = lake["exposures"].filter(
            lambda it: (it.at >= ibis.literal(_moment(first))) & (it.at < ibis.literal(_moment(until)))
        )
        mine = _ibis(lines, hypothesis.any_of)
        others = {
            Hypothesis.Beside.NOTHING: lambda: ibis.literal(False),
            Hypothesis.Beside.REST: lambda: ~mine,
            Hypothesis.Beside.SLICE: lambda: _ibis(lines, hypothesis.beside_any_of),
        }[Hypothesis.Beside(hypothesis.beside)]()
        week = ((lines.at.epoch_seconds() - int(_moment(first).timestamp())) // 604800).cast("int32")
        asked = lines.group_by(week=week).aggregate(
            mine=lines.order_id.nunique(where=mine), others=lines.order_id.nunique(where=others)
        )
        return [(row["week"], row["mine"], row["others"]) for row in lake.answer(asked).to_pylist()]


def _ibis(lines: "ir.Table", any_of: Slices) -> "ir.BooleanValue":
    import ibis  # noqa: PLC0415  see above

    matching: ir.BooleanValue = ibis.literal(True)
    for name, of in any_of.items():
        if not DIMENSIONS[name].from_case:
            matching = matching & lines[name].isin(list(of))
    return matching


# -- comparing


def find(
    counted: Counted, *, percent: int, by_when: date, started_on: date | None, finished_on: date | None
) -> Finding:
    """What these weeks say about a change that was hoped to bring `percent` fewer by then. Pure."""
    hoped = 1 - percent / 100
    found = Finding(
        first=counted.first, cases=counted.cases.tolist(), orders=counted.orders.tolist(), hoped=hoped,
        beside_cases=None if counted.beside_cases is None else counted.beside_cases.tolist(),
        beside_orders=None if counted.beside_orders is None else counted.beside_orders.tolist(),
    )  # fmt: skip
    begins = first_whole_week(started_on) if started_on else counted.until
    start = counted.at(begins)
    series, beside = _series(counted, start if started_on and started_on < begins else None)
    ramp = max((first_whole_week(finished_on) - begins).days // 7, 0) if finished_on else 0
    if started_on:
        found.start, found.end = start, max(counted.at(by_when - timedelta(days=by_when.weekday())), start + 1)
    if start < 0:
        found.cannot = _("no orders are known from before the start.")
        return found
    try:
        found.needed = periods_needed(series, hoped=hoped, start=start, comparison=beside, ramp=ramp)
        if found.start is None:
            return found
        now = effect(series, start=start, comparison=beside, hoped=hoped, ramp=ramp)
    except CannotTell as why:
        found.cannot = str(why)
        return found
    _note(found, now)
    if found.end is not None and found.end <= len(series.counts):
        end = found.end
        short = effect(
            Series(series.counts[:end], series.exposure[:end]), start=start, hoped=hoped, ramp=ramp,
            comparison=beside and Series(beside.counts[:end], beside.exposure[:end]),
        )  # fmt: skip
        found.at_end = three(short.ratio)
    return found


def _series(counted: Counted, broken: int | None) -> tuple[Series, Series | None]:
    """For the regression. The week in which the change began says nothing."""
    kept = np.ones(len(counted.cases))
    if broken is not None and 0 < broken <= len(kept):
        kept[broken - 1] = 0
    series = Series(counted.cases * kept, counted.orders * kept)
    if counted.beside_cases is None or counted.beside_orders is None:
        return series, None
    return series, Series(counted.beside_cases * kept, counted.beside_orders * kept)


def _note(found: Finding, now: Effect) -> None:
    found.ratio, found.always = three(now.ratio), three(now.always)
    found.avoided, found.avoided_always = three(now.avoided), three(now.avoided_always)
    found.expected, found.low, found.high = (
        [round(value, 3) for value in array.tolist()] for array in (now.expected, now.expected_low, now.expected_high)
    )
    found.dispersion, found.autocorrelation, found.seasonal = now.dispersion, now.autocorrelation, now.seasonal
    found.before, found.after = now.before, now.after


def three(found: Range) -> Three:
    """A range as it is kept: what has no limit is None."""
    value, low, high = (number if isfinite(number) else None for number in found)
    return value, low, high


# -- judging


def judge(found: Finding) -> tuple[Verdict, str]:
    """The verdict of a look, and which line of the table gave it.

    | what is known | verdict |
    |---|---|
    | the always-valid interval leaves out "no effect", on the side hoped for | worked: shown |
    | the planned end is reached, and the interval of that one look does so | worked: at_end |
    | the always-valid interval leaves out what was hoped for | did not: too_small |
    | the planned end is reached | did not: nothing_at_end |
    | anything else | not yet known |

    The two ways to "worked" err on that side in 2.5 % of changes without effect each, together in 5 % at most.
    """
    if found.always and found.always[2] is not None and found.always[2] < 1:
        return Verdict.WORKED, "shown"
    if found.at_end and found.at_end[2] is not None and found.at_end[2] < 1:
        return Verdict.WORKED, "at_end"
    if found.always and found.always[1] is not None and found.always[1] > found.hoped:
        return Verdict.DID_NOT, "too_small"
    if found.ratio and found.end is not None and found.end <= len(found.cases):
        return Verdict.DID_NOT, "nothing_at_end"
    return Verdict.UNKNOWN, ""


def came_back(counted: Counted, *, started_on: date, judged_until: date, reached: float) -> bool:
    """Whether what an improvement had reached is lost: a pure check of the weeks since the verdict.

    Two things together: the rate since the verdict, against the weeks before the change, is above the ratio that had
    been reached by the always-valid interval; and more than half of the gain is gone by the best estimate. `reached` is
    the larger of the ratio at the verdict and the one hoped for: a verdict falls when things look best.
    """
    begins, since = counted.at(first_whole_week(started_on)), counted.at(judged_until)
    if begins <= 0 or since >= len(counted.cases):
        return False
    series, beside = _series(counted, None)
    kept = np.ones(len(series.counts))
    kept[begins - 1 : since] = 0
    masked = [each and Series(each.counts * kept, each.exposure * kept) for each in (series, beside)]
    try:
        now = effect(masked[0] or series, start=since, comparison=masked[1], hoped=reached)
    except CannotTell:
        return False
    return now.always.low > reached and now.ratio.value > sqrt(reached)


def in_words(found: Finding, verdict: str) -> str:
    """One look in one sentence."""
    if found.cannot:
        return _("Nothing can be told yet: %(why)s") % {"why": found.cannot}
    if found.ratio is None:
        if found.needed is None:
            return _("So small a change would not be seen in five years: hope for more, or take a larger slice.")
        return _("If it helps as hoped, %(n)s weeks with the change will show it (in four of five such cases).") % {
            "n": found.needed
        }
    said = _(
        "%(change)s cases per order than to be expected without the change (95 %%: %(low)s to %(high)s), %(n)s weeks."
    )
    ratio, low, high = (_change(each) for each in found.ratio)
    return f"{Verdict(verdict).label}: {said % {'change': ratio, 'low': low, 'high': high, 'n': found.after}}"


def _change(ratio: float | None) -> str:
    if ratio is None:
        return _("no limit")
    many = abs(round(100 * (ratio - 1)))
    return _("%(n)s %% fewer") % {"n": many} if ratio < 1 else _("%(n)s %% more") % {"n": many}


def percent(ratio: float | None) -> str:
    """A ratio as people say it: 0.7 is 30 % fewer."""
    return _("no limit") if ratio is None else f"{100 * (ratio - 1):+.0f} %".replace("-", "−")  # noqa: RUF001  a minus
