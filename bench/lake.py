"""How fast facts reach the lake and a report comes out of it, on the database that the settings name.

    MAKEGOOD_HOME=... python bench/lake.py [--week 2018-W09] [--json]

Beside the refresh, in the same run: PostgreSQL's own COPY of the same rows to nowhere, as the floor.
"""

import argparse
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable
from typing import Any

from makegood.app.cli.start import set_up


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--week", default="2018-W09")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "makegood.app.config.settings")
    set_up()

    import psycopg
    from django.conf import settings
    from django.utils import timezone

    from makegood.lead.scorecards.services.weekly import weekly_report
    from makegood.prevent import lake

    now = timezone.now()
    with tempfile.TemporaryDirectory() as folder:
        settings.MAKEGOOD_LAKE = folder
        full, summary = timed(lambda: lake.refresh_lake(now=now))
        again, repeated = timed(lambda: lake.refresh_lake(now=now))
        first, _ = timed(lambda: weekly_report(week=options.week, now=now))
        report, _ = timed(lambda: weekly_report(week=options.week, now=now))
        size = lake.lake_state().bytes
    with psycopg.connect(lake.dsn()) as connection:
        floor, _ = timed(lambda: [_copy(connection, table.rows()) for table in lake.TABLES])
    rows = sum(fact.rows for fact in summary.facts)
    result = {
        "rows": rows,
        "lake_megabytes": round(size / 1e6, 1),
        "full_refresh_seconds": round(full, 2),
        "copy_to_nowhere_seconds": round(floor, 2),
        "full_refresh_over_copy": round(full / floor, 2),
        "second_refresh_seconds": round(again, 2),
        "second_refresh_rows": repeated.copied,
        "first_report_seconds": round(first, 2),
        "report_seconds": round(report, 2),
        "peak_memory_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    if options.json:
        print(json.dumps(result, indent=2))
    else:
        for name, value in result.items():
            print(f"{name.replace('_', ' '):<28}{value:>14,}")


def _copy(connection: Any, sql: str) -> None:
    with connection.cursor() as cursor, cursor.copy(f"COPY ({sql}) TO STDOUT (FORMAT binary)") as copy:
        for _ in copy:
            pass


if __name__ == "__main__":
    main()
