"""Signals in words that people use: what the cases share, how many there are, why, and what became of it."""

import json
import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final, Protocol

from django.db import connection
from django.utils.translation import gettext_noop

from makegood.ground.web.formats import MONTHS
from makegood.ground.web.language import translated as _
from makegood.ids import read_uuid
from makegood.prevent.signals.models import SignalEvent, State
from makegood.prevent.slices import DIMENSIONS, Slice

STATES: Final = {
    State.NEW: ("accent", "circle-dot", gettext_noop("New")),
    State.WATCHED: ("", "eye", gettext_noop("Watched")),
    State.SNOOZED: ("", "alarm-clock", gettext_noop("Snoozed")),
    State.DISMISSED: ("outline", "circle-slash", gettext_noop("Dismissed")),
    State.DECLARED: ("violet", "siren", gettext_noop("Incident")),
}
"""Of each state the tone, the icon and the word of its badge."""

_PHRASES: Final = {
    "product": gettext_noop("of %s"), "batch": gettext_noop("batch %s"), "category": gettext_noop("in %s"),
    "manufacturer": gettext_noop("made by %s"), "seller": gettext_noop("sold by %s"), "carrier": gettext_noop("by %s"),
    "warehouse": gettext_noop("from %s"), "from_state": gettext_noop("from %s"), "to_state": gettext_noop("to %s"),
    "store": gettext_noop("at %s"), "district": gettext_noop("in the district %s"), "channel": gettext_noop("(%s)"),
    "how": gettext_noop("on %s"),
}  # fmt: skip


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


class Names:
    """The names of what slices name by identifier."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names

    @classmethod
    def of(cls, slices: Iterable[Slice]) -> "Names":
        """Of all that some slices name. One SQL query; none, where nothing is named."""
        wanted = {value for one in slices for name, value in one.items() if DIMENSIONS[name].of}
        if not wanted:
            return cls({})
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {NAMES_OF}", {"values": sorted(wanted), "ids": _ids(wanted)})
            return cls(json.loads(cursor.fetchone()[0] or "{}"))

    def value(self, dimension: str, value: str) -> str:
        """A value of a dimension as people call it."""
        return self._names.get(value, value) if DIMENSIONS[dimension].of else value

    def of_slice(self, slice_: Slice) -> str:
        """What the cases of a slice share: "Parcel not received by Marlbeck Parcels from Swindon to North West"."""
        reason = self.value("reason", slice_["reason"]) if "reason" in slice_ else _("Cases")
        rest = [_(phrase) % self.value(name, slice_[name]) for name, phrase in _PHRASES.items() if name in slice_]
        return " ".join([reason, *rest])


def _ids(values: Iterable[str]) -> list[uuid.UUID]:
    return [found for found in map(read_uuid, values) if found]


NAMES_OF: Final = """(
    SELECT json_object_agg(told.key, told.name)::text FROM (
        SELECT id::text AS key, name FROM retail_vendor WHERE id = ANY(%(ids)s::uuid[])
        UNION ALL SELECT id::text, name FROM retail_place WHERE id = ANY(%(ids)s::uuid[])
        UNION ALL SELECT id::text, name FROM retail_product WHERE id = ANY(%(ids)s::uuid[])
        UNION ALL SELECT code, name FROM cases_reason WHERE code = ANY(%(values)s::text[])
    ) AS told WHERE told.name <> '')"""


def heading(signal: Told, names: Names) -> str:
    """A signal in one sentence."""
    values = {"what": names.of_slice(signal.slice), "observed": signal.observed, "since": day(signal.since),
              "expected": number(signal.expected)}  # fmt: skip
    return _("%(what)s: %(observed)s cases where %(expected)s were expected since %(since)s") % values


def excess(signal: Told) -> str:
    """How many more than expected, with the interval."""
    values = {"excess": number(signal.observed - signal.expected), "low": number(signal.excess_low),
              "high": number(signal.excess_high)}  # fmt: skip
    return _("%(excess)s (%(low)s to %(high)s)") % values


def number(value: float) -> str:
    """As exact as it helps: 9.2, 120."""
    return f"{value:.1f}" if abs(value) < 100 else f"{value:,.0f}"  # noqa: PLR2004  beyond, a tenth says nothing


def day(moment: datetime) -> str:
    """A day, with its year."""
    return f"{moment.day} {MONTHS[moment.month - 1]} {moment.year}"


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
        "expected": number(facts.get("expected", 0.0)),
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
