"""How the service stands, for those who lead it: what runs out when, who carries it, what was promised."""

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from django.db import connection
from django.utils.translation import gettext_lazy as _

from makegood.ground.staff.models import User
from makegood.ground.staff.names import name_of
from makegood.ground.staff.scope import visible_places
from makegood.recover.cases.queries.queue import Places
from makegood.recover.commitments.queries.kept import Rate, Standing, kept_by_week, standing

PEOPLE_SHOWN: Final = 12
WEEKS: Final = 8
SLOTS: Final = (_("Over a week late"), _("1 to 7 days late"), _("Less than a day late"), _("Within 2 hours"),
                _("Until tonight"), _("Tomorrow"), _("Within a week"), _("Later"), _("Clock stopped"))  # fmt: skip


class Slot(NamedTuple):
    """Open cases that run out in the same stretch of time."""

    label: str
    is_late: bool
    all: int
    nobodys: int


class Load(NamedTuple):
    """What a colleague carries; without a username: what nobody has taken."""

    name: str
    username: str
    all: int
    late: int


class Overview(NamedTuple):
    """The service at a glance."""

    slots: list[Slot]
    people: list[Load]
    more_people: int
    nobodys: Load
    promises: Standing
    weeks: list[Rate]

    @property
    def kept(self) -> Rate:
        """Of all these weeks."""
        return Rate("", sum(week.kept for week in self.weeks), sum(week.came_due for week in self.weeks))


def overview(*, me: User, now: datetime, tonight: datetime) -> Overview:
    """The service as far as `me` sees it. Three SQL queries beside the reader's places."""
    slots, people = _open_cases(visible_places(me), now, tonight)
    carried = [load for load in people if load.username]
    return Overview(
        slots=slots, people=carried[:PEOPLE_SHOWN], more_people=max(0, len(carried) - PEOPLE_SHOWN),
        nobodys=next((load for load in people if not load.username), Load("", "", 0, 0)),
        promises=standing(me=me, now=now, tonight=tonight),
        weeks=kept_by_week(me=me, until=now, weeks=WEEKS),
    )  # fmt: skip


def _open_cases(places: Places, now: datetime, tonight: datetime) -> tuple[list[Slot], list[Load]]:
    soon = min(now + timedelta(hours=2), tonight)
    bounds = [now - timedelta(days=7), now - timedelta(days=1), now, soon, tonight,
              tonight + timedelta(days=1), tonight + timedelta(days=7)]  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_OPEN, {"now": now, "bounds": bounds, "places": places})
        rows = cursor.fetchall()
    counted = {slot: (all_, nobodys) for slot, all_, _late, nobodys, _user, _name in rows if slot is not None}
    slots = [Slot(str(label), n <= bounds.index(now), *counted.get(n, (0, 0))) for n, label in enumerate(SLOTS)]
    people = [Load(name or "", user or "", all_, late) for slot, all_, late, _nobodys, user, name in rows
              if slot is None]  # fmt: skip
    return slots, sorted(people, key=lambda load: (-load.late, -load.all, load.name))


# Open cases are as many as people can carry: one pass over the index of those, counted in two ways.
_OPEN = f"""
WITH open AS MATERIALIZED (
    SELECT assignee_id, due_at < %(now)s AS late,
           coalesce(width_bucket(due_at, %(bounds)s::timestamptz[]), cardinality(%(bounds)s::timestamptz[]) + 1) AS slot
    FROM cases_case
    WHERE resolved_at IS NULL AND snoozed_until IS NULL
        AND (%(places)s::uuid[] IS NULL OR place_id = ANY(%(places)s::uuid[]))
), counted AS (
    SELECT slot, assignee_id, count(*) AS n, count(*) FILTER (WHERE late) AS late,
           count(*) FILTER (WHERE assignee_id IS NULL) AS nobodys
    FROM open GROUP BY GROUPING SETS ((slot), (assignee_id))
)
SELECT c.slot, c.n, c.late, c.nobodys, u.username, {name_of("u")}
FROM counted c LEFT JOIN staff_user u ON u.id = c.assignee_id
"""
