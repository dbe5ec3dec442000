"""What people make of signals, and taking it back."""

from datetime import timedelta

import pytest

from makegood.prevent.signals.errors import (
    AcceptanceNotFound,
    CannotUndoSignal,
    NobodyJudges,
    SayWhy,
    SignalIsDeclared,
    SignalNotFound,
    SnoozeInThePast,
)
from makegood.prevent.signals.models import Acceptance, State
from makegood.prevent.signals.services import judging
from makegood.prevent.signals.services.keeping import wake
from tests.factories import NOON, colleague
from tests.prevent.signals.conftest import DAY, finding

pytestmark = pytest.mark.django_db


@pytest.fixture
def mia():
    return colleague("mia")


@pytest.fixture
def signal(found):
    [it] = found()
    return it


JUDGEMENTS = {
    "watch": lambda it, by, now: judging.watch(signal_id=it.pk, by=by, now=now),
    "snooze": lambda it, by, now: judging.snooze(signal_id=it.pk, by=by, now=now, until=now + DAY),
    "until it doubles": lambda it, by, now: judging.snooze(signal_id=it.pk, by=by, now=now, doubled=True),
    "dismiss": lambda it, by, now: judging.dismiss(signal_id=it.pk, by=by, now=now, why="A test order"),
    "accept": lambda it, by, now: judging.dismiss(signal_id=it.pk, by=by, now=now, why="Known", accept=True),
    "assign": lambda it, by, now: judging.assign(signal_id=it.pk, owner=colleague("dev"), by=by, now=now),
}


@pytest.mark.parametrize("first", JUDGEMENTS)
@pytest.mark.parametrize("second", JUDGEMENTS)
def test_each_judgement_can_be_taken_back_whatever_was_before(signal, mia, first, second):
    JUDGEMENTS[first](signal, mia, NOON)
    signal.refresh_from_db()
    before = {name: getattr(signal, name) for name in judging.JUDGED}
    JUDGEMENTS[second](signal, mia, NOON + timedelta(minutes=1))
    judging.undo(signal_id=signal.pk, by=mia, now=NOON + timedelta(minutes=2))
    signal.refresh_from_db()
    assert {name: getattr(signal, name) for name in judging.JUDGED} == before


def test_taking_back_an_acceptance_ends_it(signal, mia, found):
    JUDGEMENTS["accept"](signal, mia, NOON)
    judging.undo(signal_id=signal.pk, by=mia, now=NOON + DAY)
    [other] = found(finding(2, at=NOON + DAY), now=NOON + DAY)
    assert other.state == State.NEW


def test_nothing_is_taken_back_twice_nor_after_it_changed_by_itself(signal, mia):
    with pytest.raises(CannotUndoSignal):
        judging.undo(signal_id=signal.pk, by=mia, now=NOON)
    JUDGEMENTS["snooze"](signal, mia, NOON)
    wake(now=NOON + 2 * DAY)
    with pytest.raises(CannotUndoSignal):
        judging.undo(signal_id=signal.pk, by=mia, now=NOON + 3 * DAY)
    JUDGEMENTS["watch"](signal, mia, NOON + 3 * DAY)
    judging.undo(signal_id=signal.pk, by=mia, now=NOON + 4 * DAY)
    with pytest.raises(CannotUndoSignal):
        judging.undo(signal_id=signal.pk, by=mia, now=NOON + 4 * DAY)


@pytest.mark.parametrize("judgement", [name for name in JUDGEMENTS if name != "assign"])
def test_a_declared_signal_is_judged_no_more(signal, mia, judgement):
    judging.declare(signal_id=signal.pk, by=mia, now=NOON)
    with pytest.raises(SignalIsDeclared):
        JUDGEMENTS[judgement](signal, mia, NOON)
    with pytest.raises(SignalIsDeclared):
        judging.declare(signal_id=signal.pk, by=mia, now=NOON)


def test_what_is_not_clear_is_refused_and_nothing_is_written(signal, mia):
    with pytest.raises(SayWhy):
        judging.dismiss(signal_id=signal.pk, by=mia, now=NOON, why="  ")
    for wrong in ({}, {"until": NOON}, {"until": NOON - DAY}):
        with pytest.raises(SnoozeInThePast):
            judging.snooze(signal_id=signal.pk, by=mia, now=NOON, **wrong)
    with pytest.raises(NobodyJudges):
        judging.assign(signal_id=signal.pk, owner=colleague("ben"), by=mia, now=NOON)
    with pytest.raises(SignalNotFound):
        judging.watch(signal_id=mia.pk, by=mia, now=NOON)
    assert signal.events.count() == 1


def test_an_acceptance_ends_once_and_what_goes_on_there_is_new_again(signal, mia):
    JUDGEMENTS["accept"](signal, mia, NOON)
    accepted = Acceptance.objects.get()
    assert judging.end_acceptance(acceptance_id=accepted.pk, by=mia, now=NOON + DAY) == 1
    signal.refresh_from_db()
    assert signal.state == State.NEW
    with pytest.raises(AcceptanceNotFound):
        judging.end_acceptance(acceptance_id=accepted.pk, by=mia, now=NOON + 2 * DAY)
