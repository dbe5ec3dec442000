"""What the page of an incident shows beside its row."""

import json
import uuid
from datetime import date, datetime, timedelta
from typing import Any, Final, NamedTuple

from django.db import connection

from makegood.ground.asking import Question
from makegood.ground.staff.models import User
from makegood.ground.staff.names import name_of
from makegood.prevent.incidents.models import Incident, IncidentEvent
from makegood.prevent.incidents.services.telling import LEADS
from makegood.recover.cases.queries.queue import Cursor, Places
from makegood.recover.cases.unasked import ASKED_AT

MOMENTS: Final = 50
CASES: Final = 50
BY_WEEK_FROM: Final = 150  # days: more points could not be told apart


class Linked(NamedTuple):
    """A case of the incident that the reader may see."""

    id: uuid.UUID
    number: int
    subject: str
    failed: str
    customer: str
    opened_at: datetime
    status: str
    outcome: str
    joined_at: datetime
    joined_by: str | None  # None: it joined by itself


class Cases(NamedTuple):
    rows: list[Linked]
    after: Cursor | None
    within: int  # what the reader sees
    total: int
    still_open: int
    ours: int  # opened by us: nobody had written


def cases_of(incident_id: uuid.UUID, *, places: Places, after: Cursor | None = None, limit: int = CASES) -> Cases:
    """A page of the cases, the latest to join first; how many there are within `places` and in all. One SQL query."""
    with connection.cursor() as cursor:
        cursor.execute(
            _CASES.format(further="AND (joined_at, id) < (%(key)s, %(id)s)" if after else ""),
            {"incident": incident_id, "places": places, "limit": limit + 1, "key": after.key if after else None,
             "id": after.id if after else None},
        )  # fmt: skip
        found = cursor.fetchall()
    rows = [Linked(*row[:-4]) for row in found if row[0]]
    last = rows[limit - 1] if len(rows) > limit else None
    return Cases(rows[:limit], Cursor(last.joined_at, last.id) if last else None, *found[0][-4:])


_CASES: Final = f"""
WITH theirs AS MATERIALIZED (
    SELECT c.id, l.joined_at, c.resolved_at IS NULL AS still_open, c.channel = '' AS ours,
           %(places)s::uuid[] IS NULL OR coalesce(c.place_id = ANY(%(places)s::uuid[]), false) AS mine
    FROM incidents_incidentcase l JOIN cases_case c ON c.id = l.case_id AND c.merged_into_id IS NULL
    WHERE l.incident_id = %(incident)s
), counted AS (
    SELECT count(*) FILTER (WHERE mine) AS within, count(*) AS total, count(*) FILTER (WHERE still_open) AS still_open,
           count(*) FILTER (WHERE ours) AS ours
    FROM theirs
)
SELECT few.*, counted.within, counted.total, counted.still_open, counted.ours
FROM counted LEFT JOIN LATERAL (
    SELECT c.id, c.number, c.subject, c.failed, coalesce(nullif(k.name, ''), k.email, k.ref, ''), c.opened_at, c.status,
           c.outcome, l.joined_at, CASE WHEN l.joined_by_id IS NOT NULL THEN {name_of("u")} END
    FROM (SELECT id FROM theirs WHERE mine {{further}} ORDER BY joined_at DESC, id DESC LIMIT %(limit)s) page
    JOIN incidents_incidentcase l ON l.case_id = page.id
    JOIN cases_case c ON c.id = page.id
    LEFT JOIN retail_customer k ON k.id = c.customer_id
    LEFT JOIN staff_user u ON u.id = l.joined_by_id
    ORDER BY l.joined_at DESC, c.id DESC
) few ON true
"""


def moments_of(incident: Incident, *, before: int | None = None) -> tuple[list[IncidentEvent], int]:
    """A page of the timeline, the newest first, and the key of the next one (0: that was all). One SQL query."""
    events = IncidentEvent.objects.filter(incident=incident).select_related("actor").order_by("-seq")
    found = list((events.filter(seq__lt=before) if before else events)[: MOMENTS + 1])
    return found[:MOMENTS], found[MOMENTS - 1].seq if len(found) > MOMENTS else 0


class Day(NamedTuple):
    begins: date
    observed: int


class Series(NamedTuple):
    """Cases of the incident by when they were opened."""

    spans: list[Day]
    days: int  # of each span: 1 or 7


def series_of(incident: Incident, *, now: datetime, zone: str) -> Series:
    """Cases by day, or by week, from the first one until its end or now; those that we opened ourselves by when the
    customer answered, if so. One SQL query.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT (asked_at AT TIME ZONE %s)::date AS day, count(*)
            FROM (
                SELECT {ASKED_AT.format("c")} AS asked_at
                FROM incidents_incidentcase l JOIN cases_case c ON c.id = l.case_id AND c.merged_into_id IS NULL
                WHERE l.incident_id = %s
            ) AS told WHERE asked_at IS NOT NULL GROUP BY 1 ORDER BY 1
            """,
            [zone, incident.pk],
        )
        counted: dict[date, int] = dict(cursor.fetchall())
    if not counted:
        return Series([], 1)
    first, last = min(counted), max((incident.resolved_at or now).date(), *counted)
    days = 7 if (last - first).days > BY_WEEK_FROM else 1
    spans = []
    while first <= last:
        spans.append(Day(first, sum(counted.get(first + timedelta(days=n), 0) for n in range(days))))
        first += timedelta(days=days)
    return Series(spans, days)


class TaskRow(NamedTuple):
    number: int
    text: str
    due_at: datetime
    state: str
    owner: str
    ended_at: datetime | None


def tasks_of(incident: Incident) -> list[TaskRow]:
    """Its tasks and those that merged ones brought: open ones first, the next to come due on top. One SQL query."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT p.number, p.text, p.due_at, p.state, {name_of("u")}, p.ended_at
            FROM incidents_task t
            JOIN commitments_commitment p ON p.id = t.commitment_id AND p.state <> 'superseded'
            JOIN staff_user u ON u.id = p.owner_id
            WHERE t.incident_id = %(it)s
               OR t.incident_id = ANY(ARRAY(SELECT id FROM incidents_incident WHERE merged_into_id = %(it)s))
            ORDER BY p.state <> 'open', p.due_at
            """,
            {"it": incident.pk},
        )
        return [TaskRow(*row) for row in cursor.fetchall()]


def leaders() -> list[User]:
    """Whoever may lead incidents and works here. One SQL query."""
    people = User.objects.filter(is_active=True, is_integration=False, role__in=LEADS)
    return list(people.order_by("first_name", "last_name", "username"))


def going_on(*, besides: uuid.UUID, limit: int = 100) -> list[tuple[int, str]]:
    """Incidents that go on, the newest first, as (number, title). One SQL query."""
    others = Incident.objects.exclude(state="resolved").exclude(pk=besides)
    return list(others.order_by("-declared_at").values_list("number", "title")[:limit])


def incident_of_case(case_id: uuid.UUID) -> "Question[dict[str, Any] | None]":
    """The incident that a case is of, to be asked with others."""

    def read(found: str | None) -> dict[str, Any] | None:
        told = json.loads(found) if found else None
        return told and told | {"joined_at": datetime.fromisoformat(told["joined_at"])}

    return Question(_OF_CASE, read, {"case": case_id})


_OF_CASE: Final = f"""
SELECT json_build_object(
    'number', i.number, 'title', i.title, 'kind', i.kind, 'severity', i.severity, 'state', i.state,
    'status_inside', i.status_inside, 'status_public', i.status_public, 'answer', i.answer, 'hazard', i.hazard,
    'what_to_do', i.what_to_do, 'commander', {name_of("u")}, 'by_itself', l.joined_by_id IS NULL,
    'joined_by', {name_of("w")}, 'joined_at', l.joined_at,
    'cases', (SELECT count(*) FROM incidents_incidentcase n WHERE n.incident_id = i.id))::text
FROM incidents_incidentcase l JOIN incidents_incident i ON i.id = l.incident_id
JOIN staff_user u ON u.id = i.commander_id
LEFT JOIN staff_user w ON w.id = l.joined_by_id
WHERE l.case_id = %(case)s
"""


def told_to_customer(case_id: uuid.UUID) -> "Question[str]":
    """What the customer of a case may read of its incident while that goes on; empty: nothing."""
    return Question(
        """
        SELECT concat_ws(E'\\n', nullif(i.status_public, ''), nullif(i.hazard, ''), nullif(i.what_to_do, ''))
        FROM incidents_incidentcase l JOIN incidents_incident i ON i.id = l.incident_id AND i.state <> 'resolved'
        WHERE l.case_id = %(case)s
        """,
        lambda found: found or "",
        {"case": case_id},
    )
