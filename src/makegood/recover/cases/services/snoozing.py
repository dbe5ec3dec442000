"""Putting a case off: out of the queue until a time, or until the customer speaks. Its clock runs on."""

import uuid
from datetime import datetime, timedelta

from django.db import transaction
from django.utils.translation import gettext as _

from makegood.ground.messages.notices import Word, notify_many
from makegood.ground.staff.models import User
from makegood.recover.cases.errors import NothingToSay, NotInTheFuture, NotSnoozed
from makegood.recover.cases.models import Case, CaseEvent
from makegood.recover.cases.services.handling import open_case
from makegood.recover.cases.services.timeline import record

Kind = CaseEvent.Kind
LONGEST = timedelta(days=366)
AT_ONCE = 500


@transaction.atomic
def snooze_case(
    *, case_id: uuid.UUID, until: datetime, why: str, by: User, now: datetime, seen: int | None = None
) -> Case:
    """Take an open case out of the queue until a time, with the reason. No promised or due date moves.

    Raises
    ------
    NothingToSay
        No reason is given. Nothing is written.
    NotInTheFuture, CaseAlreadyResolved, CaseMerged, CaseChanged
        Nothing is written.
    """
    if not why.strip():
        raise NothingToSay
    if not now < until <= now + LONGEST:
        raise NotInTheFuture
    case = open_case(case_id, seen)
    record(case, Kind.SNOOZED, at=now, by=by, why=why.strip(), changes={"snoozed_until": until})
    return case


@transaction.atomic
def wake_case(*, case_id: uuid.UUID, by: User, now: datetime, seen: int | None = None) -> Case:
    """Put a case back into the queue before its time. Raises NotSnoozed and what `snooze_case` raises."""
    case = open_case(case_id, seen)
    if case.snoozed_until is None:
        raise NotSnoozed(case.number)
    record(case, Kind.SNOOZED, at=now, by=by, changes={"snoozed_until": None})
    return case


@transaction.atomic
def wake_due(now: datetime) -> int:
    """Put back what was put off until now and tell whoever has it; returns how many.

    At most `AT_ONCE`, the longest due first: an index scan of what is due. Rows that somebody works on are left for the
    next look; two looks at once share the rest between them.
    """
    due = (
        Case.objects.select_for_update(of=("self",), skip_locked=True)
        .filter(snoozed_until__lte=now)
        .defer("search")
        .order_by("snoozed_until")
    )
    woken = list(due[:AT_ONCE])
    people = User.objects.in_bulk({case.assignee_id for case in woken if case.assignee_id}) if woken else {}
    told = []
    for case in woken:
        event = record(case, Kind.SNOOZED, at=now, changes={"snoozed_until": None}, why="The time has come.")
        if case.assignee_id:
            text = _("C-%(number)s is back, the time has come: %(subject)s") % {
                "number": case.number, "subject": case.subject,
            }  # fmt: skip
            told.append(Word(to=people[case.assignee_id], key=f"woken:{event.pk}", text=text,
                             link=f"/cases/C-{case.number}/", about=f"case:{case.pk}"))  # fmt: skip
    if told:
        notify_many(told, now=now)
    return len(woken)
