"""Who is affected, among generated exposures: our expressions against SQL that somebody wrote for DuckDB by hand.

    python -m bench.affected [--rows 10000000] [--repeat 3] [--json]

Both read the same Parquet files, a month each, and must give the same answer. The files are deleted afterwards.
"""

import argparse
import json
import resource
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import ibis

from makegood.engines.lake import affected as ask
from makegood.engines.lake.read import Lake
from makegood.ground.retail.facts import EXPOSURES

MONTHS = 12
# A lane: one of 8 carriers, one of 3 warehouses, one of 12 regions, three weeks of a year.
LANE = {"carrier": ["carrier-3"], "warehouse": ["warehouse-1"], "to_state": ["North West"]}
RECALL = {"product": ["product-77"], "batch": ["B-1", "B-2", "B-3"]}
SINCE, UNTIL = datetime(2025, 6, 10, tzinfo=UTC), datetime(2025, 7, 1, tzinfo=UTC)
REGIONS = (
    "North West",
    "Wales",
    "London",
    "Yorkshire",
    "Scotland",
    "South West",
    "Kent",
    "Essex",
    "Devon",
    "Ulster",
    "Fife",
    "Bute",
)


def generate(folder: Path, rows: int) -> list[str]:
    """Twelve months of exposures, two lines an order: few carriers, many products."""
    db = duckdb.connect()
    db.execute("CREATE MACRO pick(x, salt, n) AS ((hash(x * 64 + salt) >> 13) % n)::INT")
    regions = ", ".join(f"'{name}'" for name in REGIONS)
    parts = []
    for month in range(MONTHS):
        first, count = rows * month // MONTHS, rows // MONTHS
        path = str(folder / f"month={month + 1}.parquet")
        db.execute(
            f"""
            COPY (
                SELECT md5(('o' || o)::VARCHAR) AS order_id, md5(('l' || n)::VARCHAR) AS exposure_id,
                       md5(('k' || pick(o, 0, 4000000))::VARCHAR) AS customer_id, 'shop' AS source,
                       TIMESTAMPTZ '2025-01-01 00:00:00+00' + INTERVAL (o * 365 * 86400 // {rows // 2}) SECOND AS at,
                       'carrier-' || pick(o, 1, 8) AS carrier, 'warehouse-' || pick(o, 2, 3) AS warehouse,
                       'South' AS from_state, [{regions}][pick(o, 3, 12) + 1] AS to_state,
                       'category-' || pick(n, 4, 40) AS category, 'product-' || pick(n, 5, 20000) AS product,
                       'B-' || pick(n, 6, 30) AS batch, 'maker-' || pick(n, 7, 300) AS manufacturer, '' AS seller,
                       'store-' || pick(o, 8, 400) AS store, 'district-' || pick(o, 9, 20) AS district,
                       'online' AS channel, 'Sun evening' AS how,
                       (pick(n, 10, 20000) / 100)::DECIMAL(14, 2) AS value, 'GBP' AS currency
                FROM (SELECT n, n // 2 AS o FROM range({first}, {first + count}) AS r(n))
            ) TO '{path}' (FORMAT parquet, COMPRESSION zstd)
            """
        )
        parts.append(path)
    return parts


def by_hand(parts: list[str], any_of: dict[str, list[str]], since: datetime | None, until: datetime | None) -> str:
    """The same question as SQL."""
    named = ", ".join(f"'{path}'" for path in parts)
    where = [f"{name} IN ({', '.join(repr(value) for value in values)})" for name, values in any_of.items()]
    where += [f"\"at\" >= TIMESTAMPTZ '{since}'"] if since else []
    where += [f"\"at\" < TIMESTAMPTZ '{until}'"] if until else []
    return f"""
        SELECT order_id, customer_id, currency, min("at") AS "at", sum(value) AS value, count(*) AS lines
        FROM read_parquet([{named}]) WHERE {" AND ".join(where)} GROUP BY ALL
    """


def timed(work: Callable[[], Any], repeat: int) -> tuple[float, Any]:
    """Median seconds, and what came of it."""
    seconds = []
    for _ in range(repeat):
        started = time.perf_counter()
        result = work()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds), result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="exposures-"))
    try:
        found = measure(folder, options.rows, options.repeat)
    finally:
        shutil.rmtree(folder)
    if options.json:
        print(json.dumps(found, indent=2))
    else:
        for name, value in found.items():
            print(f"{name.replace('_', ' '):<36}{value:>16,}")


def measure(folder: Path, rows: int, repeat: int) -> dict[str, Any]:
    """Seconds of both, for a lane within a window and for a recall without one."""
    made, parts = timed(lambda: generate(folder, rows), 1)
    result: dict[str, Any] = {
        "exposures": rows, "megabytes": round(sum(Path(path).stat().st_size for path in parts) / 1e6),
        "seconds_to_generate": round(made, 1),
    }  # fmt: skip
    engine, hand = ibis.duckdb.connect(), duckdb.connect()
    lake = Lake(engine, {"exposures": engine.read_parquet(parts, table_name="exposures")})
    fresh = ibis.memtable(EXPOSURES.schema.empty_table())
    cuts: tuple[tuple[str, dict[str, list[str]], datetime | None, datetime | None], ...] = (
        ("lane", LANE, SINCE, UNTIL), ("recall", RECALL, None, None),
    )  # fmt: skip
    for name, any_of, since, until in cuts:
        cut = ask.Cut(any_of, since, until)
        hits = ask.hit_with_fresh(lake["exposures"].select(*EXPOSURES.schema.names), fresh, [cut])
        ours, answer = timed(lambda hits=hits: lake.answer(ask.affected_orders(hits)), repeat)
        theirs, told = timed(lambda cut=cut: hand.sql(by_hand(parts, *cut)).to_arrow_table(), repeat)
        same = sorted(answer["order_id"].to_pylist()) == sorted(told["order_id"].to_pylist())
        if not same or sum(answer["value"].to_pylist()) != sum(told["value"].to_pylist()):
            raise SystemExit(f"{name}: the answers differ")
        result |= {
            f"{name}_affected_orders": answer.num_rows, f"{name}_seconds": round(ours, 2),
            f"{name}_seconds_by_hand": round(theirs, 2), f"{name}_ratio": round(ours / theirs, 2),
        }  # fmt: skip
    return result | {"peak_memory_megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024}


if __name__ == "__main__":
    main()
