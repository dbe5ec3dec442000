"""What a further failure of the same person makes of cases that are open."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction

from makegood.ground.retail.queries.people import accounts_of
from makegood.recover.cases.chain import kind_of, raised
from makegood.recover.cases.models import Case, CaseEvent, Severity
from makegood.recover.cases.queries.failings import Ask, chains_until
from makegood.recover.cases.services.bulk import Entry, lock_cases, write_entries


def judge_chains_anew(cases: Mapping[Case, datetime]) -> list[Case]:
    """Raise the severity of open cases whose failure chain has become worse, each as of its moment; returns those.

    The caller holds the cases (`lock_cases`). A chain raises severity once: by what its table says less what it has
    raised it by before, as the timeline tells. Nothing is ever lowered. Two SQL queries, more where one is raised.
    """
    asked = {
        case: Ask(case.customer.pk, at, case.order_id, kind_of(case.reason.code), case.number)
        for case, at in cases.items()
        if case.customer and case.resolved_at is None
    }
    if not asked:
        return []
    before = _raised_before([case.pk for case in asked])
    entries = []
    for case, found in zip(asked, chains_until(list(asked.values())), strict=True):
        by, why = raised(*found)
        severity = max(Severity.CRITICAL, case.severity - max(0, by - before.get(case.pk, 0)))
        if severity < case.severity:
            entries.append(
                Entry(
                    case=case, kind=CaseEvent.Kind.TRIAGED, at=cases[case], changes={"severity": severity},
                    why=f"{Severity(severity).label} severity. {why}", facts={"chain_raised": by},
                )
            )  # fmt: skip
    write_entries(entries)
    return [entry.case for entry in entries]


@transaction.atomic
def judge_person_anew(customer_id: uuid.UUID, *, now: datetime) -> list[Case]:
    """The same for all open cases of a person, whose accounts were perhaps just found to belong together."""
    cases = lock_cases(customers=accounts_of(customer_id))
    return judge_chains_anew({case: now for case in cases if case.resolved_at is None})


def _raised_before(case_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    told = CaseEvent.objects.filter(case__in=case_ids, kind=CaseEvent.Kind.TRIAGED, facts__has_key="chain_raised")
    raises: dict[uuid.UUID, int] = {}
    for case_id, facts in told.values_list("case_id", "facts"):
        raises[case_id] = max(raises.get(case_id, 0), facts["chain_raised"])
    return raises
