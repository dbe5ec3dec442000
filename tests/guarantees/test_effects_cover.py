"""Intervals of effects hold the truth as often as they say, also for people who look every week."""

import numpy as np
import pytest
from bench.effect import Setting, draw, missed_at_any_look

from makegood.engines.statistics import effect, refuses

WORLDS = 600
SETTINGS = (
    Setting(2, 2, 0.4), Setting(20, 4, 0.4), Setting(200, 4, 0.4), Setting(20),
    Setting(2, 4, 0.2, compared=50), Setting(20, 4, 0.4, compared=60), Setting(20, 4, 0.4, 52, 12, 0.5),
)  # fmt: skip


@pytest.mark.slow
def test_one_look_covers_at_95_percent_and_2_more_or_less():
    shares = []
    for setting in SETTINGS:
        rng = np.random.default_rng(7)
        worlds = [draw(setting, rng) for _ in range(WORLDS)]
        held = [
            not refuses(world.series, start=setting.before, ratio=setting.ratio, comparison=world.comparison)[0]
            for world in worlds
        ]
        shares.append(float(np.mean(held)))
        # Chance moves a share of 95 % by 0.9 % (one standard error) in so many worlds.
        assert 0.92 <= shares[-1] <= 0.985, (setting, shares)
    assert 0.93 <= np.mean(shares) <= 0.97, shares


@pytest.mark.slow
def test_looking_every_week_misses_in_5_percent_of_worlds_at_most():
    missed = []
    for setting in (Setting(20, 4, 0.4, 52, 26, 0.5), Setting(5, 2, 0.2), Setting(20, 4, 0.4, compared=60)):
        rng = np.random.default_rng(8)
        missed += [missed_at_any_look(draw(setting, rng), setting) for _ in range(40)]
    assert np.mean(missed) <= 0.05 + 0.03, missed  # 0.03: what chance does to 120 worlds


def test_cases_avoided_are_covered_too():
    setting = Setting(20, 2, 0.3, 60, 20, 0.6)
    rng = np.random.default_rng(9)
    held = []
    for _ in range(60):
        world = draw(setting, rng)
        found = effect(world.series, start=setting.before)
        held.append(found.avoided.low <= world.avoided <= found.avoided.high)
    assert np.mean(held) >= 0.88
