"""One import: batches of any origin through the checks and into the database, with every row accounted for."""

import difflib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

import duckdb
import pyarrow as pa
from django.db import connection, models

from makegood.ground.retail.feed import Column, FeedTable
from makegood.ground.retail.loading.checking import REASON, check, literal, quoted, unpack_json
from makegood.ground.retail.loading.reading import JSON, LINE, Batch, Spoilt, Unreadable
from makegood.ground.retail.loading.writing import Bad, Counts, Job, Writers, payloads, write
from makegood.ground.retail.models import ImportRun, Source
from makegood.ids import uuid7

MEMORY: Final = "512MB"  # beyond it DuckDB uses the disk
MOST_NOTES: Final = 50
NOTHING: Final = pa.table({LINE: pa.array([], pa.int64())})
UNKNOWN_KEYS: Final = f"""
    SELECT DISTINCT unnest(json_keys({JSON})) FROM raw WHERE json_valid({JSON}) AND json_type({JSON}) = 'OBJECT'
"""
Progress = Callable[[str, int], None]
"""Called with the name of a table and how many more of its rows have been read."""


def open_duckdb(time_zone: str) -> duckdb.DuckDBPyConnection:
    """A DuckDB for one import: bounded, offline, times without a zone taken as of `time_zone`."""
    db = duckdb.connect(config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"})
    # A directory of its own: DuckDB makes it when it runs out of memory, and two of them must not share their files.
    spill = Path(tempfile.gettempdir()) / f"makegood-import-{uuid7()}"
    db.execute(f"SET memory_limit = '{MEMORY}'; SET threads = 2; SET temp_directory = {literal(str(spill))}")
    db.execute(f"SET TimeZone = {literal(time_zone)}")
    return db


def _unknown(column: Column, name: str, parent: str) -> str:
    """The reason, in SQL, of a row whose parent is not there."""
    after = f" is not known: deliver it in {parent}, then submit this row again."
    return f"{literal(f'{column.name} ')} || left({name}, 60) || {literal(after)}"


class Loader:
    """Takes tables in the order of the feed, parents before children.

    Which references exist is kept in DuckDB: `delivered_x` the rows of this run, `found_x` those looked up in
    PostgreSQL, which is asked once per reference and not at all about tables that were empty at the start.
    """

    def __init__(self, db: duckdb.DuckDBPyConnection, source: Source, tables: Sequence[FeedTable]) -> None:
        self.db, self.source = db, source
        self.tables = {table.model: table for table in tables}
        self.defaults = {"currency": source.currency, "time_zone": source.time_zone}
        self.notes: list[str] = []
        self._filled: dict[type[models.Model], bool] = {}
        for table in tables:
            for kind in ("delivered", "found"):
                db.execute(f"CREATE TEMP TABLE {kind}_{table.name} (ref VARCHAR, id UUID)")
            db.execute(
                f"CREATE TEMP VIEW known_{table.name} AS"
                f" SELECT * FROM delivered_{table.name} UNION ALL SELECT * FROM found_{table.name}"
            )

    def submit(self, table: FeedTable, batch: Batch) -> list[Bad]:
        """Write one batch now, in the caller's transaction; the rows that are not in, for the caller to keep."""
        return write(self._prepare(table, batch, ""), self.source)[1]

    def _prepare(self, table: FeedTable, batch: Batch, file: str) -> Job:
        db = self.db
        rows = batch.rows
        db.register("raw", rows)
        if JSON in rows.column_names:
            self._note_unknown(table, file, self._unknown_keys(table))
            rows = db.sql(unpack_json(table)).to_arrow_table()
            db.unregister("raw")
            db.register("raw", rows)
        db.execute(f"CREATE OR REPLACE TEMP TABLE checked AS {check(table, rows.column_names, self.defaults)}")
        db.unregister("raw")
        self._look_up(table)
        resolved = self._resolve(table)
        db.execute(f"CREATE OR REPLACE TEMP TABLE resolved AS {resolved}")
        reasons = db.sql(
            f"SELECT {LINE}, {REASON} FROM checked WHERE {REASON} IS NOT NULL UNION ALL"
            f" SELECT {LINE}, {REASON} FROM resolved WHERE {REASON} IS NOT NULL ORDER BY 1"
        ).fetchall()
        columns = ", ".join(["id", *(quoted(column.db_column) for column in table.columns)])
        good = f"FROM resolved WHERE {REASON} IS NULL"
        # In the order of their largest index: in that of the file, PostgreSQL worked a fifth longer on Olist.
        new = db.sql(f"SELECT {columns} {good} AND NOT _old AND NOT _again ORDER BY ref").to_arrow_table()
        known = db.sql(f"SELECT {columns}, {LINE}, _again {good} AND (_old OR _again)").to_arrow_table()
        db.execute(f"INSERT INTO delivered_{table.name} SELECT ref, id {good} AND NOT _again")
        bad = [Bad(*spoilt) for spoilt in batch.spoilt] + payloads(batch.rows, reasons)
        return Job(table, file, batch.rows, new, known, bad)

    def _unknown_keys(self, table: FeedTable) -> list[str]:
        names = {column.name for column in table.columns}
        return [name for (name,) in self.db.sql(UNKNOWN_KEYS).fetchall() if name not in names]

    def _note_unknown(self, table: FeedTable, file: str, unknown: list[str]) -> None:
        for name in sorted(unknown):
            near = difflib.get_close_matches(name, [column.name for column in table.columns], 1, 0.7)
            meant = f" Was {near[0]} meant?" if near else ""
            note = f"{file}: {name[:60]} is not a field of {table.name} and was left out.{meant}"
            if note not in self.notes and len(self.notes) < MOST_NOTES:
                self.notes.append(note)

    def _look_up(self, table: FeedTable) -> None:
        """Ask PostgreSQL for the parents that are not known yet, and for the rows themselves."""
        for column in table.columns:
            if column.references and self._is_filled(column.references):
                parent = self.tables[column.references].name
                refs = self.db.sql(
                    f"SELECT DISTINCT {quoted(column.name)} FROM checked WHERE {REASON} IS NULL"
                    f" AND {quoted(column.name)} NOT IN (SELECT ref FROM known_{parent})"
                ).to_arrow_table()
                self._found(f"INSERT INTO found_{parent}", column.references, refs)
        self.db.execute("CREATE OR REPLACE TEMP TABLE old (ref VARCHAR, id UUID)")
        if self._is_filled(table.model):
            refs = self.db.sql(
                f"SELECT DISTINCT ref FROM checked WHERE {REASON} IS NULL"
                f" AND ref NOT IN (SELECT ref FROM delivered_{table.name})"
            ).to_arrow_table()
            self._found("INSERT INTO old", table.model, refs)
            # From now on they are delivered.
            self.db.execute(f"DELETE FROM found_{table.name} WHERE ref IN (SELECT ref FROM old)")

    def _found(self, insert: str, model: type[models.Model], refs: pa.Table) -> None:
        wanted = refs[0].to_pylist()
        if not wanted:
            return
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT ref, id::text FROM {model._meta.db_table} WHERE source_id = %s AND ref = ANY(%s)",  # noqa: SLF001
                [self.source.pk, wanted],
            )
            columns = tuple(zip(*cursor.fetchall(), strict=True)) or ((), ())
        found = pa.table(
            {name: pa.array(column, pa.string()) for name, column in zip(("ref", "id"), columns, strict=True)}
        )
        self.db.register("rows_found", found)
        self.db.execute(f"{insert} SELECT ref, id::UUID FROM rows_found")
        self.db.unregister("rows_found")

    def _is_filled(self, model: type[models.Model]) -> bool:
        if model not in self._filled:
            with connection.cursor() as cursor:
                cursor.execute(f"SELECT EXISTS (SELECT FROM {model._meta.db_table})")  # noqa: SLF001
                self._filled[model] = cursor.fetchone()[0]
        return self._filled[model]

    def _resolve(self, table: FeedTable) -> str:
        """A query over `checked` giving the good rows with the ids of their parents and their own."""
        db = self.db
        self._drop_orphans_of_the_batch(table)
        db.execute(
            f"CREATE OR REPLACE TEMP TABLE own AS"
            f" SELECT c.ref, coalesce(any_value(o.id), any_value(d.id), uuidv7()) AS id,"
            f" any_value(o.id) IS NOT NULL AS _old, any_value(d.id) IS NOT NULL AS _again, count(*) > 1 AS _twice"
            f" FROM checked c LEFT JOIN old o ON o.ref = c.ref LEFT JOIN delivered_{table.name} d ON d.ref = c.ref"
            f" WHERE {REASON} IS NULL GROUP BY c.ref"
        )
        ((twice,),) = db.sql("SELECT coalesce(bool_or(_twice), false) FROM own").fetchall()
        columns, joins, reasons = [], [], []
        for i, column in enumerate(table.columns):
            name = f"c.{quoted(column.name)}"
            if not column.references:
                columns.append(name)
                continue
            parent = self.tables[column.references].name
            known = f"known_{parent}"
            if column.references is table.model:  # parents may stand in the same batch
                known = f"(SELECT * FROM {known} UNION SELECT ref, id FROM own)"
            joins.append(f"LEFT JOIN {known} k{i} ON k{i}.ref = {name}")
            columns.append(f"k{i}.id AS {quoted(column.db_column)}")
            reasons.append(f"WHEN {name} IS NOT NULL AND k{i}.id IS NULL THEN {_unknown(column, name, parent)}")
        reason = f"CASE {' '.join(reasons)} END" if reasons else "NULL::VARCHAR"
        first = f"row_number() OVER (PARTITION BY c.ref, {reason} IS NULL ORDER BY c.{LINE}) = 1" if twice else "true"
        return (
            f"SELECT c.{LINE}, {', '.join(columns)}, own.id, own._old, own._again OR NOT ({first}) AS _again,"
            f" {reason} AS {REASON} FROM checked c JOIN own ON own.ref = c.ref {' '.join(joins)}"
            f" WHERE c.{REASON} IS NULL"
        )

    def _drop_orphans_of_the_batch(self, table: FeedTable) -> None:
        """Rows of a table that refers to itself, whose parent is neither known nor among the good rows here."""
        for column in table.columns:
            while column.references is table.model:
                name = quoted(column.name)
                dropped = self.db.execute(
                    f"UPDATE checked SET {REASON} = {_unknown(column, name, table.name)}"
                    f" WHERE {REASON} IS NULL AND {name} IS NOT NULL"
                    f" AND {name} NOT IN (SELECT ref FROM known_{table.name} UNION ALL SELECT ref FROM old)"
                    f" AND {name} NOT IN (SELECT ref FROM checked WHERE {REASON} IS NULL)"
                ).fetchall()
                if dropped == [(0,)]:
                    break


class Import(Loader):
    """A loader for a whole delivery: batches are written while the next is read, and every row is counted."""

    def __init__(
        self,
        db: duckdb.DuckDBPyConnection,
        run: ImportRun,
        tables: Sequence[FeedTable],
        writers: Writers,
        counts: dict[str, Counts],
        progress: Progress,
    ) -> None:
        super().__init__(db, run.source, tables)
        self.writers, self.counts, self.progress = writers, counts, progress

    def load(self, table: FeedTable, batches: Iterator[Batch], *, file: str) -> None:
        """Bring in the rows of one file. What cannot be read of it becomes rejects; nothing is raised for bad input."""
        try:
            for batch in batches:
                self._require_columns(table, file, batch)
                self._take(table, file, batch)
        except Unreadable as problem:
            self.reject(table, file, [Spoilt(None, str(problem)[:500], "")])

    def reject(self, table: FeedTable, file: str, spoilt: Sequence[Spoilt]) -> None:
        """Keep what could not even be split into fields. The file as a whole counts as one row."""
        self._take(table, file, Batch(NOTHING, list(spoilt)))

    def _take(self, table: FeedTable, file: str, batch: Batch) -> None:
        rows = batch.rows.num_rows + len(batch.spoilt)
        self.counts[table.name].read += rows
        if batch.rows.num_rows:
            job = self._prepare(table, batch, file)
        else:
            job = Job(table, file, NOTHING, NOTHING, NOTHING, [Bad(*spoilt) for spoilt in batch.spoilt])
        self.writers.put(job)
        self.progress(table.name, rows)

    def _require_columns(self, table: FeedTable, file: str, batch: Batch) -> None:
        present = batch.rows.column_names
        if JSON in present:
            return
        names = [column.name for column in table.columns]
        unknown = [name for name in present if name not in names and not name.startswith("_")]
        missing = [column.name for column in table.columns if column.required and column.name not in present]
        if missing:
            found = f"it has {', '.join(unknown[:10])}" if unknown else "nothing else stands there in its place"
            raise Unreadable(f"{file} has no column {', '.join(missing)} ({found}). Name the columns as the feed does.")
        self._note_unknown(table, file, unknown)
