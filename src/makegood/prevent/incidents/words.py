"""Incidents in words: states, what happened, what is meant."""

from collections.abc import Mapping
from typing import Any, Final

from django.utils.translation import gettext_noop, ngettext

from makegood.ground.web.formats import day_time
from makegood.ground.web.language import translated as _
from makegood.prevent.incidents import extensions
from makegood.prevent.incidents.models import Cause, Incident, IncidentEvent, Kind, State
from makegood.prevent.incidents.replay import COLUMNS
from makegood.recover.cases.models import Locus, Severity

STATES: Final = {
    State.OPEN.value: ("red", "siren", gettext_noop("Open")),
    State.CONTAINED.value: ("amber", "shield-half", gettext_noop("Contained")),
    State.RESOLVED.value: ("green", "circle-check", gettext_noop("Resolved")),
}
"""Of each state the tone, the icon and the word of its badge."""
KINDS: Final = dict(Kind.choices)
SEVERITIES: Final = dict(Severity.choices)
CAUSES: Final = dict(Cause.choices)
LOCI: Final = dict(Locus.choices)

DISCIPLINES: Final = {
    "present": (gettext_noop("Who was there"), ""),
    "d1": (gettext_noop("Team"), gettext_noop("Who works on it, and who speaks for the customer.")),
    "d2": (gettext_noop("What happened"), gettext_noop("What failed, where, since when, how often, and for whom.")),
    "d3": (gettext_noop("Stopped for now"), gettext_noop("What keeps customers safe until the cause is gone.")),
    "d4": (gettext_noop("Cause"), gettext_noop("Why it happened, and why nobody noticed sooner.")),
    "d5": (gettext_noop("Chosen remedy"), gettext_noop("What will remove the cause, and how we know that it works.")),
    "d6": (gettext_noop("Done"), gettext_noop("What was put in place, when, and what it did.")),
    "d7": (gettext_noop("Never again"), gettext_noop("What else can fail in the same way, and what changes there.")),
    "d8": (gettext_noop("Thanks"), gettext_noop("Who made the difference, and what we learned about working.")),
}
"""The review in its order: a heading, and what belongs there (8D: Ford, Team Oriented Problem Solving, 1987)."""

_DID: Final = {
    "declared": ("siren", gettext_noop("declared the incident")),
    "changed": ("pencil", gettext_noop("changed %(columns)s")),
    "severity": ("gauge", gettext_noop("set the severity to %(severity)s")),
    "commander": ("user-cog", gettext_noop("handed it over from %(was)s to %(now)s")),
    "update": ("megaphone", gettext_noop("told what is new")),
    "status": ("message-square-text", gettext_noop("wrote %(columns)s")),
    "contained": ("shield-half", gettext_noop("contained it: %(containment)s")),
    "task": ("list-checks", gettext_noop("gave a task to %(owner)s, due %(due)s (P-%(commitment)s)")),
    "cause": ("search-check", gettext_noop("wrote down the cause")),
    "review": ("notebook-pen", gettext_noop("wrote the review")),
    "resolved": ("circle-check", gettext_noop("resolved it")),
    "reopened": ("rotate-ccw", gettext_noop("opened it again")),
}
_COLUMNS: Final = {
    "title": gettext_noop("the title"), "kind": gettext_noop("what it is"), "joins": gettext_noop("how cases join"),
    "any_of": gettext_noop("what is meant"), "since": gettext_noop("its beginning"), "until": gettext_noop("its end"),
    "status_inside": gettext_noop("where it stands"), "status_public": gettext_noop("the words for customers"),
    "answer": gettext_noop("the agreed answer"), "hazard": gettext_noop("the hazard"),
    "what_to_do": gettext_noop("what customers should do"),
}  # fmt: skip


def happened(event: IncidentEvent) -> tuple[str, str]:
    """An event of the timeline: its icon, and what was done in words."""
    facts, changes = event.facts, event.changes
    if event.kind in extensions.told:
        return extensions.told[event.kind](event)
    if event.kind in ("joined", "unlinked"):
        return _cases(event)
    if event.kind in ("merged", "parted"):
        return _kin(event)
    icon, sentence = _DID[event.kind]
    columns = [_(_COLUMNS[name]) for name in changes if name in _COLUMNS] or [_("nothing")]
    due = facts.get("due_at")
    return icon, _(sentence) % {
        "columns": ", ".join(columns), "severity": _severity(changes.get("severity")),
        "was": facts.get("was", ""), "now": facts.get("now", ""), "containment": changes.get("containment", ""),
        "owner": facts.get("owner", ""), "due": day_time(COLUMNS["since"].to_python(due)) if due else "",
        "commitment": facts.get("commitment", ""),
    }  # fmt: skip


def _cases(event: IncidentEvent) -> tuple[str, str]:
    count, cases = event.facts.get("count", 0), event.facts.get("cases", [])
    named = ", ".join(f"C-{number}" for number in cases[:5]) + (" …" if count > 5 else "")  # noqa: PLR2004  a line holds five
    if event.kind == "unlinked":
        said = ngettext("took out %(count)s case: %(named)s", "took out %(count)s cases: %(named)s", count)
        return "unlink", said % {"count": count, "named": named}
    if event.actor_id:
        said = ngettext("linked %(count)s case: %(named)s", "linked %(count)s cases: %(named)s", count)
    else:
        said = ngettext(
            "%(count)s case joined by itself: %(named)s", "%(count)s cases joined by themselves: %(named)s", count
        )
    return "link", said % {"count": count, "named": named}


def _kin(event: IncidentEvent) -> tuple[str, str]:
    facts: Mapping[str, Any] = event.facts
    if event.kind == "parted":
        return "split", _("took back that it was one with I-%(number)s") % {"number": facts.get("of")}
    if "into" in facts:
        return "merge", _("let it go on in I-%(number)s") % {"number": facts["into"]}
    return "merge", _("took in I-%(number)s with its cases") % {"number": facts.get("from")}


def _severity(level: int | None) -> str:
    return str(SEVERITIES.get(level, "")).lower() if level else ""


def cause_in_words(incident: Incident) -> str:
    """What is known of the cause, in one line; empty: nothing yet."""
    if incident.cause_state == Cause.NOT_FOUND:
        return _("Not found: %(why)s") % {"why": incident.cause}
    return incident.cause
