"""What the detection found: more cases of one kind than what could go wrong there explains."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Func, Q, Value

from makegood.ids import uuid7
from makegood.recover.cases.models import Case


class State(models.TextChoices):
    """What people made of a signal. Whether the rate is back is another matter: `closed_at`."""

    NEW = "new", "New"
    WATCHED = "watched", "Watched"
    SNOOZED = "snoozed", "Snoozed"
    DISMISSED = "dismissed", "Dismissed"
    DECLARED = "declared", "Declared an incident"


class Signal(models.Model):
    """One pattern, in the smallest slice that explains it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    number = models.BigIntegerField(
        unique=True,
        editable=False,
        db_default=Func(Value("signal_number"), function="nextval", output_field=models.BigIntegerField()),
    )
    found_by = models.CharField(max_length=60, default="detection", help_text="detection, or rule:<id>")
    slice = models.JSONField(help_text="What its cases share: {dimension: value} of prevent.slices.")
    since = models.DateTimeField(help_text="When it began, as far as can be told.")
    raised_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True, help_text="When the rate was back to what is usual.")
    observed = models.PositiveIntegerField()
    expected = models.FloatField()
    excess_low = models.FloatField(help_text="Of observed less expected, 95 %.")
    excess_high = models.FloatField()
    evidence = models.FloatField(help_text="Natural logarithm of the weight of evidence.")
    state = models.CharField(max_length=10, choices=State, default=State.NEW)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="signal_state_known", condition=Q(state__in=State.values)),
            models.CheckConstraint(name="signal_since_before_raised", condition=Q(since__lte=F("raised_at"))),
        ]

    def __str__(self) -> str:
        return f"S-{self.number}"


class SignalCase(models.Model):
    """A case that a signal claims. A case belongs to one signal at most."""

    case = models.OneToOneField(Case, models.PROTECT, primary_key=True, related_name="of_signal")
    signal = models.ForeignKey(Signal, models.CASCADE, related_name="claimed")
    at = models.DateTimeField()
