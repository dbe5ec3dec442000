"""The promise-kept rate: promises kept on time of all that came due, by person, team and kind.

A chain of promises counts once, by its first date; released ones are left out. A rate of few is no rate.
"""

from datetime import datetime
from typing import Any, Final, NamedTuple

from django.db import connection

from makegood.engines.statistics.shares import wilson
from makegood.ground.staff.models import User
from makegood.ground.staff.names import name_of
from makegood.ground.staff.scope import visible_places
from makegood.recover.commitments.queries.listing import scope

TOO_FEW: Final = 10


class Rate(NamedTuple):
    """How much was kept of what came due."""

    name: str
    kept: int
    came_due: int

    @property
    def rate(self) -> float | None:
        """None: too few to say."""
        return self.kept / self.came_due if self.came_due >= TOO_FEW else None

    @property
    def interval(self) -> tuple[float, float] | None:
        return wilson(self.kept, self.came_due) if self.came_due >= TOO_FEW else None

    def as_json(self) -> dict[str, Any]:
        low, high = self.interval or (None, None)
        return {
            "name": self.name,
            "kept": self.kept,
            "came_due": self.came_due,
            "rate": self.rate,
            "low": low,
            "high": high,
        }


class KeptRates(NamedTuple):
    """All promises of ours, and the same by person, team and kind; promises of partners apart."""

    ours: Rate
    partners: Rate
    people: list[Rate]
    teams: list[Rate]
    kinds: list[Rate]


def kept_rates(*, me: User | None, since: datetime, until: datetime) -> KeptRates:
    """Rates of the promises that first came due in [since, until), as far as `me` sees them (None: all).

    One SQL query.
    """
    condition, values = scope(me, visible_places(me)) if me else ("TRUE", [])
    with connection.cursor() as cursor:
        cursor.execute(_RATES.format(scope=condition), [since, until, *values])
        rows = cursor.fetchall()
    found: dict[str, list[Rate]] = {"ours": [], "partners": [], "person": [], "team": [], "kind": []}
    for by, name, kept, came_due in rows:
        found[by].append(Rate(name, kept, came_due))
    for rates in found.values():
        rates.sort(key=lambda it: (-it.came_due, it.name))
    nothing = Rate("", 0, 0)
    return KeptRates(
        ours=next(iter(found["ours"]), nothing), partners=next(iter(found["partners"]), nothing),
        people=found["person"], teams=found["team"], kinds=found["kind"],
    )  # fmt: skip


_RATES = f"""
WITH due AS MATERIALIZED (
    SELECT p.kind, p."to" = 'partner' AS theirs, p.owner_id,
           (p.state = 'kept' AND p.ended_at <= p.first_due_at)::int AS kept
    FROM commitments_commitment p LEFT JOIN cases_case c ON c.id = p.case_id
    WHERE p.first_due_at >= %s AND p.first_due_at < %s AND p.state NOT IN ('released', 'superseded') AND {{scope}}
), owned AS MATERIALIZED (
    SELECT owner_id, kind, sum(kept) AS kept, count(*) AS n FROM due WHERE NOT theirs GROUP BY owner_id, kind
), named AS (
    SELECT o.kind, o.kept, o.n, u.username,
           {name_of("u")} AS name,
           coalesce((SELECT string_agg(l.name, ', ' ORDER BY l.name) FROM staff_user_places m
                     JOIN retail_place l ON l.id = m.place_id WHERE m.user_id = u.id), '') AS team
    FROM owned o JOIN staff_user u ON u.id = o.owner_id
)
SELECT 'partners', '', sum(kept)::bigint, count(*) FROM due WHERE theirs HAVING count(*) > 0
UNION ALL SELECT 'ours', '', sum(kept)::bigint, sum(n)::bigint FROM named HAVING sum(n) > 0
UNION ALL SELECT 'person', min(name), sum(kept)::bigint, sum(n)::bigint FROM named GROUP BY username
UNION ALL SELECT 'team', team, sum(kept)::bigint, sum(n)::bigint FROM named GROUP BY team
UNION ALL SELECT 'kind', kind, sum(kept)::bigint, sum(n)::bigint FROM named GROUP BY kind
"""


class Standing(NamedTuple):
    """How the register stands now. Counted as far as it goes: these are few."""

    open: int
    due_today: int
    overdue: int


def standing(*, me: User | None, now: datetime, tonight: datetime) -> Standing:
    """Open promises, those due by the end of the day (not overdue yet), and those overdue. One SQL query."""
    condition, values = scope(me, visible_places(me)) if me else ("TRUE", [])
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*), count(*) FILTER (WHERE p.due_at > %s AND p.due_at <= %s),"
            " count(*) FILTER (WHERE p.due_at <= %s)"
            " FROM commitments_commitment p LEFT JOIN cases_case c ON c.id = p.case_id"
            f" WHERE p.state = 'open' AND {condition}",
            [now, tonight, now, *values],
        )
        return Standing(*cursor.fetchone())


def kept_by_week(*, me: User | None, until: datetime, weeks: int) -> list[Rate]:
    """What was kept of what came due in each of the last `weeks` spans of seven days, the oldest first. One SQL query.

    Promises of ours, as far as `me` sees them (None: all), counted as in `kept_rates`.
    """
    condition, values = scope(me, visible_places(me)) if me else ("TRUE", [])
    with connection.cursor() as cursor:
        cursor.execute(_WEEKS.format(scope=condition), [until, until, weeks, until, *values])
        found = {ago: Rate("", kept, came_due) for ago, kept, came_due in cursor.fetchall()}
    return [found.get(ago, Rate("", 0, 0)) for ago in range(weeks - 1, -1, -1)]


_WEEKS = """
SELECT floor(extract(epoch FROM %s::timestamptz - p.first_due_at) / 604800)::int AS ago,
       count(*) FILTER (WHERE p.state = 'kept' AND p.ended_at <= p.first_due_at), count(*)
FROM commitments_commitment p LEFT JOIN cases_case c ON c.id = p.case_id
WHERE p.first_due_at > %s::timestamptz - make_interval(weeks => %s) AND p.first_due_at <= %s
    AND p.state NOT IN ('released', 'superseded') AND p."to" <> 'partner' AND {scope}
GROUP BY ago
"""
