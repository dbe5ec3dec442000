"""What a case page shows of promises: one SQL statement."""

import uuid
from datetime import datetime

import msgspec

from makegood.ground.asking import Question, ask


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


class OnCase(msgspec.Struct, frozen=True):
    promises: list[Promised]
    found: list[Found]

    @property
    def open(self) -> list[Promised]:
        return [it for it in self.promises if it.state == "open"]

    @property
    def ended(self) -> list[Promised]:
        return [it for it in self.promises if it.state not in ("open", "superseded")]


_decode = msgspec.json.Decoder(OnCase).decode
_NAME = "coalesce(nullif(btrim(u.first_name || ' ' || u.last_name), ''), u.username, '')"
_ON_CASE = f"""
SELECT json_build_object(
    'promises', coalesce((
        SELECT json_agg(json_build_object(
            'number', p.number, 'to', p."to", 'kind', p.kind, 'text', p.text, 'due_at', p.due_at, 'state', p.state,
            'ended_at', p.ended_at, 'owner', {_NAME}, 'chain', (
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
            'author', {_NAME},
            'replaces', (SELECT number FROM commitments_commitment r WHERE r.id = s.replaces_id AND r.state = 'open'))
            ORDER BY s.found_at, s.start)
        FROM commitments_suggestion s LEFT JOIN staff_user u ON u.id = s.author_id
        WHERE s.case_id = %(case)s AND s.state = 'waiting'), '[]')
)::text
"""


def on_case(case_id: uuid.UUID) -> OnCase:
    """Promises of a case, open ones first, the next to come due on top; and what was found in words. One SQL query."""
    return ask(promised_on(case_id))


def promised_on(case_id: uuid.UUID) -> Question[OnCase]:
    """`on_case`, to be asked with others."""
    return Question(_ON_CASE, lambda found: _decode(found or "{}"), {"case": case_id})
