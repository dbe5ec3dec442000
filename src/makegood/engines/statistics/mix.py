"""The same things in another mix: what a period would have shown with the purchases of another."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

ROUNDS: Final = 20
FARTHEST: Final = 5.0  # a combination that grew by more is more likely badly known
ENOUGH: Final = 20.0  # exposures from which on a value's own change of volume counts more than that of all


@dataclass(frozen=True)
class Mix:
    """How much each value of each attribute grew, as factors: `level` times their product is the growth of a leaf.

    Attributes
    ----------
    growth : float
        Of all together: exposures after over exposures before.
    level : float
        What the factors are on top of.
    factors : dict
        For each attribute the factor of each value, 1 on average; a value that is not named has 1.
    """

    growth: float
    level: float
    factors: Mapping[str, Mapping[Any, float]]

    def weights(self, attributes: Mapping[str, ArrayLike]) -> NDArray[np.float64]:
        """How many of today's stand for one of before, for each row: the growth of all where the mix knows nothing, and
        never more than `FARTHEST` times further from it than that.
        """
        rows = len(np.asarray(next(iter(attributes.values())))) if attributes else 0
        weights = np.full(rows, self.level)
        for name, column in attributes.items():
            if known := self.factors.get(name):
                values, codes = np.unique(np.asarray(column), return_inverse=True)
                weights *= np.array([known.get(value, 1.0) for value in values.tolist()])[codes]
        believed: NDArray[np.float64] = np.clip(weights, self.growth / FARTHEST, self.growth * FARTHEST)
        return believed


def mix_of(before: ArrayLike, after: ArrayLike, attributes: Mapping[str, ArrayLike]) -> Mix:
    """Weigh the exposures of one period so that every attribute's values are as frequent as in another (raking).

    Failures of the first period, each counted with the weight of its row, are then what the second one was to expect if
    nothing but its mix of purchases had changed; what is special to a combination of values stays as it was counted.

    Parameters
    ----------
    before, after : array-like of shape (n_leaves,)
        Exposures of each combination of values in the two periods. Not negative; some before.
    attributes : mapping of str to array-like of shape (n_leaves,)

    Returns
    -------
    Mix
        A value with few exposures is drawn towards the growth of all: with `ENOUGH` exposures half way.

    Raises
    ------
    ValueError
        Nothing was exposed before, or a number is negative.

    Examples
    --------
    >>> mix = mix_of([100, 100], [300, 100], {"carrier": ["A", "B"]})
    >>> [round(float(weight), 1) for weight in mix.weights({"carrier": ["A", "B"]})]
    [2.8, 1.1]

    References
    ----------
    Deming, W. E. and Stephan, F. F. (1940). On a least squares adjustment of a sampled frequency table when the
    expected marginal totals are known. Annals of Mathematical Statistics 11(4).
    """
    first, second = (np.asarray(column, dtype=np.float64) for column in (before, after))
    if not first.sum() > 0 or (first < 0).any() or (second < 0).any():
        raise ValueError("Exposures are not negative, and there are some before.")
    growth = float(second.sum() / first.sum())
    coded = {}
    for name, column in attributes.items():
        values, codes = np.unique(np.asarray(column), return_inverse=True)
        was, wanted = np.bincount(codes, first), np.bincount(codes, second)
        drawn = (wanted + ENOUGH * growth) / (was + ENOUGH) * was
        coded[name] = values.tolist(), codes, drawn * (second.sum() / max(drawn.sum(), 1e-300))
    factors = {name: np.ones(len(values)) for name, (values, _codes, _wanted) in coded.items()}
    weighed = first * growth
    for _ in range(ROUNDS if growth else 0):
        for name, (_values, codes, wanted) in coded.items():
            now = np.bincount(codes, weighed)
            step = np.divide(wanted, now, out=np.ones_like(now), where=now > 0)
            factors[name] *= step
            weighed *= step[codes]
    product = np.ones_like(first)
    for name, (_values, codes, _wanted) in coded.items():
        # Only the product of all factors is known; each with a mean of 1, so that a value nobody knows has that.
        factors[name] /= np.average(factors[name][codes], weights=first)
        product *= factors[name][codes]
    level = float(second.sum() / (first * product).sum())
    told = {name: dict(zip(coded[name][0], column.tolist(), strict=True)) for name, column in factors.items()}
    return Mix(growth, level, told)
