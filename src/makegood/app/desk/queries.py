"""What the desk asks: how the day stands, and where something can be found."""

import uuid
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.db import connection

from makegood.ground.retail.models import Order
from makegood.ground.staff.models import Role, User
from makegood.ground.web.words import tsquery
from makegood.recover.cases.models import Tier
from makegood.recover.cases.queries.queue import Places

# Whose untaken cases stand on the desk of a role.
TIERS: Final[dict[str, tuple[str, ...]]] = {
    Role.ASSOCIATE: (Tier.FRONTLINE,),
    Role.SPECIALIST: (Tier.SPECIALIST, Tier.FRONTLINE),
    Role.MANAGER: (Tier.MANAGER, Tier.SPECIALIST),
}
FIGURES_UP_TO: Final = 200
"""Whoever has more to do than that need not know how much more."""
FOUND_UP_TO: Final = 500
"""Of what holds the words, at most so many are ordered."""


class Figures(NamedTuple):
    """How the day stands. No number is counted further than FIGURES_UP_TO + 1."""

    mine: int
    mine_late: int
    late: int
    opened_today: int
    promises_due: int  # mine, until tonight
    promises_late: int
    signals: int = 0  # new ones that claim open cases of mine


def figures(*, me: User, places: Places, now: datetime, today: datetime, tonight: datetime) -> Figures:
    """The numbers above my day; `today` is when it began, `tonight` when it ends. One SQL query."""
    asked: dict[str, Any] = {"me": me.pk, "now": now, "today": today, "tonight": tonight, "places": places}
    with connection.cursor() as cursor:
        cursor.execute(_FIGURES, asked)
        return Figures(*cursor.fetchone())


class CaseHit(NamedTuple):
    number: int
    subject: str
    customer: str
    reason: str
    status: str
    opened_at: datetime


class CustomerHit(NamedTuple):
    id: uuid.UUID
    name: str
    email: str
    city: str
    tier: str


class OrderHit(NamedTuple):
    id: uuid.UUID
    ref: str
    customer: str
    status: str
    placed_at: datetime


class Hits(NamedTuple):
    cases: list[CaseHit]
    customers: list[CustomerHit]
    orders: list[OrderHit]

    @property
    def any(self) -> bool:
        return bool(self.cases or self.customers or self.orders)


def find(text: str, *, places: Places, most: int) -> Hits:
    """Where the words occur, at most `most` of each kind; what is named exactly comes first. Three SQL queries."""
    text = text.replace("\0", "").strip()
    if not text:
        return Hits([], [], [])
    # A case number is no word: "c" would begin most of them.
    number = _number(text)
    words = tsquery("" if number and not text.isdigit() else text)
    with connection.cursor() as cursor:
        cursor.execute(_CASES.format(words=words), [number, text, places, places, most])
        cases = [CaseHit(*row) for row in cursor.fetchall()]
        cursor.execute(_CUSTOMERS.format(words=words), [text, places, places, most])
        customers = [CustomerHit(*row) for row in cursor.fetchall()]
        cursor.execute(_ORDERS, [text, places, places, most])
        orders = [OrderHit(row[0], row[1], row[2], Order.Status(row[3]).label, row[4]) for row in cursor.fetchall()]
    return Hits(cases, customers, orders)


def _number(text: str) -> int:
    """The case number that somebody wrote as "C-12", "c12" or "12"; 0: none."""
    digits = text.upper().removeprefix("C").removeprefix("-").removeprefix("\u2011")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 19 else 0  # noqa: PLR2004  a bigint


# Of what is late, rank_at is less than a day away at most: harm moves nothing further back (triage.HARM_BY_SEVERITY).
_FIGURES = """
SELECT
    (SELECT count(*) FROM (SELECT FROM cases_case
        WHERE resolved_at IS NULL AND snoozed_until IS NULL AND assignee_id = %(me)s LIMIT {most}) AS few),
    (SELECT count(*) FROM (SELECT FROM cases_case
        WHERE resolved_at IS NULL AND snoozed_until IS NULL AND assignee_id = %(me)s AND due_at < %(now)s
        LIMIT {most}) AS few),
    (SELECT count(*) FROM (SELECT FROM cases_case
        WHERE resolved_at IS NULL AND rank_at < %(now)s::timestamptz + interval '1 day' AND due_at < %(now)s
            AND (%(places)s::uuid[] IS NULL OR place_id = ANY(%(places)s::uuid[])) LIMIT {most}) AS few),
    (SELECT count(*) FROM (SELECT FROM cases_case
        WHERE opened_at >= %(today)s
            AND (%(places)s::uuid[] IS NULL OR place_id = ANY(%(places)s::uuid[])) LIMIT {most}) AS few),
    (SELECT count(*) FROM (SELECT FROM commitments_commitment
        WHERE state = 'open' AND owner_id = %(me)s AND due_at <= %(tonight)s LIMIT {most}) AS few),
    (SELECT count(*) FROM (SELECT FROM commitments_commitment
        WHERE state = 'open' AND owner_id = %(me)s AND due_at < %(now)s LIMIT {most}) AS few),
    (SELECT count(*) FROM signals_signal s WHERE s.closed_at IS NULL AND s.state = 'new' AND EXISTS (
        SELECT FROM signals_signalcase sc JOIN cases_case c ON c.id = sc.case_id
        WHERE sc.signal_id = s.id AND c.assignee_id = %(me)s AND c.resolved_at IS NULL))
""".format(most=FIGURES_UP_TO + 1)
# Hits are collected before they are ordered: else the planner walks all cases in order and tests the words of each.
# Open cases are collected apart, by an index of their own, so that old ones do not use up the limit.
_CASES = f"""
WITH exact AS MATERIALIZED (
    SELECT id, 0 AS far, opened_at, resolved_at, place_id FROM cases_case WHERE number = %s
    UNION SELECT c.id, 0, c.opened_at, c.resolved_at, c.place_id
    FROM cases_case c JOIN retail_order o ON o.id = c.order_id WHERE o.ref = %s
), found AS MATERIALIZED (
    (SELECT id, 1 AS far, opened_at, resolved_at, place_id FROM cases_case
    WHERE search @@ {{words}} AND resolved_at IS NULL LIMIT {FOUND_UP_TO})
    UNION ALL
    (SELECT id, 1, opened_at, resolved_at, place_id FROM cases_case
    WHERE search @@ {{words}} AND resolved_at IS NOT NULL LIMIT {FOUND_UP_TO})
), shown AS (
    SELECT id, min(far) AS far FROM (SELECT * FROM exact UNION ALL SELECT * FROM found) AS either
    WHERE %s::uuid[] IS NULL OR place_id = ANY(%s::uuid[])
    GROUP BY id, opened_at, resolved_at ORDER BY min(far), resolved_at IS NOT NULL, opened_at DESC LIMIT %s
)
SELECT c.number, c.subject, coalesce(nullif(k.name, ''), k.email, k.ref, ''), r.name, c.status, c.opened_at
FROM shown s JOIN cases_case c ON c.id = s.id JOIN cases_reason r ON r.id = c.reason_id
LEFT JOIN retail_customer k ON k.id = c.customer_id
ORDER BY s.far, c.resolved_at IS NOT NULL, c.opened_at DESC
"""
# Who sees only some places sees the customers who bought there.
_CUSTOMERS = f"""
WITH hits AS MATERIALIZED (
    SELECT id, 0 AS far, name, email, ref, city, loyalty_tier, lifetime_value
    FROM retail_customer WHERE email = %s AND email > ''
    UNION ALL
    (SELECT id, 1, name, email, ref, city, loyalty_tier, lifetime_value
    FROM retail_customer WHERE search @@ {{words}} LIMIT {FOUND_UP_TO})
), shown AS (
    SELECT * FROM hits
    UNION ALL  -- with an account come those that a colleague linked to it
    SELECT k.id, 2, k.name, k.email, k.ref, k.city, k.loyalty_tier, k.lifetime_value
    FROM retail_personlink l
    JOIN retail_customer k ON k.id IN (l.a_id, l.b_id)
    WHERE l.same AND l.ended_at IS NULL AND (l.a_id IN (SELECT id FROM hits) OR l.b_id IN (SELECT id FROM hits))
)
SELECT k.id, coalesce(nullif(k.name, ''), k.email, k.ref), k.email, k.city, k.loyalty_tier FROM shown k
WHERE %s::uuid[] IS NULL
    OR EXISTS (SELECT FROM retail_order o WHERE o.customer_id = k.id AND o.place_id = ANY(%s::uuid[]))
GROUP BY k.id, k.name, k.email, k.ref, k.city, k.loyalty_tier, k.lifetime_value
ORDER BY min(k.far), k.lifetime_value DESC NULLS LAST, k.name LIMIT %s
"""
_ORDERS = """
SELECT o.id, o.ref, coalesce(nullif(k.name, ''), k.email, k.ref), o.status, o.placed_at
FROM retail_order o JOIN retail_customer k ON k.id = o.customer_id
WHERE o.ref = %s AND (%s::uuid[] IS NULL OR o.place_id = ANY(%s::uuid[]))
ORDER BY o.placed_at DESC LIMIT %s
"""
