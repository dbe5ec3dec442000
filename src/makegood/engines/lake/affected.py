"""Whom a failure may have hit: exposures in, affected orders and sums out. Nothing here knows where the tables are.

Exposures are one row per order line, with a column per dimension; what is not known is empty or null and fits nothing.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import ibis
import ibis.expr.types as ir

MOMENT = "timestamp('UTC', 6)"
QUARTER = 900  # seconds; every zone of today is a whole number of quarter hours away from UTC


class Cut(NamedTuple):
    """Rows with one of the values in every dimension named, and `at` from `since` on and before `until`.

    Without a dimension nothing is hit: a window alone is no failure.
    """

    any_of: Mapping[str, Sequence[str]]
    since: datetime | None = None
    until: datetime | None = None


def hit(exposures: ir.Table, cuts: Sequence[Cut]) -> ir.Table:
    """Rows that one of several cuts hits, each once."""
    return exposures.filter(ibis.or_(*(_is_hit(exposures, cut) for cut in cuts)))


def hit_with_fresh(exposures: ir.Table, fresh: ir.Table, cuts: Sequence[Cut]) -> ir.Table:
    """`hit` of exposures whose orders are replaced by those in `fresh`: all rows of an order are newer there."""
    # Cut first: then only what was hit has to be looked up among the fresh.
    old = hit(exposures, cuts).anti_join(fresh, "order_id")
    return old.union(hit(fresh, cuts).select(*old.columns))


def _is_hit(exposures: ir.Table, cut: Cut) -> ir.BooleanValue:
    if not cut.any_of:
        return ibis.literal(False)
    chosen = [exposures[name].isin(list(values)) for name, values in cut.any_of.items()]
    if cut.since:
        chosen.append(exposures.at >= _moment(cut.since))
    if cut.until:
        chosen.append(exposures.at < _moment(cut.until))
    return ibis.and_(*chosen)


def affected_orders(hits: ir.Table) -> ir.Table:
    """(order_id, customer_id, currency, at, value, lines): one row an order, of the lines that were hit."""
    return hits.group_by("order_id", "customer_id", "currency").aggregate(
        at=hits["at"].min().cast(MOMENT), value=hits["value"].sum(), lines=hits.count()
    )


def totals(hits: ir.Table) -> ir.Table:
    """(orders, customers): one row."""
    return hits.aggregate(orders=hits.order_id.nunique(), customers=hits.customer_id.nunique())


def value_by_currency(hits: ir.Table) -> ir.Table:
    """(currency, orders, value), the one with most orders first."""
    found = hits.group_by("currency").aggregate(orders=hits.order_id.nunique(), value=hits["value"].sum())
    return found.order_by(ibis.desc("orders"), "currency")


def orders_by_quarter(hits: ir.Table) -> ir.Table:
    """(quarter, orders): orders by the quarter of an hour they were placed in, numbered since 1970.

    Days differ from zone to zone; whoever draws adds up the quarters of a day there.
    """
    quarter = (hits["at"].epoch_seconds() / QUARTER).floor().cast("int64")
    return hits.group_by(quarter=quarter).aggregate(orders=hits.order_id.nunique()).order_by("quarter")


def most_hit(hits: ir.Table, dimension: str, *, limit: int, containing: str = "") -> ir.Table:
    """(value_of, orders, value): the values of a dimension with most orders; those that contain some words, in whatever
    case, where any are given. The unknown one is left out.
    """
    known = hits.filter(hits[dimension] != "")
    if containing:
        known = known.filter(known[dimension].lower().contains(containing.lower()))
    found = known.group_by(value_of=known[dimension]).aggregate(
        orders=known.order_id.nunique(), value=known["value"].sum()
    )
    return found.order_by(ibis.desc("orders"), "value_of").limit(limit)


def _moment(at: datetime) -> ir.TimestampScalar:
    return ibis.literal(at, type=MOMENT)
