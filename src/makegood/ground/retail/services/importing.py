"""A retailer's history comes in: files or generated rows, checked, merged and counted."""

import re
import time
import zoneinfo
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
from django.db import connection

from makegood.ground.retail.errors import NothingToImport
from makegood.ground.retail.feed import TABLES, FeedTable, all_tables
from makegood.ground.retail.listeners import customers_changed
from makegood.ground.retail.loading import olist
from makegood.ground.retail.loading.loader import Import, Progress, open_duckdb
from makegood.ground.retail.loading.reading import SUFFIXES, read, read_arrow
from makegood.ground.retail.loading.writing import Counts, Writers, hold_source
from makegood.ground.retail.models import ImportRun, Source

LARGE = 10_000  # rows


@dataclass(frozen=True)
class Imported:
    """What an import did. For every table read = new + changed + same + rejected."""

    source: str
    run: ImportRun
    tables: dict[str, Counts]
    notes: list[str]
    seconds: float

    @property
    def changed(self) -> int:
        """Rows that are now different from before: new ones and changed ones."""
        return sum(counts.new + counts.changed for counts in self.tables.values())

    @property
    def rejects(self) -> int:
        return sum(counts.rejected for counts in self.tables.values())

    def as_dict(self) -> dict[str, Any]:
        read_rows = sum(counts.read for counts in self.tables.values())
        return {
            "source": self.source,
            "run": str(self.run.pk),
            "tables": {name: asdict(counts) for name, counts in self.tables.items()},
            "rejects": self.rejects,
            "changed": self.changed,
            "notes": self.notes,
            "seconds": round(self.seconds, 2),
            "rows_per_second": round(read_rows / self.seconds) if self.seconds else 0,
        }


def import_feed(
    *,
    directory: Path,
    source: str = "feed",
    now: datetime,
    tables: Sequence[FeedTable] = (),
    time_zone: str = "UTC",
    currency: str = "EUR",
    progress: Progress = lambda _table, _rows: None,
) -> Imported:
    """Bring in a directory of feed files, one or more per table: `orders.csv`, `orders.ndjson.gz`, `orders.parquet`.

    Each batch is a transaction of its own: an import that dies is resumed by running it again. Two imports of one
    source take turns (an advisory lock per source). `time_zone` and `currency` hold for a source that is new.

    Raises
    ------
    NothingToImport
        No such directory, no file in it that is a table of the feed, no such time zone.
    """
    if not directory.is_dir():
        raise NothingToImport(f"{directory} is not a directory.")
    tables = tables or all_tables()
    files, notes = _files(directory, tables)
    if not files:
        raise NothingToImport(
            f"{directory} holds no table of the feed. Name the files {tables[0].name}.csv, orders.ndjson, "
            "customers.parquet and so on."
        )

    def bring_in(loader: Import) -> None:
        for table, path in files:
            loader.load(table, read(path), file=path.name)

    return _import(_source(source, time_zone, currency), str(directory), now, tables, notes, progress, bring_in)


def import_records(
    *,
    streams: Mapping[str, Iterable[pa.RecordBatch]],
    source: str,
    now: datetime,
    tables: Sequence[FeedTable] = (),
    time_zone: str = "UTC",
    currency: str = "EUR",
    progress: Progress = lambda _table, _rows: None,
) -> Imported:
    """Bring in rows that were made, not read: record batches by table, through the same checks. See `import_feed`."""
    tables = tables or all_tables()

    def bring_in(loader: Import) -> None:
        for table in tables:
            if table.name in streams:
                loader.load(table, read_arrow(streams[table.name]), file=table.name)

    unknown = set(streams) - {table.name for table in tables}
    if unknown:
        raise NothingToImport(f"The feed has no table {', '.join(sorted(unknown))}.")
    return _import(_source(source, time_zone, currency), "", now, tables, [], progress, bring_in)


def import_olist(*, directory: Path, now: datetime, progress: Progress = lambda _table, _rows: None) -> Imported:
    """Bring in the Olist marketplace: its nine CSV files, plain or gzip. See `import_feed` for what holds of both.

    Raises
    ------
    NothingToImport
        Files are missing; the sentence names them.
    """
    files = olist.find_files(directory)
    source = _source("olist", olist.TIME_ZONE, olist.CURRENCY, name="Olist")
    notes: list[str] = []

    def bring_in(loader: Import) -> None:
        notes.extend(olist.load(loader, files))

    return _import(source, str(directory), now, TABLES, notes, progress, bring_in)


def _import(
    source: Source,
    path: str,
    now: datetime,
    tables: Sequence[FeedTable],
    notes: list[str],
    progress: Progress,
    bring_in: Callable[[Import], None],
) -> Imported:
    started, began = time.monotonic(), _database_time()
    counts = {table.name: Counts() for table in tables}
    with hold_source(source, wait=True), open_duckdb(source.time_zone) as db:
        run = ImportRun.objects.create(source=source, path=path[:1000], started_at=now)
        with Writers(run, counts) as writers:
            loader = Import(db, run, tables, writers, counts, progress)
            bring_in(loader)
        _analyze(tables, counts)
        seconds = time.monotonic() - started
        seen = {name: count for name, count in counts.items() if count.read}
        run.tables = {name: asdict(count) for name, count in seen.items()}
        run.ended_at = source.imported_at = now + timedelta(seconds=seconds)
        run.save(update_fields=["tables", "ended_at"])
        source.save(update_fields=["imported_at"])
    if "customers" in seen and seen["customers"].new + seen["customers"].changed:
        for listen in customers_changed:
            listen(began)
    return Imported(source.slug, run, seen, notes + loader.notes, seconds)


def _database_time() -> datetime:
    """By the clock that `changed_at` is written with."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        moment: datetime = cursor.fetchone()[0]
    return moment


def _analyze(tables: Sequence[FeedTable], counts: dict[str, Counts]) -> None:
    """Tell the planner about large deliveries now: autovacuum would in a minute, but work begins at once."""
    grown = [table.db_table for table in tables if counts[table.name].new + counts[table.name].changed >= LARGE]
    if grown:
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {', '.join(grown)}")


def _source(slug: str, time_zone: str, currency: str, *, name: str = "") -> Source:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,49}", slug):
        raise NothingToImport(f"{slug!r} cannot name a source: use small letters, digits and hyphens.")
    if time_zone not in zoneinfo.available_timezones():
        raise NothingToImport(f"{time_zone!r} is not a time zone. Use a name such as Europe/London.")
    if not re.fullmatch(r"[A-Z]{3}", currency):
        raise NothingToImport(f"{currency!r} is not a currency. Use three letters such as GBP.")
    defaults = {"name": name or slug, "time_zone": time_zone, "currency": currency}
    return Source.objects.get_or_create(slug=slug, defaults=defaults)[0]


def _files(directory: Path, tables: Sequence[FeedTable]) -> tuple[list[tuple[FeedTable, Path]], list[str]]:
    """The files of each table in the order of the feed, and a note on each file that is none."""
    by_name: dict[str, list[Path]] = {}
    notes = []
    for path in sorted(directory.iterdir()):
        name = path.name.removesuffix(".gz")
        stem, _, suffix = name.rpartition(".")
        if f".{suffix}" in SUFFIXES and any(stem == table.name for table in tables):
            by_name.setdefault(stem, []).append(path)
        elif not name.startswith("."):
            notes.append(f"{path.name} is not a table of the feed and was left alone.")
    return [(table, path) for table in tables for path in by_name.get(table.name, [])], notes
