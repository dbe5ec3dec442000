"""Signals in words that people use: what the cases share, how many there are, why, and what became of it."""

from datetime import datetime
from typing import Any, Final, Protocol

from django.utils.translation import gettext_noop

from makegood.ground.web.formats import rounded
from makegood.ground.web.language import translated as _
from makegood.prevent.signals.models import SignalEvent, State
from makegood.prevent.slices_in_words import Names, day

STATES: Final = {
    State.NEW: ("accent", "circle-dot", gettext_noop("New")),
    State.WATCHED: ("", "eye", gettext_noop("Watched")),
    State.SNOOZED: ("", "alarm-clock", gettext_noop("Snoozed")),
    State.DISMISSED: ("outline", "circle-slash", gettext_noop("Dismissed")),
    State.DECLARED: ("violet", "siren", gettext_noop("Incident")),
}
"""Of each state the tone, the icon and the word of its badge."""


class Told(Protocol):
    """What a signal, or a row of one, says."""

    @property
    def slice(self) -> Any: ...
    @property
    def since(self) -> datetime: ...
    @property
    def observed(self) -> int: ...
    @property
    def expected(self) -> float: ...
    @property
    def excess_low(self) -> float: ...
    @property
    def excess_high(self) -> float: ...


def heading(signal: Told, names: Names) -> str:
    """A signal in one sentence."""
    values = {"what": names.of_slice(signal.slice), "observed": signal.observed, "since": day(signal.since),
              "expected": rounded(signal.expected)}  # fmt: skip
    return _("%(what)s: %(observed)s cases where %(expected)s were expected since %(since)s") % values


def excess(signal: Told) -> str:
    """How many more than expected, with the interval."""
    values = {"excess": rounded(signal.observed - signal.expected), "low": rounded(signal.excess_low),
              "high": rounded(signal.excess_high)}  # fmt: skip
    return _("%(excess)s (%(low)s to %(high)s)") % values


def why_not(code: str) -> str:
    """Why a neighbouring slice was not chosen."""
    return _(_WHY_NOT.get(code, code))


_WHY_NOT: Final = {
    "broader": gettext_noop("Broader: what is beyond the smaller slice fails as usual."),
    "narrower": gettext_noop("Narrower: leaves out cases of the same pattern."),
    "beside": gettext_noop("Beside it: shares some of its cases, and explains fewer."),
}


def happened(event: SignalEvent, names: Names) -> tuple[str, str]:
    """An event of the history: its icon, and what was done in words."""
    icon, sentence = _HAPPENED[SignalEvent.Kind(event.kind)]
    facts, after = event.facts, event.facts.get("after", {})
    until = after.get("snoozed_until")
    return icon, _(sentence) % {
        "slice": names.of_slice(facts.get("slice", {})), "observed": facts.get("observed", ""),
        "expected": rounded(facts.get("expected", 0.0)),
        "until": day(datetime.fromisoformat(until)) if until else _("its cases double"),
    }  # fmt: skip


_HAPPENED: Final = {
    SignalEvent.Kind.RAISED: (
        "radar", gettext_noop("Found: %(slice)s, %(observed)s cases where %(expected)s were expected.")),
    SignalEvent.Kind.UPDATED: (
        "refresh-cw", gettext_noop("Learned more: %(slice)s, %(observed)s cases where %(expected)s were expected.")),
    SignalEvent.Kind.CLOSED: ("circle-check", gettext_noop("Back to what is usual.")),
    SignalEvent.Kind.WATCHED: ("eye", gettext_noop("watches it")),
    SignalEvent.Kind.SNOOZED: ("alarm-clock", gettext_noop("put it aside until %(until)s")),
    SignalEvent.Kind.WOKEN: ("alarm-clock-check", gettext_noop("Back from snoozing.")),
    SignalEvent.Kind.DISMISSED: ("circle-slash", gettext_noop("dismissed it")),
    SignalEvent.Kind.ACCEPTED: ("circle-slash", gettext_noop("Known and accepted.")),
    SignalEvent.Kind.REOPENED: ("circle-dot", gettext_noop("New again: it is more than what was accepted.")),
    SignalEvent.Kind.ASSIGNED: ("user", gettext_noop("gave it to somebody else")),
    SignalEvent.Kind.DECLARED: ("siren", gettext_noop("declared it an incident")),
    SignalEvent.Kind.UNDONE: ("undo-2", gettext_noop("took that back")),
}  # fmt: skip
