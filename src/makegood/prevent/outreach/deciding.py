"""Why people are left out, and when they may be written to. Pure."""

from collections.abc import Iterable
from datetime import datetime, time
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_lazy as _

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
