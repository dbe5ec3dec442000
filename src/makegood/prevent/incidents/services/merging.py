"""Two incidents are one: one goes on in the other; and taking that back."""

import uuid
from datetime import datetime

from django.db import transaction
from django.db.models import F

from makegood.ground.staff.models import User
from makegood.prevent.incidents import extensions
from makegood.prevent.incidents.errors import CannotMerge, IncidentIsOver
from makegood.prevent.incidents.models import Incident, IncidentCase, IncidentEvent, Snapshot, State
from makegood.prevent.incidents.replay import replay
from makegood.prevent.incidents.services.affecting import look
from makegood.prevent.incidents.services.joining import hold_cases_of, look_soon, say_on_cases
from makegood.prevent.incidents.services.timeline import lock_incidents, record

Kind = IncidentEvent.Kind


@transaction.atomic
def merge(*, duplicate_id: uuid.UUID, survivor_id: uuid.UUID, by: User, now: datetime) -> Incident:
    """Let an incident go on in another: its cases move, and what it cuts out of purchases is of the survivor, too, once
    that was counted anew. New cases join by what either says of itself, until somebody changes what the survivor cuts
    out.

    Both rows are held, in the order of their identifiers.

    Raises
    ------
    CannotMerge
        Into itself, or others went into it before: merge the other way round. Nothing is written.
    IncidentIsOver
        One of them is over. Nothing is written.
    """
    if duplicate_id == survivor_id:
        raise CannotMerge("An incident cannot go on in itself.")
    held = {incident.pk: incident for incident in lock_incidents([duplicate_id, survivor_id])}
    duplicate, survivor = held[duplicate_id], held[survivor_id]
    for one in (duplicate, survivor):
        if one.state == State.RESOLVED:
            raise IncidentIsOver(one.number, one.merged_into.number if one.merged_into else None)
    if Incident.objects.filter(merged_into=duplicate).exists():
        raise CannotMerge(f"Others went into I-{duplicate.number} before. Merge the other way round.")
    cases = hold_cases_of(IncidentCase.objects.filter(incident=duplicate))
    moved = IncidentCase.objects.filter(incident=duplicate).update(incident=survivor, came_with=duplicate)
    say_on_cases(cases, survivor, did="moved", at=now, by=by)
    # Its predicate was looked for up to another moment: all since the window began is looked at once more.
    Incident.objects.filter(pk=survivor.pk).update(joined_until=None)
    over = {"merged_into_id": survivor.pk, "state": State.RESOLVED.value, "resolved_at": now}
    record(duplicate, Kind.MERGED, at=now, by=by, changes=over, facts={"into": survivor.number, "cases": moved})
    record(survivor, Kind.MERGED, at=now, by=by, facts={"from": duplicate.number, "cases": moved})
    for follow in extensions.merging:
        follow(duplicate, survivor, by, now)
    if Snapshot.objects.filter(incident__in=[duplicate, survivor]).exists():
        look(survivor, by=by, now=now)
    look_soon()
    return survivor


@transaction.atomic
def part(*, duplicate_id: uuid.UUID, by: User, now: datetime) -> Incident:
    """Take a merge back: the incident is as before, the cases that it brought return, and the affected orders of both
    are counted anew.

    Raises CannotMerge where it was not merged; nothing is then written.
    """
    survivor_id = Incident.objects.filter(pk=duplicate_id).values_list("merged_into", flat=True).first()
    held = {incident.pk: incident for incident in lock_incidents([duplicate_id, survivor_id or duplicate_id])}
    duplicate = held[duplicate_id]
    if survivor_id is None or duplicate.merged_into_id != survivor_id:
        raise CannotMerge(f"I-{duplicate.number} did not go into another incident.")
    survivor = held[survivor_id]
    last = IncidentEvent.objects.filter(incident=duplicate, kind=Kind.MERGED).latest("seq")
    earlier = replay(IncidentEvent.objects.filter(incident=duplicate, seq__lt=last.seq).order_by("seq"))
    cases = hold_cases_of(IncidentCase.objects.filter(came_with=duplicate))
    returned = IncidentCase.objects.filter(came_with=duplicate).update(incident=F("came_with"), came_with=None)
    say_on_cases(cases, duplicate, did="moved", at=now, by=by)
    as_before = {name: earlier[name] for name in ("merged_into_id", "state", "resolved_at")}
    record(duplicate, Kind.PARTED, at=now, by=by, changes=as_before, facts={"of": survivor.number, "cases": returned})
    record(survivor, Kind.PARTED, at=now, by=by, facts={"of": duplicate.number, "cases": returned})
    for follow in extensions.parting:
        follow(duplicate, survivor, by, now)
    for one in (duplicate, survivor):
        if one.state != State.RESOLVED and Snapshot.objects.filter(incident=one).exists():
            look(one, by=by, now=now)
    look_soon()
    return duplicate
