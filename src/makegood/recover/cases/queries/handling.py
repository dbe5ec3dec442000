"""What is asked when cases are handed over, joined, parted or put off."""

import uuid
from datetime import datetime
from typing import Any, NamedTuple

import msgspec
from django.db import connection

from makegood.ground.asking import Question, ask
from makegood.ground.web.words import tsquery
from makegood.recover.cases.models import Queue
from makegood.recover.cases.queries.case import _VISIBLE, CaseDetail, Places

KIN_SHOWN = 12
FOUND = 12


def queues_to_choose() -> list[tuple[str, str]]:
    """Queues as (slug, name). One SQL query."""
    return list(Queue.objects.values_list("slug", "name"))


class Kin(NamedTuple):
    """A case that has to do with another. Columns come in the order of `_KIN`."""

    kind: str  # alike, child, sibling, parent, merged, into, follows, followed
    number: int
    subject: str
    reason: str
    status: str
    opened_at: datetime
    version: int
    of_kind: int  # how many there are of this kind
    open_of_kind: int


def kin(case: CaseDetail, *, places: Places) -> list[Kin]:
    """Cases that have to do with one, a dozen of each kind, and open ones that may be duplicates of it (`alike`: of
    the same customer or order). One SQL query.
    """
    return ask(kin_of(case, places=places))


def kin_of(case: CaseDetail, *, places: Places) -> Question[list[Kin]]:
    """`kin`, to be asked with others."""
    asked = {
        "case": case.id, "customer": case.customer_id, "order": case.order_id, "places": places, "most": KIN_SHOWN,
    }  # fmt: skip
    return Question(_KIN, lambda found: _decode_kin(found) if found else [], asked)


_decode_kin = msgspec.json.Decoder(list[Kin]).decode

# All accounts of the customer's person.
_PERSON = "ANY(ARRAY(SELECT id FROM retail_person(%(customer)s::uuid)))"
_KIN = f"""
WITH this AS (SELECT * FROM cases_case WHERE id = %(case)s), found AS (
    SELECT c.id, 'merged' AS kind FROM cases_case c WHERE c.merged_into_id = %(case)s
    UNION ALL SELECT merged_into_id, 'into' FROM this WHERE merged_into_id IS NOT NULL
    UNION ALL SELECT parent_id, 'parent' FROM this WHERE parent_id IS NOT NULL
    UNION ALL SELECT c.id, 'child' FROM cases_case c WHERE c.parent_id = %(case)s
    UNION ALL SELECT follows_id, CASE WHEN split_key > '' THEN 'from' ELSE 'follows' END
        FROM this WHERE follows_id IS NOT NULL
    UNION ALL SELECT c.id, CASE WHEN c.split_key > '' THEN 'off' ELSE 'followed' END
        FROM cases_case c WHERE c.follows_id = %(case)s
    UNION ALL SELECT c.id, 'alike' FROM cases_case c, this WHERE this.resolved_at IS NULL AND c.resolved_at IS NULL
        AND c.customer_id = {_PERSON} AND c.id <> this.id AND c.id IS DISTINCT FROM this.parent_id
        AND c.parent_id IS DISTINCT FROM this.id AND c.split_key = '' AND this.split_key = ''
    UNION SELECT c.id, 'alike' FROM cases_case c, this WHERE this.resolved_at IS NULL AND c.resolved_at IS NULL
        AND c.order_id = %(order)s AND c.id <> this.id AND c.id IS DISTINCT FROM this.parent_id
        AND c.parent_id IS DISTINCT FROM this.id AND c.split_key = '' AND this.split_key = ''
), counted AS (
    SELECT f.kind, c.number, c.subject, r.name, c.status, c.opened_at, c.version,
           count(*) OVER (PARTITION BY f.kind) AS of_kind,
           count(*) FILTER (WHERE c.resolved_at IS NULL) OVER (PARTITION BY f.kind) AS open_of_kind,
           row_number() OVER (PARTITION BY f.kind ORDER BY c.resolved_at IS NOT NULL, c.opened_at DESC) AS place
    FROM found f JOIN cases_case c ON c.id = f.id JOIN cases_reason r ON r.id = c.reason_id WHERE {_VISIBLE}
)
SELECT json_agg(json_build_array(kind, number, subject, name, status, opened_at, version, of_kind, open_of_kind)
                ORDER BY kind, place)::text
FROM counted WHERE place <= %(most)s
"""


class Match(NamedTuple):
    """An open case that somebody may mean."""

    id: uuid.UUID
    number: int
    subject: str
    customer: str
    reason: str
    opened_at: datetime
    alike: bool  # of the same customer or order


def cases_to_choose(case: CaseDetail, words: str, *, places: Places) -> list[Match]:
    """Open cases for somebody to choose from: those of the same customer or order first, then those that hold `words`
    (or have that number). One SQL query.
    """
    number = words.upper().removeprefix("C-").strip()
    asked: dict[str, Any] = {
        "case": case.id, "customer": case.customer_id, "order": case.order_id, "places": places, "most": FOUND,
        "number": int(number) if number.isascii() and number.isdigit() and len(number) < 19 else 0,  # noqa: PLR2004
    }  # fmt: skip
    searched = f"""UNION (SELECT id FROM cases_case WHERE search @@ {tsquery(words)} AND resolved_at IS NULL
                    LIMIT {10 * FOUND})""" if words.strip() else ""  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_CHOICES.format(searched=searched), asked)
        return [Match(*row) for row in cursor.fetchall()]


_CHOICES = f"""
WITH found AS MATERIALIZED (
    SELECT id FROM cases_case WHERE customer_id = {_PERSON} AND resolved_at IS NULL
    UNION SELECT id FROM cases_case WHERE order_id = %(order)s AND resolved_at IS NULL
    UNION SELECT id FROM cases_case WHERE number = %(number)s AND resolved_at IS NULL
    {{searched}}
)
SELECT c.id, c.number, c.subject, coalesce(nullif(k.name, ''), k.email, k.ref, ''), r.name, c.opened_at,
       coalesce(c.customer_id = {_PERSON}, false) OR coalesce(c.order_id = %(order)s, false) AS alike
FROM found JOIN cases_case c ON c.id = found.id JOIN cases_reason r ON r.id = c.reason_id
LEFT JOIN retail_customer k ON k.id = c.customer_id
WHERE c.id <> %(case)s AND {_VISIBLE}
ORDER BY c.number = %(number)s DESC, alike DESC, c.opened_at DESC LIMIT %(most)s
"""


class Said(NamedTuple):
    """A contact of a case, to choose from."""

    id: uuid.UUID
    at: datetime
    author: str
    direction: str
    channel: str
    body: str


def contacts_of(case_id: uuid.UUID, *, most: int = 100) -> list[Said]:
    """The contacts of a case, the newest first. One SQL query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT id, at, author, direction, channel, left(body, 300) FROM cases_contact
               WHERE case_id = %s ORDER BY at DESC, id DESC LIMIT %s""",
            [case_id, most],
        )
        return [Said(*row) for row in cursor.fetchall()]
