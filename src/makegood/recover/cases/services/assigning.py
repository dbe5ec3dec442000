"""Who is given a case by rule: somebody with the skill, who sees its place and is below their cap.

Rules are a table that managers edit. Without rules nothing is done.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from makegood.ground.staff.names import name_of
from makegood.recover.cases.models import AssignmentRule, Case, CaseEvent
from makegood.recover.cases.queries.case import roles_that_work_cases
from makegood.recover.cases.services.timeline import record

# One at a time gives by rule: nobody's number of cases changes by another rule's hand while they are counted.
_LOCK = 7267326


@dataclass
class Candidate:
    """Somebody who works cases, with what rules ask about them."""

    id: uuid.UUID
    name: str
    skills: frozenset[str]
    cap: int | None
    places: frozenset[uuid.UUID]  # empty: the whole company
    load: int

    @property
    def is_full(self) -> bool:
        return self.cap is not None and self.load >= self.cap


def assign_by_rule(cases: Sequence[Case], *, at: datetime, but: uuid.UUID | None = None) -> int:
    """Give those of these cases that nobody has and a rule fits to somebody; returns how many were given.

    The first rule that fits and that somebody qualifies for decides. Caps hold unless everybody is at theirs: then the
    one who has the least over it gets the case and the timeline says so, because a case that a rule fits never stays
    without an owner. `but` is passed over: who has just put the case back.

    The caller holds the rows of the cases. An advisory lock decides between two who give at once. One SQL query
    without rules, else three and two for each case that is given.
    """
    wanting = [case for case in cases if case.assignee_id is None and case.resolved_at is None]
    if not wanting or not AssignmentRule.objects.filter(active=True).exists():
        return 0
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    # Whose turn it was is read under the lock.
    rules = list(AssignmentRule.objects.filter(active=True).select_related("reason"))
    people, spoken = candidates(), _languages(wanting)
    given, turned = 0, set()
    for case in wanting:
        for rule in rules:
            able = [person for person in people if person.id != but and _may(person, rule, case)]
            if able and _fits(rule, case, spoken.get(case.pk, "")):
                person, why = _choose(rule, able)
                person.load += 1
                if rule.last_to_id != person.id:
                    rule.last_to_id = person.id
                    turned.add(rule.pk)
                record(case, CaseEvent.Kind.ASSIGNED, at=at, changes={"assignee_id": person.id}, why=why,
                       facts={"rule": rule.pk})  # fmt: skip
                given += 1
                break
    AssignmentRule.objects.bulk_update([rule for rule in rules if rule.pk in turned], ["last_to"])
    return given


def candidates() -> list[Candidate]:
    """Everybody who works cases, in the order of their turns, with how many open cases they have. One SQL query."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH RECURSIVE seen AS (
                SELECT user_id, place_id FROM staff_user_places
                UNION SELECT seen.user_id, p.id FROM retail_place p JOIN seen ON p.parent_id = seen.place_id
            )
            SELECT u.id, {name_of("u")}, u.skills, u.case_cap,
                   coalesce((SELECT array_agg(place_id) FROM seen WHERE user_id = u.id), '{{}}'),
                   (SELECT count(*) FROM cases_case c WHERE c.assignee_id = u.id AND c.resolved_at IS NULL)
            FROM staff_user u WHERE u.is_active AND u.role = ANY(%s) ORDER BY u.id
            """,
            [roles_that_work_cases()],
        )
        return [
            Candidate(pk, name, frozenset(skill.strip().lower() for skill in skills), cap, frozenset(places), load)
            for pk, name, skills, cap, places, load in cursor.fetchall()
        ]


def _languages(cases: Sequence[Case]) -> dict[uuid.UUID, str]:
    """In which language the customer of each case last wrote, else is known to write. One SQL query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.id, coalesce((
                SELECT t.language FROM cases_contact t
                WHERE t.case_id = c.id AND t.direction = 'in' AND t.language > '' ORDER BY t.at DESC LIMIT 1
            ), k.language, '')
            FROM cases_case c LEFT JOIN retail_customer k ON k.id = c.customer_id WHERE c.id = ANY(%s::uuid[])
            """,
            [[case.pk for case in cases]],
        )
        return dict(cursor.fetchall())


def _fits(rule: AssignmentRule, case: Case, language: str) -> bool:
    if rule.queue_id and rule.queue_id != case.queue_id:
        return False
    if rule.language and rule.language.lower() != language.lower()[: len(rule.language)]:
        return False
    code = rule.reason.code if rule.reason else ""
    return not code or case.reason.code == code or case.reason.code.startswith(f"{code}.")


def _may(person: Candidate, rule: AssignmentRule, case: Case) -> bool:
    has_skill = not rule.skill or rule.skill.strip().lower() in person.skills
    return has_skill and (not person.places or case.place_id in person.places)


def _choose(rule: AssignmentRule, able: Sequence[Candidate]) -> tuple[Candidate, str]:
    """Whose case it is, and why."""
    free = [person for person in able if not person.is_full]
    if not free:
        person = min(able, key=lambda one: (one.load - (one.cap or 0), one.load))
        return person, f"Rule “{rule.name}”: everybody is at their cap; {person.load} open cases, the least over it."
    if rule.method == AssignmentRule.Method.ROUND_ROBIN:
        after = [one for one in free if rule.last_to_id is None or one.id > rule.last_to_id]
        return (after or free)[0], f"Rule “{rule.name}”: the next in turn."
    person = min(free, key=lambda one: one.load)
    return person, f"Rule “{rule.name}”: fewest open cases ({person.load})."
