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

import hashlib
import os
from collections.abc import Collection, Sequence
from datetime import UTC, datetime, timedelta
from itertools import combinations
from pathlib import Path
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from scipy.stats import chi2, poisson

from makegood.engines.statistics.detection import kernels
from makegood.engines.statistics.detection.findings import Finding, Neighbour
from makegood.engines.statistics.detection.rates import Numbers, Rates, Sample
from makegood.engines.statistics.detection.state import DEPTH, MOST_KINDS, MOST_VALUES, State

COHORTS: Final = 12  # of exposures, at most, that may still be reported of
WARM_UP: Final = 60  # days until the first look: usual rates and delays must be known
REFIT: Final = 28  # days between two looks at what is usual
LOOK_BACK: Final = 100  # days: an onset lies at most so far back
FORGET: Final = np.exp(-1 / np.array([90.0, 90.0, 60.0, 45.0, 30.0, 30.0]))  # evidence kept from day to day, by ratio
LEAST: Final = 3  # cases a signal has at least
AGAIN: Final = 14  # days: what comes back within is the same signal
SLEEP: Final = 14  # days without a case close a signal
BACK: Final = (3, 7, 14, 28, 56)  # days over which the rate may be seen to be back
BACK_LEVEL: Final = 0.1  # how improbable so few cases must be at half the rise
ONSET_RATIOS: Final = np.array([1.3, 1.6, 2, 2.7, 3.5, 5, 7, 10, 15, 25, 40, 80, 200.0])
PIVOTS: Final = 6  # other cases of a slice whose slices are looked at too
ROUNDS: Final = 3
CLEAR: Final = 0.8  # how probable the best slice must be among those of its case, for a signal to be raised ...
STRONG: Final = 50.0  # ... unless the evidence is so many times what would do
LASTING: Final = 90  # days after which a raised rate is the usual one
NEIGHBOURS: Final = 6  # shown beside the one chosen
GROWN: Final = 1.25  # an open signal is told anew when it has so many times the cases
NEAR: Final = 50.0  # cases' worth of belief that the rate of a value is what its exposures say
FADE: Final = 0.5  # of the recent past, at each refit
STEADY: Final = 8  # days until reports of the first exposures are in
UNSURE: Final = 1.0  # how far what is not known of a slice's usual rate widens what chance may do
LEAST_SPREAD: Final = 1e-4  # of rates between days, squared


class Open(msgspec.Struct, kw_only=True):
    """A signal as the detector keeps it.

    Attributes
    ----------
    code : a value of each dimension, -1: any.
    slice, teach : number of its slice, and of its delays.
    ratio : observed over expected when it was raised.
    usual : cases per unit of mass of its cell.
    history : (day, expected, observed) up to its beginning, which tell whether the rate is back.
    """

    number: int
    code: list[int]
    slice: int
    ratio: float
    usual: float
    since: float
    evidence: float
    expected: float  # when it was raised
    mass: float  # expected of its cell until then
    last_case: float
    told: int = 0
    closed: float | None = None
    history: list[tuple[int, float, float]] = []
    cases: list[str] = []

    def kin(self, code: Sequence[int]) -> bool:
        """Whether one of the two slices lies within the other."""
        mine = {(d, v) for d, v in enumerate(self.code) if v >= 0}
        other = {(d, v) for d, v in enumerate(code) if v >= 0}
        return mine <= other or other <= mine


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
        self.order: tuple[str, ...] = ()

    def advance(self, exposures: pa.Table, cases: pa.Table, until: datetime) -> list[Finding]:
        """Everything that became known before `until` (whole minutes), in order of time, each thing once.

        What comes later than it was due (its time lies before an earlier `until`) counts from then on. What is not yet
        due waits for the next call. The first 60 days are needed to learn what is usual.

        Parameters
        ----------
        exposures : Table
            `at` and a column for each dimension that exposures have; null: not known.
        cases : Table
            `case_id`, `reported_at`, `exposed_at` (null: nothing was exposed) and a column for each dimension.

        Raises
        ------
        ValueError
            A column is missing.
        """
        missing = {"case_id", "reported_at", "exposed_at", *self.dimensions} - set(cases.schema.names)
        if "at" not in exposures.schema.names or missing:
            raise ValueError(f"Missing columns: {', '.join(sorted(missing)) or 'at'}.")
        if not self.order and not self._begin(exposures, cases):
            return []
        self._take_exposures(exposures)
        self._take_cases(cases)
        end = float(self._hours([until])[0])
        if end < WARM_UP * 24.0 or end <= self.now:
            return []
        found: list[Finding] = []
        if not self.rates.width:
            self._learn(WARM_UP * 24.0)
            self._lay_slices(_said_by_another(self.sample.rows))
        while True:
            stop = min(end, self.next_fit * 24.0)
            self._run(stop, found)
            while self.day < int(stop // 24.0):
                self._new_day(self.day + 1, found)
            if stop == self.next_fit * 24.0:
                if self.fitted:
                    self._learn(stop)
                self._see_what_is_usual(stop)
                self.next_fit += REFIT
            if stop == end:
                break
        self.now = end
        self._forget()
        return found

    # Taking in

    def _begin(self, exposures: pa.Table, cases: pa.Table) -> bool:
        """Lay everything out, once something is there."""
        starts = [pc.min(column).as_py() for column in (exposures["at"], cases["reported_at"]) if len(column)]
        starts = [_aware(start) for start in starts if start is not None]
        if not starts:
            return False
        exposed = [name for name in self.dimensions if name in exposures.schema.names]
        self.order = (*exposed, *(name for name in self.dimensions if name not in exposed))
        self._lay_out(len(exposed))
        self.origin: datetime = min(starts).replace(hour=0, minute=0, second=0, microsecond=0)
        return True

    def _lay_out(self, exposed: int) -> None:
        n = len(self.order)
        self.exposed = exposed
        self.values: list[dict[str, int]] = [{} for _ in range(n)]
        self.hashes: list[NDArray[np.uint64]] = [np.zeros(0, np.uint64) for _ in range(exposed)]
        self._lay_slices(())
        self.rates = Rates(exposed, n)
        self.sample = Sample(exposed)
        self.total_spread = np.zeros(2)
        self.today = np.zeros(1)  # cases
        self.level = 1.0  # of all rates lately
        self.total_mass = 0.0
        self.ex_t, self.ex_rows, self.sampled = np.zeros(0), np.zeros((0, exposed), np.int32), 0
        self.case_t, self.case_rows, self.case_x = np.zeros(0), np.zeros((0, n), np.int32), np.zeros(0)
        self.case_ids: list[str] = []
        self.taken = np.zeros(0, np.int32)
        self.next_case = self.seen = 0
        self.now = 0.0
        self.day = 0
        self.next_fit = WARM_UP
        self.fitted = False
        self.signals: list[Open] = []
        self.raised = 0

    def _lay_slices(self, apart: Collection[tuple[int, int]]) -> None:
        self.apart = sorted(apart)
        self.state = State(self.exposed, len(self.order), apart)
        cuboids = len(self.state.parts)
        self.strength = np.full(cuboids, 50.0)
        self.inverse_shape = np.full(cuboids, 0.01)
        self.spread = np.zeros((2, cuboids))  # of single values between days: sums of excess variance and of its weight

    def _take_exposures(self, table: pa.Table) -> None:
        if not len(table):
            return
        times = np.maximum(self._hours(table["at"]), self.now)
        rows = np.stack([self._codes(d, table[name]) for d, name in enumerate(self.order[: self.exposed])], axis=1)
        times = np.concatenate([self.ex_t[self.sampled :], times])
        rows = np.concatenate([self.ex_rows[self.sampled :], rows])
        order = np.argsort(times, kind="stable")
        self.ex_t = np.concatenate([self.ex_t[: self.sampled], times[order]])
        self.ex_rows = np.concatenate([self.ex_rows[: self.sampled], rows[order]])

    def _take_cases(self, table: pa.Table) -> None:
        if not len(table):
            return
        n = self.next_case
        times = np.concatenate([self.case_t[n:], np.maximum(self._hours(table["reported_at"]), self.now)])
        known = pc.is_valid(table["exposed_at"]).to_numpy(zero_copy_only=False)
        exposed = np.full(len(table), np.nan)
        exposed[known] = self._hours(table["exposed_at"].filter(known))
        exposed = np.concatenate([self.case_x[n:], exposed])
        rows = np.stack([self._codes(d, table[name]) for d, name in enumerate(self.order)], axis=1)
        rows = np.concatenate([self.case_rows[n:], rows])
        ids = self.case_ids[n:] + [str(case) for case in table["case_id"].to_pylist()]
        order = np.lexsort((np.array(ids), times))
        self.case_t = np.concatenate([self.case_t[:n], times[order]])
        self.case_x = np.concatenate([self.case_x[:n], exposed[order]])
        self.case_rows = np.concatenate([self.case_rows[:n], rows[order]])
        self.case_ids = self.case_ids[:n] + [ids[i] for i in order]
        self.taken = np.concatenate([self.taken[:n], np.full(len(order), -1, np.int32)])

    def _codes(self, d: int, column: pa.ChunkedArray) -> NDArray[np.int32]:
        """Numbers of values, -1 where not known; new values get the next numbers."""
        texts = pc.dictionary_encode(column.cast(pa.string())).combine_chunks()
        texts = texts.chunk(0) if isinstance(texts, pa.ChunkedArray) else texts
        known, most = self.values[d], MOST_VALUES if d < self.exposed else MOST_KINDS
        numbers = np.full(len(texts.dictionary) + 1, -1, np.int32)
        for i, value in enumerate(texts.dictionary.to_pylist()):
            if value not in known and len(known) < most:
                known[value] = len(known)
            numbers[i] = known.get(value, -1)
        if d < self.exposed:
            new = list(known)[len(self.hashes[d]) :]
            self.hashes[d] = np.concatenate([self.hashes[d], np.array([_hash(d, value) for value in new], np.uint64)])
        indices = texts.indices.fill_null(len(texts.dictionary)).to_numpy(zero_copy_only=False)
        return np.asarray(numbers[indices.astype(np.int64)])

    def _hours(self, moments: pa.ChunkedArray | Sequence[datetime]) -> Numbers:
        """Hours since the origin, in whole minutes."""
        if not isinstance(moments, pa.ChunkedArray):
            moments = pa.chunked_array([pa.array([_aware(moment) for moment in moments], pa.timestamp("us", "UTC"))])
        microseconds = moments.cast(pa.timestamp("us"), safe=False).cast(pa.int64()).to_numpy()
        start = int(self.origin.timestamp()) // 60
        return np.asarray((microseconds // 60_000_000 - start) / 60.0)

    def _moment(self, hours: float) -> datetime:
        moment: datetime = self.origin + timedelta(minutes=round(hours * 60))
        return moment

    # What is usual

    def _learn(self, now: float) -> None:
        """Rates by value, shares and delays, from what came before an hour."""
        end = int(np.searchsorted(self.case_t, now))
        delays = np.maximum(self.case_t[self.seen : end] - self.case_x[self.seen : end], 0.0)
        self.rates.see(self.case_rows[self.seen : end], delays)
        self.seen = end
        self._sample(int(np.searchsorted(self.ex_t, now)))
        self.rates.fit(self.sample, now)

    def _sample(self, end: int) -> None:
        if end <= self.sampled:
            return
        times, rows = self.ex_t[self.sampled : end], self.ex_rows[self.sampled : end]
        mixed = np.round(times * 60).astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        for hashes, column in zip(self.hashes, rows.T, strict=True):
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
        state, rates = self.state, self.rates
        kernels.catch_up(now, rates.width, rates.told, state.cells, state.slices)
        slices = state.slices[3][: state.slices[2][0]]
        first = not self.fitted
        slices["n_old"], slices["e_old"] = (
            (slices["n_all"], slices["e_all"]) if first else (slices["n_kept"], slices["e_kept"])
        )
        slices["n_kept"], slices["e_kept"] = slices["n_all"], slices["e_all"]
        depth, singles = state.cuboids[0], state.cuboids[5]
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
            slices["evidence"], slices["head"] = 0.0, -1
            state.days[1][0] = 0
        total = max(self.total_spread[0] / max(self.total_spread[1], 1e-9), 0.0)
        own = np.maximum(self.spread[0] / np.maximum(self.spread[1], 1e-9) - total, 0.0)
        for k, parts in enumerate(singles):
            self.inverse_shape[k] = max(total + own[parts[: depth[k]]].max(), LEAST_SPREAD)
        self.fitted = True

    def _rates(self) -> tuple[Any, ...]:
        """What kernels know of rates."""
        rates, sizes = self.rates, self.state.sizes
        share_at = np.zeros(len(self.order), np.int64)
        share_at[self.exposed + 1 :] = np.cumsum(sizes[self.exposed : -1])
        shares = [rates.shares(d, int(sizes[d])) for d in range(self.exposed, len(self.order))]
        told_of = np.zeros(max(int(sizes[self.exposed :].sum()), 1), np.int64)
        told_of[: len(rates.told_of)] = rates.told_of
        numbers = (
            self.strength, self.inverse_shape, np.concatenate(shares) if shares else np.ones(1), share_at,
            FORGET ** (self._time[1] / 24.0),
            UNSURE, self.level, self.spread[0], self.spread[1],
        )  # fmt: skip
        return numbers, told_of

    # Taking on

    def _run(self, stop: float, found: list[Finding]) -> None:
        """Take exposures and cases up to an hour, and decide on every alarm."""
        state, rates = self.state, self.rates
        state.make_room_for_values(np.array([len(values) for values in self.values]))
        end = int(np.searchsorted(self.ex_t, stop))
        mass = rates.mass(self.ex_rows[:end])
        self.numbers, self.told_of = self._rates()
        position = np.array([0, self.next_case, 0, self.day])
        case_of = self._cohorts(slice(None))
        claimed = np.full(len(self.case_t), -1, np.int32)
        cuboids = len(state.parts)
        out_slices, out_evidence = np.full(cuboids, -1, np.int64), np.zeros(cuboids)
        while True:
            current = [signal for signal in self.signals if signal.closed is None]
            codes = np.array([signal.code for signal in current], np.int64).reshape(-1, len(self.order))
            weight = np.array([1.0 / signal.ratio for signal in current])
            outcome = kernels.advance(
                position, self.ex_t[:end], self.ex_rows, mass, self.case_t, self.case_rows, case_of, stop, self._time,
                rates.told, self.told_of, state.grids, state.cells, len(state.cells[0]), state.cuboids, state.slices,
                self._live, state.days, self.numbers, self.today, codes, weight, self.one_false_alarm_in, self.fitted,
                claimed, out_slices, out_evidence,
            )  # fmt: skip
            self._claim(current, claimed, self.next_case, int(position[1]))
            self.next_case = int(position[1])
            if outcome == kernels.DONE:
                break
            if outcome == kernels.DAY_ENDED:
                while self.day < position[3]:
                    self._new_day(self.day + 1, found)
            elif outcome == kernels.CELLS_FULL:
                state.make_room_for_cells()
            elif outcome == kernels.SLICES_FULL:
                self._make_room()
            else:
                self._decide(self.next_case - 1, float(out_evidence.max()), found)
        self._sample(end)
        self.ex_t, self.ex_rows, self.sampled = self.ex_t[end:], self.ex_rows[end:], self.sampled - end

    @property
    def _time(self) -> tuple[float, float, float]:
        """Hours of a bin, and of a cohort: a day, or more where reports take so long that there were too many.

        And what part of a cohort a bin is.
        """
        width = self.rates.width
        unit = 24.0 * float(np.ceil(kernels.SPAN * width / 24.0 / COHORTS))
        return width, unit, width / unit

    @property
    def _live(self) -> int:
        """How many cohorts, the present one included, may still be reported of."""
        width, unit, _part = self._time
        return int(((kernels.SPAN + 1) * width + 2.0) // unit) + 2

    def _cohorts(self, which: Any) -> NDArray[np.int64]:
        """(n, 2) cohorts of exposures that cases belong to.

        Without an exposure: that of their own time among reports that come at once, that of the usual delay before
        among others.
        """
        width, _unit, part = self._time
        exposed, at = self.case_x[which], self.case_t[which]
        hours = np.stack([np.fmin(exposed, at), np.where(np.isnan(exposed), at - self.rates.usually, exposed)], axis=1)
        hours = np.clip(hours, 0.0, at[:, None])
        return np.asarray(hours // width * part + 1e-9, np.int64)

    def _oldest(self) -> int:
        return int((self.day - LOOK_BACK) * 24.0 // self._time[1])

    def _make_room(self) -> None:
        state = self.state
        if state.slices[2][0] + len(state.parts) >= len(state.slices[3]):
            state.make_room_for_slices()
        if state.days[1][0] + len(state.parts) >= len(state.days[0]):
            state.drop_days(self._oldest())

    def _claim(self, current: list[Open], claimed: NDArray[np.int32], first: int, end: int) -> None:
        for i in first + np.nonzero(claimed[first:end] >= 0)[0]:
            signal = current[claimed[i]]
            self.taken[i] = signal.number
            signal.cases.append(self.case_ids[i])
            signal.last_case = float(self.case_t[i])

    def _new_day(self, day: int, found: list[Finding]) -> None:
        """A day ended: how much it differed from what was expected, and which signals are over."""
        start = day * 24.0
        total = int(self.state.grids[1][0]) if len(self.state.grids[1]) else -1
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
                self._follow(signal, start, found)
        self.signals = [
            signal for signal in self.signals if signal.closed is None or start - signal.closed <= AGAIN * 24.0
        ]

    def _mass(self, cell: int, teach: int, at: float) -> float:
        rates = self.rates
        return float(kernels.reported(cell, at, rates.width, rates.told, teach, *self.state.cells))

    def _expected(self, signal: Open, at: float) -> tuple[float, float]:
        """Of its slice since the beginning: cases expected, and observed."""
        row = self.state.slices[3][signal.slice]
        return self._mass(int(row["cell"]), int(row["teach"]), at) * signal.usual, float(row["n_all"])

    def _due(self, signal: Open, at: float) -> float:
        """How many cases were to be expected among those it claims."""
        return signal.expected + max(self._expected(signal, at)[0] - signal.mass, 0.0)

    def _follow(self, signal: Open, now: float, found: list[Finding]) -> None:
        """Close a signal whose rate is back or of which nothing was heard for long; tell of one that grew."""
        expected, observed = self._expected(signal, now)
        today = int(now // 24.0)
        over = now - signal.last_case > SLEEP * 24.0 or now - signal.since > LASTING * 24.0
        # How large the rise is, seen over all of the signal and a little carefully: when raised it looked its largest.
        ratio = float(chi2.ppf(0.3, 2 * len(signal.cases))) / 2 / max(self._due(signal, now), 1e-3)
        half = 1 + (max(min(ratio, signal.ratio), ONSET_RATIOS[0]) - 1) / 2
        for day, then_expected, then_observed in signal.history:
            if today - day in BACK and expected > then_expected:
                over |= poisson.cdf(observed - then_observed, half * (expected - then_expected)) < BACK_LEVEL
        signal.history = [*(row for row in signal.history if today - row[0] < max(BACK)), (today, expected, observed)]
        if over:
            signal.closed = now
            found.append(self._finding("closed", signal, now))
        elif len(signal.cases) >= GROWN * signal.told:
            found.append(self._finding("updated", signal, now))

    # Deciding

    def _score(self, case: int, now: float) -> Numbers:
        """For each slice of a case: number, score, log likelihood ratio, onset (day), ratio, cases, expected, usual."""
        state, rates = self.state, self.rates
        scores = np.zeros((len(state.parts), 8))
        kernels.score_case(
            self.case_rows, case, now, self._time, self._live, rates.told, self.told_of, state.grids, state.cells,
            state.cuboids, state.slices, state.days, self.numbers, self._oldest(), ONSET_RATIOS, scores,
        )  # fmt: skip
        return scores

    def _members(self, code: Sequence[int], since: float, upto: int) -> NDArray[np.int64]:
        """Cases of a slice up to one, of a cohort or later ones, that no signal took."""
        first = int(np.searchsorted(self.case_t, max(since * self._time[1], (self.day - LOOK_BACK) * 24.0)))
        some = slice(first, upto + 1)
        found = kernels.members(
            self.case_rows[some], self._cohorts(some)[:, 0], self.taken[some], np.array(code), since
        )
        return np.asarray(found + first)

    def _code(self, case: int, cuboid: int) -> list[int]:
        parts = self.state.parts[cuboid]
        return [int(self.case_rows[case, d]) if d in parts else -1 for d in range(len(self.order))]

    def _decide(self, case: int, evidence: float, found: list[Finding]) -> None:
        """There is more than chance explains: find the slice and the onset that explain it best, and raise a signal.

        The slices of the case that brought the alarm are compared, and those of other cases of the best of them, until
        none is better.
        """
        now = float(self.case_t[case])
        pivot, scores, looked = case, self._score(case, now), {case}
        for _ in range(ROUNDS):
            top = int(scores[:, 1].argmax())
            better = False
            for other in self._members(self._code(pivot, top), scores[top, 3], case)[::-1][:PIVOTS]:
                if other in looked:
                    continue
                looked.add(int(other))
                rival = self._score(int(other), now)
                if rival[:, 1].max() > scores[:, 1].max() + 1e-9:
                    pivot, scores, better = int(other), rival, True
            if not better:
                break
        top, clear = self._clearest(scores)
        code = self._code(pivot, top)
        mine = self._members(code, scores[top, 3], case)
        if len(mine) < LEAST or not (clear or evidence > STRONG * self.one_false_alarm_in):
            return
        signal = self._raise(code, scores[top], mine, float(np.log(evidence)), now)
        found.append(
            self._finding(
                "updated" if signal.told else "raised", signal, now + 1 / 60, self._neighbours(pivot, top, scores)
            )
        )
        self._explain_away(mine, signal.ratio, now)

    def _clearest(self, scores: Numbers) -> tuple[int, bool]:
        """The best of the slices of a case, and whether it is clearly better than all others.

        Of slices that always held the same purchases and cases, the one that says it with the fewest dimensions.
        """
        state = self.state
        best = int(scores[:, 1].argmax())
        rows = state.slices[3][scores[:, 0].astype(np.int64)]
        totals = state.cells[0]["total"][rows["cell"]]
        alike = (scores[:, 0] >= 0) & (totals == totals[best]) & (rows["n_all"] == rows["n_all"][best])
        odds = np.exp(scores[:, 1] - scores[best, 1])
        top = int(np.where(alike, state.cuboids[0], DEPTH + 1).argmin())
        return top, bool(odds[alike].max() > CLEAR * (odds[~alike].sum() + odds[alike].max()))

    def _raise(self, code: list[int], score: Numbers, mine: NDArray[np.int64], evidence: float, now: float) -> Open:
        """A new signal, or one that lies around or within and was open until lately, in its new bounds."""
        kin = next((signal for signal in self.signals if signal.kin(code)), None)
        if kin is None:
            self.raised += 1
        # The part of the cases of other signals that was to be expected anyway is not to be expected of these.
        expected = max(float(score[6]) - max(float(score[5]) - len(mine), 0.0), 0.0)
        ratio = max(float(score[5]) / max(float(score[6]), 1e-3), ONSET_RATIOS[0])
        signal = Open(
            number=kin.number if kin else self.raised, code=code, slice=int(score[0]), ratio=ratio,
            usual=float(score[7]), since=float(self.case_t[mine[0]]), evidence=evidence, expected=expected, mass=0.0,
            last_case=now, told=kin.told if kin else 0, cases=[self.case_ids[i] for i in mine],
        )  # fmt: skip
        if kin:
            signal.cases = list(dict.fromkeys(kin.cases + signal.cases))
            signal.since = min(signal.since, kin.since)
            signal.expected += self._due(kin, now)
            self.signals.remove(kin)
        signal.mass, observed = self._expected(signal, now)
        signal.history = [(self.day, self._expected(signal, self.day * 24.0)[0], observed)]
        self.signals.append(signal)
        self.taken[mine] = signal.number
        return signal

    def _explain_away(self, mine: NDArray[np.int64], ratio: float, now: float) -> None:
        """What the signal explains is no evidence of another: of its cases only what was expected still counts."""
        state, rates = self.state, self.rates
        kernels.explain_away(
            self.case_rows[mine], self._cohorts(mine), 1 - 1 / ratio, now, self._time, self._live, rates.told,
            self.told_of, state.grids, state.cells, state.cuboids, state.slices, state.days, self.numbers,
            self._oldest(),
        )  # fmt: skip

    def _neighbours(self, pivot: int, top: int, scores: Numbers) -> tuple[Neighbour, ...]:
        parts = self.state.parts
        chosen = set(parts[top])
        rivals = [k for k in np.argsort(-scores[:, 1]) if k != top and scores[k, 0] >= 0 and scores[k, 5] > 0]
        return tuple(
            Neighbour(
                slice=self._slice(self._code(pivot, int(k))),
                observed=round(scores[k, 5]),
                expected=round(float(scores[k, 6]), 3),
                evidence=round(float(scores[k, 1]), 3),
                why="broader" if set(parts[k]) < chosen else "narrower" if chosen < set(parts[k]) else "beside",
            )
            for k in rivals[:NEIGHBOURS]
        )

    def _slice(self, code: Sequence[int]) -> dict[str, str]:
        at = {name: d for d, name in enumerate(self.order)}
        return {name: list(self.values[at[name]])[code[at[name]]] for name in self.dimensions if code[at[name]] >= 0}

    def _finding(self, event: Any, signal: Open, at: float, neighbours: tuple[Neighbour, ...] = ()) -> Finding:
        observed = len(signal.cases)
        expected = self._due(signal, at)
        signal.told = observed
        return Finding(
            event=event, signal=signal.number, at=self._moment(at), since=self._moment(signal.since),
            slice=self._slice(signal.code), observed=observed, expected=round(expected, 3),
            low=round(float(chi2.ppf(0.025, 2 * observed)) / 2 - expected, 3),
            high=round(float(chi2.ppf(0.975, 2 * observed + 2)) / 2 - expected, 3),
            evidence=round(signal.evidence, 3), cases=tuple(signal.cases), neighbours=neighbours,
        )  # fmt: skip

    def _forget(self) -> None:
        """Drop cases that no onset reaches back to."""
        old = min(int(np.searchsorted(self.case_t, (self.day - LOOK_BACK) * 24.0)), self.next_case, self.seen)
        self.case_t, self.case_rows, self.case_x = self.case_t[old:], self.case_rows[old:], self.case_x[old:]
        self.case_ids, self.taken = self.case_ids[old:], self.taken[old:]
        self.next_case -= old
        self.seen -= old

    # Keeping

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write everything to one file, whole or not at all."""
        target = Path(path)
        meta = {"dimensions": self.dimensions, "days": self.one_false_alarm_in}
        arrays: dict[str, Any] = {}
        if self.order:
            meta |= {name: getattr(self, name) for name in _PLAIN}
            meta |= {
                "values": [list(values) for values in self.values], "signals": self.signals, "share": self.sample.share,
                "rates": {name: getattr(self.rates, name) for name in _RATES},
            }  # fmt: skip
            # What cohorts weighed is asked until they were settled, and as long again for those that slept.
            width, unit, _part = self._time if self.rates.width else (1.0, 24.0, 0.0)
            oldest = int((self.now - 24.0 - 2 * self._live * unit) // width) if self.rates.width else 0
            arrays = {f"state_{name}": rows for name, rows in self.state.arrays(oldest).items()}
            arrays |= {f"own_{name}": getattr(self, name) for name in _ARRAYS}
            arrays |= {f"sample_{name}": getattr(self.sample, name) for name in ("times", "rows", "hashes")}
            arrays |= {f"rates_{name}": getattr(self.rates, name) for name in ("kind_at", "delays", "told", "told_of")}
            arrays |= {f"effects_{d}": effect for d, effect in enumerate(self.rates.effects)}
            arrays |= {f"counts_{d}": counts for d, counts in enumerate(self.rates.counts)}
        part = target.with_name(f"{target.name}.{os.getpid()}.part")
        with part.open("wb") as file:
            np.savez(file, meta=np.frombuffer(msgspec.json.encode(meta, enc_hook=np.generic.item), np.uint8), **arrays)
            file.flush()
            os.fsync(file.fileno())
        part.replace(target)

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
        with np.load(path, allow_pickle=False) as kept:
            try:
                meta = msgspec.json.decode(kept["meta"].tobytes())
                self = cls(meta["dimensions"], one_false_alarm_in=meta["days"])
                if "order" not in meta:
                    return self
                self.order = tuple(meta["order"])
                self._lay_out(meta["exposed"])
                for name in _PLAIN:
                    setattr(self, name, meta[name])
                self.order, self.origin = tuple(self.order), datetime.fromisoformat(meta["origin"])
                self.values = [{value: i for i, value in enumerate(values)} for values in meta["values"]]
                self.hashes = [
                    np.array([_hash(d, value) for value in self.values[d]], np.uint64) for d in range(self.exposed)
                ]
                self.signals = msgspec.convert(meta["signals"], list[Open])
                self._lay_slices({tuple(pair) for pair in meta["apart"]})
                self.state.restore({name[6:]: kept[name] for name in kept.files if name.startswith("state_")})
                for name in _ARRAYS:
                    setattr(self, name, kept[f"own_{name}"])
                for name in ("times", "rows", "hashes"):
                    setattr(self.sample, name, kept[f"sample_{name}"])
                self.sample.share = meta["share"]
                for name, value in meta["rates"].items():
                    setattr(self.rates, name, value)
                for name in ("kind_at", "delays", "told", "told_of"):
                    setattr(self.rates, name, kept[f"rates_{name}"])
                self.rates.effects = [kept[f"effects_{d}"] for d in range(self.exposed)]
                self.rates.counts = [kept[f"counts_{d}"] for d in range(len(self.order))]
            except (KeyError, msgspec.MsgspecError) as problem:
                raise ValueError(f"{path} does not hold a detector of this version.") from problem
        return self


_PLAIN: Final = (
    "order", "exposed", "origin", "sampled", "next_case", "seen", "now", "day", "next_fit", "fitted", "raised",
    "case_ids", "total_mass", "apart", "level",
)  # fmt: skip
_ARRAYS: Final = (
    "ex_t", "ex_rows", "case_t", "case_rows", "case_x", "taken", "strength", "inverse_shape", "spread",
    "total_spread", "today",
)  # fmt: skip
_RATES: Final = ("base", "cases", "width", "usually")


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
        pairs = np.unique(rows[(rows[:, a] >= 0) & (rows[:, b] >= 0)][:, [a, b]], axis=0)
        if len(pairs) in (len(np.unique(pairs[:, 0])), len(np.unique(pairs[:, 1]))):
            found.add((a, b))
    return found


def _aware(moment: datetime) -> datetime:
    return datetime.fromtimestamp((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp(), UTC)


def _hash(dimension: int, value: str) -> int:
    return int.from_bytes(hashlib.blake2b(f"{dimension}\0{value}".encode(), digest_size=8).digest(), "little")
