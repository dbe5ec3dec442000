"""What we decided to own: one failure, everybody it touched, and what became of it."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import F, Func, Q, Value

from makegood.ground.retail.models import Customer, Order
from makegood.ids import uuid7
from makegood.prevent.signals.models import Signal
from makegood.recover.cases.models import Case, Severity


class Kind(models.TextChoices):
    FAILURE = "failure", "Failure"
    RECALL = "recall", "Recall"


class State(models.TextChoices):
    OPEN = "open", "Open"
    CONTAINED = "contained", "Contained"
    RESOLVED = "resolved", "Resolved"


class Incident(models.Model):
    """One failure that somebody answers for."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    number = models.BigIntegerField(
        unique=True,
        editable=False,
        db_default=Func(Value("incident_number"), function="nextval", output_field=models.BigIntegerField()),
    )
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.FAILURE)
    title = models.CharField(max_length=200)
    severity = models.PositiveSmallIntegerField(choices=Severity)
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    signal = models.OneToOneField(Signal, models.PROTECT, null=True, blank=True, related_name="incident")
    commander = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    # prevent.slices.Predicate: which purchases it may have hit, and which cases are of it.
    any_of = models.JSONField(default=dict, help_text="{dimension: [values]}; `reason` names cases only.")
    since = models.DateTimeField(null=True, blank=True)
    until = models.DateTimeField(null=True, blank=True)
    declared_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    declared_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)
    merged_into = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="merged", db_index=False
    )
    version = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="incident_state_known", condition=Q(state__in=State.values)),
            models.CheckConstraint(name="incident_not_its_own_kin", condition=~Q(merged_into=F("id"))),
            models.CheckConstraint(
                name="incident_window_runs_forward", condition=Q(since=None) | Q(until=None) | Q(since__lt=F("until"))
            ),
        ]

    def __str__(self) -> str:
        return f"I-{self.number}"


class IncidentCase(models.Model):
    """A case of an incident. A case belongs to one incident at most."""

    case = models.OneToOneField(Case, models.PROTECT, primary_key=True, related_name="of_incident")
    incident = models.ForeignKey(Incident, models.PROTECT, related_name="linked")
    joined_at = models.DateTimeField()
    joined_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False,
        help_text="Nobody: it matched and joined by itself.",
    )  # fmt: skip


class AffectedOrder(models.Model):
    """A purchase that an incident may have hit, written down when it was looked for."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    incident = models.ForeignKey(Incident, models.PROTECT, related_name="affected")
    order = models.ForeignKey(Order, models.PROTECT, related_name="+")
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="+", db_index=False)
    value = models.DecimalField(max_digits=14, decimal_places=2, help_text="Of the lines it hit.")
    currency = models.CharField(max_length=3)
    found_at = models.DateTimeField(help_text="Of the snapshot that found it: later ones are additions.")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["incident", "order"], name="incident_affects_order_once"),
        ]
