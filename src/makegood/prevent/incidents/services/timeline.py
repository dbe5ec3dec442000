"""The one way to write on an incident: lock it, then record an event together with the columns it sets."""

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from makegood.ground.staff.models import User
from makegood.prevent.incidents.errors import IncidentChanged, IncidentIsOver, IncidentNotFound
from makegood.prevent.incidents.models import Incident, IncidentEvent, State
from makegood.prevent.incidents.replay import COLUMNS, to_json
from makegood.prevent.incidents.services.telling import tell


def lock_incident(incident_id: uuid.UUID, *, seen: int | None = None) -> Incident:
    """Read an incident and hold its row until the transaction ends; concurrent writers queue here. One SQL query.

    Raises
    ------
    IncidentNotFound
        No such incident.
    IncidentChanged
        `seen` is given and somebody wrote since that version.
    """
    [incident] = lock_incidents([incident_id])
    if seen is not None and incident.version != seen:
        raise IncidentChanged(incident.number)
    return incident


def lock_incidents(incident_ids: Iterable[uuid.UUID]) -> list[Incident]:
    """Hold several, in the order of their identifiers: nobody waits in a circle. Raises IncidentNotFound."""
    wanted = set(incident_ids)
    rows = Incident.objects.select_for_update(of=("self",), no_key=True).select_related("commander", "merged_into")
    held = list(rows.filter(pk__in=wanted).order_by("pk"))
    if missing := wanted - {incident.pk for incident in held}:
        raise IncidentNotFound(str(min(missing)))
    return held


def lock_going_on(incident_id: uuid.UUID, *, seen: int | None = None) -> Incident:
    """As `lock_incident`. Raises IncidentIsOver where it is resolved or merged."""
    incident = lock_incident(incident_id, seen=seen)
    if incident.state == State.RESOLVED:
        goes_on = incident.merged_into.number if incident.merged_into else None
        raise IncidentIsOver(incident.number, goes_on)
    return incident


def record(
    incident: Incident, kind: IncidentEvent.Kind, *, at: datetime, by: User | None = None, why: str = "",
    changes: Mapping[str, Any] | None = None, facts: Mapping[str, Any] | None = None,
) -> IncidentEvent:  # fmt: skip
    """Append an event to a locked incident, set the columns it names, and tell whoever hears of it.

    Two SQL queries, and three for the notices of an event that people hear of (`telling.TOLD`).
    """
    fresh = {column: value for column, value in (changes or {}).items() if getattr(incident, column) != value}
    for column, value in fresh.items():
        setattr(incident, column, value)
    incident.version += 1
    Incident.objects.filter(pk=incident.pk).update(**fresh, version=incident.version)
    return _append(incident, kind, at, by, why, fresh, facts)


def record_first(incident: Incident, *, at: datetime, by: User | None, why: str, facts: Mapping[str, Any]) -> None:
    """The first event of an incident that was just inserted with version 1: it sets every column."""
    columns = {column: getattr(incident, column) for column in COLUMNS}
    _append(incident, IncidentEvent.Kind.DECLARED, at, by, why, columns, facts)


def _append(
    incident: Incident, kind: IncidentEvent.Kind, at: datetime, by: User | None, why: str, changes: Mapping[str, Any],
    facts: Mapping[str, Any] | None,
) -> IncidentEvent:  # fmt: skip
    event = IncidentEvent.objects.create(
        incident_id=incident.pk, seq=incident.version, kind=kind, at=at, actor=by, why=why.strip()[:5000],
        changes={column: to_json(value) for column, value in changes.items()},
        facts={name: to_json(value) for name, value in (facts or {}).items()},
    )  # fmt: skip
    tell(incident, event)
    return event
