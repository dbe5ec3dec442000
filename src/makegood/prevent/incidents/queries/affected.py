"""Affected orders as they stand: who wrote, who is silent, who was put right already."""

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
_STANDING: Final = f"""
WITH meant AS MATERIALIZED (
    SELECT coalesce(since, '-infinity') AS since, any_of -> 'reason' AS reasons FROM incidents_incident
    WHERE id = %(incident)s OR merged_into_id = %(incident)s AND any_of <> '{{}}'
), fitting AS MATERIALIZED (
    SELECT c.order_id, c.customer_id, c.number FROM cases_case c JOIN cases_reason r ON r.id = c.reason_id
    WHERE c.opened_at >= {_SINCE}
      AND EXISTS (SELECT FROM meant WHERE c.opened_at >= since AND coalesce(reasons ? r.code, true))
      AND EXISTS (SELECT FROM cases_contact said WHERE said.case_id = c.id AND said.direction = 'in')
), by_order AS (
    SELECT order_id, max(number) AS number FROM fitting WHERE order_id IS NOT NULL GROUP BY order_id
), by_customer AS (
    SELECT customer_id, max(number) AS number FROM fitting WHERE customer_id IS NOT NULL GROUP BY customer_id
), first_snapshot AS (
    SELECT min(at) AS at FROM incidents_snapshot WHERE incident_id = %(incident)s AND finished_at IS NOT NULL
), standing AS (
    SELECT a.id, a.order_id, a.customer_id, a.value, a.currency, a.lines, a.found_at, a.left_at,
           coalesce(a.found_at > (SELECT at FROM first_snapshot), false) AS added,
           greatest(by_order.number, by_customer.number) AS case_number,
           greatest(by_order.number, by_customer.number) IS NOT NULL AS wrote,
           EXISTS (SELECT FROM cases_case c WHERE c.order_id = a.order_id AND c.outcome IN ('recovered', 'partly')
                   AND c.opened_at >= {_SINCE})
           OR EXISTS (SELECT FROM retail_return b WHERE b.order_id = a.order_id AND b.status = 'refunded'
                      AND coalesce(b.refunded_at, b.requested_at) >= {_SINCE}) AS compensated,
           EXISTS (SELECT FROM retail_payment p WHERE p.order_id = a.order_id AND lower(p.method) = 'chargeback')
           AS disputed
    FROM incidents_affectedorder a
    LEFT JOIN by_order ON by_order.order_id = a.order_id
    LEFT JOIN by_customer ON by_customer.customer_id = a.customer_id
    WHERE a.incident_id = %(incident)s
)
"""
FILTERS: Final = {
    "": "left_at IS NULL", "silent": "left_at IS NULL AND NOT wrote", "wrote": "left_at IS NULL AND wrote",
    "compensated": "left_at IS NULL AND compensated", "disputed": "left_at IS NULL AND disputed",
    "added": "left_at IS NULL AND added", "left": "left_at IS NOT NULL",
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


def counts(incident: Incident) -> Counts:
    """How the affected orders of an incident stand, all of them whoever asks. One SQL query."""
    sums = ", ".join(f"count(*) FILTER (WHERE {condition})" for condition in FILTERS.values())
    with connection.cursor() as cursor:
        cursor.execute(
            f"""{_STANDING}
            SELECT currency, {sums}, count(DISTINCT customer_id) FILTER (WHERE left_at IS NULL),
                   count(DISTINCT customer_id) FILTER (WHERE {FILTERS["silent"]}),
                   coalesce(sum(value) FILTER (WHERE left_at IS NULL), 0)
            FROM standing GROUP BY GROUPING SETS ((), (currency)) ORDER BY currency NULLS FIRST
            """,
            {"incident": incident.pk},
        )
        [whole, *by_currency] = cursor.fetchall()
    told: dict[str, Any] = {name or "orders": whole[n] for n, name in enumerate(FILTERS, 1)}
    last = len(FILTERS) + 1
    return Counts(
        **told, customers=whole[last], silent_customers=whole[last + 1],
        value=[(row[0], row[-1]) for row in by_currency if row[-1]],
    )  # fmt: skip


_ROWS: Final = """
    SELECT s.id, s.order_id, o.ref, o.placed_at, s.customer_id, k.name, k.email, k.loyalty_tier, s.value, s.currency,
           s.lines, s.found_at, s.left_at, s.added, s.wrote, s.compensated, s.disputed,
           s.case_number
    FROM standing s JOIN retail_order o ON o.id = s.order_id JOIN retail_customer k ON k.id = s.customer_id
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
    where += ["(s.value, s.id) < (%(value)s, %(last)s)"] if after else []
    where += ["o.place_id = ANY(%(places)s)"] if places is not None else []
    asked: dict[str, Any] = {"incident": incident.pk, "places": places, "limit": limit + 1}
    if after:
        asked |= {"value": after.value, "last": after.id}
    with connection.cursor() as cursor:
        cursor.execute(
            f"{_STANDING} {_ROWS} WHERE {' AND '.join(where)} ORDER BY s.value DESC, s.id DESC LIMIT %(limit)s",
            asked,
        )
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
