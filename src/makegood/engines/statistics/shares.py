"""Shares of a count, with how far chance alone may have moved them."""

from math import sqrt

Z_95 = 1.959963984540054  # the 97.5 % point of a standard normal


def wilson(successes: int, n: int, *, z: float = Z_95) -> tuple[float, float]:
    """Wilson's score interval of a share: holds for few and for shares near 0 and 1, where the usual one does not.

    Parameters
    ----------
    successes, n : int
        0 <= successes <= n, n > 0.
    z : float, default 1.96
        For 95 %.

    Returns
    -------
    tuple of float
        Lower and upper limit, between 0 and 1.

    Raises
    ------
    ValueError
        The counts are out of range.

    Examples
    --------
    >>> [round(limit, 4) for limit in wilson(8, 10)]
    [0.4902, 0.9433]

    References
    ----------
    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference. JASA 22(158).
    """
    if not 0 <= successes <= n or n == 0:
        raise ValueError(f"{successes} of {n}")
    share = successes / n
    centre = share + z * z / (2 * n)
    spread = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale)
