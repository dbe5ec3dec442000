"""Promises as a list: what is due today, what is overdue, all that is open, what has ended. Paged by key.

A page is an index scan that stops after a page: `commitment_open_due`, `commitment_of_owner` or `commitment_ended`.
"""

import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from django.db import connection
from django.db.models import Q, QuerySet

from makegood.ground.staff.models import User
from makegood.ground.staff.names import name_of
from makegood.ground.staff.scope import visible_places
from makegood.recover.cases.queries.queue import Cursor, Places
from makegood.recover.commitments.errors import CommitmentNotFound, SuggestionNotFound
from makegood.recover.commitments.models import Commitment, Kind, Suggestion, To

PAGE: Final = 50
COUNT_UP_TO: Final = 1000
SHOWS: Final = ("today", "overdue", "open", "ended")


@dataclass(frozen=True, kw_only=True)
class Filters:
    """Which promises. Without anything: mine that are due today or overdue."""

    show: str = "today"
    whose: str = "me"  # me, team, all, or a username
    kind: str = ""
    to: str = ""
    case: str = ""  # a case's number
    q: str = ""  # P-12, or words

    @classmethod
    def read(cls, said: Any) -> "Filters":
        """From a query string; what it does not understand it leaves out."""
        given = {name: str(said.get(name, "")).replace("\0", "").strip()[:100] for name in asdict(cls())}
        known = {"show": SHOWS, "kind": Kind.values, "to": To.values}
        given |= {name: "" for name, values in known.items() if given[name] not in values}
        given["case"] = given["case"].upper().removeprefix("C-")
        if not _is_number(given["case"]):
            given["case"] = ""
        return cls(**given | {"show": given["show"] or "today", "whose": given["whose"] or "me"})

    def address(self, **changes: str) -> str:
        """The query string of these filters after some changes; what is usual stays out of it."""
        usual = asdict(Filters())
        return "?" + urlencode(
            {name: value for name, value in asdict(replace(self, **changes)).items() if value != usual[name]}
        )

    @property
    def narrow(self) -> bool:
        """Whether more than the usual is chosen."""
        return replace(self, show="today") != Filters()


class Row(NamedTuple):
    """A promise as the list shows it."""

    id: uuid.UUID
    number: int
    to: str
    kind: str
    text: str
    due_at: datetime
    first_due_at: datetime
    made_at: datetime
    state: str
    ended_at: datetime | None
    agreed_by: str
    owner: str
    username: str
    case: int | None
    customer: str
    key: datetime


class Page(NamedTuple):
    rows: list[Row]
    after: Cursor | None
    """Where the next page begins; None: there is none."""


def page(
    filters: Filters, *, me: User, now: datetime, tonight: datetime, after: Cursor | None = None, limit: int = PAGE
) -> Page:
    """One page; `tonight` is when the reader's day ends. One SQL query."""
    ended = filters.show == "ended"
    where, values = _conditions(filters, me, now, tonight)
    key = "p.ended_at" if ended else "p.due_at"
    if after and ended:
        where.append(f"{key} <= %s AND ({key} < %s OR p.id > %s)")
        values += [after.key, after.key, after.id]
    elif after:
        where.append(f"({key}, p.id) > (%s, %s)")
        values += [after.key, after.id]
    order = f"{key} {'DESC' if ended else ''}, p.id"
    with connection.cursor() as cursor:
        cursor.execute(
            f"{_ROWS.format(key=key)} WHERE {' AND '.join(where)} ORDER BY {order} LIMIT {limit + 1}", values
        )
        rows = [Row(*row) for row in cursor.fetchall()]
    last = rows[limit - 1] if len(rows) > limit else None
    return Page(rows[:limit], Cursor(last.key, last.id) if last else None)


def count(filters: Filters, *, me: User, now: datetime, tonight: datetime) -> int:
    """How many promises that are, counted no further than COUNT_UP_TO + 1. One SQL query."""
    where, values = _conditions(filters, me, now, tonight)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM (SELECT FROM commitments_commitment p LEFT JOIN cases_case c ON c.id = p.case_id"
            f" WHERE {' AND '.join(where)} LIMIT {COUNT_UP_TO + 1}) AS few",
            values,
        )
        return int(cursor.fetchone()[0])


def every(filters: Filters, *, me: User, now: datetime, tonight: datetime) -> Iterator[Row]:
    """All rows in order, for files. One SQL query per thousand."""
    after: Cursor | None = None
    while True:
        rows, after = page(filters, me=me, now=now, tonight=tonight, after=after, limit=1000)
        yield from rows
        if after is None:
            return


def commitment_row(commitment_id: uuid.UUID) -> Row:
    """A single row, after it changed. One SQL query."""
    with connection.cursor() as cursor:
        cursor.execute(f"{_ROWS.format(key='p.due_at')} WHERE p.id = %s", [commitment_id])
        return Row(*cursor.fetchone())


def find_commitment(number: int, *, user: User) -> Commitment:
    """A promise by its number, within what somebody sees. Two SQL queries at most. Raises CommitmentNotFound."""
    found = _visible(Commitment.objects.select_related("case", "owner").defer("case__search"), user).filter(
        number=number
    )
    it = found.first()
    if it is None:
        raise CommitmentNotFound(f"P-{number}")
    return it


def find_suggestion(found_id: uuid.UUID, *, user: User) -> Suggestion:
    """A finding, within what somebody sees. Two SQL queries at most. Raises SuggestionNotFound."""
    related = Suggestion.objects.select_related("case", "author", "replaces").defer("case__search")
    places = visible_places(user)
    it = related.filter(pk=found_id, **({} if places is None else {"case__place__in": places})).first()
    if it is None:
        raise SuggestionNotFound
    return it


def waiting_suggestions(user: User, *, limit: int = 20) -> list[Suggestion]:
    """What somebody wrote that may be a promise and that nobody has settled, the latest first. One SQL query."""
    mine = Suggestion.objects.filter(author=user, state=Suggestion.State.WAITING)
    return list(mine.select_related("case").defer("case__search").order_by("-found_at")[:limit])


def owners(me: User) -> list[tuple[str, str]]:
    """Who can be chosen: colleagues who work cases, as (username, name). One SQL query."""
    people = User.objects.filter(is_active=True).exclude(pk=me.pk).order_by("first_name", "last_name", "username")
    return [(user.username, user.display_name) for user in people.only("username", "first_name", "last_name")]


def _visible(found: QuerySet[Commitment], user: User) -> QuerySet[Commitment]:
    places = visible_places(user)
    if places is None:
        return found
    return found.filter(Q(case__place__in=places) | Q(case=None) & (Q(owner=user) | Q(made_by=user)))


def scope(me: User, places: Places) -> tuple[str, list[Any]]:
    """What of the register somebody sees, in SQL: promises of visible cases; without a case, their own."""
    if places is None:
        return "TRUE", []
    return "(c.place_id = ANY(%s::uuid[]) OR p.case_id IS NULL AND %s IN (p.owner_id, p.made_by_id))", [places, me.pk]


def owned(whose: str, me: User, places: Places) -> tuple[str, list[Any]]:
    """Whose promises, in SQL: mine, those of colleagues who share my places, everybody's, or somebody's by username."""
    if whose == "me":
        return "p.owner_id = %s", [me.pk]
    if whose == "team" and places is not None:
        return "p.owner_id = ANY(ARRAY(SELECT user_id FROM staff_user_places WHERE place_id = ANY(%s::uuid[])))", [
            places
        ]
    if whose in ("team", "all"):
        return "TRUE", []
    return "p.owner_id = (SELECT id FROM staff_user WHERE username = %s)", [whose]


def _conditions(filters: Filters, me: User, now: datetime, tonight: datetime) -> tuple[list[str], list[Any]]:
    places = visible_places(me)
    asked = [scope(me, places)]
    if filters.show == "ended":
        asked.append(("p.state NOT IN ('open', 'superseded')", []))
    else:
        asked.append(("p.state = 'open'", []))
        if filters.show != "open":
            asked.append(("p.due_at <= %s", [tonight if filters.show == "today" else now]))
    asked.append(owned(filters.whose, me, places))
    if filters.kind:
        asked.append(("p.kind = %s", [filters.kind]))
    if filters.to:
        asked.append(('p."to" = %s', [filters.to]))
    if filters.case:
        asked.append(("p.case_id = (SELECT id FROM cases_case WHERE number = %s::bigint)", [int(filters.case)]))
    if filters.q:
        number = filters.q.upper().removeprefix("P-")
        if _is_number(number):
            asked.append(("p.number = %s::bigint", [int(number)]))
        else:
            asked.append(("strpos(lower(p.text), lower(%s)) > 0", [filters.q]))
    return [condition for condition, _ in asked], [value for _, values in asked for value in values]


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19  # noqa: PLR2004  a bigint


_ROWS = f"""
SELECT p.id, p.number, p."to", p.kind, p.text, p.due_at, p.first_due_at, p.made_at, p.state, p.ended_at, p.agreed_by,
       {name_of("u")}, u.username, c.number,
       coalesce(nullif(k.name, ''), k.email, k.ref, ''), {{key}}
FROM commitments_commitment p
JOIN staff_user u ON u.id = p.owner_id
LEFT JOIN cases_case c ON c.id = p.case_id
LEFT JOIN retail_customer k ON k.id = c.customer_id
"""
