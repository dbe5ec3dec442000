"""How fast people are told of what comes due: ten thousand clocks and ten thousand promises in one minute, among few or
many that do not.

    python -m bench.clocks [--due 10000] [--idle 0 100000 1000000] [--json]

The floor writes the very rows that telling wrote (events, notices) once more, plainly, into unindexed tables in the
same database. Cases and promises that are not due are copies, written by PostgreSQL; telling must not take longer for
them, nor must a look that finds nothing.
"""

import argparse
import atexit
import json
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
LOOKS = 20


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--due", type=int, default=10_000)
    parser.add_argument("--idle", type=int, nargs="+", default=[0, 100_000, 1_000_000], help="not due, in all")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="makegood-bench-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    os.environ.update(MAKEGOOD_HOME=str(home), DJANGO_SETTINGS_MODULE="makegood.app.config.settings", DATABASE_URL="")
    from makegood.app.cli.start import set_up

    set_up()
    result = measure(given.due, given.idle)
    if given.json:
        print(json.dumps(result, indent=2))
        return 0
    print(f"{given.due:,} due in one minute, seconds (processor seconds here); load {result['load']:.1f}")
    for row in result["rows"]:
        print(
            "among {idle:>9,}: clocks {clocks_s} ({clocks_cpu_s}; plainly {floor_s}), promises {promises_s}"
            " ({promises_cpu_s}); empty looks {clocks_look_ms} and {promises_look_ms} ms".format(**row)
        )
    return 0


def measure(due: int, idle: list[int]) -> dict[str, Any]:
    from django.db import connection

    from makegood.ground.messages.models import Notice
    from makegood.ground.staff.models import User
    from makegood.recover.cases.models import Case
    from makegood.recover.cases.service_levels.noticing import tell_due
    from makegood.recover.commitments.models import Commitment
    from makegood.recover.commitments.services import tell_what_is_due

    people = User.objects.bulk_create([User(username=f"person{n}") for n in range(50)])
    rows = []
    for number, among in enumerate(idle):
        begin = NOON + timedelta(minutes=10 * number)
        _open(due, begin)
        fresh = list(Case.objects.filter(opened_at=begin).order_by("number"))
        for n, person in enumerate(people):
            Case.objects.filter(pk__in=[case.pk for case in fresh[n :: len(people)]]).update(assignee=person)
        ends = fresh[0].answer_due_at
        assert ends
        Commitment.objects.bulk_create(
            [Commitment(kind="call", text="Call", due_at=ends, first_due_at=ends, owner=people[n % len(people)],
                        case=case, made_at=begin, next_notice="due", next_notice_at=ends)
             for n, case in enumerate(fresh)],
            batch_size=2000,
        )  # fmt: skip
        _copy(among - sum(idle[number - 1 : number]), fresh[0].pk, ends + timedelta(days=90))
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        row: dict[str, Any] = {"idle": among}
        for name, tell in {"clocks": tell_due, "promises": tell_what_is_due}.items():

            def look(at: datetime, tell: Callable[..., int] = tell) -> int:
                return tell(now=at)

            row[f"{name}_look_ms"] = _look(lambda look=look, begin=begin: look(begin))
            told_before = Notice.objects.count()
            began, began_cpu = time.perf_counter(), time.process_time()
            told = look(ends)
            row[f"{name}_s"] = round(time.perf_counter() - began, 2)
            row[f"{name}_cpu_s"] = round(time.process_time() - began_cpu, 2)
            heard = Notice.objects.count() - told_before
            assert told == heard == due, f"{name}: {told} told, {heard} heard"
            if name == "clocks":
                row["floor_s"] = _floor(ends)
        rows.append(row)
    return {"due": due, "rows": rows, "load": os.getloadavg()[0]}


def _floor(at: datetime) -> float:
    """Seconds for the rows that telling wrote, written plainly."""
    from django.db import connection

    with connection.cursor() as cursor:
        began = time.perf_counter()
        cursor.execute(
            "CREATE TABLE floor_event AS SELECT * FROM cases_caseevent WHERE kind = 'clock' AND at = %s", [at]
        )
        cursor.execute("CREATE TABLE floor_notice AS SELECT * FROM outbox_notice WHERE at = %s", [at])
        took = time.perf_counter() - began
        cursor.execute("DROP TABLE floor_event, floor_notice")
    return round(took, 3)


def _open(count: int, at: datetime) -> None:
    from makegood.recover.cases.services import FirstContact, NewCase, open_cases

    for start in range(0, count, 1000):
        open_cases([
            NewCase(reason="delivery.late", subject="Late", why="It came late.", at=at,
                    contact=FirstContact(channel="email", body="It came late."))
            for _ in range(min(1000, count - start))
        ])  # fmt: skip


def _copy(count: int, of: Any, at: datetime) -> None:
    """So many copies of a case and of its promise, due at a time."""
    from django.db import connection
    from django.db.models import Model

    from makegood.recover.cases.models import Case
    from makegood.recover.commitments.models import Commitment

    def copies(model: type[Model], key: str, **own: str) -> None:
        meta, own = model._meta, {"id": "makegood_uuid7()"} | own  # noqa: SLF001  documented
        table = meta.db_table
        columns = {f.column: f'"{f.column}"' for f in meta.concrete_fields if f.column != "search"}
        values = ", ".join(own.get(name, quoted) for name, quoted in columns.items())
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(columns.values())})"
            f" SELECT {values} FROM (SELECT * FROM {table} WHERE {key} = %s) one, generate_series(1, %s) n",
            [of, count],
        )

    with connection.cursor() as cursor:
        copies(
            Case, "id", number="nextval('case_number')", notice_at=f"'{at}'", opened_at="opened_at - interval '1 day'"
        )
        copies(Commitment, "case_id", number="nextval('commitment_number')", next_notice_at=f"'{at}'")


def _look(look: Any) -> float:
    """Median milliseconds."""
    took = []
    for _ in range(LOOKS):
        began = time.perf_counter()
        assert look() == 0
        took.append(1000 * (time.perf_counter() - began))
    return round(statistics.median(took), 2)


if __name__ == "__main__":
    raise SystemExit(main())
