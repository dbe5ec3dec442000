"""What a case page shows of promises: one SQL statement."""

import uuid
from datetime import datetime

import msgspec
from django.db import connection

from makegood.ground.asking import Question
from makegood.ground.staff.names import name_of


class Promised(msgspec.Struct, frozen=True):
    """A promise on a case."""

    number: int
    to: str
    kind: str
    text: str
    due_at: datetime
    state: str
    ended_at: datetime | None
    owner: str
    chain: int  # how many dates were named before this one


class Found(msgspec.Struct, frozen=True):
    """A promise found in somebody's words that nobody has settled."""

    id: uuid.UUID
    words: str
    to: str
    kind: str
    due_at: datetime | None
    found_at: datetime
    author: str
    replaces: int | None


class Before(msgspec.Struct, frozen=True):
    """A promise to a person, on whichever case."""

    number: int
    case: int
    kind: str
    text: str
    due_at: datetime
    state: str


class OnCase(msgspec.Struct, frozen=True):
    promises: list[Promised]
    found: list[Found]
    before: list[Before]  # to the same person, on other cases

    @property
    def open(self) -> list[Promised]:
        return [it for it in self.promises if it.state == "open"]

    @property
    def ended(self) -> list[Promised]:
        return [it for it in self.promises if it.state not in ("open", "superseded")]


_decode = msgspec.json.Decoder(OnCase).decode
PROMISES_SHOWN = 8
_OF_PERSON = f"""
SELECT p.number, c.number AS "case", p.kind, p.text, p.due_at, p.state
FROM retail_person(%(customer)s::uuid) k
JOIN cases_case c ON c.customer_id = k.id AND c.id IS DISTINCT FROM %(case)s::uuid
    AND (%(places)s::uuid[] IS NULL OR c.place_id = ANY(%(places)s::uuid[]))
JOIN commitments_commitment p ON p.case_id = c.id AND p."to" = 'customer' AND p.state <> 'superseded'
ORDER BY p.state <> 'open', p.due_at DESC LIMIT {PROMISES_SHOWN}
"""
_ON_CASE = f"""
SELECT json_build_object(
    'promises', coalesce((
        SELECT json_agg(json_build_object(
            'number', p.number, 'to', p."to", 'kind', p.kind, 'text', p.text, 'due_at', p.due_at, 'state', p.state,
            'ended_at', p.ended_at, 'owner', coalesce({name_of("u")}, ''), 'chain', (
                WITH RECURSIVE earlier AS (
                    SELECT q.id FROM commitments_commitment q WHERE q.superseded_by_id = p.id
                    UNION ALL
                    SELECT q.id FROM commitments_commitment q JOIN earlier e ON q.superseded_by_id = e.id
                ) SELECT count(*) FROM earlier)) ORDER BY p.state <> 'open', p.due_at)
        FROM (SELECT * FROM commitments_commitment
              WHERE case_id = %(case)s ORDER BY state <> 'open', due_at DESC LIMIT 30) p
        JOIN staff_user u ON u.id = p.owner_id), '[]'),
    'found', coalesce((
        SELECT json_agg(json_build_object(
            'id', s.id, 'words', s.words, 'to', s."to", 'kind', s.kind, 'due_at', s.due_at, 'found_at', s.found_at,
            'author', coalesce({name_of("u")}, ''),
            'replaces', (SELECT number FROM commitments_commitment r WHERE r.id = s.replaces_id AND r.state = 'open'))
            ORDER BY s.found_at, s.start)
        FROM commitments_suggestion s LEFT JOIN staff_user u ON u.id = s.author_id
        WHERE s.case_id = %(case)s AND s.state = 'waiting'), '[]'),
    'before', coalesce((
        SELECT json_agg(json_build_object(
            'number', b.number, 'case', b.case, 'kind', b.kind, 'text', b.text, 'due_at', b.due_at, 'state', b.state)
            ORDER BY b.state <> 'open', b.due_at DESC)
        FROM ({_OF_PERSON}) b), '[]')
)::text
"""


def promised_on(
    case_id: uuid.UUID, *, customer_id: uuid.UUID | None, places: list[uuid.UUID] | None
) -> Question[OnCase]:
    """Promises of a case, open ones first, the next to come due on top; what was found in words; and what the customer
    was promised before, on other cases within `places`. To be asked with others.
    """
    values = {"case": case_id, "customer": customer_id, "places": places}
    return Question(_ON_CASE, lambda found: _decode(found or "{}"), values)


def of_person(customer_id: uuid.UUID, *, places: list[uuid.UUID] | None) -> list[Before]:
    """What was promised to a person, over all accounts and cases: open ones first, then the latest. One SQL query."""
    with connection.cursor() as cursor:
        cursor.execute(_OF_PERSON, {"customer": customer_id, "places": places, "case": None})
        return [Before(*row) for row in cursor.fetchall()]
