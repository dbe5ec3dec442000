"""What a customer and an order went through. Staff with places see those with an order or a case in these places."""

import json
import uuid
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from django.db import connection

from makegood.ground.retail.errors import CustomerNotFound, OrderNotFound
from makegood.ground.web.words import tsquery

Places = list[uuid.UUID] | None
ORDERS_A_PAGE = 20
REVIEWS_SHOWN = 10

_PERSON = "ANY(ARRAY(SELECT id FROM retail_person(%(customer)s::uuid)))"
_ORDER_VISIBLE = """(%(places)s::uuid[] IS NULL OR o.place_id = ANY(%(places)s::uuid[]) OR EXISTS (
    SELECT FROM cases_case c WHERE c.order_id = o.id AND c.place_id = ANY(%(places)s::uuid[])))"""


class Customer(NamedTuple):
    id: uuid.UUID
    ref: str
    name: str
    email: str
    phone: str
    language: str
    loyalty_tier: str
    lifetime_value: Decimal | None
    currency: str
    source: str
    city: str
    state: str
    postal_code: str
    country: str


def the_customer(customer_id: uuid.UUID, *, places: Places) -> Customer:
    """One SQL query. Raises CustomerNotFound."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT k.id, k.ref, coalesce(nullif(k.name, ''), k.ref), k.email, k.phone, k.language, k.loyalty_tier,
                   k.lifetime_value, s.currency, s.name, k.city, k.state, k.postal_code, k.country
            FROM retail_customer k JOIN retail_source s ON s.id = k.source_id
            WHERE k.id = %(customer)s AND (
                %(places)s::uuid[] IS NULL
                OR EXISTS (SELECT FROM cases_case c WHERE c.customer_id = k.id AND c.place_id = ANY(%(places)s::uuid[]))
                OR EXISTS (
                    SELECT FROM retail_order o WHERE o.customer_id = k.id AND o.place_id = ANY(%(places)s::uuid[])))
            """,
            {"customer": customer_id, "places": places},
        )
        row = cursor.fetchone()
    if row is None:
        raise CustomerNotFound
    return Customer(*row)


class Hit(NamedTuple):
    """An account, to choose from."""

    id: uuid.UUID
    ref: str
    name: str
    email: str
    city: str


def accounts_called(text: str, *, places: Places, most: int = 20) -> list[Hit]:
    """Accounts with these words in name, address, telephone or reference. One SQL query."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH hits AS MATERIALIZED (
                SELECT id, ref, name, email, city FROM retail_customer WHERE search @@ {tsquery(text)} LIMIT 500
            )
            SELECT k.id, k.ref, coalesce(nullif(k.name, ''), k.ref), k.email, k.city FROM hits k
            WHERE %(places)s::uuid[] IS NULL OR EXISTS (
                SELECT FROM retail_order o WHERE o.customer_id = k.id AND o.place_id = ANY(%(places)s::uuid[]))
            ORDER BY k.name, k.id LIMIT %(most)s
            """,
            {"places": places, "most": most},
        )
        return [Hit(*row) for row in cursor.fetchall()]


class OpenCase(NamedTuple):
    number: int
    reason: str
    status: str


class Side(NamedTuple):
    """What comes together when two accounts are said to be one person."""

    accounts: int
    orders: int
    cases: int
    promises: int
    open_cases: list[OpenCase]


def sides(one: uuid.UUID, other: uuid.UUID, *, places: Places) -> list[Side]:
    """What each of two persons brings, in this order; open cases within `places` by name. One SQL query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT (SELECT count(*) FROM unnest(p.ids)),
                   (SELECT count(*) FROM retail_order o WHERE o.customer_id = ANY(p.ids)),
                   (SELECT count(*) FROM cases_case c WHERE c.customer_id = ANY(p.ids)),
                   (SELECT count(*) FROM commitments_commitment m JOIN cases_case c ON c.id = m.case_id
                    WHERE c.customer_id = ANY(p.ids) AND m.state = 'open'),
                   (SELECT coalesce(json_agg(json_build_array(c.number, r.name, c.status) ORDER BY c.number), '[]')
                    FROM cases_case c JOIN cases_reason r ON r.id = c.reason_id
                    WHERE c.customer_id = ANY(p.ids) AND c.resolved_at IS NULL
                        AND (%(places)s::uuid[] IS NULL OR c.place_id = ANY(%(places)s::uuid[])))::text
            FROM unnest(%(both)s::uuid[]) WITH ORDINALITY AS asked (id, n)
            CROSS JOIN LATERAL (SELECT ARRAY(SELECT id FROM retail_person(asked.id)) AS ids) p ORDER BY asked.n
            """,
            {"both": [one, other], "places": places},
        )
        return [
            Side(accounts, orders, cases, promises, [OpenCase(*case) for case in json.loads(open_cases)])
            for accounts, orders, cases, promises, open_cases in cursor.fetchall()
        ]


class OrderRow(NamedTuple):
    id: uuid.UUID
    ref: str
    status: str
    channel: str
    placed_at: datetime
    total: Decimal
    currency: str
    first_item: str | None
    items: int
    cases: int


class Cursor(NamedTuple):
    """Where the page before ended."""

    placed_at: datetime
    id: uuid.UUID

    def __str__(self) -> str:
        return f"{self.placed_at.isoformat()}~{self.id}"

    @classmethod
    def read(cls, text: str) -> "Cursor | None":
        """None for what is not one: the list then begins at the top."""
        at, _, id_ = text.partition("~")
        try:
            moment = datetime.fromisoformat(at.replace(" ", "+"))
            return cls(moment, uuid.UUID(id_)) if moment.tzinfo else None
        except ValueError:
            return None


def orders_of(customer_id: uuid.UUID, *, places: Places, after: Cursor | None) -> tuple[list[OrderRow], Cursor | None]:
    """A page of the orders of a customer's person, the newest first, and where the next one starts. One SQL query."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT o.id, o.ref, o.status, o.channel, o.placed_at, o.total, o.currency, l.name, coalesce(l.items, 0),
                   (SELECT count(*) FROM cases_case c WHERE c.order_id = o.id)
            FROM retail_order o LEFT JOIN LATERAL (
                SELECT (array_agg(p.name ORDER BY l.position, l.id))[1] AS name, count(*) AS items
                FROM retail_orderline l JOIN retail_product p ON p.id = l.product_id WHERE l.order_id = o.id) l ON true
            WHERE o.customer_id = {_PERSON} AND {_ORDER_VISIBLE}
              AND (%(at)s::timestamptz IS NULL OR (o.placed_at, o.id) < (%(at)s::timestamptz, %(id)s::uuid))
            ORDER BY o.placed_at DESC, o.id DESC LIMIT {ORDERS_A_PAGE + 1}
            """,
            {"customer": customer_id, "places": places, "at": after and after.placed_at, "id": after and after.id},
        )
        rows = [OrderRow(*row) for row in cursor.fetchall()]
    page = rows[:ORDERS_A_PAGE]
    return page, Cursor(page[-1].placed_at, page[-1].id) if len(rows) > ORDERS_A_PAGE else None


class ReviewRow(NamedTuple):
    score: int
    title: str
    body: str
    at: datetime
    order_id: uuid.UUID | None


def reviews_of(customer_id: uuid.UUID) -> list[ReviewRow]:
    """The latest reviews of a customer's person. One SQL query."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT score, title, body, at, order_id FROM retail_review WHERE customer_id = {_PERSON}
            ORDER BY at DESC LIMIT {REVIEWS_SHOWN}
            """,
            {"customer": customer_id},
        )
        return [ReviewRow(*row) for row in cursor.fetchall()]


class Buyer(NamedTuple):
    id: uuid.UUID
    name: str
    email: str
    loyalty_tier: str


def buyer_of(order_id: uuid.UUID, *, places: Places) -> Buyer:
    """Who ordered, for somebody who may see the order. One SQL query. Raises OrderNotFound."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT k.id, coalesce(nullif(k.name, ''), k.ref), k.email, k.loyalty_tier
            FROM retail_order o JOIN retail_customer k ON k.id = o.customer_id
            WHERE o.id = %(order)s AND {_ORDER_VISIBLE}
            """,
            {"order": order_id, "places": places},
        )
        row = cursor.fetchone()
    if row is None:
        raise OrderNotFound
    return Buyer(*row)


class CaseRow(NamedTuple):
    number: int
    subject: str
    reason: str
    status: str
    outcome: str
    opened_at: datetime


def cases_of_order(order_id: uuid.UUID, *, places: Places) -> list[CaseRow]:
    """The cases about an order, the newest first. One SQL query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.number, c.subject, r.name, c.status, c.outcome, c.opened_at
            FROM cases_case c JOIN cases_reason r ON r.id = c.reason_id
            WHERE c.order_id = %(order)s AND (%(places)s::uuid[] IS NULL OR c.place_id = ANY(%(places)s::uuid[]))
            ORDER BY c.opened_at DESC LIMIT 50
            """,
            {"order": order_id, "places": places},
        )
        return [CaseRow(*row) for row in cursor.fetchall()]
