"""How incidents end, and taking them up again."""

import uuid
from datetime import datetime

from django.db import transaction

from makegood.ground.staff.models import User
from makegood.prevent.incidents import extensions
from makegood.prevent.incidents.errors import IncidentGoesOn, IncidentIsOver, SayHow, SayTheCause
from makegood.prevent.incidents.models import Incident, IncidentEvent, State
from makegood.prevent.incidents.services.joining import look_soon
from makegood.prevent.incidents.services.leading import cause_columns
from makegood.prevent.incidents.services.timeline import lock_going_on, lock_incident, record


@transaction.atomic
def resolve(
    *, incident_id: uuid.UUID, by: User, now: datetime, cause_state: str = "", cause: str = "", why: str = "",
    seen: int | None = None,
) -> Incident:  # fmt: skip
    """Bring an incident to its end: the cause is known, or was looked for and not found, with the reason.

    The constraint `incident_resolved_says_cause` says the same.

    Raises
    ------
    SayTheCause
        Neither is said here or before. Nothing is written.
    IncidentIsOver, IncidentChanged
        Nothing is written.
    """
    incident = lock_going_on(incident_id, seen=seen)
    changes = cause_columns(cause_state, cause) if cause_state else {}
    if not (cause_state or incident.cause_state):
        raise SayTheCause
    changes |= {"state": State.RESOLVED.value, "resolved_at": now}
    record(incident, IncidentEvent.Kind.RESOLVED, at=now, by=by, why=why, changes=changes)
    _tell_rooms(incident, by, now)
    return incident


@transaction.atomic
def reopen(*, incident_id: uuid.UUID, why: str, by: User | None, now: datetime) -> Incident:
    """Take a resolved incident up again. New cases join it again.

    Raises
    ------
    IncidentGoesOn
        It is not resolved. Nothing is written.
    IncidentIsOver
        It goes on in another; take that merge back instead. Nothing is written.
    SayHow
        No reason. Nothing is written.
    """
    incident = lock_incident(incident_id)
    if incident.merged_into:
        raise IncidentIsOver(incident.number, incident.merged_into.number)
    if incident.state != State.RESOLVED:
        raise IncidentGoesOn(incident.number)
    if not why.strip():
        raise SayHow("Say why it is open again.")
    changes = {"state": State.OPEN.value, "resolved_at": None}
    record(incident, IncidentEvent.Kind.REOPENED, at=now, by=by, why=why, changes=changes)
    _tell_rooms(incident, by, now)
    look_soon()
    return incident


def _tell_rooms(incident: Incident, by: User | None, now: datetime) -> None:
    for listen in extensions.ending:
        listen(incident, by, now)
