"""Who one person is, and who may be."""

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from makegood.ground.staff.names import name_of

# A mailbox, telephone or door that more accounts than this share belongs to no one person.
SHARED_BY_MOST = 5
_DIGITS = r"right(regexp_replace(k.phone, '\D', '', 'g'), 9)"
_HOME = "upper(replace(k.postal_code, ' ', ''))"


def accounts_of(customer_id: uuid.UUID) -> list[uuid.UUID]:
    """All accounts of the person that this one belongs to, itself among them. One SQL query."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id FROM retail_person(%s::uuid)", [customer_id])
        return [pk for (pk,) in cursor.fetchall()]


def people_of(customers: Iterable[uuid.UUID]) -> dict[uuid.UUID, frozenset[uuid.UUID]]:
    """The accounts of each customer's person. One SQL query, however many."""
    wanted = set(customers)
    if not wanted:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT asked.id, array_agg(account.id)
            FROM unnest(%s::uuid[]) AS asked (id) CROSS JOIN LATERAL retail_person(asked.id) AS account
            GROUP BY asked.id
            """,
            [list(wanted)],
        )
        return {pk: frozenset(accounts) for pk, accounts in cursor.fetchall()}


class Link(NamedTuple):
    """An account of the same person, and how we know."""

    id: uuid.UUID
    ref: str
    name: str
    email: str
    source: str
    linked_by: str  # empty: their source says so, or they are linked by way of another account
    linked_at: datetime | None
    why: str


def links_of(customer_id: uuid.UUID) -> list[Link]:
    """The other accounts of a person, those linked by hand with who did it. One SQL query."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT k.id, k.ref, coalesce(nullif(k.name, ''), k.ref), k.email, s.name,
                   coalesce({name_of("u")}, ''), l.at,
                   coalesce(l.why, '')
            FROM retail_person(%(customer)s::uuid) p
            JOIN retail_customer k ON k.id = p.id
            JOIN retail_source s ON s.id = k.source_id
            LEFT JOIN LATERAL (
                SELECT * FROM retail_personlink l
                WHERE l.ended_at IS NULL AND l.same AND (l.a_id = k.id OR l.b_id = k.id) ORDER BY l.at LIMIT 1
            ) l ON true
            LEFT JOIN staff_user u ON u.id = l.by_id
            WHERE k.id <> %(customer)s::uuid ORDER BY k.id
            """,
            {"customer": customer_id},
        )
        return [Link(*row) for row in cursor.fetchall()]


class Likely(NamedTuple):
    """An account that may belong to the same person, and what speaks for it."""

    id: uuid.UUID
    ref: str
    name: str
    email: str
    same: list[str]  # of "email", "phone", "home"


def likely_same(customer_id: uuid.UUID) -> list[Likely]:
    """Accounts with the same address, telephone or name and postcode that nobody has judged yet. One SQL query.

    Each is one look into an index. What more than `SHARED_BY_MOST` accounts share says nothing and is left out.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LIKELY, {"customer": customer_id})
        return [Likely(*row) for row in cursor.fetchall()]


_LIKELY = f"""
WITH me AS MATERIALIZED (
    SELECT k.id, lower(k.email) AS email, {_DIGITS} AS digits, {_HOME} AS home, lower(k.name) AS name
    FROM retail_customer k WHERE k.id = %(customer)s::uuid
), found AS (
    SELECT id, 'email' AS same, count(*) OVER () AS shared FROM (
        SELECT k.id FROM me JOIN retail_customer k ON lower(k.email) = me.email AND k.email > ''
        LIMIT {SHARED_BY_MOST + 1}) AS few
    UNION ALL
    SELECT id, 'phone', count(*) OVER () FROM (
        SELECT k.id FROM me JOIN retail_customer k ON {_DIGITS} = me.digits AND k.phone > ''
        WHERE length(me.digits) = 9 LIMIT {SHARED_BY_MOST + 1}) AS few
    UNION ALL
    SELECT id, 'home', count(*) OVER () FROM (
        SELECT k.id FROM me JOIN retail_customer k ON {_HOME} = me.home AND lower(k.name) = me.name
            AND k.postal_code > '' AND k.name > '' LIMIT {SHARED_BY_MOST + 1}) AS few
)
SELECT k.id, k.ref, coalesce(nullif(k.name, ''), k.ref), k.email, array_agg(f.same ORDER BY f.same)
FROM found f JOIN retail_customer k ON k.id = f.id
WHERE f.shared <= {SHARED_BY_MOST} AND f.id NOT IN (SELECT id FROM retail_person(%(customer)s::uuid))
  AND NOT EXISTS (
      SELECT FROM retail_personlink l
      WHERE l.ended_at IS NULL AND NOT l.same
        AND l.a_id = least(k.id, %(customer)s::uuid) AND l.b_id = greatest(k.id, %(customer)s::uuid))
GROUP BY k.id ORDER BY count(*) DESC, k.id LIMIT {SHARED_BY_MOST}
"""
