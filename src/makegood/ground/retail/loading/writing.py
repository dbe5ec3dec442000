"""Typed rows into PostgreSQL: new ones by COPY straight into their table, known ones changed where they differ.

One batch is one short transaction with its rejects, so an import that dies is resumed by running it again. Whoever
writes holds the source's lock (`hold_source`), so what the loader knows of a source cannot change under it.
"""

import io
import json
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, Self

import pyarrow as pa
import pyarrow.csv as arrow_csv
from django.db import connection, transaction

from makegood.ground.retail.errors import ImportRunning
from makegood.ground.retail.feed import FeedTable
from makegood.ground.retail.loading.reading import JSON, LINE
from makegood.ground.retail.models import ImportRun, Source

LOCK: Final = 7267321  # with the source's id, the advisory lock of its writers
PIECE: Final = 1 << 20  # bytes handed to COPY at once


@dataclass
class Counts:
    """What became of the rows of one table: read = new + changed + same + rejected."""

    read: int = 0
    new: int = 0
    changed: int = 0
    same: int = 0
    rejected: int = 0


@dataclass
class Bad:
    """A row that stays outside, and why."""

    line: int | None
    reason: str
    payload: str


@dataclass
class Job:
    """One batch, ready to be written."""

    table: FeedTable
    file: str
    raw: pa.Table  # the rows as they came, for the payload of rejects
    new: pa.Table  # id and columns
    known: pa.Table  # _line, _again, id and columns; `_again`: this run has delivered the row before
    bad: list[Bad]
    done: threading.Event = field(default_factory=threading.Event)
    after: list[threading.Event] = field(default_factory=list)


@contextmanager
def hold_source(source: Source, *, wait: bool) -> Iterator[None]:
    """Be the only writer of this source's rows.

    Raises
    ------
    ImportRunning
        Another one writes and `wait` is false.
    """
    # In a transaction of the caller's the lock goes with that transaction: an unlock could not follow a failure.
    kind = "_xact" if connection.in_atomic_block else ""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_try_advisory{kind}_lock(%s, %s)", [LOCK, source.pk])
        if not cursor.fetchone()[0]:
            if not wait:
                raise ImportRunning(source.name)
            cursor.execute(f"SELECT pg_advisory{kind}_lock(%s, %s)", [LOCK, source.pk])
    try:
        yield
    finally:
        if not kind:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [LOCK, source.pk])


class Writers:
    """Two threads that write while the next batch is read. In a transaction of the caller's: none, it stays whole."""

    def __init__(self, run: ImportRun, counts: dict[str, Counts]) -> None:
        self.run, self.counts = run, counts
        self._jobs: queue.Queue[Job | None] = queue.Queue(maxsize=1)
        self._written: list[Job] = []
        self._lock = threading.Lock()
        self._problem: BaseException | None = None
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        if not connection.in_atomic_block:
            self._threads = [threading.Thread(target=self._work, name=f"import-{i}") for i in range(2)]
            for thread in self._threads:
                thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._problem = self._problem or KeyboardInterrupt()
        for _thread in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join()
        if kind is None and self._problem:
            raise self._problem

    def put(self, job: Job) -> None:
        """Write this batch soon, after the parents of its rows."""
        if self._problem:
            raise self._problem
        if not self._threads:
            self._count(job, _write_with_rejects(job, self.run))
            return
        first = {column.references for column in job.table.columns}  # parents are committed before children
        if job.known.num_rows:
            first.add(job.table.model)  # a row that comes again is compared with what an earlier batch wrote
        self._written = [earlier for earlier in self._written if not earlier.done.is_set()]
        job.after = [earlier.done for earlier in self._written if earlier.table.model in first]
        self._written.append(job)
        self._jobs.put(job)

    def _count(self, job: Job, written: Counts) -> None:
        with self._lock:
            counts = self.counts[job.table.name]
            for name in ("new", "changed", "same", "rejected"):
                setattr(counts, name, getattr(counts, name) + getattr(written, name))

    def _work(self) -> None:
        try:
            while job := self._jobs.get():
                try:
                    # Jobs are taken in order, so those it waits for are done or in the other thread's hands.
                    for event in job.after:
                        event.wait()
                    if not self._problem:
                        self._count(job, _write_with_rejects(job, self.run))
                except BaseException as problem:  # noqa: BLE001  told by the thread that waits for us
                    self._problem = self._problem or problem
                finally:
                    job.done.set()
        finally:
            connection.close()


def write(job: Job, source: Source) -> tuple[Counts, list[Bad]]:
    """Put one batch into its table; what became of it and which rows stay outside. At most six statements."""
    counts = Counts(new=job.new.num_rows)
    if job.new.num_rows:
        _copy(job.table.db_table, job.new, constants={"source_id": str(source.pk)})
    bad = list(job.bad)
    if job.known.num_rows:
        counts.changed, repeated = _compare(job.table, job.known)
        counts.same = job.known.num_rows - counts.changed - len(repeated)
        bad.extend(payloads(job.raw, repeated))
    counts.rejected = len(bad)
    return counts, bad


@transaction.atomic
def _write_with_rejects(job: Job, run: ImportRun) -> Counts:
    counts, bad = write(job, run.source)
    if bad:
        _reject(job, run, bad)
    return counts


def _copy(db_table: str, rows: pa.Table, *, constants: dict[str, str] | None = None) -> None:
    for name, value in (constants or {}).items():
        rows = rows.append_column(name, pa.repeat(pa.scalar(value), rows.num_rows))
    columns = ", ".join(f'"{name}"' for name in rows.column_names)
    sink = io.BytesIO()
    arrow_csv.write_csv(rows, sink, arrow_csv.WriteOptions(include_header=False))
    text = sink.getbuffer()
    with connection.cursor() as cursor, cursor.copy(f"COPY {db_table} ({columns}) FROM STDIN (FORMAT csv)") as copy:
        for start in range(0, len(text), PIECE):
            copy.write(text[start : start + PIECE])


def _compare(table: FeedTable, rows: pa.Table) -> tuple[int, list[tuple[int, str]]]:
    """Change what differs; how many, and the lines that say something else of a row this run has delivered before."""
    columns = [column.db_column for column in table.columns if column.name != "ref"]
    old, new = ", ".join(f't."{name}"' for name in columns), ", ".join(f's."{name}"' for name in columns)
    setting = ", ".join(f'"{name}" = s."{name}"' for name in columns)
    with connection.cursor() as cursor:
        own = ", ".join(f'"{name}"' for name in ("id", "ref", *columns))
        cursor.execute("DROP TABLE IF EXISTS pg_temp.staged")
        cursor.execute(
            f"CREATE TEMP TABLE staged AS SELECT {own}, 0::bigint AS _line, false AS _again"
            f" FROM {table.db_table} WITH NO DATA"
        )
        _copy("staged", rows)
        cursor.execute(
            f"UPDATE {table.db_table} t SET {setting}, changed_at = now() FROM staged s"
            f" WHERE t.id = s.id AND NOT s._again AND ({old}) IS DISTINCT FROM ({new})"
        )
        changed = cursor.rowcount
        cursor.execute(
            f"SELECT s._line, s.ref FROM staged s JOIN {table.db_table} t ON t.id = s.id"
            f" WHERE s._again AND ({old}) IS DISTINCT FROM ({new}) ORDER BY s._line"
        )
        repeated = cursor.fetchall()
        cursor.execute("DROP TABLE staged")
    reason = "Duplicate key: an earlier row with the reference {} says something else; that one counts."
    return changed, [(line, reason.format(ref[:60])) for line, ref in repeated]


def payloads(raw: pa.Table, reasons: list[tuple[int, str]]) -> list[Bad]:
    """Rejects of rows that could be split into fields, with those fields as JSON."""
    if not reasons:
        return []
    number = {line: i for i, line in enumerate(raw[LINE].to_pylist())}
    rows = raw.take([number[line] for line, _ in reasons]).to_pylist()
    return [Bad(line, reason, payload(row)) for (line, reason), row in zip(reasons, rows, strict=True)]


def payload(row: dict[str, object]) -> str:
    """A row as JSON, for a reject: what was given, under the names it was given."""
    if JSON in row:
        return str(row[JSON]).replace("\0", "")
    given = {name: value for name, value in row.items() if not name.startswith("_") and value is not None}
    return json.dumps(given, ensure_ascii=False, default=str)


def _reject(job: Job, run: ImportRun, bad: list[Bad]) -> None:
    with connection.cursor() as cursor:
        # What the same file has already said on the same row is not said twice.
        cursor.execute(
            """
            INSERT INTO retail_reject (id, run_id, "table", file, line, reason, payload, status)
            SELECT makegood_uuid7(), %s, %s, %s, b.line, b.reason, b.payload, 'open'
            FROM unnest(%s::bigint[], %s::text[], %s::text[]) WITH ORDINALITY AS b (line, reason, payload, nth)
            WHERE NOT EXISTS (
                SELECT FROM retail_reject r JOIN retail_importrun u ON u.id = r.run_id
                WHERE u.source_id = %s AND r."table" = %s AND r.file = %s
                  AND r.line IS NOT DISTINCT FROM b.line AND r.reason = b.reason AND r.payload = b.payload)
            ORDER BY b.nth
            """,
            [run.pk, job.table.name, job.file, [b.line for b in bad], [b.reason for b in bad],
             [b.payload for b in bad], run.source_id, job.table.name, job.file],
        )  # fmt: skip
