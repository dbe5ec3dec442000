"""Working a case: who has it, what it is about, whom it waits for, how it ends."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from makegood.ground.staff.models import User
from makegood.recover.cases.errors import CaseAlreadyResolved, CaseExists, CaseNotResolved, ReasonNotFound
from makegood.recover.cases.models import Case, CaseEvent, Outcome, Reason, Status
from makegood.recover.cases.services.timeline import lock_case, record

Kind = CaseEvent.Kind


@transaction.atomic
def assign_case(*, case_id: uuid.UUID, to: User | None, by: User, now: datetime, seen: int | None = None) -> Case:
    """Give an open case to somebody, or back to the queue (None). Giving it to who has it already changes nothing.

    Raises
    ------
    CaseAlreadyResolved, CaseChanged
        Nothing is written.
    """
    case = _open_case(case_id, seen)
    if case.assignee_id == (to.pk if to else None):
        return case
    record(case, Kind.ASSIGNED, at=now, by=by, changes=given(case, to.pk if to else None))
    return case


def given(case: Case, to_id: uuid.UUID | None) -> dict[str, Any]:
    """What giving a case to somebody changes on it."""
    return {"assignee_id": to_id, "status": Status.OPEN if to_id and case.status == Status.NEW else case.status}


@transaction.atomic
def change_reason(*, case_id: uuid.UUID, reason: str, by: User, now: datetime, seen: int | None = None) -> Case:
    """Say why the customer really came. Queue and severity follow the new reason, and so does the clock.

    Raises
    ------
    ReasonNotFound, CaseAlreadyResolved, CaseChanged
        Nothing is written.
    CaseExists
        The customer already has an open case for this order and reason. Nothing is written.
    """
    case = _open_case(case_id, seen)
    new = Reason.objects.filter(code=reason, active=True).first()
    if new is None:
        raise ReasonNotFound(reason)
    if case.reason_id == new.pk:
        return case
    old = Reason.objects.get(pk=case.reason_id)
    changes = turned(case, old, new)
    with _one_open_case(case, new):
        record(case, Kind.REASON, at=now, by=by, why=f"From {old.name} to {new.name}.", changes=changes)
    return case


def turned(case: Case, old: Reason, new: Reason, *, worse_by: int = 0) -> dict[str, Any]:
    """What another reason changes on a case: queue and severity."""
    # What was judged beyond the old reason (a gold customer, a third failure) still holds.
    severity = max(1, min(4, new.severity + case.severity - old.severity - worse_by))
    return {
        "reason_id": new.pk, "queue_id": new.queue_id, "locus": new.locus or case.locus, "severity": severity,
    }  # fmt: skip


@transaction.atomic
def change_status(*, case_id: uuid.UUID, status: Status, by: User, now: datetime, seen: int | None = None) -> Case:
    """Say whom an open case waits for. Resolving and reopening have services of their own.

    Raises
    ------
    ValueError
        `status` is new or resolved.
    CaseAlreadyResolved, CaseChanged
        Nothing is written.
    """
    if status in (Status.NEW, Status.RESOLVED):
        raise ValueError(status)
    case = _open_case(case_id, seen)
    if case.status != status:
        record(case, Kind.STATUS, at=now, by=by, changes={"status": status})
    return case


@transaction.atomic
def resolve_case(
    *, case_id: uuid.UUID, outcome: Outcome, cause: str, by: User | None, now: datetime, locus: str = "",
    seen: int | None = None,
) -> Case:  # fmt: skip
    """Bring an open case to its end. The row lock decides between two who resolve at once.

    Parameters
    ----------
    cause
        Why it failed, in words; empty: not yet known.
    locus
        Where it failed, if that is known better now.

    Raises
    ------
    CaseAlreadyResolved, CaseChanged
        Nothing is written.
    """
    case = _open_case(case_id, seen)
    record(case, Kind.RESOLVED, at=now, by=by, changes=ended(case, outcome, cause, by.pk if by else None, now, locus))
    return case


def ended(
    case: Case, outcome: Outcome | str, cause: str, by_id: uuid.UUID | None, at: datetime, locus: str
) -> dict[str, Any]:
    """What its end changes on a case."""
    return {"status": Status.RESOLVED, "outcome": outcome, "cause": cause.strip()[:500], "resolved_at": at,
            "resolved_by_id": by_id, "locus": locus or case.locus}  # fmt: skip


@transaction.atomic
def reopen_case(*, case_id: uuid.UUID, why: str, by: User | None, now: datetime, seen: int | None = None) -> Case:
    """Take a resolved case up again; its answer is due anew. What was said at its end stays on the timeline.

    Raises
    ------
    CaseNotResolved, CaseChanged
        Nothing is written.
    CaseExists
        Another case was opened for the same meanwhile. Nothing is written.
    """
    case = lock_case(case_id, seen=seen)
    if case.resolved_at is None:
        raise CaseNotResolved(case.number)
    with _one_open_case(case, case.reason):
        record(case, Kind.REOPENED, at=now, by=by, why=why.strip(), changes=taken_up())
    return case


def taken_up() -> dict[str, Any]:
    """What being taken up again changes on a resolved case."""
    return {"status": Status.OPEN, "outcome": "", "cause": "", "resolved_at": None, "resolved_by_id": None}


@contextmanager
def _one_open_case(case: Case, reason: Reason) -> Iterator[None]:
    """Let the constraint `case_open_once` decide, and say which case stands in the way."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as problem:
        if "case_open_once" not in str(problem):
            raise
        twin: dict[str, Any] = {"customer_id": case.customer_id, "order_id": case.order_id, "reason": reason}
        other = Case.objects.filter(resolved_at=None, **twin).values_list("number", flat=True)
        raise CaseExists(case.number, other[0]) from problem


def _open_case(case_id: uuid.UUID, seen: int | None) -> Case:
    case = lock_case(case_id, seen=seen)
    if case.resolved_at is not None:
        raise CaseAlreadyResolved(case.number)
    return case
