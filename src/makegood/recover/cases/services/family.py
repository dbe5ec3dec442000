"""One failure behind many cases: a parent and its children, one deep."""

import uuid
from datetime import datetime

from django.db import transaction

from makegood.ground.staff.models import User
from makegood.recover.cases.errors import NotAParent, NotLinked
from makegood.recover.cases.models import Case, CaseEvent
from makegood.recover.cases.services.handling import require_open
from makegood.recover.cases.services.timeline import lock_case, lock_many, record, require_seen

Kind = CaseEvent.Kind


@transaction.atomic
def link_case(*, case_id: uuid.UUID, parent_id: uuid.UUID, by: User, now: datetime, seen: int | None = None) -> Case:
    """Say that one failure, told in a parent case, is behind this open case too. Linking it there again does nothing.

    Both rows are held in order; of two who link at once, also crosswise, one wins.

    Raises
    ------
    NotAParent
        The parent is the case itself or a child, or the case has children of its own. Nothing is written.
    CaseAlreadyResolved, CaseMerged, CaseChanged
        Nothing is written.
    """
    held = lock_many({case_id, parent_id})
    case, parent = held[case_id], held[parent_id]
    require_seen(case, seen)
    require_open(case)
    require_open(parent)
    if case.pk == parent.pk:
        raise NotAParent(parent.number, "it is this very case")
    if parent.parent_id:
        raise NotAParent(parent.number, "it is linked to a parent itself, so link to that one")
    if Case.objects.filter(parent=case).exists():
        raise NotAParent(parent.number, f"C-{case.number} has cases linked to it")
    if case.parent_id != parent.pk:
        record(case, Kind.LINKED, at=now, by=by, changes={"parent_id": parent.pk}, facts={"case": parent.number})
    return case


@transaction.atomic
def unlink_case(*, case_id: uuid.UUID, by: User, now: datetime) -> Case:
    """Say that a case is about something else than its parent. Raises NotLinked."""
    case = lock_case(case_id)
    if case.parent_id is None:
        raise NotLinked(case.number)
    number = Case.objects.values_list("number", flat=True).get(pk=case.parent_id)
    record(case, Kind.LINKED, at=now, by=by, changes={"parent_id": None}, facts={"case": number})
    return case
