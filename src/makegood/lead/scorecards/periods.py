"""Spans of days: how they are written, when they begin, and what they are compared with."""

import re
from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from makegood.lead.scorecards.changed import Span
from makegood.lead.scorecards.errors import BadPeriod, BadWeek
from makegood.lead.scorecards.weeks import Week

MONTH: Final = re.compile(r"(\d{4})-(\d{2})", re.ASCII)
LONGEST: Final = 1100  # days: three years


def read_span(text: str) -> Span:
    """Read "2018-02-26..2018-03-04", "2018-02-26", "2018-W09" or "2018-02".

    Raises
    ------
    BadPeriod
        It is written otherwise, ends before it begins, or is longer than three years.
    """
    given = text.strip()
    try:
        if "W" in given:
            week = Week.parse(given)
            return Span(first=week.monday, last=week.sunday)
        if month := MONTH.fullmatch(given):
            first = date(int(month[1]), int(month[2]), 1)
            return Span(first=first, last=first.replace(day=monthrange(first.year, first.month)[1]))
        first_day, dots, last_day = given.partition("..")
        span = Span(first=_day(first_day), last=_day(last_day if dots else first_day))
        the_one_before(span), span.last + timedelta(days=1)  # the calendar has ends
    except (ValueError, OverflowError, BadWeek) as problem:
        raise BadPeriod(text) from problem
    if not 0 < span.days <= LONGEST:
        raise BadPeriod(text)
    return span


def _day(text: str) -> date:
    return datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007  a day, of no zone; fromisoformat reads weeks too


def the_one_before(span: Span) -> Span:
    """The month before a month; else as many days right before."""
    if span.first.day == 1 and span.last.day == monthrange(span.first.year, span.first.month)[1] and span.days <= 31:  # noqa: PLR2004
        last = span.first - timedelta(days=1)
        return Span(first=last.replace(day=1), last=last)
    return Span(first=span.first - timedelta(days=span.days), last=span.first - timedelta(days=1))


def last_week(now: datetime, zone: ZoneInfo) -> Span:
    """The last ISO week that is over, there."""
    week = Week.of(now, zone).plus(-1)
    return Span(first=week.monday, last=week.sunday)


def bounds(span: Span, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Its first moment and the first one after it, in UTC."""
    starts, ends = (
        datetime.combine(day, time.min, zone).astimezone(UTC) for day in (span.first, span.last + timedelta(days=1))
    )
    return starts, ends
