"""The one way to write on a case: lock it, then record an event together with the columns it sets."""

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from makegood.ground.staff.models import User
from makegood.recover.cases.errors import CaseChanged, CaseNotFound, CommitmentStillOpen
from makegood.recover.cases.models import Case, CaseEvent
from makegood.recover.cases.replay import replay, to_json
from makegood.recover.cases.service_levels.following import CLOCKS, MOVES_CLOCKS, followed
from makegood.recover.cases.service_levels.levels import load
from makegood.recover.cases.services.watchers import tell_watchers


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
    require_seen(case, seen)
    return case


def lock_home(case_id: uuid.UUID) -> Case:
    """Read and hold a case, or the one that goes on in its place. Two SQL queries, more while it is being merged."""
    home = Case.objects.filter(pk=case_id).values_list("merged_into", flat=True).first() or case_id
    while True:
        case = lock_case(home)
        if case.merged_into_id is None:
            return case
        home = case.merged_into_id


def lock_many(case_ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, Case]:
    """Read several cases and hold their rows, in the order of their identifiers, so that two who hold many wait for
    each other instead of deadlocking. One SQL query.

    Raises
    ------
    CaseNotFound
        One of them does not exist.
    """
    wanted = set(case_ids)
    rows = Case.objects.select_for_update(of=("self",)).select_related("customer").defer("search")
    held = {case.pk: case for case in rows.filter(pk__in=wanted).order_by("pk")}
    if missing := wanted - held.keys():
        raise CaseNotFound(str(min(missing)))
    return held


def require_seen(case: Case, seen: int | None) -> None:
    """Raises CaseChanged where somebody wrote since version `seen` (None: nobody asks)."""
    if seen is not None and case.version != seen:
        raise CaseChanged(case.number, seen, case.version)


def before(case: Case, event: CaseEvent) -> dict[str, Any]:
    """What the columns that an event set, and all clocks, said before it, read from the timeline. One SQL query."""
    earlier = replay(CaseEvent.objects.filter(case=case, seq__lt=event.seq).order_by("seq"))
    return {column: earlier[column] for column in {*event.changes, *CLOCKS}}


def set_since(case: Case, event: CaseEvent) -> set[str]:
    """The columns that were set anew after an event. One SQL query."""
    later = CaseEvent.objects.filter(case=case, seq__gt=event.seq).values_list("changes", flat=True)
    return {column for changes in later for column in changes}


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

    A clock that is named itself stands as it is named: what is taken back runs on as if it had not been. Two SQL
    queries; three where clocks may move; one more for what those who watch are told of.

    Raises
    ------
    CommitmentStillOpen
        It would resolve a case that something promised is still open on. Nothing is written.
    """
    changes = dict(changes or {})
    if not MOVES_CLOCKS.isdisjoint(changes):
        changes = followed(case, changes, at, load({changes.get("place_id", case.place_id)})) | changes
    changes = {column: value for column, value in changes.items() if getattr(case, column) != value}
    for column, value in changes.items():
        setattr(case, column, value)
    case.version += 1
    with nothing_promised(is_end="resolved_at" in changes):
        Case.objects.filter(pk=case.pk).update(**changes, version=case.version, changed_at=Now())
    event = CaseEvent.objects.create(
        case_id=case.pk,
        seq=case.version,
        kind=kind,
        at=at,
        actor=by,
        why=why,
        changes={column: to_json(value) for column, value in changes.items()},
        facts={name: to_json(value) for name, value in (facts or {}).items()},
    )
    tell_watchers([(case, event)])
    return event


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
