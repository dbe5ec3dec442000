"""Handing a case to other skills or to more authority, with everything its next owner must know."""

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from makegood.ground.messages.notices import notify
from makegood.ground.staff.models import User
from makegood.recover.cases import extensions
from makegood.recover.cases.errors import HandOverMissing, NotAnEscalation, QueueNotFound
from makegood.recover.cases.models import Case, CaseEvent, Note, Queue, Tier
from makegood.recover.cases.services.assigning import assign_by_rule
from makegood.recover.cases.services.contacts import append_to_index
from makegood.recover.cases.services.handling import open_case, tell_relieved
from makegood.recover.cases.services.timeline import record


@dataclass(frozen=True, kw_only=True)
class HandOver:
    """What the next owner must know."""

    happened: str
    promised: str
    needed: str

    def __str__(self) -> str:
        return f"What happened: {self.happened}\n\nWhat was promised: {self.promised}\n\nWhat is needed: {self.needed}"


@transaction.atomic
def escalate_case(
    *, case_id: uuid.UUID, hand_over: HandOver, by: User, now: datetime, tier: str = "", queue: str = "",
    to: User | None = None, seen: int | None = None,
) -> Case:  # fmt: skip
    """Hand an open case to a higher tier (more authority), to another queue (other skills), or both.

    Without `to` nobody has it until somebody there takes it or a rule gives it to them, and the timeline says so;
    who is named is told. The hand-over stands on the timeline as a note. The row lock decides between two who escalate
    at once.

    Raises
    ------
    HandOverMissing
        A part of the hand-over is empty. Nothing is written.
    NotAnEscalation
        Neither is the tier higher nor the queue another. Nothing is written.
    QueueNotFound, CaseAlreadyResolved, CaseMerged, CaseChanged
        Nothing is written.
    """
    if not all(part.strip() for part in (hand_over.happened, hand_over.promised, hand_over.needed)):
        raise HandOverMissing
    case = open_case(case_id, seen)
    changes, facts = _moved(case, tier, queue)
    had = case.assignee_id
    if had:
        facts["from"] = had
    if to is None:
        facts["nobody"] = True
    note = Note.objects.create(case=case, staff=by, body=str(hand_over), at=now)
    event = record(
        case, CaseEvent.Kind.ESCALATED, at=now, by=by, changes=changes | {"assignee_id": to.pk if to else None},
        facts=facts | {"note": note.pk},
    )  # fmt: skip
    if to is None:
        assign_by_rule([case], at=now, but=by.pk)
    elif to != by:
        text = _("%(who)s escalated C-%(number)s to you: %(needed)s") % {
            "who": by.display_name, "number": case.number, "needed": " ".join(hand_over.needed.split())[:200],
        }  # fmt: skip
        notify(to=[to], key=f"escalated:{event.pk}", text=text, link=f"/cases/C-{case.number}/",
               about=f"case:{case.pk}", now=now)  # fmt: skip
    tell_relieved(case, event, had, by=by)
    append_to_index(case.pk, note.body)
    extensions.tell(case, event, note.body)
    return case


def _moved(case: Case, tier: str, queue: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What changes on the case, and the facts that the timeline tells."""
    changes: dict[str, Any] = {}
    facts: dict[str, Any] = {}
    if tier and Tier.values.index(tier) > Tier.values.index(case.tier):
        changes["tier"] = tier
    if queue:
        other = Queue.objects.filter(slug=queue).first()
        if other is None:
            raise QueueNotFound(queue)
        if other.pk != case.queue_id:
            changes["queue_id"] = other.pk
            facts["queue"] = other.name
    if not changes:
        raise NotAnEscalation(case.number)
    return changes, facts
