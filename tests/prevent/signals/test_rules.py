"""Fixed rules: when they hold, what they call, what they would have cost."""

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from makegood.ground.messages.models import Notice
from makegood.prevent.signals.errors import RuleNotClear, RuleNotFound
from makegood.prevent.signals.models import JudgedCase, Rule, Signal, State
from makegood.prevent.signals.services import judging
from makegood.prevent.signals.services.ruling import evaluate, firings, measure, remove_rule, save_rule
from tests.factories import NOON
from tests.prevent.signals.conftest import DAY, HOUR, finding


@given(st.lists(st.integers(0, 60), max_size=40), st.integers(1, 6), st.integers(1, 30))
def test_a_rule_begins_to_hold_as_somebody_who_counts_would_say(times, count, window):
    times = sorted(times)
    held, said = False, []
    for n, now in enumerate(times):
        # What had come before this one, as it stands now.
        before = [k for k in range(n) if times[k] > now - window]
        held = held and len(before) >= count
        if not held and len(before) + 1 >= count:
            held = True
            said.append((min([*before, n]), n + 1))
    assert [tuple(pair) for pair in firings(np.array(times), count=count, window=window)] == said


@pytest.fixture
def judged(complaints):
    """Cases that were judged, one each at these hours before noon."""

    def judge(*hours, **slice_):
        cases = complaints(len(hours), at=NOON - DAY)
        JudgedCase.objects.bulk_create(
            JudgedCase(case=case, at=NOON - hour * HOUR, dimensions=slice_)
            for case, hour in zip(cases, hours, strict=True)
        )
        return cases

    return judge


def make_rule(**details) -> Rule:
    told = {"name": "Three a day", "only": {}, "alike": ["reason", "store"], "count": 3, "hours": 24, "active": True}
    return save_rule(rule_id=None, now=NOON, **told | details)


pytestmark = pytest.mark.django_db


def test_a_rule_calls_where_enough_cases_agree_and_only_there(judged, judges):
    make_rule()
    cases = judged(1, 2, 3, reason="store.price", store="a")
    judged(1, 2, reason="store.price", store="b")
    judged(1, 2, 30, reason="store.no_staff", store="a")
    judged(1, 2, 3, reason="store.queue")  # nobody knows where

    [signal] = evaluate(now=NOON)

    assert (signal.slice, signal.observed, signal.found_by) == (
        {"reason": "store.price", "store": "a"},
        3,
        "Three a day",
    )
    assert set(signal.claimed.values_list("case_id", flat=True)) == {case.pk for case in cases}
    assert signal.excess_low < 3 < signal.excess_high
    assert Notice.objects.count() == 2
    assert evaluate(now=NOON) == []
    assert Notice.objects.count() == 2
    assert Signal.objects.get().events.count() == 1


def test_it_goes_on_while_there_are_enough_and_closes_when_there_are_not(judged):
    make_rule()
    judged(1, 2, 3, reason="store.price", store="a")
    evaluate(now=NOON)
    judged(0.5, reason="store.price", store="a")
    evaluate(now=NOON + HOUR)
    assert Signal.objects.get().observed == 4
    evaluate(now=NOON + DAY)
    assert Signal.objects.get().closed_at == NOON + DAY
    judged(-25, -26, -27, reason="store.price", store="a")
    [again] = evaluate(now=NOON + 28 * HOUR)
    assert Signal.objects.count() == 2
    assert again.closed_at is None


def test_a_rule_may_look_at_some_cases_only(judged):
    make_rule(only={"reason": "store.price"}, alike=[], name="Prices")
    judged(1, 2, reason="store.price", store="a")
    judged(1, reason="store.price", store="b")
    judged(1, 2, 3, 4, reason="store.queue", store="a")
    [signal] = evaluate(now=NOON)
    assert (signal.slice, signal.observed) == ({"reason": "store.price"}, 3)


def test_a_case_that_detection_claims_stays_where_it_is(judged, found):
    make_rule()
    cases = judged(1, 2, 3, reason="store.price", store="a")
    [theirs] = found(finding(cases=cases[:1]))
    [signal] = evaluate(now=NOON)
    assert theirs.claimed.count() == 1
    assert signal.claimed.count() == 2


def test_what_is_accepted_is_not_called_by_a_rule_either(judged, found, judges):
    [known] = found(finding(slice_={"store": "a"}))
    judging.dismiss(signal_id=known.pk, by=judges[0], now=NOON, why="Rebuilt", accept=True)
    make_rule()
    judged(1, 2, 3, reason="store.price", store="a")
    Notice.objects.all().delete()
    [signal] = evaluate(now=NOON)
    assert (signal.state, signal.dismissed_because) == (State.DISMISSED, "Rebuilt")
    assert not Notice.objects.exists()


def test_what_a_rule_would_have_cost_is_measured_over_the_year(judged, found):
    cases = judged(1, 2, 3, reason="store.price", store="a")  # belongs to what detection found
    found(finding(cases=cases[:1]))
    judged(200, 201, 202, reason="store.price", store="b")  # to nothing
    judged(400, 401, 402, 403, reason="store.queue", store="b")  # nor this one
    judged(600, 700, reason="store.queue", store="b")
    judged(24 * 400, 24 * 400, 24 * 400, reason="store.queue", store="b")  # over a year ago
    rule = make_rule()
    assert rule.measured == {"fired": 3, "unshared": 2, "days": 29}
    assert measure(rule, now=NOON) == rule.measured


@pytest.mark.parametrize(
    "wrong",
    [{"alike": ["colour"]}, {"only": {"colour": "red"}}, {"alike": []}, {"name": " "}, {"count": 1}, {"hours": 0}],
)
def test_a_rule_that_could_not_work_is_refused(db, wrong):
    with pytest.raises(RuleNotClear):
        make_rule(**wrong)
    assert not Rule.objects.exists()


def test_two_rules_do_not_share_a_name(db):
    make_rule()
    with pytest.raises(RuleNotClear):
        make_rule()


def test_removing_a_rule_closes_what_it_called(judged):
    rule = make_rule()
    judged(1, 2, 3, reason="store.price", store="a")
    evaluate(now=NOON)
    remove_rule(rule_id=rule.pk, now=NOON + HOUR)
    assert Signal.objects.get().closed_at == NOON + HOUR
    assert Signal.objects.get().found_by == "Three a day"
    with pytest.raises(RuleNotFound):
        remove_rule(rule_id=rule.pk, now=NOON)


def test_a_look_costs_the_same_however_many_cases_there_are(judged, django_assert_max_num_queries):
    make_rule()
    judged(*np.linspace(0, 20, 40), reason="store.price", store="a")
    evaluate(now=NOON)
    judged(*np.linspace(0, 20, 40), reason="store.price", store="a")
    with django_assert_max_num_queries(10):
        evaluate(now=NOON + timedelta(minutes=1))
