"""ISO weeks: Monday to Sunday, in the retailer's own time zone."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from makegood.lead.scorecards.errors import BadWeek

WRITTEN = re.compile(r"(\d{4})-W(\d{2})", re.ASCII)
MOST_WEEKS_BACK = 60  # that anything looks back from a week


@dataclass(frozen=True)
class Week:
    """One ISO week (ISO 8601): week 1 is the one with the year's first Thursday."""

    monday: date

    @classmethod
    def parse(cls, text: str) -> "Week":
        """Read "2018-W09".

        Raises
        ------
        BadWeek
            It is written otherwise, or that year has no such week.
        """
        match = WRITTEN.fullmatch(text.strip())
        if match is None:
            raise BadWeek(text)
        try:
            week = cls(date.fromisocalendar(int(match[1]), int(match[2]), 1))
            week.plus(-MOST_WEEKS_BACK), week.plus(MOST_WEEKS_BACK)  # the calendar has ends
        except (ValueError, OverflowError) as problem:
            raise BadWeek(text) from problem
        return week

    @classmethod
    def of(cls, moment: datetime, zone: ZoneInfo) -> "Week":
        """The week a moment falls into, there."""
        day = moment.astimezone(zone).date()
        return cls(day - timedelta(days=day.weekday()))

    def __str__(self) -> str:
        year, number, _ = self.monday.isocalendar()
        return f"{year}-W{number:02}"

    @property
    def number(self) -> int:
        return self.monday.isocalendar().week

    @property
    def year(self) -> int:
        return self.monday.isocalendar().year

    @property
    def sunday(self) -> date:
        return self.monday + timedelta(days=6)

    def plus(self, weeks: int) -> "Week":
        return Week(self.monday + timedelta(weeks=weeks))

    def starts(self, zone: ZoneInfo) -> datetime:
        """Midnight before Monday, there, in UTC."""
        return datetime.combine(self.monday, time.min, zone).astimezone(UTC)

    def ends(self, zone: ZoneInfo) -> datetime:
        """The first moment after the week. Not always 168 hours after its start."""
        return self.plus(1).starts(zone)
