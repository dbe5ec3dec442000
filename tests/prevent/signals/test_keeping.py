"""What the detection says is kept once, whatever happens in between."""

from datetime import timedelta

import pytest

from makegood.ground.messages.models import Notice
from makegood.prevent.signals.models import Detection, Signal, SignalCase, SignalEvent, State
from makegood.prevent.signals.services import judging
from makegood.prevent.signals.services.keeping import keep, wake
from tests.factories import NOON
from tests.prevent.signals.conftest import BROADER, DAY, HOUR, LOST, finding

pytestmark = pytest.mark.django_db


def test_a_raised_signal_says_what_was_found(found, complaints):
    cases = complaints(2)
    [signal] = found(finding(cases=cases, neighbours=(BROADER,)))

    signal.refresh_from_db()
    assert (signal.slice, signal.observed, signal.expected, signal.state) == (LOST, 7, 1.5, State.NEW)
    assert signal.neighbours == [
        {"slice": dict(BROADER.slice), "observed": 20, "expected": 14.0, "evidence": 1.2, "why": "broader"}
    ]
    assert set(SignalCase.objects.values_list("case_id", "signal_id")) == {(it.pk, signal.pk) for it in cases}


def test_keeping_the_same_twice_changes_nothing_and_tells_nobody_again(found, complaints, judges):
    cases = complaints(3)
    told = [finding(cases=cases[:1]), finding(event="updated", at=NOON + HOUR, observed=9, cases=cases),
            finding(2, slice_={"reason": "product.faulty"})]  # fmt: skip
    found(*told)
    before = _everything()

    found(*told)
    found(*told[:2])
    found(*told, now=NOON + DAY)

    assert _everything() == before
    assert Notice.objects.count() == 4  # two signals, two who judge


def _everything():
    return [list(model.objects.order_by("pk").values()) for model in (Signal, SignalCase, SignalEvent, Notice)]


@pytest.mark.parametrize("cut", range(5))
def test_findings_in_any_batches_end_the_same(found, complaints, cut):
    cases = complaints(4)
    story = [
        finding(cases=cases[:2]), finding(2, slice_={"reason": "product.faulty"}),
        finding(event="updated", at=NOON + HOUR, observed=8, cases=cases[:3]),
        finding(event="updated", at=NOON + 2 * HOUR, slice_={"to_state": "North West"}, observed=12, cases=cases),
        finding(event="closed", at=NOON + DAY, slice_={"to_state": "North West"}, observed=12),
    ]  # fmt: skip
    found(*story[:cut]) if cut else None
    found(*story[cut:])

    one, two = Signal.objects.order_by("number")
    assert (one.slice, one.observed, one.closed_at) == ({"to_state": "North West"}, 12, NOON + DAY)
    assert two.closed_at is None
    assert one.claimed.count() == 4
    assert [event.kind for event in one.events.all()] == ["raised", "updated", "updated", "closed"]


def test_what_began_and_ended_within_the_history_calls_nobody(found, judges):
    found(finding(), finding(event="closed", at=NOON + DAY), now=NOON + 2 * DAY)
    assert not Notice.objects.exists()


def test_whoever_judges_is_told_once_and_nobody_else(found, judges):
    found(finding())
    found(finding(event="updated", at=NOON + HOUR, observed=8), now=NOON + HOUR)
    assert sorted(Notice.objects.values_list("to__username", flat=True)) == ["dev", "mia"]
    assert "7 cases where 1.5 were expected" in Notice.objects.first().text


def test_a_late_finding_does_not_make_a_signal_older(found):
    found(finding(), finding(event="updated", at=NOON + DAY, observed=30))
    found(finding(event="updated", at=NOON + HOUR, observed=8))
    assert Signal.objects.get().observed == 30
    assert SignalEvent.objects.count() == 3


def test_the_last_word_on_whose_case_it_is_counts(found, complaints):
    [case] = complaints(1)
    found(finding(cases=[case]))
    found(finding(2, at=NOON + HOUR, slice_={"to_state": "North West"}, cases=[case]))
    assert SignalCase.objects.get().signal.ref == 2


def test_what_lies_in_an_accepted_slice_is_kept_with_the_reason_and_calls_nobody(found, judges):
    [first] = found(finding())
    Notice.objects.all().delete()
    judging.dismiss(signal_id=first.pk, by=judges[0], now=NOON, why="Floods until May", accept=True)

    narrower = {**LOST, "carrier": "c-1"}
    [again] = found(finding(2, at=NOON + DAY, slice_=narrower), now=NOON + DAY)
    [beside] = found(finding(3, at=NOON + DAY, slice_={"reason": "delivery.not_received"}), now=NOON + DAY)

    assert (again.state, again.dismissed_because) == (State.DISMISSED, "Floods until May")
    assert beside.state == State.NEW
    assert set(Notice.objects.values_list("about", flat=True)) == {f"signal:{beside.pk}"}


def test_a_signal_that_outgrows_what_was_accepted_is_new_again(found, judges):
    [first] = found(finding())
    judging.dismiss(signal_id=first.pk, by=judges[0], now=NOON, why="Floods", accept=True)
    [again] = found(finding(event="updated", at=NOON + DAY, slice_={"reason": "delivery.not_received"}), now=NOON + DAY)
    assert (again.pk, again.state, again.accepted) == (first.pk, State.NEW, None)
    assert first.events.filter(kind="reopened").exists()


def test_an_acceptance_that_ran_out_accepts_nothing(found, judges):
    [first] = found(finding())
    judging.dismiss(signal_id=first.pk, by=judges[0], now=NOON, why="Sale", accept=True, accept_until=NOON + DAY)
    assert judging.reopen_expired(now=NOON + HOUR) == 0
    assert judging.reopen_expired(now=NOON + DAY) == 1
    [other] = found(finding(2, at=NOON + 2 * DAY), now=NOON + 2 * DAY)
    assert other.state == State.NEW


def test_what_was_snoozed_wakes_in_time_or_with_twice_the_cases(found, judges):
    [one, two] = found(finding(), finding(2, slice_={"reason": "product.faulty"}))
    judging.snooze(signal_id=one.pk, by=judges[0], now=NOON, until=NOON + DAY)
    judging.snooze(signal_id=two.pk, by=judges[0], now=NOON, doubled=True)
    Notice.objects.all().delete()

    assert wake(now=NOON + DAY - HOUR) == 0
    found(finding(2, "updated", at=NOON + HOUR, slice_={"reason": "product.faulty"}, observed=13), now=NOON + HOUR)
    assert wake(now=NOON + HOUR) == 0
    found(finding(2, "updated", at=NOON + 2 * HOUR, slice_={"reason": "product.faulty"}, observed=14), now=NOON + HOUR)
    assert wake(now=NOON + 2 * HOUR) == 1
    assert wake(now=NOON + DAY) == 1
    assert not Signal.objects.exclude(state=State.NEW).exists()
    assert Notice.objects.count() == 4
    assert wake(now=NOON + 2 * DAY) == 0


def test_what_another_detection_found_goes_on_with_what_people_made_of_it(found, judges, detection):
    [signal] = found(finding())
    judging.watch(signal_id=signal.pk, by=judges[0], now=NOON)
    Detection.objects.update(ended_at=NOON)
    following = Detection.objects.create(
        dimensions=["reason"], one_false_alarm_in=10.0, since=NOON, until=NOON, seen=NOON, state="b", began_at=NOON
    )
    [same] = keep([finding(41, at=NOON + HOUR)], detection=following, now=NOON + HOUR)
    assert (same.pk, same.state, same.ref) == (signal.pk, State.WATCHED, 41)


def test_history_cannot_be_changed(found):
    from django.db import connection, transaction
    from django.db.utils import InternalError, ProgrammingError

    found(finding())
    for statement in ("UPDATE signals_signalevent SET why = 'x'", "DELETE FROM signals_signalevent"):
        with pytest.raises((InternalError, ProgrammingError)), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


def test_keeping_costs_no_statement_for_each_finding(found, detection, complaints, django_assert_max_num_queries):
    cases = complaints(3)
    found(finding(cases=cases))
    many = [finding(event="updated", at=NOON + timedelta(minutes=n), observed=7 + n, cases=cases) for n in range(200)]
    with django_assert_max_num_queries(11):
        keep(many, detection=detection, now=NOON + DAY)
