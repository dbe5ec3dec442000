"""The clocks of a case, against a twin that goes through it minute by minute."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from makegood.engines.clocks import (
    ALWAYS,
    Calendar,
    Clock,
    Clocks,
    Course,
    Fact,
    State,
    Targets,
    Wait,
    due,
    fold,
    weekly,
)
from makegood.engines.clocks.course import begun
from tests.engines.clocks.test_calendar import Twin

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)
OFFICE = Calendar(zone="UTC", week=weekly("Mon-Fri 09:00-12:30, 13:15-17:00"))
SHIFTS = Calendar(zone="Europe/London", week=weekly("Mon-Sun 06:00-14:00, 15:00-23:00"))
TARGETS = Targets(4 * HOUR, 2 * HOUR, 16 * HOUR)


def at(hours: float) -> datetime:
    return MONDAY + timedelta(hours=hours)


def read(*facts: Fact, now: datetime, targets: Targets = TARGETS, calendar: Calendar = ALWAYS) -> Clocks:
    return Clocks.read(fold(begun(MONDAY, spoke=True), facts), calendar, targets, now)


class TwinCase:
    """A case gone through minute by minute: no formula, only looking."""

    def __init__(self, calendar: Calendar, targets: Targets, *, spoke: bool) -> None:
        self.is_open, self.targets, self.spoke = Twin(calendar).is_open, targets, spoke
        self.waiting, self.owed, self.answered = "", True, False
        self.spent = dict.fromkeys(Clock, timedelta(0))
        self.reached: dict[Clock, datetime | None] = dict.fromkeys(Clock)

    def live(self, facts: list[Fact], now: datetime) -> "TwinCase":
        minute, pending = MONDAY, list(facts)
        while minute <= now:
            while pending and pending[0].at <= minute:
                self.happen(pending.pop(0))
            if minute < now and self.is_open(minute):
                self.pass_a_minute(minute)
            minute += MINUTE
        return self

    def happen(self, fact: Fact) -> None:
        if fact.what == "spoke":
            if self.waiting != "ended" and not (self.owed and self.spoke):
                self.owe_an_answer()
            self.spoke = True
        elif fact.what == "answered":
            self.owed, self.answered = False, True
        elif fact.what == "reopened":
            self.waiting = ""
            self.owe_an_answer()
        else:
            self.waiting = {"waits": fact.whom, "goes_on": "", "resolved": "ended"}[fact.what]
            self.owed = self.owed and fact.what != "resolved"

    def owe_an_answer(self) -> None:
        self.owed = True
        clock = Clock.NEXT if self.answered else Clock.FIRST
        self.spent[clock], self.reached[clock] = timedelta(0), None

    def pass_a_minute(self, minute: datetime) -> None:
        for clock in Clock:
            runs = clock == Clock.RESOLUTION or (self.owed and self.answered == (clock == Clock.NEXT))
            pauses = ["customer", "ended", *(["partner"] if clock in self.targets.stops_for_partner else [])]
            if runs and self.waiting not in pauses:
                self.spent[clock] += MINUTE
                if self.spent[clock] == self.targets.of(clock):
                    self.reached[clock] = minute + MINUTE


@st.composite
def histories(draw: st.DrawFn) -> list[Fact]:
    """What can happen to a case, in an order in which it can happen."""
    facts, minute, over = [], 0, False
    for _ in range(draw(st.integers(0, 9))):
        minute += draw(st.integers(1, 400))
        kinds = ["reopened", "spoke"] if over else ["spoke", "answered", "waits", "waits", "goes_on", "resolved"]
        what = draw(st.sampled_from(kinds))
        over = what == "resolved" or (over and what != "reopened")
        whom = draw(st.sampled_from(["customer", "partner"])) if what == "waits" else ""
        facts.append(Fact(what, MONDAY + minute * MINUTE, whom))  # type: ignore[arg-type]
    return facts


@settings(max_examples=150, deadline=None)
@given(
    facts=histories(),
    calendar=st.sampled_from([ALWAYS, OFFICE, SHIFTS]),
    stops=st.frozensets(st.sampled_from(Clock)),
    first=st.integers(1, 300), after=st.integers(1, 300), whole=st.integers(1, 2000),
    more=st.integers(0, 2000), spoke=st.booleans(),
)  # fmt: skip
def test_clocks_equal_the_twin(
    facts: list[Fact], calendar: Calendar, stops: frozenset[Clock], first: int, after: int, whole: int, more: int,
    spoke: bool,
):  # fmt: skip
    targets = Targets(first * MINUTE, after * MINUTE, whole * MINUTE, stops)
    now = (facts[-1].at if facts else MONDAY) + more * MINUTE
    clocks = Clocks.read(fold(begun(MONDAY, spoke=spoke), facts), calendar, targets, now)
    twin = TwinCase(calendar, targets, spoke=spoke).live(facts, now)
    for reading in filter(None, clocks):
        reached = twin.reached[reading.clock]
        assert reading.used == twin.spent[reading.clock], reading
        if reached:
            assert reading.due == reached, reading
        else:
            assert reading.due is None or reading.due > (reading.met_at or now), reading
        late = reached is not None and reached < (reading.met_at or now)
        assert (reading.state == State.BREACHED) == late, reading


def test_waiting_on_the_customer_pauses_and_does_not_reset():
    facts = [Fact("answered", at(1)), Fact("waits", at(1), "customer"), Fact("spoke", at(50)), Fact("goes_on", at(50))]
    clocks = read(*facts, now=at(52))
    assert clocks.resolution.used == 3 * HOUR
    assert clocks.resolution.due == at(50 + 15)


def test_while_it_waits_on_the_customer_nothing_is_due():
    clocks = read(Fact("answered", at(1)), Fact("waits", at(1), "customer"), now=at(500))
    assert (clocks.resolution.state, clocks.resolution.due, clocks.resolution.paused_since) == (
        State.PAUSED, None, at(1))  # fmt: skip


def test_a_partner_does_not_stop_the_clock_unless_the_target_says_so():
    facts = [Fact("answered", at(1)), Fact("waits", at(1), "partner")]
    assert read(*facts, now=at(10)).resolution.state == State.RUNNING
    stops = TARGETS._replace(stops_for_partner=frozenset({Clock.RESOLUTION}))
    assert read(*facts, now=at(10), targets=stops).resolution.state == State.PAUSED


def test_another_target_counts_from_the_start_and_forgets_no_pause():
    facts = [Fact("answered", at(1)), Fact("waits", at(1), "customer"), Fact("goes_on", at(31))]
    assert read(*facts, now=at(32), targets=TARGETS._replace(resolution=5 * HOUR)).resolution.due == at(35)


def test_a_second_word_does_not_put_the_answer_off():
    clocks = read(Fact("answered", at(1)), Fact("spoke", at(2)), Fact("spoke", at(3)), now=at(3.5))
    assert clocks.next
    assert clocks.next.due == at(4)


def test_a_thank_you_after_the_end_starts_nothing():
    facts = [Fact("answered", at(1)), Fact("resolved", at(2)), Fact("spoke", at(30))]
    clocks = read(*facts, now=at(40))
    assert clocks.next is None
    assert (clocks.resolution.state, clocks.resolution.used, clocks.resolution.met_at) == (
        State.MET, 2 * HOUR, at(2))  # fmt: skip


def test_what_was_resolved_does_not_age_until_it_is_taken_up_again():
    facts = [Fact("answered", at(1)), Fact("resolved", at(2)), Fact("reopened", at(100))]
    clocks = read(*facts, now=at(101))
    assert clocks.resolution.used == 3 * HOUR
    assert clocks.next
    assert clocks.next.due == at(102)


def test_the_first_answer_to_a_customer_counts_from_their_word_not_from_our_finding():
    course = begun(MONDAY, spoke=False).after(Fact("spoke", at(3)))
    assert Clocks.read(course, ALWAYS, TARGETS, at(4)).first.due == at(7)


def test_what_is_late_says_by_how_much_business_time():
    clocks = read(Fact("answered", datetime(2026, 3, 3, 10, tzinfo=UTC)), now=at(60), calendar=OFFICE)
    assert clocks.first.state == State.BREACHED
    assert clocks.first.by == timedelta(hours=4, minutes=15)  # 8 h 15 of office time, 4 were allowed


@pytest.mark.parametrize("whom", ["customer", "partner"])
def test_saying_twice_whom_it_waits_for_is_one_wait(whom: str):
    course = fold(begun(MONDAY, spoke=True), [Fact("waits", at(1), whom), Fact("waits", at(2), whom)])
    assert course.waits == (Wait(whom, at(1)),)


def test_a_wait_never_ends_before_it_began():
    course = fold(begun(MONDAY, spoke=True), [Fact("waits", at(2), "customer"), Fact("goes_on", at(1))])
    assert course.waits == (Wait("customer", at(2), at(2)),)


def test_a_pause_before_the_start_costs_nothing():
    assert due(ALWAYS, at(5), HOUR, [Wait("customer", at(1), at(2))]) == at(6)


def test_courses_without_facts_are_just_begun():
    assert fold(begun(MONDAY, spoke=False), []) == Course(MONDAY, MONDAY, answer_from=MONDAY)


def test_the_week_that_the_documentation_works_through():
    def when(day: int, hour: int, minute: int = 0) -> datetime:
        return datetime(2026, 3, day, hour, minute, tzinfo=UTC)

    allowed = Targets(4 * HOUR, 4 * HOUR, 16 * HOUR)
    friday, monday, tuesday, wednesday = 6, 9, 10, 11
    course = begun(when(friday, 15), spoke=True)
    seen = Clocks.read(course, OFFICE, allowed, when(friday, 15))
    assert (seen.first.due, seen.resolution.due) == (when(monday, 11), when(tuesday, 16, 30))
    course = fold(course, [Fact("answered", when(monday, 10)), Fact("waits", when(monday, 10), "customer")])
    seen = Clocks.read(course, OFFICE, allowed, when(monday, 10))
    assert (seen.first.used, seen.resolution.used, seen.resolution.due) == (3 * HOUR, 3 * HOUR, None)
    course = fold(course, [Fact("spoke", when(tuesday, 16)), Fact("goes_on", when(tuesday, 16))])
    for more in ([], [Fact("spoke", when(wednesday, 9))]):
        course = fold(course, more)
        seen = Clocks.read(course, OFFICE, allowed, when(wednesday, 9))
        assert seen.next
        assert (seen.next.due, seen.resolution.due) == (when(wednesday, 12), when(12, 14, 30))
    course = course.after(Fact("answered", when(wednesday, 11)))
    graver = Clocks.read(course, OFFICE, allowed._replace(resolution=8 * HOUR), when(wednesday, 13, 30))
    assert (graver.resolution.state, graver.resolution.due) == (State.RUNNING, when(wednesday, 13, 45))
