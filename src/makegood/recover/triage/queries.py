"""What the triage page and report show."""

import uuid
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection

from makegood.ground.staff.names import name_of
from makegood.recover.cases.models import Reason
from makegood.recover.triage.models import TrainedModel

CORRECTIONS, TRAININGS = 20, 10


class Correction(NamedTuple):
    """Somebody said a reason."""

    number: int
    subject: str
    at: datetime
    why: str
    confirmed: bool
    who: str


@dataclass(frozen=True)
class Report:
    """What was trained lately, the latest first; which is in use; the names of reasons by their codes."""

    trainings: list[TrainedModel]
    active: TrainedModel | None
    names: dict[str, str]

    def as_json(self) -> dict[str, Any]:
        return {"in_use": row_json(self.active) if self.active else None, "trainings": [*map(row_json, self.trainings)]}


def row_json(row: TrainedModel) -> dict[str, Any]:
    return {
        "model": row.pk, "active": row.active, "trained_at": row.trained_at, "until": row.until,
        "trained_by": row.trained_by.display_name if row.trained_by else None, "replaces": row.replaces_id,
        **row.figures,
    }  # fmt: skip


def report() -> Report:
    """The last ten trainings and the model in use. Three SQL queries."""
    every = TrainedModel.objects.select_related("trained_by")
    return Report(
        trainings=list(every.order_by("-pk")[:TRAININGS]),
        active=every.filter(active=True).first(),
        names=dict(Reason.objects.values_list("code", "name")),
    )


def corrections(places: AbstractSet[uuid.UUID] | list[uuid.UUID] | None, limit: int = CORRECTIONS) -> list[Correction]:
    """The latest reasons that people said, of the cases of some places (None: all). One SQL query, an index scan."""
    with connection.cursor() as cursor:
        cursor.execute(_CORRECTIONS, [places is None, list(places or []), limit])
        return [Correction(*row) for row in cursor.fetchall()]


# Serves from the index triage_said.
_CORRECTIONS = f"""
    SELECT c.number, c.subject, e.at, e.why, NOT e.changes ? 'reason_id',
           {name_of("u")}
    FROM cases_caseevent e
    JOIN cases_case c ON c.id = e.case_id
    JOIN staff_user u ON u.id = e.actor_id
    WHERE e.kind = 'reason' AND e.actor_id IS NOT NULL AND (%s OR c.place_id IS NULL OR c.place_id = ANY(%s::uuid[]))
    ORDER BY e.at DESC, e.id
    LIMIT %s
"""
