"""When work is done: several windows a day, in a time zone, without holidays.

A window is said in wall time. What the wall does twice or never is decided once, here: a window opens and closes at the
*first* of two equal wall times, and where the wall skips its time, at the moment of the skip. So 01:30 to 03:00 lasts
half an hour less in spring and an hour more in autumn, as it does for the people who stand behind the counter.
"""

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import groupby, pairwise
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

import holidays

Window = tuple[int, int]
"""Minutes after midnight on the wall, from and until. 1440 is the end of the day."""

DAY: Final = timedelta(days=1)
MIDNIGHT: Final = 24 * 60
DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
# A calendar that does not open in so many days never will: exceptions closed it.
LONGEST_PAUSE: Final = 3 * 366
_WINDOW = re.compile(r"(\d{1,2}):(\d\d)\s*[-\u2013]\s*(\d{1,2}):(\d\d)")
_DAYS = re.compile(r"([A-Za-z]{3})[a-z]*(?:\s*[-\u2013]\s*([A-Za-z]{3})[a-z]*)?")


class NotACalendar(ValueError):
    """What cannot be a calendar, in words for whoever typed it."""


@dataclass(frozen=True)
class Calendar:
    """Business hours of a week, with what is different on some dates.

    Parameters
    ----------
    zone
        IANA name; the windows are wall time there.
    week
        Windows of Monday to Sunday, sorted, apart from each other. Empty: open around the clock, whatever the date.
    country, subdivision
        Whose public holidays are closed (ISO 3166 codes, as the `holidays` package knows them). Empty: none.
    exceptions
        Windows of single dates, in place of the week's and of holidays; no window: closed.

    Raises
    ------
    NotACalendar
        The zone or the country is unknown, windows overlap, or it opens on no day of the week.
    """

    zone: str = "UTC"
    week: tuple[tuple[Window, ...], ...] = ()
    country: str = ""
    subdivision: str = ""
    exceptions: Mapping[date, tuple[Window, ...]] = field(default_factory=dict, hash=False)
    _days: dict[date, tuple[tuple[datetime, datetime], ...]] = field(
        default_factory=dict, init=False, repr=False, compare=False, hash=False
    )

    def __post_init__(self) -> None:
        if self.zone not in _zones():
            raise NotACalendar(f"There is no time zone {self.zone}. Write it as Europe/London.")
        if self.week and (len(self.week) != len(DAYS) or not any(self.week)):
            raise NotACalendar("It opens on no day of the week. Leave all days empty for around the clock.")
        for day in (*self.week, *self.exceptions.values()):
            _check(day)
        if self.country:
            _holidays(self.country, self.subdivision, 2026)

    @property
    def is_always(self) -> bool:
        """Open around the clock."""
        return not self.week

    def windows_on(self, day: date) -> tuple[Window, ...]:
        """The windows of a date on the wall."""
        if self.is_always:
            return ((0, MIDNIGHT),)
        if day in self.exceptions:
            return self.exceptions[day]
        if self.country and day in _holidays(self.country, self.subdivision, day.year):
            return ()
        return self.week[day.weekday()]

    def holiday_on(self, day: date) -> str:
        """The name of the public holiday of a date; empty: none."""
        return _holidays(self.country, self.subdivision, day.year).get(day, "") if self.country else ""

    def opens_on(self, day: date) -> tuple[tuple[datetime, datetime], ...]:
        """The windows of a date as moments (UTC). One that the wall skips is left out."""
        found = self._days.get(day)
        if found is None:
            spans = ((moment(self.zone, day, a), moment(self.zone, day, b)) for a, b in self.windows_on(day))
            found = self._days[day] = tuple((a, b) for a, b in spans if a < b)
        return found

    def add(self, start: datetime, duration: timedelta) -> datetime:
        """The first moment by which `duration` of business time has passed since `start`, in UTC.

        Raises
        ------
        ValueError
            The duration is negative.
        NotACalendar
            It does not open any more.
        """
        if duration < timedelta(0):
            raise ValueError(duration)
        if self.is_always or not duration:
            return start.astimezone(UTC) + duration
        left, closed = duration, 0
        start = start.astimezone(UTC)
        day = start.astimezone(ZoneInfo(self.zone)).date()
        while closed < LONGEST_PAUSE:
            spans = self.opens_on(day)
            closed = 0 if spans else closed + 1
            for opens, closes in spans:
                begins = max(opens, start)
                if begins >= closes:
                    continue
                if closes - begins >= left:
                    return begins + left
                left -= closes - begins
            day += DAY
        raise NotACalendar("It does not open any more: its exceptions close every day.")

    def between(self, start: datetime, end: datetime) -> timedelta:
        """The business time from `start` to `end`; none where `end` comes first."""
        if start >= end:
            return timedelta(0)
        if self.is_always:
            return end - start
        start, end = start.astimezone(UTC), end.astimezone(UTC)
        zone = ZoneInfo(self.zone)
        day, last = start.astimezone(zone).date(), end.astimezone(zone).date()
        passed = timedelta(0)
        while day <= last:
            for opens, closes in self.opens_on(day):
                passed += max(timedelta(0), min(closes, end) - max(opens, start))
            day += DAY
        return passed


@lru_cache(maxsize=65_536)
def moment(zone: str, day: date, minute: int) -> datetime:
    """When a wall shows a time: the first time it does, or the moment at which it skips it. In UTC."""
    wall = datetime(day.year, day.month, day.day) + timedelta(minutes=minute)  # noqa: DTZ001  a wall shows no zone
    there = ZoneInfo(zone)
    first = wall.replace(tzinfo=there).astimezone(UTC)
    if first.astimezone(there).replace(tzinfo=None) == wall:
        return first
    # Skipped. The skip lies where the offset changes, between the two readings of this wall time.
    early, late = wall.replace(tzinfo=there, fold=1).astimezone(UTC), first
    before = early.astimezone(there).utcoffset()
    seconds = range(int((late - early).total_seconds()) + 1)
    skip = bisect_right(
        seconds, 0, key=lambda second: int((early + timedelta(seconds=second)).astimezone(there).utcoffset() != before)
    )
    return early + timedelta(seconds=skip)


def windows(text: str) -> tuple[Window, ...]:
    """Windows as people write them: "09:00-12:30, 13:15-17:00". A window past midnight is refused here (see `weekly`).

    Raises
    ------
    NotACalendar
        It cannot be read, runs past midnight, or windows overlap.
    """
    found = tuple(sorted(_window(part) for part in text.replace(";", ",").split(",") if part.strip()))
    for opens, closes in found:
        if closes <= opens:
            raise NotACalendar(f"{_clock(opens)}-{_clock(closes)} runs past midnight. Write it as two windows.")
    _check(found)
    return found


def weekly(text: str) -> tuple[tuple[Window, ...], ...]:
    """A week as people write it: "Mon-Fri 09:00-12:30, 13:15-17:00; Sat 10:00-14:00".

    A window may run past midnight (Fri 22:00-02:00): its hours after midnight then belong to the next day, also where
    that day is a holiday. Days that are not named are closed.

    Raises
    ------
    NotACalendar
        It cannot be read, or windows overlap.
    """
    week: list[list[Window]] = [[] for _ in DAYS]
    for part in filter(None, (part.strip() for part in re.split(r"[;\n]", text))):
        match = _DAYS.match(part)
        names = [name.capitalize() for name in match.groups() if name] if match else []
        if not match or not set(names) <= set(DAYS):
            raise NotACalendar(f"“{part}” does not begin with a day. Write it as Mon-Fri 09:00-17:00.")
        first, last = DAYS.index(names[0]), DAYS.index(names[-1])
        for weekday in range(first, last + 1 if last >= first else last + 8):
            for opens, closes in map(_window, filter(None, map(str.strip, part[match.end() :].split(",")))):
                if closes > opens:
                    week[weekday % 7].append((opens, closes))
                    continue
                week[weekday % 7].append((opens, MIDNIGHT))
                if closes:
                    week[(weekday + 1) % 7].append((0, closes))
    days = tuple(tuple(sorted(day)) for day in week)
    for day in days:
        _check(day)
    return days


def spelled(day: Sequence[Window]) -> str:
    """Windows as people write them; the inverse of `windows`."""
    return ", ".join(f"{_clock(opens)}-{_clock(closes)}" for opens, closes in day)


def spelled_week(week: Sequence[Sequence[Window]]) -> str:
    """A week as people write it, days of equal hours together; the inverse of `weekly`."""
    parts: list[str] = []
    for hours, days in groupby(range(len(week)), key=lambda day: tuple(tuple(window) for window in week[day])):
        same = list(days)
        if hours:
            name = DAYS[same[0]] if len(same) == 1 else f"{DAYS[same[0]]}-{DAYS[same[-1]]}"
            parts.append(f"{name} {spelled(hours)}")
    return "; ".join(parts)


def _window(text: str) -> Window:
    match = _WINDOW.fullmatch(text.strip())
    if not match:
        raise NotACalendar(f"“{text.strip()}” is no window of time. Write it as 09:00-17:00.")
    hours = [int(match[1]) * 60 + int(match[2]), int(match[3]) * 60 + int(match[4])]
    if max(hours) > MIDNIGHT or int(match[2]) > 59 or int(match[4]) > 59 or hours[0] == hours[1]:  # noqa: PLR2004
        raise NotACalendar(f"“{text.strip()}” is no window of time: the day has 24 hours of 60 minutes.")
    return hours[0], hours[1]


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _check(day: Sequence[Window]) -> None:
    for opens, closes in day:
        if not 0 <= opens < closes <= MIDNIGHT:
            raise NotACalendar(f"{_clock(opens)}-{_clock(closes)} is no window of a day.")
    for (_, closes), (opens, _) in pairwise(day):
        if opens < closes:
            raise NotACalendar(f"Windows overlap at {_clock(opens)}.")


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


@lru_cache(maxsize=1024)
def _holidays(country: str, subdivision: str, year: int) -> Mapping[date, str]:
    try:
        return dict(holidays.country_holidays(country, subdiv=subdivision or None, years=year))
    except NotImplementedError as problem:
        raise NotACalendar(
            f"No holidays are known for {country} {subdivision}".strip() + ". Write the code of a country (GB) and, "
            "where it has them, of a part of it (SCT)."
        ) from problem


ALWAYS: Final = Calendar()
