"""Where later rooms join in on a signal without signals knowing them.

Incidents offer to declare one, or lead to the one that was declared:

    extensions.offers.append(lambda signal, user: Offer(label=_("Declare an incident"), href=..., key="d"))
"""

from collections.abc import Callable
from dataclasses import dataclass

from makegood.ground.staff.models import User
from makegood.prevent.signals.models import Signal


@dataclass(frozen=True, kw_only=True)
class Offer:
    """A button on the page of a signal that leads to another room."""

    label: str
    href: str
    icon: str = "siren"
    key: str = ""
    kind: str = ""  # primary: what to do next


# Called with the signal and the reader; None: nothing to offer. One SQL query at most.
offers: list[Callable[[Signal, User], Offer | None]] = []
