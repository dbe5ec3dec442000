"""What changed, as it is shown, printed and exported. `docs/how-to/what-changed.md` says how it is read."""

from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Span:
    """Days, the last one included."""

    first: date
    last: date

    def __str__(self) -> str:
        return f"{self.first.isoformat()}..{self.last.isoformat()}"

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1


@dataclass(frozen=True, kw_only=True)
class Example:
    """One of the things behind a number: a case by its number, or a purchase by its identifier."""

    ref: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Found:
    """A slice that changed as one."""

    slice: dict[str, str]  # identifiers and codes; empty: everything
    words: str
    new: bool  # nothing of it could have failed in the earlier period
    before: int
    observed: int
    expected: float
    excess: float
    share: float | None  # of the whole difference
    score: float
    examples: list[Example]


@dataclass(frozen=True, kw_only=True)
class WhatChanged:
    of: str
    name: str
    period: Span
    against: Span
    time_zone: str
    source: str  # slug; empty for all
    as_of: datetime
    complete: bool  # the period is over as of then
    empty: bool
    last_day_with_data: date | None
    reading: str
    notes: list[str]
    before: int
    observed: int
    expected: float
    exposure_before: int
    exposure: int
    causes: list[Found]
    rest: float  # more or fewer than expected that no slice explains

    def as_json(self) -> dict[str, Any]:
        told = asdict(self)
        return told | {"period": str(self.period), "against": str(self.against)}
