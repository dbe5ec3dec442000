"""The queue: open cases, in the order of work, one page at a time.

A page of a common list (everything, a queue, mine, nobody's, my places) is an index scan that stops after a page,
however many cases there are: sort key and tie-breaker are columns of a partial index, and paging goes by key.
"""

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from django.db import connection

from makegood.ground.binary import binary_cursor
from makegood.ground.staff.models import User
from makegood.ground.staff.names import name_of
from makegood.ground.web.words import tsquery
from makegood.recover.cases import marks
from makegood.recover.cases.models import Severity, Status
from makegood.recover.cases.triage import HIGH_LIFETIME_VALUE, VALUED_TIERS

PAGE: Final = 50
COUNT_UP_TO: Final = 1000
"""More than that is said as "1,000+": counting on costs time and tells nobody anything."""
FOUND_UP_TO: Final = 2000
"""Of the cases that hold the words searched for, at most so many are ordered."""

Places = list[uuid.UUID] | None
"""Only cases of these places; None: of the whole company (see staff.scope.visible_places)."""


class Sort(NamedTuple):
    """How a list is ordered: the key in SQL, and whether the largest comes first."""

    key: str
    descending: bool = False


SORTS: Final = {
    "rank": Sort("c.rank_at"),
    "opened": Sort("c.opened_at", descending=True),
    "waiting": Sort("coalesce(c.last_contact_at, c.opened_at)"),
}
# Whom a case waits for. Until somebody has spoken it waits for us.
WAITING: Final = {
    "silent": "c.last_contact_at IS NULL",
    "us": f"c.last_contact_by <> 'us' AND c.status NOT IN ('{Status.WAITING_CUSTOMER}', '{Status.WAITING_PARTNER}')",
    "customer": f"(c.status = '{Status.WAITING_CUSTOMER}'"
    f" OR c.last_contact_by = 'us' AND c.status <> '{Status.WAITING_PARTNER}')",
    "partner": f"c.status = '{Status.WAITING_PARTNER}'",
    "later": "c.snoozed_until IS NOT NULL",  # put off
}


@dataclass(frozen=True, kw_only=True)
class Filters:
    """What of the queue to show. Empty: everything open, in the order of work."""

    queue: str = ""
    status: str = ""
    reason: str = ""  # a code and all below it
    severity: str = ""
    tier: str = ""  # the customer's loyalty tier; "valued": whoever we would least like to lose
    assignee: str = ""  # me, nobody, watched (what I watch), or a username
    waiting: str = ""
    q: str = ""
    sort: str = "rank"

    @classmethod
    def read(cls, said: Any) -> "Filters":
        """From a query string. What it does not understand it leaves out, so that the page shows what was applied."""
        given = {name: str(said.get(name, "")).replace("\0", "").strip()[:200] for name in cls.__dataclass_fields__}
        known = {
            "status": Status.values, "severity": [str(level) for level in Severity.values], "waiting": WAITING,
            "sort": SORTS,
        }  # fmt: skip
        given |= {name: "" for name, values in known.items() if given[name] not in values}
        if given["status"] == Status.RESOLVED and given["waiting"] in ("partner", "later"):
            given["waiting"] = ""  # nothing is both, and a million cases would be read to say so
        return cls(**given | {"sort": given["sort"] or "rank"})

    def address(self, **changes: str) -> str:
        """The query string of these filters after some changes; what is empty stays out of it."""
        kept = {name: value for name, value in {**vars(self), **changes}.items() if value}
        if kept["sort"] == "rank":
            del kept["sort"]
        return "?" + urlencode(kept)

    @property
    def order(self) -> Sort:
        """Resolved cases are in nobody's order of work: the newest first."""
        return SORTS["opened" if self.status == Status.RESOLVED else self.sort]

    @property
    def narrow(self) -> bool:
        """Whether anything is left out."""
        return replace(self, sort="rank") != Filters()


class Cursor(NamedTuple):
    """Where the page before ended."""

    key: datetime
    id: uuid.UUID

    def __str__(self) -> str:
        return f"{self.key.isoformat()}~{self.id}"

    @classmethod
    def read(cls, text: str) -> "Cursor | None":
        """None for what is not one: the list then begins at the top."""
        key, _, last = text.partition("~")
        try:
            at = datetime.fromisoformat(key.replace(" ", "+"))
            return cls(at, uuid.UUID(last)) if at.tzinfo else None
        except ValueError:
            return None


class Row(NamedTuple):
    """One case as the queue shows it."""

    id: uuid.UUID
    number: int
    subject: str
    failed: str
    severity: int
    status: str
    due_at: datetime | None
    opened_at: datetime
    last_contact_at: datetime | None
    last_contact_by: str
    value: Decimal | None
    currency: str
    key: datetime
    reason: str
    customer: str
    tier: str
    order_ref: str
    assignee: str
    questions: int = 0  # to colleagues, still open
    mark: str = ""  # what later rooms mark it with (cases.marks)


class Page(NamedTuple):
    rows: list[Row]
    after: Cursor | None
    """Where the next page begins; None: there is none."""


def page(filters: Filters, *, me: User, places: Places, after: Cursor | None = None, limit: int = PAGE) -> Page:
    """One page of the queue. One SQL query."""
    sort = filters.order
    where, values = _conditions(filters, me, places)
    if after and sort.descending:
        # Not a row comparison: the tie-breaker still ascends.
        where.append(f"{sort.key} <= %s AND ({sort.key} < %s OR c.id > %s)")
        values += [after.key, after.key, after.id]
    elif after:
        where.append(f"({sort.key}, c.id) > (%s, %s)")
        values += [after.key, after.id]
    order = f"ORDER BY key {'DESC' if sort.descending else ''}, id LIMIT {limit + 1}"
    found, chosen, values = _chosen(filters, f"{_COLUMNS}, {sort.key} AS key", where, values, places, order)
    with binary_cursor() as cursor:
        cursor.execute(f"WITH {found} chosen AS ({chosen}) {_details()} {order}", values)
        rows = [Row(*row) for row in cursor.fetchall()]
    last = rows[limit - 1] if len(rows) > limit else None
    return Page(rows[:limit], Cursor(last.key, last.id) if last else None)


def count(filters: Filters, *, me: User, places: Places) -> int:
    """How many cases that are, counted no further than COUNT_UP_TO + 1. One SQL query."""
    where, values = _conditions(filters, me, places)
    order = f"LIMIT {COUNT_UP_TO + 1}"
    found, chosen, values = _chosen(filters, "1", where, values, places, order)
    with connection.cursor() as cursor:
        cursor.execute(f"WITH {found} chosen AS ({chosen}) SELECT count(*) FROM chosen", values)
        return int(cursor.fetchone()[0])


def late_of_nobody(*, tiers: Sequence[str], places: Places, now: datetime, limit: int) -> list[Row]:
    """Cases that nobody took in time, of these tiers, the gravest first. One SQL query."""
    here = "" if places is None else "AND c.place_id = ANY(%s::uuid[])"
    chosen = (
        f"SELECT {_COLUMNS}, c.rank_at AS key FROM cases_case c WHERE c.resolved_at IS NULL AND c.assignee_id IS NULL"
        f" AND c.snoozed_until IS NULL AND c.due_at < %s AND c.tier = ANY(%s) {here}"
        f" ORDER BY c.severity, c.rank_at, c.id LIMIT {limit}"
    )
    with binary_cursor() as cursor:
        values: list[Any] = [now, list(tiers), *([] if places is None else [places])]
        cursor.execute(f"WITH chosen AS ({chosen}) {_details()} ORDER BY c.severity, key, id", values)
        return [Row(*row) for row in cursor.fetchall()]


def every(filters: Filters, *, me: User, places: Places) -> Iterator[Row]:
    """All rows in order, for files. One SQL query per thousand."""
    after: Cursor | None = None
    while True:
        rows, after = page(filters, me=me, places=places, after=after, limit=1000)
        yield from rows
        if after is None:
            return


def visible(case_ids: Sequence[uuid.UUID], places: Places) -> list[uuid.UUID]:
    """Those of the cases that somebody with these places may see. One SQL query."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id FROM cases_case"
            " WHERE id = ANY(%s::uuid[]) AND (%s::uuid[] IS NULL OR place_id = ANY(%s::uuid[]))",
            [list(case_ids), places, places],
        )
        return [row[0] for row in cursor.fetchall()]


class View(NamedTuple):
    """A saved view."""

    id: str
    name: str
    address: str
    own: bool


class Choices(NamedTuple):
    """What can be chosen in the filters, as (value, label)."""

    queues: list[tuple[str, str]]
    reasons: list[tuple[str, str]]
    tiers: list[tuple[str, str]]
    staff: list[tuple[str, str]]
    views: list[View]


def choices(me: User) -> Choices:
    """What can be chosen in the filters, and the views of this person and of everybody. One SQL query."""
    kinds: dict[str, list[tuple[str, str]]] = {"queue": [], "reason": [], "tier": [], "staff": [], "view": []}
    with connection.cursor() as cursor:
        cursor.execute(_CHOICES, {"me": me.pk})
        for kind, value, label in cursor.fetchall():
            kinds[kind].append((value, label))
    views = [View(value[:36], name, value[37:], value[36] == "+") for value, name in kinds.pop("view")]
    return Choices(
        queues=kinds["queue"], reasons=kinds["reason"], tiers=kinds["tier"], staff=kinds["staff"], views=views
    )


def _conditions(filters: Filters, me: User, places: Places) -> tuple[list[str], list[Any]]:
    """The WHERE clause and its values."""
    asked: list[tuple[str, list[Any]]] = [(_which(filters), [])]
    if filters.status and filters.status != Status.RESOLVED:
        asked.append(("c.status = %s", [filters.status]))
    if filters.queue:
        asked.append(("c.queue_id = (SELECT id FROM cases_queue WHERE slug = %s)", [filters.queue]))
    if filters.reason:
        below = "SELECT id FROM cases_reason WHERE code = %s OR starts_with(code, %s)"
        asked.append((f"c.reason_id = ANY(ARRAY({below}))", [filters.reason, f"{filters.reason}."]))
    if filters.severity:
        asked.append(("c.severity = %s", [int(filters.severity)]))
    if filters.tier:
        asked.append(_of_tier(filters.tier))
    if filters.assignee:
        asked.append(_of_assignee(filters.assignee, me, places))
    if filters.waiting:
        asked.append((WAITING[filters.waiting], []))
    return [condition for condition, _ in asked], [value for _, values in asked for value in values]


def _of_assignee(assignee: str, me: User, places: Places) -> tuple[str, list[Any]]:
    """Cases of somebody, of nobody, or that one watches: what was merged, where it goes on."""
    if assignee == "nobody":
        # Said so that, within places, the index of each place serves and not that of what nobody has.
        return "c.assignee_id IS NULL" if places is None else "(c.assignee_id IS NULL) IS TRUE", []
    if assignee == "me":
        return "c.assignee_id = %s", [me.pk]
    if assignee == "watched":
        watched = (
            "SELECT coalesce(h.merged_into_id, h.id) FROM cases_watch w JOIN cases_case h ON h.id = w.case_id"
            " WHERE w.user_id = %s"
        )
        return f"c.id = ANY(ARRAY({watched}))", [me.pk]
    return "c.assignee_id = (SELECT id FROM staff_user WHERE username = %s)", [assignee]


def _of_tier(tier: str) -> tuple[str, list[Any]]:
    """Cases of customers of a loyalty tier, or of all whom we would least like to lose."""
    standing, values = "k.loyalty_tier = %s", list[Any]([tier])
    if tier == "valued":
        standing = "(lower(k.loyalty_tier) = ANY(%s) OR k.lifetime_value >= %s)"
        values = [sorted(VALUED_TIERS), HIGH_LIFETIME_VALUE]
    return f"EXISTS (SELECT FROM retail_customer k WHERE k.id = c.customer_id AND {standing})", values


def _which(filters: Filters) -> str:
    """Open cases that are not put off, unless those (or words, wherever they stand) are asked for."""
    if filters.status == Status.RESOLVED:
        return "c.resolved_at IS NOT NULL"
    if filters.waiting == "later" or filters.q:
        return "c.resolved_at IS NULL"
    return "c.resolved_at IS NULL AND c.snoozed_until IS NULL"


def _chosen(
    filters: Filters, columns: str, where: list[str], values: list[Any], places: Places, order: str
) -> tuple[str, str, list[Any]]:
    """The cases that are meant, before their details are looked up: a CTE to begin with, a query, its values."""
    if filters.q:
        # Found first and kept apart: else the planner walks all cases in order and tests the words of each. Open cases
        # have an index of words of their own, so that old ones do not use up the limit.
        where = [f"c.search @@ {tsquery(filters.q)}", *where]
        if places is not None:
            where, values = [*where, "c.place_id = ANY(%s::uuid[])"], [*values, places]
        words = f"SELECT {columns} FROM cases_case c WHERE {' AND '.join(where)} LIMIT {FOUND_UP_TO}"
        return f"found AS MATERIALIZED ({words}),", f"SELECT * FROM found {order}", values
    parts: Sequence[object]
    if places is not None:
        each, kind, parts = "c.place_id", "uuid", places
    elif filters.assignee == "nobody" and filters.order is SORTS["rank"]:
        each, kind, parts = "c.severity", "smallint", Severity.values
    else:
        return "", f"SELECT {columns} FROM cases_case c WHERE {' AND '.join(where)} {order}", values
    # A page of each place (or severity) by an index scan of its own, then the first of all: no index gives several of
    # them in one order.
    of_one = f"SELECT {columns} FROM cases_case c WHERE {each} = part.it AND {' AND '.join(where)} {order}"
    of_all = f"SELECT own.* FROM unnest(%s::{kind}[]) AS part (it), LATERAL ({of_one}) own {order}"
    return "", of_all, [parts, *values]


_COLUMNS = (
    "c.id, c.number, c.subject, c.failed, c.severity, c.status, c.due_at, c.opened_at, c.last_contact_at,"
    " c.last_contact_by, c.value, c.currency, c.reason_id, c.customer_id, c.order_id, c.assignee_id"
)


def _details() -> str:
    return f"""
SELECT c.id, c.number, c.subject, c.failed, c.severity, c.status, c.due_at, c.opened_at, c.last_contact_at,
    c.last_contact_by, c.value, c.currency, c.key, r.name, coalesce(nullif(k.name, ''), k.email, k.ref, ''),
    coalesce(k.loyalty_tier, ''), coalesce(o.ref, ''),
    coalesce({name_of("u")}, ''),
    (SELECT count(*) FROM cases_question q WHERE q.case_id = c.id AND q.closed_at IS NULL)
    + (SELECT count(*) FROM cases_case h JOIN cases_question q ON q.case_id = h.id AND q.closed_at IS NULL
       WHERE h.merged_into_id = c.id),
    {marks.sql()}
FROM chosen c
JOIN cases_reason r ON r.id = c.reason_id
LEFT JOIN retail_customer k ON k.id = c.customer_id
LEFT JOIN retail_order o ON o.id = c.order_id
LEFT JOIN staff_user u ON u.id = c.assignee_id
"""


# Loyalty tiers by hopping from one to the next in their index: a dozen steps, not a scan of all customers.
_CHOICES = f"""
WITH RECURSIVE tiers (tier) AS (
    (SELECT loyalty_tier FROM retail_customer WHERE loyalty_tier > '' ORDER BY loyalty_tier LIMIT 1)
    UNION ALL
    SELECT (SELECT k.loyalty_tier FROM retail_customer k WHERE k.loyalty_tier > '' AND k.loyalty_tier > t.tier
        ORDER BY k.loyalty_tier LIMIT 1)
    FROM tiers t WHERE t.tier IS NOT NULL
)
SELECT kind, value, label FROM (
    SELECT 'queue' AS kind, slug::text AS value, name::text AS label, position::text AS place FROM cases_queue
    UNION ALL SELECT 'reason', code, name, code FROM cases_reason WHERE active
    UNION ALL SELECT 'tier', tier, initcap(tier), tier FROM tiers WHERE tier IS NOT NULL
    UNION ALL SELECT 'staff', u.username, {name_of("u")}, lower(u.first_name)
        FROM staff_user u WHERE is_active AND NOT is_integration
    UNION ALL SELECT 'view', id || CASE WHEN owner_id = %(me)s THEN '+' ELSE '-' END || address, name, lower(name)
        FROM cases_savedview WHERE owner_id = %(me)s OR shared
) every ORDER BY kind, place, label
"""
