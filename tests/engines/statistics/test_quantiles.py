"""Medians and their intervals against a twin that counts, and against what an interval promises."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from makegood.engines.statistics import quantile


def slow_interval(n, q, confidence):
    """1-based ranks: each side misses at most half of what may be missed, and as much of it as possible."""
    miss = (1 - confidence) / 2

    def at_most(k):
        return sum(math.comb(n, i) * q**i * (1 - q) ** (n - i) for i in range(k + 1))

    low = max((rank for rank in range(1, n + 1) if at_most(rank - 1) <= miss), default=None)
    high = min((rank for rank in range(1, n + 1) if 1 - at_most(rank - 1) <= miss), default=None)
    return (low, high) if low and high else (None, None)


@given(st.integers(1, 80), st.sampled_from([0.1, 0.25, 0.5, 0.9]), st.sampled_from([0.8, 0.95]))
def test_the_interval_is_that_of_the_slow_twin(n, q, confidence):
    found = quantile(range(1, n + 1), q, confidence=confidence)
    assert (found.low, found.high) == slow_interval(n, q, confidence)
    assert found.n == n


@given(st.lists(st.floats(-1e9, 1e9), min_size=1, max_size=200), st.sampled_from([0.5, 0.9]))
def test_order_does_not_matter_and_the_value_lies_in_its_interval(values, q):
    found = quantile(values, q)
    assert found == quantile(sorted(values, reverse=True), q)
    if found.low is not None:
        assert min(values) <= found.low <= found.high <= max(values)


def test_the_interval_keeps_its_promise_on_a_skewed_distribution():
    rng = np.random.default_rng(3)
    truth = math.log(2)  # median of the exponential distribution
    held = 0
    for _ in range(2000):
        found = quantile(rng.exponential(size=40), 0.5)
        held += found.low <= truth <= found.high
    assert held / 2000 >= 0.94


def test_too_few_values_have_a_value_and_no_interval():
    assert quantile([1, 2, 3], 0.5) == (3, 2.0, None, None)
    assert quantile([], 0.5) is None


@pytest.mark.parametrize(("values", "q"), [([1], 0), ([1], 1), ([math.inf], 0.5), ([math.nan], 0.5)])
def test_what_cannot_be_is_refused(values, q):
    with pytest.raises(ValueError, match=r"between|finite"):
        quantile(values, q)
