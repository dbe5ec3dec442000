"""Time as a business counts it: calendars with windows, lunch breaks and holidays; clocks that pause.

>>> from datetime import UTC, datetime, timedelta
>>> office = Calendar(zone="UTC", week=weekly("Mon-Fri 09:00-17:00"))
>>> office.add(datetime(2026, 3, 6, 16, 30, tzinfo=UTC), timedelta(hours=1)).isoformat()
'2026-03-09T09:30:00+00:00'
"""

from makegood.engines.clocks.calendar import ALWAYS, Calendar, NotACalendar, spelled, spelled_week, weekly, windows
from makegood.engines.clocks.course import Clock, Clocks, Course, Fact, Reading, State, Targets, Wait, due, fold, used

__all__ = [
    "ALWAYS",
    "Calendar",
    "Clock",
    "Clocks",
    "Course",
    "Fact",
    "NotACalendar",
    "Reading",
    "State",
    "Targets",
    "Wait",
    "due",
    "fold",
    "spelled",
    "spelled_week",
    "used",
    "weekly",
    "windows",
]
