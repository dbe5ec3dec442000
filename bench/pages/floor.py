"""The same three operations as somebody would write them by hand for these questions alone, in SQL over psycopg.

No request, no sign-in, no template: what remains is the least a page of this content can cost on this database.
"""

from typing import Any, Final

Statements = tuple[tuple[str, tuple[Any, ...]], ...]

PAGE: Final = 50
COUNT_UP_TO: Final = 1001

_ROW = """
SELECT c.id, c.number, c.subject, c.failed, c.severity, c.status, c.due_at, c.opened_at, c.last_contact_at,
       c.last_contact_by, c.value, c.currency, r.name, k.name, k.loyalty_tier, o.ref, u.first_name, u.last_name
FROM {cases} c
JOIN cases_reason r ON r.id = c.reason_id
LEFT JOIN retail_customer k ON k.id = c.customer_id
LEFT JOIN retail_order o ON o.id = c.order_id
LEFT JOIN staff_user u ON u.id = c.assignee_id
"""


def queue(where: str, values: tuple[Any, ...], *, after: tuple[Any, ...] = (), newest: bool = False) -> Statements:
    """A page of cases, beginning after a key, and how many there are in all."""
    order, beyond = (
        ("c.opened_at DESC, c.id", "c.opened_at <= %s")
        if newest
        else ("c.rank_at, c.id", "(c.rank_at, c.id) > (%s, %s)")
    )
    place = f"{where} AND {beyond}" if after else where
    chosen = f"(SELECT * FROM cases_case c WHERE {place} ORDER BY {order} LIMIT {PAGE + 1})"
    many = f"SELECT count(*) FROM (SELECT FROM cases_case c WHERE {where} LIMIT {COUNT_UP_TO}) AS counted"
    return (f"{_ROW.format(cases=chosen)} ORDER BY {order}", values + after[: 1 if newest else 2]), (many, values)


def case(number: int) -> Statements:
    """A case, its timeline, its order, and what failed for this customer before."""
    mine = "(SELECT {} FROM cases_case WHERE number = %s)"
    return (
        (
            """
            SELECT c.subject, c.failed, c.channel, c.status, c.severity, c.tier, c.locus, c.value, c.opened_at,
                   c.due_at, c.outcome, c.cause, c.resolved_at, r.name, q.name, k.name, k.ref, k.email, k.phone,
                   k.loyalty_tier, k.lifetime_value, k.city, k.country, u.first_name, u.last_name
            FROM cases_case c JOIN cases_reason r ON r.id = c.reason_id JOIN cases_queue q ON q.id = c.queue_id
            LEFT JOIN retail_customer k ON k.id = c.customer_id LEFT JOIN staff_user u ON u.id = c.assignee_id
            WHERE c.number = %s
            """,
            (number,),
        ),
        (
            f"""
            SELECT e.seq, e.kind, e.at, e.why, e.facts, u.first_name, u.last_name, t.channel, t.direction, t.author,
                   t.subject, coalesce(t.body, n.body), m.status
            FROM cases_caseevent e
            LEFT JOIN staff_user u ON u.id = e.actor_id
            LEFT JOIN cases_contact t ON t.id = (e.facts->>'contact')::uuid
            LEFT JOIN cases_note n ON n.id = (e.facts->>'note')::uuid
            LEFT JOIN outbox_message m ON t.direction = 'out' AND m.idempotency_key = 'reply:' || t.id
            WHERE e.case_id = {mine.format("id")} ORDER BY e.seq DESC LIMIT 100
            """,
            (number,),
        ),
        (
            f"""
            SELECT ref, status, channel, placed_at, total, currency FROM retail_order
            WHERE id = {mine.format("order_id")}
            """,
            (number,),
        ),
        (
            f"""
            SELECT p.name, l.quantity, l.unit_price, l.freight
            FROM retail_orderline l JOIN retail_product p ON p.id = l.product_id
            WHERE l.order_id = {mine.format("order_id")} ORDER BY l.position
            """,
            (number,),
        ),
        (
            f"""
            SELECT s.tracking_number, v.name, s.promised_at, s.delivered_at, t.at, t.kind, t.location
            FROM retail_shipment s
            LEFT JOIN retail_vendor v ON v.id = s.carrier_id LEFT JOIN retail_trackingevent t ON t.shipment_id = s.id
            WHERE s.order_id = {mine.format("order_id")} ORDER BY t.at
            """,
            (number,),
        ),
        (
            f"""
            SELECT c.number, c.subject, r.name, c.status, c.outcome, c.opened_at FROM cases_case c
            JOIN cases_reason r ON r.id = c.reason_id
            WHERE c.customer_id = {mine.format("customer_id")} ORDER BY c.opened_at DESC LIMIT 12
            """,
            (number,),
        ),
    )


_HIT = """
SELECT c.number, c.subject, k.name, r.name, c.status, c.opened_at
FROM cases_case c JOIN cases_reason r ON r.id = c.reason_id LEFT JOIN retail_customer k ON k.id = c.customer_id
"""
_ORDER = """
SELECT o.id, o.ref, k.name, o.status, o.placed_at
FROM retail_order o JOIN retail_customer k ON k.id = o.customer_id WHERE o.ref = %s
"""


def case_number(number: int) -> Statements:
    """A case by its number: no words are looked for."""
    return ((f"{_HIT} WHERE c.number = %s", (number,)),)


def order_number(ref: str) -> Statements:
    """An order by its number, with its cases."""
    cases = f"{_HIT} WHERE c.order_id IN (SELECT id FROM retail_order WHERE ref = %s)"
    return (cases, (ref,)), (_ORDER, (ref,))


def search(text: str) -> Statements:
    """Cases, customers and orders that hold the words, which are part of the statement: each gets its own plan."""
    words = " & ".join("'" + word.replace("'", "''") + "'" for word in text.split())
    found = f"to_tsquery('simple', $words${words}:*$words$)"
    return (
        (
            f"""
            WITH found AS MATERIALIZED (SELECT id FROM cases_case WHERE search @@ {found} LIMIT 500)
            SELECT c.number, c.subject, k.name, r.name, c.status, c.opened_at
            FROM found JOIN cases_case c ON c.id = found.id
            JOIN cases_reason r ON r.id = c.reason_id LEFT JOIN retail_customer k ON k.id = c.customer_id
            ORDER BY c.opened_at DESC LIMIT 50
            """,
            (),
        ),
        (
            f"""
            WITH found AS MATERIALIZED (SELECT * FROM retail_customer WHERE search @@ {found} LIMIT 500)
            SELECT id, name, email, city, loyalty_tier FROM found ORDER BY lifetime_value DESC NULLS LAST LIMIT 50
            """,
            (),
        ),
        (_ORDER, (text,)),
    )
