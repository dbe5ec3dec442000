"""Two indicators about a person, each with the facts that made it so. A reason to look, never an accusation.

Pure: facts in, a level and sentences out. Every weight and bound says why it is what it is;
`docs/explanation/indicators.md` says it at length.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Final

import msgspec
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from makegood.engines.language import find_distress
from makegood.engines.statistics.claims import as_many_by_chance


class Level(StrEnum):
    LOW = "low"
    RAISED = "raised"
    HIGH = "high"


LEVELS: Final = {
    Level.LOW: gettext_lazy("Low"),
    Level.RAISED: gettext_lazy("Raised"),
    Level.HIGH: gettext_lazy("High"),
}


@dataclass(frozen=True)
class Indicator:
    """A level and the facts that made it so, the weightiest first."""

    level: Level
    facts: tuple[str, ...]


# -- chargeback


# Weights are in points: 30 (raised) is one strong sign or two weak ones, 60 (high) two strong ones. They order what
# card schemes name as the causes of disputes (no answer, no refund, goods not received) behind what the customer says
# and has done; they are not fitted to data, because most retailers have too few chargebacks to fit eight numbers to.
RAISED_FROM: Final = 30
HIGH_FROM: Final = 60
SPEAKS_OF_IT: Final = 40  # says outright that they will, or that they ask their bank
CHEATED: Final = 20  # "scam", "golpe": the reason code of half of all disputes begins with this feeling
DID_BEFORE: Final = 30  # has reversed a payment with us
UNANSWERED: Final = 15  # a customer who gets no answer asks the bank, who answers
MUCH_AT_STAKE: Final = 15
FAILED_BEFORE: Final = 10
NO_REFUND: Final = 15  # "credit not processed" is a reason code of its own at all card schemes
# The share of a year's purchases from which one case is much for a customer, and the least that makes a dispute worth
# the trouble (the fee that banks charge for one is 15 to 25).
MUCH: Final = Decimal("0.5")
LEAST: Final = Decimal(25)
UNANSWERED_AFTER: Final = timedelta(days=3)
# Beyond what the phrasebooks call a chargeback: whoever names their bank or card issuer while complaining.
_BANK: Final = re.compile(
    r"\b(?:my|the|our) (?:bank|card (?:issuer|company|provider)|credit card)\b|\bpaypal\b"
    r"|\b(?:meu|o|no) banco\b|\boperadora do (?:meu )?cart[aã]o\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class Risk:
    """What is known when the risk of a chargeback is judged."""

    said: Sequence[str] = ()
    value: Decimal | None = None  # at stake in the case
    spent: Decimal = Decimal(0)  # in the year
    unanswered_since: datetime | None = None
    chargebacks: int = 0
    failures: int = 0  # in the year, this one counted
    refund_missing: bool = False


def chargeback_risk(risk: Risk, *, now: datetime) -> Indicator:
    """How likely it is that this customer has their bank reverse the payment, and why."""
    found = sorted(_signs(risk, now), key=lambda sign: -sign[0])
    points = sum(weight for weight, _fact in found)
    level = Level.HIGH if points >= HIGH_FROM else Level.RAISED if points >= RAISED_FROM else Level.LOW
    return Indicator(level, tuple(fact for _weight, fact in found))


def _signs(risk: Risk, now: datetime) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    words = {kind: word for text in reversed(risk.said) for kind, word in find_distress(text)}
    bank = next((match[0] for text in risk.said if (match := _BANK.search(text))), "")
    if speaks := words.get("chargeback") or bank:
        found.append((SPEAKS_OF_IT, _("Wrote “%(words)s”.") % {"words": speaks}))
    if cheated := words.get("fraud"):
        found.append((CHEATED, _("Wrote “%(words)s”.") % {"words": cheated}))
    if risk.chargebacks:
        found.append((DID_BEFORE, ngettext(
            "%(n)s chargeback in 12 months.", "%(n)s chargebacks in 12 months.", risk.chargebacks
        ) % {"n": risk.chargebacks}))  # fmt: skip
    if risk.value is not None and risk.value >= LEAST and risk.value >= risk.spent * MUCH:
        share = min(100, round(100 * risk.value / risk.spent)) if risk.spent else 100
        found.append((MUCH_AT_STAKE, _("%(share)s%% of what they bought in 12 months is at stake.") % {"share": share}))
    if risk.unanswered_since and now - risk.unanswered_since >= UNANSWERED_AFTER:
        days = (now - risk.unanswered_since).days
        found.append((UNANSWERED, _("Has waited %(days)s days for an answer.") % {"days": days}))
    if risk.refund_missing:
        found.append((NO_REFUND, _("Waits for a refund.")))
    if risk.failures > 1:
        found.append((FAILED_BEFORE, _("%(n)s failures in 12 months.") % {"n": risk.failures}))
    return found


# -- repeated claims


# Reasons that rest on the word of the customer. What the retailer's own records show (late, overdue, cancelled) is no
# claim and counts neither for a customer nor in what is usual.
CLAIMS: Final = frozenset({
    "delivery.not_received", "delivery.partial", "delivery.wrong_item", "product", "product.damaged", "product.faulty",
    "product.not_as_described", "product.quality", "payment.refund", "return", "return.handling",
})  # fmt: skip
# One honest customer in a hundred, and in a thousand, looks so by chance. Fewer than three claims say nothing.
RARE: Final = 0.01
VERY_RARE: Final = 0.001
FEWEST: Final = 3
A_MILLION: Final = 1_000_000  # nobody knows the rate well enough to say more
# Where fewer orders than that were counted, the rate of all customers is used.
ENOUGH_ORDERS: Final = 200
# Customers are compared with those who order about as often.
BANDS: Final = (1, 2, 3, 6, 11)


class Band(msgspec.Struct, frozen=True):
    """Orders and claims in a year of all customers with at least `orders_from` orders, up to the next band."""

    orders_from: int
    orders: int
    claims: int


class Usual(msgspec.Struct, frozen=True):
    """What is usual at this retailer."""

    valued_from: Decimal | None
    claims: list[Band]

    def rate(self, orders: int) -> float | None:
        """Claims per order of customers with as many orders; None where too little is known."""
        band = max((band for band in self.claims if band.orders_from <= orders), key=lambda it: it.orders_from,
                   default=None)  # fmt: skip
        for known in (band, Band(0, sum(it.orders for it in self.claims), sum(it.claims for it in self.claims))):
            if known and known.orders >= ENOUGH_ORDERS:
                return (known.claims + 0.5) / (known.orders + 1)  # never quite nought: nobody knows that
        return None


def repeat_claims(
    *, claims: int, orders: int, claimed: Decimal, spent: Decimal, usual: Usual | None
) -> Indicator | None:
    """Whether a person claims more often than is usual; None where nothing is known to compare with."""
    rate = usual.rate(orders) if usual and orders else None
    if rate is None:
        return None
    chance = as_many_by_chance(claims, orders, usual=rate)
    level = Level.LOW
    if claims >= FEWEST and chance <= RARE:
        level = Level.HIGH if chance <= VERY_RARE else Level.RAISED
    counted = _("%(claims)s in %(orders)s; usual is 1 in %(usual)s.") % {
        "claims": ngettext("%(n)s claim", "%(n)s claims", claims) % {"n": claims},
        "orders": ngettext("%(n)s order", "%(n)s orders", orders) % {"n": orders},
        "usual": max(1, round(1 / rate)),
    }
    facts = [counted]
    if spent and claimed:
        facts.append(_("%(share)s%% of what they bought in 12 months was claimed.") % {
            "share": min(100, round(100 * claimed / spent))})  # fmt: skip
    if level is not Level.LOW:
        one_in = max(1, round(1 / max(chance, 1 / A_MILLION)))
        facts.append(_("By chance alone 1 customer in %(many)s has as many. Look before you judge.") % {
            "many": f"{one_in:,}" if one_in < A_MILLION else _("a million")})  # fmt: skip
    return Indicator(level, tuple(facts))
