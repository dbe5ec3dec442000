"""Where later rooms join in on a case without the case knowing them.

A room registers once, in the `ready()` of its `AppConfig`:

    extensions.panels.append(extensions.Panel(position=10, template="commitments/_panel.html", context=panel))
    extensions.said.append(find_promises)
    extensions.before_reply.append(contradictions)
    extensions.told["commitment"] = in_words
    extensions.news["commitment"] = broken_promises
    extensions.actions["promise"] = PROMISE

All of these run within the request (or job) that shows or writes; what may take long is enqueued on commit instead.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from makegood.ground.asking import Question
from makegood.ground.staff.models import User
from makegood.recover.cases.models import Case, CaseEvent
from makegood.recover.cases.queries.case import CaseDetail, Moment


@dataclass(frozen=True, kw_only=True)
class Panel:
    """A part of the right column of the case page.

    `template` sees everything the page sees and what `context` adds: a mapping, or the question whose answer is one.
    `context` runs no SQL statement of its own: what panels ask goes to the database together, with all that the page
    asks of this case. Panels stand in the order of `position`; the case's own parts follow them.
    """

    position: int
    template: str
    context: Callable[[CaseDetail, User, datetime], Mapping[str, Any] | Question[Mapping[str, Any]]]


panels: list[Panel] = []


@dataclass(frozen=True, kw_only=True)
class Said:
    """What somebody said, of many things said at once."""

    case: Case
    event: CaseEvent
    words: str
    ours: str = ""  # what we said in it, where both sides spoke: a chat


# Called with the locked case, the event just recorded and the words, whenever somebody said something: a contact of
# either direction or a note. Within its transaction: what is raised undoes the contact too.
said: list[Callable[[Case, CaseEvent, str], None]] = []
# The same for what was said to many cases at once (an import, a replay): as few statements for all as for one.
said_at_once: list[Callable[[Sequence[Said]], None]] = []

# Called with the case, the words and the time before a reply leaves. Each sentence returned is shown to the writer, who
# may send all the same. Writes nothing.
before_reply: list[Callable[[CaseDetail, str, datetime], list[str]]] = []

# Called with the locked duplicate, the locked survivor, who merges and when, before the duplicate is resolved: what
# hangs on it (promises) moves to the survivor. Within its transaction.
merging: list[Callable[[Case, Case, User | None, datetime], None]] = []
# The same, after a merge was taken back and the duplicate is open again: what had moved returns.
parting: list[Callable[[Case, Case, User | None, datetime], None]] = []


# How events of a kind that a later room records sound: their icon, and what was done in words.
told: dict[str, Callable[[Moment], tuple[str, str]]] = {}


class Elsewhere(NamedTuple):
    """What was done, in words that its name follows; its name, and where it is."""

    does: str
    name: str
    href: str


# How an event of kind `linked` sounds that tells of something of a later room, by the name of the fact that says which.
linked: dict[str, Callable[[Moment], Elsewhere]] = {}


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One thing that an action of a macro has to know. Without `choices` it is typed."""

    name: str
    label: Any
    choices: Callable[[], Sequence[tuple[str, Any]]] | None = None
    required: bool = True
    hint: Any = ""


class Doing(NamedTuple):
    """On which case an action is done, by whom and when. `fill` gives a text the case's own words."""

    case_id: uuid.UUID
    by: User
    now: datetime
    fill: Callable[[str], str]


@dataclass(frozen=True, kw_only=True)
class Action:
    """What a macro can do to a case besides its words.

    `says` tells in words what it will do, with the labels of what was chosen in place of values; `do` does it, within
    the transaction of the words, and raises what the service that it calls raises.
    """

    label: Any
    icon: str
    asked: tuple[Asked, ...]
    says: Callable[[Mapping[str, str]], str]
    do: Callable[[Doing, Mapping[str, str]], object]
    # Of others the later one counts, where two macros are taken together.
    several: bool = False
    is_end: bool = False  # nothing can be done after it


# What macros can do that a later room knows how to.
actions: dict[str, Action] = {}

# What those who watch a case are told of an event of a kind that a later room records; empty: nothing.
news: dict[str, Callable[[Case, CaseEvent], str]] = {}


def panels_of(case: CaseDetail, user: User, now: datetime) -> tuple[dict[str, Any], list[Question[Mapping[str, Any]]]]:
    """What the right column shows beside the case's own parts: the templates in order and what they need, and the
    questions whose answers they need, too.
    """
    shown: dict[str, Any] = {"panels": []}
    asked = []
    for panel in sorted(panels, key=lambda panel: panel.position):
        shown["panels"].append(panel.template)
        context = panel.context(case, user, now)
        if isinstance(context, Question):
            asked.append(context)
        else:
            shown |= context
    return shown, asked


def tell(case: Case, event: CaseEvent, words: str) -> None:
    """Tell every room that listens what was said."""
    for listen in said:
        listen(case, event, words)


def tell_at_once(many: Sequence[Said]) -> None:
    """Tell every room that listens what was said to many cases."""
    if many:
        for listen in said_at_once:
            listen(many)
