"""The part of the case page that promises have, and how they sound on the timeline."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.utils.translation import gettext_noop

from makegood.ground.asking import Question
from makegood.ground.staff.models import User
from makegood.ground.staff.scope import visible_places
from makegood.ground.web.formats import day_time
from makegood.ground.web.language import translated as _
from makegood.recover.cases.models import Case, CaseEvent
from makegood.recover.cases.queries.case import CaseDetail, Moment
from makegood.recover.commitments.models import Kind, State, To
from makegood.recover.commitments.nouns import NOUNS
from makegood.recover.commitments.queries.case import promised_on

ICONS: Final = {
    "call": "phone", "answer": "message-circle", "refund": "banknote", "replacement": "package-plus",
    "repair": "wrench",
    "credit": "ticket", "delivery": "truck", "other": "handshake",
}  # fmt: skip
STATES: Final = {
    "open": ("accent", "circle-dot"), "kept": ("green", "circle-check"), "kept_late": ("amber", "circle-check"),
    "broken": ("red", "circle-x"), "released": ("", "undo-2"), "superseded": ("", "corner-up-right"),
}  # fmt: skip


def shown(case: CaseDetail, user: User, now: datetime) -> Question[Mapping[str, Any]]:  # noqa: ARG001  as every panel
    """What `_panel.html` needs."""
    asked = promised_on(case.id, customer_id=case.customer_id, places=visible_places(user))
    return asked.then(lambda promised: {"promised": promised, **WORDS})


WORDS: Final[Mapping[str, Any]] = {
    "promise_icons": ICONS,
    "promise_states": STATES,
    "promise_state_words": dict(State.choices),
    "promise_kinds": dict(Kind.choices),
    "promise_whom": dict(To.choices),
}


def told(moment: Moment) -> tuple[str, str]:
    """An event of the kind `commitment`: its icon, and what was done in words."""
    facts = moment.facts
    did = facts.get("did", "")
    sentence = MADE.get(facts.get("to", ""), MADE["customer"]) if did == "made" else DID.get(did, did)
    said = {
        "what": NOUNS.get(facts.get("kind", ""), NOUNS["other"]),
        "at": _time(facts.get("due_at")),
        "was": _time(facts.get("was_due_at")),
        "owner": facts.get("owner", ""),
        "number": f"P-{facts.get('number')}",
        "other": facts.get("other", ""),
    }
    return DID_ICONS.get(did, "handshake"), _(sentence) % said


MADE: Final = {
    "customer": gettext_noop("promised %(what)s by %(at)s (%(number)s)"),
    "colleague": gettext_noop("promised a colleague %(what)s by %(at)s (%(number)s)"),
    "partner": gettext_noop("noted that a partner promised %(what)s by %(at)s (%(number)s)"),
}
DID: Final = {
    "superseded": gettext_noop("promised %(what)s by %(at)s instead of %(was)s (%(number)s)"),
    "kept": gettext_noop("kept the promise of %(what)s (%(number)s)"),
    "kept_late": gettext_noop("kept the promise of %(what)s, but late (%(number)s)"),
    "broken": gettext_noop("could not keep the promise of %(what)s by %(at)s (%(number)s)"),
    "released": gettext_noop("was let off the promise of %(what)s (%(number)s)"),
    "moved": gettext_noop("gave the promise of %(what)s by %(at)s to %(owner)s (%(number)s)"),
    "left": gettext_noop("moved the promise of %(what)s by %(at)s to C-%(other)s (%(number)s)"),
    "came": gettext_noop("brought the promise of %(what)s by %(at)s from C-%(other)s (%(number)s)"),
    "undone": gettext_noop("took that back: %(what)s by %(at)s is open again (%(number)s)"),
    "withdrawn": gettext_noop("took back the promise of %(what)s, recorded by mistake (%(number)s)"),
}
DID_ICONS: Final = {
    "kept": "circle-check", "kept_late": "circle-check", "broken": "circle-x", "moved": "arrow-right-left",
    "left": "arrow-right-left", "came": "arrow-right-left",
}  # fmt: skip


def news(case: Case, event: CaseEvent) -> str:
    """What those who watch a case are told of its promises: that one was broken."""
    if event.facts.get("did") != "broken":
        return ""
    what = NOUNS.get(event.facts.get("kind", ""), NOUNS["other"])
    return _("A promise was broken in C-%(number)s: %(what)s (P-%(promise)s).") % {
        "number": case.number, "what": what, "promise": event.facts.get("number"),
    }  # fmt: skip


def _time(moment: str | None) -> str:
    return day_time(datetime.fromisoformat(moment)) if moment else ""
