"""Moving a case to another queue by hand, because it belongs to other people."""

import uuid
from datetime import datetime

from django.db import transaction

from makegood.ground.staff.models import User
from makegood.recover.cases.errors import NothingToSay, QueueNotFound, SameQueue
from makegood.recover.cases.models import Case, CaseEvent, Queue
from makegood.recover.cases.services.assigning import assign_by_rule
from makegood.recover.cases.services.handling import open_case, tell_relieved
from makegood.recover.cases.services.timeline import record


@transaction.atomic
def move_case(
    *, case_id: uuid.UUID, queue: str, why: str, by: User, now: datetime, seen: int | None = None
) -> Case:  # fmt: skip
    """Put an open case into another queue, with the reason. Nobody has it there until a rule or somebody takes it.

    Who had it is told. The row lock decides between two who move at once.

    Raises
    ------
    NothingToSay
        No reason is given. Nothing is written.
    SameQueue, QueueNotFound, CaseAlreadyResolved, CaseMerged, CaseChanged
        Nothing is written.
    """
    if not why.strip():
        raise NothingToSay
    case = open_case(case_id, seen)
    other = Queue.objects.filter(slug=queue).first()
    if other is None:
        raise QueueNotFound(queue)
    if other.pk == case.queue_id:
        raise SameQueue(case.number, other.name)
    had = case.assignee_id
    facts = {"queue": other.name} | ({"from": had} if had else {})
    event = record(case, CaseEvent.Kind.MOVED, at=now, by=by, why=why.strip(), facts=facts,
                   changes={"queue_id": other.pk, "assignee_id": None})  # fmt: skip
    assign_by_rule([case], at=now, but=by.pk)
    tell_relieved(case, event, had, by=by)
    return case
