"""What people make of a signal: watch, snooze, dismiss, give to somebody, declare; and taking that back."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from django.db import transaction

from makegood.ground.staff.models import User
from makegood.prevent.signals.errors import (
    AcceptanceNotFound,
    CannotUndoSignal,
    NobodyJudges,
    SayWhy,
    SignalIsDeclared,
    SignalNotFound,
    SnoozeInThePast,
)
from makegood.prevent.signals.models import Acceptance, Signal, SignalEvent, State
from makegood.prevent.signals.services.telling import tell_woken

Kind = SignalEvent.Kind
JUDGED: Final = ("state", "owner_id", "snoozed_until", "snoozed_above", "dismissed_because", "accepted_id")
_CLEAR: Final[Mapping[str, Any]] = {
    "snoozed_until": None, "snoozed_above": None, "dismissed_because": "", "accepted_id": None,
}  # fmt: skip


@transaction.atomic
def watch(*, signal_id: uuid.UUID, by: User, now: datetime) -> Signal:
    """Somebody keeps an eye on it, and owns it unless somebody does.

    Every function here locks the row of the signal: of two who judge, the second decides on what the first left.

    Raises
    ------
    SignalNotFound, SignalIsDeclared
    """
    signal = _locked(signal_id, open_to_judgement=True)
    owner = signal.owner_id or by.pk
    return _judge(signal, Kind.WATCHED, by, now, {**_CLEAR, "state": State.WATCHED, "owner_id": owner})


@transaction.atomic
def snooze(
    *, signal_id: uuid.UUID, by: User, now: datetime, until: datetime | None = None, doubled: bool = False
) -> Signal:
    """Put it aside until a time, or until it has twice the cases it has now, whichever comes first.

    Raises
    ------
    SnoozeInThePast
        Neither was chosen, or the time is no time to come.
    SignalNotFound, SignalIsDeclared
    """
    if (until is None and not doubled) or (until is not None and until <= now):
        raise SnoozeInThePast
    signal = _locked(signal_id, open_to_judgement=True)
    above = max(2 * signal.observed - 1, 1) if doubled else None
    changes = {**_CLEAR, "state": State.SNOOZED, "snoozed_until": until, "snoozed_above": above}
    return _judge(signal, Kind.SNOOZED, by, now, changes)


@transaction.atomic
def dismiss(
    *,
    signal_id: uuid.UUID,
    by: User,
    now: datetime,
    why: str,
    accept: bool = False,
    accept_until: datetime | None = None,
) -> Signal:
    """There is nothing to do about it. With `accept` the same is said of its slice for the time to come: what is found
    there later is kept with this reason and calls nobody, until `accept_until` or until somebody ends it.

    Raises
    ------
    SayWhy, SnoozeInThePast, SignalNotFound, SignalIsDeclared
    """
    if not why.strip():
        raise SayWhy
    if accept_until is not None and accept_until <= now:
        raise SnoozeInThePast
    signal = _locked(signal_id, open_to_judgement=True)
    why = why.strip()[:500]
    accepted = (
        Acceptance.objects.create(slice=signal.slice, why=why, by=by, at=now, until=accept_until) if accept else None
    )
    changes = {
        **_CLEAR, "state": State.DISMISSED, "dismissed_because": why, "accepted_id": accepted.pk if accepted else None,
    }  # fmt: skip
    return _judge(signal, Kind.ACCEPTED if accept else Kind.DISMISSED, by, now, changes, why=why)


@transaction.atomic
def assign(*, signal_id: uuid.UUID, owner: User | None, by: User, now: datetime) -> Signal:
    """Give it to somebody who may judge signals, or to nobody.

    Raises
    ------
    NobodyJudges, SignalNotFound
    """
    if owner is not None and not (owner.is_active and owner.has_perm("signals.judge")):
        raise NobodyJudges(owner.display_name)
    signal = _locked(signal_id)
    return _judge(signal, Kind.ASSIGNED, by, now, {"owner_id": owner.pk if owner else None})


@transaction.atomic
def declare(*, signal_id: uuid.UUID, by: User, now: datetime, why: str = "") -> Signal:
    """An incident stands on it now. Called by the room of incidents, in the transaction that declares.

    Raises
    ------
    SignalNotFound, SignalIsDeclared
    """
    signal = _locked(signal_id, open_to_judgement=True)
    owner = signal.owner_id or by.pk
    changes = {**_CLEAR, "state": State.DECLARED, "owner_id": owner}
    return _judge(signal, Kind.DECLARED, by, now, changes, why=why[:500])


@transaction.atomic
def undo(*, signal_id: uuid.UUID, by: User, now: datetime) -> Signal:
    """Take back the last thing that somebody made of it; what it accepted is accepted no longer.

    Raises
    ------
    CannotUndoSignal
        There is nothing to take back, or it has changed since by itself.
    SignalNotFound, SignalIsDeclared
    """
    signal = _locked(signal_id, open_to_judgement=True)
    last = signal.events.exclude(kind__in=[Kind.RAISED, Kind.UPDATED, Kind.CLOSED]).order_by("-at", "-id").first()
    if last is None or "before" not in last.facts or last.facts["after"] != _columns(signal):
        raise CannotUndoSignal(signal.number)
    if signal.accepted_id:
        Acceptance.objects.filter(pk=signal.accepted_id, at=last.at).update(until=now)
    for name, value in last.facts["before"].items():
        moment = name == "snoozed_until" and value
        setattr(signal, name, datetime.fromisoformat(value) if moment else value)
    signal.save(update_fields=JUDGED)
    signal.refresh_from_db()
    SignalEvent.objects.create(signal=signal, kind=Kind.UNDONE, at=now, by=by, facts={"undone": last.kind})
    return signal


@transaction.atomic
def end_acceptance(*, acceptance_id: uuid.UUID, by: User, now: datetime) -> int:
    """It is not accepted any more: what goes on there is new again; returns how many signals that are.

    Raises
    ------
    AcceptanceNotFound
        There is none, or it has ended. The conditional UPDATE decides between two.
    """
    going_on = Acceptance.objects.filter(pk=acceptance_id).exclude(until__lte=now)
    if not going_on.update(until=now):
        raise AcceptanceNotFound
    return reopen_expired(now=now, by=by)


@transaction.atomic
def reopen_expired(*, now: datetime, by: User | None = None) -> int:
    """Make new again what goes on in slices that were accepted until now. One SQL query where there is none."""
    found = Signal.objects.select_for_update(of=("self",)).filter(
        state=State.DISMISSED, closed_at=None, accepted__until__lte=now
    )
    signals = list(found.order_by("id"))
    for signal in signals:
        signal.state, signal.accepted_id, signal.dismissed_because = State.NEW, None, ""
        signal.save(update_fields=JUDGED)
        SignalEvent.objects.create(signal=signal, kind=Kind.REOPENED, at=now, by=by)
    tell_woken(signals, now=now)
    return len(signals)


def _locked(signal_id: uuid.UUID, *, open_to_judgement: bool = False) -> Signal:
    signal = Signal.objects.select_for_update().filter(pk=signal_id).first()
    if signal is None:
        raise SignalNotFound(str(signal_id))
    if open_to_judgement and signal.state == State.DECLARED:
        raise SignalIsDeclared(signal.number)
    return signal


def _judge(
    signal: Signal, kind: SignalEvent.Kind, by: User, now: datetime, changes: Mapping[str, Any], *, why: str = ""
) -> Signal:
    before = _columns(signal)
    for name, value in changes.items():
        setattr(signal, name, value)
    signal.save(update_fields=JUDGED)
    facts = {"before": before, "after": _columns(signal)}
    SignalEvent.objects.create(signal=signal, kind=kind, at=now, by=by, why=why, facts=facts)
    return signal


def _columns(signal: Signal) -> dict[str, Any]:
    """What people set, as JSON keeps it."""
    return {name: _as_json(getattr(signal, name)) for name in JUDGED}


def _as_json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return str(value) if isinstance(value, uuid.UUID) else value
