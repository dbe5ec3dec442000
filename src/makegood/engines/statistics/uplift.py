"""What a treatment brought, measured against people whom chance left out."""

from math import ceil, inf, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from makegood.engines.statistics.shares import wilson

LEAST_VALUES = 2  # to have a spread
POWER = 0.8  # how surely an effect of the size named should be seen


class Uplift(NamedTuple):
    """A difference between treated and control, treated less control, with its interval."""

    difference: float
    low: float
    high: float
    treated: float
    control: float
    needed_n: int | None  # people of both groups together to see such a difference; None: there is none to see

    @property
    def known(self) -> bool:
        """Whether the interval leaves out "no difference"."""
        return self.low > 0 or self.high < 0


def uplift(treated_hits: int, treated_n: int, control_hits: int, control_n: int, level: float = 0.95) -> Uplift:
    """The difference of two shares with Newcombe's hybrid score interval.

    It holds for small groups and for shares near 0 and 1, where the usual interval does not; a holdout of a tenth is
    such a group. Count people as they were drawn, whether or not the message reached them (intention to treat): only
    then does chance alone make the groups alike. Look once, at the end of the period named beforehand: for looks every
    week use `effect`.

    Parameters
    ----------
    treated_hits, treated_n, control_hits, control_n : int
        0 <= hits <= n, n > 0.
    level : float, default 0.95
        Of the interval. 0 < level < 1.

    Returns
    -------
    Uplift
        Shares and their difference, -1 to 1. `needed_n` is `people_needed` at the shares and the split seen.

    Raises
    ------
    ValueError
        Counts or the level are out of range.

    Examples
    --------
    Newcombe's example (table II a), 56 of 70 against 48 of 80:

    >>> [round(float(value), 4) for value in uplift(56, 70, 48, 80)[:3]]
    [0.2, 0.0524, 0.3339]

    References
    ----------
    Newcombe, R. G. (1998). Interval estimation for the difference between independent proportions: comparison of
    eleven methods. Statistics in Medicine 17(8), method 10.
    """
    z = _z(level)
    low_t, high_t = wilson(treated_hits, treated_n, z=z)
    low_c, high_c = wilson(control_hits, control_n, z=z)
    treated, control = treated_hits / treated_n, control_hits / control_n
    difference = treated - control
    return Uplift(
        difference=difference,
        low=max(-1.0, difference - sqrt((treated - low_t) ** 2 + (high_c - control) ** 2)),
        high=min(1.0, difference + sqrt((high_t - treated) ** 2 + (control - low_c) ** 2)),
        treated=treated,
        control=control,
        needed_n=people_needed(control, treated, control_share=control_n / (treated_n + control_n), level=level),
    )


def uplift_of_means(treated: ArrayLike, control: ArrayLike, level: float = 0.95) -> Uplift:
    """The difference of two means with Welch's interval: money spent, contacts made, points given, one value a person.

    Counts per person need no model of their own here: the spread is taken from the people. For shares use `uplift`,
    which holds for smaller groups. Very skewed values (a few large orders) want some hundred people a group.

    Parameters
    ----------
    treated, control : array-like of float, shapes (n_treated,), (n_control,)
        At least two values each.
    level : float, default 0.95
        Of the interval. 0 < level < 1.

    Returns
    -------
    Uplift
        In the unit of the values.

    Raises
    ------
    ValueError
        Fewer than two values in a group, a value that is not finite, or a level out of range.

    References
    ----------
    Welch, B. L. (1947). The generalization of "Student's" problem when several different population variances are
    involved. Biometrika 34(1/2).
    """
    z = _z(level)
    groups = [np.asarray(values, dtype=np.float64) for values in (treated, control)]
    if any(group.ndim != 1 or group.size < LEAST_VALUES or not np.isfinite(group).all() for group in groups):
        raise ValueError("Each group is at least two finite values, in one dimension.")
    (n_t, n_c), (mean_t, mean_c) = [group.size for group in groups], [float(group.mean()) for group in groups]
    var_t, var_c = (float(group.var(ddof=1)) for group in groups)
    error = sqrt(var_t / n_t + var_c / n_c)
    difference = mean_t - mean_c
    if error == 0:
        return Uplift(difference, difference, difference, mean_t, mean_c, None if difference == 0 else n_t + n_c)
    freedom = error**4 / ((var_t / n_t) ** 2 / (n_t - 1) + (var_c / n_c) ** 2 / (n_c - 1))
    reach = float(special.stdtrit(freedom, 0.5 + level / 2)) * error
    # The error shrinks with the root of both groups: as many times as many people as the wanted error is smaller.
    wanted = abs(difference) / (z + float(special.ndtri(POWER)))
    needed = ceil((n_t + n_c) * (error / wanted) ** 2) if wanted else None
    return Uplift(difference, difference - reach, difference + reach, mean_t, mean_c, needed)


def people_needed(
    usual: float, hoped: float, *, control_share: float = 0.5, level: float = 0.95, power: float = POWER
) -> int | None:
    """How many people of both groups together it takes to see a share move from `usual` to `hoped`.

    Ask before the start, with the smallest change worth having. Asked with what was seen, it says how far away an
    answer is, and is as uncertain as what was seen.

    Parameters
    ----------
    usual, hoped : float
        Shares without and with the treatment, 0 to 1.
    control_share : float, default 0.5
        Of all people, in the control group. 0 < control_share < 1.
    level, power : float
        Of the interval, and how surely it should leave out "no difference".

    Returns
    -------
    int or None
        None where the shares are equal: no number is enough.

    Raises
    ------
    ValueError
        A share, the level or the power is out of range.

    Examples
    --------
    >>> people_needed(0.20, 0.15, control_share=0.1)
    4831

    References
    ----------
    Fleiss, J. L., Levin, B. and Paik, M. C. (2003). Statistical Methods for Rates and Proportions, 3rd ed., section
    4.2, without the correction for continuity; unequal groups: Fleiss, Tytun and Ury (1980), Biometrics 36(2).
    """
    if not (0 <= usual <= 1 and 0 <= hoped <= 1 and 0 < control_share < 1 and 0 < power < 1):
        raise ValueError(f"No such plan: from {usual} to {hoped}, control {control_share}, power {power}.")
    if usual == hoped:
        return None
    treated_share = 1 - control_share
    pooled = control_share * usual + treated_share * hoped
    if_none = sqrt(pooled * (1 - pooled) * (1 / control_share + 1 / treated_share))
    if_hoped = sqrt(usual * (1 - usual) / control_share + hoped * (1 - hoped) / treated_share)
    needed = ((_z(level) * if_none + float(special.ndtri(power)) * if_hoped) / (hoped - usual)) ** 2
    return ceil(needed) if needed < inf else None


def _z(level: float) -> float:
    """The point of a standard normal that leaves half of what `level` leaves out above it."""
    if not 0 < level < 1:
        raise ValueError(f"A level lies between 0 and 1, not at {level}.")
    return float(special.ndtri(0.5 + level / 2))
