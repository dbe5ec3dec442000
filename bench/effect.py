"""Whether intervals of effects keep their word: `python -m bench.effect [--worlds 600] [--json]`.

Simulated weeks with a season of 30 % up and down, exposure that varies by 10 %, more scatter than chance (variance phi
times the mean, as gamma noise that multiplies the rate) and noise that neighbouring weeks share (correlation rho). The
same seed gives the same worlds.

Columns: `covered`, how often the interval for one look held the true ratio (95 % is promised); `missed`, how often the
always-valid interval missed it at any of the weekly looks (5 % at most are promised); `width` and `always`, how far the
intervals reach from low to high at the end, as a median of high / low; `avoided`, how often the interval of the cases
avoided held the truth; `ms`, for one answer.
"""

import argparse
import json
import sys
import time
from math import sqrt
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from makegood.engines.statistics.effect import CannotTell, Series, effect, refuses

FEW_WORLDS, FEW_LOOKS = 4, 6  # a share of the worlds is enough for widths, and for every week of looks


class Setting(NamedTuple):
    """A kind of world."""

    rate: float  # cases a week before the change
    phi: float = 1.0
    rho: float = 0.0
    before: int = 78
    after: int = 26
    ratio: float = 0.7
    compared: float = 0.0  # cases a week of the comparison; 0: none
    shared: bool = False  # whether the comparison has the same noise


SETTINGS = (
    Setting(2), Setting(2, 2, 0.4), Setting(2, 4, 0.4), Setting(20), Setting(20, 2, 0.2), Setting(20, 4, 0.4),
    Setting(200, 4), Setting(200, 4, 0.4), Setting(20, 2, 0.4, 104, 52, 0.5), Setting(20, 4, 0.4, 52, 12, 0.5),
    Setting(20, 4, 0.4, ratio=1.0), Setting(2, 2, 0.4, compared=50), Setting(20, 4, 0.4, compared=60),
    Setting(200, 4, 0.4, compared=500), Setting(20, 4, 0.4, compared=60, shared=True), Setting(20, 4, 0.6),
)  # fmt: skip


class World(NamedTuple):
    """What happened, and what would have without the change."""

    series: Series
    comparison: Series | None
    avoided: float  # expected


def draw(setting: Setting, rng: np.random.Generator) -> World:
    """A world of this kind."""
    n = setting.before + setting.after
    weeks = np.arange(n)
    season = 1 + 0.3 * np.sin(2 * np.pi * weeks / 52.18 + rng.uniform(0, 2 * np.pi))
    changed = np.where(weeks >= setting.before, setting.ratio, 1.0)
    noise = _neighbours(n, setting.rho, rng)
    usual = setting.rate * season * rng.uniform(0.9, 1.1, n)
    series = _counts(usual * changed, 1000 * usual / (setting.rate * season), setting, noise, rng)
    comparison = None
    if setting.compared:
        mean = setting.compared * season
        other = noise if setting.shared else _neighbours(n, setting.rho, rng)
        comparison = _counts(mean, np.full(n, 5000.0), setting, other, rng)
    return World(series, comparison, float((usual * (1 - changed)).sum()))


def _neighbours(n: int, rho: float, rng: np.random.Generator) -> NDArray[np.float64]:
    drawn = rng.standard_normal(n)
    for week in range(1, n):
        drawn[week] = rho * drawn[week - 1] + sqrt(1 - rho**2) * drawn[week]
    return drawn


def _counts(
    mean: NDArray[np.float64], exposure: NDArray[np.float64], setting: Setting, noise: NDArray[np.float64],
    rng: np.random.Generator,
) -> Series:  # fmt: skip
    spread = (setting.phi - 1) / mean.mean()
    if spread:
        mean = mean * special.gammaincinv(1 / spread, special.ndtr(noise)) * spread
    return Series.of(rng.poisson(mean), exposure)


def until(series: Series | None, end: int) -> Series | None:
    """What was known of a series by then."""
    return series and Series(series.counts[:end], series.exposure[:end])


def missed_at_any_look(world: World, setting: Setting) -> bool:
    """Whether somebody who looks every week ever saw an always-valid interval without the truth."""
    for end in range(setting.before + 1, setting.before + setting.after + 1):
        known = until(world.series, end)
        assert known is not None
        try:
            _, missed = refuses(
                known, start=setting.before, ratio=setting.ratio, comparison=until(world.comparison, end)
            )
        except CannotTell:
            continue
        if missed:
            return True
    return False


def measure(setting: Setting, worlds: int) -> dict[str, Any]:
    """One line of the table."""
    rng = np.random.default_rng(31)
    covered, missed, avoided, widths, always, took = [], [], [], [], [], []
    for number in range(worlds):
        world = draw(setting, rng)
        covered.append(
            not refuses(world.series, start=setting.before, ratio=setting.ratio, comparison=world.comparison)[0]
        )
        if number % FEW_WORLDS == 0:
            begun = time.perf_counter()
            found = effect(world.series, start=setting.before, comparison=world.comparison)
            took.append(1000 * (time.perf_counter() - begun))
            widths.append(found.ratio.high / max(found.ratio.low, 1e-9))
            always.append(found.always.high / max(found.always.low, 1e-9))
            avoided.append(found.avoided.low <= world.avoided <= found.avoided.high)
        if number % FEW_LOOKS == 0:
            missed.append(missed_at_any_look(world, setting))
    return {
        **setting._asdict(),
        "covered": float(np.mean(covered)),
        "missed": float(np.mean(missed)),
        "width": float(np.median(widths)),
        "always": float(np.median(always)),
        "avoided": float(np.mean(avoided)),
        "ms": float(np.median(took)),
    }


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.effect", description=__doc__)
    parser.add_argument("--worlds", type=int, default=600)
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    lines = []
    if not given.json:
        print("| cases/week | phi | rho | weeks before + after | ratio | comparison | covered | missed at any look "
              "| width | always | avoided | ms |\n|---|---|---|---|---|---|---|---|---|---|---|---|")  # fmt: skip
    for setting in SETTINGS:
        line = measure(setting, given.worlds)
        lines.append(line)
        if not given.json:
            compared = f"{setting.compared:g}{' same noise' if setting.shared else ''}" if setting.compared else "none"
            print(f"| {setting.rate:g} | {setting.phi:g} | {setting.rho:g} | {setting.before} + {setting.after} "
                  f"| {setting.ratio:g} | {compared} | {line['covered']:.3f} | {line['missed']:.3f} "
                  f"| {line['width']:.2f} | {line['always']:.2f} | {line['avoided']:.3f} | {line['ms']:.0f} |",
                  flush=True)  # fmt: skip
    if given.json:
        print(json.dumps({"worlds": given.worlds, "settings": lines}, indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
