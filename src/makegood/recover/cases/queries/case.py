"""What the case page shows: the case, its timeline, its failure chain."""

import hashlib
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec
from django.db import connection

from makegood.ground.asking import Question, ask
from makegood.ground.binary import binary_cursor
from makegood.ground.staff.models import User
from makegood.recover.cases.errors import CaseNotFound

# A person with places sees the cases of these; a case without a place is seen by those who see the whole company.
_VISIBLE = "(%(places)s::uuid[] IS NULL OR c.place_id = ANY(%(places)s::uuid[]))"
_NAME = "coalesce(nullif(btrim({0}.first_name || ' ' || {0}.last_name), ''), {0}.username)"

Places = list[uuid.UUID] | None

MOMENTS_A_PAGE = 100
CHAIN_LENGTH = 12
LINKED_ACCOUNTS = 25


class CaseDetail(NamedTuple):
    """A case with the names a reader needs. Columns come in the order of `_CASE`."""

    id: uuid.UUID
    number: int
    version: int
    subject: str
    failed: str
    channel: str
    status: str
    severity: int
    tier: str
    locus: str
    value: Decimal | None
    currency: str
    opened_at: datetime
    last_contact_at: datetime | None
    last_contact_by: str
    first_response_at: datetime | None
    first_answer_from: datetime | None
    answer_from: datetime | None
    waits: Any  # as the column keeps them
    answer_due_at: datetime | None
    due_at: datetime | None
    outcome: str
    cause: str
    prevention: str
    resolved_at: datetime | None
    resolved_by: str | None
    place_id: uuid.UUID | None
    place: str | None
    order_id: uuid.UUID | None
    shipment_id: uuid.UUID | None
    reason_code: str
    reason: str
    reason_group: str | None
    queue_id: int
    queue_slug: str
    queue: str
    assignee_id: uuid.UUID | None
    assignee: str | None
    customer_id: uuid.UUID | None
    customer: str
    customer_ref: str
    email: str
    phone: str
    language: str
    loyalty_tier: str
    lifetime_value: Decimal | None
    value_currency: str
    city: str
    state: str
    postal_code: str
    country: str
    person_ref: str
    customer_source: int | None
    snoozed_until: datetime | None
    merged_into: int | None
    parent: int | None
    merged: list[uuid.UUID]
    mail: str

    @property
    def label(self) -> str:
        return f"C-{self.number}"

    @property
    def is_open(self) -> bool:
        return self.resolved_at is None


# What the messages of a case say about themselves: changes when one is sent or fails, though the case does not.
_MAIL = """coalesce((SELECT left(md5(string_agg(m.status || m.bounce, ',' ORDER BY m.id)), 8)
                     FROM outbox_message m WHERE m.about = 'case:' || c.id), '')"""

_CASE = f"""
SELECT c.id, c.number, c.version, c.subject, c.failed, c.channel, c.status, c.severity, c.tier, c.locus, c.value,
       c.currency, c.opened_at, c.last_contact_at, c.last_contact_by, c.first_response_at,
       c.first_answer_from, c.answer_from, c.waits::text, c.answer_due_at, c.due_at, c.outcome, c.cause, c.prevention,
       c.resolved_at, {_NAME.format("z")}, c.place_id, p.name, c.order_id, c.shipment_id,
       r.code, r.name, g.name, c.queue_id, q.slug, q.name, c.assignee_id, {_NAME.format("a")},
       c.customer_id, coalesce(nullif(k.name, ''), k.ref, ''), coalesce(k.ref, ''), coalesce(k.email, ''),
       coalesce(k.phone, ''), coalesce(k.language, ''), coalesce(k.loyalty_tier, ''), k.lifetime_value,
       coalesce(s.currency, ''), coalesce(k.city, ''), coalesce(k.state, ''), coalesce(k.postal_code, ''),
       coalesce(k.country, ''), coalesce(k.person_ref, ''), k.source_id, c.snoozed_until, i.number,
       f.number, ARRAY(SELECT m.id FROM cases_case m WHERE m.merged_into_id = c.id ORDER BY m.id), {_MAIL}
FROM cases_case c
JOIN cases_reason r ON r.id = c.reason_id
LEFT JOIN cases_reason g ON g.code = split_part(r.code, '.', 1) AND g.id <> r.id
JOIN cases_queue q ON q.id = c.queue_id
LEFT JOIN retail_place p ON p.id = c.place_id
LEFT JOIN staff_user a ON a.id = c.assignee_id
LEFT JOIN staff_user z ON z.id = c.resolved_by_id
LEFT JOIN retail_customer k ON k.id = c.customer_id
LEFT JOIN retail_source s ON s.id = k.source_id
LEFT JOIN cases_case i ON i.id = c.merged_into_id
LEFT JOIN cases_case f ON f.id = c.parent_id
WHERE c.number = %(number)s AND {_VISIBLE}
"""


def the_case(number: int, *, places: Places) -> CaseDetail:
    """A case by its number, for somebody who sees `places` (None: all). One SQL query.

    Raises
    ------
    CaseNotFound
        There is none, or it lies outside these places.
    """
    with binary_cursor() as cursor:
        cursor.execute(_CASE, {"number": number, "places": places})
        row = cursor.fetchone()
    if row is None:
        raise CaseNotFound(f"C-{number}")
    case = CaseDetail(*row)
    return case._replace(waits=msgspec.json.decode(case.waits))


class Mark(NamedTuple):
    """What a page shows of a case: the last event, how its messages stand, who is there too."""

    number: int
    version: int
    mail: str
    # Colleagues who have it open too, as (name, what they write), by name.
    present: list[tuple[str, str]]

    @property
    def who(self) -> str:
        """Changes when one comes, goes or begins to write."""
        return hashlib.md5(repr(self.present).encode(), usedforsecurity=False).hexdigest()[:8] if self.present else ""


# A page renews its mark every five seconds; who missed three is gone.
PRESENT_FOR = timedelta(seconds=16)
_MARK = f"""
WITH seen AS (
    SELECT c.id, c.number, c.version, {_MAIL} AS mail FROM cases_case c WHERE c.number = %(number)s AND {_VISIBLE}
), here AS (
    INSERT INTO cases_presence (case_id, user_id, doing, seen_at)
    SELECT id, %(me)s::uuid, %(doing)s, %(now)s::timestamptz FROM seen
    ON CONFLICT (case_id, user_id) DO UPDATE SET doing = excluded.doing, seen_at = excluded.seen_at
)
SELECT number, version, mail, coalesce((
    SELECT json_agg(json_build_array({_NAME.format("u")}, p.doing) ORDER BY {_NAME.format("u")})
    FROM cases_presence p JOIN staff_user u ON u.id = p.user_id
    WHERE p.case_id = seen.id AND p.user_id <> %(me)s::uuid AND p.seen_at > %(since)s::timestamptz), '[]')::text
FROM seen
"""
_decode_present = msgspec.json.Decoder(list[tuple[str, str]]).decode


def mark(number: int, *, me: User, doing: str, now: datetime, places: Places) -> Mark:
    """Whether a page is still current (compare with what it showed) and who else looks; notes that `me` does.

    One SQL statement. Raises CaseNotFound.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            _MARK,
            {"number": number, "places": places, "me": me.pk, "doing": doing, "now": now, "since": now - PRESENT_FOR},
        )
        row = cursor.fetchone()
    if row is None:
        raise CaseNotFound(f"C-{number}")
    number, version, mail, present = row
    return Mark(number, version, mail, _decode_present(present))


class Moment(NamedTuple):
    """One event of the timeline with the words that belong to it. Columns come in the order of `_TIMELINE`."""

    seq: int
    kind: str
    at: datetime
    why: str
    changes: dict[str, Any]
    facts: dict[str, Any]
    actor_id: uuid.UUID | None
    actor: str | None
    contact_id: uuid.UUID | None
    channel: str | None
    direction: str | None
    author: str | None
    subject: str | None
    body: str | None
    message_id: uuid.UUID | None
    message_status: str | None
    message_error: str | None
    message_due_at: datetime | None
    assigned_to: str | None
    taken_from: str | None
    quoted: str
    of: int  # number of the merged case whose words these are; 0: this case's own
    position: int  # by which older ones are asked for
    files: "list[Attached]"


class Attached(msgspec.Struct, frozen=True):
    """A file of a contact."""

    id: uuid.UUID
    name: str
    type: str
    size: int
    scan: str
    left_out: str


# The opening event sets every column: what it opened with shows on the page anyway.
_TIMELINE = f"""
SELECT e.seq, e.kind, e.at, e.why, CASE WHEN e.kind IN ('opened', 'triaged') THEN '{{{{}}}}' ELSE e.changes::text END,
       e.facts::text, e.actor_id, {_NAME.format("u")}, t.id, t.channel, t.direction, t.author, t.subject,
       coalesce(t.body, n.body), m.id, CASE WHEN m.bounced_at IS NULL THEN m.status ELSE 'bounced' END,
       coalesce(nullif(m.bounce, ''), m.last_error), m.due_at, {_NAME.format("a")}, {_NAME.format("b")},
       coalesce(v.quoted, ''), {{of}}, e.{{position}},
       CASE WHEN t.id IS NOT NULL THEN (
           SELECT json_agg(json_build_object('id', x.id, 'name', x.name, 'type', x.type, 'size', x.size,
                                             'scan', x.scan, 'left_out', x.left_out) ORDER BY x.id)::text
           FROM cases_attachment x WHERE x.contact_id = t.id) END
FROM {{events}} e
LEFT JOIN staff_user u ON u.id = e.actor_id
LEFT JOIN cases_contact t ON e.kind = 'contact' AND t.id = (e.facts->>'contact')::uuid
LEFT JOIN cases_envelope v ON v.contact_id = t.id
LEFT JOIN cases_note n ON e.kind IN ('note', 'escalated') AND n.id = (e.facts->>'note')::uuid
LEFT JOIN outbox_message m ON t.direction = 'out' AND t.channel = 'email' AND m.idempotency_key = 'reply:' || t.id
LEFT JOIN staff_user a ON e.kind <> 'opened' AND a.id = (e.changes->>'assignee_id')::uuid
LEFT JOIN staff_user b ON e.kind IN ('assigned', 'escalated') AND b.id = (e.facts->>'from')::uuid
WHERE {{which}} AND e.{{position}} < %(before)s AND e.{{position}} > %(after)s
ORDER BY e.{{position}} DESC LIMIT %(limit)s
"""
_OWN = _TIMELINE.format(of="0", position="seq", events="cases_caseevent", which="e.case_id = %(case)s")
# What was said in merged cases stands between, in order of time; a contact that both tell of stands there once.
_JOINED = _TIMELINE.format(
    of="e.of", position="position", which="true",
    events="""(
    SELECT e.*, CASE WHEN e.case_id = %(case)s THEN 0 ELSE c.number END AS of,
           row_number() OVER (ORDER BY e.at, e.case_id <> %(case)s, e.seq, e.case_id) AS position
    FROM cases_caseevent e JOIN cases_case c ON c.id = e.case_id
    WHERE e.case_id = %(case)s OR e.case_id = ANY(%(merged)s::uuid[]) AND e.kind IN ('contact', 'note', 'escalated')
        AND NOT EXISTS (
            SELECT FROM cases_caseevent own
            WHERE own.case_id = %(case)s AND own.kind = 'contact' AND own.facts->>'contact' = e.facts->>'contact'))""",
)  # fmt: skip


def timeline(
    case_id: uuid.UUID, *, merged: Sequence[uuid.UUID] = (), before: int = 2_000_000_000, after: int = 0,
    limit: int = MOMENTS_A_PAGE,
) -> list[Moment]:  # fmt: skip
    """What happened in a case and was said in those `merged` into it, the newest first, between two positions (both
    left out). One SQL query.
    """
    with binary_cursor() as cursor:
        asked: dict[str, Any] = {"case": case_id, "before": before, "after": after, "limit": limit}
        if merged:
            cursor.execute(_JOINED, asked | {"merged": list(merged)})
        else:
            cursor.execute(_OWN, asked)
        return [
            Moment(seq, kind, at, why, _as_dict(changes), _as_dict(facts), *(*rest, _as_files(files) if files else []))
            for seq, kind, at, why, changes, facts, *rest, files in cursor.fetchall()
        ]


_as_files = msgspec.json.Decoder(list[Attached]).decode
_as_dict = msgspec.json.Decoder(dict[str, Any]).decode


class Account(msgspec.Struct, frozen=True):
    """An account of the same person."""

    id: uuid.UUID
    name: str
    ref: str
    email: str


class Earlier(msgspec.Struct, frozen=True):
    """A link of the failure chain."""

    number: int
    subject: str
    reason: str
    status: str
    outcome: str
    opened_at: datetime
    customer_id: uuid.UUID


class Chain(msgspec.Struct, frozen=True):
    """All failures of one person: those within the reader's places by name, the others as a number."""

    accounts: list[Account]
    cases: list[Earlier]
    in_a_year: int
    total: int
    hidden: int


NO_CHAIN = Chain([], [], 0, 0, 0)
_decode_chain = msgspec.json.Decoder(Chain).decode

_CHAIN = f"""
WITH accounts AS MATERIALIZED (
    SELECT %(customer)s::uuid AS id
    UNION
    (SELECT k.id FROM retail_customer k
     WHERE %(person)s::text > '' AND k.person_ref > '' AND k.person_ref = %(person)s::text
       AND k.source_id = %(source)s::smallint
     LIMIT {LINKED_ACCOUNTS})
), found AS MATERIALIZED (
    SELECT c.number, c.subject, r.name AS reason, c.status, c.outcome, c.opened_at, c.customer_id, {_VISIBLE} AS visible
    FROM accounts JOIN cases_case c ON c.customer_id = accounts.id JOIN cases_reason r ON r.id = c.reason_id
    WHERE c.outcome <> 'duplicate'
)
SELECT json_build_object(
    'accounts', coalesce((
        SELECT json_agg(json_build_object('id', k.id, 'name', k.name, 'ref', k.ref, 'email', k.email) ORDER BY k.id)
        FROM accounts JOIN retail_customer k ON k.id = accounts.id WHERE k.id <> %(customer)s::uuid), '[]'),
    'cases', coalesce((
        SELECT json_agg(json_build_object(
            'number', f.number, 'subject', f.subject, 'reason', f.reason, 'status', f.status, 'outcome', f.outcome,
            'opened_at', f.opened_at, 'customer_id', f.customer_id) ORDER BY f.opened_at DESC)
        FROM (SELECT * FROM found WHERE visible ORDER BY opened_at DESC LIMIT %(most)s) f), '[]'),
    'in_a_year', (SELECT count(*) FROM found
                  WHERE opened_at <= %(at)s::timestamptz AND opened_at > %(at)s::timestamptz - interval '365 days'),
    'total', (SELECT count(*) FROM found),
    'hidden', (SELECT count(*) FROM found WHERE NOT coalesce(visible, false))
)::text
"""


def failure_chain(
    customer_id: uuid.UUID, *, person_ref: str, source_id: int | None, at: datetime, places: Places,
    most: int = CHAIN_LENGTH,
) -> Chain:  # fmt: skip
    """All cases of a customer and of accounts linked to them, duplicates left out, the newest first. One SQL query.

    `in_a_year` counts what opened in the year until `at`. Cases outside `places` are counted, not told (None: all are
    told).
    """
    return ask(chain_of(
        customer_id, person_ref=person_ref, source_id=source_id, at=at, places=places, most=most,
    ))  # fmt: skip


def chain_of(
    customer_id: uuid.UUID | None, *, person_ref: str, source_id: int | None, at: datetime, places: Places,
    most: int = CHAIN_LENGTH,
) -> Question[Chain]:  # fmt: skip
    """`failure_chain`, to be asked with others; of nobody it is empty."""
    asked = {"customer": customer_id, "person": person_ref, "source": source_id, "at": at, "places": places,
             "most": most}  # fmt: skip
    return Question(_CHAIN, lambda found: _decode_chain(found) if found else NO_CHAIN, asked)


class ReasonChoice(NamedTuple):
    code: str
    name: str
    queue: str
    severity: int


def reasons_to_choose() -> list[tuple[str, list[ReasonChoice]]]:
    """The reason tree in use, as (group, reasons), for a select. One SQL query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT coalesce(g.name, r.name), r.code, r.name, q.name, r.severity
            FROM cases_reason r
            JOIN cases_queue q ON q.id = r.queue_id
            LEFT JOIN cases_reason g ON g.code = split_part(r.code, '.', 1)
            WHERE r.active ORDER BY r.code
            """
        )
        groups: dict[str, list[ReasonChoice]] = {}
        for group, *choice in cursor.fetchall():
            groups.setdefault(group, []).append(ReasonChoice(*choice))
    return list(groups.items())


class Person(NamedTuple):
    id: uuid.UUID
    name: str
    username: str
    role: str
    open_cases: int


def people_to_assign(words: str, *, limit: int = 20) -> list[Person]:
    """Active staff who may work cases and whose name holds all `words`, the least busy first. One SQL query."""
    patterns = [f"%{_escape_like(word)}%" for word in words.split()[:5]]
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT u.id, {_NAME.format("u")}, u.username, u.role,
                   (SELECT count(*) FROM cases_case c WHERE c.assignee_id = u.id AND c.resolved_at IS NULL) AS busy
            FROM staff_user u
            WHERE u.is_active AND NOT u.is_integration AND u.role = ANY(%s)
                  AND (u.first_name || ' ' || u.last_name || ' ' || u.username)
                  ILIKE ALL(%s::text[])
            ORDER BY busy, 2 LIMIT %s
            """,
            [roles_that_work_cases(), patterns or ["%"], limit],
        )
        return [Person(*row) for row in cursor.fetchall()]


def roles_that_work_cases() -> list[str]:
    from makegood.ground.staff.rules import PERMISSIONS  # noqa: PLC0415  registers predicates when imported

    return [str(role) for role in PERMISSIONS["cases.work"]]


def assignable(person: str) -> User | None:
    """An active member of staff who may work cases, by id or username. One SQL query."""
    active = User.objects.filter(is_active=True, is_integration=False, role__in=roles_that_work_cases())
    try:
        return active.filter(pk=uuid.UUID(person)).first()
    except ValueError:
        return active.filter(username=person).first()


def _escape_like(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
