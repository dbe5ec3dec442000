"""Writing on many cases at once: the same events as one at a time leaves, in a handful of statements."""

import json
import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from makegood.recover.cases.models import Case, CaseEvent, Contact, Note, Reason
from makegood.recover.cases.replay import to_json
from makegood.recover.cases.service_levels.following import followed
from makegood.recover.cases.service_levels.levels import load
from makegood.recover.cases.services.timeline import nothing_promised
from makegood.recover.cases.services.watchers import tell_watchers

# What an entry may change, with its type in PostgreSQL.
CHANGEABLE = {
    "subject": "text", "channel": "text", "reason_id": "bigint", "queue_id": "bigint", "locus": "text",
    "severity": "smallint", "tier": "text", "status": "text", "last_contact_at": "timestamptz",
    "last_contact_by": "text", "first_response_at": "timestamptz", "first_answer_from": "timestamptz",
    "answer_from": "timestamptz", "waits": "jsonb", "answer_due_at": "timestamptz", "resolve_due_at": "timestamptz",
    "notice_at": "timestamptz", "noticed": "jsonb", "due_at": "timestamptz", "rank_at": "timestamptz",
    "assignee_id": "uuid", "outcome": "text", "cause": "text", "resolved_at": "timestamptz", "resolved_by_id": "uuid",
    "prevention": "text", "merged_into_id": "uuid", "parent_id": "uuid", "follows_id": "uuid",
    "snoozed_until": "timestamptz",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One event for the timeline of a locked case, with the columns it sets and the contact or note it tells of."""

    case: Case
    kind: CaseEvent.Kind
    at: datetime
    by_id: uuid.UUID | None = None
    why: str = ""
    changes: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    contact: Contact | None = None
    note: Note | None = None
    reason: Reason | None = None  # what `changes` makes of `reason_id`, for whoever reads the case afterwards


def lock_cases(
    *, customers: Collection[uuid.UUID], orders: Collection[uuid.UUID] = (), numbers: Collection[int] = ()
) -> list[Case]:
    """Read and hold the open cases of some customers, every case of some orders, and cases by number.

    With a merged case comes the one that goes on in its place. They are locked in the order of their identifiers, so
    that two who lock many wait for each other instead of deadlocking; held until the transaction ends. Two SQL queries.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH found AS (
                SELECT id, NULL::uuid AS merged_into_id FROM cases_case
                WHERE customer_id = ANY(%s::uuid[]) AND resolved_at IS NULL
                UNION SELECT id, merged_into_id FROM cases_case WHERE order_id = ANY(%s::uuid[])
                UNION SELECT id, merged_into_id FROM cases_case WHERE number = ANY(%s::bigint[])
            )
            SELECT id FROM found UNION SELECT merged_into_id FROM found WHERE merged_into_id IS NOT NULL
            """,
            [list(customers), list(orders), list(numbers)],
        )
        found = [pk for (pk,) in cursor.fetchall()]
    if not found:
        return []
    cases = list(
        Case.objects.select_for_update(of=("self",), no_key=True)
        .select_related("customer", "reason")
        .defer("search", "customer__search")
        .filter(pk__in=found)
        .order_by("pk")
    )
    if any(case.merged_into_id and case.merged_into_id not in found for case in cases):
        # Merged between the two queries: it stays so as long as we hold it.
        return lock_cases(customers=customers, orders=orders, numbers=numbers)
    return cases


def write_entries(entries: Sequence[Entry]) -> None:
    """Append events, in the order given, to cases that `lock_cases` holds, and set the columns they name.

    At most six SQL queries, however many entries (eight where a case ends), and those of notices to whoever watches.
    Raises CommitmentStillOpen.
    """
    if not entries:
        return
    levels = load({entry.changes.get("place_id", entry.case.place_id) for entry in entries})
    events: list[CaseEvent] = []
    touched: dict[uuid.UUID, Case] = {}
    words: dict[uuid.UUID, list[str]] = {}
    for entry in entries:
        case = entry.case
        changes = entry.changes | followed(case, entry.changes, entry.at, levels)
        changes = {column: value for column, value in changes.items() if getattr(case, column) != value}
        for column, value in changes.items():
            setattr(case, column, value)
        if entry.reason:
            case.reason = entry.reason
        case.version += 1
        touched[case.pk] = case
        said = words.setdefault(case.pk, [])
        if "subject" in changes:
            said.append(changes["subject"])
        if entry.contact:
            said.append(entry.contact.body[:100_000])
        if entry.note:
            said.append(entry.note.body[:100_000])
        events.append(
            CaseEvent(
                case_id=case.pk, seq=case.version, kind=entry.kind, at=entry.at, actor_id=entry.by_id, why=entry.why,
                changes={column: to_json(value) for column, value in changes.items()},
                facts={name: to_json(value) for name, value in entry.facts.items()},
            )
        )  # fmt: skip
    Contact.objects.bulk_create([entry.contact for entry in entries if entry.contact], batch_size=1000)
    Note.objects.bulk_create([entry.note for entry in entries if entry.note], batch_size=1000)
    CaseEvent.objects.bulk_create(events, batch_size=1000)
    rows = [
        {"id": str(case.pk), "version": case.version, "words": " ".join(words[case.pk])}
        | {column: to_json(getattr(case, column)) for column in CHANGEABLE}
        for case in touched.values()
    ]
    columns = ", ".join(f"{column} = n.{column}" for column in CHANGEABLE)
    types = ", ".join(f"{column} {kind}" for column, kind in CHANGEABLE.items())
    ends = any(case.resolved_at is not None for case in touched.values())
    with nothing_promised(is_end=ends), connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE cases_case c SET {columns}, version = n.version, changed_at = now(), search = CASE
                WHEN n.words = '' THEN c.search
                ELSE coalesce(c.search, '') || to_tsvector('simple', n.words) END
            FROM jsonb_to_recordset(%s::jsonb) AS n (id uuid, version integer, words text, {types})
            WHERE c.id = n.id
            """,
            [json.dumps(rows)],
        )
    tell_watchers((touched[event.case_id], event) for event in events)
