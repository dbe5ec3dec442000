"""Weeks are counted as a plain loop counts them; verdicts follow the table."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from makegood.ground.retail.models import Order
from makegood.prevent.improvements.effects import (
    Counted,
    Finding,
    came_back,
    count,
    countable_until,
    find,
    first_whole_week,
    in_words,
    judge,
    percent,
)
from makegood.prevent.improvements.models import Hypothesis
from makegood.recover.cases.models import Case, Reason
from tests.prevent.improvements.conftest import FIRST, LOST

WEEKS = 60


def of_weeks(before: int, ratio: float, after: int, *, rate: int = 20, seed: int = 3, then: float | None = None,
             later: int = 0) -> Counted:  # fmt: skip
    rng = np.random.default_rng(seed)
    level = np.concatenate([np.ones(before), np.full(after, ratio), np.full(later, then or ratio)])
    return Counted(first=FIRST, cases=rng.poisson(rate * level).astype(float), orders=np.full(level.size, 1000.0))


STARTED = FIRST + timedelta(weeks=WEEKS)


def found(ratio: float, after: int, *, percent=40, by_when=STARTED + timedelta(weeks=30), started=STARTED, **more):
    return find(of_weeks(WEEKS, ratio, after, **more), percent=percent, by_when=by_when, started_on=started,
                finished_on=None)  # fmt: skip


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("beside", list(Hypothesis.Beside))
def test_weeks_are_those_of_a_plain_loop_over_all_orders_and_cases(shop, lake, beside):
    other = Reason.objects.get(code="product.faulty")
    for week in range(6):
        shop.week(week, 8 + week, 3, carrier=0)
        shop.week(week, 5, 2, carrier=1, after=6)
        shop.week(week, 4, 2, carrier=0, reason=other)
        shop.week(week, 3, 1, carrier=0, after=29)  # too late to count
    lake()
    said = Hypothesis(
        any_of=shop.marlbeck, within_days=28, beside=beside,
        beside_any_of={"reason": [LOST], "carrier": [str(shop.carriers[1].pk)]} if beside == "slice" else {},
    )  # fmt: skip

    counted = count(said, first=FIRST, until=FIRST + timedelta(weeks=5))

    mine, carriers = str(shop.carriers[0].pk), {}
    orders, cases = np.zeros((2, 5)), np.zeros((2, 5))
    for order in Order.objects.prefetch_related("shipments"):
        week = (order.placed_at.date() - FIRST).days // 7
        carriers[order.pk] = str(order.shipments.get().carrier_id)
        if week < 5:
            orders[int(carriers[order.pk] != mine), week] += 1
    for case in Case.objects.select_related("order", "reason"):
        week = (case.order.placed_at.date() - FIRST).days // 7
        if week < 5 and case.reason.code == LOST and case.opened_at < case.order.placed_at + timedelta(days=28):
            cases[int(carriers[case.order_id] != mine), week] += 1
    assert (counted.cases.tolist(), counted.orders.tolist()) == (cases[0].tolist(), orders[0].tolist())
    if beside == Hypothesis.Beside.NOTHING:
        assert counted.beside_cases is None
    else:
        assert (counted.beside_cases.tolist(), counted.beside_orders.tolist()) == (
            cases[1].tolist(),
            orders[1].tolist(),
        )


@pytest.mark.django_db(transaction=True)
def test_history_begins_with_the_first_order_of_the_slice(shop, lake):
    shop.week(3, 5, 1)
    lake()
    counted = count(Hypothesis(any_of=shop.marlbeck, within_days=28), first=FIRST, until=FIRST + timedelta(weeks=6))
    assert counted.first == FIRST + timedelta(weeks=3)
    assert counted.orders.tolist() == [5, 0, 0]


def test_a_week_is_looked_at_once_its_cases_have_come_in(settings, tmp_path):
    settings.MAKEGOOD_LAKE = str(tmp_path)
    assert countable_until(datetime(2026, 3, 5, tzinfo=UTC), 28) == date(2026, 2, 2)  # Thursday less 28 days
    assert countable_until(datetime(2026, 3, 2, tzinfo=UTC), 28) == date(2026, 2, 2)  # a Monday itself


def test_whole_weeks_begin_on_mondays():
    assert first_whole_week(date(2026, 3, 2)) == date(2026, 3, 2)
    assert first_whole_week(date(2026, 3, 3)) == date(2026, 3, 9)


def test_a_large_effect_is_shown_soon():
    verdict, why = judge(found(0.3, 8))
    assert (verdict, why) == ("worked", "shown")


def test_early_on_it_is_not_yet_known():
    assert judge(found(0.8, 3)) == ("unknown", "")


def test_what_is_shown_only_at_the_planned_end_worked_too():
    end = STARTED + timedelta(weeks=8)
    one = found(0.68, 8, by_when=end, seed=6, percent=30)
    assert one.always[2] >= 1 > one.at_end[2]
    assert judge(one) == ("worked", "at_end")


def test_what_comes_after_the_planned_end_does_not_change_that_look():
    end = STARTED + timedelta(weeks=8)
    whole = of_weeks(WEEKS, 0.68, 20, seed=6)
    ask = {"percent": 30, "by_when": end, "started_on": STARTED, "finished_on": None}
    early = Counted(first=FIRST, cases=whole.cases[: WEEKS + 8], orders=whole.orders[: WEEKS + 8])
    assert find(early, **ask).at_end == pytest.approx(find(whole, **ask).at_end)


def test_without_effect_it_did_not_when_what_was_hoped_for_is_left_out_or_the_end_is_reached():
    assert judge(found(1.0, 25)) == ("did_not", "too_small")
    assert judge(found(0.95, 3, percent=10, by_when=STARTED + timedelta(weeks=3))) == ("did_not", "nothing_at_end")


def test_a_rise_is_not_called_worked():
    assert judge(found(1.6, 20))[0] == "did_not"


def test_the_week_in_which_it_began_says_nothing():
    thursday = STARTED + timedelta(days=3)
    whole = of_weeks(WEEKS, 0.5, 12)
    spoiled = Counted(first=FIRST, cases=whole.cases.copy(), orders=whole.orders)
    spoiled.cases[WEEKS] = 400
    ask = {"percent": 40, "by_when": STARTED + timedelta(weeks=30), "started_on": thursday, "finished_on": None}
    one, other = find(whole, **ask), find(spoiled, **ask)
    assert one.start == WEEKS + 1
    assert one.ratio == pytest.approx(other.ratio)
    assert one.cases[WEEKS] != other.cases[WEEKS]  # the picture shows what there was


def test_a_plan_says_how_many_weeks_it_takes_and_nothing_of_an_effect():
    one = find(of_weeks(WEEKS, 1, 0), percent=40, by_when=STARTED, started_on=None, finished_on=None)
    assert one.needed
    assert one.ratio is None
    assert str(one.needed) in in_words(one, "unknown")
    none = find(of_weeks(WEEKS, 1, 0), percent=1, by_when=STARTED, started_on=None, finished_on=None)
    assert "five years" in in_words(none, "unknown")


def test_too_little_is_said_and_not_judged():
    few = find(of_weeks(3, 1, 0), percent=40, by_when=STARTED, started_on=None, finished_on=None)
    assert "8 are needed" in few.cannot
    before_all = find(of_weeks(10, 1, 0), percent=40, by_when=STARTED, started_on=FIRST - timedelta(weeks=9),
                      finished_on=None)  # fmt: skip
    assert "before the start" in before_all.cannot
    few.end = 1
    assert judge(few) == ("unknown", "")  # also when the planned end is past


def test_a_finding_is_the_same_once_kept_also_without_limit():
    one = found(0.5, 6)
    one.always = (0.5, 0.2, None)
    assert Finding.read(one.kept()) == one


@pytest.mark.parametrize(("then", "back"), [(1.0, True), (0.5, False)])
def test_the_cause_is_back_when_the_rate_is_and_only_then(then, back):
    counted = of_weeks(WEEKS, 0.5, 10, then=then, later=12)
    judged = STARTED + timedelta(weeks=10)
    assert came_back(counted, started_on=STARTED, judged_until=judged, reached=0.6) is back


def test_without_weeks_since_the_verdict_nothing_came_back():
    counted = of_weeks(WEEKS, 0.5, 10)
    assert not came_back(counted, started_on=STARTED, judged_until=counted.until, reached=0.6)


def test_ratios_are_said_as_people_say_them():
    assert (percent(0.7), percent(1.25), percent(None)) == ("−30 %", "+25 %", "no limit")  # noqa: RUF001
    assert "% fewer cases per order" in in_words(found(0.3, 8), "worked")
