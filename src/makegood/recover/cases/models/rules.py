"""Who is given which cases."""

from typing import ClassVar

from django.conf import settings
from django.db import models

from makegood.recover.cases.models.case import Queue, Reason


class AssignmentRule(models.Model):
    """Who is given which cases, when they open or are put back. The first rule that fits, by position, decides."""

    class Method(models.TextChoices):
        LEAST_LOADED = "least_loaded", "Who has the fewest open cases"
        ROUND_ROBIN = "round_robin", "One after the other"

    name = models.CharField(max_length=80)
    position = models.PositiveSmallIntegerField(default=0)
    active = models.BooleanField(default=True)
    # What it is about; empty: any. A reason stands for all below it.
    reason = models.ForeignKey(Reason, models.PROTECT, null=True, blank=True, related_name="+", db_index=False)
    queue = models.ForeignKey(Queue, models.PROTECT, null=True, blank=True, related_name="+", db_index=False)
    language = models.CharField(max_length=8, blank=True, default="", help_text="Such as pt; empty: any.")
    skill = models.CharField(max_length=40, blank=True, default="", help_text="What people need; empty: anybody.")
    method = models.CharField(max_length=12, choices=Method, default=Method.LEAST_LOADED)
    # Whose turn it was last.
    last_to = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )

    class Meta:
        ordering: ClassVar = ["position", "id"]

    def __str__(self) -> str:
        return self.name
