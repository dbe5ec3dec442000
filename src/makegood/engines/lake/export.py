"""PostgreSQL to Parquet: only what changed is read, only months in which something changed are written again."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from makegood.engines.lake.store import LakeBusy, Store

__all__ = ["FactTable", "LakeBusy", "Refreshed", "refresh"]

# SQL: which database this is, over its row of pg_database.
DATABASE: Final = "(SELECT system_identifier FROM pg_control_system()) || '/' || oid"
Progress: TypeAlias = Callable[[str, int], None]  # name of the fact, rows copied so far

AT_ONCE: Final = 200_000  # more changed rows than this are not held in memory: everything is streamed anew
# Rows are stamped when their transaction starts and seen when it commits: look back a little further than that.
MARGIN: Final = timedelta(minutes=1)


@dataclass(frozen=True, kw_only=True)
class FactTable:
    """One kind of fact: how PostgreSQL tells it, and how it is kept.

    Attributes
    ----------
    name : str
        Folder in the lake.
    schema : pyarrow.Schema
        Columns as kept. The first one identifies the row.
    columns, source : str
        SQL: what to select (these columns in this order) and from where.
    key : str
        SQL expression of the row's identity in `source`.
    month : str
        SQL expression (timestamptz) in `source`; its month in UTC tells the file. Never null.
    changed : callable
        A moment -> SQL that yields the identity of every row in which something changed since.
    month_moves : bool
        Whether a row's month may change: then its old place is looked for.
    """

    name: str
    schema: pa.Schema
    columns: str
    source: str
    key: str
    month: str
    changed: Callable[[datetime], str]
    month_moves: bool = True

    @property
    def identity(self) -> str:
        return str(self.schema.names[0])

    def rows(self, where: str = "") -> str:
        """The rows, each with its month as a last column, ordered by it."""
        month = f"to_char(({self.month}) AT TIME ZONE 'UTC', 'YYYY-MM')"
        return f"SELECT {self.columns}, {month} AS month FROM {self.source} {where} ORDER BY {month}"

    def changed_rows(self, since: datetime) -> str:
        return self.rows(f"WHERE {self.key} IN ({self.changed(since)})")

    def fingerprint(self) -> str:
        """Changes when the fact is told or kept in another way: then everything is copied anew."""
        told = "\n".join((self.columns, self.source, self.key, self.month, str(self.schema)))
        return hashlib.sha256(told.encode()).hexdigest()[:16]


@dataclass(frozen=True, kw_only=True)
class Refreshed:
    """What a refresh did to one fact."""

    fact: str
    rows: int  # in the lake now
    bytes: int
    copied: int  # rows read from the database this time
    months: list[str] = field(default_factory=list)  # written again this time


def refresh(
    dsn: str, tables: Sequence[FactTable], root: str, *, now: datetime, full: bool = False, wait: bool = True,
    progress: Progress | None = None,
) -> list[Refreshed]:  # fmt: skip
    """Bring the lake up to date with the database.

    All facts are read from one snapshot of the database. A killed refresh leaves the lake as it was, or with some
    months newer than others; the next one repairs that, because what was copied is written down last. Two at once: the
    second waits. A lake that belongs to another database or to another way of telling a fact, or whose files are not
    those that were written, is copied anew. Rows deleted from the database leave with the next full refresh.

    Parameters
    ----------
    dsn : str
        libpq connection string or URI.
    tables : sequence of FactTable
        What to keep, and how the database tells it.
    root : str
        Directory, or address pyarrow has a file system for.
    now : datetime
        Written down as the time of this refresh.
    full : bool
        Copy everything anew.
    wait : bool
        Wait for a refresh that is under way.
    progress : callable
        Told the name of a fact and the rows copied so far.

    Raises
    ------
    LakeBusy
        A refresh is under way and `wait` is false.
    adbc_driver_manager.Error
        The database cannot be read. The lake is as it was.
    OSError
        The lake cannot be written.
    """
    import adbc_driver_postgresql.dbapi as adbc  # noqa: PLC0415  brings pandas: two seconds for whoever never refreshes

    store = Store(root)
    with store.locked(wait=wait), adbc.connect(dsn) as connection, connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        database, seen = _where_we_are(cursor)
        before = store.state()
        facts = {} if full or before.get("database") != database else before.get("facts", {})
        done, stamp = [], before.get("stamp", "")
        for table in tables:
            result, facts[table.name] = _refresh_one(cursor, table, store, facts.get(table.name), seen, progress)
            done.append(result)
            stamp = seen.isoformat() if result.months else stamp
            store.keep_state({"database": database, "refreshed_at": now.isoformat(), "stamp": stamp, "facts": facts})
        return done


def _where_we_are(cursor: Any) -> tuple[str, datetime]:
    """Which database this is, and the moment before which everything is surely visible to us."""
    cursor.execute(
        f"""
        SELECT {DATABASE},
               least(clock_timestamp(),
                     (SELECT min(xact_start) FROM pg_stat_activity WHERE datname = current_database()))
        FROM pg_database WHERE datname = current_database()
        """
    )
    database, oldest = cursor.fetchone()
    return database, oldest - MARGIN


def _refresh_one(
    cursor: Any,
    table: FactTable,
    store: Store,
    before: dict[str, Any] | None,
    seen: datetime,
    progress: Progress | None,
) -> tuple[Refreshed, dict[str, Any]]:
    months: dict[str, dict[str, int]] = dict(before["months"]) if before else {}
    told = table.fingerprint()
    as_written = {month: entry["bytes"] for month, entry in months.items()} == store.parts(table.name)
    since = datetime.fromisoformat(before["seen"]) if before and before["told"] == told and as_written else None
    changed = _changed_rows(cursor, table, since) if since else None
    if changed is None:
        rows = _batches(cursor, table, table.rows(), progress)
        written = _write_all(table, store, rows)
        copied = sum(entry["rows"] for entry in written.values())
        months = written
    else:
        copied = changed.num_rows
        written = _merge(table, store, changed, months)
        months = {month: entry for month, entry in (months | written).items() if entry["rows"]}
    kept = {"seen": seen.isoformat(), "told": told, "months": dict(sorted(months.items()))}
    total = sum(entry["rows"] for entry in months.values()), sum(entry["bytes"] for entry in months.values())
    return Refreshed(fact=table.name, rows=total[0], bytes=total[1], copied=copied, months=sorted(written)), kept


def _changed_rows(cursor: Any, table: FactTable, since: datetime) -> pa.Table | None:
    """Rows that changed, with their month; None when there are too many to hold."""
    cursor.execute(
        f"SELECT count(*) FROM (SELECT 1 FROM ({table.changed(since)}) AS keys LIMIT {AT_ONCE + 1}) AS enough"
    )
    if cursor.fetchone()[0] > AT_ONCE:
        return None
    kept_with_month = _with_month(table.schema)
    return pa.Table.from_batches(_batches(cursor, table, table.changed_rows(since), None), schema=kept_with_month)


def _batches(cursor: Any, table: FactTable, sql: str, progress: Progress | None) -> Iterator[pa.RecordBatch]:
    """Rows as they come over the wire, at most some 16 MB at a time."""
    cursor.execute(sql)
    schema, rows = _with_month(table.schema), 0
    for batch in cursor.fetch_record_batch():
        yield pa.RecordBatch.from_arrays(
            [_as(column, kept.type) for column, kept in zip(batch.columns, schema, strict=True)], schema=schema
        )
        rows += batch.num_rows
        if progress:
            progress(table.name, rows)


def _as(column: pa.Array, kept: pa.DataType) -> pa.Array:
    # PostgreSQL's numeric arrives as text in an extension type: exact, and read as a decimal here.
    storage = column.storage if isinstance(column, pa.ExtensionArray) else column
    return storage if storage.type == kept else storage.cast(kept)


def _with_month(schema: pa.Schema) -> pa.Schema:
    return schema.append(pa.field("month", pa.string()))


def _write_all(table: FactTable, store: Store, rows: Iterable[pa.RecordBatch]) -> dict[str, dict[str, int]]:
    """Write every month anew from rows ordered by month; months that are no longer there are taken away."""
    written: dict[str, int] = {}
    with ExitStack() as stack:
        writer: pq.ParquetWriter | None = None
        for batch in rows:
            for month, part in _by_month(batch):
                if month not in written:
                    stack.close()
                    stream = stack.enter_context(store.writing(store.part(table.name, month)))
                    writer = stack.enter_context(_writer(stream, table))
                    written[month] = 0
                assert writer is not None
                writer.write_batch(part)
                written[month] += part.num_rows
    gone = set(store.parts(table.name)) - set(written)
    for month in written:
        store.publish(store.part(table.name, month))
    for month in gone:
        store.withdraw(store.part(table.name, month))
    return _measured(table, store, written)


def _merge(
    table: FactTable, store: Store, changed: pa.Table, months: dict[str, dict[str, int]]
) -> dict[str, dict[str, int]]:
    """Take changed rows out of the months they were in and put them into the months they belong to."""
    if not changed.num_rows:
        return {}
    keys = changed[table.identity].combine_chunks()
    belong = dict(_by_month(changed))
    touched = sorted(
        set(belong) | {month for month in months if table.month_moves and _holds(table, store, month, keys)}
    )
    written: dict[str, int] = {}
    for month in touched:
        path = store.part(table.name, month)
        with store.writing(path) as stream, _writer(stream, table) as writer:
            written[month] = 0
            for part in _kept_rows(table, store, month, keys) if month in months else ():
                writer.write_batch(part)
                written[month] += part.num_rows
            if month in belong:
                writer.write_table(belong[month])
                written[month] += belong[month].num_rows
    for month, count in written.items():
        path = store.part(table.name, month)
        store.publish(path)
        if not count:
            store.withdraw(path)
    return _measured(table, store, written)


def _by_month(rows: pa.Table | pa.RecordBatch) -> Iterator[tuple[str, Any]]:
    """Runs of the same month in rows ordered by it, without the month column."""
    months = rows["month"]
    start = 0
    for count in pc.value_counts(months).field("counts").to_pylist():
        yield months[start].as_py(), rows.slice(start, count).drop_columns(["month"])
        start += count


def _holds(table: FactTable, store: Store, month: str, keys: pa.Array) -> bool:
    with store.files.open_input_file(store.part(table.name, month)) as source:
        there = pq.read_table(source, columns=[table.identity])[table.identity]
    return bool(pc.any(pc.is_in(there, value_set=keys)).as_py())


def _kept_rows(table: FactTable, store: Store, month: str, keys: pa.Array) -> Iterator[pa.RecordBatch]:
    with store.files.open_input_file(store.part(table.name, month)) as source:
        for batch in pq.ParquetFile(source).iter_batches():
            yield batch.filter(pc.invert(pc.is_in(batch[table.identity], value_set=keys)))


def _writer(stream: pa.NativeFile, table: FactTable) -> pq.ParquetWriter:
    return pq.ParquetWriter(stream, table.schema, compression="zstd")


def _measured(table: FactTable, store: Store, rows: dict[str, int]) -> dict[str, dict[str, int]]:
    sizes = store.parts(table.name)
    return {month: {"rows": count, "bytes": sizes.get(month, 0)} for month, count in rows.items()}
