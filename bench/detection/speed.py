"""How long detection takes on many cases, how large its state is, and how much memory that needs.

    python -m bench.detection.speed [--cases 10000000 --exposures 100000000] [--days-at-once 5] [--seed 1] [--json]

Made up of what the detector sees, some days at a time, so that nothing is ever all in memory: exposures of seven
dimensions with values of very different sizes, cases by rates of their own. Only the detector is timed: not the start,
not the compiling, not the making, not the reading. The same seed gives the same world, in pieces of whatever size.
"""

import argparse
import json
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from makegood.engines.statistics.detection import Detector

START: Final = datetime(2025, 1, 1, tzinfo=UTC)
DAYS: Final = 365
SIZES: Final = {"carrier": 16, "warehouse": 3, "lane": 105, "category": 8, "channel": 3, "how": 28}
DIMENSIONS: Final = ("reason", *SIZES)
REASONS: Final = np.array([0.35, 0.25, 0.15, 0.12, 0.08, 0.05])
QUARTERS: Final = 4


class World:
    """Purchases and the cases among them, a day at a time."""

    def __init__(self, seed: int, exposures: int, cases: int) -> None:
        self.seed, self.a_day = seed, exposures // DAYS
        dice = np.random.default_rng(seed)
        self.effects = {name: dice.lognormal(0, 0.25, size) for name, size in SIZES.items()}
        self.rate = cases / exposures / self._chances(self._codes(dice, 200_000)).mean()

    def _codes(self, dice: np.random.Generator, count: int) -> dict[str, Any]:
        return {
            name: np.minimum(dice.pareto(0.9, count) * size / 20, size - 1).astype(np.int32)
            for name, size in SIZES.items()
        }

    def _chances(self, codes: dict[str, Any]) -> Any:
        return np.prod([self.effects[name][column] for name, column in codes.items()], axis=0)

    def day(self, day: int) -> tuple[pa.Table, pa.Table]:
        """Exposures of a day, and the cases that come of them, whenever they are reported."""
        dice = np.random.default_rng((self.seed, day))
        at = np.sort(dice.integers(0, 1440, self.a_day)) + day * 1440
        codes = self._codes(dice, self.a_day)
        hit = np.flatnonzero(dice.random(self.a_day) < self.rate * self._chances(codes))
        reported = at[hit] + (np.exp(dice.normal(np.log(20), 0.9, len(hit))) * 60).astype(np.int64)
        seen = {"at": moments(at)} | {name: texts(column, SIZES[name]) for name, column in codes.items()}
        told = {"reported_at": moments(reported), "exposed_at": moments(at[hit])}
        told |= {name: texts(column[hit], SIZES[name]) for name, column in codes.items()}
        told["reason"] = texts(dice.choice(len(REASONS), len(hit), p=REASONS).astype(np.int32), len(REASONS))
        told["case_id"] = pa.array((at[hit] * 1_000_000 + np.arange(len(hit))).astype(str))
        return pa.table(seen), pa.table(told)

    def days(self, first: int, last: int) -> tuple[pa.Table, pa.Table]:
        seen, told = zip(*(self.day(day) for day in range(first, last)), strict=True)
        return pa.concat_tables(seen), pa.concat_tables(told)


def moments(minutes: Any) -> pa.Array:
    return pa.array((minutes * 60_000_000 + int(START.timestamp()) * 1_000_000), pa.timestamp("us", "UTC"))


def texts(codes: Any, size: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(codes), pa.array([f"v{i}" for i in range(size)]))


def in_pieces(world: World, at_once: int) -> Iterator[tuple[pa.Table, pa.Table, int]]:
    for first in range(0, DAYS, at_once):
        last = min(first + at_once, DAYS)
        yield *world.days(first, last), last


def measure(world: World, at_once: int) -> dict[str, Any]:
    """Processor seconds of the detector over a year, and its state."""
    compiling = World(2, DAYS * 2000, DAYS * 40)
    Detector(DIMENSIONS, one_false_alarm_in=30).advance(*compiling.days(0, 70), START + timedelta(days=70))
    detector, cpu, cases, exposures, signals = Detector(DIMENSIONS, one_false_alarm_in=30), 0.0, 0, 0, 0
    making, quarters = -time.process_time(), [[0.0, 0] for _ in range(QUARTERS)]
    for seen, told, last in in_pieces(world, at_once):
        began = time.process_time()
        found = detector.advance(seen, told, START + timedelta(days=last))
        took = time.process_time() - began
        cpu, cases, exposures = cpu + took, cases + len(told), exposures + len(seen)
        signals += sum(finding.event == "raised" for finding in found)
        quarter = quarters[min(last * QUARTERS // DAYS, QUARTERS - 1)]
        quarter[0] += took
        quarter[1] += len(told)
        if sys.stderr.isatty() or last % 30 < at_once:
            print(f"day {last}: {cases:,} cases, {cpu:,.0f} s, {resident():,.0f} MB", file=sys.stderr, flush=True)
    making += time.process_time() - cpu
    by_quarter = {f"s_per_million_quarter_{n}": s / max(c, 1) * 1e6 for n, (s, c) in enumerate(quarters, 1)}
    result = {
        "cases": cases, "exposures": exposures, "signals": signals, "making_cpu_s": making, "cpu_s": cpu,
        "cpu_s_per_million_cases": cpu / cases * 1e6, **by_quarter,
        "cells": int(detector.state.keys[2][0]), "slices": int(detector.state.slices[2][0]),
        "pss_mb": resident("Pss"), "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }  # fmt: skip
    return result | kept(detector)


def resident(what: str = "Rss") -> float:
    """Megabytes of this process now; `Pss` counts what is shared by share."""
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{what}:")) / 1024


def kept(detector: Detector) -> dict[str, float]:
    """How large the state is on disk, and how long writing and reading it take, by the clock."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "state"
        began = time.perf_counter()
        detector.save(path)
        saved = time.perf_counter()
        Detector.load(path)
        return {
            "state_mb": path.stat().st_size / 2**20, "save_s": saved - began, "load_s": time.perf_counter() - saved,
        }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--exposures", type=int, default=10_000_000)
    parser.add_argument("--days-at-once", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    result = measure(World(given.seed, given.exposures, given.cases), given.days_at_once)
    if given.json:
        print(json.dumps(result, indent=2))
    else:
        for name, value in result.items():
            print(f"{name.replace('_', ' '):36}{value:>16,.{0 if isinstance(value, int) else 2}f}")


if __name__ == "__main__":
    main()
