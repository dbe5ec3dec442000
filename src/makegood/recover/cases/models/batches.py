"""One thing done to many cases."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from makegood.ids import uuid7
from makegood.recover.cases.models.case import Case


class Batch(models.Model):
    """One thing done to many cases, with what became of each."""

    class Action(models.TextChoices):
        ASSIGN = "assign", "Assign"
        REASON = "reason", "Change the reason"
        ESCALATE = "escalate", "Escalate"
        LINK = "link", "Link to a parent"
        SNOOZE = "snooze", "Put off"
        RESOLVE = "resolve", "Resolve"
        ANSWER = "answer", "Answer"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    action = models.CharField(max_length=8, choices=Action)
    asked = models.JSONField(default=dict)
    parent = models.ForeignKey(Case, models.PROTECT, null=True, blank=True, related_name="batches")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.action} {self.at:%Y-%m-%d %H:%M}"


class BatchItem(models.Model):
    """What became of one case of a batch."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        DONE = "done", "Done"
        REFUSED = "refused", "Not done"
        UNDONE = "undone", "Taken back"

    batch = models.ForeignKey(Batch, models.PROTECT, related_name="items", db_index=False)
    case = models.ForeignKey(Case, models.PROTECT, related_name="+", db_index=False)
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    seq = models.PositiveIntegerField(default=0, help_text="The event that it left on the case.")
    said = models.CharField(max_length=300, blank=True, default="", help_text="Why it was not done.")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["batch", "case"], name="batch_case_once")]
        indexes: ClassVar = [models.Index(fields=["batch"], name="batch_waiting", condition=Q(state="waiting"))]

    def __str__(self) -> str:
        return f"{self.case_id} {self.state}"
