"""The columns of a case, derived from its events alone. What `Case` stores must equal this; a test says so."""

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import models

from makegood.recover.cases.models import Case, CaseEvent

# Kept outside the timeline: identity, the search index, the clock of the database.
NOT_REPLAYED = frozenset({"id", "number", "search", "changed_at", "version"})
COLUMNS: "dict[str, models.Field[Any, Any]]" = {
    field.attname: field
    for field in Case._meta.concrete_fields  # noqa: SLF001  Django's documented model API
    if field.attname not in NOT_REPLAYED
}


def to_json(value: Any) -> Any:
    """A column's value as an event keeps it."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, uuid.UUID | Decimal):
        return str(value)
    return value


def from_json(column: str, value: Any) -> Any:
    """A column's value as an event kept it, in the column's own type."""
    field = COLUMNS[column]
    return (field.target_field if isinstance(field, models.ForeignKey) else field).to_python(value)


def columns_of(case: Case) -> dict[str, Any]:
    """What the case says now, column by column."""
    return {column: getattr(case, column) for column in COLUMNS}


def replay(events: Iterable[CaseEvent]) -> dict[str, Any]:
    """Fold events (in order of `seq`) into columns. The opening event sets every column."""
    columns: dict[str, Any] = {}
    for event in events:
        changes: Mapping[str, Any] = event.changes
        columns.update({column: from_json(column, value) for column, value in changes.items()})
    return columns
