"""What its commander does with an incident that goes on."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from makegood.ground.staff.models import User
from makegood.ground.web.language import translated as _
from makegood.prevent.incidents.errors import CannotLead, SayHow, UnknownDimension
from makegood.prevent.incidents.models import Cause, Incident, IncidentEvent, Kind, State, Task
from makegood.prevent.incidents.services.joining import look_soon
from makegood.prevent.incidents.services.telling import LEADS
from makegood.prevent.incidents.services.timeline import lock_going_on, lock_incident, record
from makegood.prevent.slices import DIMENSIONS, Predicate
from makegood.recover.cases.models import Severity
from makegood.recover.commitments import services as commitments
from makegood.recover.commitments.models import Commitment
from makegood.recover.commitments.models import Kind as CommitmentKind

REVIEWED: Final = ("d1", "d2", "d3", "d4", "d5", "d6", "d7", "d8", "present")
"""The eight disciplines, and who was there."""
TEXTS: Final = ("status_inside", "status_public", "answer", "hazard", "what_to_do")
WHYS_AT_MOST: Final = 10


@transaction.atomic
def change(
    *, incident_id: uuid.UUID, by: User, now: datetime, title: str, kind: str, joins: bool, seen: int | None = None
) -> Incident:
    """Name it differently, say what it is, or whether cases join by themselves.

    Raises IncidentIsOver, IncidentChanged or SayHow; nothing is then written.
    """
    incident = lock_going_on(incident_id, seen=seen)
    title = " ".join(title.split())[:200]
    if not title:
        raise SayHow("Say in a few words what fails.")
    changes, joins_again = {"title": title, "kind": Kind(kind).value, "joins": joins}, joins and not incident.joins
    record(incident, IncidentEvent.Kind.CHANGED, at=now, by=by, changes=changes)
    if joins_again:
        _look_again(incident)
    return incident


@transaction.atomic
def set_window(
    *, incident_id: uuid.UUID, predicate: Predicate, by: User, now: datetime, seen: int | None = None
) -> Incident:
    """Say anew which purchases and cases are meant. Who joined stays; from now on others join.

    Raises IncidentIsOver, IncidentChanged, UnknownDimension or SayHow; nothing is then written.
    """
    incident = lock_going_on(incident_id, seen=seen)
    changes = {"any_of": known_cut(predicate), "since": predicate.since, "until": predicate.until}
    record(incident, IncidentEvent.Kind.CHANGED, at=now, by=by, changes=changes)
    _look_again(incident)
    return incident


@transaction.atomic
def set_severity(
    *, incident_id: uuid.UUID, severity: int, why: str, by: User, now: datetime, seen: int | None = None
) -> Incident:
    """Say how grave it is, and why. Whoever hears of it is told when it is graver. Raises IncidentIsOver."""
    incident = lock_going_on(incident_id, seen=seen)
    changes = {"severity": Severity(severity).value, "severity_why": why.strip()[:300]}
    facts = {"was": incident.severity, "raised": severity < incident.severity}
    record(incident, IncidentEvent.Kind.SEVERITY, at=now, by=by, why=why, changes=changes, facts=facts)
    return incident


@transaction.atomic
def hand_over(*, incident_id: uuid.UUID, to: User, by: User, now: datetime, seen: int | None = None) -> Incident:
    """Make somebody else its commander. Raises IncidentIsOver or CannotLead; nothing is then written."""
    incident = lock_going_on(incident_id, seen=seen)
    require_leader(to)
    facts = {"was": incident.commander.display_name, "now": to.display_name}
    record(incident, IncidentEvent.Kind.COMMANDER, at=now, by=by, changes={"commander_id": to.pk}, facts=facts)
    return incident


@transaction.atomic
def update(*, incident_id: uuid.UUID, words: str, by: User, now: datetime) -> IncidentEvent:
    """Say what is new. Whoever hears of it is told. Also after its end: something is learned then, too."""
    if not words.strip():
        raise SayHow("Say what is new.")
    return record(lock_incident(incident_id), IncidentEvent.Kind.UPDATE, at=now, by=by, why=words)


@transaction.atomic
def say_status(
    *, incident_id: uuid.UUID, texts: Mapping[str, str], by: User, now: datetime, seen: int | None = None
) -> Incident:
    """Set some of TEXTS: where it stands for us and for customers, the agreed answer, what a recall asks of people.

    Raises IncidentIsOver or IncidentChanged; nothing is then written.
    """
    incident = lock_going_on(incident_id, seen=seen)
    longest = {"answer": 5000}
    changes = {name: texts[name].strip()[: longest.get(name, 500)] for name in TEXTS if name in texts}
    record(incident, IncidentEvent.Kind.STATUS, at=now, by=by, changes=changes)
    return incident


@transaction.atomic
def contain(*, incident_id: uuid.UUID, how: str, at: datetime, by: User, now: datetime) -> Incident:
    """Say what stopped it for now, and when. Once more: what stopped it better.

    Raises
    ------
    SayHow
        No words, or `at` lies ahead. Nothing is written.
    IncidentIsOver
        Nothing is written.
    """
    incident = lock_going_on(incident_id)
    how = how.strip()[:500]
    if not how or at > now:
        raise SayHow("Say what stopped it, and when it did.")
    changes = {"containment": how, "contained_at": at, "state": State.CONTAINED.value}
    record(incident, IncidentEvent.Kind.CONTAINED, at=now, by=by, changes=changes)
    return incident


@transaction.atomic
def say_cause(
    *, incident_id: uuid.UUID, state: str, cause: str, locus: str, whys: Sequence[str], contributing: Sequence[str],
    by: User, now: datetime, seen: int | None = None,
) -> Incident:  # fmt: skip
    """Say why it failed, as far as that is known. Also after its end. Raises SayHow: known, but not in words."""
    incident = lock_incident(incident_id, seen=seen)
    changes = cause_columns(state, cause) | {
        "locus": locus, "whys": _lines(whys), "contributing": _lines(contributing),
    }  # fmt: skip
    if incident.state == State.RESOLVED and not state:
        raise SayHow("It is resolved: say the cause, or that it was not found.")
    record(incident, IncidentEvent.Kind.CAUSE, at=now, by=by, changes=changes)
    return incident


@transaction.atomic
def say_review(
    *, incident_id: uuid.UUID, review: Mapping[str, str], by: User, now: datetime, seen: int | None = None
) -> Incident:
    """Write down what was learned, by the eight disciplines. Also after its end."""
    incident = lock_incident(incident_id, seen=seen)
    kept = {name: words for name in REVIEWED if (words := review.get(name, "").strip()[:2000])}
    record(incident, IncidentEvent.Kind.REVIEW, at=now, by=by, changes={"review": kept})
    return incident


@transaction.atomic
def give_task(
    *, incident_id: uuid.UUID, text: str, due_at: datetime, owner: User, by: User, now: datetime, said_as: str = ""
) -> Commitment:
    """Ask a colleague to do something by a time: a promise of theirs, noticed when it comes due.

    Raises what `commitments.promise` raises, or IncidentIsOver; nothing is then written.
    """
    incident = lock_going_on(incident_id)
    made = commitments.promise(
        text=text, kind=CommitmentKind.OTHER, due_at=due_at, owner=owner, by=by, now=now, to="colleague",
        said_as=said_as,
    )  # fmt: skip
    Task.objects.create(commitment=made, incident=incident)
    facts = {"commitment": made.number, "owner": owner.display_name, "due_at": due_at}
    record(incident, IncidentEvent.Kind.TASK, at=now, by=by, why=made.text, facts=facts)
    return made


def what_is_led(user: User) -> str:
    """Why somebody's account cannot be closed yet; empty: it can. One SQL query."""
    theirs = Incident.objects.filter(commander=user).exclude(state=State.RESOLVED)
    led = ", ".join(f"I-{number}" for number in theirs.values_list("number", flat=True)[:WHYS_AT_MOST])
    return _("%(name)s still leads %(led)s. Hand over first.") % {"name": user.display_name, "led": led} if led else ""


# -- what is allowed


def known_cut(predicate: Predicate) -> dict[str, list[str]]:
    """A predicate's values as they are kept: known dimensions with at least one value.

    Raises UnknownDimension, and SayHow where its window ends before it begins.
    """
    for name in predicate.any_of:
        if name not in DIMENSIONS:
            raise UnknownDimension(name)
    if predicate.since and predicate.until and predicate.since >= predicate.until:
        raise SayHow("The window ends before it begins.")
    return {
        name: sorted({value for value in values if value}) for name, values in predicate.any_of.items() if any(values)
    }


def cause_columns(state: str, cause: str) -> dict[str, Any]:
    """What is known of the cause, as columns. Raises SayHow: it is known or was looked for, and nothing is said."""
    cause = cause.strip()[:500]
    if state and not cause:
        raise SayHow("Say what the cause was, or why it could not be found.")
    return {"cause_state": Cause(state).value, "cause": cause if state else ""}


def require_leader(user: User) -> None:
    """Raises CannotLead."""
    if not user.is_active or user.role not in LEADS:
        raise CannotLead(user.display_name)


def _lines(said: Sequence[str]) -> list[str]:
    return [line for one in said if (line := " ".join(one.split())[:500])][:WHYS_AT_MOST]


def _look_again(incident: Incident) -> None:
    """Look at all cases anew, not only at what changed since the last look."""
    Incident.objects.filter(pk=incident.pk).update(joined_until=None)
    look_soon()
