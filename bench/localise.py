"""How well and how fast causes are found in tables in which they are known: `python -m bench.localise [--json]`.

Worlds: `bench/_localise_worlds.py` says how they are drawn and after whom. Methods: ours
(`makegood.engines.statistics.localise`), RiskLoc as its paper describes it, with its published thresholds (written anew
with NumPy, without its pruning, which saves time only), and a Pareto of single values by excess.

A cause counts as found when its slice is named exactly. F1 is over all causes of all instances; `limit` is
roughly what can be had: the F1 of somebody who knows where every cause is and leaves out those that noise hides (below
a log likelihood ratio of 12).

Ours was made on seeds from 1000, 3000 and 70000; the figures of bench/README.md are of seeds from 90000 on,
which were drawn once, at the end.
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import combinations
from math import inf
from typing import Final

import numpy as np
from bench._localise_worlds import WORLDS, Numbers, Slice, World, within

from makegood.engines.statistics import localise

SEED: Final = 90_000
Found = set[Slice]


def ours(world: World) -> Found:
    found = localise(world.observed, world.expected, world.attributes, counts=world.history is not None,
                     history=world.history or inf)  # fmt: skip
    return {frozenset(cause.slice.items()) for cause in found.causes}


# -- RiskLoc

REMOVED, RISK, POWER = 5, 0.5, 0.02  # of the paper, section 4


def riskloc(world: World) -> Found:
    """Partition leaves by their deviation, weigh them, take the slice that holds most risk, layer by layer."""
    seen, due = world.observed, world.expected
    with np.errstate(divide="ignore", invalid="ignore"):
        deviation = np.nan_to_num(2 * (due - seen) / (due + seen))
    distinct = np.unique(deviation)
    nearest = min(distinct[min(REMOVED, distinct.size - 1)], distinct[max(-REMOVED - 1, -distinct.size)], key=abs)
    cutoff = -float(nearest)
    odd = deviation > cutoff if cutoff >= 0 else deviation < cutoff
    weight = np.minimum(
        1, np.where(odd, np.abs(deviation), np.where((seen == 0) & (due == 0), 0, np.abs(cutoff - deviation)))
    )
    power = (seen - due) / (seen.sum() - due.sum())
    if power[odd].sum() < 0:
        power = -power
    least = POWER * power[odd].sum()
    left = np.ones(seen.size, dtype=bool)
    cuboids = [names for depth in range(1, len(world.attributes) + 1)
               for names in combinations(world.attributes, depth)]  # fmt: skip
    grouped = {names: _codes(world, names) for names in cuboids}
    found: Found = set()
    while power[left & odd].sum() >= least:
        best, depth = None, 0
        for names in cuboids:
            if best is not None and len(names) > depth:
                break
            depth = len(names)
            floor = best[0] if best else least
            cells = grouped[names]
            powers = np.bincount(cells[left], power[left], minlength=cells.max() + 1)
            odds = np.bincount(cells[left], odd[left], minlength=cells.max() + 1)
            for cell in np.argsort(-powers):
                if powers[cell] <= floor:
                    break
                if not odds[cell]:
                    continue
                inside = np.flatnonzero(left & (cells == cell))
                if _risk(seen[inside], due[inside], deviation[inside], weight[inside], odd[inside]) >= RISK:
                    best = float(powers[cell]), names, inside
                    break
        if best is None:
            break
        _power, names, inside = best
        found.add(frozenset((name, int(world.attributes[name][inside[0]])) for name in names))
        left[inside] = False
    return found


def _codes(world: World, names: tuple[str, ...]) -> Numbers:
    code = np.zeros(world.observed.size, dtype=np.int64)
    for name in names:
        code = code * (world.attributes[name].max() + 1) + world.attributes[name]
    return code


def _risk(seen: Numbers, due: Numbers, deviation: Numbers, weight: Numbers, odd: Numbers) -> float:
    high = weight[odd].sum() / (weight.sum() + 1)
    both = (seen != 0) & (due != 0)
    usual = np.abs(deviation[both]).mean() if both.any() else 0.0
    if not usual:
        return float(high)
    rippled = due[both] * seen[both].sum() / due[both].sum()
    low = np.abs(2 * (rippled - seen[both]) / (rippled + seen[both])).mean() / usual
    return float(high - low)


# -- the simplest


def pareto(world: World) -> Found:
    """Single values by their excess, each with at least a tenth of the difference, until two thirds are explained."""
    whole = world.observed.sum() - world.expected.sum()
    shares = {
        frozenset([(name, int(value))]): (world.observed - world.expected)[values == value].sum() / whole
        for name, values in world.attributes.items() for value in np.unique(values)
    }  # fmt: skip
    found, explained = set(), 0.0
    for one, share in sorted(shares.items(), key=lambda row: -row[1]):
        if share < 0.1 or explained > 2 / 3:
            break
        found.add(one)
        explained += share
    return found


def visible(world: World) -> Found:
    """Causes that stand out from noise for somebody who knows where to look."""
    return {one for one in world.causes if _evidence(world, within(world.attributes, one)) > 12}


def _evidence(world: World, inside: Numbers) -> float:
    seen, due = world.observed[inside], world.expected[inside]
    if world.history is not None:
        now, then = seen.sum(), due.sum() * world.history
        rate = (now + then) / (1 + world.history)
        terms = [(now, rate), (then, rate * world.history)]
        return float(sum(value * np.log(value / usual) for value, usual in terms if value))
    clean = np.logical_and.reduce([~within(world.attributes, one) for one in world.causes])
    filled = clean & (world.expected > 0)
    noise = np.std((world.observed - world.expected)[filled] / world.expected[filled]) if filled.any() else 1.0
    change = (seen[due > 0] / due[due > 0] - 1) / max(noise, 1e-9)
    return float(change.sum() ** 2 / (2 * max(change.size, 1)))


METHODS: Final[dict[str, Callable[[World], Found]]] = {"ours": ours, "RiskLoc": riskloc, "Pareto": pareto}


@dataclass(frozen=True)
class Score:
    world: str
    method: str
    instances: int
    f1: float
    precision: float
    recall: float
    seconds: float  # of processor time per instance
    limit: float


def measure(name: str, instances: int, seed: int) -> list[Score]:
    """All methods on the same instances of one kind of world."""
    counted = {method: np.zeros(3) for method in [*METHODS, "limit"]}
    seconds = dict.fromkeys(METHODS, 0.0)
    for i in range(instances):
        world = WORLDS[name](np.random.default_rng(seed + i))
        counted["limit"] += _matches(visible(world), world.causes)
        for method, find in METHODS.items():
            started = time.process_time()
            found = find(world)
            seconds[method] += time.process_time() - started
            counted[method] += _matches(found, world.causes)
    return [
        Score(name, method, instances, *_rates(counted[method]), round(seconds[method] / instances, 4),
              _rates(counted["limit"])[0])
        for method in METHODS
    ]  # fmt: skip


def _matches(found: Found, causes: frozenset[Slice]) -> Numbers:
    return np.array([len(found & causes), len(found - causes), len(causes - found)])


def _rates(counted: Numbers) -> tuple[float, float, float]:
    hit, wrong, missed = (float(value) for value in counted)
    return (round(2 * hit / max(1, 2 * hit + wrong + missed), 3), round(hit / max(1, hit + wrong), 3),
            round(hit / max(1, hit + missed), 3))  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--instances", type=int, default=100, help="of each kind")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--worlds", nargs="*", choices=list(WORLDS), default=list(WORLDS))
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    scores = [score for name in given.worlds for score in measure(name, given.instances, given.seed)]
    if given.json:
        print(json.dumps([asdict(score) for score in scores]))
        return
    print(f"{'world':8}{'method':10}{'F1':>7}{'limit':>7}{'precision':>11}{'recall':>8}{'s each':>9}")
    for one in scores:
        print(
            f"{one.world:8}{one.method:10}{one.f1:7.3f}{one.limit:7.3f}{one.precision:11.3f}{one.recall:8.3f}{one.seconds:9.4f}"
        )


if __name__ == "__main__":
    main()
