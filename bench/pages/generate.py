"""A large retailer's database, made in minutes: what `retailer.sql` says, around the tables as migrations left them,
and what `work.sql` adds to it.

Everything happens in one transaction, with secondary indexes and foreign keys taken down first and put up again after,
which also checks every row that was made.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

import psycopg
from psycopg import sql
from rich.progress import Progress

RETAILER: Final = Path(__file__).with_name("retailer.sql")
WORK: Final = Path(__file__).with_name("work.sql")
LONG: Final = 200
"""Events of the longest timelines."""
PASSWORD: Final = "bench-bench-bench"
EVERYTHING, SOME_PLACES = "ana", "sam"
"""Who sees the whole company, and who sees the stores of one district."""

TABLES: Final = (
    "retail_customer", "retail_order", "retail_orderline", "retail_payment", "retail_shipment", "retail_trackingevent",
    "cases_contact", "cases_note", "outbox_message", "cases_case", "cases_caseevent",
)  # fmt: skip
SYLLABLES: Final = "".join(consonant + vowel for consonant in "bdfgklmnprst" for vowel in "aeiou")


class Part(NamedTuple):
    """An index or constraint: how it is put up, how it is taken down."""

    up: str
    down: str


def fingerprint() -> str:
    """What a database was made by; another fingerprint means that it has to be made again."""
    return hashlib.sha256(RETAILER.read_bytes() + WORK.read_bytes()).hexdigest()[:16]


# Django fills columns, not PostgreSQL: what these statements do not name stands empty, as Django would leave it.
_EMPTY = """
DO $$
DECLARE c record;
BEGIN
    FOR c IN SELECT table_name, column_name, udt_name FROM information_schema.columns
        WHERE table_schema = 'public' AND is_nullable = 'NO' AND column_default IS NULL AND is_identity = 'NO'
            AND split_part(table_name, '_', 1) IN ('cases', 'outbox', 'staff')
            AND udt_name IN ('text', 'varchar', 'bool', 'jsonb', '_varchar')
    LOOP
        EXECUTE format('ALTER TABLE %I ALTER %I SET DEFAULT %L', c.table_name, c.column_name, CASE c.udt_name
            WHEN 'bool' THEN 'false' WHEN 'jsonb' THEN '[]' WHEN '_varchar' THEN '{}' ELSE '' END);
    END LOOP;
END $$
"""


def generate(*, cases: int) -> dict[str, list[str]]:
    """Fill the migrated, empty database of the current settings. Rows follow from `cases` alone.

    Returns words to search for: those that customers say often ("common") and seldom ("rare").
    """
    from django.db import connection

    parameters = {"host": connection.settings_dict["HOST"], "user": connection.settings_dict["USER"]}
    database = connection.settings_dict["NAME"]
    steps, work = _steps(RETAILER.read_text()), _steps(WORK.read_text())
    with psycopg.connect(dbname=database, **parameters) as made, Progress(transient=True) as progress:
        task = progress.add_task("", total=len(steps) + len(work) + 3)

        @contextmanager
        def step(name: str) -> Iterator[None]:
            progress.update(task, description=name)
            yield
            progress.advance(task)

        made.execute(_EMPTY)
        _remember(made, cases=cases)
        _hire(made)
        # More would be better for the sorts, but others work on this machine, too.
        made.execute(
            "SET LOCAL work_mem = '256MB'; SET LOCAL maintenance_work_mem = '768MB'; SET LOCAL synchronous_commit = off"
        )
        with step("indexes down"):
            parts = _parts(made)
            for part in parts:
                made.execute(part.down)
        for name, statements in steps.items():
            with step(name):
                made.execute(statements)
                made.execute("ANALYZE retail_customer; ANALYZE retail_order; ANALYZE cases_contact")
                if "bench.plan AS" in statements:
                    made.execute("ANALYZE bench.plan")
        words = {
            kind: _words(made, *numbers) for kind, numbers in {"common": (40, 90), "rare": (90_000, 230_000)}.items()
        }
        with step("indexes up"):
            for part in reversed(parts):
                made.execute(part.up)
            made.execute("ANALYZE cases_case, cases_contact, cases_caseevent")
        for name, statements in work.items():
            with step(name):
                made.execute(statements)
        made.execute("DROP SCHEMA bench CASCADE")
        made.commit()
        with step("vacuum"):
            made.autocommit = True
            made.execute("VACUUM (ANALYZE)")
            made.execute("CHECKPOINT")
    _index_long_ones()
    _check(cases)
    return words


def _index_long_ones() -> None:
    """Find by all their words the cases that `work.sql` made long."""
    from makegood.recover.cases.models import Case
    from makegood.recover.cases.services.opening import index_cases

    index_cases(list(Case.objects.filter(version=LONG).values_list("pk", flat=True)))


def _check(cases: int) -> None:
    """Cases must be found by the words that Makegood itself would have kept, and say how far their timeline goes."""
    from django.db import transaction

    from makegood.recover.cases.models import Case
    from makegood.recover.cases.services.opening import index_cases

    some = Case.objects.filter(number__in=range(1, cases, max(1, cases // 50)))
    if any(case.version != case.events.count() for case in some):
        raise RuntimeError("retailer.sql no longer numbers events as a case counts them.")
    with transaction.atomic():
        before = dict(some.values_list("pk", "search"))
        index_cases(list(before))
        after = dict(some.values_list("pk", "search"))
        transaction.set_rollback(True)
    if before != after:
        raise RuntimeError("retailer.sql no longer writes Case.search as index_cases does.")


def _words(made: psycopg.Connection, first: int, last: int) -> list[str]:
    """Fifty of the words between two numbers (see bench.word)."""
    rows = made.execute(
        "SELECT bench.word(k) FROM generate_series(%s::bigint, %s::bigint, %s::bigint) k",
        [first, last - 1, (last - first) // 50],
    )
    return [row[0] for row in rows]


def _steps(text: str) -> dict[str, str]:
    """The parts of the script by name."""
    return {name: body for name, _, body in (part.partition("\n") for part in text.split("-- step: ")[1:])}


def _remember(made: psycopg.Connection, *, cases: int) -> None:
    """Sizes, names and rules that the script reads."""
    from makegood.app.demo.people import FIRST_NAMES, LAST_NAMES
    from makegood.recover.cases import triage
    from makegood.recover.cases.service_levels.defaults import ANSWER_WITHIN, RESOLVE_WITHIN

    made.execute("CREATE SCHEMA bench")
    constants = {
        "cases": ("bigint", cases), "orders": ("bigint", cases * 6 // 5),
        "customers": ("bigint", max(10, cases * 3 // 10)), "now": ("timestamptz", datetime.now(UTC)),
        "syllables": ("text", SYLLABLES),
    }  # fmt: skip
    for name, (kind, value) in constants.items():
        made.execute(
            sql.SQL("CREATE FUNCTION bench.{}() RETURNS {} IMMUTABLE PARALLEL SAFE RETURN {}::{}").format(
                sql.Identifier(name), sql.SQL(kind), sql.Literal(value), sql.SQL(kind)
            )
        )
    for table, names in {"first_name": FIRST_NAMES, "last_name": LAST_NAMES}.items():
        made.execute(
            f"CREATE TABLE bench.{table} AS"
            " SELECT nr - 1 AS nr, name FROM unnest(%s::text[]) WITH ORDINALITY AS t (name, nr)",
            [list(names)],
        )
    made.execute("CREATE TABLE bench.harm (severity int, answer interval, resolve interval, shift interval)")
    for severity, shift in triage.HARM_BY_SEVERITY.items():
        row = [severity, ANSWER_WITHIN[severity], RESOLVE_WITHIN[severity], shift]
        made.execute("INSERT INTO bench.harm VALUES (%s, %s, %s, %s)", row)


def _hire(made: psycopg.Connection) -> None:
    """Sixty people who work cases. Two of them can sign in."""
    from django.contrib.auth.hashers import make_password

    password, at = make_password(PASSWORD), datetime(2020, 1, 1, tzinfo=UTC)
    made.execute(
        """
        INSERT INTO staff_user (id, username, first_name, last_name, email, password, role, time_zone, is_superuser,
                                is_staff, is_active, date_joined)
        SELECT makegood_uuid7(), name, initcap(name), 'Bench', name || '@bench.example.com', %s, 'manager', '', false,
               false, true, %s
        FROM unnest(%s::text[] || array(SELECT 'person' || n FROM generate_series(1, 58) n)) AS name
        """,
        [password, at, [EVERYTHING, SOME_PLACES]],
    )
    made.execute(
        "CREATE TABLE bench.people AS SELECT row_number() OVER (ORDER BY username) - 1 AS nr, id FROM staff_user"
    )


def _parts(made: psycopg.Connection) -> list[Part]:
    """Foreign keys to and from the large tables, then their unique constraints and indexes, but for primary keys."""
    found = made.execute(
        """
        WITH large AS (SELECT unnest(%s::text[])::regclass AS id)
        SELECT 1,
               format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', conrelid::regclass, conname, pg_get_constraintdef(oid)),
               format('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, conname)
        FROM pg_constraint
        WHERE contype = 'f' AND (conrelid IN (SELECT id FROM large) OR confrelid IN (SELECT id FROM large))
        UNION ALL
        SELECT 2,
               format('ALTER TABLE %%s ADD CONSTRAINT %%I %%s', conrelid::regclass, conname, pg_get_constraintdef(oid)),
               format('ALTER TABLE %%s DROP CONSTRAINT %%I', conrelid::regclass, conname)
        FROM pg_constraint WHERE contype = 'u' AND conrelid IN (SELECT id FROM large)
        UNION ALL
        SELECT 3, pg_get_indexdef(indexrelid), format('DROP INDEX %%s', indexrelid::regclass)
        FROM pg_index i WHERE indrelid IN (SELECT id FROM large) AND NOT indisprimary
          AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)
        ORDER BY 1
        """,
        [list(TABLES)],
    ).fetchall()
    return [Part(up, down) for _, up, down in found]
