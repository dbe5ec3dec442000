"""Control limits against textbook vectors and slow twins."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from makegood.engines.statistics import binomial_limit, judge_periods, p_limits, u_limits

periods = st.lists(st.tuples(st.integers(0, 50), st.integers(50, 500)), min_size=4, max_size=30)


def slow_dispersion(counts, exposure, centre, variance):
    z = [(c / n - centre) / math.sqrt(variance / n) for c, n in zip(counts, exposure, strict=True)]
    ranges = [abs(a - b) for a, b in itertools.pairwise(z)]
    return max(1.0, sum(ranges) / len(ranges) / 1.128)


def test_a_p_chart_as_in_the_textbook():
    """Montgomery, example 7.1: 347 nonconforming cans in 30 samples of 50 give 0.2313, 0.0524 and 0.4102."""
    cans = [12, 15, 8, 10, 4, 7, 16, 9, 14, 10, 5, 6, 17, 12, 22, 8, 10, 5, 13, 11, 20, 18, 24, 15, 9, 12, 7, 13, 9, 6]
    limits = p_limits(cans, [50] * 30, at=[50])

    assert limits.centre == pytest.approx(0.2313, abs=5e-5)
    width = (limits.upper[0] - limits.centre) / limits.dispersion  # the textbook does not widen
    assert limits.centre + width == pytest.approx(0.4102, abs=1e-4)
    assert limits.centre - width == pytest.approx(0.0524, abs=1e-4)


@given(periods, st.integers(1, 1000))
def test_limits_are_those_of_the_slow_twin(pairs, n):
    counts, exposure = [c for c, _ in pairs], [e for _, e in pairs]
    u, p = u_limits(counts, exposure, at=[n]), p_limits(counts, exposure, at=[n])
    centre = sum(counts) / sum(exposure)
    assert u.centre == p.centre == pytest.approx(centre)
    for limits, variance, top in ((u, centre, math.inf), (p, centre * (1 - centre), 1.0)):
        wide = slow_dispersion(counts, exposure, centre, variance) if variance else 1.0
        assert limits.dispersion == pytest.approx(wide)
        assert limits.upper[0] == pytest.approx(min(top, centre + 3 * wide * math.sqrt(variance / n)))
        assert limits.lower[0] == pytest.approx(max(0, centre - 3 * wide * math.sqrt(variance / n)))


def test_a_noisy_past_widens_the_limits_and_a_calm_one_does_not_narrow_them():
    assert u_limits([10, 10, 10, 10], [100] * 4, at=[100]).dispersion == 1
    assert u_limits([1, 30, 1, 30], [100] * 4, at=[100]).dispersion > 3


@pytest.mark.parametrize("bad", [([1], [1, 2]), ([-1, 1], [2, 2]), ([1], [0]), ([math.nan], [1])])
def test_an_unusable_baseline_is_refused(bad):
    with pytest.raises(ValueError, match=r"shape|finite|exposure"):
        u_limits(*bad, at=[1])


def test_more_failed_than_there_were_is_refused():
    with pytest.raises(ValueError, match="More failed"):
        p_limits([3], [2], at=[1])


def slow_limit(n, p, tail):
    below = 0.0
    for k in range(n + 1):
        below += math.comb(n, k) * p**k * (1 - p) ** (n - k)
        if 1 - below <= tail:
            return k
    return n


@given(
    st.lists(st.tuples(st.integers(0, 60), st.sampled_from([0, 0.01, 0.05, 0.2, 0.5, 0.9, 1])), min_size=1, max_size=8)
)
def test_the_binomial_limit_is_that_of_the_slow_twin(pairs):
    found = binomial_limit([n for n, _ in pairs], [p for _, p in pairs])
    assert found.tolist() == [slow_limit(n, p, 0.00135) for n, p in pairs]


def test_chance_passes_the_binomial_limit_as_rarely_as_promised():
    rng = np.random.default_rng(1)
    limit = binomial_limit([20], [0.06])[0]
    assert (rng.binomial(20, 0.06, 200_000) > limit).mean() <= 0.00135 * 1.2


def test_a_bad_month_does_not_hide_the_next_one():
    rates = [60] * 12 + [200] * 4 + [60] * 4 + [110]
    judged = judge_periods(rates, [1000] * len(rates), chart=p_limits)

    assert judged.outside.tolist() == [0] * 12 + [1] * 4 + [0] * 4 + [1]
    assert judged.baseline[-1].tolist() == [8, 9, 10, 11, 16, 17, 18, 19]  # the bad month is left out
    assert judged.expected[-1] == pytest.approx(60)


def test_a_level_that_stays_is_accepted_in_the_end():
    rates = [60] * 16 + [200] * 40
    judged = judge_periods(rates, [1000] * len(rates), chart=p_limits)
    assert judged.outside[16] == 1
    assert judged.outside[-1] == 0


def test_the_first_periods_and_periods_without_exposure_are_not_judged():
    judged = judge_periods([5, 5, 5, 5, 50, 0], [100, 100, 100, 100, 100, 0], chart=u_limits)
    assert np.isnan(judged.expected[:4]).all()
    assert judged.outside.tolist() == [0, 0, 0, 0, 1, 0]
    assert np.isnan(judged.upper[5])


def test_a_handful_is_never_called_above():
    judged = judge_periods([0, 0, 0, 0, 4, 5], [100] * 6, chart=u_limits)
    assert judged.outside.tolist() == [0, 0, 0, 0, 0, 1]


def test_quiet_series_raise_few_alarms():
    """Poisson noise, 26 weeks judged from eight: fewer than one false alarm in a hundred weeks."""
    rng = np.random.default_rng(20180226)
    alarms = sum(
        int(judge_periods(rng.poisson(60, 42), [1000] * 42, chart=u_limits).outside[16:].astype(bool).sum())
        for _ in range(300)
    )
    assert alarms / (300 * 26) < 0.01
