"""The columns of a case that follow from the others by way of its clocks.

Whoever writes on a case says what happened; what that makes of its clocks is worked out here, in one place, from the
columns before and after (`services.timeline.record`, `services.bulk.write_entries`, `services.opening`).
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from makegood.engines.clocks import Clock, Course, Fact, Wait, due, fold
from makegood.engines.clocks.course import CUSTOMER, PARTNER, begun, pauses_of
from makegood.recover.cases import triage
from makegood.recover.cases.models import Case, Status
from makegood.recover.cases.service_levels.levels import Levels, Traits

# Changes of these bring other targets, hours or another rank.
JUDGED = frozenset({"severity", "tier", "channel", "queue_id", "place_id", "customer_id", "value"})
# Only changes of these can move clocks.
MOVES_CLOCKS = JUDGED | {"status", "last_contact_at", "last_contact_by"}
# What follows from these.
CLOCKS = (
    "first_answer_from", "answer_from", "waits", "answer_due_at", "resolve_due_at", "due_at", "rank_at", "notice_at",
    "noticed",
)  # fmt: skip
# Nobody can act on a case that waits for its customer: it stands behind whatever is due within a month.
PAUSED_SINKS = timedelta(days=30)
# Nobody is told of what ran out longer ago than that: history that is imported would tell of years.
TOLD_FOR = timedelta(days=7)
WAITS_ON = {Status.WAITING_CUSTOMER: CUSTOMER, Status.WAITING_PARTNER: PARTNER}
WARNING, BREACH = "warning", "breach"


def followed(case: Case, changes: Mapping[str, Any], at: datetime, levels: Levels) -> dict[str, Any]:
    """What `changes` at a moment makes of the clocks of a case; nothing where they move none. Changes nothing."""
    facts = list(facts_of(case, changes, at))
    is_judged_anew = any(column in JUDGED and getattr(case, column) != value for column, value in changes.items())
    if not facts and not is_judged_anew:
        return {}
    course = fold(course_of(case), facts)
    columns = _written(course)
    if course.is_over:
        return columns | {"answer_due_at": None, "notice_at": None, "noticed": []}
    noticed = case.noticed
    if course.answer_from != case.answer_from:  # another clock now
        noticed = [name for name in noticed if name.startswith(Clock.RESOLUTION)]
    traits = traits_of(case, changes)
    value = changes.get("value", case.value)
    return columns | timed(course, traits, levels, at, value=value, noticed=noticed)


def retimed(case: Case, at: datetime, levels: Levels) -> dict[str, Any]:
    """What the service levels of this moment make of the clocks of an open case. Changes nothing."""
    return timed(course_of(case), traits_of(case, {}), levels, at, value=case.value, noticed=case.noticed)


def opened(at: datetime, traits: Traits, levels: Levels, *, value: Any) -> dict[str, Any]:
    """The clocks of a case that opens."""
    course = begun(at, spoke=bool(traits.channel))
    return _written(course) | timed(course, traits, levels, at, value=value, noticed=[])


def timed(
    course: Course, traits: Traits, levels: Levels, at: datetime, *, value: Any, noticed: list[str]
) -> dict[str, Any]:
    """When the clocks of a course run out, where that puts the case in the order of work, and who is told when."""
    moments = moments_on(course, traits, levels)
    said = [name for name in noticed if name in moments and moments[name] <= at]
    ahead = [when for name, when in moments.items() if name not in said and when > at - TOLD_FOR]
    answer_due_at = moments.get(f"{Clock.FIRST}.{BREACH}") or moments.get(f"{Clock.NEXT}.{BREACH}")
    resolve_due_at = moments.get(f"{Clock.RESOLUTION}.{BREACH}")
    due_at = min((when for when in (answer_due_at, resolve_due_at) if when), default=None)
    stands_at = due_at or (course.waiting.since if course.waiting else at) + PAUSED_SINKS
    return {
        "answer_due_at": answer_due_at,
        "resolve_due_at": resolve_due_at,
        "due_at": due_at,
        "rank_at": triage.rank(stands_at, traits.severity, traits.loyalty_tier, value),
        "notice_at": min(ahead, default=None),
        "noticed": said,
    }


def moments_on(course: Course, traits: Traits, levels: Levels) -> dict[str, datetime]:
    """When each clock warns and runs out, by names such as "first.warning"; what pauses before is left out."""
    calendar = levels.calendar(traits)
    found: dict[str, datetime] = {}
    for clock, since in running(course).items():
        aim = levels.aim(clock, traits)
        pauses = pauses_of(course.waits, partner=aim.stops_for_partner)
        for name, time in ((WARNING, aim.warns_after), (BREACH, aim.target)):
            if when := due(calendar, since, time, pauses):
                found[f"{clock}.{name}"] = when
    return found


def moments_of(case: Case, levels: Levels) -> dict[str, datetime]:
    """When each clock of an open case warns and runs out, as `moments_on` says it."""
    return moments_on(course_of(case), traits_of(case, {}), levels)


def running(course: Course) -> dict[Clock, datetime]:
    """The clocks that run or pause, each with its beginning."""
    found = {Clock.RESOLUTION: course.opened_at}
    if course.answer_from:
        found[Clock.NEXT if course.first_answer_at else Clock.FIRST] = course.answer_from
    return found


def course_of(case: Any) -> Course:
    """The course that the columns of a case (or a row with the same names) tell."""
    return Course(
        case.opened_at, case.first_answer_from or case.opened_at, bool(case.channel), case.first_response_at,
        case.answer_from, tuple(_read(wait) for wait in case.waits),
    )  # fmt: skip


def facts_of(case: Case, changes: Mapping[str, Any], at: datetime) -> Iterator[Fact]:
    """What changes of columns mean to clocks."""
    before, after = case.status, changes.get("status", case.status)
    if Status.RESOLVED == before != after:
        yield Fact("reopened", at)
    spoken_at = changes.get("last_contact_at", case.last_contact_at)
    by = changes.get("last_contact_by", case.last_contact_by)
    if (spoken_at, by) != (case.last_contact_at, case.last_contact_by):
        yield Fact("answered" if by == "us" else "spoke", spoken_at)
    if before == after:
        return
    if after == Status.RESOLVED:
        yield Fact("resolved", changes.get("resolved_at") or at)
    elif after in WAITS_ON:
        yield Fact("waits", at, WAITS_ON[Status(after)])
    elif before in WAITS_ON:
        yield Fact("goes_on", at)


def traits_of(case: Case, changes: Mapping[str, Any]) -> Traits:
    """What decides about targets and calendar, as it is after some changes."""
    severity, tier, channel, queue_id, place_id = (
        changes.get(column, getattr(case, column)) for column in ("severity", "tier", "channel", "queue_id", "place_id")
    )
    loyalty_tier = case.customer.loyalty_tier if case.customer else ""
    return Traits(int(severity), str(tier), str(channel), loyalty_tier, queue_id, place_id)


def _written(course: Course) -> dict[str, Any]:
    waits = [[whom, since.isoformat(), until.isoformat() if until else None] for whom, since, until in course.waits]
    return {"first_answer_from": course.first_from, "answer_from": course.answer_from, "waits": waits}


def _read(wait: list[str]) -> Wait:
    whom, since, until = wait
    return Wait(whom, datetime.fromisoformat(since), datetime.fromisoformat(until) if until else None)
