"""Starting an outreach, stopping it within seconds, going on, and who has to approve."""

import uuid
from datetime import datetime
from typing import Final, NamedTuple

from django.conf import settings
from django.db import transaction

from makegood.ground.messages.services import withdraw
from makegood.ground.staff.models import User
from makegood.prevent.incidents.services.timeline import lock_incident
from makegood.prevent.outreach.errors import (
    AboveEveryLimit,
    AboveLimit,
    CannotGoThere,
    FourEyes,
    NoAddressOfOurs,
    NobodyToTell,
    NotWorkedOut,
)
from makegood.prevent.outreach.limits import limit_of, somebody_may
from makegood.prevent.outreach.models import Entry, Outreach, Recipient, State
from makegood.prevent.outreach.services.drawing import take_in
from makegood.prevent.outreach.services.settling import say_on_cases, settle
from makegood.prevent.outreach.services.standing import Cost, cost_of, lock, lock_draft, note
from makegood.recover.cases.models import Status

_TOLD: Final = (Recipient.State.SENT, Recipient.State.UNCERTAIN)


class Left(NamedTuple):
    """What had left the building when it was stopped."""

    told: int  # a relay has it, or perhaps has it
    taken_back: int  # were in the outbox and do not leave
    under_way: int  # a relay is accepting them at this moment: nobody can call them back


@transaction.atomic
def start(*, outreach_id: uuid.UUID, by: User, now: datetime) -> Outreach:
    """Begin to tell people, within the limits of one's own role.

    Raises
    ------
    OutreachNotFound, NotADraft, NotWorkedOut, NobodyToTell, NoAddressOfOurs
        Nothing is sent.
    AboveLimit
        It may cost more than this role may promise: ask for approval.
    """
    outreach = lock_draft(outreach_id)
    cost, limit = _ready(outreach), limit_of(by.role)
    if not limit.covers(cost.each, cost.total):
        raise AboveLimit(cost.each, cost.total, limit.each, limit.total)
    return _begin(outreach, by=by, now=now, cost=cost)


@transaction.atomic
def ask_approval(*, outreach_id: uuid.UUID, by: User, now: datetime, why: str = "") -> Outreach:
    """Ask somebody with a higher limit to approve. Until then nothing can be changed.

    Raises
    ------
    OutreachNotFound, NotADraft, NotWorkedOut, NobodyToTell, NoAddressOfOurs
        Nothing is changed.
    AboveEveryLimit
        Nobody may approve that much.
    """
    outreach = lock_draft(outreach_id)
    cost = _ready(outreach)
    if not somebody_may(cost.each, cost.total):
        raise AboveEveryLimit(cost.each, cost.total)
    outreach.state, outreach.asked_by, outreach.asked_at = State.ASKED, by, now
    outreach.save()
    note(outreach, Entry.Kind.ASKED, at=now, by=by, why=why, people=cost.people, total=str(cost.total))
    return outreach


@transaction.atomic
def approve(*, outreach_id: uuid.UUID, by: User, now: datetime) -> Outreach:
    """Approve what a colleague asked for, and begin. The constraint `outreach_four_eyes` says the same once more.

    Raises OutreachNotFound, CannotGoThere, FourEyes, AboveLimit. Nothing is sent.
    """
    outreach = _lock_in(outreach_id, "approved", State.ASKED)
    if outreach.asked_by_id == by.pk:
        raise FourEyes
    cost, limit = cost_of(outreach.pk), limit_of(by.role)
    if not limit.covers(cost.each, cost.total):
        raise AboveLimit(cost.each, cost.total, limit.each, limit.total)
    outreach.approved_by = by
    note(outreach, Entry.Kind.APPROVED, at=now, by=by)
    return _begin(outreach, by=by, now=now, cost=cost)


@transaction.atomic
def send_back(*, outreach_id: uuid.UUID, by: User, now: datetime, why: str = "") -> Outreach:
    """Not approved, or no longer asked for: a draft again. Raises OutreachNotFound, CannotGoThere."""
    outreach = _lock_in(outreach_id, "sent back", State.ASKED)
    outreach.state, outreach.asked_by, outreach.asked_at = State.DRAFT, None, None
    outreach.save()
    note(outreach, Entry.Kind.REFUSED, at=now, by=by, why=why)
    return outreach


@transaction.atomic
def stop(*, outreach_id: uuid.UUID, by: User, now: datetime, why: str = "") -> Left:
    """Stop at once: once this is committed, nothing more is handed to a relay. Says exactly how many have left.

    It waits for a batch under way (a second or so) by the row of the outreach; then no other begins. What waits in the
    outbox is taken back; the row of each message decides against a worker that is handing it over. It can go on later
    (`resume`), with the very same messages.

    Raises
    ------
    OutreachNotFound, CannotGoThere
        It does not run. Nothing is changed.
    """
    outreach = _lock_in(outreach_id, "stopped", State.RUNNING)
    _hold_incident(outreach)
    outreach.state, outreach.stopped_at = State.STOPPED, now
    outreach.save(update_fields=["state", "stopped_at"])
    taken = _take_back(outreach)
    settle(now=now)
    say_on_cases(taken, now=now, why=f"Outreach {outreach} was stopped: the message was taken back before it left.")
    people = Recipient.objects.filter(outreach=outreach)
    told = people.filter(state__in=_TOLD).count()
    left = Left(told, len(taken), people.filter(state=Recipient.State.QUEUED).count())
    note(outreach, Entry.Kind.STOPPED, at=now, by=by, why=why, **left._asdict())
    return left


@transaction.atomic
def resume(*, outreach_id: uuid.UUID, by: User, now: datetime) -> Outreach:
    """Go on where it was stopped. Raises OutreachNotFound, CannotGoThere."""
    outreach = _lock_in(outreach_id, "resumed", State.STOPPED)
    outreach.state, outreach.stopped_at = State.RUNNING, None
    outreach.save(update_fields=["state", "stopped_at"])
    note(outreach, Entry.Kind.RESUMED, at=now, by=by)
    _wake_the_worker()
    return outreach


@transaction.atomic
def add_found(*, outreach_id: uuid.UUID, by: User, now: datetime) -> int:
    """Take in whoever was found to be affected since it was worked out who is told; how many are told then.

    Nobody who is among its people is told twice or held out anew; the same share is held out. One that had ended goes
    on for them.

    Raises
    ------
    OutreachNotFound, CannotGoThere
        It has not been started. Nothing is changed.
    AboveLimit
        With them it may cost more than this role may promise: somebody with a higher limit can add them.
    """
    outreach = _lock_in(outreach_id, "added to", State.RUNNING, State.STOPPED, State.ENDED)
    before = cost_of(outreach.pk)
    outreach.zones = sorted({*outreach.zones, *take_in(outreach)})
    cost, limit = cost_of(outreach.pk), limit_of(by.role)
    added = cost.people - before.people
    if added and not limit.covers(cost.each, cost.total):
        raise AboveLimit(cost.each, cost.total, limit.each, limit.total)
    if added and outreach.state == State.ENDED:
        outreach.state, outreach.ended_at = State.RUNNING, None
    outreach.save(update_fields=["zones", "state", "ended_at"])
    note(outreach, Entry.Kind.ADDED, at=now, by=by, people=added, total=str(cost.total - before.total))
    _wake_the_worker()
    return added


@transaction.atomic
def end(*, outreach_id: uuid.UUID, by: User, now: datetime, why: str = "") -> Outreach:
    """End it for good: whoever was not told is not told. Raises OutreachNotFound, CannotGoThere."""
    outreach = _lock_in(outreach_id, "ended", State.RUNNING, State.STOPPED)
    _hold_incident(outreach)
    _take_back(outreach)
    waiting = Recipient.objects.filter(outreach=outreach, state=Recipient.State.WAITING)
    not_told = list(waiting.filter(case__isnull=False).values_list("pk", flat=True))
    waiting.update(state=Recipient.State.LEFT_OUT, why="ended")
    say_on_cases(
        not_told, now=now, status=Status.OPEN,
        why=f"Outreach {outreach} ended before its message left: they were not told. Decide what to do for them.",
    )  # fmt: skip
    outreach.state, outreach.ended_at = State.ENDED, now
    outreach.save(update_fields=["state", "ended_at"])
    note(outreach, Entry.Kind.ENDED, at=now, by=by, why=why)
    return outreach


def _lock_in(outreach_id: uuid.UUID, wanted: str, *states: State) -> Outreach:
    outreach = lock(outreach_id)
    if outreach.state not in states:
        raise CannotGoThere(outreach.number, State(outreach.state).label, wanted)
    return outreach


def _hold_incident(outreach: Outreach) -> None:
    """Before any of its cases: whoever puts cases into it or takes them out holds them in this order, too."""
    lock_incident(outreach.incident.merged_into_id or outreach.incident_id)


def _ready(outreach: Outreach) -> Cost:
    if not settings.MAKEGOOD_URL:
        raise NoAddressOfOurs
    if outreach.drawn_at is None:
        raise NotWorkedOut(outreach.number)
    cost = cost_of(outreach.pk)
    if not cost.people:
        raise NobodyToTell(outreach.number)
    return cost


def _begin(outreach: Outreach, *, by: User, now: datetime, cost: Cost) -> Outreach:
    outreach.state, outreach.started_by, outreach.started_at = State.RUNNING, by, now
    outreach.save()
    note(outreach, Entry.Kind.STARTED, at=now, by=by, people=cost.people, total=str(cost.total))
    _wake_the_worker()
    return outreach


def _take_back(outreach: Outreach) -> list[uuid.UUID]:
    """Whoever's message had not left waits again, holding it. Two SQL queries; three where some had not."""
    queued = Recipient.objects.filter(outreach=outreach, state=Recipient.State.QUEUED)
    of_message = {message: pk for pk, message in queued.values_list("pk", "message_id") if message}
    taken = [of_message[message] for message in withdraw(list(of_message))]
    if taken:
        queued.filter(pk__in=taken).update(state=Recipient.State.WAITING)
    return taken


def _wake_the_worker() -> None:
    from makegood.prevent.outreach.tasks import send_now  # noqa: PLC0415  tasks call this module

    send_now.defer()
