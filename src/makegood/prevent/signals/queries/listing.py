"""Signals as a list: what is new, what goes on, what was judged. Paged by key, the latest first."""

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
from makegood.prevent.signals.errors import SignalNotFound
from makegood.prevent.signals.models import Signal
from makegood.prevent.slices import DIMENSIONS
from makegood.recover.cases.queries.queue import Cursor

PAGE: Final = 50
COUNT_UP_TO: Final = 1000
# A failure that was over before anybody looked still touched people: it waits to be judged for so long.
_UNSEEN: Final = "s.state = 'new' AND s.closed_at > now() - interval '30 days'"
_SHOWN: Final = {
    "open": f"(s.closed_at IS NULL AND s.state IN ('new', 'watched') OR {_UNSEEN})",
    "new": f"(s.closed_at IS NULL AND s.state = 'new' OR {_UNSEEN})",
    "watched": "s.state = 'watched'",
    "snoozed": "s.state = 'snoozed'",
    "dismissed": "s.state = 'dismissed'",
    "declared": "s.state = 'declared'",
    "closed": "s.closed_at IS NOT NULL",
    "all": "TRUE",
}
SHOWS: Final = tuple(_SHOWN)


@dataclass(frozen=True, kw_only=True)
class Filters:
    """Which signals. Without anything: what goes on, or ended lately, and nobody has settled."""

    show: str = "open"
    by: str = ""  # detection or rules
    whose: str = ""  # me
    dimension: str = ""  # what its slice names
    value: str = ""  # with this value
    q: str = ""  # S-12

    @classmethod
    def read(cls, said: Any) -> "Filters":
        """From a query string; what it does not understand it leaves out."""
        given = {name: str(said.get(name, "")).replace("\0", "").strip()[:100] for name in asdict(cls())}
        known = {"show": SHOWS, "by": ("detection", "rules"), "whose": ("me",), "dimension": tuple(DIMENSIONS)}
        given |= {name: "" for name, values in known.items() if given[name] not in values}
        given["q"] = given["q"].upper().removeprefix("S-")
        if not (given["q"].isascii() and given["q"].isdigit() and len(given["q"]) < 19):  # noqa: PLR2004  a bigint
            given["q"] = ""
        return cls(**given | {"show": given["show"] or "open"})

    def address(self, **changes: str) -> str:
        """The query string of these filters after some changes; what is usual stays out of it."""
        usual = asdict(Filters())
        said = asdict(replace(self, **changes))
        return "?" + urlencode({name: value for name, value in said.items() if value != usual[name]})

    @property
    def narrow(self) -> bool:
        """Whether more than the usual is chosen."""
        return replace(self, show="open") != Filters()


class Row(NamedTuple):
    """A signal as lists show it."""

    id: uuid.UUID
    number: int
    slice: dict[str, str]
    since: datetime
    raised_at: datetime
    updated_at: datetime
    closed_at: datetime | None
    observed: int
    expected: float
    excess_low: float
    excess_high: float
    evidence: float
    state: str
    found_by: str
    snoozed_until: datetime | None
    dismissed_because: str
    accepted: bool
    owner: str

    @property
    def excess(self) -> float:
        """More cases than expected."""
        return self.observed - self.expected


class Page(NamedTuple):
    rows: list[Row]
    after: Cursor | None
    """Where the next page begins; None: there is none."""


def page(filters: Filters, *, me: User, after: Cursor | None = None, limit: int = PAGE) -> Page:
    """One page. One SQL query, an index scan of `signal_raised`, or of `signal_going_on` and `signal_unseen`."""
    where, values = _conditions(filters, me)
    if after:
        where += " AND (s.raised_at, s.id) < (%s, %s)"
        values += [after.key, after.id]
    with connection.cursor() as cursor:
        cursor.execute(f"{_ROWS} WHERE {where} ORDER BY s.raised_at DESC, s.id DESC LIMIT {limit + 1}", values)
        rows = [_row(row) for row in cursor.fetchall()]
    last = rows[limit - 1] if len(rows) > limit else None
    return Page(rows[:limit], Cursor(last.raised_at, last.id) if last else None)


def count(filters: Filters, *, me: User) -> int:
    """How many that are, counted no further than COUNT_UP_TO + 1. One SQL query."""
    where, values = _conditions(filters, me)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM (SELECT FROM signals_signal s WHERE {where} LIMIT {COUNT_UP_TO + 1}) AS few", values
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


def find_signal(number: int) -> Signal:
    """A signal by its number. One SQL query. Raises SignalNotFound."""
    found = Signal.objects.select_related("owner", "accepted__by", "rule").filter(number=number).first()
    if found is None:
        raise SignalNotFound(number)
    return found


def touching(user: User, *, limit: int = 5) -> list[Row]:
    """New signals that claim open cases of somebody, the latest first. One SQL query, an index scan of their cases."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""{_ROWS} WHERE s.state = 'new' AND s.closed_at IS NULL AND s.id IN (
                SELECT sc.signal_id FROM cases_case c JOIN signals_signalcase sc ON sc.case_id = c.id
                WHERE c.assignee_id = %s AND c.resolved_at IS NULL)
            ORDER BY s.raised_at DESC, s.id DESC LIMIT {limit}""",
            [user.pk],
        )
        return [_row(row) for row in cursor.fetchall()]


_ROWS: Final = f"""
SELECT s.id, s.number, s.slice, s.since, s.raised_at, s.updated_at, s.closed_at, s.observed, s.expected, s.excess_low,
       s.excess_high, s.evidence, s.state, s.found_by, s.snoozed_until, s.dismissed_because,
       s.accepted_id IS NOT NULL, coalesce({name_of("u")}, '')
FROM signals_signal s LEFT JOIN staff_user u ON u.id = s.owner_id
"""


def _row(values: tuple[Any, ...]) -> Row:
    # Django has jsonb read as text, so that its own fields may decode it.
    row = Row._make(values)
    return row._replace(slice=json.loads(values[2]))


def _conditions(filters: Filters, me: User) -> tuple[str, list[Any]]:
    asked: list[tuple[str, list[Any]]] = [(_SHOWN[filters.show], [])]
    if filters.by:
        asked.append((f"s.detection_id IS {'NOT NULL' if filters.by == 'detection' else 'NULL'}", []))
    if filters.whose:
        asked.append(("s.owner_id = %s", [me.pk]))
    if filters.dimension and filters.value:
        asked.append(("s.slice @> %s::jsonb", [json.dumps({filters.dimension: filters.value})]))
    elif filters.dimension:
        asked.append(("s.slice ? %s", [filters.dimension]))
    if filters.q:
        asked.append(("s.number = %s::bigint", [int(filters.q)]))
    return " AND ".join(condition for condition, _ in asked), [value for _, values in asked for value in values]
