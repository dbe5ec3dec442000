"""Where later rooms join in on an incident without the incident knowing them.

A room registers once, in the `ready()` of its `AppConfig`:

    extensions.panels.append(extensions.Panel(position=20, part="affected", template="outreach/_panel.html", context=p))
    extensions.numbers.append(extensions.Number(position=50, ask=contacted))
    extensions.told["outreach"] = in_words
    extensions.merging.append(follow_merge)

What a room does to an incident it records with `services.timeline.record` under a kind of its own (`IncidentEvent.Kind`
has outreach and improvement).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, NamedTuple

from makegood.ground.asking import Question
from makegood.ground.staff.models import User
from makegood.prevent.incidents.models import Incident, IncidentEvent

Part = Literal["story", "affected", "cause"]
"""The parts of the page: what happens and who does what; who is affected and told; why, and what is done for it."""


@dataclass(frozen=True, kw_only=True)
class Panel:
    """A panel of the incident page.

    `template` sees what the page sees (`incident`, `now`, `leads`: whether the reader leads incidents) and what
    `context` adds: a mapping, or the question whose answer is one. `context` runs no SQL statement of its own: what
    panels and numbers ask goes to the database together.
    """

    position: int
    part: Part
    template: str
    context: Callable[[Incident, User, datetime], Mapping[str, Any] | Question[Mapping[str, Any]]]


class Figure(NamedTuple):
    """A headline number as its tile shows it. `href` leads to what is behind it (an anchor of the page will do)."""

    label: str
    figure: str
    note: str = ""
    href: str = ""
    tone: str = ""


@dataclass(frozen=True, kw_only=True)
class Number:
    """A headline number. The question answers None where there is nothing to say yet; then there is no tile.

    Observed, expected and excess stand at 10 to 30, affected orders at 40, contacted and recovered at 50 and 60, cost
    at 70.
    """

    position: int
    ask: Callable[[Incident, User, datetime], Question[Figure | None]]


panels: list[Panel] = []
numbers: list[Number] = []

# How events of a kind that a later room records sound: their icon, and what was done in words.
told: dict[str, Callable[[IncidentEvent], tuple[str, str]]] = {}

# Called with the locked duplicate, the locked survivor, who merges and when: what hangs on it moves to the survivor.
# Within its transaction.
merging: list[Callable[[Incident, Incident, User | None, datetime], None]] = []
# The same, after a merge was taken back: what had moved returns.
parting: list[Callable[[Incident, Incident, User | None, datetime], None]] = []
# Called with the locked incident after it was resolved or reopened (`incident.state` says which). Within its
# transaction.
ending: list[Callable[[Incident, User | None, datetime], None]] = []
# Sections that other rooms add to the systemic summary, as Markdown; empty: nothing to say.
summaries: list[Callable[[Incident, User], str]] = []
