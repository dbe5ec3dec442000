"""Which calendar and which targets hold for a case."""

import json
import uuid
from collections.abc import Collection
from datetime import timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from django.conf import settings

from makegood.engines.clocks import ALWAYS, Calendar, Clock
from makegood.ground.asking import Question, ask
from makegood.recover.cases.service_levels.defaults import ANSWER_WITHIN, RESOLVE_WITHIN, SILENT_FACTOR, WARN_PERCENT
from makegood.recover.cases.service_levels.models import SILENT, compiled

MINUTE = timedelta(minutes=1)


class Traits(NamedTuple):
    """What of a case decides about its targets and its calendar."""

    severity: int
    tier: str
    channel: str  # empty: the customer has not spoken
    loyalty_tier: str
    queue_id: int
    place_id: uuid.UUID | None


class Aim(NamedTuple):
    """How long a clock may run, when it warns, and whether waiting on a partner stops it."""

    target: timedelta
    warn_percent: int
    stops_for_partner: bool

    @property
    def warns_after(self) -> timedelta:
        return self.target * self.warn_percent / 100


class Levels:
    """The service levels at a moment, for the places asked for. Answers are remembered: a batch asks the same often."""

    def __init__(self, rules: "Rules", places: dict[str, tuple[str, int | None]]) -> None:
        self.rules = rules
        self._places = places

    def aim(self, clock: Clock, traits: Traits) -> Aim:
        """What holds for a clock of such a case."""
        return self.rules.aim(clock, traits)

    def calendar(self, traits: Traits) -> Calendar:
        """In whose hours such a case is worked: its queue's, else its place's or of what is above, else the default."""
        zone, of_place = self._places.get(str(traits.place_id), (settings.TIME_ZONE, None))
        return self.rules.calendar(self.rules.of_queue.get(traits.queue_id, of_place), zone)


class Rules:
    """All calendars and targets, ready to be asked."""

    def __init__(self, found: dict[str, Any]) -> None:
        self.of_queue = {int(queue): calendar for queue, calendar in (found["queues"] or {}).items()}
        self._rows = {row["id"]: row for row in found["calendars"] or ()}
        self._default = next((pk for pk, row in self._rows.items() if row["is_default"]), None)
        self._targets = sorted(found["targets"] or (), key=weight, reverse=True)
        self._aims: dict[tuple[Clock, int, str, str, str, int], Aim] = {}
        self._calendars: dict[tuple[int | None, str], Calendar] = {}

    def calendar(self, pk: int | None, zone: str) -> Calendar:
        key = (pk if pk in self._rows else self._default, zone)
        if key not in self._calendars:
            row = self._rows.get(key[0]) if key[0] is not None else None
            self._calendars[key] = compiled(row, zone) if row else ALWAYS
        return self._calendars[key]

    def aim(self, clock: Clock, traits: Traits) -> Aim:
        key = (clock, *traits[:5])
        if key not in self._aims:
            self._aims[key] = self._aim(clock, traits)
        return self._aims[key]

    def _aim(self, clock: Clock, traits: Traits) -> Aim:
        for row in self._targets:
            minutes = row[f"{clock}_minutes"]
            if minutes and _holds(row, traits):
                return Aim(minutes * MINUTE, row["warn_percent"], row["stops_for_partner"])
        # Somebody deleted the rows that hold for all: what Makegood comes with holds.
        within = (RESOLVE_WITHIN if clock == Clock.RESOLUTION else ANSWER_WITHIN)[traits.severity]
        factor = SILENT_FACTOR if clock == Clock.FIRST and not traits.channel else 1
        return Aim(within * factor, WARN_PERCENT, stops_for_partner=False)


def weight(row: dict[str, Any]) -> tuple[bool, bool, bool, bool, bool]:
    """How much a target names, what counts most first: queue, loyalty tier, channel, tier, severity."""
    return (
        row["queue_id"] is not None, bool(row["loyalty_tier"]), bool(row["channel"]), bool(row["tier"]),
        row["severity"] is not None,
    )  # fmt: skip


def _holds(row: dict[str, Any], traits: Traits) -> bool:
    return (
        row["queue_id"] in (None, traits.queue_id)
        and row["loyalty_tier"].lower() in ("", traits.loyalty_tier.lower())
        and row["channel"] in ("", traits.channel or SILENT)
        and row["tier"] in ("", traits.tier)
        and row["severity"] in (None, traits.severity)
    )


def load(places: Collection[uuid.UUID | None]) -> Levels:
    """The service levels as they are now, for cases of these places. One SQL query; unchanged, they stay parsed."""
    return ask(levels_of(places))


def levels_of(places: Collection[uuid.UUID | None]) -> Question[Levels]:
    """`load`, to be asked with others."""
    return Question(_LEVELS, _read, {"places": [place for place in set(places) if place]})


def _read(found: str | None) -> Levels:
    rules, _, of_places = (found or "").partition(_AND)
    return Levels(_rules(rules), {place: (zone, calendar) for place, zone, calendar in json.loads(of_places)})


@lru_cache(maxsize=8)
def _rules(text: str) -> Rules:
    return Rules(json.loads(text))


_AND = "\x1e"  # JSON holds none: what comes before it is parsed only when it changed
_LEVELS = """
WITH RECURSIVE up AS (
    SELECT id AS asked, id, parent_id, time_zone, 0 AS far FROM retail_place WHERE id = ANY(%(places)s::uuid[])
    UNION ALL
    SELECT up.asked, p.id, p.parent_id, up.time_zone, up.far + 1
    FROM up JOIN retail_place p ON p.id = up.parent_id WHERE up.far < 9
), nearest AS (
    SELECT DISTINCT ON (up.asked) up.asked, up.time_zone, u.calendar_id
    FROM up LEFT JOIN cases_calendaruse u ON u.place_id = up.id
    ORDER BY up.asked, u.calendar_id IS NULL, up.far
)
SELECT json_build_object(
    'calendars', (SELECT json_agg(c ORDER BY c.id) FROM cases_calendar c),
    'queues', (SELECT json_object_agg(queue_id, calendar_id ORDER BY queue_id) FROM cases_calendaruse
               WHERE queue_id IS NOT NULL),
    'targets', (SELECT json_agg(t ORDER BY t.id) FROM cases_target t)
)::text || E'\\x1e' || coalesce(
    (SELECT json_agg(json_build_array(asked, time_zone, calendar_id) ORDER BY asked)::text FROM nearest), '[]')
"""
