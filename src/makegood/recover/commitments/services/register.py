"""The one way to write on a promise: hold its case and it, change it, say so on the timeline."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F

from makegood.ground.staff.models import User
from makegood.recover.cases.models import Case, CaseEvent
from makegood.recover.cases.services.timeline import lock_case, record
from makegood.recover.commitments.errors import CaseIsResolved, CommitmentEnded, CommitmentNotFound, NobodyOwnsIt
from makegood.recover.commitments.models import Commitment, NoticeKind, State


def hold(commitment_id: uuid.UUID) -> tuple[Commitment, Case | None]:
    """Read a promise and hold it and its case until the transaction ends. Three SQL queries.

    The case comes first, as for everybody who writes on it: nobody waits in a circle. Raises CommitmentNotFound.
    """
    found = Commitment.objects.filter(pk=commitment_id).values_list("case_id").first()
    if found is None:
        raise CommitmentNotFound(str(commitment_id))
    case = lock_case(found[0]) if found[0] else None
    commitment = Commitment.objects.select_for_update(of=("self",)).select_related("owner").get(pk=commitment_id)
    return commitment, case


def hold_open(commitment_id: uuid.UUID) -> tuple[Commitment, Case | None]:
    """As `hold`. Raises CommitmentEnded where somebody was first."""
    commitment, case = hold(commitment_id)
    if commitment.state != State.OPEN:
        raise CommitmentEnded(commitment.number, State(commitment.state).label)
    return commitment, case


def say(
    case: Case | None, commitment: Commitment, did: str, *, at: datetime, by: User | None, why: str = "", **facts: Any
) -> None:
    """Put on the timeline what was done with a promise. Its words stay in the register: a person can be erased."""
    if case is None:
        return
    record(
        case, CaseEvent.Kind.COMMITMENT, at=at, by=by, why=why,
        facts={"commitment": commitment.pk, "number": commitment.number, "did": did, "kind": str(commitment.kind),
               "to": str(commitment.to), "due_at": commitment.due_at, **facts},
    )  # fmt: skip


def save(commitment: Commitment, **columns: Any) -> None:
    """Set columns of a held promise. One SQL query."""
    for name, value in columns.items():
        setattr(commitment, name, value)
    Commitment.objects.filter(pk=commitment.pk).update(**columns)


@contextmanager
def obeying(commitment_owner: User, case: Case | None) -> Iterator[None]:
    """Let the triggers decide, and say in words what they refuse."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as problem:
        constraint = getattr(getattr(problem.__cause__, "diag", None), "constraint_name", "")
        if constraint == "commitment_open_on_open_case" and case:
            raise CaseIsResolved(case.number) from problem
        if constraint == "commitment_owner_is_active":
            raise NobodyOwnsIt(commitment_owner.display_name) from problem
        raise


def first_notice(kind: str, due_at: datetime, now: datetime) -> dict[str, Any]:
    """What people are told first of an open promise, and when: a reminder where there is time for one."""
    remind_at = due_at - _remind_before(kind, due_at - now)
    if remind_at > now:
        return {"next_notice": NoticeKind.REMINDER, "next_notice_at": remind_at}
    return {"next_notice": NoticeKind.DUE, "next_notice_at": due_at}


def following_notice(notice: str, due_at: "datetime | F") -> dict[str, Any]:
    """What comes after a notice; `due_at` may be the column itself."""
    if notice == NoticeKind.REMINDER:
        return {"next_notice": NoticeKind.DUE, "next_notice_at": due_at}
    if notice == NoticeKind.DUE:
        later = timedelta(minutes=settings.MAKEGOOD_ESCALATE_AFTER)
        return {"next_notice": NoticeKind.ESCALATION, "next_notice_at": due_at + later}
    return SILENCE


SILENCE: dict[str, Any] = {"next_notice": NoticeKind.NONE, "next_notice_at": None}
# How long before it is due one is reminded, by how far away it was when it was promised.
_BY_DISTANCE = (
    (timedelta(hours=2), timedelta(minutes=15)),
    (timedelta(days=1), timedelta(hours=1)),
    (timedelta(days=7), timedelta(hours=4)),
)
_LONGEST = timedelta(days=1)


def _remind_before(kind: str, distance: timedelta) -> timedelta:
    minutes = settings.MAKEGOOD_REMIND_BEFORE.get(kind)
    if minutes is not None:
        return timedelta(minutes=minutes)
    return next((before for far, before in _BY_DISTANCE if distance <= far), _LONGEST)
