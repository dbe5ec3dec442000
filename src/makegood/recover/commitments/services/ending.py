"""How promises end, and taking back a wrong click."""

import uuid
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction

from makegood.ground.staff.models import User
from makegood.recover.cases.models import Case
from makegood.recover.commitments.errors import CannotUndo, KeptInTheFuture, SayWhoAgreed
from makegood.recover.commitments.models import Commitment, State
from makegood.recover.commitments.services.register import SILENCE, first_notice, hold, hold_open, obeying, save, say

UNDO_WITHIN: Final = timedelta(minutes=10)
"""For so long whoever made a promise by mistake can take it out again."""
BY_MISTAKE: Final = "Recorded by mistake"


@transaction.atomic
def keep(*, commitment_id: uuid.UUID, by: User | None, now: datetime, at: datetime | None = None) -> Commitment:
    """Say that a promise was kept, now or at an earlier moment `at`; after its due time it was kept late.

    Raises
    ------
    CommitmentEnded
        Somebody was first (the row lock decides). Nothing is written.
    KeptInTheFuture
        `at` lies ahead, or before the promise was made. Nothing is written.
    """
    commitment, case = hold_open(commitment_id)
    at = at or now
    if not commitment.made_at <= at <= now:
        raise KeptInTheFuture
    state = State.KEPT if at <= commitment.due_at else State.KEPT_LATE
    _end(commitment, case, state, at=at, by=by, now=now)
    return commitment


@transaction.atomic
def break_commitment(*, commitment_id: uuid.UUID, by: User, now: datetime, why: str = "") -> Commitment:
    """Say that a promise will not be kept, and why. Raises CommitmentEnded; nothing is then written."""
    commitment, case = hold_open(commitment_id)
    _end(commitment, case, State.BROKEN, at=now, by=by, now=now, why=why.strip()[:500])
    return commitment


@transaction.atomic
def release(*, commitment_id: uuid.UUID, agreed_by: str, by: User, now: datetime) -> Commitment:
    """Let go of a promise because the other side agreed. It is then left out of the kept-rate.

    Raises
    ------
    SayWhoAgreed, CommitmentEnded
        Nothing is written.
    """
    agreed_by = " ".join(agreed_by.split())[:200]
    if not agreed_by:
        raise SayWhoAgreed
    commitment, case = hold_open(commitment_id)
    _end(commitment, case, State.RELEASED, at=now, by=by, now=now, agreed_by=agreed_by)
    return commitment


@transaction.atomic
def undo(*, commitment_id: uuid.UUID, by: User, now: datetime) -> Commitment:
    """Take back the last thing done with a promise; both stay on the timeline.

    One that was kept, broken or released is open again. One that was made in the last ten minutes, by whoever asks, is
    released as recorded by mistake, and what it superseded is open again. Returns the promise that is open afterwards,
    else the one asked about.

    Raises
    ------
    CannotUndo
        It was superseded, or made by somebody else or too long ago. Nothing is written.
    CaseIsResolved
        Its case is resolved: nobody would keep it. Nothing is written.
    NobodyOwnsIt
        Its owner left. Nothing is written.
    """
    commitment, case = hold(commitment_id)
    if commitment.state == State.SUPERSEDED:
        raise CannotUndo(commitment.number)
    if commitment.state != State.OPEN:
        _open_again(commitment, case, now, by)
        return commitment
    if commitment.made_by_id != by.pk or now - commitment.made_at > UNDO_WITHIN:
        raise CannotUndo(commitment.number)
    before = (
        Commitment.objects.select_for_update(of=("self",))
        .select_related("owner")
        .filter(superseded_by=commitment)
        .first()
    )
    _end(commitment, case, State.RELEASED, at=now, by=by, now=now, agreed_by=BY_MISTAKE, did="withdrawn")
    if before is None:
        return commitment
    _open_again(before, case, now, by)
    return before


def _end(
    commitment: Commitment, case: Case | None, state: State, *, at: datetime, by: User | None, now: datetime,
    why: str = "", agreed_by: str = "", did: str = "",
) -> None:  # fmt: skip
    save(commitment, state=state, ended_at=at, ended_by=by, agreed_by=agreed_by, **SILENCE)
    facts: dict[str, Any] = {"kept_at": at} if at != now else {}
    say(case, commitment, did or str(state), at=now, by=by, why=why or (agreed_by if not did else ""), **facts)


def _open_again(commitment: Commitment, case: Case | None, now: datetime, by: User) -> None:
    with obeying(commitment.owner, case):
        save(
            commitment, state=State.OPEN, ended_at=None, ended_by=None, agreed_by="", superseded_by=None,
            **first_notice(commitment.kind, commitment.due_at, now),
        )  # fmt: skip
    say(case, commitment, "undone", at=now, by=by)
