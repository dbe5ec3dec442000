"""Making an outreach ready: what it says, to whom, and what it offers."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, Max

from makegood.ground.staff.models import User
from makegood.prevent.incidents.models import AffectedOrder, Incident, Kind
from makegood.prevent.outreach.errors import (
    IncidentUnknown,
    NobodyAffected,
    NoHoldoutInRecall,
    SegmentNotFound,
    SegmentUnfit,
)
from makegood.prevent.outreach.models import Entry, Outreach, Recipient, Segment
from makegood.prevent.outreach.services.standing import lock_draft, note
from makegood.prevent.outreach.wording import problems_of
from makegood.recover.cases.errors import ReasonNotFound
from makegood.recover.cases.models import Reason

FALLBACK_REASON = "delivery"


@transaction.atomic
def make(
    *, incident_number: int, title: str, by: User, now: datetime, reason: str = "", holdout: int | None = None,
    per_minute: int = 300,
) -> Outreach:  # fmt: skip
    """A draft for an incident. Without a reason, its cases get the one that the incident is about.

    Raises
    ------
    IncidentUnknown, ReasonNotFound
        No such thing.
    NobodyAffected
        The incident has no affected orders written down.
    NoHoldoutInRecall
        A recall must reach everybody.
    """
    incident = Incident.objects.filter(number=incident_number).first()
    if incident is None:
        raise IncidentUnknown(incident_number)
    affected = AffectedOrder.objects.filter(incident=incident)
    currency = affected.values_list("currency").annotate(n=Count("pk")).order_by("-n").values_list("currency").first()
    if currency is None:
        raise NobodyAffected(incident.number)
    is_recall = incident.kind == Kind.RECALL
    outreach = Outreach(
        incident=incident, title=title.strip()[:200], reason=_reason(reason, incident), currency=currency[0],
        is_recall=is_recall, holdout=(0 if is_recall else 10) if holdout is None else holdout, per_minute=per_minute,
        made_by=by, made_at=now,
    )  # fmt: skip
    _require_fit(outreach)
    outreach.save()
    outreach.refresh_from_db(fields=["number"])
    note(outreach, Entry.Kind.MADE, at=now, by=by)
    return outreach


@transaction.atomic
def change(*, outreach_id: uuid.UUID, title: str, reason: str, holdout: int, per_minute: int) -> Outreach:
    """Change a draft; its people have to be worked out again.

    Raises OutreachNotFound, NotADraft, ReasonNotFound, NoHoldoutInRecall.
    """
    outreach = lock_draft(outreach_id)
    outreach.title, outreach.reason = title.strip()[:200], _reason(reason, outreach.incident)
    outreach.holdout, outreach.per_minute = holdout, per_minute
    _require_fit(outreach)
    _changed(outreach)
    return outreach


@transaction.atomic
def save_segment(
    *, outreach_id: uuid.UUID, given: Mapping[str, Any], segment_id: uuid.UUID | None = None
) -> Segment:  # fmt: skip
    """Add a segment at the end, or change one. `given` names columns of `Segment`.

    Raises
    ------
    OutreachNotFound, NotADraft, SegmentNotFound
        Nothing is changed.
    SegmentUnfit
        Words or a remedy that could not be sent; the sentence says which.
    """
    outreach = lock_draft(outreach_id)
    if segment_id is None:
        last = outreach.segments.aggregate(last=Max("position"))["last"] or 0
        segment = Segment(outreach=outreach, position=last + 1)
    else:
        segment = _segment(outreach, segment_id)
    for name, value in given.items():
        setattr(segment, name, value)
    if problems := problems_of(segment):
        raise SegmentUnfit(" ".join(problems))
    _changed(outreach)
    segment.save()
    return segment


@transaction.atomic
def remove_segment(*, outreach_id: uuid.UUID, segment_id: uuid.UUID) -> None:
    """Raises OutreachNotFound, NotADraft, SegmentNotFound."""
    outreach = lock_draft(outreach_id)
    segment = _segment(outreach, segment_id)
    _changed(outreach)
    segment.delete()


def _segment(outreach: Outreach, segment_id: uuid.UUID) -> Segment:
    segment = outreach.segments.filter(pk=segment_id).first()
    if segment is None:
        raise SegmentNotFound
    return segment


def _changed(outreach: Outreach) -> None:
    """What was worked out no longer holds."""
    Recipient.objects.filter(outreach=outreach).delete()
    outreach.drawn_at = None
    outreach.save()


def _require_fit(outreach: Outreach) -> None:
    if outreach.is_recall and outreach.holdout:
        raise NoHoldoutInRecall


def _reason(code: str, incident: Incident) -> Reason:
    wanted = code or next(iter(incident.any_of.get("reason", [])), FALLBACK_REASON)
    reason = Reason.objects.filter(code=wanted).first()
    if reason is None:
        raise ReasonNotFound(wanted)
    return reason
