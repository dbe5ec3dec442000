"""Intervals of shares."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from makegood.engines.statistics import wilson


@given(n=st.integers(1, 2000), share=st.floats(0, 1))
def test_it_equals_the_interval_of_scipy(n: int, share: float):
    kept = round(n * share)
    slow = binomtest(kept, n).proportion_ci(method="wilson")
    assert wilson(kept, n) == pytest.approx((slow.low, slow.high), abs=1e-9)


@pytest.mark.parametrize(("kept", "n"), [(1, 0), (3, 2), (-1, 5)])
def test_counts_out_of_range_are_refused(kept: int, n: int):
    with pytest.raises(ValueError, match="of"):
        wilson(kept, n)
