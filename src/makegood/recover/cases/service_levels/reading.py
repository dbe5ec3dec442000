"""What the clocks of a case show, for people and programs."""

from datetime import datetime
from typing import Any, NamedTuple

from makegood.engines.clocks import Clock, Clocks, Reading, State, Targets
from makegood.ground.web.formats import day_time, duration
from makegood.ground.web.language import translated as _
from makegood.recover.cases.service_levels.following import course_of
from makegood.recover.cases.service_levels.levels import Levels, Traits, load
from makegood.recover.cases.service_levels.models import Escalation


class Shown(NamedTuple):
    """A clock in words. `chip`: it counts down to `due`."""

    name: str
    state: State
    due: datetime | None
    chip: bool
    says: str
    reading: Reading


def clocks_of(case: Any, now: datetime) -> list[Shown]:
    """The clocks of a case (a row with its columns and its customer's loyalty tier), in order. One SQL query."""
    return clocks_by(load([case.place_id]), case, now)


def clocks_by(levels: Levels, case: Any, now: datetime) -> list[Shown]:
    """The same by service levels that are at hand. No SQL query."""
    traits = Traits(case.severity, case.tier, case.channel, case.loyalty_tier, case.queue_id, case.place_id)
    aims = {clock: levels.aim(clock, traits) for clock in Clock}
    targets = Targets(
        aims[Clock.FIRST].target, aims[Clock.NEXT].target, aims[Clock.RESOLUTION].target,
        frozenset(clock for clock, aim in aims.items() if aim.stops_for_partner),
    )  # fmt: skip
    found = Clocks.read(course_of(case), levels.calendar(traits), targets, now)
    return [_shown(reading, case.first_response_at is not None, now) for reading in found if reading]


def _shown(reading: Reading, is_answered: bool, now: datetime) -> Shown:
    runs = reading.met_at is None
    name = str(Escalation.Clock(reading.clock).label)
    return Shown(name, reading.state, reading.due, runs and reading.due is not None, _says(reading, is_answered, now),
                 reading)  # fmt: skip


def _says(reading: Reading, is_answered: bool, now: datetime) -> str:
    facts = {
        "used": duration(reading.used), "target": duration(reading.target), "late": duration(reading.by),
        "since": day_time(reading.paused_since, now=now) if reading.paused_since else "",
    }  # fmt: skip
    if reading.met_at and reading.clock == Clock.FIRST and not is_answered:
        return _("resolved without a word to the customer")
    if reading.state == State.MET:
        return _("met after %(used)s of %(target)s") % facts
    if reading.state == State.BREACHED:
        if reading.met_at:
            return _("breached: after %(used)s, %(late)s more than %(target)s") % facts
        return _("breached: %(target)s were allowed, %(late)s ago") % facts
    if reading.state == State.PAUSED:
        return _("paused since %(since)s, %(used)s of %(target)s used") % facts
    return _("%(used)s of %(target)s used") % facts
