"""What a treatment brought: intervals equal those of statsmodels and SciPy, and cover what they promise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep

from makegood.engines.statistics import people_needed, uplift, uplift_of_means

groups = st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def test_the_worked_examples_of_newcombe():
    assert uplift(56, 70, 48, 80)[1:3] == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert uplift(9, 10, 3, 10)[1:3] == pytest.approx((0.1705, 0.8090), abs=5e-5)
    assert uplift(10, 10, 0, 10)[1:3] == pytest.approx((0.6075, 1.0), abs=5e-5)


@given(groups, groups, st.sampled_from([0.8, 0.95, 0.99]))
def test_it_equals_the_interval_of_statsmodels(treated, control, level):
    ours = uplift(*treated, *control, level=level)
    slow = confint_proportions_2indep(*treated, *control, method="newcomb", compare="diff", alpha=1 - level)
    assert (ours.low, ours.high) == pytest.approx((max(slow[0], -1), min(slow[1], 1)), abs=1e-9)


@given(groups, groups)
def test_the_groups_exchanged_turn_the_sign(treated, control):
    there, back = uplift(*treated, *control), uplift(*control, *treated)
    assert (there.difference, there.low, there.high) == pytest.approx((-back.difference, -back.high, -back.low))
    assert there.low <= there.difference <= there.high
    assert there.needed_n == back.needed_n


def test_it_covers_the_truth_also_with_a_small_holdout_and_rare_hits():
    draw = np.random.default_rng(4)
    for base, gain, n_treated, n_control in [(0.2, -0.05, 900, 100), (0.02, 0.01, 450, 50), (0.5, 0.0, 90, 10)]:
        hits = zip(draw.binomial(n_treated, base + gain, 4000), draw.binomial(n_control, base, 4000), strict=True)
        found = [uplift(int(t), n_treated, int(c), n_control) for t, c in hits]
        covered = np.mean([one.low <= gain <= one.high for one in found])
        assert 0.93 <= covered <= 0.99


def test_the_people_needed_see_the_difference_as_often_as_planned():
    draw = np.random.default_rng(5)
    n = people_needed(0.20, 0.15, control_share=0.1)
    assert n is not None
    n_control = round(n / 10)
    n_treated = n - n_control
    hits = zip(draw.binomial(n_treated, 0.15, 4000), draw.binomial(n_control, 0.20, 4000), strict=True)
    assert np.mean([uplift(int(t), n_treated, int(c), n_control).known for t, c in hits]) == pytest.approx(
        0.8, abs=0.03
    )


def test_without_a_difference_no_number_of_people_is_enough():
    assert people_needed(0.2, 0.2) is None
    assert uplift(5, 50, 1, 10).needed_n is None


@given(st.lists(st.floats(-1e4, 1e4), min_size=2, max_size=40), st.lists(st.floats(-1e4, 1e4), min_size=2, max_size=40))
def test_means_have_the_interval_of_scipy(treated, control):
    if np.var(treated) < 1e-6 or np.var(control) < 1e-6:
        return  # SciPy warns of lost precision; the next test has the case
    ours = uplift_of_means(treated, control)
    slow = stats.ttest_ind(treated, control, equal_var=False).confidence_interval(0.95)
    assert (ours.low, ours.high) == pytest.approx((slow.low, slow.high), rel=1e-6, abs=1e-6)


def test_means_without_any_spread_are_known():
    same, more = uplift_of_means([3, 3, 3], [3, 3]), uplift_of_means([4, 4], [3, 3])
    assert (same.low, same.high, same.needed_n) == (0, 0, None)
    assert (more.low, more.high, more.needed_n) == (1, 1, 4)


@pytest.mark.parametrize("bad", [(1, 0, 0, 1), (2, 1, 0, 1), (-1, 1, 0, 1), (0, 1, 0, 1, 1.0)])
def test_counts_and_levels_out_of_range_are_refused(bad):
    with pytest.raises(ValueError, match=r"of|level"):
        uplift(*bad)


@pytest.mark.parametrize("bad", [[1.0], [1.0, float("nan")], [[1.0, 2.0]]])
def test_groups_that_are_none_are_refused(bad):
    with pytest.raises(ValueError, match="two finite values"):
        uplift_of_means(bad, [1.0, 2.0])


def test_plans_out_of_range_are_refused():
    with pytest.raises(ValueError, match="No such plan"):
        people_needed(0.2, 1.2)
