"""How fast people are told of clocks that run out: ten thousand in one minute, among ten times as many that do not.

    python -m bench.clocks [--due 10000] [--idle 100000] [--json]

The floor writes the very rows that telling wrote (events, notices) once more, plainly, into unindexed tables in the
same database. A look that finds nothing is measured with few and with many cases whose clocks run: it must not grow
with what is not due.
"""

import argparse
import atexit
import json
import os
import shutil
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

NOON = datetime(2026, 3, 5, 12, tzinfo=UTC)
LOOKS = 20


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--due", type=int, default=10_000)
    parser.add_argument("--idle", type=int, default=100_000)
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
    print(
        "{told:,} clocks told in {seconds} s ({per_second:,} a second; the same rows plainly: {floor_seconds} s, ratio "
        "{ratio})\na look that finds nothing: {look_ms_few} ms among {due:,} cases, {look_ms_many} ms among {all:,}\n"
        "opening: {opened_per_second:,} cases a second".format(**result)
    )
    return 0


def measure(due: int, idle: int) -> dict[str, Any]:
    from django.db import connection

    from makegood.ground.messages.models import Notice
    from makegood.ground.staff.models import User
    from makegood.recover.cases.models import Case
    from makegood.recover.cases.service_levels.noticing import tell_due

    people = User.objects.bulk_create([User(username=f"person{n}") for n in range(50)])
    _open(due, NOON)
    ids = list(Case.objects.values_list("pk", flat=True))
    for n, person in enumerate(people):
        Case.objects.filter(pk__in=ids[n :: len(people)]).update(assignee=person)
    few = _look(lambda: tell_due(now=NOON))
    began = time.perf_counter()
    _open(idle, NOON + timedelta(days=30))
    opening = time.perf_counter() - began
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    many = _look(lambda: tell_due(now=NOON))
    first = Case.objects.filter(pk=ids[0]).get()
    assert first.answer_due_at
    began = time.perf_counter()
    told = tell_due(now=first.answer_due_at)
    seconds = time.perf_counter() - began
    assert told == Notice.objects.count() == due, "each once, none missing"
    with connection.cursor() as cursor:
        began = time.perf_counter()
        cursor.execute("CREATE TABLE floor_event AS SELECT * FROM cases_caseevent WHERE kind = 'clock'")
        cursor.execute("CREATE TABLE floor_notice AS SELECT * FROM outbox_notice")
        floor = time.perf_counter() - began
    return {
        "due": due, "all": due + idle, "told": told, "seconds": round(seconds, 2), "per_second": round(told / seconds),
        "floor_seconds": round(floor, 3), "ratio": round(seconds / floor, 1), "look_ms_few": round(few, 2),
        "look_ms_many": round(many, 2), "opened_per_second": round(idle / opening), "load": os.getloadavg()[0],
    }  # fmt: skip


def _open(count: int, at: datetime) -> None:
    from makegood.recover.cases.services import FirstContact, NewCase, open_cases

    for start in range(0, count, 1000):
        open_cases([
            NewCase(reason="delivery.late", subject="Late", why="It came late.", at=at,
                    contact=FirstContact(channel="email", body="It came late."))
            for _ in range(min(1000, count - start))
        ])  # fmt: skip


def _look(look: Any) -> float:
    """Median milliseconds."""
    took = []
    for _ in range(LOOKS):
        began = time.perf_counter()
        assert look() == 0
        took.append(1000 * (time.perf_counter() - began))
    return statistics.median(took)


if __name__ == "__main__":
    raise SystemExit(main())
