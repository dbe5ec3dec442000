"""Incidents as a list, the newest first. Paged by key; a page is an index scan that stops after a page."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from django.db import connection

from makegood.ground.staff.models import User
from makegood.ground.staff.names import name_of
from makegood.prevent.incidents.errors import IncidentNotFound
from makegood.prevent.incidents.models import Incident, Kind
from makegood.recover.cases.models import Severity
from makegood.recover.cases.queries.queue import Cursor

PAGE: Final = 50
COUNT_UP_TO: Final = 1000
_SHOWN: Final = {
    "going": "i.state <> 'resolved'",
    "open": "i.state = 'open'",
    "contained": "i.state = 'contained'",
    "resolved": "i.state = 'resolved'",
    "all": "TRUE",
}
SHOWS: Final = tuple(_SHOWN)
_BIGINT_DIGITS: Final = 19


@dataclass(frozen=True, kw_only=True)
class Filters:
    """Which incidents. Without anything: what goes on."""

    show: str = "going"
    severity: str = ""
    kind: str = ""
    whose: str = ""  # me: I am its commander
    q: str = ""  # I-12, or words of the title

    @classmethod
    def read(cls, said: Any) -> "Filters":
        """From a query string; what it does not understand it leaves out."""
        given = {name: str(said.get(name, "")).replace("\0", "").strip()[:100] for name in asdict(cls())}
        known = {
            "show": SHOWS, "severity": [str(level) for level in Severity.values], "kind": Kind.values, "whose": ["me"],
        }  # fmt: skip
        given |= {name: "" for name, values in known.items() if given[name] not in values}
        return cls(**given | {"show": given["show"] or "going"})

    def address(self, **changes: str) -> str:
        """The query string of these filters after some changes; what is usual stays out of it."""
        usual, said = asdict(Filters()), asdict(replace(self, **changes))
        return "?" + urlencode({name: value for name, value in said.items() if value != usual[name]})

    @property
    def narrow(self) -> bool:
        """Whether more than the usual is chosen."""
        return replace(self, show="going") != Filters()


class Row(NamedTuple):
    """An incident as lists show it."""

    id: uuid.UUID
    number: int
    kind: str
    title: str
    severity: int
    state: str
    any_of: dict[str, list[str]]
    since: datetime | None
    until: datetime | None
    declared_at: datetime
    contained_at: datetime | None
    resolved_at: datetime | None
    cause_state: str
    cause: str
    commander: str
    merged_into: int | None
    cases: int
    affected: int


class Page(NamedTuple):
    rows: list[Row]
    after: Cursor | None
    """Where the next page begins; None: there is none."""


def page(filters: Filters, *, me: User, after: Cursor | None = None, limit: int = PAGE) -> Page:
    """One page. One SQL query, an index scan of `incident_going_on` or `incident_declared`."""
    where, values = _conditions(filters, me)
    if after:
        where += " AND i.declared_at <= %s AND (i.declared_at < %s OR i.id > %s)"
        values += [after.key, after.key, after.id]
    with connection.cursor() as cursor:
        cursor.execute(_ROWS.format(where=where, limit=limit + 1), values)
        rows = [_row(row) for row in cursor.fetchall()]
    last = rows[limit - 1] if len(rows) > limit else None
    return Page(rows[:limit], Cursor(last.declared_at, last.id) if last else None)


def count(filters: Filters, *, me: User) -> int:
    """How many that are, counted no further than COUNT_UP_TO + 1. One SQL query."""
    where, values = _conditions(filters, me)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM (SELECT FROM incidents_incident i WHERE {where} LIMIT {COUNT_UP_TO + 1}) AS few",
            values,
        )
        return int(cursor.fetchone()[0])


def every(filters: Filters, *, me: User) -> Iterator[Row]:
    """All rows in order, for files. One SQL query per thousand."""
    after: Cursor | None = None
    while True:
        rows, after = page(filters, me=me, after=after, limit=1000)
        yield from rows
        if after is None:
            return


def find_incident(number: int) -> Incident:
    """An incident by its number. One SQL query. Raises IncidentNotFound."""
    related = Incident.objects.select_related("commander", "signal", "merged_into", "declared_by")
    found = related.filter(number=number).first()
    if found is None:
        raise IncidentNotFound(number)
    return found


def _conditions(filters: Filters, me: User) -> tuple[str, list[Any]]:
    asked: list[tuple[str, list[Any]]] = [(_SHOWN[filters.show], [])]
    if filters.severity:
        asked.append(("i.severity = %s", [int(filters.severity)]))
    if filters.kind:
        asked.append(("i.kind = %s", [filters.kind]))
    if filters.whose:
        asked.append(("i.commander_id = %s", [me.pk]))
    if filters.q:
        number = filters.q.upper().removeprefix("I-")
        if number.isascii() and number.isdigit() and len(number) < _BIGINT_DIGITS:
            asked.append(("i.number = %s::bigint", [int(number)]))
        else:
            asked.append(("strpos(lower(i.title), lower(%s)) > 0", [filters.q]))
    return " AND ".join(condition for condition, _ in asked), [value for _, values in asked for value in values]


def _row(row: tuple[Any, ...]) -> Row:
    return Row._make([*row[:6], json.loads(row[6]), *row[7:]])  # a cursor gives JSON as text


# The counts are taken of the rows of a page alone.
_ROWS: Final = f"""
SELECT i.id, i.number, i.kind, i.title, i.severity, i.state, i.any_of, i.since, i.until, i.declared_at, i.contained_at,
       i.resolved_at, i.cause_state, i.cause, {name_of("u")}, m.number,
       (SELECT count(*) FROM incidents_incidentcase l WHERE l.incident_id = i.id),
       coalesce((SELECT orders FROM incidents_snapshot l WHERE l.incident_id = i.id AND l.finished_at IS NOT NULL
                 ORDER BY l.at DESC LIMIT 1), 0)
FROM (SELECT * FROM incidents_incident i WHERE {{where}} ORDER BY i.declared_at DESC, i.id LIMIT {{limit}}) AS i
JOIN staff_user u ON u.id = i.commander_id
LEFT JOIN incidents_incident m ON m.id = i.merged_into_id
ORDER BY i.declared_at DESC, i.id
"""
