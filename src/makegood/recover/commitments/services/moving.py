"""Handing promises over: somebody leaves, a shift ends. An open promise always has an owner who works here."""

import uuid
from collections.abc import Iterable
from datetime import datetime

from django.db import transaction
from django.utils.translation import ngettext

from makegood.ground.messages.notices import notify
from makegood.ground.staff.models import User
from makegood.recover.cases.models import Case, CaseEvent
from makegood.recover.commitments.models import Commitment, State, Suggestion
from makegood.recover.commitments.services.register import hold, obeying, save, say


@transaction.atomic
def hand_over(
    *, commitment_ids: Iterable[uuid.UUID], to: User, by: User, now: datetime, why: str = ""
) -> list[Commitment]:
    """Give open promises to somebody else, and tell them; all or none. What ended meanwhile is left.

    Cases are locked in the order of their ids, so that two who hand over at once wait for each other. The trigger
    `commitment_open_needs_case_and_owner` decides against who closes the account of `to` meanwhile.

    Raises
    ------
    NobodyOwnsIt
        `to` does not work here any more. Nothing is written.
    """
    wanted = Commitment.objects.filter(pk__in=list(commitment_ids), state=State.OPEN).order_by("case_id", "pk")
    moved = []
    for pk in wanted.values_list("pk", flat=True):
        commitment, case = hold(pk)
        if commitment.state != State.OPEN or commitment.owner_id == to.pk:
            continue
        before = commitment.owner.display_name
        with obeying(to, case):
            save(commitment, owner=to)
        say(case, commitment, "moved", at=now, by=by, why=why.strip()[:500], was=before, owner=to.display_name)
        moved.append(commitment)
    if moved and to != by:
        gave = "%(who)s gave you %(count)d promise to keep.", "%(who)s gave you %(count)d promises to keep."
        notify(
            to=[to], key=f"handed:{moved[0].pk}:{now.isoformat()}", about=f"commitment:{moved[0].pk}", now=now,
            text=lambda: ngettext(*gave, len(moved)) % {"who": by.display_name, "count": len(moved)},
            link="/commitments/?show=open",
        )  # fmt: skip
    return moved


def follow_merge(duplicate: Case, survivor: Case, by: User | None, now: datetime) -> None:
    """What is promised on a case that is merged goes on with the survivor, and so does what waits to be confirmed.

    Both rows are held by whoever merges.
    """
    for commitment in Commitment.objects.select_related("owner").filter(case=duplicate, state=State.OPEN):
        _carry(commitment, duplicate, survivor, by, now)
    Suggestion.objects.filter(case=duplicate, state=Suggestion.State.WAITING).update(case=survivor)


def follow_parting(duplicate: Case, survivor: Case, by: User | None, now: datetime) -> None:
    """A merge is taken back: what had come with it, and is still open, returns."""
    came = CaseEvent.objects.filter(case=survivor, kind=CaseEvent.Kind.COMMITMENT, facts__of=str(duplicate.pk))
    ids = [facts["commitment"] for facts in came.values_list("facts", flat=True)]
    for commitment in Commitment.objects.select_related("owner").filter(pk__in=ids, case=survivor, state=State.OPEN):
        _carry(commitment, survivor, duplicate, by, now)
    waiting = Suggestion.objects.filter(case=survivor, event__case=duplicate, state=Suggestion.State.WAITING)
    waiting.update(case=duplicate)


def _carry(commitment: Commitment, source: Case, target: Case, by: User | None, now: datetime) -> None:
    say(source, commitment, "left", at=now, by=by, other=target.number)
    save(commitment, case=target)
    say(target, commitment, "came", at=now, by=by, other=source.number, of=source.pk)


def what_is_left(user: User) -> str:
    """Why somebody's account cannot be closed yet; empty: it can. One SQL query."""
    left = Commitment.objects.filter(owner=user, state=State.OPEN).count()
    if not left:
        return ""
    return ngettext(
        "%(name)s still owns %(count)d open promise. Hand it over first: /commitments/hand-over?from=%(username)s",
        "%(name)s still owns %(count)d open promises. Hand them over first: /commitments/hand-over?from=%(username)s",
        left,
    ) % {"name": user.display_name, "count": left, "username": user.username}
