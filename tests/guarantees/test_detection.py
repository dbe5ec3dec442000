"""Detection knows nothing of what comes later, and goes on after a restart as if nothing had happened."""

import dataclasses
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from makegood.engines.statistics.detection import Detector

START = datetime(2026, 1, 1, tzinfo=UTC)
END = START + timedelta(days=120)
CARRIERS, STATES, REASONS = ("north", "south", "west"), ("A", "B", "C", "D"), ("late", "broken")
DIMENSIONS = ("reason", "carrier", "to_state")
MOMENT = pa.timestamp("us", tz="UTC")


class World:
    """Four months of orders; some fail, and from day 70 on one lane fails far more often."""

    def __init__(self, seed: int) -> None:
        dice = np.random.default_rng(seed)
        orders = 6000
        seconds = np.sort(dice.integers(0, 120 * 86400, orders))
        carrier, state = dice.integers(0, 3, orders), dice.integers(0, 4, orders)
        lane = (carrier == 1) & (state == 2) & (seconds > 70 * 86400)
        failed = dice.random(orders) < np.where(lane, 0.35, 0.03)
        delay = dice.gamma(2.0, 2.5 * 86400, orders)
        reason = np.where(lane, 0, dice.integers(0, 2, orders))
        self.exposures = pa.table(
            {"at": _moments(seconds), "carrier": _names(CARRIERS, carrier), "to_state": _names(STATES, state)}
        )
        reported = seconds + delay
        order = np.argsort(reported, kind="stable")
        order = order[failed[order] & (reported[order] < 120 * 86400)]
        unknown = dice.random(len(order)) < 0.05
        self.cases = pa.table(
            {
                "case_id": [f"case-{n}" for n in order],
                "reported_at": _moments(reported[order]), "exposed_at": _moments(seconds[order]),
                "reason": _names(REASONS, reason[order]),
                "carrier": pa.array(np.where(unknown, None, np.array(CARRIERS, dtype=object)[carrier[order]])),
                "to_state": _names(STATES, state[order]),
            }
        )  # fmt: skip

    def until(self, moment: datetime) -> "World":
        """The same world as if nothing after a moment had been."""
        cut = World.__new__(World)
        cut.exposures, cut.cases = between(self.exposures, "at", START, moment), self.cases_between(START, moment)
        return cut

    def cases_between(self, since: datetime, until: datetime) -> pa.Table:
        return between(self.cases, "reported_at", since, until)

    def told(self, detector: Detector, moments: list[datetime]) -> list:
        """What a detector says of it, given in parts that end at these moments."""
        found, since = [], START
        for until in moments:
            exposures = between(self.exposures, "at", since, until)
            found += detector.advance(exposures, self.cases_between(since, until), until)
            since = until
        return found


def between(table: pa.Table, column: str, since: datetime, until: datetime) -> pa.Table:
    """Rows of (since, until]; of the first part the very first moment, too."""
    at = table[column].to_numpy()
    low, high = np.datetime64(since.replace(tzinfo=None), "us"), np.datetime64(until.replace(tzinfo=None), "us")
    return table.filter(pa.array(((at > low) | (since == START)) & (at <= high)))


def _moments(seconds) -> pa.Array:
    return pa.array([START + timedelta(seconds=float(it)) for it in seconds], MOMENT)


def _names(words, codes) -> pa.Array:
    return pa.array([words[code] for code in codes])


def detector() -> Detector:
    return Detector(DIMENSIONS, one_false_alarm_in=30.0)


def evenly(until: datetime, parts: int) -> list[datetime]:
    return [START + (until - START) * (n + 1) / parts for n in range(parts)]


def same(ours: list, theirs: list) -> None:
    assert [_plain(it) for it in ours] == [_plain(it) for it in theirs]


def _plain(finding) -> dict:
    """Figures to nine digits: sums of parts may differ in the last bits."""
    told = dataclasses.asdict(finding)
    rounded = {name: float(f"{value:.9g}") for name, value in told.items() if isinstance(value, float)}
    near = [
        {name: float(f"{value:.9g}") if isinstance(value, float) else value for name, value in one.items()}
        for one in told["neighbours"]
    ]
    return told | rounded | {"neighbours": near}


@pytest.fixture(scope="module", params=[3, 11])
def world(request) -> World:
    return World(request.param)


@pytest.fixture(scope="module")
def at_once(world) -> list:
    return world.told(detector(), [END])


def test_the_failing_lane_is_found(at_once):
    raised = [it for it in at_once if it.event == "raised"]
    assert any({"carrier": "south", "to_state": "C"}.items() <= dict(it.slice).items() for it in raised)


@pytest.mark.parametrize("day", [60, 80, 97.3])
def test_what_is_found_up_to_a_moment_does_not_depend_on_what_comes_later(world, at_once, day):
    moment = START + timedelta(days=day)
    known_then = world.until(moment).told(detector(), [moment])
    same(known_then, [it for it in at_once if it.at <= moment])


@pytest.mark.parametrize("parts", [7, 120])
def test_the_size_of_the_parts_makes_no_difference(world, at_once, parts):
    same(world.told(detector(), evenly(END, parts)), at_once)


@pytest.mark.parametrize("day", [40, 75, 100])
def test_a_restart_in_the_middle_goes_on_identically(world, at_once, tmp_path, day):
    moment = START + timedelta(days=day)
    first = detector()
    found = first.advance(between(world.exposures, "at", START, moment), world.cases_between(START, moment), moment)
    first.save(tmp_path / "state")
    again = Detector.load(tmp_path / "state")
    found += again.advance(between(world.exposures, "at", moment, END), world.cases_between(moment, END), END)
    same(found, at_once)


def test_every_signal_is_raised_before_anything_else_is_said_of_it_and_closed_at_most_once(at_once):
    said: dict[int, list[str]] = {}
    for it in at_once:
        said.setdefault(it.signal, []).append(it.event)
    for events in said.values():
        assert events[0] == "raised"
        assert events.count("raised") == 1
        assert "closed" not in events[:-1]


def test_findings_come_in_order_of_time(at_once):
    assert [it.at for it in at_once] == sorted(it.at for it in at_once)


def test_no_case_is_claimed_by_two_signals_that_go_on(at_once):
    last = {it.signal: it for it in at_once if it.cases}
    claimed = [case for it in last.values() for case in it.cases]
    assert len(claimed) == len(set(claimed))


def test_order_of_arrival_within_a_minute_makes_no_difference(world, at_once):
    dice = np.random.default_rng(5)
    shaken = World.__new__(World)
    shaken.exposures = world.exposures.take(pa.array(dice.permutation(world.exposures.num_rows)))
    shaken.cases = world.cases.take(pa.array(dice.permutation(world.cases.num_rows)))
    same(shaken.told(detector(), [END]), at_once)
