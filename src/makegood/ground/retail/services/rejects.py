"""Rows that could not be read: put right and submitted again, or left out for good."""

import json
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from django.db import transaction

from makegood.ground.retail.errors import NotARow, RejectSettled
from makegood.ground.retail.feed import FeedTable, all_tables
from makegood.ground.retail.models import ImportRun, Reject, Source
from makegood.ground.retail.queries.rejects import feed_table, fields_of

CHUNK = 5_000


class Retried(NamedTuple):
    """What became of rejects that were submitted again."""

    corrected: int
    open: int


@transaction.atomic
def correct_reject(*, reject: Reject, payload: Mapping[str, str], now: datetime) -> Reject:
    """Submit a row again with these fields, through the same checks as any other.

    When it passes, the row is in and the reject is corrected; else the reject stays open with the new reason and
    fields.
    Races are decided by a lock on the reject's row.

    Raises
    ------
    RejectSettled
        It is corrected or dismissed already. Nothing is written.
    ImportRunning
        An import of the same source is running. Nothing is written.
    NotARow
        The reject is about a whole file.
    """
    reject = _lock(reject)
    table = feed_table(reject.table)
    if table is None or reject.line is None:
        raise NotARow(reject.table)
    given = {name: value.replace("\0", "") for name, value in payload.items()}
    reasons = _submit(reject.run.source, table, [given])
    reject.payload = json.dumps({name: value for name, value in given.items() if value}, ensure_ascii=False)
    if reason := reasons[0]:
        reject.reason = reason
    else:
        reject.status, reject.settled_at = Reject.Status.CORRECTED, now
    reject.save(update_fields=["payload", "reason", "status", "settled_at"])
    return reject


@transaction.atomic
def dismiss_reject(*, reject: Reject, now: datetime) -> Reject:
    """Leave the row out for good.

    Raises
    ------
    RejectSettled
        It is corrected or dismissed already. Nothing is written.
    """
    reject = _lock(reject)
    reject.status, reject.settled_at = Reject.Status.DISMISSED, now
    reject.save(update_fields=["status", "settled_at"])
    return reject


def retry_all(*, run: ImportRun, now: datetime) -> Retried:
    """Submit all open rejects of an import again as they are, parents before children, a batch a transaction.

    Rows that could never be split into fields stay as they are.

    Raises
    ------
    ImportRunning
        An import of the same source is running. Nothing is written.
    """
    corrected = still_open = 0
    for table in all_tables():
        rejects = Reject.objects.filter(run=run, table=table.name, status=Reject.Status.OPEN).order_by("pk")
        keys = list(rejects.exclude(line=None).values_list("pk", flat=True))
        still_open += rejects.filter(line=None).count()
        for start in range(0, len(keys), CHUNK):
            done, left = _retry(run.source, table, keys[start : start + CHUNK], now)
            corrected, still_open = corrected + done, still_open + left
    return Retried(corrected, still_open)


@transaction.atomic
def _retry(source: Source, table: FeedTable, keys: list[uuid.UUID], now: datetime) -> tuple[int, int]:
    chosen = Reject.objects.select_for_update().filter(pk__in=keys, status=Reject.Status.OPEN).order_by("pk")
    rejects = [(reject, fields) for reject in chosen if any((fields := fields_of(reject)).values())]
    reasons = _submit(source, table, [fields for _, fields in rejects])
    settled = []
    for (reject, _), reason in zip(rejects, reasons, strict=True):
        if reason:
            reject.reason = reason
        else:
            reject.status, reject.settled_at = Reject.Status.CORRECTED, now
            settled.append(reject)
    Reject.objects.bulk_update([reject for reject, _ in rejects], ["reason", "status", "settled_at"], batch_size=500)
    return len(settled), len(keys) - len(settled)


def _submit(source: Source, table: FeedTable, rows: list[dict[str, str]]) -> list[str]:
    """Put rows through the checks and into the database; why each is not in, empty for those that are."""
    # DuckDB and Arrow take a second to import, and rejects are rare.
    import pyarrow as pa  # noqa: PLC0415

    from makegood.ground.retail.loading.loader import Loader, open_duckdb  # noqa: PLC0415
    from makegood.ground.retail.loading.reading import LINE, Batch  # noqa: PLC0415
    from makegood.ground.retail.loading.writing import hold_source  # noqa: PLC0415

    if not rows:
        return []
    columns = {
        column.name: pa.array([row.get(column.name) or None for row in rows], pa.string()) for column in table.columns
    }
    batch = Batch(pa.table({**columns, LINE: pa.array(range(len(rows)), pa.int64())}))
    with hold_source(source, wait=False), open_duckdb(source.time_zone) as db:
        bad = Loader(db, source, all_tables()).submit(table, batch)
    reasons = {one.line: one.reason for one in bad}
    return [reasons.get(i, "") for i in range(len(rows))]


def _lock(reject: Reject) -> Reject:
    locked = Reject.objects.select_for_update(of=("self",)).select_related("run__source").get(pk=reject.pk)
    if locked.status != Reject.Status.OPEN:
        raise RejectSettled(locked.get_status_display().lower())
    return locked
