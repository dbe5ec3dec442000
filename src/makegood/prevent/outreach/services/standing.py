"""Reading an outreach for writing, and what its course says."""

import uuid
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from django.db.models import Count, Max, Sum

from makegood.ground.staff.models import User
from makegood.prevent.incidents.models import IncidentEvent
from makegood.prevent.incidents.services.timeline import lock_incident, record
from makegood.prevent.outreach.errors import NotADraft, OutreachNotFound
from makegood.prevent.outreach.models import Entry, Outreach, Recipient, State

_FOR_THE_INCIDENT: Final = frozenset({Entry.Kind.STARTED, Entry.Kind.STOPPED, Entry.Kind.RESUMED, Entry.Kind.ENDED,
                                      Entry.Kind.ADDED})  # fmt: skip


def lock(outreach_id: uuid.UUID) -> Outreach:
    """Read an outreach and hold its row until the transaction ends; batches and other writers queue here.

    Raises OutreachNotFound. One SQL query.
    """
    rows = Outreach.objects.select_for_update(of=("self",)).select_related("incident")
    outreach = rows.filter(pk=outreach_id).first()
    if outreach is None:
        raise OutreachNotFound(str(outreach_id))
    return outreach


def lock_draft(outreach_id: uuid.UUID) -> Outreach:
    """The same for what only drafts allow. Raises OutreachNotFound, NotADraft."""
    outreach = lock(outreach_id)
    if outreach.state != State.DRAFT:
        raise NotADraft(outreach.number, State(outreach.state).label)
    return outreach


def note(
    outreach: Outreach, kind: Entry.Kind, *, at: datetime, by: User | None = None, why: str = "", **facts: Any
) -> None:
    """Write down what was done to an outreach, and what the incident (or the one it goes on in) should know on its
    timeline, too.

    One SQL query; five where the incident is told. Its row is taken after that of the outreach.
    """
    Entry.objects.create(outreach=outreach, kind=kind, at=at, by=by, why=why[:500], facts=facts)
    if kind in _FOR_THE_INCIDENT:
        told = outreach.incident.merged_into_id or outreach.incident_id
        record(
            lock_incident(told), IncidentEvent.Kind.OUTREACH, at=at, by=by, why=why,
            facts=facts | {"outreach": str(outreach), "did": kind},
        )  # fmt: skip


class Cost(NamedTuple):
    """What an outreach may cost, should everybody who is told accept."""

    people: int
    each: Decimal  # the most for one customer
    total: Decimal


def cost_of(outreach_id: uuid.UUID) -> Cost:
    """One SQL query."""
    told = Recipient.objects.filter(outreach_id=outreach_id, arm=Recipient.Arm.TOLD)
    found = told.aggregate(people=Count("pk"), each=Max("amount"), total=Sum("amount"))
    return Cost(found["people"], found["each"] or Decimal(0), found["total"] or Decimal(0))
