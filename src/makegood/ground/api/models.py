"""What the API answered to writes that carried an idempotency key, and whom it tells what happens (webhooks)."""

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from makegood.ids import uuid7


class Answer(models.Model):
    """The answer to one write, kept so that the same write sent again gets it instead of being done twice."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False)
    key = models.CharField(max_length=200)
    fingerprint = models.CharField(max_length=64, help_text="Of method, path and body.")
    status = models.PositiveSmallIntegerField(null=True)
    content_type = models.CharField(max_length=100, default="")
    body = models.BinaryField(default=b"")
    at = models.DateTimeField(db_index=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["user", "key"], name="answer_once_per_key")]

    def __str__(self) -> str:
        return self.key


class Event(models.TextChoices):
    """What other systems can be told about. The names are those of the events of a case's timeline."""

    OPENED = "case.opened", "A case was opened"
    CONTACT = "case.contact", "The customer or we said something"
    ASSIGNED = "case.assigned", "A case was given to somebody"
    STATUS = "case.status", "A case waits for somebody else"
    REASON = "case.reason", "The reason was changed"
    ESCALATED = "case.escalated", "A case was escalated"
    COMMITMENT = "case.commitment", "A promise was made, kept or broken"
    RESOLVED = "case.resolved", "A case was resolved"
    REOPENED = "case.reopened", "A case was reopened"


class Endpoint(models.Model):
    """An address of another system that wants to be told what happens. Its secret is derived, not kept."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    url = models.URLField(max_length=500)
    events = ArrayField(models.CharField(max_length=20, choices=Event))
    generation = models.PositiveSmallIntegerField(default=1, help_text="Of its secret: rotating makes the next.")
    rotated_at = models.DateTimeField(null=True, blank=True)
    active = models.BooleanField(default=True)
    paused_because = models.CharField(max_length=200, blank=True, default="")
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(name="endpoint_has_events", condition=Q(events__len__gt=0))]

    def __str__(self) -> str:
        return self.url


class Delivery(models.Model):
    """One thing told to one endpoint. Written by a trigger in the transaction in which it happened."""

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        DELIVERED = "delivered", "Delivered"
        FAILED = "failed", "Failed"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    endpoint = models.ForeignKey(Endpoint, models.CASCADE, related_name="deliveries", db_index=False)
    event = models.CharField(max_length=20)
    payload = models.JSONField()
    status = models.CharField(max_length=9, choices=Status, default=Status.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField(help_text="Not before.")
    answer = models.CharField(max_length=200, blank=True, default="", help_text="What the endpoint said last.")
    delivered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                name="delivery_delivered_has_time",
                condition=Q(status="delivered", delivered_at__isnull=False)
                | ~Q(status="delivered") & Q(delivered_at=None),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], name="delivery_due", condition=Q(status="waiting")),
            models.Index(fields=["endpoint", "-id"], name="delivery_of_endpoint"),
        ]

    def __str__(self) -> str:
        return f"{self.event} to {self.endpoint_id}"
