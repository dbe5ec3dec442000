"""How unusual a number of claims is."""

from scipy import special


def as_many_by_chance(claims: int, orders: int, *, usual: float) -> float:
    """The exact probability that a customer like all others has at least so many claims: a binomial tail.

    For one customer against a rate that was measured on many. It assumes that the orders of a customer fail
    independently of each other: where they do not (a bad batch, a bad street) it is too small, so a small value is a
    reason to look, never a proof. For the customers of a whole slice use a chart (`control`).

    Parameters
    ----------
    claims, orders : int
        Of the customer. 0 <= claims. More claims than orders count as one for each order.
    usual : float
        Claims per order of customers with as many orders. 0 <= usual <= 1.

    Returns
    -------
    float
        0 to 1; 1 where there is no claim.

    Raises
    ------
    ValueError
        Negative numbers, or `usual` is no share.

    References
    ----------
    Clopper, C. J. and Pearson, E. S. (1934). The use of confidence or fiducial limits illustrated in the case of the
    binomial. Biometrika 26(4).

    Examples
    --------
    >>> round(as_many_by_chance(4, 6, usual=1 / 18), 6)
    0.000131

    """
    if claims < 0 or orders < 0 or not 0 <= usual <= 1:
        raise ValueError(f"No such customer: {claims} claims, {orders} orders, {usual} usual.")
    claims = min(claims, orders)
    return float(special.bdtrc(claims - 1, orders, usual)) if claims else 1.0
