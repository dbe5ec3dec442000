"""Judging every period by the quiet ones before it."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from makegood.engines.statistics.control import Limits

LEAST_PERIODS = 4  # with exposure, to say what to expect


class Chart(Protocol):
    """`u_limits` or `p_limits`."""

    def __call__(self, counts: ArrayLike, exposure: ArrayLike, /, *, at: ArrayLike) -> Limits: ...


class Judged(NamedTuple):
    """For every period, in counts: what to expect, the limits, where the count lies. NaN: nothing to expect from."""

    expected: NDArray[np.float64]
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    outside: NDArray[np.int8]  # -1 below, 0 within or not known, 1 above
    baseline: Sequence[NDArray[np.int64]]  # the periods each judgement rests on


def judge_periods(
    counts: ArrayLike, exposure: ArrayLike, *, chart: Chart, span: int = 8, reach: int = 16, least_count: int = 5
) -> Judged:
    """Judge each period by limits from the last `span` quiet ones among the `reach` before it, in order of time.

    Quiet is a period with exposure that was not itself outside its limits: one bad month must not hide the next. When
    fewer than `LEAST_PERIODS` of the `reach` were quiet, the level has moved for good, and the last `span` periods
    count whatever they were. A period with fewer than `LEAST_PERIODS` to rest on, or without exposure, is not judged.

    Parameters
    ----------
    counts, exposure : array-like of int, shape (n_periods,)
        Oldest first. Non-negative.
    chart : callable
        `u_limits` or `p_limits`.
    span, reach : int
        How many quiet periods to rest on, and among how many before to look for them.
    least_count : int
        Smaller counts are never called above: three sigma of a handful is passed by chance far too often.

    Returns
    -------
    Judged
        Arrays of shape (n_periods,).

    Raises
    ------
    ValueError
        Shapes differ, or a value is negative or not finite.

    References
    ----------
    Montgomery, D. C. (2019). Introduction to Statistical Quality Control, 8th ed., section 6.2.2 (phase I: revise the
    limits without the points that are out of control).
    """
    counted, exposed = np.asarray(counts, dtype=np.int64), np.asarray(exposure, dtype=np.int64)
    if counted.shape != exposed.shape or counted.ndim != 1 or (counted < 0).any() or (exposed < 0).any():
        raise ValueError("Counts and exposure are of one shape and not negative.")
    n = counted.size
    expected, lower, upper = (np.full(n, np.nan) for _ in range(3))
    outside, baselines = np.zeros(n, dtype=np.int8), []
    for period in range(n):
        before = np.arange(max(0, period - reach), period)
        before = before[exposed[before] > 0]
        quiet = before[outside[before] == 0]
        rests_on = (quiet if quiet.size >= LEAST_PERIODS else before)[-span:]
        baselines.append(rests_on)
        if rests_on.size < LEAST_PERIODS or not exposed[period]:
            continue
        limits = chart(counted[rests_on], exposed[rests_on], at=[exposed[period]])
        expected[period] = limits.centre * exposed[period]
        lower[period], upper[period] = (float(limit[0]) * exposed[period] for limit in (limits.lower, limits.upper))
        if counted[period] > upper[period] and counted[period] >= least_count:
            outside[period] = 1
        elif counted[period] < lower[period]:
            outside[period] = -1
    return Judged(expected, lower, upper, outside, baselines)
