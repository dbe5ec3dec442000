"""Working a case: who has it, what it is about, whom it waits for, how it ends."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from makegood.ground.messages.notices import notify
from makegood.ground.staff.models import User
from makegood.recover.cases.errors import (
    CaseAlreadyResolved,
    CaseExists,
    CaseMerged,
    CaseNotResolved,
    ReasonNotFound,
)
from makegood.recover.cases.models import Case, CaseEvent, Outcome, Reason, Severity, Status
from makegood.recover.cases.services.assigning import assign_by_rule
from makegood.recover.cases.services.ending_questions import close_with
from makegood.recover.cases.services.timeline import lock_case, record

Kind = CaseEvent.Kind


@transaction.atomic
def assign_case(*, case_id: uuid.UUID, to: User | None, by: User, now: datetime, seen: int | None = None) -> Case:
    """Give an open case to somebody, or back to the queue (None), where a rule may find somebody else for it.

    Giving it to who has it already changes nothing. The event keeps who had it before, so that somebody who is relieved
    of a case reads so on its timeline and is told.

    Raises
    ------
    CaseAlreadyResolved, CaseChanged
        Nothing is written.
    """
    case = open_case(case_id, seen)
    if case.assignee_id == (to.pk if to else None):
        return case
    before = case.assignee_id
    facts = {"from": before} if before else {}
    changes = given(case, to.pk if to else None)
    event = record(case, Kind.ASSIGNED, at=now, by=by, changes=changes, facts=facts)
    if to is None:
        assign_by_rule([case], at=now, but=before)
    tell_relieved(case, event, before, by=by)
    return case


def tell_relieved(case: Case, event: CaseEvent, had: uuid.UUID | None, *, by: User) -> None:
    """Tell who had a case that it was taken from them. One SQL query and those of the notice; none for one's own."""
    if had is None or had in (by.pk, case.assignee_id):
        return
    said = _("%(who)s took C-%(number)s from you: %(subject)s") if case.assignee_id == by.pk else _(
        "C-%(number)s is no longer yours, %(who)s passed it on: %(subject)s"
    )  # fmt: skip
    text = said % {"who": by.display_name, "number": case.number, "subject": case.subject}
    notify(to=User.objects.filter(pk=had), key=f"relieved:{event.pk}", text=text, link=f"/cases/C-{case.number}/",
           about=f"case:{case.pk}", now=event.at)  # fmt: skip


def given(case: Case, to_id: uuid.UUID | None) -> dict[str, Any]:
    """What giving a case to somebody changes on it."""
    return {"assignee_id": to_id, "status": Status.OPEN if to_id and case.status == Status.NEW else case.status}


@transaction.atomic
def change_reason(*, case_id: uuid.UUID, reason: str, by: User, now: datetime, seen: int | None = None) -> Case:
    """Say why the customer really came. Queue and severity follow the new reason, and so does the clock.

    The reason that the case has already is thereby confirmed, once: triage learns from both.

    Raises
    ------
    ReasonNotFound, CaseAlreadyResolved, CaseChanged
        Nothing is written.
    CaseExists
        The customer already has an open case for this order and reason. Nothing is written.
    """
    case = open_case(case_id, seen)
    new = Reason.objects.filter(code=reason, active=True).first()
    if new is None:
        raise ReasonNotFound(reason)
    if case.reason_id == new.pk:
        said = case.events.filter(kind=Kind.REASON, actor__isnull=False).order_by("-seq").first()
        if said is None or new.pk not in (said.changes.get("reason_id"), said.facts.get("confirmed")):
            record(case, Kind.REASON, at=now, by=by, why=f"{new.name}.", facts={"confirmed": new.pk})
        return case
    old = Reason.objects.get(pk=case.reason_id)
    changes = turned(case, old, new)
    with one_open_case(case, new):
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
def change_severity(
    *, case_id: uuid.UUID, severity: Severity, by: User, now: datetime, seen: int | None = None
) -> Case:  # fmt: skip
    """Say how great the harm to the customer is; the clocks follow. The severity that it has already changes nothing.

    Raises
    ------
    CaseAlreadyResolved, CaseMerged, CaseChanged
        Nothing is written.
    """
    case = open_case(case_id, seen)
    if case.severity != severity:
        why = f"Severity set to {Severity(severity).label.lower()}."
        record(case, Kind.FACT, at=now, by=by, why=why, changes={"severity": int(severity)})
    return case


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
    case = open_case(case_id, seen)
    if case.status != status:
        record(case, Kind.STATUS, at=now, by=by, changes={"status": status})
    return case


@transaction.atomic
def resolve_case(
    *, case_id: uuid.UUID, outcome: Outcome, cause: str, by: User | None, now: datetime, locus: str = "",
    prevention: str = "", seen: int | None = None,
) -> Case:  # fmt: skip
    """Bring an open case to its end, and with it the questions that are open among colleagues.

    The row lock decides between two who resolve at once.

    Parameters
    ----------
    cause
        Why it failed, in words; empty says that nobody knows yet (forms and API ask for one or the other).
    locus
        Where it failed, if that is known better now.
    prevention
        What would have prevented it, if somebody knows.

    Raises
    ------
    CaseAlreadyResolved, CaseMerged, CaseChanged
        Nothing is written.
    """
    case = open_case(case_id, seen)
    changes = ended(case, outcome, cause, by.pk if by else None, now, locus, prevention)
    record(case, Kind.RESOLVED, at=now, by=by, changes=changes)
    close_with(case, by=by, at=now)
    return case


def ended(
    case: Case, outcome: Outcome | str, cause: str, by_id: uuid.UUID | None, at: datetime, locus: str,
    prevention: str = "",
) -> dict[str, Any]:  # fmt: skip
    """What its end changes on a case."""
    return {"status": Status.RESOLVED, "outcome": outcome, "cause": cause.strip()[:500], "resolved_at": at,
            "resolved_by_id": by_id, "locus": locus or case.locus, "prevention": prevention.strip()[:500],
            "snoozed_until": None}  # fmt: skip


@transaction.atomic
def reopen_case(*, case_id: uuid.UUID, why: str, by: User | None, now: datetime, seen: int | None = None) -> Case:
    """Take a resolved case up again; its answer is due anew. What was said at its end stays on the timeline.

    Raises
    ------
    CaseNotResolved, CaseMerged, CaseChanged
        Nothing is written.
    CaseExists
        Another case was opened for the same meanwhile. Nothing is written.
    """
    case = lock_case(case_id, seen=seen)
    if case.resolved_at is None:
        raise CaseNotResolved(case.number)
    require_not_merged(case)
    with one_open_case(case, case.reason):
        record(case, Kind.REOPENED, at=now, by=by, why=why.strip(), changes=taken_up())
    return case


def taken_up() -> dict[str, Any]:
    """What being taken up again changes on a resolved case."""
    return {"status": Status.OPEN, "outcome": "", "cause": "", "prevention": "", "resolved_at": None,
            "resolved_by_id": None}  # fmt: skip


@contextmanager
def one_open_case(case: Case, reason: Reason) -> Iterator[None]:
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


def open_case(case_id: uuid.UUID, seen: int | None = None) -> Case:
    """Read and hold an open case. Raises what `require_open` and `lock_case` raise."""
    case = lock_case(case_id, seen=seen)
    require_open(case)
    return case


def require_open(case: Case) -> None:
    """Raises CaseMerged, which says where it goes on, or CaseAlreadyResolved."""
    require_not_merged(case)
    if case.resolved_at is not None:
        raise CaseAlreadyResolved(case.number)


def require_not_merged(case: Case) -> None:
    """Raises CaseMerged. One SQL query where it is."""
    if case.merged_into_id:
        raise CaseMerged(case.number, Case.objects.values_list("number", flat=True).get(pk=case.merged_into_id))
