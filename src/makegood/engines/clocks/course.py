"""The three clocks of a case, from what happened to it.

*First answer* runs from the first word of the customer (or from the opening, where we found the failure ourselves) to
our first word; *next answer* from the first word that we have not answered yet to our next one; *resolution* from the
opening to the end. All pause while the case waits on the customer; while it waits on a partner only where the target
says so. Time after the end does not count when a case is taken up again. Nothing resets a clock but its own beginning.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Literal, NamedTuple

from makegood.engines.clocks.calendar import Calendar

CUSTOMER: Final = "customer"
PARTNER: Final = "partner"
ENDED: Final = "ended"


class Wait(NamedTuple):
    """When nobody of ours could go on; `until` is None while it lasts."""

    whom: str  # customer, partner, or ended: the case was resolved
    since: datetime
    until: datetime | None = None


class Fact(NamedTuple):
    """One thing that happened.

    `spoke` and `answered`: the customer, we. `waits` (on `whom`) and `goes_on`. `resolved` and `reopened`.
    """

    what: Literal["spoke", "answered", "waits", "goes_on", "resolved", "reopened"]
    at: datetime
    whom: str = ""


@dataclass(frozen=True)
class Course:
    """What the clocks of a case need to know of its past."""

    opened_at: datetime
    first_from: datetime  # since when the first answer was owed
    has_spoken: bool = False  # the customer
    first_answer_at: datetime | None = None
    answer_from: datetime | None = None  # since when an answer is owed, first or next
    waits: tuple[Wait, ...] = ()

    def after(self, fact: Fact) -> "Course":
        """The course once this happened too."""
        if fact.what == "spoke":
            # Our own aim to speak first gives way to the customer's right to an answer.
            is_owed_already = self.has_spoken and self.answer_from
            return replace(self if self.is_over or is_owed_already else self._owing(fact.at), has_spoken=True)
        if fact.what == "answered":
            return replace(self, answer_from=None, first_answer_at=self.first_answer_at or fact.at)
        if fact.what == "waits":
            return replace(self, waits=self._gone_on(fact.at, Wait(fact.whom, fact.at)))
        if fact.what == "goes_on":
            return replace(self, waits=self._gone_on(fact.at))
        if fact.what == "resolved":
            return replace(self, answer_from=None, waits=self._gone_on(fact.at, Wait(ENDED, fact.at)))
        return replace(self._owing(fact.at), waits=self._gone_on(fact.at))

    @property
    def waiting(self) -> Wait | None:
        """The wait that lasts."""
        return self.waits[-1] if self.waits and self.waits[-1].until is None else None

    @property
    def is_over(self) -> bool:
        return self.waiting is not None and self.waiting.whom == ENDED

    def _owing(self, since: datetime) -> "Course":
        return replace(self, answer_from=since, first_from=self.first_from if self.first_answer_at else since)

    def _gone_on(self, at: datetime, *then: Wait) -> tuple[Wait, ...]:
        lasting = self.waiting
        if lasting is None:
            return self.waits + then
        if then and then[0].whom == lasting.whom:
            return self.waits
        return (*self.waits[:-1], lasting._replace(until=max(at, lasting.since)), *then)


def begun(opened_at: datetime, *, spoke: bool) -> Course:
    """The course of a case that has just opened; an answer is owed from the start."""
    return Course(opened_at, opened_at, has_spoken=spoke, answer_from=opened_at)


def fold(course: Course, facts: Iterable[Fact]) -> Course:
    """The course after all that happened, in its order."""
    for fact in facts:
        course = course.after(fact)
    return course


class Clock(StrEnum):
    FIRST = "first"
    NEXT = "next"
    RESOLUTION = "resolution"


class State(StrEnum):
    RUNNING = "running"
    PAUSED = "paused"
    MET = "met"
    BREACHED = "breached"


class Targets(NamedTuple):
    """Business time that each clock may take, and whether waiting on a partner stops it."""

    first: timedelta
    next: timedelta
    resolution: timedelta
    stops_for_partner: frozenset[Clock] = frozenset()

    def of(self, clock: Clock) -> timedelta:
        """The time that a clock may take."""
        return {Clock.FIRST: self.first, Clock.NEXT: self.next, Clock.RESOLUTION: self.resolution}[clock]


class Reading(NamedTuple):
    """What a clock shows. `due` is None while it is paused in time; `by` is how late it is or was, in business time."""

    clock: Clock
    state: State
    since: datetime
    due: datetime | None
    target: timedelta
    used: timedelta
    met_at: datetime | None = None
    paused_since: datetime | None = None
    by: timedelta = timedelta(0)


class Clocks(NamedTuple):
    """The clocks of a case: first answer or next (the one that runs, or ran last), and resolution."""

    first: Reading
    next: Reading | None
    resolution: Reading

    @staticmethod
    def read(course: Course, calendar: Calendar, targets: Targets, now: datetime) -> "Clocks":
        """What all clocks show at a moment."""

        def reading(clock: Clock, since: datetime, met_at: datetime | None) -> Reading:
            upto = met_at or now
            pauses = pauses_of(course.waits, partner=clock in targets.stops_for_partner)
            if met_at:  # what came after its end does not concern it
                pauses = [pause for pause in pauses if pause.since < met_at]
            return _reading(clock, since, met_at, calendar, targets.of(clock), pauses, upto)

        ended = course.waiting.since if course.waiting and course.is_over else None
        owed = course.answer_from if course.first_answer_at else None
        return Clocks(
            reading(Clock.FIRST, course.first_from, course.first_answer_at or ended),
            reading(Clock.NEXT, owed, None) if owed else None,
            reading(Clock.RESOLUTION, course.opened_at, ended),
        )


def _reading(
    clock: Clock, since: datetime, met_at: datetime | None, calendar: Calendar, target: timedelta,
    pauses: Sequence[Wait], upto: datetime,
) -> Reading:  # fmt: skip
    until = due(calendar, since, target, pauses)
    spent = used(calendar, since, upto, pauses)
    late = until is not None and until < upto
    lasting = next((pause for pause in pauses if pause.until is None and pause.whom != ENDED), None)
    if late:
        state = State.BREACHED
    elif met_at:
        state = State.MET
    else:
        state = State.PAUSED if lasting else State.RUNNING
    paused = lasting.since if lasting and state == State.PAUSED else None
    return Reading(clock, state, since, until, target, spent, met_at, paused, spent - target if late else timedelta(0))


def pauses_of(waits: Sequence[Wait], *, partner: bool) -> list[Wait]:
    """The waits that stop a clock."""
    return [wait for wait in waits if wait.whom != PARTNER or partner]


def due(calendar: Calendar, start: datetime, target: timedelta, pauses: Sequence[Wait]) -> datetime | None:
    """The first moment at which `target` of business time is used up; None: a pause that lasts comes before it.

    `pauses` are in order and apart from each other.
    """
    left, begins = target, start
    for pause in pauses:
        spent = calendar.between(begins, pause.since)
        if spent >= left:
            break
        left -= spent
        if pause.until is None:
            return None
        begins = max(begins, pause.until)
    return calendar.add(begins, left)


def used(calendar: Calendar, start: datetime, now: datetime, pauses: Sequence[Wait]) -> timedelta:
    """The business time from `start` to `now` without pauses."""
    total, begins = timedelta(0), start
    for pause in pauses:
        total += calendar.between(begins, min(pause.since, now))
        if pause.until is None:
            return total
        begins = max(begins, pause.until)
    return total + calendar.between(begins, now)
