"""Declaring an incident: from a signal, from cases, or by hand."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db import IntegrityError, transaction

from makegood.ground.staff.models import User
from makegood.prevent.incidents.errors import SayHow, SignalDeclared
from makegood.prevent.incidents.models import Incident, Kind
from makegood.prevent.incidents.services import affecting
from makegood.prevent.incidents.services.joining import add_cases, look_soon
from makegood.prevent.incidents.services.leading import known_cut, require_leader
from makegood.prevent.incidents.services.timeline import record_first
from makegood.prevent.incidents.severity import propose, toll_of
from makegood.prevent.signals.models import Signal
from makegood.prevent.signals.services import judging as signals
from makegood.prevent.slices import Predicate


@dataclass(frozen=True, kw_only=True)
class Declared:
    """What is declared. `severity` none: as proposed from the cases."""

    title: str
    commander: User
    predicate: Predicate = field(default_factory=lambda: Predicate(any_of={}))
    kind: Kind = Kind.FAILURE
    severity: int | None = None
    signal: Signal | None = None
    case_ids: Sequence[uuid.UUID] = ()
    hazard: str = ""
    what_to_do: str = ""
    why: str = ""


@transaction.atomic
def declare(it: Declared, *, by: User, now: datetime) -> Incident:
    """Own a failure: the incident with its first event, its cases, and notices to whoever hears of such.

    Of two who declare the same signal at once the unique column `signal` lets one win. A case that is of another
    incident stays there.

    Raises
    ------
    SignalDeclared
        The signal is an incident already. Nothing is written.
    SayHow, UnknownDimension, CannotLead
        No title, a window that ends before it begins, a dimension that there is not, or a commander who may not lead.
    """
    title = " ".join(it.title.split())[:200]
    if not title:
        raise SayHow("Say in a few words what fails.")
    require_leader(it.commander)
    any_of = known_cut(it.predicate)
    proposal = propose(toll_of(it.case_ids, reasons=any_of.get("reason", ())), it.kind)
    severity = it.severity or proposal.severity.value
    incident = Incident(
        kind=it.kind, title=title, severity=severity, signal=it.signal, commander=it.commander, any_of=any_of,
        severity_why=proposal.why if severity == proposal.severity else "",
        since=it.predicate.since, until=it.predicate.until, hazard=it.hazard.strip()[:500],
        what_to_do=it.what_to_do.strip()[:500], declared_by=by, declared_at=now, version=1,
    )  # fmt: skip
    _insert(incident, it.signal)
    facts = {
        "signal": it.signal.number if it.signal else None, "cases": add_cases(incident, it.case_ids, by=by, now=now),
        "proposed": proposal.severity.value, "because": proposal.why,
    }  # fmt: skip
    if it.signal:
        signals.declare(signal_id=it.signal.pk, by=by, now=now)
    record_first(incident, at=now, by=by, why=it.why, facts=facts)
    look_soon()
    affecting.look(incident, by=by, now=now)
    return incident


def _insert(incident: Incident, signal: Signal | None) -> None:
    try:
        with transaction.atomic():
            incident.save(force_insert=True)
    except IntegrityError as problem:
        first = Incident.objects.filter(signal=signal).first() if signal else None
        if first is None:
            raise
        raise SignalDeclared(first.number) from problem
    incident.refresh_from_db(fields=["number"])
