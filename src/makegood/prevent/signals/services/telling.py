"""Telling those who judge signals: once of each that is new, once whenever one is back from snoozing."""

from collections.abc import Sequence
from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext_noop

from makegood.ground.messages.notices import Word, notify_many
from makegood.ground.staff.models import User
from makegood.ground.staff.rules import PERMISSIONS
from makegood.ground.web.language import translated as _
from makegood.prevent.signals.models import Signal
from makegood.prevent.signals.words import heading
from makegood.prevent.slices_in_words import Names

_NEW = gettext_noop("New signal %(number)s. %(what)s")
_WOKEN = gettext_noop("Signal %(number)s is back from snoozing. %(what)s")


def judges() -> list[User]:
    """Whoever may judge signals and works here. One SQL query."""
    return list(User.objects.filter(is_active=True, role__in=PERMISSIONS["signals.judge"]).order_by("username"))


def tell_new(signals: Sequence[Signal], *, now: datetime) -> None:
    """Tell them of each signal, once for ever. Three SQL queries and those of mails."""
    _tell(signals, _NEW, "raised", now)


def tell_woken(signals: Sequence[Signal], *, now: datetime) -> None:
    """Tell them, or its owner where it has one, that a signal is back: once each time."""
    _tell(signals, _WOKEN, f"woken:{now.isoformat()}", now)


def _tell(signals: Sequence[Signal], sentence: str, key: str, now: datetime) -> None:
    if not signals:
        return
    people, names = judges(), Names.of(signal.slice for signal in signals)
    notify_many(
        [
            Word(
                to=user, key=f"signal:{signal.pk}:{key}", link=reverse("signals:signal", args=[signal.number]),
                about=f"signal:{signal.pk}",
                text=lambda signal=signal: _(sentence) % {  # type: ignore[misc]
                    "number": f"S-{signal.number}", "what": heading(signal, names)},
            )
            for signal in signals
            for user in people
            if signal.owner_id in (None, user.pk)
        ],
        now=now,
    )  # fmt: skip
