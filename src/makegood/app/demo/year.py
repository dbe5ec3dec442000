"""The year that is played: when people buy, in British time, up to the end and not a second further."""

# ruff: noqa: PLR2004  the chances and hours of an invented company; a name for each would not say more

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

LONDON = ZoneInfo("Europe/London")
DAYS = 365
DAY, HOUR = 86_400, 3_600
ORDERS, CUSTOMERS = 30_000, 12_000
# Orders made at once; bounds the memory whatever the scale.
CHUNK = 60_000

ONLINE, MARKETPLACE, PICKUP, STORE = range(4)
CHANNELS = ("online", "marketplace", "pickup", "store")
_SHARES = np.array([0.52, 0.08, 0.14, 0.26])
_ONLINE_HOURS = np.array([2, 1, 1, 1, 1, 1, 2, 4, 5, 6, 7, 7, 8, 7, 6, 6, 6, 7, 8, 10, 12, 11, 8, 4], dtype=float)
_STORE_HOURS = np.array([0] * 9 + [4, 7, 9, 11, 10, 9, 9, 9, 10, 6, 3] + [0] * 4, dtype=float)
_SUNDAY_HOURS = np.array([0] * 11 + [9, 11, 11, 10, 8] + [0] * 8, dtype=float)  # six hours of Sunday trading
_ONLINE_DAYS = np.array([1.1, 1.0, 1.0, 1.0, 0.95, 0.9, 1.15])  # Monday first
_STORE_DAYS = np.array([0.75, 0.75, 0.8, 0.9, 1.15, 1.6, 1.1])

Seconds = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Plan:
    """What is asked for. The same plan gives the same rows, everywhere."""

    seed: int
    end: datetime  # aware, on the hour
    scale: float = 1.0

    @property
    def orders(self) -> int:
        return max(50, round(ORDERS * self.scale))

    @property
    def customers(self) -> int:
        return max(30, round(CUSTOMERS * self.scale))

    @property
    def start(self) -> datetime:
        return self.end - timedelta(days=DAYS)

    @property
    def chunks(self) -> int:
        return -(-self.orders // CHUNK)

    def random(self, *what: int) -> np.random.Generator:
        """A generator of its own for each purpose: more of one thing does not change another."""
        return np.random.default_rng([self.seed, int(self.end.timestamp()), *what])

    @cached_property
    def clock(self) -> "Clock":
        return Clock(self.end)

    @cached_property
    def calendar(self) -> "Calendar":
        return Calendar(self)


class Clock:
    """Wall time in London as seconds (as if it were UTC), and back."""

    def __init__(self, end: datetime) -> None:
        last = int(end.timestamp()) // DAY
        self.first_day = last - DAYS - 60
        days = range(self.first_day, last + 400)
        noon = [datetime.fromtimestamp(day * DAY + 12 * HOUR, UTC).astimezone(LONDON) for day in days]
        self._offsets = np.array([round((moment.utcoffset() or timedelta()).total_seconds()) for moment in noon])

    def utc(self, wall: Seconds) -> Seconds:
        """The moments that London's clocks showed as `wall`. Clocks change at noon here: nobody notices the hour."""
        return np.asarray(wall - self._offsets[wall // DAY - self.first_day], dtype=np.int64)

    def wall(self, utc: Seconds) -> Seconds:
        return np.asarray(utc + self._offsets[utc // DAY - self.first_day], dtype=np.int64)


class Calendar:
    """How much is bought in each hour of the year, and through which channel."""

    def __init__(self, plan: Plan) -> None:
        end = int(plan.clock.wall(np.array([int(plan.end.timestamp())]))[0])
        first = end // DAY - DAYS
        days = np.arange(first, end // DAY + 1)
        dates = [datetime.fromtimestamp(day * DAY, UTC) for day in days.tolist()]
        random = plan.random(1)
        self.season = np.array([_season(date) for date in dates])
        noise = random.gamma(60, 1 / 60, len(days))
        weekday = (days + 3) % 7
        closed = np.array([(date.month, date.day) in ((12, 25), (1, 1)) for date in dates])
        self.first_day = first
        self.hours = (days[:, None] * DAY + np.arange(24) * HOUR).ravel()
        online = (self.season * noise * _ONLINE_DAYS[weekday])[:, None] * _normal(_ONLINE_HOURS)
        walk_in = np.where((weekday == 6)[:, None], _normal(_SUNDAY_HOURS), _normal(_STORE_HOURS))
        store = (self.season * noise * _STORE_DAYS[weekday] * ~closed)[:, None] * walk_in
        weights = np.stack([online, online, online, store], axis=-1).reshape(-1, 4) * _SHARES
        inside = (self.hours >= end - DAYS * DAY) & (self.hours < end)
        weights *= inside[:, None]
        self._upto = np.cumsum(weights.sum(axis=1))
        with np.errstate(invalid="ignore"):
            self._channels = np.cumsum(weights, axis=1) / weights.sum(axis=1, keepdims=True)

    def purchases(self, random: np.random.Generator, first: int, last: int, total: int) -> tuple[Seconds, Seconds]:
        """Wall times and channels of the purchases numbered from `first` to `last` of `total`, in order of the hour."""
        share = (np.arange(first, last) + random.random(last - first)) / total
        cell = np.searchsorted(self._upto, share * self._upto[-1], side="right").clip(max=len(self.hours) - 1)
        channel = (random.random(last - first)[:, None] > self._channels[cell]).sum(axis=1)
        wall = self.hours[cell] + random.integers(0, HOUR, last - first)
        return wall, channel.clip(max=3)

    def busy(self, wall: Seconds) -> Floats:
        """How busy a day is; 1 is usual."""
        day = (wall // DAY - self.first_day).clip(0, len(self.season) - 1)
        return np.asarray(self.season[day])


def _normal(weights: Floats) -> Floats:
    return np.asarray(weights / weights.sum())


def _season(date: datetime) -> float:
    """Weeks before Christmas double, the last Friday of November and the days around it treble."""
    day = (date.month, date.day)
    friday = 29 - (datetime(date.year, 11, 29, tzinfo=UTC).weekday() - 4) % 7
    if date.month == 11 and friday - 2 <= date.day <= friday + 3:
        return 2.6
    if (11, 15) <= day <= (12, 20):
        return 1.6
    if (12, 21) <= day <= (12, 25):
        return 0.5 if day == (12, 25) else 0.9
    if day >= (12, 26) or day <= (1, 8):
        return 1.3
    return {2: 0.85, 7: 0.9, 8: 0.9}.get(date.month, 1.0)
