"""What changed: the parts add up exactly, and are what a slow and obvious calculation says."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from makegood.engines.statistics import decompose_change

volumes = st.integers(0, 10_000_000)
counts = st.lists(st.tuples(st.integers(0, 1_000_000), st.integers(0, 1_000_000)), max_size=12)


def twin(v0, c0, v1, c1):
    """Volume first and rate first, each way round, averaged: the definition of a Shapley value."""
    r0, r1 = Fraction(c0, v0), Fraction(c1, v1)
    volume_first = v1 * r0 - v0 * r0
    rate_first_then_volume = v1 * r1 - v0 * r1
    return (volume_first + rate_first_then_volume) / 2


def test_the_worked_example():
    change = decompose_change(1000, [100, 20], 1100, [165, 22])

    assert change.change.tolist() == [65, 2]
    assert change.volume.tolist() == [12.5, 2.0]
    assert change.rate.tolist() == [52.5, 0.0]


@given(volumes, volumes, counts)
def test_parts_add_up_to_the_change_exactly_for_each_reason_and_for_all(v0, v1, pairs):
    before, after = [c for c, _ in pairs], [c for _, c in pairs]
    split = decompose_change(v0, before, v1, after)

    assert (split.volume_tenths + split.rate_tenths == 10 * split.change).all()
    assert split.change.tolist() == [b - a for a, b in pairs]
    for volume, rate, change in zip(split.volume, split.rate, split.change, strict=True):
        assert Fraction(f"{volume:.1f}") + Fraction(f"{rate:.1f}") == change  # as printed


@given(st.integers(1, 10_000_000), st.integers(1, 10_000_000), counts)
def test_parts_are_those_of_the_slow_twin_to_a_tenth_and_their_sum_is_rounded_once(v0, v1, pairs):
    split = decompose_change(v0, [c for c, _ in pairs], v1, [c for _, c in pairs])
    exact = [twin(v0, a, v1, b) for a, b in pairs]

    for volume, value in zip(split.volume_tenths.tolist(), exact, strict=True):
        assert abs(volume - 10 * value) < 1
    assert split.volume_tenths.sum() == round(10 * sum(exact, Fraction()))


@given(st.integers(1, 1000), counts)
def test_the_same_exposure_leaves_no_volume_part(volume, pairs):
    split = decompose_change(volume, [c for c, _ in pairs], volume, [c for _, c in pairs])
    assert not split.volume_tenths.any()


@given(volumes, volumes, counts)
def test_looking_backwards_turns_every_sign(v0, v1, pairs):
    before, after = [c for c, _ in pairs], [c for _, c in pairs]
    there, back = decompose_change(v0, before, v1, after), decompose_change(v1, after, v0, before)
    # Largest remainders may fall on another reason: a tenth either way.
    assert (np.abs(there.volume_tenths + back.volume_tenths) <= 1).all()


def test_without_exposure_no_rate_is_made_up():
    assert decompose_change(0, [0], 100, [7]).volume.tolist() == [7.0]
    assert decompose_change(0, [3], 0, [7]).rate.tolist() == [4.0]


@pytest.mark.parametrize("bad", [([1], [1, 2]), ([-1], [1]), ([1.5], [1]), ([[1]], [[1]])])
def test_what_is_not_a_count_is_refused(bad):
    with pytest.raises(ValueError, match=r"shape|whole"):
        decompose_change(10, bad[0], 10, bad[1])
