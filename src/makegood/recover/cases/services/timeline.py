"""The one way to write on a case: lock it, then record an event together with the columns it sets."""

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from makegood.ground.staff.models import User
from makegood.recover.cases.errors import CaseChanged, CaseNotFound, CommitmentStillOpen
from makegood.recover.cases.models import Case, CaseEvent
from makegood.recover.cases.replay import to_json


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
    """Append an event to a locked case and set the columns it names. Two SQL queries.

    Raises
    ------
    CommitmentStillOpen
        It would resolve a case that something promised is still open on. Nothing is written.
    """
    changes = {column: value for column, value in (changes or {}).items() if getattr(case, column) != value}
    for column, value in changes.items():
        setattr(case, column, value)
    case.version += 1
    with nothing_promised(is_end="resolved_at" in changes):
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


@contextmanager
def nothing_promised(*, is_end: bool = True) -> Iterator[None]:
    """Let the trigger `case_has_no_open_commitment` decide whether cases may end, and say what stands in the way.

    Promises belong to a later room: the trigger names them, so that this one need not know their table. The savepoint
    costs two statements, and only where `is_end`.
    """
    if not is_end:
        yield
        return
    try:
        with transaction.atomic():
            yield
    except IntegrityError as problem:
        said = getattr(problem.__cause__, "diag", None)
        if said is None or said.constraint_name != "case_has_no_open_commitment":
            raise
        raise CommitmentStillOpen(**json.loads(said.message_detail)) from problem
