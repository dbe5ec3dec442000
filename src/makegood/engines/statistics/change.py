"""What changed between two periods: because there was more to go wrong, or because more of it went wrong."""

from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray


class Change(NamedTuple):
    """A change in counts and its two parts, in tenths of a case, so that sums are exact.

    For every reason and for the sum over all reasons: `volume_tenths + rate_tenths == 10 * change`.
    """

    change: NDArray[np.int64]
    volume_tenths: NDArray[np.int64]
    rate_tenths: NDArray[np.int64]

    @property
    def volume(self) -> NDArray[np.float64]:
        """Cases more (or fewer) because the exposure changed."""
        return self.volume_tenths / 10

    @property
    def rate(self) -> NDArray[np.float64]:
        """Cases more (or fewer) because a larger (or smaller) share failed."""
        return self.rate_tenths / 10


def decompose_change(volume_before: int, count_before: ArrayLike, volume_after: int, count_after: ArrayLike) -> Change:
    """Split the change of each count into a volume part and a rate part that add up exactly.

    With exposure V and rate r = count / V, the volume part is (V1 - V0)(r0 + r1) / 2 and the rate part
    (r1 - r0)(V0 + V1) / 2: each effect averaged over both orders in which the two could have happened, so neither is
    favoured and nothing is left over. The parts are computed as fractions. Volume parts are then rounded to tenths by
    largest remainder, so that they add up to the rounded volume part of the whole; the rate part is what remains.

    Where one exposure is 0 no rate can be compared: the change is all volume if the exposure changed, else all rate.

    Parameters
    ----------
    volume_before, volume_after : int
        Exposure of each period, shared by all reasons. Non-negative.
    count_before, count_after : array-like of int, shape (n_reasons,)
        Cases of each reason. Non-negative.

    Returns
    -------
    Change
        Arrays of shape (n_reasons,), int64; parts in tenths of a case.

    Raises
    ------
    ValueError
        Shapes differ, or a value is negative or not whole.

    Examples
    --------
    >>> decompose_change(1000, [100, 20], 1100, [165, 22])
    Change(change=array([65,  2]), volume_tenths=array([125,  20]), rate_tenths=array([525,   0]))

    References
    ----------
    Kitagawa, E. M. (1955). Components of a difference between two rates. Journal of the American Statistical
    Association 50(272). Its symmetric form is the Shapley value of a game of two players: Shorrocks, A. F. (2013).
    Decomposition procedures for distributional analysis. Journal of Economic Inequality 11(1).
    """
    before, after = _whole(count_before), _whole(count_after)
    (start, end) = (int(value) for value in _whole([volume_before, volume_after]))
    if before.shape != after.shape:
        raise ValueError(f"Counts before and after differ in shape: {before.shape} and {after.shape}.")
    parts = [_volume_part(start, int(c0), end, int(c1)) for c0, c1 in zip(before, after, strict=True)]
    volume = np.array(_round_to_total([10 * part for part in parts]), dtype=np.int64)
    change = after - before
    return Change(change, volume, 10 * change - volume)


def _volume_part(start: int, before: int, end: int, after: int) -> Fraction:
    if not start or not end:
        return Fraction(after - before if start != end else 0)
    return (end - start) * (Fraction(before, start) + Fraction(after, end)) / 2


def _round_to_total(parts: list[Fraction]) -> list[int]:
    """Each part rounded down, and the units missing from the rounded total given to the largest remainders."""
    floors = [part.numerator // part.denominator for part in parts]
    missing = round(sum(parts, Fraction())) - sum(floors)
    by_remainder = sorted(range(len(parts)), key=lambda i: (floors[i] - parts[i], i))
    for i in by_remainder[:missing]:
        floors[i] += 1
    return floors


def _whole(values: ArrayLike) -> NDArray[np.int64]:
    given = np.atleast_1d(np.asarray(values))
    if given.size == 0:
        return np.zeros(0, dtype=np.int64)
    whole = given.astype(np.int64)
    if given.ndim != 1 or (whole != given).any() or (whole < 0).any():
        raise ValueError("Counts and volumes are whole numbers from 0, in one dimension.")
    return whole
