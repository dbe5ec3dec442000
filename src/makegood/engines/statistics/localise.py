"""Which slices explain the difference between what was observed and what was to be expected."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from math import comb, inf, log, nan
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri, xlogy

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

PRICE: Final = 3.0  # nats that a cause must bring beyond what choosing the best of all slices brings by chance
PER_ATTRIBUTE: Final = 0.5  # nats more for each attribute of its description
LEAST_NOISE: Final = 1e-4  # relative: forecasts closer than this are as good as exact
SIDE: Final = 20  # leaves that tell how noise is spread
KNOTS: Final = 60
FARTHEST: Final = 10.0  # relative change: what was not expected at all is that far off
UNEVEN: Final = 2.0  # standard errors, and percent, by which more leaves may lie on one side than on the other
ENOUGH: Final = 5.0  # counts to be expected of a value that tells something of dispersion
CHI_MEDIAN: Final = 0.455  # of the chi-squared distribution with one degree of freedom
CARRIED: Final = 0.25  # of the evidence of a slice, which the parts must bring that it is narrowed to
TIE: Final = 1e-9  # nats: slices closer than this are as good as each other, and the first is taken
BIAS: Final = 0.1  # standard scores: forecasts lean a little to one side, which in a large slice is no news


@dataclass(frozen=True, kw_only=True)
class Cause:
    """A slice that changed as one.

    Attributes
    ----------
    slice : dict
        The value of each attribute that describes it. Empty: everything. Of counts that is the general change,
        against which the other causes are told; `observed` is what all leaves would show, had only that happened.
    observed, expected : float
        Of its leaves, those of causes before it left out, so that causes and residual add up.
    share : float
        Of the whole difference; may be negative or above 1 where causes work against
        each other. NaN where there is none.
    score : float
        Evidence in nats (log likelihood ratio), less what its description costs. Positive.
    leaves : ndarray of int64
        Which rows of the table it claims.
    """

    slice: dict[str, Any]
    observed: float
    expected: float
    share: float
    score: float
    leaves: Whole = field(repr=False)

    @property
    def excess(self) -> float:
        return self.observed - self.expected


@dataclass(frozen=True, kw_only=True)
class Localised:
    """Causes, the strongest evidence first (that of everything before all), and what no cause explains."""

    causes: list[Cause]
    observed: float
    expected: float
    residual: float


def localise(
    observed: ArrayLike, expected: ArrayLike, attributes: Mapping[str, ArrayLike], *, counts: bool = False,
    history: float = inf, dispersion: float | None = 1.0, dimensions: int | None = None, most: int = 20,
) -> Localised:  # fmt: skip
    """Explain the difference between two columns of a table by few slices, each of which changed by one ratio.

    Greedy. The slice with the most evidence for a common ratio is taken; where parts of it are clearly as expected it
    is narrowed to a part that is not; then its leaves are explained and the search goes on with the others, until no
    slice brings more than chance and its own description cost. All leaves under a cause are taken to change by about
    the same ratio (the generalised ripple effect of Li et al. 2019), up or down.

    Parameters
    ----------
    observed, expected : array-like of shape (n_leaves,)
        Finite; counts and `expected` are not negative. Same unit. Rows may repeat a combination of values.
    attributes : mapping of str to array-like of shape (n_leaves,)
        The value of each attribute in each row. Two or more rows share values, else nothing can be told.
    counts : bool
        Numbers of events, with the noise of a Poisson distribution: few events are little evidence. Otherwise values
        whose noise is relative; how large it is, is taken from the side (above or below) that deviates less.
    history : float
        Counts only: how many times the exposure of `observed` stands behind `expected`, where that comes from counts
        itself. Infinite: it is known exactly.
    dispersion : float
        Counts only: variance over mean, at least 1. None: taken from the table, as the median over
        single values.
    dimensions : int
        At most so many attributes describe a cause; default: all.
    most : int
        No more causes than this.

    Returns
    -------
    Localised
        The excess of all causes and the residual add up to the difference.

    Raises
    ------
    ValueError
        Lengths differ, a number is not finite or negative where it may not be, or a parameter is out of range.

    Notes
    -----
    Time grows with leaves times cuboids (2 ** attributes, fewer with `dimensions`): 48,000 leaves of five attributes
    take about a tenth of a second.

    Examples
    --------
    >>> carrier, lane = ["A", "A", "B", "B"], ["north", "south", "north", "south"]
    >>> found = localise([40, 41, 44, 120], [40, 40, 40, 40], {"carrier": carrier, "lane": lane}, counts=True)
    >>> [(cause.slice, cause.excess) for cause in found.causes]
    [({'carrier': 'B', 'lane': 'south'}, 80.0)]

    References
    ----------
    Li, Z. et al. (2019). Generic and Robust Localization of Multi-Dimensional Root Causes. ISSRE.
    Kalander, M. (2022). RiskLoc: Localization of Multi-dimensional Root Causes by Weighted Risk. arXiv 2205.10004.
    """
    seen, due, columns = _checked(observed, expected, attributes, counts)
    _check_parameters(history, dispersion, dimensions, most)
    told = np.flatnonzero((seen != 0) | (due != 0))
    codes = {name: codes[told] for name, (_values, codes) in columns.items()}
    if dispersion is None:
        dispersion = _dispersion(seen[told], due[told], codes, history) if counts else 1.0

    def found(usual: Floats, everything: bool) -> list[_Found]:
        noise = _Counts(seen[told], usual[told], history, dispersion) if counts else _Values(seen[told], usual[told])
        return _Search(noise, codes, dimensions, everything).causes(most)

    causes, usual = found(due, everything=True), due
    general = next((one for one in causes if not one.codes), None)
    whole = float(seen.sum() - due.sum())
    told_causes = []
    if counts and general and due[told[general.leaves]].any():
        # All changed by one ratio; what the slices did beyond that is asked anew.
        usual = due * float(seen[told[general.leaves]].sum() / due[told[general.leaves]].sum())
        told_causes.append(_cause({}, float(usual.sum()), float(due.sum()), whole, general.score, told))
        causes = found(usual, everything=False)[: most - 1]
    for one in causes:
        leaves = told[one.leaves]
        slice_ = {name: columns[name][0][code] for name, code in one.codes.items()}
        told_causes.append(
            _cause(slice_, float(seen[leaves].sum()), float(usual[leaves].sum()), whole, one.score, leaves)
        )
    residual = whole - sum(cause.excess for cause in told_causes)
    return Localised(causes=told_causes, observed=float(seen.sum()), expected=float(due.sum()), residual=residual)


def _cause(
    slice_: dict[str, Any], observed: float, expected: float, whole: float, score: float, leaves: Whole
) -> Cause:  # fmt: skip
    share = (observed - expected) / whole if whole else nan
    return Cause(slice=slice_, observed=observed, expected=expected, share=share, score=score, leaves=leaves)


# -- two kinds of noise. Evidence of a slice comes from sums over its leaves, so that a cuboid costs one count of each.


class _Noise(ABC):
    sums: tuple[Floats, ...]  # of each leaf, to be added up

    @abstractmethod
    def evidence(self, sums: tuple[Floats, ...]) -> Floats:
        """Log likelihood ratio of the best common change against none."""

    @abstractmethod
    def misfit(self, parts: tuple[Floats, ...], like: tuple[Floats, ...]) -> Floats:
        """For each part, how much better "as expected" tells it than "changed like the slice"; negative: worse."""

    @abstractmethod
    def apart(self, part: tuple[Floats, ...], like: tuple[Floats, ...]) -> Floats:
        """For each part, how much better a change of its own tells it than "changed like the slice"."""


class _Values(_Noise):
    """Relative noise: standard scores z of each leaf. Sums: z, number, z squared."""

    def __init__(self, observed: Floats, expected: Floats) -> None:
        difference = observed - expected
        to_both = _relative(difference, (np.abs(observed) + expected) / 2)
        to_forecast = _relative(difference, expected)
        # Noise is relative to what makes its two sides alike. With many changed leaves on one side nothing is learned
        # from that; then to both alike, whose tails are the longer ones.
        above, below = (difference > 0).sum(), (difference < 0).sum()
        changed = abs(above - below) > UNEVEN * np.sqrt(above + below) + UNEVEN / 100 * (above + below)
        scores = _standardised(to_both if changed else min(to_both, to_forecast, key=_lopsided))
        self.sums = (scores, np.ones_like(scores), scores**2)

    def evidence(self, sums: tuple[Floats, ...]) -> Floats:
        z, n, _squares = sums
        clear: Floats = np.maximum(0.0, np.abs(z) - BIAS * n)
        evidence: Floats = clear**2 / (2 * np.maximum(n, 1e-9))
        return evidence

    def misfit(self, parts: tuple[Floats, ...], like: tuple[Floats, ...]) -> Floats:
        z, n, _squares = parts
        mean, spread = self._shape(like)
        n = np.maximum(n, 1e-9)
        own = z / n
        misfit: Floats = n * ((own - mean) ** 2 / spread - own**2) / 2 + np.log(spread) / 2 * (z != 0)
        return misfit

    def apart(self, part: tuple[Floats, ...], like: tuple[Floats, ...]) -> Floats:
        z, n, _squares = part
        mean, spread = self._shape(like)
        n = np.maximum(n, 1e-9)
        return n * (z / n - mean) ** 2 / (2 * spread)

    def _shape(self, sums: tuple[Floats, ...]) -> tuple[Floats, Floats]:
        """Mean and variance of changed leaves: they may be spread wider than noise is."""
        z, n, squares = sums
        n = np.maximum(n, 1e-9)
        return z / n, np.maximum(1.0, squares / n - (z / n) ** 2)


def _relative(difference: Floats, usual: Floats) -> Floats:
    return np.clip(difference / np.maximum(usual, 1e-300), -FARTHEST, FARTHEST)


def _sides(change: Floats) -> list[Floats]:
    """How far leaves deviate, above and below; of a side with few leaves nothing is told."""
    sides = [np.abs(change[side]) for side in (change > 0, change < 0)]
    return [side for side in sides if side.size >= max(SIDE, change.size / 20)]


def _lopsided(change: Floats) -> float:
    sides = _sides(change)
    if len(sides) < 2:  # noqa: PLR2004  both
        return 0.0
    return float(abs(np.diff(np.log([max(LEAST_NOISE, np.quantile(side, 0.9)) for side in sides]))[0]))


def _standardised(change: Floats) -> Floats:
    """Changes as standard scores of the noise, whose spread is that of the side that deviates less.

    A cause moves its leaves to one side; the other side, mirrored, shows what noise does, however heavy its tails.
    """
    if not change.size:
        return change
    far = np.abs(change)
    sides = _sides(change) or [far]
    beyond = np.geomspace(0.5, 0.5 / max(side.size for side in sides), KNOTS)  # share of leaves farther out
    scores: Floats = ndtri(1 - beyond / 2)
    reached = np.min([np.quantile(side, 1 - beyond) for side in sides], axis=0)
    # Of two sides with few leaves the closer one is closer by chance, too.
    reached *= 1 + 1 / np.sqrt(min(side.size for side in sides))
    # Tails lighter than a normal distribution's are not believed: they may just be short of leaves.
    reached = np.maximum.accumulate(np.maximum(reached, max(LEAST_NOISE, reached[0] / scores[0]) * scores))
    inner = np.interp(far, np.r_[0.0, reached], np.r_[0.0, scores])
    return np.sign(change) * np.where(far > reached[-1], far * scores[-1] / reached[-1], inner)


class _Counts(_Noise):
    """Poisson counts against expected ones that may be counts themselves. Sums: observed, expected."""

    def __init__(self, observed: Floats, expected: Floats, history: float, dispersion: float) -> None:
        self.sums = (observed, expected)
        self._history, self._dispersion = history, dispersion

    def evidence(self, sums: tuple[Floats, ...]) -> Floats:
        # What is left of a sum when its parts were taken off may lie a last digit below nothing.
        seen, due = (np.maximum(0.0, values) for values in sums)
        return np.maximum(0.0, self._likelihood((seen, due), seen, due))

    def misfit(self, parts: tuple[Floats, ...], like: tuple[Floats, ...]) -> Floats:
        return -self._likelihood(parts, *like)

    def apart(self, part: tuple[Floats, ...], like: tuple[Floats, ...]) -> Floats:
        return self.evidence(part) - self._likelihood(part, *like)

    def _likelihood(self, sums: tuple[Floats, ...], observed: Floats, expected: Floats) -> Floats:
        """Of sums, given that they change by the ratio observed / expected, against no change.

        With a history the observed are a binomial share of all that were counted in both periods (Przyborowski and
        Wilenski 1940); a history without end makes that Poisson.
        """
        seen, due = sums
        if self._history == inf:
            usual = np.maximum(expected, 1e-9)
            likelihood: Floats = xlogy(seen, observed / usual) - due * (observed - expected) / usual
            return likelihood / self._dispersion
        before = self._history * expected
        all_of_them = np.maximum(observed + before, 1e-9)
        now: Floats = xlogy(seen, (1 + self._history) * observed / all_of_them)
        then: Floats = xlogy(self._history * due, (1 + self._history) * expected / all_of_them)
        return (now + then) / self._dispersion


def _dispersion(seen: Floats, due: Floats, columns: Mapping[str, Whole], history: float) -> float:
    """Variance over mean of counts by single values, most of which are taken to have changed like all."""
    ratio = float(seen.sum() / due.sum()) if due.any() else 0.0
    squares = []
    for codes in columns.values():
        usual = np.bincount(codes, due) * ratio
        enough = usual >= ENOUGH
        off = (np.bincount(codes, seen) - usual)[enough]
        squares.append(off**2 / (usual[enough] * (1 + ratio / history)))
    values = np.concatenate(squares)
    return max(1.0, float(np.median(values)) / CHI_MEDIAN) if values.size >= SIDE else 1.0


# -- the search


@dataclass
class _Found:
    codes: dict[str, int]
    leaves: Whole
    score: float


@dataclass
class _Cuboid:
    """Leaves by the values of some attributes; `sums` are of the leaves that no cause explains yet."""

    names: tuple[str, ...]
    cells: NDArray[np.intp]
    sums: list[Floats]
    cost: float


class _Search:
    def __init__(
        self, noise: _Noise, columns: dict[str, Whole], dimensions: int | None, everything: bool
    ) -> None:  # fmt: skip
        self.noise, self.columns = noise, columns
        self.deepest = min(len(columns), dimensions or len(columns))
        self.left = np.ones(noise.sums[0].size, dtype=bool)
        self.cuboids = {cuboid.names: cuboid for cuboid in self._cuboids()} if self.left.any() else {}
        if not everything:
            self.cuboids.pop((), None)

    def _cuboids(self) -> Iterator[_Cuboid]:
        codes: dict[tuple[str, ...], tuple[Whole, int]] = {(): (np.zeros(self.left.size, dtype=np.int64), 1)}
        for depth in range(self.deepest + 1):
            for names in combinations(self.columns, depth):
                if depth:
                    codes[names] = self._combined(codes[names[:-1]], self.columns[names[-1]])
                cells, many = codes[names]
                sums = [_added(cells, values, many) for values in self.noise.sums]
                choices = comb(len(self.columns), depth) * np.count_nonzero(np.bincount(cells))
                cost = PRICE + log(choices) + PER_ATTRIBUTE * depth
                yield _Cuboid(names, cells, sums, cost)

    def _combined(self, first: tuple[Whole, int], column: Whole) -> tuple[Whole, int]:
        many = int(column.max()) + 1
        cells = first[0] * many + column
        if first[1] * many <= 2 * self.left.size:
            return cells, first[1] * many
        kept, cells = np.unique(cells, return_inverse=True)  # most combinations do not exist
        return cells.astype(np.int64), kept.size

    def causes(self, most: int) -> list[_Found]:
        """The causes, in the order of their evidence; one that a later, wider one contains has become part of it."""
        causes: list[_Found] = []
        for _ in range(4 * most):
            found = self._next()
            if found is None or len(causes) == most:
                break
            self._explain(found.leaves)
            causes = self._absorbed(found, causes)
        return sorted(causes, key=lambda one: -one.score)

    def _next(self) -> _Found | None:
        best: tuple[float, _Cuboid, int] | None = None
        for cuboid in self.cuboids.values():
            worth = self.noise.evidence(tuple(cuboid.sums)) - cuboid.cost
            cell = _first_best(worth)
            if worth[cell] > (best[0] if best else 0.0) + TIE:
                best = float(worth[cell]), cuboid, cell
        if best is None:
            return None
        _worth, cuboid, cell = best
        leaves = np.flatnonzero(self.left & (cuboid.cells == cell))
        codes = {name: int(self.columns[name][leaves[0]]) for name in cuboid.names}
        return self._narrowed(codes, leaves)

    def _narrowed(self, codes: dict[str, int], leaves: Whole) -> _Found:
        """The slice, or a part of it where other parts are clearly as expected."""
        best: tuple[float, str, int] | None = None
        for name in self.columns if len(codes) < self.deepest else ():
            if name in codes:
                continue
            values = self.columns[name][leaves]
            parts = tuple(_added(values, sums[leaves], int(values.max()) + 1) for sums in self.noise.sums)
            there = np.bincount(values) > 0
            gain, part = self._split(parts, there, self._cost((*codes, name)))
            if gain > (best[0] if best else 0.0) + TIE:
                best = gain, name, part
        if best:
            _gain, name, part = best
            return self._narrowed(codes | {name: part}, leaves[self.columns[name][leaves] == part])
        sums = tuple(np.array([values[leaves].sum()]) for values in self.noise.sums)
        return _Found(codes, leaves, float(self.noise.evidence(sums)[0]) - self._cost(tuple(codes)))

    def _split(self, parts: tuple[Floats, ...], there: NDArray[np.bool_], cost: float) -> tuple[float, int]:
        """What is gained by naming the changed parts one by one, and the part that changed most clearly."""
        changed = there
        for _ in range(3):
            like = tuple(values[changed].sum(keepdims=True) for values in parts)
            misfit = np.where(there, self.noise.misfit(parts, like), 0.0)
            changed = there & (misfit <= TIE)
            if not changed.any():
                return 0.0, -1
        evidence = np.where(changed, self.noise.evidence(parts), -1.0)
        together = tuple(values[changed].sum(keepdims=True) for values in parts)
        whole = tuple(values.sum(keepdims=True) for values in parts)
        if evidence.max() <= cost or self.noise.evidence(together)[0] < CARRIED * self.noise.evidence(whole)[0]:
            return 0.0, -1
        gain = float(misfit[misfit > 0].sum()) - (int(changed.sum()) - 1) * cost - PER_ATTRIBUTE
        return gain, _first_best(evidence)

    def _cost(self, names: tuple[str, ...]) -> float:
        return self.cuboids[tuple(name for name in self.columns if name in names)].cost

    def _explain(self, leaves: Whole) -> None:
        self.left[leaves] = False
        for cuboid in self.cuboids.values():
            cells = cuboid.cells[leaves]
            for i, values in enumerate(self.noise.sums):
                cuboid.sums[i] -= _added(cells, values[leaves], cuboid.sums[i].size)

    def _absorbed(self, wide: _Found, causes: list[_Found]) -> list[_Found]:
        """Causes with a new one, which takes in those inside it that changed as it did."""
        kept = []
        for one in causes:
            like, part = ([np.array([values[found.leaves].sum()]) for values in self.noise.sums]
                          for found in (wide, one))  # fmt: skip
            inside = wide.codes.items() < one.codes.items()
            if inside and self.noise.apart(tuple(part), tuple(like))[0] < self._cost(tuple(one.codes)):
                wide = _Found(wide.codes, np.union1d(wide.leaves, one.leaves), wide.score + one.score)
            else:
                kept.append(one)
        return [*kept, wide]


def _first_best(worth: Floats) -> int:
    """The first of the best: which one leads by the last digit depends on the order of adding."""
    return int(np.argmax(worth >= worth.max() - TIE))


def _added(cells: Whole, values: Floats, many: int) -> Floats:
    return np.bincount(cells, values, minlength=many).astype(np.float64, copy=False)


# -- what may be asked


def _checked(
    observed: ArrayLike, expected: ArrayLike, attributes: Mapping[str, ArrayLike], counts: bool
) -> tuple[Floats, Floats, dict[str, tuple[list[Any], Whole]]]:
    seen, due = (np.asarray(column, dtype=np.float64) for column in (observed, expected))
    if seen.ndim != 1 or seen.shape != due.shape:
        raise ValueError("Observed and expected are two columns of the same length.")
    if not (np.isfinite(seen).all() and np.isfinite(due).all()):
        raise ValueError("Every number must be finite.")
    if (due < 0).any() or (counts and (seen < 0).any()):
        raise ValueError("Expected numbers and counts are not negative.")
    if not attributes:
        raise ValueError("At least one attribute is needed to tell leaves apart.")
    columns = {}
    for name, column in attributes.items():
        values = np.asarray(column)
        if values.shape != seen.shape:
            raise ValueError(f"The attribute {name} is not as long as the numbers.")
        kept, codes = np.unique(values, return_inverse=True)
        columns[name] = (kept.tolist(), codes.astype(np.int64))
    return seen, due, columns


def _check_parameters(history: float, dispersion: float | None, dimensions: int | None, most: int) -> None:
    if not history > 0:
        raise ValueError("The history behind what is expected is longer than nothing.")
    if dispersion is not None and not 1 <= dispersion < inf:
        raise ValueError("The dispersion of counts is at least 1.")
    if most < 1 or (dimensions is not None and dimensions < 1):
        raise ValueError("At least one cause of one dimension must be allowed.")
