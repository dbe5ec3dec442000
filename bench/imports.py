"""How fast a retailer's history comes in, beside plain COPY of the same rows into unindexed tables.

    python bench/imports.py [--olist DIR] [--orders 200000] [--rounds 3] [--json]

The floor takes rows that are already parsed, typed and resolved and does nothing but COPY them (CSV format, as psycopg
hands them over) into logged tables without index, constraint or trigger. The import starts from files: it unpacks,
parses, checks, resolves references and keeps every index. Both run on the same server in the same run; the best of the
rounds counts.
"""

import argparse
import atexit
import json
import os
import resource
import shutil
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--olist",
        type=Path,
        default=Path(os.environ.get("MAKEGOOD_SHARED_DATA", ROOT.parent / "shared/data")) / "olist",
    )
    parser.add_argument("--orders", type=int, default=200_000, help="of the synthetic feed")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    home = Path(tempfile.mkdtemp(prefix="makegood-bench-"))
    atexit.register(shutil.rmtree, home, ignore_errors=True)  # after the database has stopped: it registers later
    os.environ.update(MAKEGOOD_HOME=str(home), DJANGO_SETTINGS_MODULE="makegood.app.config.settings", DATABASE_URL="")
    from makegood.app.cli.start import set_up

    set_up()
    results = []
    if given.olist.is_dir():
        results.append(_measure("olist", lambda: _olist(given.olist), given.rounds))
    else:
        print(f"no Olist data at {given.olist}: left out", file=sys.stderr)
    _make_feed(home / "feed", given.orders)
    results.append(_measure("synthetic feed", lambda: _feed(home / "feed"), given.rounds))
    if given.json:
        print(json.dumps(results, indent=2))
        return
    for result in results:
        print("\n{name}: {rows:,} rows; import {import_seconds:.1f} s ({import_rows_per_second:,}/s), plain COPY "
              "{copy_seconds:.1f} s ({copy_rows_per_second:,}/s); ratio {ratio:.2f} (goal 0.33); again, nothing changed: "  # noqa: E501
              "{again_seconds:.1f} s; peak memory {peak_mb:,} MB".format(**result))  # fmt: skip


def _measure(name: str, bring_in: Any, rounds: int) -> dict[str, Any]:
    imports, copies, again = [], [], []
    rows = 0
    for _ in range(rounds):
        _empty()
        imported = bring_in()
        imports.append(imported.seconds)
        rows = sum(counts.read for counts in imported.tables.values())
        second = bring_in()
        if second.changed:
            raise SystemExit(f"{name}: the second import changed {second.changed} rows")
        again.append(second.seconds)
        copies.append(_copy_plainly(list(imported.tables)))
    return {
        "name": name, "rows": rows, "import_seconds": round(min(imports), 2), "copy_seconds": round(min(copies), 2),
        "again_seconds": round(min(again), 2), "import_rows_per_second": round(rows / min(imports)),
        "copy_rows_per_second": round(rows / min(copies)), "ratio": round(min(copies) / min(imports), 3),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "all": {"imports": imports, "copies": copies},
    }  # fmt: skip


def _tables() -> dict[str, Any]:
    from makegood.ground.retail.feed import TABLES

    return {table.name: table for table in TABLES}


def _empty() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        names = ", ".join(table.db_table for table in _tables().values())
        cursor.execute(f"TRUNCATE {names}, retail_reject, retail_importrun, retail_source CASCADE")


def _copy_plainly(names: list[str]) -> float:
    """Seconds to COPY what is now in the tables into bare ones."""
    from django.db import connection

    seconds = 0.0
    for name in names:
        table = _tables()[name]
        columns = ", ".join(f'"{c}"' for c in ("id", "source_id", *(column.db_column for column in table.columns)))
        with connection.cursor() as cursor:
            with cursor.copy(f"COPY (SELECT {columns} FROM {table.db_table}) TO STDOUT (FORMAT csv)") as out:
                text = b"".join(bytes(piece) for piece in out)
            cursor.execute("DROP TABLE IF EXISTS floor")
            cursor.execute(f"CREATE TABLE floor AS SELECT {columns} FROM {table.db_table} WITH NO DATA")
            started = time.perf_counter()
            with cursor.copy(f"COPY floor ({columns}) FROM STDIN (FORMAT csv)") as copy:
                for start in range(0, len(text), 1 << 20):
                    copy.write(text[start : start + (1 << 20)])
            seconds += time.perf_counter() - started
            cursor.execute("DROP TABLE floor")
    return seconds


def _olist(directory: Path) -> Any:
    from makegood.ground.retail.services.importing import import_olist

    return import_olist(directory=directory, now=datetime.now(UTC))


def _feed(directory: Path) -> Any:
    from makegood.ground.retail.services.importing import import_feed

    return import_feed(directory=directory, source="made", now=datetime.now(UTC))


def _make_feed(directory: Path, orders: int) -> None:
    """CSV files with a customer for every second order, two lines, one shipment and one payment for every order."""
    import duckdb

    directory.mkdir()
    queries = {
        "products": f"SELECT 'P' || i AS ref, 'Product ' || i AS name, 'Category ' || i % 40 AS category FROM range({orders // 50}) r(i)",  # noqa: E501
        "customers": f"SELECT 'K' || i AS ref, 'Customer ' || i AS name, 'c' || i || '@example.com' AS email, 'Leeds' AS city FROM range({orders // 2}) r(i)",  # noqa: E501
        "orders": f"""SELECT 'O' || i AS ref, 'K' || (i * 7919) % {orders // 2} AS customer, 'delivered' AS status,
            TIMESTAMP '2025-01-01' + to_minutes(i) AS placed_at, TIMESTAMP '2025-01-05' + to_minutes(i) AS promised_at,
            (i % 9000) / 100 AS total, 'GBP' AS currency FROM range({orders}) r(i)""",
        "shipments": f"""SELECT 'S' || i AS ref, 'O' || i AS "order", 'Leeds' AS from_state,
            TIMESTAMP '2025-01-02' + to_minutes(i) AS handed_over_at, TIMESTAMP '2025-01-04' + to_minutes(i) AS delivered_at
            FROM range({orders}) r(i)""",  # noqa: E501
        "order_lines": f"""SELECT 'L' || i AS ref, 'O' || i // 2 AS "order", 'P' || (i * 31) % {orders // 50} AS product,
            1 + i % 2 AS position, (i % 5000) / 100 AS unit_price FROM range({orders * 2}) r(i)""",  # noqa: E501
        "payments": f"""SELECT 'Y' || i AS ref, 'O' || i AS "order", 'card' AS method, (i % 9000) / 100 AS amount
            FROM range({orders}) r(i)""",
    }  # fmt: skip
    with duckdb.connect() as db:
        for name, query in queries.items():
            db.execute(f"COPY ({query}) TO '{directory}/{name}.csv'")


if __name__ == "__main__":
    main()
