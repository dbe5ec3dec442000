"""Which segment a person belongs to and what is offered, one person after the other: what the drawing does in SQL."""

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Final, NamedTuple

from makegood.prevent.outreach.models import Remedy, Segment

CENT: Final = Decimal("0.01")


class Affected(NamedTuple):
    """What is known of one affected person when it is decided about them."""

    value: Decimal
    currency: str  # empty: several
    tier: str = ""
    channel: str = ""
    language: str = ""
    wrote: bool = False


def fits(who: dict[str, Any], person: Affected) -> bool:
    """Whether a segment's filter lets somebody in; what it leaves out lets everybody in."""
    return (
        (not who.get("tiers") or person.tier.lower() in [tier.lower() for tier in who["tiers"]])
        and (not who.get("channels") or person.channel in who["channels"])
        and (not who.get("languages") or person.language in who["languages"])
        and (not who.get("wrote") or person.wrote is (who["wrote"] == "wrote"))
        and (not who.get("value_from") or person.value >= Decimal(who["value_from"]))
        and (not who.get("value_below") or person.value < Decimal(who["value_below"]))
    )


def segment_for(segments: Sequence[Segment], person: Affected) -> Segment | None:
    """The first segment that fits."""
    return next((segment for segment in segments if fits(segment.who, person)), None)


def offered(segment: Segment, value: Decimal) -> Decimal:
    """What a segment offers to somebody whom it hit for `value`: what it costs should they accept.

    Never more than its cap, and as a refund never more than what it hit.
    """
    if segment.remedy == Remedy.NONE:
        return Decimal(0)
    if segment.remedy == Remedy.REPLACEMENT:
        return value
    amount = Decimal(segment.amount or 0)
    if segment.percent is not None:
        amount = (value * segment.percent / 100).quantize(CENT, ROUND_HALF_UP)
        if segment.cap is not None:
            amount = min(amount, segment.cap)
    return min(amount, value) if segment.remedy == Remedy.REFUND else amount
