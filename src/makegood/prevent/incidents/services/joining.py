"""Cases of an incident: those that match join by themselves; people put others in and take some out.

Two writers on the cases of one incident wait for each other at its row, and hold the cases after it. Each case says in
its own timeline, in the same transaction, that it joined or left. What somebody took out is remembered in
`TakenOut` and does not come back by itself; that a case is of one incident at most is the primary key of
`IncidentCase`.
"""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from makegood.ground.staff.models import User
from makegood.prevent.casing import matches
from makegood.prevent.incidents.cutting import joining_by
from makegood.prevent.incidents.errors import CaseOfAnother
from makegood.prevent.incidents.models import Incident, IncidentCase, IncidentEvent, State, TakenOut
from makegood.prevent.incidents.services.timeline import lock_going_on, lock_incident, record
from makegood.recover.cases.models import Case, CaseEvent
from makegood.recover.cases.services.bulk import Entry, write_entries

NAMED: Final = 50
"""So many cases are named in an event; of more it says how many."""
# What was written in transactions that were open at the last look shows up only now.
OVERLAP: Final = timedelta(minutes=5)


def join_matching(*, now: datetime) -> int:
    """Let the cases that match, and changed since the last look, join each incident that goes on; returns how many.

    Each incident is a transaction: a worker that dies leaves it as it was, and the next look finds the same. What
    changed is an index scan of `case_changed`; an incident whose predicate is new looks at all since its window
    began. What was merged into it joins by its own predicate, too (`cutting.joining_by`). Call outside transactions.
    """
    merged = Incident.objects.filter(merged_into=OuterRef("pk"))
    going_on = Incident.objects.filter(~Q(any_of={}) | Exists(merged), joins=True).exclude(state=State.RESOLVED)
    return sum(_join(incident, now) for incident in going_on.order_by("declared_at"))


def _join(incident: Incident, now: datetime) -> int:
    known_until = _clock_of_the_database()
    predicates, since = joining_by(incident), incident.joined_until
    among = None
    if since is not None:
        changed = Case.objects.filter(changed_at__gte=since - OVERLAP).exclude(of_incident__isnull=False)
        among = list(changed.values_list("pk", flat=True))
    # Before the row is held: matching may take long, and people write meanwhile.
    fitting = [case for predicate in predicates if among is None or among for case in matches(predicate, among=among)]
    with transaction.atomic():
        held = lock_incident(incident.pk)
        if held.state == State.RESOLVED or not held.joins or joining_by(held) != predicates:
            return 0  # somebody decided otherwise meanwhile
        numbers = add_cases(held, fitting, by=None, now=now)
        if numbers:
            record(held, IncidentEvent.Kind.JOINED, at=now, facts=_named(numbers))
        Incident.objects.filter(pk=held.pk, joined_until=since).update(joined_until=known_until)
    return len(numbers)


@transaction.atomic
def link_cases(*, incident_id: uuid.UUID, case_ids: Sequence[uuid.UUID], by: User, now: datetime) -> int:
    """Put cases into an incident, all or none; returns how many were not in it. What was taken out may come back.

    Raises
    ------
    CaseOfAnother
        One is of another incident. Nothing is written.
    IncidentIsOver
        Nothing is written.
    """
    incident = lock_going_on(incident_id)
    TakenOut.objects.filter(incident=incident, case__in=case_ids).delete()
    numbers = add_cases(incident, case_ids, by=by, now=now)
    others = IncidentCase.objects.filter(case__in=case_ids).exclude(incident=incident)
    if elsewhere := list(others.values_list("case__number", "incident__number")[:NAMED]):
        raise CaseOfAnother([number for number, _ in elsewhere], elsewhere[0][1])
    if numbers:
        record(incident, IncidentEvent.Kind.JOINED, at=now, by=by, facts=_named(numbers))
    return len(numbers)


@transaction.atomic
def take_out(*, incident_id: uuid.UUID, case_ids: Sequence[uuid.UUID], by: User, now: datetime, why: str = "") -> int:
    """Say that cases are of something else; returns how many were in it. They do not join again by themselves.

    Raises IncidentIsOver; nothing is then written.
    """
    incident = lock_going_on(incident_id)
    theirs = IncidentCase.objects.filter(incident=incident, case__in=case_ids)
    gone = dict(theirs.values_list("case_id", "case__number"))
    TakenOut.objects.bulk_create(
        [TakenOut(incident=incident, case_id=case_id) for case_id in gone], ignore_conflicts=True
    )
    held = _hold(gone)
    theirs.delete()
    if gone:
        say_on_cases(held, incident, did="left", at=now, by=by, why=why.strip()[:500])
        record(
            incident, IncidentEvent.Kind.UNLINKED, at=now, by=by, why=why.strip()[:500],
            facts=_named(sorted(gone.values())),
        )  # fmt: skip
    return len(gone)


def add_cases(incident: Incident, case_ids: Sequence[uuid.UUID], *, by: User | None, now: datetime) -> list[int]:
    """Put cases into an incident whose row is held (or new), but for those of another, those taken out and duplicates
    that went into another case; returns the numbers of those that are new in it. Two SQL queries, and those of
    `write_entries`.
    """
    # Before the links are written: whoever merges a case holds it first and links it then (`follow_merge`).
    held = _hold(case_ids, of_incident=None, merged_into=None)
    if not held:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH fresh AS (
                INSERT INTO incidents_incidentcase (case_id, incident_id, joined_at, joined_by_id)
                SELECT c.id, %(incident)s, %(now)s, %(by)s FROM cases_case c
                WHERE c.id = ANY(%(cases)s::uuid[]) AND c.merged_into_id IS NULL
                  AND NOT EXISTS (SELECT FROM incidents_takenout t
                                  WHERE t.incident_id = %(incident)s AND t.case_id = c.id)
                ORDER BY c.id
                ON CONFLICT (case_id) DO NOTHING
                RETURNING case_id
            )
            SELECT c.number FROM fresh JOIN cases_case c ON c.id = fresh.case_id ORDER BY c.number
            """,
            {"incident": incident.pk, "now": now, "by": by.pk if by else None,
             "cases": [case.pk for case in held]},
        )  # fmt: skip
        numbers = [number for (number,) in cursor.fetchall()]
    fresh = set(numbers)
    say_on_cases([case for case in held if case.number in fresh], incident, did="joined", at=now, by=by)
    return numbers


def say_on_cases(
    cases: Iterable[Case], incident: Incident, *, did: str, at: datetime, by: User | None, why: str = ""
) -> None:
    """Let held cases say that they joined, left or moved to an incident (`panel.told_on_case` has the words)."""
    write_entries([
        Entry(case=case, kind=CaseEvent.Kind.LINKED, at=at, by_id=by.pk if by else None, why=why,
              facts={"incident": incident.number, "did": did})
        for case in cases
    ])  # fmt: skip


def hold_cases_of(links: QuerySet[IncidentCase]) -> list[Case]:
    """The cases of these links, held. One SQL query."""
    return _hold(links.values_list("case_id", flat=True))


def _hold(case_ids: Iterable[uuid.UUID], **only: None) -> list[Case]:
    """Read cases and hold their rows, in the order of their identifiers. One SQL query."""
    rows = Case.objects.select_for_update(of=("self",), no_key=True).select_related("customer", "reason")
    found = rows.filter(pk__in=list(case_ids), **only).defer("search", "customer__search")
    return list(found.order_by("pk"))


def follow_merge(duplicate: Case, survivor: Case, by: User | None, now: datetime) -> None:
    """A case that goes on in another takes it into its incident, unless that is of one already."""
    link = IncidentCase.objects.filter(case=duplicate).first()
    if link:
        # The row of the incident is not held: the key decides, and whoever holds it may be waiting for these cases.
        IncidentCase.objects.bulk_create(
            [IncidentCase(case=survivor, incident_id=link.incident_id, joined_at=now, joined_by=by)],
            ignore_conflicts=True,
        )


def look_soon() -> None:
    """Look for matching cases when this transaction is through."""
    from makegood.prevent.incidents.tasks import join  # noqa: PLC0415  tasks call this module

    join.defer()


def _named(numbers: Sequence[int]) -> dict[str, object]:
    return {"count": len(numbers), "cases": list(numbers[:NAMED])}


def _clock_of_the_database() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT statement_timestamp()")
        at: datetime = cursor.fetchone()[0]
    return at
