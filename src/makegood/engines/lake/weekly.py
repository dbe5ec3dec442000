"""The questions of the weekly report: tables in, tables out. Nothing here knows where the tables are.

Every question takes the weeks it is about and `as_of`: what became known after that moment does not count.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import ibis
import ibis.expr.types as ir

MOMENT = "timestamp('UTC', 6)"


@dataclass(frozen=True)
class Weeks:
    """Weeks 0, 1, ... between consecutive bounds; a week ends before its second bound."""

    bounds: tuple[datetime, ...]

    def table(self) -> ir.Table:
        """(week, starts, ends), one row a week."""
        pairs = zip(self.bounds, self.bounds[1:], strict=False)
        rows = [{"week": week, "starts": starts, "ends": ends} for week, (starts, ends) in enumerate(pairs)]
        return ibis.memtable(rows, schema={"week": "int32", "starts": MOMENT, "ends": MOMENT})


def of_source(table: ir.Table, source: str) -> ir.Table:
    """Rows of one source; all rows for an empty name."""
    return table.filter(table.source == source) if source else table


def in_places(table: ir.Table, places: Sequence[str] | None) -> ir.Table:
    """Rows of these places; all rows, also those without a place, for None."""
    if places is None:
        return table
    return table.filter(table.place_id.isin(list(places))) if places else table.filter(ibis.literal(False))


def _in_weeks(table: ir.Table, moment: str, weeks: Weeks, as_of: datetime) -> ir.Table:
    """Rows whose moment falls into one of the weeks and is known by `as_of`, with that week."""
    at = table[moment]
    # The join alone would do; the outer bounds let whole files and row groups be passed over unread.
    known = table.filter(at >= _moment(weeks.bounds[0]), at < _moment(weeks.bounds[-1]), at <= _moment(as_of))
    week = weeks.table()
    return known.join(week, [known[moment] >= week.starts, known[moment] < week.ends])


def _moment(at: datetime) -> ir.TimestampScalar:
    return ibis.literal(at, type=MOMENT)


def orders_due(orders: ir.Table, weeks: Weeks, *, as_of: datetime) -> ir.Table:
    """(week, orders): purchases that showed in that week whether they went well. The exposure of cases.

    An order is due when it is delivered, promised or called off, whichever comes first; without any of these, when it
    is placed. The first of them is known when it happens, so a week's number is final when the week ends.
    """
    due = _in_weeks(orders, "due_at", weeks, as_of)
    return due.group_by("week").aggregate(orders=due.count()).order_by("week")


def cases_opened(cases: ir.Table, weeks: Weeks, *, as_of: datetime) -> ir.Table:
    """(week, reason, cases): cases by the code of their reason and the week in which the customer came with them:
    `asked_at`, which is when a case was opened, unless we opened it by writing first.
    """
    opened = _in_weeks(cases, "asked_at", weeks, as_of)
    return opened.group_by("week", "reason").aggregate(cases=opened.count()).order_by("week", "reason")


def promises_due(shipments: ir.Table, weeks: Weeks, *, as_of: datetime) -> ir.Table:
    """One row a shipment whose promise came due, with `week`, `route` and whether it was `late` (0 or 1).

    Late is what had not arrived when the promise passed: it is settled at that moment, whenever the parcel comes.
    Left out: shipments without a promise, called off before it passed, or marked delivered without saying when.
    """
    due = settled(_in_weeks(shipments, "promised_at", weeks, as_of))
    known = (due.from_state != "") & (due.to_state != "")
    route = known.ifelse(due.from_state.concat(" → ", due.to_state), "")
    return due.mutate(route=route)


def settled(shipments: ir.Table) -> ir.Table:
    """Shipments whose promise had to be kept, with whether they were `late` (0 or 1) when it passed."""
    due = shipments.filter(
        shipments.cancelled_at.isnull() | (shipments.cancelled_at > shipments.promised_at),
        shipments.delivered_at.notnull() | (shipments.order_status != "delivered"),
    )
    late = due.delivered_at.isnull() | (due.delivered_at > due.promised_at)
    return due.mutate(late=late.cast("int64"))


def late_by_week(promises: ir.Table) -> ir.Table:
    """(week, due, late) of `promises_due`."""
    return promises.group_by("week").aggregate(due=promises.count(), late=promises.late.sum()).order_by("week")


def late_by_slice(promises: ir.Table, by: str, *, this: int, baseline: Sequence[int], since: int) -> ir.Table:
    """(slice, due, late, due_before, late_before, due_long, late_long) of `promises_due` by one column.

    `this` is a week, `baseline` the weeks to compare with, and `_long` counts from week `since` to `this`.
    Rows without a value are left out.
    """
    named = promises.filter(promises[by] != "")
    now, before, long = (
        chosen.cast("int64")
        for chosen in (named.week == this, named.week.isin([*baseline] or [-1]), named.week.between(since, this))
    )
    return (
        named.group_by(slice=named[by])
        .aggregate(
            due=now.sum(), late=(now * named.late).sum(),
            due_before=before.sum(), late_before=(before * named.late).sum(),
            due_long=long.sum(), late_long=(long * named.late).sum(),
        )
        .order_by("slice")
    )  # fmt: skip


def waits(cases: ir.Table, weeks: Weeks, *, until: str, as_of: datetime) -> ir.Table:
    """(week, asked_at, ended_at): one row a case, by the week in which `until` happened; what was over before the
    customer came with it made nobody wait.
    """
    ended = _in_weeks(cases, until, weeks, as_of)
    return ended.filter(ended.asked_at <= ended[until]).select("week", "asked_at", ended_at=ended[until])


def orders_by_source(orders: ir.Table) -> ir.Table:
    """(source, orders), the largest first."""
    return orders.group_by("source").aggregate(orders=orders.count()).order_by(ibis.desc("orders"), "source")


def last_moments(orders: ir.Table, cases: ir.Table, *, as_of: datetime) -> ir.Table:
    """(moment): the last order due and the last case opened by `as_of`, for reports that have nothing to tell."""
    known = _moment(as_of)
    due = orders.filter(orders.due_at <= known).aggregate(moment=orders.due_at.max())
    opened = cases.filter(cases.asked_at <= known).aggregate(moment=cases.asked_at.max())
    return due.union(opened)
