"""Where later rooms join in on a case without the case knowing them.

A room registers once, in the `ready()` of its `AppConfig`:

    extensions.panels.append(extensions.Panel(position=10, template="commitments/_panel.html", context=panel))
    extensions.said.append(find_promises)
    extensions.before_reply.append(contradictions)
    extensions.told["commitment"] = in_words

All of these run within the request (or job) that shows or writes; what may take long is enqueued on commit instead.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

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

# Called with the locked case, the event just recorded and the words, whenever somebody said something: a contact of
# either direction or a note. Within its transaction: what is raised undoes the contact too.
said: list[Callable[[Case, CaseEvent, str], None]] = []

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
