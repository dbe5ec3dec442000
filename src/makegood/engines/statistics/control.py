"""Limits that separate noise from change: u-charts for counts per exposure, p-charts for shares."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtr

SIGMAS = 3.0
BEYOND_THREE_SIGMA = 0.00135  # of a normal distribution, one side
MOVING_RANGE_TO_SIGMA = 1.128  # d2 for two values: the mean of |z1 - z2| of standard normals


class Limits(NamedTuple):
    """What to expect of further periods, as rates."""

    centre: float
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    dispersion: float  # 1: as noisy as chance alone; 2: limits twice as wide


def u_limits(counts: ArrayLike, exposure: ArrayLike, *, at: ArrayLike) -> Limits:
    """Limits of a u-chart (counts per unit of exposure), widened where the past was noisier than Poisson.

    The centre is the pooled rate of the baseline. Limits of a period with exposure n are
    centre +- 3 s sqrt(centre / n), never below 0. s is Laney's sigma-z from the moving range of the standardised
    baseline, but at least 1: a baseline of few periods must not narrow the limits by luck.

    For a share of n that cannot exceed 1 use `p_limits`.

    Parameters
    ----------
    counts, exposure : array-like of shape (n_baseline,)
        The baseline. Periods without exposure are left out. Non-negative.
    at : array-like of shape (n_periods,)
        Exposure of the periods to judge. A period with exposure 0 has the limits 0 and infinity.

    Returns
    -------
    Limits
        Lower and upper limit of shape (n_periods,), as rates.

    Raises
    ------
    ValueError
        Shapes differ, a value is negative or not finite, or the baseline has no exposure.

    Examples
    --------
    >>> u_limits([10, 10, 10], [100, 100, 100], at=[90]).upper.round(3)
    array([0.2])

    References
    ----------
    Montgomery, D. C. (2019). Introduction to Statistical Quality Control, 8th ed., section 7.3.
    Laney, D. B. (2002). Improved control charts for attributes. Quality Engineering 14(4).
    """
    counted, exposed, judged = _baseline(counts, exposure, at)
    centre = float(counted.sum() / exposed.sum())
    return _limits(counted, exposed, judged, centre, variance=centre, highest=np.inf)


def p_limits(failed: ArrayLike, sizes: ArrayLike, *, at: ArrayLike) -> Limits:
    """Limits of a p-chart (share that failed), widened where the past was noisier than binomial (Laney's p').

    As `u_limits`, with the variance p (1 - p) / n and no limit above 1.

    Parameters
    ----------
    failed, sizes : array-like of shape (n_baseline,)
        The baseline; failed <= sizes.
    at : array-like of shape (n_periods,)
        Sizes of the periods to judge.

    Raises
    ------
    ValueError
        As `u_limits`; or more failed than there were.

    References
    ----------
    Montgomery, D. C. (2019). Introduction to Statistical Quality Control, 8th ed., section 7.2.
    Laney, D. B. (2002). Improved control charts for attributes. Quality Engineering 14(4).
    """
    counted, exposed, judged = _baseline(failed, sizes, at)
    if (counted > exposed).any():
        raise ValueError("More failed than there were.")
    centre = float(counted.sum() / exposed.sum())
    return _limits(counted, exposed, judged, centre, variance=centre * (1 - centre), highest=1.0)


def binomial_limit(sizes: ArrayLike, rates: ArrayLike, *, tail: float = BEYOND_THREE_SIGMA) -> NDArray[np.int64]:
    """The largest number of failures that chance still explains: P(more than this) <= tail, exactly.

    For small slices, where three sigma of a normal distribution is passed by chance far more often than it promises.

    Parameters
    ----------
    sizes : array-like of int, shape (n,)
        Non-negative.
    rates : array-like of float, shape (n,)
        Expected share, 0 to 1.
    tail : float
        Accepted chance of a false alarm per slice.

    Returns
    -------
    ndarray of shape (n,), int64
        Between 0 and sizes.

    Raises
    ------
    ValueError
        Shapes differ, a size is negative, or a rate is outside 0 to 1.
    """
    n, p = np.atleast_1d(np.asarray(sizes, dtype=np.int64)), np.atleast_1d(np.asarray(rates, dtype=np.float64))
    if n.shape != p.shape or (n < 0).any() or not ((p >= 0) & (p <= 1)).all():
        raise ValueError("Sizes from 0 and rates between 0 and 1, one rate per size.")
    # Bisection on the exact distribution: `low` is always too small or right, `high` always enough.
    low, high = np.zeros_like(n), n.copy()
    while (low < high).any():
        middle = (low + high) // 2
        enough = 1 - bdtr(middle, n, p) <= tail
        low, high = np.where(enough, low, middle + 1), np.where(enough, middle, high)
        low = np.minimum(low, high)
    return high


def _baseline(
    counts: ArrayLike, exposure: ArrayLike, at: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    counted, exposed = (np.atleast_1d(np.asarray(values, dtype=np.float64)) for values in (counts, exposure))
    judged = np.atleast_1d(np.asarray(at, dtype=np.float64))
    if counted.shape != exposed.shape:
        raise ValueError(f"Counts and exposure differ in shape: {counted.shape} and {exposed.shape}.")
    for values in (counted, exposed, judged):
        if not np.isfinite(values).all() or (values < 0).any():
            raise ValueError("Counts and exposure are finite and not negative.")
    used = exposed > 0
    if not used.any():
        raise ValueError("The baseline has no exposure.")
    return counted[used], exposed[used], judged


def _limits(
    counted: NDArray[np.float64], exposed: NDArray[np.float64], judged: NDArray[np.float64],
    centre: float, *, variance: float, highest: float,
) -> Limits:  # fmt: skip
    dispersion = 1.0
    if variance > 0 and counted.size > 1:
        z = (counted / exposed - centre) / np.sqrt(variance / exposed)
        dispersion = max(1.0, float(np.abs(np.diff(z)).mean() / MOVING_RANGE_TO_SIGMA))
    width = np.full(judged.shape, np.inf)
    seen = judged > 0
    width[seen] = SIGMAS * dispersion * np.sqrt(variance / judged[seen])
    return Limits(centre, np.maximum(0.0, centre - width), np.minimum(highest, centre + width), dispersion)
