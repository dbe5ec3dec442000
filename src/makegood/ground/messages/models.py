"""Everything that leaves the building: written with the data that caused it, delivered once by a job."""

from typing import ClassVar

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import Q

from makegood.ground.retail.models import Place
from makegood.ids import uuid7


class Message(models.Model):
    """One outgoing message. What was said never changes once it was handed over (a trigger refuses it)."""

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        SENDING = "sending", "Being handed over"
        SENT = "sent", "Sent"
        UNCERTAIN = "uncertain", "Perhaps sent"
        FAILED = "failed", "Not sent"
        WITHDRAWN = "withdrawn", "Taken back before it left"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    # Whoever writes the same effect twice writes it once.
    idempotency_key = models.CharField(max_length=200, unique=True)
    about = models.CharField(max_length=100, help_text="What it concerns, as kind:id (case:0190...).")
    place = models.ForeignKey(
        Place, models.PROTECT, null=True, blank=True, related_name="+", db_index=False, help_text="Decides who sees it."
    )
    recipient = models.CharField(max_length=254)
    subject = models.CharField(max_length=300)
    body = models.TextField()
    message_id = models.CharField(max_length=200, unique=True, help_text="The Message-ID header.")
    in_reply_to = models.CharField(max_length=998, blank=True, default="")
    references = models.TextField(blank=True, default="", help_text="The References header: the thread so far.")
    sender = models.CharField(max_length=320, blank=True, default="", help_text="Empty: the company's own.")
    reply_to = models.CharField(max_length=320, blank=True, default="")
    automatic = models.BooleanField(default=True, help_text="Nobody wrote it: mail programs must not answer it.")
    # [{"name": ..., "type": ..., "key": ...}], see files.py.
    files = models.JSONField(default=list, blank=True)
    status = models.CharField(max_length=10, choices=Status, default=Status.WAITING)
    created_at = models.DateTimeField()
    due_at = models.DateTimeField(help_text="Not before.")
    attempts = models.PositiveSmallIntegerField(default=0)
    last_error = models.CharField(max_length=500, blank=True, default="")
    sent_at = models.DateTimeField(null=True, blank=True)
    bounced_at = models.DateTimeField(null=True, blank=True)
    bounce = models.CharField(max_length=500, blank=True, default="", help_text="Why it came back, in words.")

    class Meta:
        db_table = "outbox_message"
        constraints: ClassVar = [
            models.CheckConstraint(
                name="message_sent_has_time",
                condition=Q(status="sent", sent_at__isnull=False) | (~Q(status="sent") & Q(sent_at=None)),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], name="message_due", condition=Q(status="waiting")),
            models.Index(fields=["id"], name="message_sending", condition=Q(status="sending")),
            models.Index(fields=["about"], name="message_about"),
            # The page of what has not left, or not yet: almost all have.
            models.Index(fields=["status", "-id"], name="message_not_sent", condition=~Q(status="sent")),
        ]
        triggers: ClassVar = [
            pgtrigger.Protect(
                name="sent_message_stays",
                operation=pgtrigger.Update,
                # That it came back is told only afterwards.
                condition=pgtrigger.Condition(
                    "OLD.status = 'sent' AND to_jsonb(OLD) - ARRAY['bounced_at', 'bounce']"
                    " IS DISTINCT FROM to_jsonb(NEW) - ARRAY['bounced_at', 'bounce']"
                ),
            ),
            pgtrigger.Protect(
                name="sent_message_is_kept",
                operation=pgtrigger.Delete,
                condition=pgtrigger.Q(old__status="sent"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject} -> {self.recipient}"


class Notice(models.Model):
    """Something a colleague should know: said once, read once."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    to = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False)
    key = models.CharField(max_length=200, help_text="Whoever tells the same person the same twice tells it once.")
    text = models.CharField(max_length=300)
    link = models.CharField(max_length=200, blank=True, default="", help_text="A path of ours: where to act on it.")
    about = models.CharField(max_length=100, help_text="What it concerns, as kind:id (case:0190...).")
    at = models.DateTimeField()
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "outbox_notice"
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["to", "key"], name="notice_once"),
            models.CheckConstraint(
                name="notice_link_is_a_path", condition=Q(link="") | Q(link__startswith="/") & ~Q(link__startswith="//")
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["to", "-id"], name="notice_of_person"),
            models.Index(fields=["to", "id"], name="notice_unread", condition=Q(read_at=None)),
        ]

    def __str__(self) -> str:
        return self.text
