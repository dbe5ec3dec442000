"""What is written and done often, kept once."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q, Value

from makegood.ids import uuid7
from makegood.recover.cases.models.case import Queue


class Macro(models.Model):
    """Words with fields that each case fills, files, and what is done besides. One's own, a queue's, or everybody's."""

    class Kind(models.TextChoices):
        REPLY = "reply", "Reply"
        NOTE = "note", "Note"
        CALL = "call", "Call"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=60)
    kind = models.CharField(max_length=5, choices=Kind, default=Kind.REPLY)
    body = models.TextField(max_length=20_000, blank=True, default="")
    wait = models.BooleanField(default=False, help_text="Then wait for the customer.")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="+", db_index=False
    )
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    # In order: [{"do": "assign", "to": "me"}, ...]; macros.actions says what there is.
    actions = models.JSONField(default=list, db_default=Value([], models.JSONField()), blank=True)
    version = models.PositiveIntegerField(default=1, db_default=1, help_text="Of it as it was edited last.")
    used = models.PositiveIntegerField(default=0, db_default=0)
    used_at = models.DateTimeField(null=True, blank=True)
    queue = models.ForeignKey(Queue, models.CASCADE, null=True, blank=True, related_name="+", db_index=False)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.CheckConstraint(name="macro_of_one_or_queue", condition=Q(owner=None) | Q(queue=None)),
        ]

    def __str__(self) -> str:
        return self.name


class MacroFile(models.Model):
    """A file that leaves with a macro's words. Its content lies outside the database, by its hash."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    macro = models.ForeignKey(Macro, models.CASCADE, related_name="files")
    name = models.CharField(max_length=200)
    type = models.CharField(max_length=100)
    size = models.BigIntegerField()
    key = models.CharField(max_length=200)

    class Meta:
        ordering: ClassVar = ["id"]

    def __str__(self) -> str:
        return self.name
