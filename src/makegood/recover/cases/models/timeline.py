"""What happened: the append-only table that a case's columns are derived from."""

from typing import ClassVar

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q

from makegood.ids import uuid7
from makegood.recover.cases.models.case import Case


class CaseEvent(models.Model):
    """One thing that happened to a case. Written once, never changed."""

    class Kind(models.TextChoices):
        OPENED = "opened", "Opened"
        TRIAGED = "triaged", "Triaged"
        CONTACT = "contact", "Contact"
        NOTE = "note", "Note"
        ASSIGNED = "assigned", "Assigned"
        REASON = "reason", "Reason changed"
        STATUS = "status", "Status changed"
        FACT = "fact", "Learned"
        RESOLVED = "resolved", "Resolved"
        REOPENED = "reopened", "Reopened"
        COMMITMENT = "commitment", "Promise"
        CLOCK = "clock", "Clock"
        ESCALATED = "escalated", "Escalated"
        MERGED = "merged", "Merged"
        SPLIT = "split", "Split"
        LINKED = "linked", "Linked"
        SNOOZED = "snoozed", "Put off"
        MOVED = "moved", "Moved to another queue"
        ASKED = "asked", "Question to a colleague"
        WATCHED = "watched", "Somebody was asked to watch"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    case = models.ForeignKey(Case, models.PROTECT, related_name="events", db_index=False)
    seq = models.PositiveIntegerField()
    kind = models.CharField(max_length=10, choices=Kind)
    at = models.DateTimeField()
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    # Why, in words that staff read ("Severity raised: gold customer, third failure this year").
    why = models.TextField(blank=True, default="")
    # The columns of the case that this event set, as JSON values.
    changes = models.JSONField(default=dict)
    # What it is about: {"contact": id} or {"note": id}, and plain facts.
    facts = models.JSONField(default=dict)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["case", "seq"], name="event_once_per_case")]
        indexes: ClassVar = [
            # What people said of reasons, the latest first: what triage learns from.
            models.Index(
                fields=["-at", "id"], name="event_reason_said", condition=Q(kind="reason", actor__isnull=False)
            ),
        ]
        ordering: ClassVar = ["case", "seq"]
        triggers: ClassVar = [
            pgtrigger.Protect(name="event_append_only", operation=pgtrigger.Update | pgtrigger.Delete),
            # Other systems are told in the transaction in which it happened. Only who and what, no words of people: the
            # rest is read over the API by those who may.
            pgtrigger.Trigger(
                name="event_told",
                level=pgtrigger.Statement,
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                referencing=pgtrigger.Referencing(new="fresh"),  # type: ignore[no-untyped-call]  # pgtrigger has no types
                func="""
                    IF EXISTS (SELECT 1 FROM api_endpoint WHERE active) THEN
                        INSERT INTO api_delivery
                            (id, endpoint_id, event, payload, status, attempts, created_at, due_at, answer)
                        SELECT makegood_uuid7(), e.id, 'case.' || f.kind, jsonb_build_object(
                                'type', 'case.' || f.kind, 'timestamp', f.at,
                                'data', jsonb_build_object(
                                    'case', 'C-' || c.number, 'case_id', c.id, 'seq', f.seq, 'status', c.status,
                                    'severity', c.severity, 'outcome', c.outcome, 'customer_id', c.customer_id,
                                    'order_id', c.order_id)),
                            'waiting', 0, now(), now(), ''
                        FROM fresh f JOIN cases_case c ON c.id = f.case_id
                        JOIN api_endpoint e ON e.active AND ('case.' || f.kind) = ANY(e.events)
                        ORDER BY f.case_id, f.seq;
                    END IF;
                    RETURN NULL;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.kind}"
