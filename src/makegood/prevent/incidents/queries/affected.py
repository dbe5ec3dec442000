"""Affected orders as they stand: who wrote, who is silent, who was put right already."""

import json
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NamedTuple

from django.db import connection

from makegood.prevent.incidents.models import Incident, Snapshot

Places = Sequence[uuid.UUID] | None
PAGE: Final = 20
AT_ONCE: Final = 1000

# What is asked of each order. `wrote`: a case of it or of its customer, for a reason of the incident (or of one merged
# into it), opened since the window began, in which the customer said something: a case that we opened ourselves is no
# letter.
_SINCE: Final = "(SELECT min(since) FROM meant)"
_FITTING: Final = f"""
WITH meant AS MATERIALIZED (
    SELECT coalesce(since, '-infinity') AS since, any_of -> 'reason' AS reasons FROM incidents_incident
    WHERE id = %(incident)s OR merged_into_id = %(incident)s AND any_of <> '{{}}'
), fitting AS MATERIALIZED (
    SELECT c.order_id, c.customer_id, c.number FROM cases_case c JOIN cases_reason r ON r.id = c.reason_id
    WHERE c.opened_at >= {_SINCE}
      AND EXISTS (SELECT FROM meant WHERE c.opened_at >= since AND coalesce(reasons ? r.code, true))
      AND EXISTS (SELECT FROM cases_contact said WHERE said.case_id = c.id AND said.direction = 'in')
)
"""
# What is asked of single orders. Looked up in small tables by hand, so that a list walks down its index and ends early.
_WROTE: Final = """(a.order_id IN (SELECT order_id FROM fitting WHERE order_id IS NOT NULL)
    OR a.customer_id IN (SELECT customer_id FROM fitting WHERE customer_id IS NOT NULL))"""
_COMPENSATED: Final = f"""(EXISTS (
        SELECT FROM cases_case c
        WHERE c.order_id = a.order_id AND c.outcome IN ('recovered', 'partly') AND c.opened_at >= {_SINCE})
    OR EXISTS (
        SELECT FROM retail_return b WHERE b.order_id = a.order_id AND b.status = 'refunded'
        AND coalesce(b.refunded_at, b.requested_at) >= {_SINCE}))"""
_DISPUTED: Final = """EXISTS (
    SELECT FROM retail_payment p WHERE p.order_id = a.order_id AND lower(p.method) = 'chargeback')"""
_ADDED: Final = """coalesce(a.found_at > (
    SELECT min(at) FROM incidents_snapshot WHERE incident_id = %(incident)s AND finished_at IS NOT NULL), false)"""
FILTERS: Final = {
    "": "a.left_at IS NULL", "silent": f"a.left_at IS NULL AND NOT {_WROTE}",
    "wrote": f"a.left_at IS NULL AND {_WROTE}", "compensated": f"a.left_at IS NULL AND {_COMPENSATED}",
    "disputed": f"a.left_at IS NULL AND {_DISPUTED}", "added": f"a.left_at IS NULL AND {_ADDED}",
    "left": "a.left_at IS NOT NULL",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Counts:
    """How affected orders stand. Those that the predicate names no longer count in `left` only."""

    orders: int
    customers: int
    silent: int
    silent_customers: int
    wrote: int
    compensated: int
    disputed: int
    added: int
    left: int
    value: Sequence[tuple[str, Decimal]]  # currency, sum

    def of(self, which: str) -> int:
        """The number behind one of `FILTERS`."""
        return int(getattr(self, which or "orders"))


class Cursor(NamedTuple):
    """Where the page before ended."""

    value: Decimal
    id: uuid.UUID

    def __str__(self) -> str:
        return f"{self.value}~{self.id}"

    @classmethod
    def read(cls, text: str) -> "Cursor | None":
        """None for what is not one: the list then begins at the top."""
        value, _, last = text.partition("~")
        try:
            read = cls(Decimal(value), uuid.UUID(last))
        except (InvalidOperation, ValueError):
            return None
        return read if read.value.is_finite() else None


class Row(NamedTuple):
    """One affected order as the list shows it. Columns come in the order of `_ROWS`."""

    id: uuid.UUID
    order_id: uuid.UUID
    order: str
    placed_at: datetime
    customer_id: uuid.UUID
    customer: str
    email: str
    tier: str
    value: Decimal
    currency: str
    lines: int
    found_at: datetime
    left_at: datetime | None
    added: bool
    wrote: bool
    compensated: bool
    disputed: bool
    case: int | None  # the last one of a fitting reason

    @property
    def cursor(self) -> Cursor:
        return Cursor(self.value, self.id)


# Numbers of all were counted by the last look. Of those who wrote, were put right or took their payment back there are
# few: they are looked up among the affected, not the other way round.
_COUNTS: Final = f"""
{_FITTING}, kept AS MATERIALIZED (
    SELECT * FROM incidents_snapshot WHERE incident_id = %(incident)s AND finished_at IS NOT NULL
    ORDER BY at DESC LIMIT 1
), here AS NOT MATERIALIZED (
    -- What a look writes down at this moment does not count before it is finished.
    SELECT id, order_id, customer_id FROM incidents_affectedorder
    WHERE incident_id = %(incident)s AND left_at IS NULL AND found_at <= (SELECT at FROM kept)
), wrote AS MATERIALIZED (
    SELECT id, customer_id FROM here WHERE order_id IN (SELECT order_id FROM fitting)
    UNION SELECT id, customer_id FROM here WHERE customer_id IN (SELECT customer_id FROM fitting)
), compensated AS (
    SELECT id FROM here WHERE order_id IN (
        SELECT order_id FROM cases_case WHERE outcome IN ('recovered', 'partly') AND opened_at >= {_SINCE})
    UNION SELECT id FROM here WHERE order_id IN (
        SELECT order_id FROM retail_return
        WHERE status = 'refunded' AND coalesce(refunded_at, requested_at) >= {_SINCE})
), spoken AS (
    SELECT customer_id, count(*) AS orders FROM wrote GROUP BY customer_id
)
SELECT orders, customers, added, "left", worth::text, (SELECT count(*) FROM wrote),
    (SELECT count(*) FROM spoken
     WHERE orders = (SELECT count(*) FROM here WHERE here.customer_id = spoken.customer_id)),
    (SELECT count(*) FROM compensated),
    (SELECT count(*) FROM here
     WHERE order_id IN (SELECT order_id FROM retail_payment WHERE lower(method) = 'chargeback'))
FROM kept
"""


def counts(incident: Incident) -> Counts:
    """How the affected orders of an incident stand, all of them whoever asks, since the last finished look.

    One SQL query, which takes as long as there are cases since the window began, however many orders are affected.
    """
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, {"incident": incident.pk})
        found = cursor.fetchone() or (0, 0, 0, 0, "[]", 0, 0, 0, 0)
    orders, customers, added, left, worth, wrote, spoken, compensated, disputed = found
    return Counts(
        orders=orders, customers=customers, silent=orders - wrote, silent_customers=customers - spoken, wrote=wrote,
        compensated=compensated, disputed=disputed, added=added, left=left,
        value=[(currency, Decimal(value)) for currency, value in json.loads(worth)],
    )  # fmt: skip


_ROWS: Final = f"""
{_FITTING}, chosen AS MATERIALIZED (
    SELECT a.* FROM incidents_affectedorder a WHERE a.incident_id = %(incident)s AND {{where}}
    ORDER BY a.value DESC, a.id DESC LIMIT %(limit)s
), by_order AS (
    SELECT order_id, max(number) AS number FROM fitting WHERE order_id IS NOT NULL GROUP BY order_id
), by_customer AS (
    SELECT customer_id, max(number) AS number FROM fitting WHERE customer_id IS NOT NULL GROUP BY customer_id
)
SELECT a.id, a.order_id, o.ref, o.placed_at, a.customer_id, k.name, k.email, k.loyalty_tier, a.value, a.currency,
       a.lines, a.found_at, a.left_at, {_ADDED}, {_WROTE}, {_COMPENSATED}, {_DISPUTED},
       greatest(by_order.number, by_customer.number)
FROM chosen a JOIN retail_order o ON o.id = a.order_id JOIN retail_customer k ON k.id = a.customer_id
LEFT JOIN by_order ON by_order.order_id = a.order_id LEFT JOIN by_customer ON by_customer.customer_id = a.customer_id
ORDER BY a.value DESC, a.id DESC
"""


def page(
    incident: Incident, *, which: str, places: Places, after: Cursor | None = None, limit: int = PAGE
) -> tuple[list[Row], Cursor | None]:
    """Affected orders, the dearest first, and where the next page begins. One SQL query.

    Parameters
    ----------
    which : one of `FILTERS`.
    places : orders of these alone; None: all.
    """
    where = [FILTERS[which]]
    where += ["(a.value, a.id) < (%(value)s, %(last)s)"] if after else []
    if places is not None:
        where.append("a.order_id IN (SELECT id FROM retail_order WHERE place_id = ANY(%(places)s))")
    asked: dict[str, Any] = {"incident": incident.pk, "places": places, "limit": limit + 1}
    if after:
        asked |= {"value": after.value, "last": after.id}
    with connection.cursor() as cursor:
        cursor.execute(_ROWS.replace("{where}", " AND ".join(where)), asked)
        rows = [Row(*row) for row in cursor]
    return rows[:limit], rows[limit - 1].cursor if len(rows) > limit else None


def every(incident: Incident, *, which: str, places: Places) -> Iterator[Row]:
    """All of `page`, for a file. One SQL query per thousand rows."""
    after = None
    while True:
        rows, after = page(incident, which=which, places=places, after=after, limit=AT_ONCE)
        yield from rows
        if after is None:
            return


def last_look(incident: Incident) -> Snapshot | None:
    """The last look for affected orders, finished or not. One SQL query."""
    return Snapshot.objects.filter(incident=incident).order_by("-at", "-id").first()
