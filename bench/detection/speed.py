"""How long detection takes on many cases, how large its state is, and how soon a case is judged.

    python -m bench.detection.speed --cases 1000000 --exposures 50000000

Made up of what the detector sees: exposures of seven dimensions with values of very different sizes, cases by rates of
their own. Only the detector is timed: not the making, not the reading.
"""

import argparse
import json
import resource
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from makegood.engines.statistics.detection import Detector

START = datetime(2025, 1, 1, tzinfo=UTC)
DAYS, WARM_UP = 365, 60
SIZES = {"carrier": 16, "warehouse": 3, "lane": 105, "category": 8, "channel": 3, "how": 28}
DIMENSIONS = ("reason", *SIZES)
REASONS = np.array([0.35, 0.25, 0.15, 0.12, 0.08, 0.05])


def part(dice, effects, first, days, exposures, rate):
    """Exposures of some days, and the cases among them, as tables."""
    at = np.sort(dice.integers(0, days * 1440, exposures)) + first * 1440
    codes = {
        name: np.minimum(dice.pareto(0.9, exposures) * size / 20, size - 1).astype(np.int32)
        for name, size in SIZES.items()
    }
    chance = np.full(exposures, rate)
    for name, column in codes.items():
        chance *= effects[name][column]
    hit = np.flatnonzero(dice.random(exposures) < chance)
    delay = np.exp(dice.normal(np.log(20), 0.9, len(hit))) * 60
    reported = at[hit] + delay.astype(np.int64)
    seen = {"at": moments(at)} | {name: texts(column, SIZES[name]) for name, column in codes.items()}
    told = {"reported_at": moments(reported), "exposed_at": moments(at[hit])}
    told |= {name: texts(column[hit], SIZES[name]) for name, column in codes.items()}
    told["reason"] = texts(dice.choice(6, len(hit), p=REASONS).astype(np.int32), 6)
    told["case_id"] = pa.array((at[hit] * 1000 + np.arange(len(hit)) % 1000).astype(str))
    return pa.table(seen), pa.table(told)


def moments(minutes):
    return pa.array((minutes * 60_000_000 + int(START.timestamp()) * 1_000_000), pa.timestamp("us", "UTC"))


def texts(codes, size):
    return pa.DictionaryArray.from_arrays(pa.array(codes), pa.array([f"v{i}" for i in range(size)]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--exposures", type=int, default=10_000_000)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    dice = np.random.default_rng(1)
    effects = {name: dice.lognormal(0, 0.25, size) for name, size in SIZES.items()}
    Detector(DIMENSIONS, one_false_alarm_in=30).advance(*warm(effects), START + timedelta(days=70))  # compiled now
    detector, cpu, cases, exposures, signals = Detector(DIMENSIONS, one_false_alarm_in=30), 0.0, 0, 0, 0
    rate = given.cases / given.exposures
    for first in range(0, DAYS, 5):
        days = min(5, DAYS - first)
        seen, told = part(dice, effects, first, days, given.exposures * days // DAYS, rate)
        began = time.process_time()
        found = detector.advance(seen, told, START + timedelta(days=first + days))
        cpu += time.process_time() - began
        cases, exposures = cases + len(told), exposures + len(seen)
        signals += sum(finding.event == "raised" for finding in found)
    with tempfile.TemporaryDirectory() as folder:
        began = time.process_time()
        detector.save(Path(folder) / "state")
        saving = time.process_time() - began
        size = (Path(folder) / "state").stat().st_size
    waits = judged_one_by_one(dice, effects, detector, rate)
    result = {
        "cases": cases, "exposures": exposures, "cpu_s": cpu, "cpu_s_per_million_cases": cpu / cases * 1e6,
        "cells": int(detector.state.keys[2][0]), "slices": int(detector.state.slices[2][0]), "state_mb": size / 1e6,
        "save_s": saving, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000, "signals": signals,
        "one_call_ms_median": float(np.median(waits) * 1000), "one_call_ms_longest": float(max(waits) * 1000),
    }  # fmt: skip
    print(json.dumps(result) if given.json else "\n".join(f"{name:28s} {value:,.3f}" for name, value in result.items()))


def warm(effects):
    seen, told = zip(
        *(part(np.random.default_rng(2), effects, first, 10, 20_000, 0.02) for first in range(0, 70, 10)), strict=True
    )
    return pa.concat_tables(seen), pa.concat_tables(told)


def judged_one_by_one(dice, effects, detector, rate):
    """Seconds of each of 60 calls, each with a minute's cases at ten a second."""
    waits = []
    for minute in range(60):
        seen, told = part(dice, effects, DAYS, 1, int(600 / rate), rate)
        now = START + timedelta(days=DAYS, minutes=minute)
        column = moments(np.full(len(told), DAYS * 1440 + minute))
        told = told.set_column(told.schema.get_field_index("reported_at"), "reported_at", column)
        seen = seen.set_column(0, "at", moments(np.full(len(seen), DAYS * 1440 + minute)))
        began = time.perf_counter()
        detector.advance(seen, told, now + timedelta(minutes=1))
        waits.append(time.perf_counter() - began)
    return waits


if __name__ == "__main__":
    main()
