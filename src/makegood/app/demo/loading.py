"""From an empty database to a retailer with a year behind it: delivered, replayed through intake, worked by staff."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.apps import apps
from django.db import connection, transaction

from makegood.app.demo.catalogue import RETAILER
from makegood.app.demo.staff import USERNAMES, hire
from makegood.app.demo.tables import Retailer
from makegood.app.demo.work import Crew
from makegood.app.demo.year import Plan
from makegood.errors import Conflict
from makegood.ground.retail.feed import TABLES
from makegood.ground.retail.models import Customer, Source
from makegood.ground.retail.services.importing import Imported, import_records
from makegood.ground.staff.models import User
from makegood.recover.cases.models import Case
from makegood.recover.cases.services.reasons import plant_defaults
from makegood.recover.cases.services.usual import measure_usual
from makegood.recover.intake.feed import CONTACTS
from makegood.recover.intake.models import Watermark
from makegood.recover.intake.services import Tally, replay

SOURCE = "demo"
ZONE, CURRENCY = "Europe/London", "GBP"
# Written last: a demo without it was cut short and is made again.
_MARK = re.compile(r"demo seed=(\d+) scale=([\d.]+)")
# Emptied for a fresh start, with everything that refers to it; the schema's own bookkeeping stays.
_OURS = (
    "retail",
    "staff",
    "cases",
    "commitments",
    "intake",
    "signals",
    "incidents",
    "outreach",
    "improvements",
    "outbox",
    "scorecards",
    "account",
    "mfa",
    "admin",
    "pghistory",
)

Progress = Callable[[str, int, int | None], None]
"""Called with what is being done, how much further it is, and how much there is in all, if that is known."""


class NotADemoDatabase(Conflict):
    """Somebody's real work would be mixed with invented customers, or wiped."""

    code = "not_a_demo_database"

    def __init__(self, found: str) -> None:
        self.found = found
        super().__init__(
            f"This database holds {found}, which the demo did not make. Set MAKEGOOD_HOME (or DATABASE_URL) to another "
            "one for the demo."
        )


@dataclass
class Played:
    """What was loaded and done. `kept`: the demo was there already, and its rows were compared."""

    plan: Plan
    imported: Imported
    kept: bool
    hired: int = 0
    tally: Tally = field(default_factory=Tally)
    events: int = 0
    seconds: dict[str, float] = field(default_factory=dict)


def play(
    *, plan: Plan, now: datetime, fresh: bool = False, progress: Progress = lambda _what, _done, _of: None
) -> Played:
    """Make sure that the database holds the demo retailer.

    A demo that is there is kept: its own year, whatever `plan` says, is delivered once more, which changes nothing.
    With `fresh` it is wiped and played anew by `plan`.

    Raises
    ------
    NotADemoDatabase
        There is a source, a user or a customer that the demo did not make, and no demo of its own to keep. Nothing
        is written.
    """
    there = played_plan()
    if there and not fresh:
        return Played(there, _deliver(Retailer(there), now, progress), kept=True)
    require_demo_only()
    if Source.objects.exists():
        wipe()
    return _play(plan, now, progress)


def require_demo_only() -> None:
    """Refuse a database that holds anything but the demo. Raises NotADemoDatabase. At most four SQL queries."""
    source = Source.objects.exclude(slug=SOURCE).first()
    if source:
        raise NotADemoDatabase(f"the data of {source.name}")
    user = User.objects.exclude(username__in=USERNAMES).first()
    if user:
        raise NotADemoDatabase(f"the account {user.username}")
    if not Source.objects.exists() and (User.objects.exists() or Case.objects.exists() or Customer.objects.exists()):
        raise NotADemoDatabase("cases or accounts")


def played_plan() -> Plan | None:
    """The plan of the demo that this database holds complete. One SQL query."""
    for kind, end in Watermark.objects.filter(kind__startswith="demo ").values_list("kind", "looked_until"):
        if match := _MARK.fullmatch(kind):
            return Plan(seed=int(match[1]), end=end.astimezone(UTC), scale=float(match[2]))
    return None


@transaction.atomic
def wipe() -> None:
    """Empty a database that holds only the demo: rows go, schema and defaults stay."""
    tables = [
        model._meta.db_table  # noqa: SLF001
        for model in apps.get_models(include_auto_created=True)
        if model._meta.app_label in _OURS and model._meta.managed and not model._meta.proxy  # noqa: SLF001
    ]
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(tables)}, procrastinate_jobs RESTART IDENTITY CASCADE")
        for what in ("case", "commitment", "signal", "incident", "outreach", "improvement"):
            cursor.execute(f"ALTER SEQUENCE {what}_number RESTART")
    plant_defaults()


def _play(plan: Plan, now: datetime, progress: Progress) -> Played:
    seconds: dict[str, float] = {}
    clock = time.monotonic()

    def lap(what: str) -> None:
        nonlocal clock
        clock, before = time.monotonic(), clock
        seconds[what] = seconds.get(what, 0.0) + clock - before

    with connection.cursor() as cursor:
        # Not one of its thousand commits is worth waiting for the disk: a demo cut short is made anew.
        cursor.execute("SET synchronous_commit = off")
    retailer = Retailer(plan)
    plant_defaults()
    imported = _deliver(retailer, now, progress)
    lap("import")
    source = Source.objects.get(slug=SOURCE)
    Source.objects.filter(pk=source.pk).update(name=RETAILER)
    hired = hire(source)
    _analyze()
    crew = Crew(plan, retailer.reasons())
    lap("staff")

    tally, events = Tally(), 0
    day, days = plan.start, (plan.end - plan.start).days
    while day < plan.end:
        day = min(plan.end, day + timedelta(days=1))
        tally += replay(source, day, since=plan.start - timedelta(days=1), step=timedelta(days=2))
        lap("replay")
        events += crew.work_until(day)
        lap("work")
        progress("days", 1, days)
    _analyze()
    measure_usual(now=plan.end)
    Watermark.objects.create(kind=f"demo seed={plan.seed} scale={plan.scale}", looked_until=plan.end)
    return Played(plan, imported, False, hired, tally, events, {name: round(took, 2) for name, took in seconds.items()})


def _deliver(retailer: Retailer, now: datetime, progress: Progress) -> Imported:
    return import_records(
        streams=retailer.tables(), source=SOURCE, now=now, tables=(*TABLES, CONTACTS), time_zone=ZONE,
        currency=CURRENCY, progress=lambda table, rows: progress(table, rows, None),
    )  # fmt: skip


def _analyze() -> None:
    """The planner must not take a full database for the empty one it knew."""
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
