"""How many planted incidents detection finds, how exactly, and how often it calls for nothing.

    python -m bench.detection.quality --traffic olist --worlds 6 --days 30 [--model shocks] [--nightly] [--json]

Purchases are real (`worlds.py`); cases and incidents are drawn. Every seed gives two worlds: one with twenty incidents
a year and one with none, on which false alarms are counted. An alarm is right if at least a quarter of the cases in its
slice and window, and at least two, come from one incident that goes on or ended within a week: a broad slice cannot
claim a small incident, nor a lucky tiny one a single case. A slice is exact if it cuts the very same purchases out of
all that were made until then (a seller sends from one state: naming both is no other slice), and the same reasons. F1
takes the slice of the first alarm of an incident; `F1_now` the one that the signal had last. `visible` is the share of
incidents whose cases chance would bring once in a million such windows: few others can be found among all slices.
"""

import argparse
import json
import os
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
from bench.detection.worlds import DAY, MODELS, REASONS, TRAFFIC, WARM_UP, Traffic, World, make, within
from scipy.stats import poisson

from makegood.engines.statistics.detection import Detector

ROOT = Path(__file__).resolve().parents[2]
AT_ONCE = timedelta(days=28)
GOES_ON = 7 * DAY  # an alarm comes at most so long after the end
MONTH = 30.4


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    data = Path(os.environ.get("MAKEGOOD_SHARED_DATA") or ROOT.parent / "shared" / "data")
    parser.add_argument("--traffic", choices=TRAFFIC, default="olist")
    parser.add_argument("--data", type=Path, default=data, help="where its folder is")
    parser.add_argument("--worlds", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1, help="of the first world")
    parser.add_argument("--days", type=float, default=30, help="one false alarm in so many")
    parser.add_argument("--model", choices=MODELS, default="as-generated", help="of the worlds without incidents")
    parser.add_argument("--nightly", action="store_true", help="cases of one reason all come at midnight")
    parser.add_argument("--list", action="store_true", help="also print every incident and what became of it")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    folder = given.data / given.traffic
    if not folder.is_dir():
        print(f"No {given.traffic} data at {folder}: set MAKEGOOD_SHARED_DATA.", file=sys.stderr)
        return 1
    traffic = TRAFFIC[given.traffic](folder)
    judged, quiet, cpu, cases = [], [], 0.0, 0
    for seed in range(given.seed, given.seed + given.worlds):
        world = make(traffic, seed, incidents=True, nightly=given.nightly)
        alarms, seconds = detect(world, given.days)
        judged.append(judge(world, alarms))
        cpu, cases = cpu + seconds, cases + len(world.told)
        alarms, seconds = detect(
            make(traffic, seed, incidents=False, model=given.model, nightly=given.nightly), given.days
        )
        quiet.append(sum(alarm["event"] == "raised" for alarm in alarms))
        if given.list:
            for one in judged[-1]["incidents"]:
                print(seed, json.dumps(one, default=float))
    result = summary(judged, quiet, (traffic.at[-1] / DAY - WARM_UP) / MONTH * given.worlds)
    result |= {"promised_false_alarms": MONTH / given.days, "cpu_s_per_million_cases": cpu / cases * 1e6}
    result |= {"cases_a_world": cases // given.worlds, "exposures": len(traffic.at)}
    print(json.dumps(result) if given.json else "\n".join(f"{key:28s} {value:,.3f}" for key, value in result.items()))
    return 0


def detect(world: World, days: float) -> tuple[list[dict], float]:
    """What the detector says, knowing nothing before its time, and the processor time it took."""
    traffic = world.traffic
    start = traffic.origin.astype(datetime).replace(tzinfo=UTC)
    values = [np.array([f"reason{r}" for r in range(len(REASONS))]), *traffic.values]
    exposures = pa.table({"at": _moments(start, traffic.at)} | {
        name: _texts(column, texts)
        for name, column, texts in zip(traffic.names[1:], traffic.codes.T, traffic.values, strict=True)
    })  # fmt: skip
    cases = pa.table({
        "case_id": pa.array([str(case) for case in range(len(world.told))]),
        "reported_at": _moments(start, world.told), "exposed_at": _moments(start, traffic.at[world.purchase]),
    } | {
        name: _texts(column, texts) for name, column, texts in zip(traffic.names, world.codes.T, values, strict=True)
    })  # fmt: skip
    numbers = [{text: code for code, text in enumerate(texts)} for texts in values]
    detector, alarms, began = Detector(traffic.names, one_false_alarm_in=days), [], time.process_time()
    end = int(traffic.at[-1] // DAY) + 1
    for first in range(0, end, AT_ONCE.days):
        last = min(first + AT_ONCE.days, end)
        seen = exposures.slice(*_part(traffic.at, first, last))
        told = cases.slice(*_part(world.told, first, last))
        for found in detector.advance(seen, told, start + timedelta(days=last)):
            slice_ = {traffic.names.index(name): value for name, value in found.slice.items()}
            alarms.append({
                "event": found.event, "signal": found.signal, "at": (found.at - start) / timedelta(hours=1),
                "since": (found.since - start) / timedelta(hours=1), "observed": found.observed,
                "slice": {d: numbers[d][value] for d, value in slice_.items()}, "expected": found.expected,
            })  # fmt: skip
    return alarms, time.process_time() - began


def judge(world: World, alarms: list[dict]) -> dict:
    """What became of each incident, and how many of the alarms were right."""
    first: dict[int, dict] = {}
    last: dict[int, dict] = {}
    right = raised = 0
    for alarm in alarms:
        if alarm["event"] == "closed":
            continue
        number = _right(world, alarm)
        raised += alarm["event"] == "raised"
        if number >= 0:
            right += alarm["event"] == "raised"
            first.setdefault(number, alarm)
            last[number] = alarm
    rows = []
    for number, one in enumerate(world.incidents):
        row = {key: one[key] for key in ("kind", "cases", "usual")}
        row |= {"slice": _named(world.traffic, one["slice"]), "found": number in first}
        if number in first:
            mine = world.incident == number
            purchased, told = world.traffic.at[world.purchase[mine]], world.told[mine]
            at = first[number]["at"]
            row |= {
                "as": _named(world.traffic, first[number]["slice"]), "days": (at - one["begins"]) / DAY,
                "told": int((told <= at).sum()), "hit": float((purchased <= at).mean()),
                "exact": _same(world.traffic, one, first[number]["slice"]),
                "exact_now": _same(world.traffic, one, last[number]["slice"]),
            }  # fmt: skip
        rows.append(row)
    return {"incidents": rows, "raised": raised, "right": right}


def _right(world: World, alarm: dict) -> int:
    """The incident that an alarm is right about, or -1."""
    lower, upper = np.searchsorted(world.told, [alarm["since"], alarm["at"] + 1e-9])
    claimed = world.incident[lower:upper][within(world.codes[lower:upper], alarm["slice"])]
    counts = np.bincount(claimed[claimed >= 0], minlength=1)
    number = int(counts.argmax())
    if counts[number] < max(2, 0.25 * len(claimed)):
        return -1
    one = world.incidents[number]
    return number if one["begins"] <= alarm["at"] <= one["ends"] + GOES_ON else -1


def _same(traffic: Traffic, one: dict, slice_: dict[int, int]) -> bool:
    if one["slice"].get(0) != slice_.get(0):
        return False
    codes = traffic.codes[: np.searchsorted(traffic.at, one["ends"])]
    first, second = ({d - 1: value for d, value in it.items() if d} for it in (one["slice"], slice_))
    return bool((within(codes, first) == within(codes, second)).all())


def summary(judged: list[dict], quiet: list[int], months: float) -> dict[str, float]:
    rows = [row for world in judged for row in world["incidents"]]
    found = [row for row in rows if row["found"]]
    raised, right = (sum(world[key] for world in judged) for key in ("raised", "right"))
    visible = [poisson.sf(row["usual"] + row["cases"] - 1, row["usual"]) < 1e-6 for row in rows]
    result = {
        "incidents": len(rows),
        "recall": _share(len(found), len(rows)),
        "visible": _share(sum(visible), len(rows)),
    }
    for name in ("F1", "F1_now"):
        exact = sum(row["exact" if name == "F1" else "exact_now"] for row in found)
        result[name] = _share(2 * exact, raised + len(rows))
    result |= {
        "false_alarms_a_month": sum(quiet) / months, "beside_incidents": (raised - right) / months,
        "alerts_per_detection": _share(right, len(found)),
    }  # fmt: skip
    for kind in dict.fromkeys(row["kind"] for row in rows):
        of_kind = [row["found"] for row in rows if row["kind"] == kind]
        result[f"recall_{kind}"] = _share(sum(of_kind), len(of_kind))
    for lower, upper in ((5, 10), (10, 20), (20, 61)):
        of_size = [row["found"] for row in rows if lower <= row["cases"] < upper]
        result[f"recall_{lower}_to_{upper - 1}_cases"] = _share(sum(of_size), len(of_size))
    if found:
        for key, name in (("days", "median_days"), ("told", "median_cases"), ("hit", "median_share_hit_before")):
            result[name] = float(np.median([row[key] for row in found]))
    return result


def _share(part: float, whole: float) -> float:
    return part / whole if whole else 0.0


def _named(traffic: Traffic, slice_: dict[int, int]) -> dict[str, str]:
    return {
        traffic.names[d]: str(traffic.values[d - 1][value]) if d else f"reason{value}" for d, value in slice_.items()
    }


def _part(at: np.ndarray, first: int, last: int) -> tuple[int, int]:
    lower, upper = np.searchsorted(at, [first * DAY, last * DAY])
    return int(lower), int(upper - lower)


def _moments(start: datetime, hours: np.ndarray) -> pa.Array:
    return pa.array((hours * 3_600_000_000 + start.timestamp() * 1_000_000).astype(np.int64), pa.timestamp("us", "UTC"))


def _texts(codes: np.ndarray, texts: np.ndarray) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(list(texts)))


if __name__ == "__main__":
    sys.exit(main())
