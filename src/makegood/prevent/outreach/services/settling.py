"""Hearing from the outbox what became of messages, and saying on cases what became of people."""

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from makegood.prevent.outreach.models import Recipient
from makegood.recover.cases.models import CaseEvent, Status
from makegood.recover.cases.services.bulk import Entry as CaseEntry
from makegood.recover.cases.services.bulk import lock_cases, write_entries


@transaction.atomic
def settle(*, now: datetime) -> int:
    """Note who was told, perhaps told or not reached; returns how many changed. The outbox has the last word.

    Whose message failed for good has a case that somebody has to work. One SQL query where nothing failed; what is
    settled already costs nothing (index `recipient_unsettled`). Running twice at once is harmless.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE outreach_recipient r SET state = m.status, told_at = m.sent_at FROM (
                SELECT x.id FROM outreach_recipient x
                WHERE x.state IN ('queued', 'uncertain', 'failed') ORDER BY x.id FOR UPDATE SKIP LOCKED
            ) AS held JOIN outreach_recipient same ON same.id = held.id JOIN outbox_message m ON m.id = same.message_id
            WHERE r.id = held.id AND m.status IN ('sent', 'uncertain', 'failed') AND r.state <> m.status
            RETURNING r.id, r.state
            """
        )
        changed = cursor.fetchall()
    if failed := [pk for pk, state in changed if state == Recipient.State.FAILED]:
        say_on_cases(
            failed, now=now, status=Status.OPEN, why="The message could not be delivered: call them, or write anew."
        )
    return len(changed)


def say_on_cases(recipients: Collection[uuid.UUID], *, now: datetime, why: str, status: Status | None = None) -> None:
    """Say something on the open cases of some people; `status` where they still wait for the customer.

    Eight SQL queries at most, however many people.
    """
    found = Recipient.objects.filter(pk__in=list(recipients), case__isnull=False)
    numbers = list(found.values_list("case__number", flat=True))
    entries = []
    for case in lock_cases(customers=(), numbers=numbers) if numbers else ():
        changes: dict[str, Any] = {}
        if status and case.status == Status.WAITING_CUSTOMER:
            changes["status"] = status
        if case.merged_into_id is None:
            entries.append(CaseEntry(case=case, kind=CaseEvent.Kind.FACT, at=now, why=why, changes=changes))
    write_entries(entries)
