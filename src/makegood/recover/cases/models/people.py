"""Colleagues and a case: who looks at it now, and who wants to hear of it. Customers: what is usual among them."""

from typing import ClassVar

from django.conf import settings
from django.db import models

from makegood.ground.retail.models import Source
from makegood.recover.cases.models.case import Case


class Presence(models.Model):
    """Who has a case open, and what they are writing. Renewed by their page every few seconds."""

    case = models.ForeignKey(Case, models.CASCADE, related_name="+", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False)
    doing = models.CharField(max_length=5, blank=True, default="", help_text="reply, note or call; empty: looking.")
    seen_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["case", "user"], name="presence_once")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.doing or 'looks'}"


class Watch(models.Model):
    """Somebody who is told of what happens to a case."""

    case = models.ForeignKey(Case, models.CASCADE, related_name="watches", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False)
    since = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["case", "user"], name="watch_once")]
        indexes: ClassVar = [models.Index(fields=["user", "case"], name="watch_of_person")]

    def __str__(self) -> str:
        return f"{self.user_id} watches {self.case_id}"


class Usual(models.Model):
    """What is usual among the customers of a source, measured once a night (services.usual)."""

    source = models.OneToOneField(Source, models.PROTECT, primary_key=True, related_name="+")
    valued_from = models.DecimalField(
        max_digits=14, decimal_places=2, null=True, help_text="One customer in ten has spent so much."
    )
    # Orders and claims of a year by how often customers order: indicators.Band.
    claims = models.JSONField(default=list)
    measured_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.source} {self.measured_at:%Y-%m-%d}"
