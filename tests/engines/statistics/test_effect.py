"""The effect of a change: equal to slow and obvious twins, honest where little is known."""

from math import exp, inf, log, sqrt

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from makegood.engines.statistics import CannotTell, Series, effect, periods_needed, refuses
from makegood.engines.statistics.effect import _Model, _Noise

START, WEEKS = 60, 84


def drawn(seed: int, *, rate: float = 12.0, ratio: float = 0.6, spread: float = 0.05, weeks: int = WEEKS) -> Series:
    rng = np.random.default_rng(seed)
    exposure = rng.uniform(800, 1200, weeks)
    mean = rate * exposure / 1000 * np.where(np.arange(weeks) >= START, ratio, 1.0)
    return Series.of(rng.poisson(mean * rng.gamma(1 / spread, spread, weeks)), exposure)


def model_of(series: Series, comparison: Series | None = None) -> _Model:
    return _Model.of(series, comparison, start=START, ramp=0, trend=False, year=52.18, cycle=1)


@pytest.mark.parametrize("compared", [False, True])
def test_the_fit_equals_a_negative_binomial_regression_of_statsmodels(compared):
    model = model_of(drawn(1), drawn(2, rate=40, ratio=1.0) if compared else None)
    design = np.column_stack([model.nuisance, model.change])
    ours, mu = model.fit(design, model.offset, np.full(model.y.size, 0.08))
    slow = sm.GLM(model.y, design, family=sm.families.NegativeBinomial(alpha=0.08), offset=model.offset).fit(tol=1e-12)
    assert ours == pytest.approx(slow.params, abs=1e-6)
    assert mu == pytest.approx(slow.mu, rel=1e-6)


@given(seed=st.integers(0, 10_000), a=st.floats(0, 1), neighbours=st.floats(0, 0.9))
@settings(max_examples=20, deadline=None)
def test_the_variance_equals_a_sum_over_all_pairs_of_periods(seed, a, neighbours):
    rng = np.random.default_rng(seed)
    series = drawn(seed, weeks=70)
    series.exposure[rng.integers(0, 70, 5)] = 0  # periods that say nothing
    model = model_of(Series(np.where(series.exposure, series.counts, 0), series.exposure), drawn(3, weeks=70))
    mu, vectors = rng.uniform(0.5, 9, model.y.size), rng.normal(size=(model.y.size, 2))
    slow = np.zeros((2, 2))
    for i in range(mu.size):
        for j in range(mu.size):
            shared = model.group[i] == model.group[j]
            together = a * mu[i] * mu[j] * neighbours ** abs(int(model.period[i] - model.period[j])) if shared else 0
            slow += np.outer(vectors[i], vectors[j]) * (together + (mu[i] if i == j else 0))
    assert model.covariance(vectors, mu, _Noise((a, a), neighbours)) == pytest.approx(slow, rel=1e-9, abs=1e-9)


@given(seed=st.integers(0, 10_000), compared=st.booleans())
@settings(max_examples=15, deadline=None)
def test_the_interval_holds_exactly_what_is_not_refused(seed, compared):
    series, other = drawn(seed), drawn(seed + 1, rate=30, ratio=1.0) if compared else None
    found = effect(series, start=START, comparison=other)
    for at, (low, high) in enumerate([found.ratio[1:], found.always[1:]]):
        for ratio, refused in [(low * 0.99, True), (low * 1.01, False), (high * 0.99, False), (high * 1.01, True)]:
            if 0 < ratio < inf:
                assert refuses(series, start=START, ratio=ratio, comparison=other)[at] is refused


@given(seed=st.integers(0, 10_000), times=st.floats(0.001, 1000))
@settings(max_examples=15, deadline=None)
def test_the_unit_of_exposure_does_not_matter(seed, times):
    series = drawn(seed)
    there, here = (effect(Series(series.counts, series.exposure * k), start=START) for k in (1.0, times))
    assert there.ratio == pytest.approx(here.ratio, rel=1e-3)
    assert there.avoided == pytest.approx(here.avoided, rel=1e-3, abs=1e-2)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_ranges_are_in_order_and_looking_every_week_costs_certainty(seed):
    found = effect(drawn(seed), start=START)
    assert found.always.low <= found.ratio.low <= found.ratio.value <= found.ratio.high <= found.always.high
    assert found.avoided_always.low <= found.avoided.low <= found.avoided.value <= found.avoided.high
    assert (found.expected_low <= found.expected).all()
    assert (found.expected <= found.expected_high).all()


def test_without_noise_and_season_it_is_what_a_hand_computes():
    weeks = np.arange(40)
    series = Series.of(np.where(weeks < 30, 20, 10), np.full(40, 1000))
    found = effect(series, start=30)
    assert found.ratio.value == pytest.approx(0.5)
    assert found.avoided.value == pytest.approx(100)
    assert found.avoided_per_period.value == pytest.approx(10)
    assert found.expected == pytest.approx(np.full(40, 20.0))
    assert found.dispersion == 1
    # Counts of 600 and 100 in 30 and 10 weeks: the log ratio has variance 1/600 + 1/100.
    wald = [exp(log(0.5) + side * 1.96 * sqrt(1 / 600 + 1 / 100)) for side in (-1, 1)]
    assert found.ratio[1:] == pytest.approx(wald, rel=0.02)


def test_the_comparison_takes_away_what_happened_everywhere():
    weeks = np.arange(40)
    series = Series.of(np.where(weeks < 30, 20, 8), np.full(40, 1000))
    elsewhere = Series.of(np.where(weeks < 30, 60, 48), np.full(40, 5000))
    assert effect(series, start=30, comparison=elsewhere).ratio.value == pytest.approx(0.4 / 0.8)


def test_with_no_case_left_the_ratio_is_nought_to_a_limit_like_the_exact_one():
    series = Series.of([5] * 50 + [0] * 6, [1000] * 56)
    found = effect(series, start=50)
    assert found.ratio[:2] == (0, 0)
    exact = stats.chi2.ppf(0.975, 2) / 2 / 30  # of a Poisson mean, none seen where 30 were expected
    assert found.ratio.high == pytest.approx(exact, abs=0.03)
    assert found.always.high < 1
    assert found.avoided.value == pytest.approx(30, rel=0.01)


def test_a_ramp_counts_the_first_weeks_in_part():
    weeks = np.arange(60)
    partly = np.clip((weeks - 40 + 1) / 5, 0, 1)
    series = Series.of(np.round(100 * 0.5**partly), np.full(60, 1000))
    assert effect(series, start=40, ramp=4).ratio.value == pytest.approx(0.5, abs=0.01)
    assert effect(series, start=40).ratio.value > 0.52


def test_a_trend_of_the_history_is_not_taken_for_the_effect_if_it_is_asked_for():
    weeks = np.arange(60)
    series = Series.of(np.round(100 * np.exp(-weeks / 60)), np.full(60, 1000))
    assert effect(series, start=40, trend=True).ratio.value == pytest.approx(1, abs=0.03)
    assert effect(series, start=40).ratio.value < 0.7


def test_days_have_a_level_for_each_day_of_the_week():
    days = np.arange(70)
    series = Series.of(np.where(days % 7 == 6, 40, 10) * np.where(days < 50, 10, 5) // 10, np.full(70, 1000))
    found = effect(series, start=50, year=365.25, cycle=7)
    assert found.ratio.value == pytest.approx(0.5, abs=0.01)
    assert found.dispersion < effect(series, start=50, year=365.25).dispersion


def test_the_season_is_told_apart_once_a_year_went_by():
    assert not effect(drawn(4), start=50).seasonal
    assert effect(drawn(4), start=53).seasonal


def test_a_plan_keeps_its_promise():
    usual = drawn(5, ratio=1.0, weeks=START)
    weeks = periods_needed(usual, hoped=0.7)
    assert weeks is not None
    seen = []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        e = np.full(START + weeks, 1000.0)
        mean = 12 * np.where(np.arange(e.size) >= START, 0.7, 1.0)
        series = Series.of(rng.poisson(mean * rng.gamma(20, 1 / 20, e.size)), e)
        seen.append(refuses(series, start=START, ratio=1.0)[0])
    assert np.mean(seen) == pytest.approx(0.8, abs=0.13)  # the noise is known from one history only


def test_a_smaller_effect_takes_longer_and_one_too_small_is_never_seen():
    whole = drawn(6)
    past = Series(whole.counts[:START], whole.exposure[:START])
    needed = [periods_needed(past, hoped=hoped) for hoped in (0.3, 0.5, 0.7, 0.98)]
    assert needed[3] is None
    assert needed[0] <= needed[1] <= needed[2]
    # What happened since the start changes no plan.
    assert needed == [periods_needed(whole, hoped=hoped, start=START) for hoped in (0.3, 0.5, 0.7, 0.98)]


def test_a_plan_with_a_comparison_and_a_season_is_found():
    assert periods_needed(drawn(7), hoped=0.6, start=START, comparison=drawn(8, ratio=1.0)) is not None


@pytest.mark.parametrize(
    ("counts", "exposure", "start", "why"),
    [
        ([1] * 20, [9] * 20, 3, "3 periods before"),
        ([0] * 20, [9] * 20, 12, "No case before"),
        ([1] * 12 + [0] * 8, [9] * 12 + [0] * 8, 12, "No period since"),
        ([1] * 12, [9] * 12, 12, "No period since"),
    ],
)
def test_too_little_is_said_in_words(counts, exposure, start, why):
    with pytest.raises(CannotTell, match=why):
        effect(Series.of(counts, exposure), start=start)


@pytest.mark.parametrize(("other", "why"), [([0] * 20, "before the start"), ([3] * 12 + [0] * 8, "since the start")])
def test_a_comparison_without_cases_is_refused(other, why):
    with pytest.raises(CannotTell, match=why):
        effect(Series.of([2] * 20, [9] * 20), start=12, comparison=Series.of(other, [9] * 20))


@pytest.mark.parametrize(
    ("counts", "exposure", "why"),
    [
        ([1, 2], [1], "shape"),
        ([[1]], [[1]], "shape"),
        ([-1], [1], "negative"),
        ([1], [float("nan")], "finite"),
        ([1], [0], "without exposure"),
    ],
)
def test_series_that_are_none_are_refused(counts, exposure, why):
    with pytest.raises(ValueError, match=why):
        Series.of(counts, exposure)


@pytest.mark.parametrize("question", [{"hoped": 1}, {"hoped": 0}, {"level": 1}, {"ramp": -1}, {"cycle": 0}])
def test_questions_out_of_range_are_refused(question):
    with pytest.raises(ValueError, match="No such question"):
        effect(drawn(1), start=START, **question)


def test_a_comparison_of_other_weeks_is_refused():
    with pytest.raises(ValueError, match="different lengths"):
        effect(drawn(1), start=START, comparison=drawn(1, weeks=70))
