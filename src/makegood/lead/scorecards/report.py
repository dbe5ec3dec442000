"""The weekly report as it is shown, printed and exported. `docs/reference/weekly-report.md` describes every field."""

from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Count:
    """Cases of one reason (or of all) this week, and what the quiet weeks before lead us to expect."""

    reason: str  # code; empty for all
    name: str
    cases: int
    last_week: int
    mean: float  # cases a week over the eight weeks before
    expected: float | None  # at the mean rate and this week's orders; None: too few weeks to say
    lower: float | None
    upper: float | None
    outside: str  # "above", "below" or ""


@dataclass(frozen=True, kw_only=True)
class Part:
    """Why the number of cases changed since last week. volume + rate is exactly the change."""

    reason: str
    name: str
    last_week: int
    cases: int
    change: int
    volume: float
    rate: float
    sentence: str


@dataclass(frozen=True, kw_only=True)
class LateSlice:
    """Shipments of one state, route or seller (or all) whose promise passed this week."""

    name: str
    due: int
    late: int
    rate: float
    expected: float | None  # late shipments at the rate of the quiet weeks before
    expected_from: str  # "own" rate, "all" where its own history is too short, "" where there is none
    excess: float | None
    limit: int | None  # the most that chance explains
    outside: bool


@dataclass(frozen=True, kw_only=True)
class LongSlice:
    """The same over all weeks of the trend, against the rate of all shipments in it."""

    name: str
    due: int
    late: int
    rate: float
    excess: float


@dataclass(frozen=True, kw_only=True)
class Ranking:
    """Slices with enough shipments, the most excess first, and what was left out."""

    by: str
    minimum_due: int
    rows: list[LateSlice]
    shown_of: int  # slices with enough shipments
    too_few: int  # slices with fewer
    too_few_due: int  # shipments in those
    over_trend: list[LongSlice]


@dataclass(frozen=True, kw_only=True)
class Wait:
    """How long customers waited: median and 90th percentile in seconds of calendar time, with 95 % intervals."""

    metric: str
    name: str
    n: int
    too_few: bool  # then there are no numbers
    minimum_n: int
    median: float | None
    median_low: float | None
    median_high: float | None
    p90: float | None
    p90_low: float | None
    p90_high: float | None
    before_n: int  # the eight weeks before
    before_median: float | None


@dataclass(frozen=True, kw_only=True)
class Point:
    """One week of a trend. Rates are per order due (cases) or per shipment due (late)."""

    week: str
    monday: date
    exposure: int
    count: int
    rate: float | None
    expected: float | None  # counts
    lower: float | None
    upper: float | None
    outside: str


@dataclass(frozen=True, kw_only=True)
class WeeklyReport:
    week: str
    starts: datetime
    ends: datetime
    time_zone: str
    as_of: datetime
    complete: bool  # the week is over as of then
    source: str  # slug; empty for all
    lake_refreshed_at: datetime | None
    empty: bool
    last_week_with_data: str
    headline: str
    notes: list[str]
    orders_due: int
    orders_due_last_week: int
    cases: Count
    reasons: list[Count]
    changed: Part
    changed_by_reason: list[Part]
    late: Point
    late_by: list[Ranking]
    waits: list[Wait]
    cases_trend: list[Point]
    late_trend: list[Point]
    metrics: list[dict[str, Any]]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)
