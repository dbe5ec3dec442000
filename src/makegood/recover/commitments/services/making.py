"""Promising, and promising something else instead."""

import uuid
from datetime import datetime

from django.db import transaction

from makegood.ground.staff.models import User
from makegood.recover.cases.models import Case
from makegood.recover.cases.services.timeline import lock_case
from makegood.recover.commitments.errors import CaseIsResolved, NothingPromised, WhenNotUnderstood
from makegood.recover.commitments.models import Commitment, Kind, State, To
from makegood.recover.commitments.services.register import SILENCE, first_notice, hold_open, obeying, save, say


@transaction.atomic
def promise(
    *, text: str, kind: Kind | str, due_at: datetime, owner: User, by: User | None, now: datetime,
    case_id: uuid.UUID | None = None, to: To | str = To.CUSTOMER, said_as: str = "",
) -> Commitment:  # fmt: skip
    """Make a promise. `now` is when it was made. The case's row lock decides against who resolves it meanwhile.

    Parameters
    ----------
    case_id
        None only for a promise to a colleague.

    Raises
    ------
    NothingPromised, WhenNotUnderstood
        No words, or `due_at` is not ahead. Nothing is written.
    CaseIsResolved, NobodyOwnsIt, CaseNotFound
        Nothing is written.
    """
    case = lock_case(case_id) if case_id else None
    if case and case.resolved_at is not None:
        raise CaseIsResolved(case.number)
    made = _new(text=text, kind=kind, due_at=due_at, owner=owner, by=by, now=now, case=case, to=to, said_as=said_as)
    say(case, made, "made", at=now, by=by)
    return made


@transaction.atomic
def supersede(
    *, commitment_id: uuid.UUID, text: str, kind: Kind | str, due_at: datetime, by: User, now: datetime,
    said_as: str = "",
) -> Commitment:  # fmt: skip
    """Promise something else instead: another date, another text. The first date still counts for the kept-rate.

    Raises
    ------
    CommitmentEnded
        It has ended, or somebody superseded it first. Nothing is written.
    NothingPromised, WhenNotUnderstood, NobodyOwnsIt
        Nothing is written.
    """
    old, case = hold_open(commitment_id)
    new = _new(
        text=text, kind=kind, due_at=due_at, owner=old.owner, by=by, now=now, case=case, to=old.to, said_as=said_as,
        first_due_at=old.first_due_at,
    )  # fmt: skip
    save(old, state=State.SUPERSEDED, ended_at=now, ended_by=by, superseded_by=new, **SILENCE)
    say(case, new, "superseded", at=now, by=by, instead_of=old.number, was_due_at=old.due_at)
    return new


def _new(
    *, text: str, kind: str, due_at: datetime, owner: User, by: User | None, now: datetime, case: Case | None, to: str,
    said_as: str, first_due_at: datetime | None = None,
) -> Commitment:  # fmt: skip
    text = " ".join(text.split())[:300]
    if not text:
        raise NothingPromised
    if due_at <= now:
        raise WhenNotUnderstood("That moment has passed. A promise lies ahead: write a later time.")
    with obeying(owner, case):
        made = Commitment.objects.create(
            to=to, kind=kind, text=text, said_as=said_as[:100], due_at=due_at, first_due_at=first_due_at or due_at,
            owner=owner, case=case, made_at=now, made_by=by, **first_notice(kind, due_at, now),
        )  # fmt: skip
    made.refresh_from_db(fields=["number"])
    return made
