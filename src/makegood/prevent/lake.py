"""The lake of this deployment: where it is, bringing it up to date, how fresh it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

import pyarrow as pa
from django.conf import settings
from django.db import connection
from psycopg.conninfo import make_conninfo

from makegood.engines.lake.export import DATABASE, Progress, Refreshed, refresh
from makegood.engines.lake.store import Store
from makegood.ground.retail.facts import EXPOSURES, ORDERS, SHIPMENTS
from makegood.recover.cases.facts import CASES

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from makegood.engines.lake.read import Lake

TABLES = (ORDERS, SHIPMENTS, EXPOSURES, CASES)
FRESH_AT_MOST: Final = 20_000  # orders read beside the lake: a second
# What a connection needs and libpq understands; the rest of Django's parameters speak to psycopg.
LIBPQ = (
    "host",
    "port",
    "dbname",
    "user",
    "password",
    "passfile",
    "service",
    "sslmode",
    "sslrootcert",
    "sslcert",
    "sslkey",
)


@dataclass(frozen=True, kw_only=True)
class Summary:
    """What a refresh did."""

    facts: list[Refreshed]
    refreshed_at: datetime

    @property
    def copied(self) -> int:
        return sum(fact.copied for fact in self.facts)


@dataclass(frozen=True, kw_only=True)
class LakeState:
    """How the lake stands."""

    root: str
    refreshed_at: datetime | None  # None: never
    rows: dict[str, int]
    bytes: int
    stamp: str  # differs whenever a fact differs


def refresh_lake(*, now: datetime, progress: Progress | None = None, full: bool = False, wait: bool = True) -> Summary:
    """Copy what changed in the database into the lake. Reads through a connection of its own, outside any transaction.

    Two at once: the second waits for the first (a lock the kernel releases), then copies what is left.

    Raises
    ------
    LakeBusy
        Another refresh runs and `wait` is false.
    """
    facts = refresh(dsn(), TABLES, settings.MAKEGOOD_LAKE, now=now, full=full, wait=wait, progress=progress)
    return Summary(facts=facts, refreshed_at=now)


def lake_state() -> LakeState:
    """What the last refresh wrote down. No SQL."""
    kept = Store(settings.MAKEGOOD_LAKE).state()
    months = {name: fact["months"].values() for name, fact in kept.get("facts", {}).items()}
    return LakeState(
        root=settings.MAKEGOOD_LAKE,
        refreshed_at=datetime.fromisoformat(kept["refreshed_at"]) if kept else None,
        rows={name: sum(month["rows"] for month in files) for name, files in months.items()},
        bytes=sum(month["bytes"] for files in months.values() for month in files),
        stamp=kept.get("stamp", ""),
    )


@contextmanager
def facts() -> Iterator["Lake"]:
    """The lake, open for questions."""
    from makegood.engines.lake.read import open_lake  # noqa: PLC0415  Ibis: the worker and most commands never ask

    with open_lake(settings.MAKEGOOD_LAKE, TABLES) as lake:
        yield lake


@contextmanager
def exposures(*, now: datetime) -> Iterator[tuple["Lake", "ir.Table", "ir.Table"]]:
    """The lake, its exposures, and beside them whatever changed since they were copied, from the database.

    All rows of an order are newer in the second table (`engines.lake.affected.hit_with_fresh`). A lake that is of
    another database, or misses more than `FRESH_AT_MOST` orders, is brought up to date first. Three SQL queries.
    """
    import ibis  # noqa: PLC0415  as above

    since = _copied_until()
    if since is None or _changed_since(since) > FRESH_AT_MOST:
        refresh_lake(now=now)
        since = _copied_until()
        assert since is not None
    with connection.cursor() as cursor:
        cursor.execute(EXPOSURES.changed_rows(since))
        names = EXPOSURES.schema.names
        # The month, which comes last, is of no use here.
        rows = [dict(zip(names, row, strict=False)) for row in cursor]
    with facts() as lake:
        yield lake, lake["exposures"].select(*names), ibis.memtable(pa.Table.from_pylist(rows, schema=EXPOSURES.schema))


def _copied_until() -> datetime | None:
    """Up to when exposures were copied; None where they are to be copied anew. One SQL query."""
    kept = Store(settings.MAKEGOOD_LAKE).state()
    fact = kept.get("facts", {}).get("exposures")
    if fact is None or fact["told"] != EXPOSURES.fingerprint():
        return None
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {DATABASE} FROM pg_database WHERE datname = current_database()")
        here = cursor.fetchone()[0]
    return datetime.fromisoformat(fact["seen"]) if kept["database"] == here else None


def _changed_since(since: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM ({EXPOSURES.changed(since)} LIMIT {FRESH_AT_MOST + 1}) AS orders")
        return int(cursor.fetchone()[0])


def dsn() -> str:
    """Our database as libpq is told it, for readers beside Django."""
    parameters = connection.get_connection_params()
    return make_conninfo(**{name: parameters[name] for name in LIBPQ if parameters.get(name)})
