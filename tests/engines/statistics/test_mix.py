import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from makegood.engines.statistics import mix, mix_of

LEAVES = {"carrier": ["A", "A", "B", "B"], "lane": ["north", "south", "north", "south"]}
exposures = st.lists(st.integers(100, 300), min_size=4, max_size=4)


@given(exposures, st.floats(0.1, 10))
def test_the_same_mix_grows_by_one_factor(before: list[int], growth: float):
    weights = mix_of(before, [growth * n for n in before], LEAVES).weights(LEAVES)
    assert weights == pytest.approx([growth] * 4)


@given(exposures, exposures)
def test_every_value_is_weighed_to_its_share(before: list[int], after: list[int]):
    """The slow twin: plain loops over the rows of each value, for leaves that did not grow beyond what is believed."""
    assume(max(n / m for m, n in zip(before, after, strict=True)) < 2 * sum(after) / sum(before))
    assume(min(n / m for m, n in zip(before, after, strict=True)) > sum(after) / sum(before) / 2)
    weights = mix_of(before, after, LEAVES).weights(LEAVES)
    growth = sum(after) / sum(before)
    column, drawn, got = LEAVES["lane"], {}, {}
    for value in set(column):
        rows = [i for i in range(4) if column[i] == value]
        was, now = sum(before[i] for i in rows), sum(after[i] for i in rows)
        drawn[value] = (now + mix.ENOUGH * growth) / (was + mix.ENOUGH) * was
        got[value] = sum(before[i] * weights[i] for i in rows)
    for value, wanted in drawn.items():
        assert got[value] == pytest.approx(wanted * sum(after) / sum(drawn.values()), rel=1e-3)


def test_a_carrier_that_doubled_doubles_what_its_parcels_are_expected_to_fail():
    weights = mix_of([5000, 5000, 5000, 5000], [10_000, 10_000, 5000, 5000], LEAVES).weights(LEAVES)
    assert weights == pytest.approx([2, 2, 1, 1], rel=0.01)


def test_what_the_mix_does_not_know_grows_like_all():
    grown = mix_of([100, 100, 100, 100], [200, 200, 200, 200], LEAVES)
    assert grown.weights({"reason": ["late", "lost"], "carrier": ["A", "New"]}) == pytest.approx([2, 2])


def test_where_nothing_came_after_nothing_is_expected():
    assert mix_of([1, 2, 3, 4], [0, 0, 0, 0], LEAVES).weights(LEAVES).tolist() == [0, 0, 0, 0]


@pytest.mark.parametrize(("before", "after"), [([0, 0], [1, 1]), ([1, -1], [1, 1]), ([1, 1], [1, -1])])
def test_exposures_are_counts(before: list[int], after: list[int]):
    with pytest.raises(ValueError, match="not negative"):
        mix_of(before, after, {"carrier": np.array(["A", "B"])})
