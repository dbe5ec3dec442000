"""What the detector says: a pattern was raised, learned more of, or closed."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Neighbour:
    """A slice that was considered beside the one chosen, and why it was not: a code for the words of the page."""

    slice: Mapping[str, str]
    observed: int
    expected: float
    evidence: float
    why: Literal["broader", "narrower", "beside"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that became known of a signal.

    Attributes
    ----------
    signal : number of the signal within its detector.
    at : when it was known.
    since : estimated onset.
    slice : what its cases share, as {dimension: value}.
    observed : cases since the onset.
    expected : cases that the exposures since then explain.
    low, high : of observed less expected, 95 %.
    evidence : natural logarithm of its weight.
    cases : identifiers of all cases claimed so far (raised, updated).
    neighbours : other slices that were considered.
    """

    event: Literal["raised", "updated", "closed"]
    signal: int
    at: datetime
    since: datetime
    slice: Mapping[str, str]
    observed: int
    expected: float
    low: float
    high: float
    evidence: float
    cases: tuple[str, ...] = ()
    neighbours: tuple[Neighbour, ...] = ()
