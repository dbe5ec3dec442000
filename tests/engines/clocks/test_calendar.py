"""Business hours, against a twin that looks at the wall minute by minute."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from makegood.engines.clocks import ALWAYS, Calendar, NotACalendar, spelled, spelled_week, weekly, windows

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
ZONES = ("Europe/London", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe")
# A few days before each: the hour (half an hour on Lord Howe) that is skipped, and the one that comes twice.
AROUND = {
    "Europe/London": [datetime(2026, 3, 27, tzinfo=UTC), datetime(2026, 10, 23, tzinfo=UTC)],
    "America/New_York": [datetime(2026, 3, 6, tzinfo=UTC), datetime(2026, 10, 30, tzinfo=UTC)],
    "Asia/Kolkata": [datetime(2026, 3, 27, tzinfo=UTC)],
    "Australia/Lord_Howe": [datetime(2026, 10, 2, tzinfo=UTC), datetime(2026, 4, 3, tzinfo=UTC)],
}
OFFICE = Calendar(zone="UTC", week=weekly("Mon-Fri 09:00-17:00"))


class Twin:
    """Slow and obvious: is the wall, minute by minute, within a window?

    When the wall goes back, whoever stands behind the counter goes on with what they did just before.
    """

    def __init__(self, calendar: Calendar) -> None:
        self.calendar = calendar
        self.zone = ZoneInfo(calendar.zone)

    def is_open(self, minute: datetime) -> bool:
        wall = minute.astimezone(self.zone)
        while wall.fold:
            minute -= MINUTE
            wall = minute.astimezone(self.zone)
        now = wall.hour * 60 + wall.minute
        return any(opens <= now < closes for opens, closes in self.calendar.windows_on(wall.date()))

    def between(self, start: datetime, end: datetime) -> timedelta:
        passed = timedelta(0)
        while start < end:
            passed += MINUTE * self.is_open(start)
            start += MINUTE
        return passed

    def add(self, start: datetime, duration: timedelta) -> datetime:
        while duration > timedelta(0):
            duration -= MINUTE * self.is_open(start)
            start += MINUTE
        return start


@st.composite
def days(draw: st.DrawFn) -> tuple[tuple[int, int], ...]:
    """None to three windows, on the minute, often in the small hours where clocks change."""
    edges = draw(st.lists(st.integers(0, 30) | st.integers(0, 288), unique=True, max_size=6))
    edges = sorted(edges[: len(edges) // 2 * 2])
    return tuple((a * 5, b * 5) for a, b in zip(edges[::2], edges[1::2], strict=True))


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    zone = draw(st.sampled_from(ZONES))
    week = tuple(draw(st.lists(days(), min_size=7, max_size=7)))
    assume(any(week))
    around = draw(st.sampled_from(AROUND[zone]))
    exceptions = draw(st.dictionaries(st.integers(0, 6).map(lambda n: (around + n * timedelta(days=1)).date()), days()))
    return Calendar(zone=zone, week=week, exceptions=exceptions)


def starts(calendar: Calendar) -> st.SearchStrategy[datetime]:
    near = st.sampled_from(AROUND[calendar.zone])
    return st.builds(lambda base, minutes: base + minutes * MINUTE, near, st.integers(0, 4 * 1440))


@settings(max_examples=60, deadline=None)
@given(data=st.data(), calendar=calendars(), length=st.integers(0, 3 * 1440))
def test_time_between_two_moments_equals_the_twin(data: st.DataObject, calendar: Calendar, length: int):
    start = data.draw(starts(calendar))
    assert calendar.between(start, start + length * MINUTE) == Twin(calendar).between(start, start + length * MINUTE)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), calendar=calendars(), length=st.integers(0, 600))
def test_adding_time_equals_the_twin(data: st.DataObject, calendar: Calendar, length: int):
    assume(sum(closes - opens for day in calendar.week for opens, closes in day) > 200)
    start = data.draw(starts(calendar))
    assert calendar.add(start, length * MINUTE) == Twin(calendar).add(start, length * MINUTE)


@settings(max_examples=100, deadline=None)
@given(data=st.data(), calendar=calendars(), seconds=st.integers(1, 400_000))
def test_adding_and_measuring_are_inverse(data: st.DataObject, calendar: Calendar, seconds: int):
    start = data.draw(starts(calendar)) + timedelta(seconds=seconds % 60)
    due = calendar.add(start, timedelta(seconds=seconds))
    assert calendar.between(start, due) == timedelta(seconds=seconds)
    assert calendar.between(start, due - timedelta(microseconds=1)) < timedelta(seconds=seconds)


@settings(max_examples=60, deadline=None)
@given(data=st.data(), calendar=calendars(), cuts=st.lists(st.integers(0, 4000), min_size=3, max_size=3))
def test_time_adds_up(data: st.DataObject, calendar: Calendar, cuts: list[int]):
    start = data.draw(starts(calendar))
    a, b, c = (start + cut * MINUTE for cut in sorted(cuts))
    assert calendar.between(a, b) + calendar.between(b, c) == calendar.between(a, c)


def test_friday_half_past_four_plus_an_hour_is_monday_half_past_nine():
    friday = datetime(2026, 3, 6, 16, 30, tzinfo=UTC)
    assert OFFICE.add(friday, HOUR) == datetime(2026, 3, 9, 9, 30, tzinfo=UTC)


def test_what_ends_with_the_day_is_due_at_its_end_not_next_morning():
    assert OFFICE.add(datetime(2026, 3, 6, 16, tzinfo=UTC), HOUR) == datetime(2026, 3, 6, 17, tzinfo=UTC)


def test_lunch_does_not_count():
    lunch = Calendar(zone="UTC", week=weekly("Mon-Fri 09:00-12:30, 13:15-17:00"))
    assert lunch.add(datetime(2026, 3, 6, 12, tzinfo=UTC), HOUR) == datetime(2026, 3, 6, 13, 45, tzinfo=UTC)


def test_around_the_clock_is_plain_time():
    start = datetime(2026, 3, 28, 12, tzinfo=ZoneInfo("Europe/London"))
    assert ALWAYS.add(start, 24 * HOUR) - start == 24 * HOUR
    assert ALWAYS.between(start, start + 24 * HOUR) == 24 * HOUR


def test_a_day_is_an_hour_short_in_spring_and_an_hour_long_in_autumn():
    london = Calendar(zone="Europe/London", week=weekly("Mon-Sun 00:00-24:00"))

    def hours_of(day: date) -> timedelta:
        [(opens, closes)] = london.opens_on(day)
        return closes - opens

    assert [hours_of(date(2026, 3, 29)), hours_of(date(2026, 10, 25)), hours_of(date(2026, 7, 1))] == [
        23 * HOUR, 25 * HOUR, 24 * HOUR]  # fmt: skip


def test_holidays_are_closed_and_know_their_name():
    england = Calendar(zone="Europe/London", week=weekly("Mon-Fri 09:00-17:00"), country="GB", subdivision="ENG")
    thursday = datetime(2026, 4, 2, 16, tzinfo=ZoneInfo("Europe/London"))  # Good Friday and Easter Monday follow
    assert england.add(thursday, 2 * HOUR) == datetime(2026, 4, 7, 9, tzinfo=UTC)
    assert england.holiday_on(date(2026, 4, 3)) == "Good Friday"


def test_an_exception_counts_more_than_a_holiday():
    open_anyway = Calendar(zone="UTC", week=weekly("Mon-Fri 09:00-17:00"), country="GB", subdivision="ENG",
                           exceptions={date(2026, 4, 3): windows("10:00-12:00"), date(2026, 4, 7): ()})  # fmt: skip
    assert open_anyway.add(datetime(2026, 4, 3, 8, tzinfo=UTC), HOUR) == datetime(2026, 4, 3, 11, tzinfo=UTC)
    assert open_anyway.add(datetime(2026, 4, 3, 12, tzinfo=UTC), HOUR) == datetime(2026, 4, 8, 10, tzinfo=UTC)


def test_a_window_past_midnight_belongs_to_both_days():
    night = weekly("Fri 22:00-02:00; Sat 09:00-12:00")
    assert night[4:6] == (((1320, 1440),), ((0, 120), (540, 720)))
    assert weekly("Sun 20:00-24:00")[6] == ((1200, 1440),)
    assert weekly("Sat-Mon 09:00-10:00")[5:] + weekly("Sat-Mon 09:00-10:00")[:1] == (((540, 600),),) * 3


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Mon 9-17", "is no window of time"),
        ("Mon 09:00-17:00, 16:00-18:00", "overlap at 16:00"),
        ("Someday 09:00-17:00", "does not begin with a day"),
        ("09:00-17:00", "does not begin with a day"),
        ("Mon 09:00-09:00", "is no window of time"),
        ("Mon 09:00-25:00", "is no window of time"),
        ("Mon 09:61-12:00", "is no window of time"),
        ("Fri 22:00-02:00; Sat 01:00-03:00", "overlap at 01:00"),
    ],
)
def test_a_week_that_makes_no_sense_is_refused_in_words(text: str, why: str):
    with pytest.raises(NotACalendar, match=why):
        weekly(text)


def test_calendars_that_cannot_be_are_refused():
    with pytest.raises(NotACalendar, match="past midnight"):
        windows("22:00-02:00")
    with pytest.raises(NotACalendar, match="no time zone Europe/Londn"):
        Calendar(zone="Europe/Londn")
    with pytest.raises(NotACalendar, match="opens on no day"):
        Calendar(week=weekly(""))
    with pytest.raises(NotACalendar, match="No holidays are known for ZZ"):
        Calendar(country="ZZ")
    with pytest.raises(NotACalendar, match="No holidays are known for GB XX"):
        Calendar(country="GB", subdivision="XX")
    never = Calendar(week=weekly("Mon 09:00-17:00"), country="GB", exceptions={
        date(2026, 1, 5) + n * timedelta(days=7): () for n in range(400)})  # fmt: skip
    with pytest.raises(NotACalendar, match="does not open any more"):
        never.add(datetime(2026, 1, 5, tzinfo=UTC), HOUR)
    with pytest.raises(ValueError, match="-1 day"):
        ALWAYS.add(datetime(2026, 1, 5, tzinfo=UTC), -HOUR)


@given(day=days())
def test_windows_are_spelled_as_they_are_read(day: tuple[tuple[int, int], ...]):
    assert windows(spelled(day)) == day


@given(week=st.lists(days(), min_size=7, max_size=7))
def test_weeks_are_spelled_as_they_are_read(week: list[tuple[tuple[int, int], ...]]):
    assert weekly(spelled_week(week)) == tuple(week)


def test_days_of_equal_hours_are_spelled_together():
    assert spelled_week(weekly("Mon-Thu 09:00-17:00; Fri 09:00-15:00; Sun 10:00-12:00")) == (
        "Mon-Thu 09:00-17:00; Fri 09:00-15:00; Sun 10:00-12:00"
    )
