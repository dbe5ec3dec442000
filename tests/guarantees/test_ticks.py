"""What is looked at every minute costs what is due, however much is not: counted in rows that PostgreSQL reads."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from makegood.recover.cases.models import Case
from makegood.recover.cases.service_levels.noticing import tell_due
from makegood.recover.cases.services.snoozing import wake_due
from makegood.recover.commitments.models import Commitment
from makegood.recover.commitments.services import tell_what_is_due
from tests.factories import colleague, open_case

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
DUE, NOT_DUE = 5, 4000


def copies(model: Any, count: int, **own: str) -> None:
    """So many copies of the only row of a table (`n` counts them), written by PostgreSQL."""
    table = model._meta.db_table
    own = {"id": "makegood_uuid7()"} | own
    columns = {f.column: f'"{f.column}"' for f in model._meta.concrete_fields if f.column != "search"}
    values = ", ".join(own.get(name, quoted) for name, quoted in columns.items())
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(columns.values())})"
            f" SELECT {values} FROM (SELECT * FROM {table} LIMIT 1) one, generate_series(1, {count}) n"
        )
        cursor.execute(f"ANALYZE {table}")


def cases(count: int, at: datetime) -> None:
    copies(
        Case, count, number="nextval('case_number')", split_key=f"n || '{at}'", notice_at=f"'{at}'",
        snoozed_until=f"'{at}'",
    )  # fmt: skip


def promises(count: int, at: datetime) -> None:
    copies(Commitment, count, number="nextval('commitment_number')", next_notice_at=f"'{at}'")


@pytest.fixture
def one(db: None) -> None:
    """A case and a promise to copy, neither due."""
    case = open_case(at=NOON)
    Case.objects.update(notice_at=NOON + timedelta(days=9), snoozed_until=NOON + timedelta(days=9))
    Commitment.objects.create(
        kind="call", text="Call", due_at=NOON + timedelta(days=9), first_due_at=NOON + timedelta(days=9),
        owner=colleague("ana"), case=case, made_at=NOON, next_notice="due", next_notice_at=NOON + timedelta(days=9),
    )  # fmt: skip


def rows_read(statement: str) -> dict[str, int]:
    """Rows that each scan of a plan looked at, those it threw away included, by what it scanned."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}")
        found = cursor.fetchone()[0]
    plan = found if isinstance(found, list) else json.loads(found)
    read: dict[str, int] = {}
    for node in nodes(plan[0]["Plan"]):
        if "Scan" in node["Node Type"]:
            thrown = sum(node.get(name, 0) for name in ("Rows Removed by Filter", "Rows Removed by Index Recheck"))
            name = node.get("Index Name") or node.get("Relation Name", "")
            read[name] = read.get(name, 0) + round((node["Actual Rows"] + thrown) * node["Actual Loops"])
    return read


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


@pytest.mark.parametrize(
    ("add", "table", "index", "look"),
    [
        (cases, "cases_case", "case_notice", lambda: tell_due(now=NOON)),
        (cases, "cases_case", "case_snoozed", lambda: wake_due(NOON)),
        (promises, "commitments_commitment", "commitment_notice", lambda: tell_what_is_due(now=NOON)),
    ],
    ids=["clocks", "what is put off", "promises"],
)
def test_a_look_reads_what_is_due_and_nothing_else(
    one: None, add: Callable[[int, datetime], None], table: str, index: str, look: Callable[[], int]
):
    add(NOT_DUE, NOON + timedelta(days=9))
    with CaptureQueriesContext(connection) as captured:
        assert look() == 0
    asked = next(q["sql"] for q in captured.captured_queries if f'FROM "{table}"' in q["sql"])
    assert rows_read(asked).get(index) == 0, "nothing is due: nothing is read"
    add(DUE, NOON - timedelta(seconds=1))
    read = rows_read(asked)
    assert read[index] == DUE, read
    assert table not in read, "a scan of the whole table"
    assert look() > 0
