"""What was learned from confirmed cases, and which of it is in use."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q


class TrainedModel(models.Model):
    """A trained reason classifier: where its file lies, who trained it, how it fared on cases it had not seen.

    People speak of it by its number. The row never changes but for what says whether it is in use.
    """

    id = models.BigAutoField(primary_key=True)
    trained_at = models.DateTimeField()
    trained_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    until = models.DateTimeField(help_text="Nothing that was confirmed later was learned.")
    file = models.CharField(max_length=100, help_text="Name in the file storage.")
    sha256 = models.CharField(max_length=64)
    figures = models.JSONField()
    active = models.BooleanField(default=False)
    # What `triage back` returns to; empty: the phrasebook alone.
    replaces = models.ForeignKey("self", models.PROTECT, null=True, blank=True, related_name="+", db_index=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["active"], name="triage_one_active", condition=Q(active=True)),
        ]

    def __str__(self) -> str:
        return f"model {self.pk}"
