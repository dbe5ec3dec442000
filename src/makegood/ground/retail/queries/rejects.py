"""What could not be read."""

import json
import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from makegood.ground.retail.errors import RejectUnknown, RunUnknown
from makegood.ground.retail.feed import FeedTable, all_tables
from makegood.ground.retail.models import ImportRun, Reject


class RejectFilter(NamedTuple):
    """Empty means all."""

    run: uuid.UUID | None = None
    table: str = ""
    status: str = ""


class RejectRow(NamedTuple):
    """One line of the list."""

    id: uuid.UUID
    table: str
    file: str
    line: int | None
    reason: str
    status: str
    payload: str
    run: uuid.UUID
    started_at: datetime


def list_rejects(*, wanted: RejectFilter, before: uuid.UUID | None = None, limit: int = 50) -> list[RejectRow]:
    """Rejects, newest first, from below `before` on. One SQL query."""
    found = _matching(wanted)
    if before:
        found = found.filter(pk__lt=before)
    return [RejectRow(*row) for row in _rows(found)[:limit]]


def every_reject(*, wanted: RejectFilter) -> Iterator[RejectRow]:
    """All of them, newest first, for an export in bounded memory. One SQL query, read as a stream."""
    return (RejectRow(*row) for row in _rows(_matching(wanted)).iterator(chunk_size=2000))


def count_rejects(*, wanted: RejectFilter) -> int:
    """How many there are. One SQL query."""
    return _matching(wanted).count()


def get_reject(pk: uuid.UUID) -> Reject:
    """One reject with its run and source. One SQL query.

    Raises
    ------
    RejectUnknown
    """
    try:
        return Reject.objects.select_related("run__source").get(pk=pk)
    except Reject.DoesNotExist:
        raise RejectUnknown from None


def get_run(pk: uuid.UUID) -> ImportRun:
    """One import with its source. One SQL query.

    Raises
    ------
    RunUnknown
    """
    try:
        return ImportRun.objects.select_related("source").get(pk=pk)
    except ImportRun.DoesNotExist:
        raise RunUnknown from None


def latest_runs(limit: int = 20) -> list[tuple[str, str]]:
    """Identifier and name of the latest imports that left rejects. One SQL query."""
    left = Reject.objects.filter(run=OuterRef("pk"))
    runs = (
        ImportRun.objects.filter(Exists(left)).order_by("-pk").values_list("pk", "source__name", "started_at")[:limit]
    )
    return [(str(pk), f"{source}, {timezone.localtime(at):%Y-%m-%d %H:%M}") for pk, source, at in runs]


def fields_of(reject: Reject) -> dict[str, str]:
    """The row's fields as text, every field of its table present; empty where it could not be split. No SQL."""
    try:
        given = json.loads(reject.payload)
    except ValueError:
        given = {}
    given = given if isinstance(given, dict) else {}
    table = feed_table(reject.table)
    names = [column.name for column in table.columns] if table else list(given)
    return {name: _as_text(given.get(name)) for name in names}


def feed_table(name: str) -> FeedTable | None:
    """The table of the feed that is called so."""
    return next((table for table in all_tables() if table.name == name), None)


def _as_text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _matching(wanted: RejectFilter) -> "QuerySet[Reject]":
    found = Reject.objects.all()
    if wanted.run:
        found = found.filter(run=wanted.run)
    if wanted.table:
        found = found.filter(table=wanted.table)
    if wanted.status:
        found = found.filter(status=wanted.status)
    return found


def _rows(found: "QuerySet[Reject]") -> "QuerySet[Reject, tuple[Any, ...]]":
    return found.order_by("-pk").values_list(
        "pk", "table", "file", "line", "reason", "status", "payload", "run_id", "run__started_at"
    )
