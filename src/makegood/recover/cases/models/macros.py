"""Words kept once."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from makegood.ids import uuid7
from makegood.recover.cases.models.case import Queue


class Macro(models.Model):
    """Words that are written often, with fields that each case fills. One's own, a queue's, or everybody's."""

    class Kind(models.TextChoices):
        REPLY = "reply", "Reply"
        NOTE = "note", "Note"
        CALL = "call", "Call"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=60)
    kind = models.CharField(max_length=5, choices=Kind, default=Kind.REPLY)
    body = models.TextField(max_length=20_000)
    wait = models.BooleanField(default=False, help_text="Then wait for the customer.")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="+", db_index=False
    )
    queue = models.ForeignKey(Queue, models.CASCADE, null=True, blank=True, related_name="+", db_index=False)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.CheckConstraint(name="macro_of_one_or_queue", condition=Q(owner=None) | Q(queue=None)),
        ]

    def __str__(self) -> str:
        return self.name
