"""What avoided cases are worth."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from django.conf import settings

from makegood.ground.web.formats import money


class Worth(NamedTuple):
    """Cases avoided, and in money where a price per case is set; each from, to."""

    cases: float
    low: float | None
    high: float | None
    money: str
    money_low: str
    money_high: str


def worth(avoided: Sequence[float | None]) -> Worth:
    """Of an estimate with its interval (None: without limit)."""
    value, low, high = avoided
    return Worth(value or 0.0, low, high, *(_price(cases) for cases in (value or 0.0, low, high)))


def _price(cases: float | None) -> str:
    price = settings.MAKEGOOD_COST_PER_CASE
    return "" if price is None or cases is None else money(round(Decimal(cases)) * price[0], price[1])
