"""What a change did to a rate: against what would have been expected without it, with what chance alone may explain."""

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, replace
from math import exp, inf, log, log1p, pi, sqrt
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

from makegood.engines.statistics.shares import Z_95
from makegood.engines.statistics.uplift import POWER

Floats = NDArray[np.float64]

LEAST_BEFORE = 8  # periods, to say what is usual
WEEKS_A_YEAR = 365.25 / 7
MOST_PERIODS = 260  # that a plan may take
RECENT = 13  # periods that say how much exposure to expect
FARTHEST = 12.0  # on the log scale: ratios from exp(-12) to exp(12) are looked at
WIDEST = 30.0  # standard errors; what is farther is refused in any case
TURNS, STEPS, CLOSE = 4, 40, 1e-9  # between noise and fit; of a fit, and when it ends
LEAST_EXPECTED = 1e-3  # cases in a period that can tell of the noise
STICKIEST = 0.9  # neighbours
LEAST_FREEDOM = 4.0
RIDGE = 1e-9  # keeps what the data say nothing about at 0


class CannotTell(ValueError):
    """Too little is known for any answer; the message says what is missing."""


class Range(NamedTuple):
    """An estimate with its interval."""

    value: float
    low: float
    high: float


class Effect(NamedTuple):
    """What a change did.

    `ratio` and `avoided` hold for one look at a time fixed beforehand; `always` and `avoided_always` hold at every look
    at once, however often people look and whenever they stop.
    """

    ratio: Range  # rate with the change / rate without; 1 is no effect, below 1 fewer cases
    always: Range
    avoided: Range  # cases in the periods since the start; negative: more of them
    avoided_always: Range
    expected: Floats  # (n_periods,) cases without the change
    expected_low: Floats  # what 95 % of single periods would show without it
    expected_high: Floats
    dispersion: float  # variance / mean of a typical period; 1 is Poisson
    autocorrelation: float  # of what disturbs neighbouring periods, 0 to 0.9
    seasonal: bool  # whether the season of the year was told apart
    before: int  # periods with exposure
    after: int

    @property
    def avoided_per_period(self) -> Range:
        """`avoided` per period since the start."""
        return Range(*(value / max(self.after, 1) for value in self.avoided))


@dataclass(frozen=True)
class Series:
    """Cases and what could have gone wrong, period by period, oldest first, without gaps.

    Attributes
    ----------
    counts, exposure : ndarray of shape (n_periods,)
        Non-negative. A period without exposure says nothing and has no cases.
    """

    counts: Floats
    exposure: Floats

    @classmethod
    def of(cls, counts: ArrayLike, exposure: ArrayLike) -> Self:
        """Checked.

        Raises
        ------
        ValueError
            Shapes differ, a value is negative or not finite, or cases happened where nothing could.
        """
        y, e = np.asarray(counts, dtype=np.float64), np.asarray(exposure, dtype=np.float64)
        if y.shape != e.shape or y.ndim != 1:
            raise ValueError(f"Counts and exposure differ in shape: {y.shape} and {e.shape}.")
        if not (np.isfinite(y).all() and np.isfinite(e).all()) or (y < 0).any() or (e < 0).any():
            raise ValueError("Counts and exposure are finite and not negative.")
        if (y[e == 0] > 0).any():
            raise ValueError("Cases in a period without exposure.")
        return cls(y, e)


def effect(
    series: Series,
    *,
    start: int,
    comparison: Series | None = None,
    hoped: float = 0.7,
    ramp: int = 0,
    trend: bool = False,
    year: float = WEEKS_A_YEAR,
    cycle: int = 1,
    level: float = 0.95,
) -> Effect:
    """The effect of a change on a rate: segmented negative-binomial regression of an interrupted time series.

    log(expected) = log(exposure) + level of the group + season [+ trend] [+ what the comparison did too] + effect.
    Counts scatter more than chance (variance mu + a mu^2, one a per group) and disturb their neighbours (correlation
    r^k of what disturbs periods k apart); both are estimated from the residuals. Intervals hold every ratio whose
    quasi-score test is not refused. They therefore exist when no case at all is left: the ratio is then 0 to a limit.

    Without a comparison, something else that happened at the same time is taken for the effect. With less than a year
    before the start (and no comparison) so is the season. Declared after a bad spell, part of any fall is return to the
    usual: have the history begin well before it.

    Parameters
    ----------
    series : Series
        Where the change was made.
    start : int
        Index of the first period with the change.
    comparison : Series, optional
        The same periods where it was not made. Then the effect is what the series did beyond it.
    hoped : float, default 0.7
        Ratio that the change was meant to bring, named beforehand: the always-valid interval is sharpest for effects of
        about that size. Positive, not 1.
    ramp : int, default 0
        Periods over which the effect comes in, in equal steps.
    trend : bool, default False
        Whether the log rate also drifted. Costs much certainty.
    year : float, default 52.18
        Periods in a year. 365.25 for days.
    cycle : int, default 1
        Length of a shorter cycle with a level for each of its periods: 7 for days.
    level : float, default 0.95
        Of both intervals.

    Returns
    -------
    Effect

    Raises
    ------
    CannotTell
        Fewer than `LEAST_BEFORE` periods before, none since, or a group without any case to compare with.
    ValueError
        The series are of different lengths, or a number is out of range.

    References
    ----------
    Bernal, J. L., Cummins, S. and Gasparrini, A. (2017). Interrupted time series regression for the evaluation of
    public health interventions: a tutorial. International Journal of Epidemiology 46(1).
    Zeger, S. L. (1988). A regression model for time series of counts. Biometrika 75(4): the variance, its moments.
    Boos, D. D. (1992). On generalized score tests. The American Statistician 46(4).
    Robbins, H. (1970). Statistical methods related to the law of the iterated logarithm. Annals of Mathematical
    Statistics 41(5): the mixture boundary. Scharfstein, D. O., Tsiatis, A. A. and Robins, J. M. (1997). Semiparametric
    efficiency and its implication on the design and analysis of group-sequential studies. JASA 92(440): why estimates
    of one effect from more and more data may be held against it.
    """
    _check(hoped=hoped, level=level, ramp=ramp, year=year, cycle=cycle)
    model = _Model.since(series, comparison, start=start, ramp=ramp, trend=trend, year=year, cycle=cycle)
    noise, best = model.estimate()
    ratio, always = (
        Range(exp(best) if best > -FARTHEST else 0.0, *(model.limit(noise, best, side, bound) for side in (-1, 1)))
        for bound in (_fixed(level), _mixture(level, abs(log(hoped))))
    )
    value = model.avoided(ratio.value, noise)
    expected, low, high = model.without(best, noise, series.counts.size)
    return Effect(
        ratio=ratio,
        always=always,
        avoided=Range(value, model.avoided(ratio.high, noise), model.avoided(ratio.low, noise)),
        avoided_always=Range(value, model.avoided(always.high, noise), model.avoided(always.low, noise)),
        expected=expected,
        expected_low=low,
        expected_high=high,
        dispersion=1 + noise.spread[0] * float(np.median(expected[series.exposure > 0])),
        autocorrelation=noise.neighbours,
        seasonal=model.seasonal,
        before=int((series.exposure[:start] > 0).sum()),
        after=int((series.exposure[start:] > 0).sum()),
    )


def refuses(
    series: Series,
    *,
    start: int,
    ratio: float,
    comparison: Series | None = None,
    hoped: float = 0.7,
    level: float = 0.95,
) -> tuple[bool, bool]:
    """Whether an effect lies outside the interval for one look, and outside that for all looks, of weekly periods.

    The same as asking `effect` for its intervals, at a tenth of the time: for simulations. Parameters and errors as
    there; `ratio` is positive.
    """
    _check(hoped=hoped, level=level, ramp=0, year=WEEKS_A_YEAR, cycle=1)
    model = _Model.since(series, comparison, start=start, ramp=0, trend=False, year=WEEKS_A_YEAR, cycle=1)
    noise, _ = model.estimate()
    distance, information = model.score(log(ratio), noise)
    once, always = (
        abs(distance) > model.reach(noise, bound(information))
        for bound in (_fixed(level), _mixture(level, abs(log(hoped))))
    )
    return once, always


def periods_needed(
    series: Series,
    *,
    hoped: float,
    start: int | None = None,
    comparison: Series | None = None,
    ramp: int = 0,
    trend: bool = False,
    year: float = WEEKS_A_YEAR,
    cycle: int = 1,
    level: float = 0.95,
    power: float = POWER,
) -> int | None:
    """How many periods after the start it takes until an effect of the size hoped for would be seen.

    Seen: the interval for one look at that time leaves out "no effect", with probability `power`. The noise, the level
    and the season are those before the start; exposure goes on as in the last `RECENT` periods.

    Parameters
    ----------
    series, comparison, ramp, trend, year, cycle, level
        As for `effect`. What happened since the start is not looked at.
    hoped : float
        Ratio to be seen. Positive, not 1.
    start : int, optional
        Index of the first period with the change; without it the change comes after the last period.
    power : float, default 0.8

    Returns
    -------
    int or None
        None where even `MOST_PERIODS` are not enough: hope for more, take a larger slice, or find more history.

    Raises
    ------
    CannotTell
        Fewer than `LEAST_BEFORE` periods before, or a group without any case.
    ValueError
        The series are of different lengths, or a number is out of range.
    """
    _check(hoped=hoped, level=level, ramp=ramp, year=year, cycle=cycle)
    start = series.counts.size if start is None else start
    _comparable(series, comparison, start)
    model = _Model.of(
        _go_on(series, start), comparison and _go_on(comparison, start), start=start, ramp=ramp, trend=trend, year=year,
        cycle=cycle,
    )  # fmt: skip
    past = model.within(start)
    noise, _ = past.estimate()
    coefficients, _ = past.fit(past.nuisance, past.offset, past.rows(noise.spread))
    usual = np.exp(model.offset + model.nuisance @ coefficients)
    planned = replace(model, y=np.where(model.period < start, model.y, usual * np.exp(log(hoped) * model.change)))
    wanted = float(special.ndtri(0.5 + level / 2) + special.ndtri(power)) / abs(log(hoped))

    def seen(periods: int) -> bool:
        return planned.within(start + periods).score(log(hoped), noise)[1] >= wanted**2

    periods = bisect_left(range(1, MOST_PERIODS + 1), True, key=seen) + 1
    return periods if periods <= MOST_PERIODS else None


def _check(*, hoped: float, level: float, ramp: int, year: float, cycle: int) -> None:
    if not (hoped > 0 and hoped != 1 and 0 < level < 1 and ramp >= 0 and year > 0 and cycle > 0):
        raise ValueError(f"No such question: hoped {hoped}, level {level}, ramp {ramp}, year {year}, cycle {cycle}.")


def _comparable(series: Series, comparison: Series | None, start: int) -> None:
    before = int((series.exposure[:start] > 0).sum())
    if before < LEAST_BEFORE:
        raise CannotTell(f"{before} periods before the start; {LEAST_BEFORE} are needed to say what is usual.")
    if not series.counts[:start].any():
        raise CannotTell("No case before the start: there is nothing to compare with.")
    if comparison is not None and comparison.counts.size != series.counts.size:
        raise ValueError("The series and its comparison are of different lengths.")
    if comparison is not None and not comparison.counts[:start].any():
        raise CannotTell("No case in the comparison before the start: choose a larger one, or none.")


def _go_on(series: Series, start: int) -> Series:
    """The series up to the start, and then exposure as it was of late."""
    past = series.exposure[:start]
    usual = past[past > 0][-RECENT:].mean()
    return Series(
        np.concatenate([series.counts[:start], np.zeros(MOST_PERIODS)]),
        np.concatenate([past, np.full(MOST_PERIODS, usual)]),
    )


Bound = Callable[[float], float]  # information about the effect -> how many standard errors are within


def _fixed(level: float) -> Bound:
    """For one look."""
    z = float(special.ndtri(0.5 + level / 2))
    return lambda _information: z


def _mixture(level: float, size: float) -> Bound:
    """For looks at any time: likelihood averaged over effects N(0, size^2) rarely gains more than 1 / (1 - level)."""

    def bound(information: float) -> float:
        k = max(information, 1e-12) * size**2
        return sqrt((1 + 1 / k) * (2 * log(1 / (1 - level)) + log1p(k)))

    return bound


@dataclass(frozen=True)
class _Noise:
    spread: tuple[float, ...]  # a, by group
    neighbours: float


@dataclass(frozen=True)
class _Model:
    """Rows with exposure, of all groups. `nuisance` has the columns beside that of the effect."""

    y: Floats
    offset: Floats
    nuisance: Floats
    change: Floats
    group: NDArray[np.int64]
    period: NDArray[np.int64]
    seasonal: bool

    @classmethod
    def of(
        cls, series: Series, comparison: Series | None, *, start: int, ramp: int, trend: bool, year: float, cycle: int
    ) -> Self:
        groups = [series] if comparison is None else [series, comparison]
        n = series.counts.size
        t = np.arange(n)
        since = np.clip((t - start + 1) / (ramp + 1), 0, 1)
        # A wave of the year can be told from the change once a year went by before it, the half-yearly one after two.
        waves = range(1, 1 + min(2, int((start + 1) / year)))
        common = [wave(2 * pi * k * t / year) for k in waves for wave in (np.sin, np.cos)]
        common += [np.asarray(t % cycle == day, dtype=np.float64) for day in range(1, cycle)]
        common += [t / n] if trend else []
        common += [since] if comparison is not None else []
        levels = np.kron(np.eye(len(groups)), np.ones((n, 1)))
        exposure = np.concatenate([each.exposure for each in groups])
        rows = exposure > 0
        return cls(
            y=np.concatenate([each.counts for each in groups])[rows],
            offset=np.log(exposure[rows]),
            nuisance=np.hstack([levels, np.tile(np.column_stack([t * 0.0, *common])[:, 1:], (len(groups), 1))])[rows],
            change=np.concatenate([since, *(np.zeros(n) for _ in groups[1:])])[rows],
            group=np.repeat(np.arange(len(groups)), n)[rows],
            period=np.tile(t, len(groups))[rows],
            seasonal=bool(waves),
        )

    @classmethod
    def since(
        cls, series: Series, comparison: Series | None, *, start: int, ramp: int, trend: bool, year: float, cycle: int
    ) -> Self:
        """For what happened since the start, if enough did."""
        _comparable(series, comparison, start)
        if not (series.exposure[start:] > 0).any():
            raise CannotTell("No period since the start has any exposure yet.")
        if comparison is not None and not comparison.counts[start:].any():
            raise CannotTell("No case in the comparison since the start: choose a larger one, or none.")
        return cls.of(series, comparison, start=start, ramp=ramp, trend=trend, year=year, cycle=cycle)

    def within(self, end: int) -> Self:
        """Only periods before `end`."""
        kept = self.period < end
        names = ("y", "offset", "nuisance", "change", "group", "period")
        return replace(self, **{name: getattr(self, name)[kept] for name in names})

    def rows(self, by_group: tuple[float, ...]) -> Floats:
        return np.array(by_group)[self.group]

    def fit(self, design: Floats, offset: Floats, spread: Floats) -> tuple[Floats, Floats]:
        """Coefficients and expected counts, by Fisher scoring; `spread` is a of each row."""
        found = np.zeros(design.shape[1])
        for g in range(int(self.group.max()) + 1):
            found[g] = log(self.y[self.group == g].sum() / np.exp(offset[self.group == g]).sum())
        for _ in range(STEPS):
            mu = np.exp(np.clip(offset + design @ found, -WIDEST, WIDEST))
            s = 1 / (1 + spread * mu)
            step = np.linalg.solve(_information(design, mu * s), design.T @ (s * (self.y - mu)))
            found = found + np.clip(step, -2, 2)
            if np.abs(step).max() < CLOSE:
                break
        return found, np.exp(np.clip(offset + design @ found, -WIDEST, WIDEST))

    def covariance(self, vectors: Floats, mu: Floats, noise: _Noise) -> Floats:
        """Of sums of counts weighted by `vectors` (n_rows, k): chance, and what disturbs neighbours alike."""
        total = (vectors * mu[:, None]).T @ vectors
        for g, a in enumerate(noise.spread):
            own = self.group == g
            disturbed, period = vectors[own] * mu[own][:, None], self.period[own]
            alike = noise.neighbours ** np.arange(period[-1] - period[0] + 1)
            total += a * disturbed.T @ alike[np.abs(period[:, None] - period)] @ disturbed
        return total

    def uncertainty(self, design: Floats, mu: Floats, noise: _Noise) -> Floats:
        """Covariance of the coefficients fitted with `design`."""
        s = 1 / (1 + self.rows(noise.spread) * mu)
        bread = np.linalg.inv(_information(design, mu * s))
        return bread @ self.covariance(design * s[:, None], mu, noise) @ bread

    def estimate(self) -> tuple[_Noise, float]:
        """Noise, and the effect on the log scale (-FARTHEST: no case is left), by turns."""
        none_left = not self.y[self.change > 0].any()
        design = self.nuisance if none_left else np.column_stack([self.nuisance, self.change])
        offset = self.offset - FARTHEST * self.change if none_left else self.offset
        noise = _Noise((0.0,) * (int(self.group.max()) + 1), 0.0)
        for _ in range(TURNS):
            _, mu = self.fit(design, offset, self.rows(noise.spread))
            noise = self.moments(design, mu, noise)
        # Once more, so that the effect is the best one for this noise.
        found, _ = self.fit(design, offset, self.rows(noise.spread))
        return noise, -FARTHEST if none_left else max(float(found[-1]), -FARTHEST)

    def moments(self, design: Floats, mu: Floats, noise: _Noise) -> _Noise:
        """Noise from relative residuals, with what fitting took out of them put back."""
        weight = mu / (1 + self.rows(noise.spread) * mu)
        left = self.y / mu - 1
        half = design @ self.uncertainty(design, mu, noise)
        square = left**2 - 1 / mu + (half * design).sum(axis=1)
        product = left[:-1] * left[1:] + (half[:-1] * design[1:]).sum(axis=1)
        told = mu > LEAST_EXPECTED
        pair = (np.diff(self.group) == 0) & (np.diff(self.period) == 1) & told[:-1] & told[1:]
        spreads, seen, most = [], 0.0, 0.0
        for g in range(len(noise.spread)):
            own = told & (self.group == g)
            spreads.append(max(0.0, float((weight[own] ** 2 * square[own]).sum() / (weight[own] ** 2).sum())))
            both = pair & own[1:]
            weights = weight[:-1][both] * weight[1:][both]
            seen += float((weights * product[both]).sum())
            most += spreads[-1] * float(weights.sum())
        return _Noise(tuple(spreads), min(STICKIEST, max(0.0, seen / most)) if most else 0.0)

    def score(self, effect: float, noise: _Noise) -> tuple[float, float]:
        """How many standard errors more is seen than under an effect of this size, and the information about it."""
        spread = self.rows(noise.spread)
        _, mu = self.fit(self.nuisance, self.offset + effect * self.change, spread)
        s = 1 / (1 + spread * mu)
        explained = np.linalg.solve(
            _information(self.nuisance, mu * s), (self.nuisance * (mu * s)[:, None]).T @ self.change
        )
        beyond = (self.change - self.nuisance @ explained) * s
        variance = float(self.covariance(beyond[:, None], mu, noise)[0, 0])
        return float(beyond @ (self.y - mu)) / sqrt(variance), float(beyond @ (mu * self.change)) ** 2 / variance

    def reach(self, noise: _Noise, errors: float) -> float:
        """So many standard errors, and more because the noise is estimated: Student's t.

        It counts the periods of the series, fewer for what was fitted and for neighbours that tell the same.
        """
        left = int((self.group == 0).sum()) - self.nuisance.shape[1] - 1
        freedom = max(LEAST_FREEDOM, left * (1 - noise.neighbours) / (1 + noise.neighbours))
        return -float(special.stdtrit(freedom, special.ndtr(-min(errors, WIDEST))))

    def limit(self, noise: _Noise, best: float, side: int, bound: Bound) -> float:
        """The ratio on one side (-1, 1) of the best from which on all are refused; 0 or infinity where none is."""

        def refused(beta: float) -> float:
            distance, information = self.score(beta, noise)
            return -side * distance - self.reach(noise, bound(information))

        information = self.score(best, noise)[1]
        width = min(max(bound(information) / sqrt(information), 0.1), 1.0) if information else 1.0
        if refused(best) >= 0:
            # None is left of very many: less than can be looked at. Else the fit did not settle, and nothing is known.
            return exp(best) if side > 0 and best <= -FARTHEST else 0.0 if side < 0 else inf
        while abs(best + side * width) <= FARTHEST:
            if refused(best + side * width) > 0:
                return exp(float(optimize.brentq(refused, best, best + side * width, xtol=1e-4)))
            width *= 2
        return 0.0 if side < 0 else inf

    def avoided(self, ratio: float, noise: _Noise) -> float:
        """Cases without the change less cases with it, if its effect is `ratio`."""
        if ratio == inf:
            return -inf
        beta = log(ratio) if ratio else -FARTHEST
        _, mu = self.fit(self.nuisance, self.offset + beta * self.change, self.rows(noise.spread))
        return float((mu * np.expm1(-beta * self.change)) @ (self.group == 0))

    def without(self, best: float, noise: _Noise, n: int) -> tuple[Floats, Floats, Floats]:
        """Cases of each period without the change, and the limits of 95 % of single periods; 0 without exposure."""
        spread = self.rows(noise.spread)
        design, offset = self.nuisance, self.offset + best * self.change
        coefficients, mu = self.fit(design, offset, spread)
        with_change = np.column_stack([design, self.change]) if best > -FARTHEST else design
        of_fit = self.uncertainty(with_change, mu, noise)[: design.shape[1], : design.shape[1]]
        own = self.group == 0
        usual = np.exp(self.offset[own] + design[own] @ coefficients)
        spoken = usual + usual**2 * (noise.spread[0] + ((design[own] @ of_fit) * design[own]).sum(axis=1))
        found = np.zeros((3, n))
        reach = Z_95 * np.sqrt(spoken)
        found[:, self.period[own]] = usual, np.maximum(usual - reach, 0), usual + reach
        return found[0], found[1], found[2]


def _information(design: Floats, weights: Floats) -> Floats:
    return (design * weights[:, None]).T @ design + np.eye(design.shape[1]) * RIDGE
