"""How fast history goes through intake: all months of Olist, imported into an empty database of its own.

    python -m bench.replay [--olist DIR] [--until 2018-03-20] [--json]

The floor writes the very rows that the replay made (cases, events, contacts, failures) once more, by INSERT ... SELECT
into unindexed tables in the same database: what any program must at least pay. A look of the live tick that finds
nothing, against all that history, is measured too: it must not grow with what exists.
"""

import argparse
import atexit
import json
import os
import resource
import shutil
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
WRITTEN = ("cases_case", "cases_caseevent", "cases_contact", "cases_caseaudit", "intake_failure")
LOOKS = 20


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data = Path(os.environ.get("MAKEGOOD_SHARED_DATA") or ROOT.parent / "shared" / "data")
    parser.add_argument("--olist", type=Path, default=data / "olist")
    parser.add_argument("--until", default="2018-12-31", help="the last day")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    if not given.olist.is_dir():
        print(f"No Olist data at {given.olist}: set MAKEGOOD_SHARED_DATA.", file=sys.stderr)
        return 1
    home = Path(tempfile.mkdtemp(prefix="makegood-bench-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)  # after the database has stopped: it registers later
    os.environ.update(MAKEGOOD_HOME=str(home), DJANGO_SETTINGS_MODULE="makegood.app.config.settings", DATABASE_URL="")
    from makegood.app.cli.start import set_up

    set_up()
    result = measure(given.olist, datetime.fromisoformat(given.until).replace(tzinfo=UTC) + timedelta(days=1))
    if given.json:
        print(json.dumps(result, indent=2))
        return 0
    print(
        "{orders:,} orders: {opened:,} cases opened, {attached:,} happenings added to open ones in {seconds} s "
        "(of which {own_cpu_seconds} s our own processor time), {cases_per_second:,} cases/s, "
        "peak memory {peak_mb:,} MB\n"
        "writing the same rows plainly: {floor_seconds} s, ratio {ratio}\n"
        "bad reviews with words that got a reason: {understood:.1%} of {with_words:,}\n"
        "a look that finds nothing: {look_ms} ms (median of 20)".format(**result)
    )
    return 0


def measure(olist: Path, until: datetime) -> dict[str, Any]:
    """Import, replay, write the same plainly, look."""
    from makegood.ground.retail.models import Order, Source
    from makegood.ground.retail.services.importing import import_olist
    from makegood.recover.intake import services

    import_olist(directory=olist, now=datetime.now(UTC))
    source = Source.objects.get(slug="olist")
    started, cpu = time.monotonic(), time.process_time()
    tally = services.replay(source, until)
    seconds, cpu = time.monotonic() - started, time.process_time() - cpu
    floor = _write_plainly()
    looks = []
    services.look_for_failures(until)
    for n in range(1, LOOKS + 1):
        started = time.monotonic()
        services.look_for_failures(until + timedelta(minutes=n))
        looks.append(time.monotonic() - started)
    return {
        "until": until.isoformat(), "orders": Order.objects.filter(placed_at__lte=until).count(),
        "opened": tally.opened, "attached": tally.attached, "by_reason": dict(tally.by_reason.most_common()),
        "turned": dict(tally.turned), "with_words": tally.reviews_with_words,
        "understood": tally.reviews_understood / max(1, tally.reviews_with_words),
        "seconds": round(seconds, 1), "own_cpu_seconds": round(cpu, 1),
        "cases_per_second": round(tally.opened / seconds), "floor_seconds": round(floor, 2),
        "ratio": round(seconds / floor, 1), "look_ms": round(1000 * statistics.median(looks), 1),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, "load": os.getloadavg()[0],
    }  # fmt: skip


def _write_plainly() -> float:
    from django.db import connection

    started = time.monotonic()
    with connection.cursor() as cursor:
        for table in WRITTEN:
            cursor.execute(f"CREATE TABLE floor_{table} AS SELECT * FROM {table}")
    seconds = time.monotonic() - started
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE " + ", ".join(f"floor_{table}" for table in WRITTEN))
    return seconds


if __name__ == "__main__":
    sys.exit(main())
