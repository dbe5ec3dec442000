"""The questions of "what changed": what failed and what could have, in two spans of time, by what they have in common.

Every table that comes out has the dimensions that were asked for ("" where nobody knows), `span` (0: the earlier one,
1: the one that is asked about), `at` and `ref`, by which people find the thing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce

import ibis
import ibis.expr.types as ir

from makegood.engines.lake.weekly import MOMENT, settled


@dataclass(frozen=True, kw_only=True)
class Spans:
    """Two spans of time that do not meet; each ends before its second bound. What is known later does not count."""

    against: tuple[datetime, datetime]
    asked: tuple[datetime, datetime]
    as_of: datetime

    def of(self, table: ir.Table, moment: str) -> ir.Table:
        """Rows whose moment lies in one of the spans, with that as `at`."""
        at = table[moment]
        outer = [min(self.against[0], self.asked[0]), max(self.against[1], self.asked[1])]
        within = [
            (at >= _moment(starts)) & (at < _moment(ends)) for starts, ends in (self.against, self.asked)
        ]  # fmt: skip
        # The outer bounds let whole files be passed over unread.
        known = table.filter(at >= _moment(outer[0]), at < _moment(outer[1]), at <= _moment(self.as_of))
        return known.filter(within[0] | within[1]).mutate(span=within[1].cast("int8"), at=at)


def _moment(at: datetime) -> ir.TimestampScalar:
    return ibis.literal(at, type=MOMENT)


def orders_due(orders: ir.Table, exposures: ir.Table, spans: Spans, names: Sequence[str]) -> ir.Table:
    """Purchases that showed whether they went well, one row each, with whether they were `called_off` (0 or 1)."""
    due = spans.of(orders, "due_at")
    due = due.mutate(called_off=(due.cancelled_at.notnull() & (due.cancelled_at <= due.due_at)).cast("int64"))
    return _with(due, exposures, names, {}, ref=due.order_id)


def cases_opened(cases: ir.Table, exposures: ir.Table, spans: Spans, names: Sequence[str]) -> ir.Table:
    """Cases by when the customer came with them (see `weekly.cases_opened`). One without a purchase has what it knows
    itself: reason, place and channel.
    """
    opened = spans.of(cases, "asked_at")
    alone = opened.order_id.isnull()
    own = {
        "reason": opened.reason,
        "store": alone.ifelse(opened.place_id.fill_null(""), ibis.null("string")),
        "channel": alone.ifelse(opened.channel, ibis.null("string")),
    }
    return _with(opened, exposures, names, own, ref=opened.number.cast("string"))


def promises_due(shipments: ir.Table, exposures: ir.Table, spans: Spans, names: Sequence[str]) -> ir.Table:
    """Shipments whose promise came due, one row each, with whether they were `late` (see `weekly.promises_due`)."""
    due = settled(spans.of(shipments, "promised_at"))
    own = {"from_state": due.from_state, "to_state": due.to_state, "seller": due.seller_id}
    return _with(due, exposures, names, own, ref=due.order_id)


def _with(
    table: ir.Table, exposures: ir.Table, names: Sequence[str], own: Mapping[str, ir.Value], *, ref: ir.Value
) -> ir.Table:
    """Rows with their dimensions: what they know themselves, else what the lines of their purchase agree on."""
    known = {name: value.nullif("") for name, value in own.items() if name in names}
    rows = table.mutate(told_ref=ref, **{f"own_{name}": value for name, value in known.items()})
    bought = [name for name in names if name in exposures.columns]
    lines = exposures.semi_join(rows, exposures.order_id == rows.order_id)
    orders = lines.group_by(of_order=lines.order_id).aggregate(
        **{f"bought_{name}": (lines[name].min() == lines[name].max()).ifelse(lines[name].min(), "") for name in bought}
    )
    joined = rows.left_join(orders, rows.order_id == orders.of_order)
    values = {
        name: ibis.coalesce(
            *(joined[f"{of}_{name}"] for of, has in (("own", known), ("bought", bought)) if name in has), ""
        )
        for name in names
    }
    marks = [mark for mark in ("late", "called_off") if mark in table.columns]
    return joined.select("span", "at", *marks, ref=joined.told_ref, **values)


def counted(table: ir.Table, names: Sequence[str]) -> ir.Table:
    """(dimensions, before, after): rows in the two spans by what they have in common."""
    span = table.span
    return (
        table.group_by([*names])
        .aggregate(before=(span == 0).cast("int64").sum(), after=(span == 1).cast("int64").sum())
        .order_by([*names])
    )


def newest(table: ir.Table, slice_: Mapping[str, str], *, most: int) -> ir.Table:
    """(ref, at): the latest rows of a slice in the span that is asked about."""
    fits = reduce(lambda found, pair: found & (table[pair[0]] == pair[1]), slice_.items(), table.span == 1)
    return table.filter(fits).select("ref", "at").order_by(ibis.desc("at"), "ref").limit(most)
