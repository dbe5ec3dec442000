"""The lake of this deployment: where it is, bringing it up to date, how fresh it is."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import connection
from psycopg.conninfo import make_conninfo

from makegood.engines.lake.export import Progress, Refreshed, refresh
from makegood.engines.lake.store import Store
from makegood.ground.retail.facts import EXPOSURES, ORDERS, SHIPMENTS
from makegood.recover.cases.facts import CASES

if TYPE_CHECKING:
    from makegood.engines.lake.read import Lake

TABLES = (ORDERS, SHIPMENTS, EXPOSURES, CASES)
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


def dsn() -> str:
    """Our database as libpq is told it, for readers beside Django."""
    parameters = connection.get_connection_params()
    return make_conninfo(**{name: parameters[name] for name in LIBPQ if parameters.get(name)})
