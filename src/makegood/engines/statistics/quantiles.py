"""Medians and other quantiles with an interval that assumes nothing about the distribution."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import bdtr


class Quantile(NamedTuple):
    """A quantile and its interval, in the unit of the values. The interval is None where n is too small for one."""

    n: int
    value: float
    low: float | None
    high: float | None


def quantile(values: ArrayLike, q: float, *, confidence: float = 0.95) -> Quantile | None:
    """A sample quantile with the interval between two order statistics that holds it with the given confidence.

    How many of n values lie below the true quantile is binomial (n, q), whatever the distribution: so the interval from
    the l-th to the u-th smallest value misses it with a probability that can be counted. Each side gets at most half of
    what may be missed. With few values, or far out (p90 of 20 values), no such pair exists: the interval is None.

    Parameters
    ----------
    values : array-like of shape (n,)
        Finite.
    q : float
        0 < q < 1; 0.5 is the median.
    confidence : float
        At least this often the interval holds the true quantile.

    Returns
    -------
    Quantile or None
        None for no values. The value interpolates linearly between order statistics (Hyndman and Fan's type 7).

    Raises
    ------
    ValueError
        q or confidence is not between 0 and 1, or a value is not finite.

    Examples
    --------
    >>> quantile(range(1, 101), 0.5)
    Quantile(n=100, value=50.5, low=40.0, high=61.0)

    References
    ----------
    Conover, W. J. (1999). Practical Nonparametric Statistics, 3rd ed., section 3.2.
    """
    if not 0 < q < 1 or not 0 < confidence < 1:
        raise ValueError("q and confidence lie between 0 and 1.")
    ordered = np.sort(np.asarray(values, dtype=np.float64).ravel())
    if not np.isfinite(ordered).all():
        raise ValueError("Values must be finite.")
    n = ordered.size
    if n == 0:
        return None
    miss = (1 - confidence) / 2
    below = bdtr(np.arange(n), n, q)  # P(at most k values lie below the quantile), k = 0 .. n - 1
    # P(quantile < l-th smallest) = P(at most l - 1 below); P(quantile > u-th) = 1 - P(at most u - 1 below).
    low = int(np.searchsorted(below, miss, side="right"))
    high = int(np.searchsorted(below, 1 - miss, side="left")) + 1
    value = float(np.quantile(ordered, q))
    if low < 1 or high > n:
        return Quantile(n, value, None, None)
    return Quantile(n, value, float(ordered[low - 1]), float(ordered[high - 1]))
