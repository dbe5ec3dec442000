"""When, as people say it: always ahead, in the right zone, and asked about where it is not clear."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from makegood.engines.language.due import Unclear, find_due, read_due

LONDON = ZoneInfo("Europe/London")
MONDAY = datetime(2026, 11, 23, 10, 0, tzinfo=LONDON)


@pytest.mark.parametrize(
    ("said", "at"),
    [
        ("Thursday 2pm", "2026-11-26T14:00"),
        ("thu 14:00", "2026-11-26T14:00"),
        ("by Thursday at 2", "2026-11-26T14:00"),
        ("tomorrow noon", "2026-11-24T12:00"),
        ("tomorrow afternoon", "2026-11-24T17:00"),
        ("the day after tomorrow", "2026-11-25T18:00"),
        ("today", "2026-11-23T18:00"),
        ("tonight", "2026-11-23T20:00"),
        ("4pm", "2026-11-23T16:00"),
        ("half past three this afternoon", "2026-11-23T15:30"),
        ("in two business days", "2026-11-25T18:00"),
        ("5 working days", "2026-11-30T18:00"),
        ("in 3 days", "2026-11-26T18:00"),
        ("within 48 hours", "2026-11-25T10:00"),
        ("in half an hour", "2026-11-23T10:30"),
        ("in a week", "2026-11-30T18:00"),
        ("by the end of the week", "2026-11-27T18:00"),
        ("end of next week", "2026-12-04T18:00"),
        ("end of the month", "2026-11-30T18:00"),
        ("close of business tomorrow", "2026-11-24T18:00"),
        ("next Monday", "2026-11-30T18:00"),
        ("Thursday next week 9am", "2026-12-03T09:00"),
        ("26 November 3pm", "2026-11-26T15:00"),
        ("2 Dec", "2026-12-02T18:00"),
        ("2026-12-24 12:00", "2026-12-24T12:00"),
        ("quinta às 14h", "2026-11-26T14:00"),
        ("amanhã ao meio-dia", "2026-11-24T12:00"),
        ("em dois dias úteis", "2026-11-25T18:00"),
        ("até o fim da semana", "2026-11-27T18:00"),
        ("sexta-feira à tarde", "2026-11-27T17:00"),
        ("4 de dezembro às 10h30", "2026-12-04T10:30"),
        ("daqui a 3 dias", "2026-11-26T18:00"),
        ("early next week", "2026-12-01T18:00"),
        ("no início da próxima semana", "2026-12-01T18:00"),
        ("mid next week", "2026-12-02T18:00"),
        ("later this week", "2026-11-27T18:00"),
        ("before the weekend", "2026-11-27T18:00"),
        ("at the weekend", "2026-11-29T18:00"),
        ("antes do fim de semana", "2026-11-27T18:00"),
        ("by Christmas", "2026-12-24T18:00"),
        ("month end", "2026-11-30T18:00"),
        ("by the end of November", "2026-11-30T18:00"),
        ("meados de dezembro", "2026-12-15T18:00"),
        ("dia 30", "2026-11-30T18:00"),
        ("on the 5th", "2026-12-05T18:00"),
        ("within the hour", "2026-11-23T11:00"),
        ("em 24h", "2026-11-24T10:00"),
        ("até 16 horas", "2026-11-23T16:00"),
        ("3 to 5 business days", "2026-11-30T18:00"),
        ("Thursday or Friday", "2026-11-27T18:00"),
        ("Friday between 8 and 12", "2026-11-27T12:00"),
        ("quinta entre 10h e 12h", "2026-11-26T12:00"),
        ("a fortnight", "2026-12-07T18:00"),
        ("the next working day", "2026-11-24T18:00"),
        ("tomorrow lunchtime", "2026-11-24T12:00"),
        ("Thu am", "2026-11-26T12:00"),
    ],
)
def test_people_say_it_in_many_ways(said: str, at: str):
    assert read_due(said, now=MONDAY).at == datetime.fromisoformat(at).replace(tzinfo=LONDON)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("", "empty"),
        ("soon", "unknown"),
        ("Thursday if the parts come", "unknown"),
        ("2", "unknown"),
        ("9am", "past"),
        ("today 9:30", "past"),
        ("Monday", "ambiguous"),
        ("next Thursday", "ambiguous"),
        ("03/04", "ambiguous"),
        ("24 November 2031", "far"),
        ("31 February", "unknown"),
        ("Thursday 25:00", "unknown"),
    ],
)
def test_what_is_not_clear_is_asked_about(said: str, reason: str):
    with pytest.raises(Unclear) as problem:
        read_due(said, now=MONDAY)
    assert problem.value.reason == reason


def test_both_meanings_are_named():
    with pytest.raises(Unclear) as problem:
        read_due("next Thursday", now=MONDAY)
    assert [f"{at:%d %b}" for at in problem.value.choices] == ["26 Nov", "03 Dec"]


def test_in_the_middle_of_a_sentence_the_earlier_is_meant():
    found = find_due("I will be there next Thursday, all right?", now=MONDAY)
    assert found
    assert found.at.date() == date(2026, 11, 26)


def test_on_friday_night_the_week_ends_on_sunday():
    friday = datetime(2026, 11, 27, 19, 0, tzinfo=LONDON)
    assert read_due("end of the week", now=friday).at == datetime(2026, 11, 29, 18, 0, tzinfo=LONDON)


def test_an_hour_is_sixty_minutes_when_the_clocks_change():
    before = datetime(2026, 10, 25, 0, 30, tzinfo=LONDON)  # at 2:00 they go back to 1:00
    assert read_due("in 3 hours", now=before).at == datetime(2026, 10, 25, 2, 30, tzinfo=LONDON)


def twin_of_business_days(start: date, count: int, off: set[date]) -> date:
    """The slow and obvious way: walk all days, keep those that count, take the last."""
    days = (start + timedelta(days=n) for n in range(1, 400))
    return [day for day in days if f"{day:%a}" not in ("Sat", "Sun") and day not in off][count - 1]


@given(
    start=st.dates(date(2026, 1, 1), date(2027, 12, 31)), count=st.integers(1, 60),
    off=st.sets(st.dates(date(2026, 1, 1), date(2028, 6, 1)), max_size=20),
)  # fmt: skip
def test_business_days_equal_the_slow_way(start: date, count: int, off: set[date]):
    now = datetime(start.year, start.month, start.day, 9, tzinfo=LONDON)
    due = read_due(f"in {count} business days", now=now, holidays=off)
    assert due.at.date() == twin_of_business_days(start, count, off)


@given(
    said=st.text(max_size=60)
    | st.sampled_from(["tomorrow", "friday 5pm", "eow", "in 2 hours", "às 9h", "12/12", "fim do mês"]),
    now=st.datetimes(datetime(2000, 1, 1), datetime(2090, 1, 1)),  # noqa: DTZ001  the zone is drawn beside
    zone=st.sampled_from(["UTC", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kolkata"]),
)  # fmt: skip
def test_whatever_is_typed_gives_a_moment_ahead_or_a_reason(said: str, now: datetime, zone: str):
    here = now.replace(tzinfo=ZoneInfo(zone))
    try:
        due = read_due(said, now=here)
    except Unclear as problem:
        assert problem.reason in ("empty", "unknown", "ambiguous", "past", "far")
    else:
        assert here < due.at <= here + timedelta(days=731)
        assert due.words in said
