"""Reading outreaches: the list, how one stands, and its people."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from django.db import connection
from django.db.models import Count, Q

from makegood.ids import read_uuid
from makegood.prevent.outreach.errors import OutreachNotFound
from makegood.prevent.outreach.models import Outreach, Recipient, State

PAGE: Final = 50
TOLD: Final = frozenset({"sent", "uncertain"})


def outreach_called(number: int) -> Outreach:
    """Raises OutreachNotFound. One SQL query."""
    related = ("incident", "reason", "made_by", "asked_by", "approved_by", "started_by")
    found = Outreach.objects.select_related(*related).filter(number=number).first()
    if found is None:
        raise OutreachNotFound(number)
    return found


class Listed(NamedTuple):
    outreach: Outreach
    people: dict[str, int]  # by state

    @property
    def told(self) -> int:
        return sum(self.people.get(state, 0) for state in TOLD)


def outreaches(
    *, state: str = "", incident: int | None = None, before: int | None = None, limit: int = PAGE
) -> list[Listed]:
    """Outreaches, the newest first, one more than a page (the caller then knows of a next one). Of an incident also
    those of incidents merged into it. Two SQL queries.
    """
    found = Outreach.objects.select_related("incident", "made_by").order_by("-number")
    if state in State.values:
        found = found.filter(state=state)
    if incident is not None:
        found = found.filter(Q(incident__number=incident) | Q(incident__merged_into__number=incident))
    if before is not None:
        found = found.filter(number__lt=before)
    rows = list(found[: limit + 1])
    counted: dict[uuid.UUID, dict[str, int]] = {}
    of_these = Recipient.objects.filter(outreach__in=rows).values_list("outreach_id", "state").annotate(n=Count("pk"))
    for pk, of_state, n in of_these:
        counted.setdefault(pk, {})[of_state] = n
    return [Listed(row, counted.get(row.pk, {})) for row in rows]


class Progress(NamedTuple):
    """How an outreach stands."""

    states: dict[str, int]
    why: dict[str, int]  # of those left out
    segments: dict[uuid.UUID, int]  # people who are told or held out, by segment
    to_tell: int  # drawn to be told, whatever became of it
    accepted: int
    declined: int
    promised: Decimal  # to those who were told
    cost: Decimal  # what was accepted
    at_most: Decimal  # should everybody accept
    most_each: Decimal

    @property
    def told(self) -> int:
        return sum(self.states.get(state, 0) for state in TOLD)

    @property
    def done(self) -> int:
        """Of `to_tell`, whose turn has come."""
        return self.to_tell - self.states.get("waiting", 0) - self.states.get("queued", 0)


def progress_of(outreach_id: uuid.UUID) -> Progress:
    """One SQL query, over an index of its people."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT r.state, r.arm, r.why, r.segment_id, r.answer, count(*), sum(r.amount), max(r.amount)
            FROM outreach_recipient r WHERE r.outreach_id = %s GROUP BY 1, 2, 3, 4, 5
            """,
            [outreach_id],
        )
        rows = cursor.fetchall()
    states: dict[str, int] = {}
    left: dict[str, int] = {}
    segments: dict[uuid.UUID, int] = {}
    counts: dict[str, Any] = {"accepted": 0, "declined": 0, "to_tell": 0}
    sums: dict[str, Any] = {"promised": Decimal(0), "cost": Decimal(0), "at_most": Decimal(0), "most_each": Decimal(0)}
    for state, arm, why, segment, answer, n, amount, most in rows:
        states[state] = states.get(state, 0) + n
        if why:
            left[why] = left.get(why, 0) + n
        if arm and segment:
            segments[segment] = segments.get(segment, 0) + n
        if answer:
            counts[answer] += n
        if arm == Recipient.Arm.TOLD:
            counts["to_tell"] += n
            sums["at_most"] += amount
            sums["most_each"] = max(sums["most_each"], most)
        sums["promised"] += amount if state in TOLD else 0
        sums["cost"] += amount if answer == Recipient.Answer.ACCEPTED else 0
    return Progress(states, left, segments, **counts, **sums)


def found_since(outreach: Outreach) -> int:
    """How many customers were found to be affected who are not among its people. One SQL query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT count(DISTINCT a.customer_id) FROM incidents_affectedorder a
            WHERE a.incident_id = %(incident)s AND a.left_at IS NULL AND NOT EXISTS (
                SELECT FROM outreach_recipient r CROSS JOIN unnest(r.accounts) AS theirs (id)
                WHERE r.outreach_id = %(outreach)s AND theirs.id = a.customer_id)
            """,
            {"incident": outreach.incident_id, "outreach": outreach.pk},
        )
        return int(cursor.fetchone()[0])


class Filters(NamedTuple):
    """Which people are shown."""

    state: str = ""
    segment: str = ""
    answer: str = ""
    q: str = ""

    @classmethod
    def read(cls, given: Mapping[str, Any]) -> "Filters":
        state, answer = str(given.get("state", "")), str(given.get("answer", ""))
        segment, q = read_uuid(str(given.get("segment", ""))), str(given.get("q", "")).replace("\0", "").strip()[:100]
        return cls(
            state if state in Recipient.State.values else "", str(segment or ""),
            answer if answer in Recipient.Answer.values else "", q,
        )  # fmt: skip

    @property
    def narrow(self) -> bool:
        return any(self)


class PersonRow(NamedTuple):
    """One person as the list shows them."""

    id: uuid.UUID
    customer_id: uuid.UUID
    name: str
    email: str
    refs: list[str]
    value: Decimal
    currency: str
    segment: str
    language: str
    state: str
    why: str
    wrote: bool
    amount: Decimal
    case: int | None
    told_at: datetime | None
    answer: str


_PEOPLE: Final = """
SELECT r.id, r.customer_id, k.name, k.email,
    ARRAY(SELECT o.ref FROM unnest(r.orders) WITH ORDINALITY AS t (id, nth) JOIN retail_order o ON o.id = t.id
          ORDER BY t.nth),
    r.value, r.currency, coalesce(s.name, ''), r.language, r.state, r.why, r.wrote, r.amount, c.number, r.told_at,
    r.answer
FROM outreach_recipient r
JOIN retail_customer k ON k.id = r.customer_id
JOIN retail_order main ON main.id = r.order_id
LEFT JOIN outreach_segment s ON s.id = r.segment_id
LEFT JOIN cases_case c ON c.id = r.case_id
WHERE r.outreach_id = %(outreach)s
    AND (%(after)s::uuid IS NULL OR r.id > %(after)s::uuid)
    AND (%(state)s::text = '' OR r.state = %(state)s::text)
    AND (%(answer)s::text = '' OR r.answer = %(answer)s::text)
    AND (%(segment)s::text = '' OR r.segment_id::text = %(segment)s::text)
    AND (%(q)s::text = '' OR strpos(lower(k.name || ' ' || k.email || ' ' || main.ref), lower(%(q)s::text)) > 0)
    AND (%(places)s::uuid[] IS NULL OR main.place_id = ANY(%(places)s::uuid[]))
ORDER BY r.id LIMIT %(limit)s
"""


def people(
    outreach_id: uuid.UUID, filters: Filters, *, places: Sequence[uuid.UUID] | None,
    after: uuid.UUID | None = None, limit: int = PAGE,
) -> list[PersonRow]:  # fmt: skip
    """Its people in the order in which they are told, one more than a page. One SQL query.

    Who has places sees those whose order was of these.
    """
    with connection.cursor() as cursor:
        cursor.execute(_PEOPLE, filters._asdict() | {
            "outreach": outreach_id, "after": after, "limit": limit + 1,
            "places": None if places is None else list(places),
        })  # fmt: skip
        return [PersonRow(*row) for row in cursor.fetchall()]


def every(outreach_id: uuid.UUID, filters: Filters, *, places: Sequence[uuid.UUID] | None) -> Iterator[PersonRow]:
    """All of them in the same order, for files. One SQL query per thousand."""
    after = None
    while True:
        rows = people(outreach_id, filters, places=places, after=after, limit=1000)
        yield from rows[:1000]
        if len(rows) <= 1000:  # noqa: PLR2004  the limit above
            return
        after = rows[999].id
