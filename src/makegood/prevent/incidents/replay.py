"""The columns of an incident, derived from its events alone. What `Incident` stores must equal this; a test says so."""

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import models

from makegood.prevent.incidents.models import Incident, IncidentEvent

# Kept outside the timeline: identity, what was looked at already.
NOT_REPLAYED = frozenset({"id", "number", "version", "joined_until"})
COLUMNS: "dict[str, models.Field[Any, Any]]" = {
    field.attname: field
    for field in Incident._meta.concrete_fields  # noqa: SLF001  Django's documented model API
    if field.attname not in NOT_REPLAYED
}


def to_json(value: Any) -> Any:
    """A column's value as an event keeps it."""
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, uuid.UUID) else value


def columns_of(incident: Incident) -> dict[str, Any]:
    """What the incident says now, column by column."""
    return {column: getattr(incident, column) for column in COLUMNS}


def replay(events: Iterable[IncidentEvent]) -> dict[str, Any]:
    """Fold events (in order of `seq`) into columns. The first event sets every column."""
    columns: dict[str, Any] = {}
    for event in events:
        for column, value in event.changes.items():
            field = COLUMNS[column]
            columns[column] = (field.target_field if isinstance(field, models.ForeignKey) else field).to_python(value)
    return columns
