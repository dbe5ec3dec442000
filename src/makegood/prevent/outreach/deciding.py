"""Which segment a person belongs to, what is offered, and when they may be written to. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime, time
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_lazy as _

from makegood.prevent.outreach.models import Remedy, Segment

# Why people are left out, for people. The order is that in which they are looked for (services.drawing).
WHY: Final = {
    "no_address": _("no e-mail address"),
    "opted_out": _("wants no such messages"),
    "other_outreach": _("is part of another outreach of this incident"),
    "dispute": _("disputes the payment with their bank"),
    "solved": _("was put right already"),
    "no_segment": _("fits no segment"),
    "currency": _("paid in another currency"),
    "ended": _("the outreach ended before their turn"),
}
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


def is_quiet(now: datetime, zone: str, hours: tuple[time, time] | None) -> bool:
    """Whether people in a zone are not to be disturbed now. `hours` may run over midnight; None: never."""
    if hours is None:
        return False
    begins, ends = hours
    local = now.astimezone(_zone(zone)).time()
    return begins <= local < ends if begins <= ends else local >= begins or local < ends


def awake(zones: Iterable[str], now: datetime, hours: tuple[time, time] | None) -> list[str]:
    """The zones in which people may be written to now."""
    return [zone for zone in zones if not is_quiet(now, zone, hours)]


@lru_cache(maxsize=512)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
