"""The one way to write on a case: lock it, then record an event together with the columns it sets."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models.functions import Now

from makegood.ground.staff.models import User
from makegood.recover.cases.errors import CaseChanged, CaseNotFound
from makegood.recover.cases.models import Case, CaseEvent
from makegood.recover.cases.replay import to_json
from makegood.recover.cases.service_levels.following import MOVES_CLOCKS, followed
from makegood.recover.cases.service_levels.levels import load


def lock_case(case_id: uuid.UUID, *, seen: int | None = None) -> Case:
    """Read a case and hold its row until the transaction ends; concurrent writers queue here. One SQL query.

    Raises
    ------
    CaseNotFound
        No such case.
    CaseChanged
        `seen` is given and somebody wrote since that version.
    """
    case = (
        Case.objects.select_for_update(of=("self",))
        .select_related("customer")
        .filter(pk=case_id)
        .defer("search")
        .first()
    )
    if case is None:
        raise CaseNotFound(str(case_id))
    if seen is not None and case.version != seen:
        raise CaseChanged(case.number, seen, case.version)
    return case


def record(
    case: Case,
    kind: CaseEvent.Kind,
    *,
    at: datetime,
    by: User | None = None,
    why: str = "",
    changes: Mapping[str, Any] | None = None,
    facts: Mapping[str, Any] | None = None,
) -> CaseEvent:
    """Append an event to a locked case, set the columns it names and those that follow by way of its clocks.

    Two SQL queries; three where clocks may move.
    """
    changes = dict(changes or {})
    if not MOVES_CLOCKS.isdisjoint(changes):
        changes |= followed(case, changes, at, load({changes.get("place_id", case.place_id)}))
    changes = {column: value for column, value in changes.items() if getattr(case, column) != value}
    for column, value in changes.items():
        setattr(case, column, value)
    case.version += 1
    Case.objects.filter(pk=case.pk).update(**changes, version=case.version, changed_at=Now())
    return CaseEvent.objects.create(
        case_id=case.pk,
        seq=case.version,
        kind=kind,
        at=at,
        actor=by,
        why=why,
        changes={column: to_json(value) for column, value in changes.items()},
        facts={name: to_json(value) for name, value in (facts or {}).items()},
    )
