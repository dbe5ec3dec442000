"""Patterns among cases, found while they are few: evidence for every slice of up to three dimensions at once.

How it works, in short. Each purchase adds the number of cases it usually leads to to every combination of its values
(a *cell*). A case looks at the cells it falls into and asks, for the purchases of each day (a *cohort*), how many cases
they could have led to *by now*, and how much better a rise explains what came than chance does. Evidence that there is
a rise, whichever cohort it began with, is summed up (Shiryaev-Roberts) for several sizes of the rise, with a prior
weight for each slice in proportion to its share of all purchases. In a quiet world this sum grows by one a day over all
slices together: a sum of c days therefore is passed at most once in c days on average, however many slices there are.
That is the one setting. What passes it is raised once its slice is clear.

As reports of a cohort come in, the likelihood ratio of what it led to by now is a martingale where nothing rose, so
evidence may be looked at after every case. Cohorts that nobody reports of any more are settled: what they say is kept
as one number for each size of the rise.

References
----------
Shin, J., Ramdas, A., Rinaldo, A. (2024). E-detectors: a nonparametric framework for sequential change detection. New
England Journal of Statistics in Data Science 2(2).
Pollak, M. (1987). Average run lengths of an optimal method of detecting a change in distribution. Annals of Statistics
15(2).
"""

import os
from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import combinations
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.stats import chi2

from makegood.engines.statistics.detection import keeping, kernels
from makegood.engines.statistics.detection.findings import Finding, Neighbour
from makegood.engines.statistics.detection.rates import Numbers, Rates, Sample
from makegood.engines.statistics.detection.signals import GROWN, LEAST, LEAST_RATIO, Open
from makegood.engines.statistics.detection.state import DEPTH, State
from makegood.engines.statistics.detection.tables import Reader

COHORTS: Final = 12  # of exposures, at most, that may still be reported of
WARM_UP: Final = 60  # days until the first look: usual rates and delays must be known
REFIT: Final = 28  # days between two looks at what is usual
LOOK_BACK: Final = 100  # days: an onset lies at most so far back
FORGET: Final = np.exp(-1 / np.array([90.0, 90.0, 60.0, 45.0, 30.0, 30.0]))  # evidence kept from day to day, by ratio
WEEK: Final = 168.0  # hours
AGAIN: Final = 14  # days: what comes back within is the same signal
ONSET_RATIOS: Final = np.array([LEAST_RATIO, 1.6, 2, 2.7, 3.5, 5, 7, 10, 15, 25, 40, 80, 200, 500, 1500, 5000.0])
PIVOTS: Final = 6  # other cases of a slice whose slices are looked at too
ROUNDS: Final = 3
CLEAR: Final = 0.8  # how probable the best slice must be among those of its case, for a signal to be raised ...
STRONG: Final = 50.0  # ... unless the evidence is so many times what would do
NEIGHBOURS: Final = 6  # shown beside the one chosen
NEAR: Final = 50.0  # cases' worth of belief that the rate of a value is what its exposures say
FADE: Final = 0.5  # of the recent past, at each refit
STEADY: Final = 8  # days until reports of the first exposures are in
UNSURE: Final = 1.0  # how far what is not known of a slice's usual rate widens what chance may do
LEAST_SPREAD: Final = 1e-4  # of rates between days, squared


class Detector:
    """Finds rises among cases as they come, with at most one false alarm in so many days.

    Parameters
    ----------
    dimensions : sequence of str
        What cases can have in common. Those that the table of exposures lacks are known of cases alone (a reason); the
        first of these decides how long reports take.
    one_false_alarm_in : float
        Days. In a quiet world a signal is raised at most once in so many days on average.

    Raises
    ------
    ValueError
        No dimension, one twice, or not a positive number of days.
    """

    reader: Reader  # once there was something to read
    now: float  # hours since the origin: all before was taken
    day: int
    next_fit: int
    fitted: bool

    def __init__(self, dimensions: Sequence[str], *, one_false_alarm_in: float = 30.0) -> None:
        if not dimensions or len(set(dimensions)) < len(dimensions):
            raise ValueError("Name one dimension at least, and each once.")
        if not one_false_alarm_in > 0:
            raise ValueError("one_false_alarm_in is a number of days greater than 0.")
        self.dimensions = tuple(dimensions)
        self.one_false_alarm_in = float(one_false_alarm_in)
        self.begun = False

    def advance(self, exposures: pa.Table, cases: pa.Table, until: datetime) -> list[Finding]:
        """Everything that became known before `until` (whole minutes), in order of time, each thing once.

        What comes later than it was due (its time lies before an earlier `until`) counts from then on. What is not yet
        due waits for the next call. The first 60 days are needed to learn what is usual.

        Parameters
        ----------
        exposures : Table
            `at` and a column for each dimension that exposures have; null: not known.
        cases : Table
            `case_id`, `reported_at`, `exposed_at` (null: nothing was exposed) and a column for each dimension. Where
            there is a column `corrected`, a case that is told again names there, separated by commas, the dimensions
            of which something else is known now; null: it is told for the first time.

        Raises
        ------
        ValueError
            A column is missing.
        """
        missing = {"case_id", "reported_at", "exposed_at", *self.dimensions} - set(cases.schema.names)
        if "at" not in exposures.schema.names or missing:
            raise ValueError(f"Missing columns: {', '.join(sorted(missing)) or 'at'}.")
        if not self.begun and (reader := Reader.of(self.dimensions, exposures, cases)):
            self.lay_out(reader)
        if not self.begun:
            return []
        self._take_exposures(exposures)
        self._take_cases(cases)
        end = self.reader.hour(until)
        if end < WARM_UP * 24.0 or end <= self.now:
            return []
        found: list[Finding] = []
        if not self.rates.width:
            self._learn(WARM_UP * 24.0)
            self.lay_slices(_said_by_another(self.sample.rows))
        while self.now < end:
            self.now = min(end, self.next_fit * 24.0)
            self._run(self.now, found)
            while self.day < int(self.now // 24.0):
                self._new_day(self.day + 1, found)
            if self.now == self.next_fit * 24.0:
                if self.fitted:
                    self._learn(self.now)
                self._see_what_is_usual(self.now)
                self.next_fit += REFIT
        self._forget()
        return found

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything to one file, whole or not at all."""
        keeping.save(self, path)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Detector":
        """The detector as it was saved; it goes on as if nothing had happened.

        Raises
        ------
        OSError
            There is no such file.
        ValueError
            It is not a saved detector, or one of another version.
        """
        return keeping.load(cls, path)

    @property
    def oldest_bin(self) -> int:
        """Bins before are never asked again: their cohorts were settled, even of slices that slept as long again."""
        if not self.rates.width:
            return 0
        clock = self._clock
        return int((self.now - 24.0 - 2 * clock.live * clock.unit) // clock.width)

    # Taking in

    def lay_out(self, reader: Reader) -> None:
        """Begin with nothing but names."""
        self.begun = True
        self.reader = reader
        self.lay_slices(())
        exposed, n = reader.exposed, len(reader.dimensions)
        self.rates = Rates(exposed, n)
        self.sample = Sample(exposed)
        self.total_spread = np.zeros(2)
        self.today = np.zeros(1)  # cases
        self.level = 1.0  # of all rates lately
        self.total_mass = 0.0
        self.ex_t, self.ex_rows, self.sampled = np.zeros(0), np.zeros((0, exposed), np.int32), 0
        self.case_t, self.case_rows, self.case_x = np.zeros(0), np.zeros((0, n), np.int32), np.zeros(0)
        self.case_news, self.taken = np.zeros(0, np.int64), np.zeros(0, np.int32)
        self.case_ids: list[str] = []
        self.next_case = self.seen = 0
        self.now = 0.0
        self.day = 0
        self.next_fit = WARM_UP
        self.fitted = False
        self.signals: list[Open] = []
        self.raised = 0

    def lay_slices(self, apart: Collection[tuple[int, int]]) -> None:
        """Begin anew to count, with these pairs of dimensions never in one slice."""
        self.apart = sorted(apart)
        self.state = State(self.reader.exposed, len(self.reader.dimensions), apart)
        cuboids = len(self.state.parts)
        self.strength = np.full(cuboids, 50.0)
        self.inverse_shape = np.full(cuboids, 0.01)
        self.spread = np.zeros((2, cuboids))  # of single values between days: sums of excess variance and of its weight

    def _take_exposures(self, table: pa.Table) -> None:
        if not len(table):
            return
        times = np.maximum(self.reader.hours(table["at"]), self.now)
        times = np.concatenate([self.ex_t[self.sampled :], times])
        rows = np.concatenate([self.ex_rows[self.sampled :], self.reader.rows(table, self.reader.exposed)])
        order = np.argsort(times, kind="stable")
        self.ex_t = np.concatenate([self.ex_t[: self.sampled], times[order]])
        self.ex_rows = np.concatenate([self.ex_rows[: self.sampled], rows[order]])

    def _take_cases(self, table: pa.Table) -> None:
        if not len(table):
            return
        n, reader = self.next_case, self.reader
        times = np.concatenate([self.case_t[n:], np.maximum(reader.hours(table["reported_at"]), self.now)])
        known = pc.is_valid(table["exposed_at"]).to_numpy(zero_copy_only=False)
        exposed = np.full(len(table), np.nan)
        exposed[known] = reader.hours(table["exposed_at"].filter(known))
        told = table["corrected"] if "corrected" in table.schema.names else pa.chunked_array([pa.nulls(len(table))])
        ids = self.case_ids[n:] + [str(case) for case in table["case_id"].to_pylist()]
        order = np.lexsort((np.array(ids), times))

        def follow(before: NDArray[Any], new: NDArray[Any]) -> NDArray[Any]:
            return np.concatenate([before[:n], np.concatenate([before[n:], new])[order]])

        self.case_t = np.concatenate([self.case_t[:n], times[order]])
        self.case_x = follow(self.case_x, exposed)
        self.case_rows = follow(self.case_rows, reader.rows(table, len(reader.dimensions)))
        self.case_news = follow(self.case_news, reader.news(told))
        self.taken = follow(self.taken, np.full(len(table), -1, np.int32))
        self.case_ids = self.case_ids[:n] + [ids[i] for i in order]

    # What is usual

    def _learn(self, now: float) -> None:
        """Rates by value, shares and delays, from what came before an hour."""
        end = int(np.searchsorted(self.case_t, now))
        new = slice(self.seen, end)
        delays = np.maximum(self.case_t[new] - self.case_x[new], 0.0)
        first = self.case_news[new] == -1
        bits = 1 << np.arange(len(self.reader.dimensions))
        self.rates.see(np.where(self.case_news[new, None] & bits, self.case_rows[new], -1), delays, first)
        self.seen = end
        self._sample(int(np.searchsorted(self.ex_t, now)))
        moved = self.rates.fit(self.sample, now)
        slices = self.state.slices.slice[: self.state.slices.used[0]]
        slices["teach"] = moved[slices["teach"]]

    def _sample(self, end: int) -> None:
        if end <= self.sampled:
            return
        times, rows = self.ex_t[self.sampled : end], self.ex_rows[self.sampled : end]
        mixed = np.round(times * 60).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        for hashes, column in zip(self.reader.hashes, rows.T, strict=True):
            mixed = (mixed ^ np.append(hashes, np.uint64(0))[column]) * np.uint64(0xBF58476D1CE4E5B9)
            mixed ^= mixed >> np.uint64(29)
        self.sample.add(times, rows, mixed)
        self.sampled = end

    def _see_what_is_usual(self, now: float) -> None:
        """How much more or less than exposures explain comes in each slice, and how much days differ.

        Slices of two and three dimensions are shrunk towards what their parts say, by an empirical Bayes estimate of
        how much slices of their cuboid differ. What is used is a month old: a rise must not become usual while it is
        looked at.
        """
        state = self.state
        kernels.catch_up(now, self._world())
        slices = state.slices.slice[: state.slices.used[0]]
        first = not self.fitted
        slices["n_old"], slices["e_old"] = (
            (slices["n_all"], slices["e_all"]) if first else (slices["n_kept"], slices["e_kept"])
        )
        slices["n_kept"], slices["e_kept"] = slices["n_all"], slices["e_all"]
        depth, singles = state.cuboids.depth, state.cuboids.singles
        alone = depth[slices["cuboid"]] == 1
        # All that moves together is one level, not one for each dimension of a slice.
        together = alone & (slices["cuboid"] == slices["cuboid"][alone].min(initial=0))
        cases, expected = slices["n_near"][together].sum(), slices["e_near"][together].sum()
        self.level = float((NEAR + cases) / (NEAR + expected))
        own = (NEAR + slices["n_near"]) / (NEAR + slices["e_near"] * self.level)
        slices["near"] = np.where(alone, self.level * own, 1.0)
        slices["n_near"] *= FADE
        slices["e_near"] *= FADE
        slices["spare"] = 0.0
        self.strength = _strengths(slices, depth)
        if first:
            # What was weighed until now was weighed without knowing what is usual in each slice.
            slices["evidence"], slices["live"], slices["head"] = 0.0, 0.0, -1
            state.rows.used[0] = 0
        total = max(self.total_spread[0] / max(self.total_spread[1], 1e-9), 0.0)
        own = np.maximum(self.spread[0] / np.maximum(self.spread[1], 1e-9) - total, 0.0)
        for k, parts in enumerate(singles):
            self.inverse_shape[k] = max(total + own[parts[: depth[k]]].max(), LEAST_SPREAD)
        self.fitted = True

    # Taking on

    @property
    def _clock(self) -> kernels.Clock:
        """A cohort is a day of exposures, or more where reports take so long that there were too many."""
        width = self.rates.width
        unit = 24.0 * float(np.ceil(kernels.SPAN * width / 24.0 / COHORTS))
        live = int(((kernels.SPAN + 1) * width + 2.0) // unit) + 2  # the present one included
        return kernels.Clock(width, unit, width / unit, live)

    def _world(self) -> kernels.World:
        """What kernels know."""
        rates, state, exposed = self.rates, self.state, self.reader.exposed
        share_at = np.zeros(len(state.sizes), np.int64)
        share_at[exposed + 1 :] = np.cumsum(state.sizes[exposed:-1])
        shares = [rates.shares(d, int(state.sizes[d])) for d in range(exposed, len(state.sizes))]
        told_at = np.concatenate([[0], np.cumsum(state.sizes[: len(rates.told_of)])])
        told_of = np.zeros(told_at[-1], np.int64)
        for first, rows in zip(told_at, rates.told_of, strict=False):
            told_of[first : first + len(rows)] = rows
        clock = self._clock
        usual = kernels.Usual(
            rates.told, told_of, told_at, exposed, np.concatenate(shares) if shares else np.ones(1), share_at,
            self.strength, self.inverse_shape, FORGET ** (clock.unit / 24.0), UNSURE, self.level, *self.spread,
        )  # fmt: skip
        return kernels.World(clock, state.grids, state.cells, state.cuboids, state.slices, state.rows, usual)

    def _run(self, stop: float, found: list[Finding]) -> None:
        """Take exposures and cases up to an hour, and decide on every alarm."""
        state = self.state
        state.make_room_for_values(np.array([len(values) for values in self.reader.values]))
        end = int(np.searchsorted(self.ex_t, stop))
        exposures = kernels.Exposures(self.ex_t[:end], self.ex_rows[:end], self.rates.mass(self.ex_rows[:end]))
        cases = kernels.Cases(self.case_t, self.case_rows, self._cohorts(), self.case_news, self.taken)
        position = np.array([0, self.next_case, self.day])
        claimed = np.full(len(self.case_t), -1, np.int32)
        evidence = np.zeros(len(state.parts))
        world = self._world()
        while True:
            # Of signals around each other the narrower one claims first.
            current = sorted(
                (signal for signal in self.signals if signal.closed is None),
                key=lambda it: (-it.dims.bit_count(), it.number),
            )
            opened = self._opened(current)
            outcome = kernels.advance(
                world, exposures, cases, position, stop, opened, self.one_false_alarm_in, self.fitted, self.today,
                claimed, evidence,
            )  # fmt: skip
            self._claim(current, claimed, self.next_case, int(position[1]))
            self.next_case = int(position[1])
            if outcome == kernels.DONE:
                break
            if outcome == kernels.DAY_ENDED:
                while self.day < position[2]:
                    self._new_day(self.day + 1, found)
            elif outcome == kernels.ALARM:
                self._decide(world, cases, self.next_case - 1, float(evidence.max()), found)
            else:
                if outcome == kernels.CELLS_FULL:
                    state.make_room_for_cells()
                else:
                    state.make_room(self._oldest)
                world = self._world()
        self._sample(end)
        self.ex_t, self.ex_rows, self.sampled = self.ex_t[end:], self.ex_rows[end:], self.sampled - end

    def _opened(self, signals: Sequence[Open]) -> kernels.Opened:
        """Signals as kernels take them."""
        return kernels.Opened(
            np.array([signal.code for signal in signals], np.int64).reshape(-1, len(self.reader.dimensions)),
            np.array([signal.dims for signal in signals], np.int64),
            np.array([1.0 / signal.ratio for signal in signals]),
            np.array([signal.lift * signal.usual for signal in signals]),
            np.array([signal.onset for signal in signals], np.int64),
        )

    def _cohorts(self) -> NDArray[np.int64]:
        """(n, 2) cohorts of exposures that cases belong to.

        Without an exposure: that of their own time among reports that come at once, that of the usual delay before
        among others, in whole weeks, for what holds on some days of the week alone.
        """
        clock, exposed, at = self._clock, self.case_x, self.case_t
        before = at - max(1.0, round(self.rates.usually / WEEK)) * WEEK
        hours = np.stack([np.fmin(exposed, at), np.where(np.isnan(exposed), before, exposed)], axis=1)
        hours = np.clip(hours, 0.0, at[:, None])
        return np.asarray(hours // clock.width * clock.part + 1e-9, np.int64)

    @property
    def _oldest(self) -> int:
        """The first cohort in which an onset may lie."""
        return int((self.day - LOOK_BACK) * 24.0 // self._clock.unit)

    def _claim(self, current: list[Open], claimed: NDArray[np.int32], first: int, end: int) -> None:
        for i in first + np.nonzero(claimed[first:end] >= 0)[0]:
            signal = current[claimed[i]]
            self.taken[i] = signal.number
            signal.cases.append(self.case_ids[i])
            signal.last_case = float(self.case_t[i])

    def _new_day(self, day: int, found: list[Finding]) -> None:
        """A day ended: how much it differed from what was expected, and which signals are over."""
        start = day * 24.0
        total = int(self.state.grids.dense[0]) if len(self.state.grids.dense) else -1
        if total >= 0:
            mass = self._mass(total, 0, start)
            if day > STEADY:
                m, n = mass - self.total_mass, self.today[0]
                self.total_spread += [min((n - m) ** 2, 16 * (m + m * m * 0.1)) - m, m * m]
            self.total_mass = mass
        self.today[0] = 0
        self.day = day
        for signal in self.signals:
            if signal.closed is None:
                expected, observed = self._expected(signal, start)
                signal.lift_to(expected)
                if signal.is_over(start, expected, observed):
                    signal.closed = start
                    found.append(self._finding("closed", signal, start))
                elif len(signal.cases) >= GROWN * signal.told:
                    found.append(self._finding("updated", signal, start))
        self.signals = [
            signal for signal in self.signals if signal.closed is None or start - signal.closed <= AGAIN * 24.0
        ]

    def _mass(self, cell: int, teach: int, at: float) -> float:
        return float(kernels.reported(cell, at, self.rates.width, self.rates.told[teach], self.state.cells))

    def _expected(self, signal: Open, at: float) -> tuple[float, float]:
        """Of its slice since the beginning: cases expected, and observed."""
        row = self.state.slices.slice[signal.slice]
        return self._mass(int(row["cell"]), int(row["teach"]), at) * signal.usual, float(row["n_all"])

    # Deciding

    def _score(
        self, world: kernels.World, cases: kernels.Cases, case: int, now: float, around: Open | None
    ) -> Numbers:  # fmt: skip
        """For each slice of a case: number, score, log likelihood ratio, onset, ratio, cases, expected, usual.

        `around`: a signal; where it took the case, slices are held against what it makes usual.
        """
        scores = np.zeros((len(self.state.parts), 8))
        opened = self._opened([around] if around and self.taken[case] >= 0 else [])
        kernels.score_case(world, cases, case, now, self._oldest, opened, ONSET_RATIOS, scores)
        return scores

    def _members(
        self, cases: kernels.Cases, code: Sequence[int], score: Numbers, upto: int, of: int
    ) -> NDArray[np.int64]:  # fmt: skip
        """Cases of a slice since the onset in its score, up to one, that no signal took but number `of`."""
        since, row = score[3], self.state.slices.slice[int(score[0])]
        first = int(np.searchsorted(self.case_t, max(since * self._clock.unit, (self.day - LOOK_BACK) * 24.0)))
        dims = sum(1 << d for d, value in enumerate(code) if value >= 0)
        at_once = self.rates.told[row["teach"], 0] >= 1.0
        return np.asarray(kernels.members(cases, first, upto + 1, np.array(code), dims, since, 0 if at_once else 1, of))

    def _code(self, case: int, cuboid: int) -> list[int]:
        parts = self.state.parts[cuboid]
        return [int(self.case_rows[case, d]) if d in parts else -1 for d in range(len(self.reader.dimensions))]

    def _decide(
        self, world: kernels.World, cases: kernels.Cases, case: int, evidence: float, found: list[Finding]
    ) -> None:  # fmt: skip
        """There is more than chance explains: find the slice and the onset that explain it best, and raise a signal.

        The slices of the case that brought the alarm are compared, and those of other cases of the best of them, until
        none is better. Where a signal had taken the case, it is held against what that one makes usual.
        """
        now, of = float(self.case_t[case]), int(self.taken[case])
        around = next((signal for signal in self.signals if signal.number == of), None)
        pivot, scores, looked = case, self._score(world, cases, case, now, around), {case}
        for _ in range(ROUNDS):
            top = int(scores[:, 1].argmax())
            better = False
            for other in self._members(cases, self._code(pivot, top), scores[top], case, of)[::-1][:PIVOTS]:
                if other in looked:
                    continue
                looked.add(int(other))
                rival = self._score(world, cases, int(other), now, around)
                if rival[:, 1].max() > scores[:, 1].max() + 1e-9:
                    pivot, scores, better = int(other), rival, True
            if not better:
                break
        top, clear = self._clearest(scores)
        code = self._code(pivot, top)
        mine = self._members(cases, code, scores[top], case, of)
        if len(mine) < LEAST or not (clear or evidence > STRONG * self.one_false_alarm_in):
            return
        before, counted = self.taken.copy(), {it.number: 1.0 / it.ratio for it in self.signals} | {-1: 1.0}
        signal = self._raise(code, scores[top], mine, float(np.log(evidence)), now, around)
        neighbours = self._neighbours(pivot, top, scores)
        found.append(self._finding("updated" if signal.told else "raised", signal, now + 1 / 60, neighbours))
        if around in self.signals and around is not None:
            found.append(self._finding("updated", around, now + 1 / 60))
        # What the signal explains is no evidence of another: of its cases only what was expected still counts.
        ours = np.flatnonzero(self.taken == signal.number)
        amount = np.maximum(np.array([counted.get(number, 1.0) for number in before[ours]]) - 1 / signal.ratio, 0.0)
        kernels.explain_away(world, cases, ours[amount > 0.0], amount[amount > 0.0], now, self._oldest)

    def _clearest(self, scores: Numbers) -> tuple[int, bool]:
        """The best of the slices of a case, and whether it is clearly better than all others.

        Of slices that always held the same purchases and cases, the one that says it with the fewest dimensions.
        """
        state = self.state
        best = int(scores[:, 1].argmax())
        rows = state.slices.slice[scores[:, 0].astype(np.int64)]
        totals = state.cells.cell["total"][rows["cell"]]
        alike = (scores[:, 0] >= 0) & (totals == totals[best]) & (rows["n_all"] == rows["n_all"][best])
        odds = np.exp(scores[:, 1] - scores[best, 1])
        top = int(np.where(alike, state.cuboids.depth, DEPTH + 1).argmin())
        return top, bool(odds[alike].max() > CLEAR * (odds[~alike].sum() + odds[alike].max()))

    def _raise(
        self, code: list[int], score: Numbers, mine: NDArray[np.int64], evidence: float, now: float, around: Open | None
    ) -> Open:  # fmt: skip
        """A new signal, or one that was open until lately in its new bounds.

        `around`: the signal that had taken the case. It leaves its cases to the new one and goes on if what remains is
        a signal still, else the new one takes its place.
        """
        ids = [self.case_ids[i] for i in mine]
        if around is None:
            kin = next((signal for signal in self.signals if signal.within(code) or signal.around(code)), None)
            # The part of the cases of other signals that was to be expected anyway is not to be expected of these.
            expected = max(float(score[6]) - max(float(score[5]) - len(mine), 0.0), 0.0)
            ratio = float(score[5]) / max(float(score[6]), 1e-3)
        else:
            expected = float(score[6])
            ratio = len(mine) / max(expected, 1e-3)
            stands = around.leave(ids, expected, self._expected(around, now)[0])
            others = (signal for signal in self.signals if signal is not around and signal.within(code))
            kin = next(others, None) if stands else around
        if kin is None:
            self.raised += 1
        signal = Open(
            number=kin.number if kin else self.raised, code=code, slice=int(score[0]), ratio=max(ratio, LEAST_RATIO),
            lift=0.0, onset=int(score[3]), usual=float(score[7]), since=float(self.case_t[mine[0]]), evidence=evidence,
            expected=expected, mass=0.0, last_case=now, told=kin.told if kin else 0, cases=ids,
        )  # fmt: skip
        if kin:
            if kin is not around:
                signal.cases = list(dict.fromkeys(kin.cases + ids))
                signal.since = min(signal.since, kin.since)
                signal.expected += kin.due(self._expected(kin, now)[0])
            self.signals.remove(kin)
        signal.mass, observed = self._expected(signal, now)
        signal.lift_to(signal.mass)
        signal.history = [(self.day, self._expected(signal, self.day * 24.0)[0], observed)]
        self.signals.append(signal)
        self.taken[mine] = signal.number
        return signal

    def _neighbours(self, pivot: int, top: int, scores: Numbers) -> tuple[Neighbour, ...]:
        parts = self.state.parts
        chosen = set(parts[top])
        rivals = [k for k in np.argsort(-scores[:, 1]) if k != top and scores[k, 0] >= 0 and scores[k, 5] > 0]
        return tuple(
            Neighbour(
                slice=self.reader.slice(self._code(pivot, int(k)), self.dimensions),
                observed=round(scores[k, 5]),
                expected=round(float(scores[k, 6]), 3),
                evidence=round(float(scores[k, 1]), 3),
                why="broader" if set(parts[k]) < chosen else "narrower" if chosen < set(parts[k]) else "beside",
            )
            for k in rivals[:NEIGHBOURS]
        )

    def _finding(self, event: Any, signal: Open, at: float, neighbours: tuple[Neighbour, ...] = ()) -> Finding:
        observed = len(signal.cases)
        expected = signal.due(self._expected(signal, at)[0])
        signal.told = observed
        return Finding(
            event=event, signal=signal.number, at=self.reader.moment(at), since=self.reader.moment(signal.since),
            slice=self.reader.slice(signal.code, self.dimensions), observed=observed, expected=round(expected, 3),
            low=round(float(chi2.ppf(0.025, 2 * observed)) / 2 - expected, 3),
            high=round(float(chi2.ppf(0.975, 2 * observed + 2)) / 2 - expected, 3),
            evidence=round(signal.evidence, 3), cases=tuple(signal.cases), neighbours=neighbours,
        )  # fmt: skip

    def _forget(self) -> None:
        """Drop cases that no onset reaches back to."""
        old = min(int(np.searchsorted(self.case_t, (self.day - LOOK_BACK) * 24.0)), self.next_case, self.seen)
        self.case_t, self.case_rows, self.case_x = self.case_t[old:], self.case_rows[old:], self.case_x[old:]
        self.case_ids, self.case_news, self.taken = self.case_ids[old:], self.case_news[old:], self.taken[old:]
        self.next_case -= old
        self.seen -= old


def _strengths(slices: NDArray[Any], depth: NDArray[np.int64]) -> Numbers:
    """For each cuboid of two or three dimensions: cases' worth of belief that a slice is what its parts say.

    One over the variance of the true ratios between slices, by moments: what observed counts vary beyond what counts
    vary by chance, a slice taking `spread` of its own chance away from the margins it was fitted to.
    """
    strengths = np.full(len(depth), 50.0)
    cuboid, n, e = slices["cuboid"], slices["n_old"], slices["e_old"]
    total = float(n[cuboid == 0].sum())
    for k in np.nonzero(depth > 1)[0]:
        mine = (cuboid == k) & (e > 0)
        expected = e[mine]
        never = max(total - expected.sum(), 0.0)  # expected where no case ever came
        excess = ((n[mine] - expected) ** 2 - expected * slices["spread"][mine]).sum() - never
        strengths[k] = 1 / np.clip(excess / max((expected**2).sum(), 1e-9), 1 / 500.0, 0.5)
    return strengths


def _said_by_another(rows: NDArray[np.int32]) -> set[tuple[int, int]]:
    """Pairs of dimensions of exposures of which one always says the other; a value not known says nothing."""
    found = set()
    for a, b in combinations(range(rows.shape[1]), 2):
        known = rows[(rows[:, a] >= 0) & (rows[:, b] >= 0)][:, [a, b]].astype(np.int64)
        pairs = np.unique(known[:, 0] << 32 | known[:, 1])
        if len(pairs) in (len(np.unique(pairs >> 32)), len(np.unique(pairs & 0xFFFFFFFF))):
            found.add((a, b))
    return found
