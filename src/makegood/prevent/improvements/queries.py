"""What the pages and the API read."""

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import connection
from django.http.request import QueryDict
from django.utils.http import urlencode

from makegood.ground.staff.models import User
from makegood.prevent.improvements.errors import ImprovementNotFound
from makegood.prevent.improvements.models import Event, Hypothesis, Improvement, Look, State, Verdict

PAGE = 50
SHOWS = ("open", "overdue", "ended", "all")


@dataclass(frozen=True)
class Filters:
    """What the URL asks for."""

    show: str = "open"
    verdict: str = ""
    whose: str = ""
    q: str = ""

    @classmethod
    def read(cls, given: QueryDict | Mapping[str, str]) -> "Filters":
        """Nonsense counts as not asked."""
        show, verdict = given.get("show", "open"), given.get("verdict", "")
        return cls(
            show=show if show in SHOWS else "open", verdict=verdict if verdict in Verdict.values else "",
            whose=(given.get("whose") or "").replace("\0", "")[:150], q=(given.get("q") or "").replace("\0", "")[:100],
        )  # fmt: skip

    @property
    def narrow(self) -> bool:
        return self != Filters()

    def address(self) -> str:
        """As the part of a URL after its path."""
        return "?" + urlencode({name: value for name, value in vars(self).items() if value})


class Row(NamedTuple):
    """An improvement as lists show it. Avoided cases and ratio are those of its last look."""

    id: uuid.UUID
    number: int
    title: str
    owner: str
    username: str
    due_at: datetime
    state: str
    verdict: str
    started_on: Any
    created_at: datetime
    cause_key: str
    locus: str
    cost: Decimal | None
    currency: str
    percent: int | None
    by_when: Any
    until: Any
    ratio: list[float | None] | None
    avoided: list[float | None] | None
    incidents: list[int]

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to do something about it."""
        return self.state in (State.PLANNED, State.UNDER_WAY) or (
            self.verdict == Verdict.CAME_BACK and self.state != State.DROPPED
        )

    def overdue(self, now: datetime) -> bool:
        return self.state in (State.PLANNED, State.UNDER_WAY) and self.due_at < now


_OPEN = "(i.state IN ('planned', 'under_way') OR i.verdict = 'came_back' AND i.state <> 'dropped')"
_WHERE = {
    "open": f"AND ({_OPEN} OR i.verdict = 'unknown' AND i.state = 'done')",
    "overdue": "AND i.state IN ('planned', 'under_way') AND i.due_at < %(now)s",
    "ended": f"AND NOT {_OPEN} AND NOT (i.verdict = 'unknown' AND i.state = 'done')",
    "all": "",
}
_ROWS = """
    SELECT i.id, i.number, i.title,
           coalesce(nullif(trim(u.first_name || ' ' || u.last_name), ''), u.username), u.username,
           i.due_at, i.state, i.verdict, i.started_on, i.created_at, i.cause_key, i.locus, i.cost, i.currency,
           said.percent, said.by_when, last.until, last.ratio, last.avoided, answered.numbers
    FROM improvements_improvement i
    JOIN staff_user u ON u.id = i.owner_id
    LEFT JOIN LATERAL (
        SELECT percent, by_when FROM improvements_hypothesis h WHERE h.improvement_id = i.id
        ORDER BY version DESC LIMIT 1
    ) AS said ON true
    LEFT JOIN LATERAL (
        SELECT until, found->'ratio' AS ratio, found->'avoided' AS avoided
        FROM improvements_look l WHERE l.improvement_id = i.id ORDER BY at DESC LIMIT 1
    ) AS last ON true
    LEFT JOIN LATERAL (
        SELECT coalesce(array_agg(n.number ORDER BY n.number), '{}') AS numbers
        FROM improvements_improvement_incidents a JOIN incidents_incident n ON n.id = a.incident_id
        WHERE a.improvement_id = i.id
    ) AS answered ON true
    WHERE true
"""


def page(
    filters: Filters, *, me: User, now: datetime, after: int | None = None, limit: int = PAGE
) -> tuple[list[Row], int | None]:
    """The newest first, and the number after which the next page begins. One SQL query."""
    where = _WHERE[filters.show]
    values: dict[str, Any] = {"now": now, "limit": limit + 1}
    if filters.verdict:
        where, values["verdict"] = f"{where} AND i.verdict = %(verdict)s", filters.verdict
    if filters.whose:
        where += " AND u.username = %(whose)s"
        values["whose"] = me.username if filters.whose == "me" else filters.whose
    if filters.q:
        where += " AND (i.title ILIKE %(like)s OR i.cause ILIKE %(like)s OR 'A-' || i.number = upper(%(q)s))"
        escaped = filters.q.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        values |= {"like": f"%{escaped}%", "q": filters.q}
    if after:
        where, values["after"] = f"{where} AND i.number < %(after)s", after
    with connection.cursor() as cursor:
        cursor.execute(f"{_ROWS} {where} ORDER BY i.number DESC LIMIT %(limit)s", values)
        rows = [Row._make((*row[:17], _json(row[17]), _json(row[18]), row[19])) for row in cursor]
    return rows[:limit], rows[limit - 1].number if len(rows) > limit else None


def _json(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value


def every(filters: Filters, *, me: User, now: datetime) -> Iterator[Row]:
    """All pages. One SQL query per thousand rows."""
    after = None
    while True:
        rows, after = page(filters, me=me, now=now, after=after, limit=1000)
        yield from rows
        if after is None:
            return


class Standing(NamedTuple):
    """The register in figures."""

    open: int
    overdue: int
    worked: int
    judged: int


class CauseRow(NamedTuple):
    """One cause: improvements against it, and the cases of the incidents they answer."""

    cause: str
    improvements: int
    cases: int


def standing(*, now: datetime) -> Standing:
    """One SQL query."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT count(*) FILTER (WHERE {_OPEN}),
                   count(*) FILTER (WHERE i.state IN ('planned', 'under_way') AND i.due_at < %s),
                   count(*) FILTER (WHERE i.verdict = 'worked'), count(*) FILTER (WHERE i.verdict <> 'unknown')
            FROM improvements_improvement i
            """,
            [now],
        )
        return Standing(*cursor.fetchone())


def causes() -> list[CauseRow]:
    """Causes by their cases, the most first. A case counts once for a cause, however many actions. One SQL query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT i.cause_key, count(DISTINCT i.id), count(DISTINCT linked.case_id)
            FROM improvements_improvement i
            LEFT JOIN improvements_improvement_incidents a ON a.improvement_id = i.id
            LEFT JOIN incidents_incidentcase linked ON linked.incident_id = a.incident_id
            WHERE i.cause_key <> '' AND i.state <> 'dropped'
            GROUP BY i.cause_key ORDER BY 3 DESC, 2 DESC, 1 LIMIT 50
            """
        )
        return [CauseRow(*row) for row in cursor]


def avoided_in_all() -> list[list[float | None]]:
    """Cases avoided by each improvement that worked, at its last look. One SQL query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT last.avoided::text FROM improvements_improvement i
            JOIN LATERAL (
                SELECT found->'avoided' AS avoided FROM improvements_look l
                WHERE l.improvement_id = i.id AND l.started_on IS NOT NULL ORDER BY at DESC LIMIT 1
            ) AS last ON jsonb_typeof(last.avoided) = 'array'
            WHERE i.verdict = 'worked'
            """
        )
        return [_json(row[0]) for row in cursor]


class One(NamedTuple):
    """An improvement with all that its page shows."""

    improvement: Improvement
    hypotheses: list[Hypothesis]  # the latest first
    looks: list[Look]  # the latest first
    events: list[Event]
    incidents: list[Any]


def one(number: int) -> One:
    """Five SQL queries.

    Raises
    ------
    ImprovementNotFound
    """
    found = Improvement.objects.select_related("owner", "created_by", "commitment").filter(number=number).first()
    if found is None:
        raise ImprovementNotFound(f"A-{number}")
    return One(
        found,
        list(found.hypotheses.select_related("said_by").order_by("-version")),
        list(found.looks.order_by("-at")[:120]),
        list(found.events.select_related("by").order_by("at", "id")),
        list(found.incidents.order_by("number").values("number", "title", "state", "any_of")),
    )
