"""What is usual: cases per exposure by its values, shares of what only cases know, and how long reports take."""

from typing import Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from makegood.engines.statistics.detection import kernels

AT_MOST: Final = 400_000  # exposures that usual rates are fitted on; beyond, a sample
DELAYS: Final = 50_000  # reports that delays are learned from, the latest
TELLING: Final = 10  # reports of one kind, or of one value, from which on it may have delays of its own ...
LIKE_ALL: Final = 30.0  # ... and reports' worth of belief that it takes as long as all do
UNLIKE: Final = (
    2.0,
    0.1,
)  # how far a value's delays are from all, in standard errors and after that belief, to be its own
STEPS: Final = 16  # quantiles of all delays that those of a value are held against
MOST_OWN: Final = 256  # values and kinds with delays of their own
SHRINK: Final = 20.0  # cases' worth of belief that a value is like all others
ROUNDS: Final = 6
NARROWEST: Final = 3.25  # hours of a bin, so that a cell remembers its cohorts of a day

Codes = NDArray[np.int32]
Numbers = NDArray[np.float64]


class Sample:
    """Exposures kept to fit rates on: all of them, or those whose hash is small. No order of arrival matters."""

    def __init__(self, dimensions: int) -> None:
        self.times: Numbers = np.zeros(0)
        self.rows: Codes = np.zeros((0, dimensions), np.int32)
        self.hashes: NDArray[np.uint64] = np.zeros(0, np.uint64)
        self.share = 1.0  # of all exposures

    def add(self, times: Numbers, rows: Codes, hashes: NDArray[np.uint64]) -> None:
        keep = hashes < np.uint64(min(self.share * 2.0**64, 2.0**64 - 2048)) if self.share < 1 else slice(None)
        self.times = np.concatenate([self.times, times[keep]])
        self.rows = np.concatenate([self.rows, rows[keep]])
        self.hashes = np.concatenate([self.hashes, hashes[keep]])
        while len(self.times) > AT_MOST:
            self.share /= 2
            few = self.hashes < np.uint64(self.share * 2.0**64)
            self.times, self.rows, self.hashes = self.times[few], self.rows[few], self.hashes[few]


class Rates:
    """How many cases an exposure usually leads to, by its values; learned from the past alone.

    Attributes
    ----------
    base : cases per exposure.
    effects : for each dimension of exposures, by value: how many times as many.
    counts : for each dimension, by value: cases so far.
    told : (rows, hours) share of the cases reported h hours after a bin of exposures began; row 0: of all.
    told_of : for each dimension of exposures and the first of cases, by value: its row of `told`. The later a row, the
        more unlike all others are its delays: what has several takes the last.
    width : hours of a bin.
    usually : hours that half of the first reports took.
    """

    def __init__(self, exposed: int, dimensions: int) -> None:
        self.exposed = exposed
        self.base = 0.0
        self.effects = [np.ones(0) for _ in range(exposed)]
        self.counts = [np.zeros(0) for _ in range(dimensions)]
        self.cases = 0
        self.rows_at: Codes = np.zeros((0, min(exposed + 1, dimensions)), np.int32)
        self.delays: Numbers = np.zeros(0)
        self.first: NDArray[np.bool_] = np.zeros(0, np.bool_)
        self.width = 0.0
        self.usually = 0.0
        self.told: Numbers = np.ones((1, 2))
        self.told_of = [np.zeros(0, np.int64) for _ in range(min(exposed + 1, dimensions))]

    def see(self, rows: Codes, delays: Numbers, first: NDArray[np.bool_]) -> None:
        """Count cases: for the `first` time, or told again of some dimensions (the others -1).

        `delays`: hours since exposure, NaN where there was none.
        """
        self.cases += int(first.sum())
        for d, column in enumerate(rows.T):
            known = column[column >= 0]
            counts = np.bincount(known, minlength=len(self.counts[d])).astype(float)
            counts[: len(self.counts[d])] += self.counts[d]
            self.counts[d] = counts
        self.rows_at = np.concatenate([self.rows_at, rows[:, : self.exposed + 1]])[-DELAYS:]
        self.delays = np.concatenate([self.delays, delays])[-DELAYS:]
        self.first = np.concatenate([self.first, first])[-DELAYS:]

    def fit(self, sample: Sample, now: float) -> NDArray[np.int64]:
        """Learn anew from exposures and cases up to hour `now`: main effects by iterative proportional fitting.

        Returns for each row of `told` before which one it is now; 0 where it is none any more.
        """
        before, rows = self.told_of, len(self.told)
        self._fit_delays()
        moved = np.zeros(rows, np.int64)
        for old, new in zip(before, self.told_of, strict=True):
            moved[old] = new[: len(old)]
        moved[0] = 0
        reported = self.told[0][np.clip(now - sample.times, 0, self.told.shape[1] - 1).astype(np.int64)] / sample.share
        self.base = self.cases / max(float(reported.sum()), 1.0)
        sizes = [int(column.max(initial=-1)) + 1 for column in sample.rows.T]
        starts = np.concatenate([[0], np.cumsum([max(n, 1) for n in sizes])]).astype(np.int64)
        counts = np.zeros(starts[-1])
        for d, size in enumerate(sizes):
            seen = self.counts[d][:size]
            counts[starts[d] : starts[d] + len(seen)] = seen
        effects = _effects(sample.rows, self.base * reported, counts, starts, SHRINK, ROUNDS)
        self.effects = [effects[starts[d] : starts[d] + size] for d, size in enumerate(sizes)]
        return moved

    def shares(self, d: int, room: int) -> Numbers:
        """Share of the cases by value of a dimension that only cases know."""
        counts = np.zeros(room)
        counts[: len(self.counts[d])] = self.counts[d]
        seen = max(int((counts > 0).sum()), 1)
        return np.asarray((counts + 5.0) / (counts.sum() + 5.0 * seen))

    def mass(self, rows: Codes) -> NDArray[np.int64]:
        """Cases that exposures usually lead to, in units of the kernels."""
        mass = np.full(len(rows), self.base * kernels.UNIT)
        for effect, column in zip(self.effects, rows.T, strict=True):
            if len(effect):
                known = (column >= 0) & (column < len(effect))
                mass *= np.where(known, effect[np.where(known, column, 0)], 1.0)
        return np.round(mass).astype(np.int64)

    def _fit_delays(self) -> None:
        known = ~np.isnan(self.delays)
        delays = np.sort(self.delays[known & self.first])
        if not self.width:
            self.usually = float(np.median(delays)) if len(delays) else 0.0
            longest = float(np.quantile(delays, 0.995)) if len(delays) else 0.0
            self.width = max(NARROWEST, float(np.ceil(4 * longest / kernels.SPAN)) / 4)
        rows = [self._told(delays)]
        self.told_of = [np.zeros(len(self.counts[d]), np.int64) for d in range(len(self.told_of))]
        for at_once, d, value in self._unlike(delays, known):
            mine = np.sort(self.delays[known & (self.rows_at[:, d] == value)])
            own, n = self._told(mine), len(mine)
            self.told_of[d][value] = len(rows)
            rows.append(np.ones_like(rows[0]) if at_once else (n * own + LIKE_ALL * rows[0]) / (n + LIKE_ALL))
        self.told = np.array(rows)

    def _unlike(self, delays: Numbers, known: NDArray[np.bool_]) -> list[tuple[bool, int, int]]:
        """Whether reports come at once, dimension, value: all kinds, and values of exposures that take their own time.

        The most unlike all others last, by the greatest distance between the distribution of their delays and that of
        the `delays` of all (Kolmogorov-Smirnov, at quantiles of these); a kind that is significantly unlike after all
        that was bought.
        """
        if not len(delays):
            return []
        edges = np.quantile(delays, np.arange(1, STEPS) / STEPS)
        of_all = np.append(np.searchsorted(delays, edges, side="right") / len(delays), 1.0)
        step = np.searchsorted(edges, self.delays)
        found: list[tuple[float, int, int]] = []
        for d in range(len(self.told_of)):
            values = self.rows_at[:, d].astype(np.int64)
            reports = np.bincount(values[values >= 0], minlength=len(self.counts[d]))
            mine = known & (values >= 0)
            cells = np.bincount(values[mine] * STEPS + step[mine], minlength=STEPS * len(self.counts[d]))
            below = np.cumsum(cells.reshape(-1, STEPS), axis=1)
            n = below[:, -1]
            apart = np.abs(below / np.maximum(n, 1)[:, None] - of_all).max(axis=1)
            far = apart * n / (n + LIKE_ALL)
            own, unlike = reports >= TELLING, (apart * np.sqrt(n) > UNLIKE[0]) & (far > UNLIKE[1])
            if d < self.exposed:
                own &= unlike
            else:
                far[unlike] += 1.0  # a distance is less than 1
                far[n < reports / 2] = np.inf
            found += [(float(far[value]), d, int(value)) for value in np.nonzero(own)[0]]
        return [(far == np.inf, d, value) for far, d, value in sorted(found)[-MOST_OWN:]]

    def _told(self, delays: Numbers) -> Numbers:
        """Share reported by whole hours after a bin began, exposures spread evenly over it. No delays: at once."""
        hours = np.arange(int(kernels.SPAN * self.width) + 2.0)
        if not len(delays):
            return np.ones(len(hours))
        within = (np.arange(8) + 0.5) / 8 * self.width
        counts = np.searchsorted(delays, (hours[:, None] - within).ravel(), side="right").reshape(len(hours), -1)
        return np.asarray(counts.mean(axis=1) / len(delays))


@njit(cache=True)
def _effects(
    rows: Codes, weight: Numbers, counts: Numbers, starts: NDArray[np.int64], shrink: float, rounds: int
) -> Numbers:
    """Multiplicative effects of the values of each dimension, fitted in turn.

    What few cases say of a value is shrunk towards what its dimension says: a new store is like other stores.
    """
    effects = np.ones(len(counts))
    expected = np.zeros(len(counts))
    mass = weight.copy()
    n, dims = rows.shape
    for _ in range(rounds):
        for d in range(dims):
            first, end = starts[d], starts[d + 1]
            expected[first:end] = 0.0
            for i in range(n):
                if rows[i, d] >= 0:
                    expected[first + rows[i, d]] += mass[i]
            alone = expected[first:end] / effects[first:end]  # without the effects of this dimension
            usual = (counts[first:end].sum() + shrink) / (alone.sum() + shrink)
            for j in range(first, end):
                effect = (counts[j] + shrink) / (alone[j - first] + shrink / usual)
                expected[j] = effect / effects[j]
                effects[j] = effect
            for i in range(n):
                if rows[i, d] >= 0:
                    mass[i] *= expected[first + rows[i, d]]
    return effects
