"""A signal as the detector keeps it: what it claims, what was to be expected of it, and when it is over."""

from collections.abc import Sequence
from typing import Final

import msgspec
from scipy.stats import chi2, poisson

LEAST: Final = 3  # cases a signal has at least
LEAST_RATIO: Final = 1.3  # observed over expected
SLEEP: Final = 14  # days without a case close a signal
BACK: Final = (3, 7, 14, 28, 56)  # days over which the rate may be seen to be back
BACK_LEVEL: Final = 0.1  # how improbable so few cases must be at half the rise
LASTING: Final = 90  # days after which a raised rate is the usual one
GROWN: Final = 1.25  # an open signal is told anew when it has so many times the cases
LIFTED: Final = 0.9  # how surely the rate within a signal is no higher than it is held to be
STANDS: Final = 0.01  # how improbable what is left must be, for a signal to go on beside one within it


class Open(msgspec.Struct, kw_only=True):
    """A signal.

    Attributes
    ----------
    code : a value of each dimension, -1: any.
    slice : number of its slice.
    ratio : observed over expected when it was raised.
    lift : the same as of the last midnight, seen a little carefully: what is usual within it now.
    onset : the cohort it began with.
    usual : cases per unit of mass of its cell.
    part : of what its slice expects, that it does not leave to signals within it.
    history : (day, expected, observed) up to its beginning, which tell whether the rate is back.
    """

    number: int
    code: list[int]
    slice: int
    ratio: float
    lift: float
    onset: int
    usual: float
    since: float
    evidence: float
    expected: float  # when it was raised
    mass: float  # expected of its slice until then
    last_case: float
    part: float = 1.0
    told: int = 0
    closed: float | None = None
    history: list[tuple[int, float, float]] = []
    cases: list[str] = []

    @property
    def dims(self) -> int:
        """The dimensions that it names, as bits."""
        return sum(1 << d for d, value in enumerate(self.code) if value >= 0)

    def within(self, code: Sequence[int]) -> bool:
        """Whether all of it lies in a slice."""
        return all(theirs < 0 or theirs == mine for mine, theirs in zip(self.code, code, strict=True))

    def around(self, code: Sequence[int]) -> bool:
        """Whether all of a slice lies in it."""
        return all(mine < 0 or theirs == mine for mine, theirs in zip(self.code, code, strict=True))

    def due(self, expected: float) -> float:
        """How many cases were to be expected among those it claims. `expected`: of its slice so far."""
        return self.expected + max(expected - self.mass, 0.0) * self.part

    def lift_to(self, expected: float) -> None:
        """Learn how high the rate is. `expected`: of its slice so far."""
        self.lift = float(chi2.ppf(LIFTED, 2 * len(self.cases) + 2)) / 2 / max(self.due(expected), 1e-3)

    def leave(self, cases: Sequence[str], expected: float, mass: float) -> bool:
        """Leave cases to a signal that explains them better; whether what remains is a signal still.

        `expected`: how many of them were; `mass`: of its whole slice so far.
        """
        gone = set(cases)
        rest = [case for case in self.cases if case not in gone]
        due = self.due(mass)
        left = max(due - expected, 0.0)
        if len(rest) < LEAST or poisson.sf(len(rest) - 1, left) > STANDS:
            return False
        self.cases, self.expected, self.mass = rest, left, mass
        self.part *= left / max(due, 1e-9)
        return True

    def is_over(self, now: float, expected: float, observed: float) -> bool:
        """Whether nothing was heard of it for long, it has become usual, or the rate is back. Called once a day.

        Whether the rate is back is held against half of the rise over all of the signal, seen a little carefully: when
        it was raised it looked its largest. `expected` and `observed`: of its slice so far.
        """
        today = int(now // 24.0)
        over = now - self.last_case > SLEEP * 24.0 or now - self.since > LASTING * 24.0
        ratio = float(chi2.ppf(0.3, 2 * len(self.cases))) / 2 / max(self.due(expected), 1e-3)
        half = 1 + (max(min(ratio, self.ratio), LEAST_RATIO) - 1) / 2
        for day, then_expected, then_observed in self.history:
            if today - day in BACK and expected > then_expected:
                over |= bool(poisson.cdf(observed - then_observed, half * (expected - then_expected)) < BACK_LEVEL)
        self.history = [*(row for row in self.history if today - row[0] < max(BACK)), (today, expected, observed)]
        return over
