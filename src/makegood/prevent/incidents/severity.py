"""How grave an incident is: how many customers, times what it does to each."""

import uuid
from collections.abc import Sequence
from typing import Final, NamedTuple

from django.db import connection
from django.utils.translation import gettext_noop, ngettext

from makegood.ground.web.language import translated as _
from makegood.prevent.incidents.models import Kind
from makegood.recover.cases.models import Severity

STEPS: Final = (10, 100, 1000)
"""Customers: few, some, many, most."""
TABLE: Final = {
    Severity.CRITICAL: (2, 1, 1, 1),
    Severity.HIGH: (3, 2, 1, 1),
    Severity.NORMAL: (3, 3, 2, 1),
    Severity.LOW: (4, 4, 3, 2),
}
"""By harm to each customer: the severity for few, some, many and most."""
_BANDS: Final = (
    gettext_noop("fewer than 10"), gettext_noop("10 to 99"), gettext_noop("100 to 999"), gettext_noop("1,000 or more"),
)  # fmt: skip


class Proposal(NamedTuple):
    severity: Severity
    why: str


class Toll(NamedTuple):
    """What is known of whom it hit: how many customers, and the harm to the middle one of them."""

    customers: int
    harm: Severity


def propose(toll: Toll, kind: str = Kind.FAILURE) -> Proposal:
    """The severity of an incident, and why. What is recalled harms whoever uses it: critical to each."""
    harm = Severity.CRITICAL if kind == Kind.RECALL else toll.harm
    band = sum(toll.customers >= step for step in STEPS)
    customers = ngettext("%(count)s customer so far", "%(count)s customers so far", toll.customers)
    why = _("%(customers)s (%(band)s), harm to each: %(harm)s.") % {
        "customers": customers % {"count": f"{toll.customers:,}"}, "band": _(_BANDS[band]),
        "harm": str(harm.label).lower(),
    }  # fmt: skip
    return Proposal(Severity(TABLE[harm][band]), why)


def toll_of(case_ids: Sequence[uuid.UUID] = (), *, reasons: Sequence[str] = ()) -> Toll:
    """Of these cases; without any, the harm that the gravest of these reasons does. One SQL query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT count(DISTINCT coalesce(c.customer_id, c.id)),
                   coalesce(percentile_disc(0.5) WITHIN GROUP (ORDER BY c.severity),
                            (SELECT min(severity) FROM cases_reason WHERE code = ANY(%s::text[])), %s)
            FROM cases_case c WHERE c.id = ANY(%s::uuid[]) AND c.merged_into_id IS NULL
            """,
            [list(reasons), Severity.NORMAL.value, list(case_ids)],
        )
        customers, harm = cursor.fetchone()
    return Toll(customers, Severity(harm))


def toll_of_incident(incident_id: uuid.UUID) -> Toll:
    """Of the cases of an incident, and of those whose orders it may have hit. One SQL query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT greatest(count(DISTINCT coalesce(c.customer_id, c.id)),
                            (SELECT customers FROM incidents_snapshot
                             WHERE incident_id = %(incident)s AND finished_at IS NOT NULL ORDER BY at DESC LIMIT 1)),
                   coalesce(percentile_disc(0.5) WITHIN GROUP (ORDER BY c.severity), %(usual)s)
            FROM incidents_incidentcase l JOIN cases_case c ON c.id = l.case_id AND c.merged_into_id IS NULL
            WHERE l.incident_id = %(incident)s
            """,
            {"incident": incident_id, "usual": Severity.NORMAL.value},
        )
        customers, harm = cursor.fetchone()
    return Toll(customers, Severity(harm))
