"""What we decided to own: one failure, everybody it touched, and what became of it."""

from typing import ClassVar

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Func, Q, Value

from makegood.ground.retail.models import Customer, Order
from makegood.ids import uuid7
from makegood.prevent.signals.models import Signal
from makegood.recover.cases.models import Case, Locus, Severity
from makegood.recover.commitments.models import Commitment


class Kind(models.TextChoices):
    FAILURE = "failure", "Failure"
    RECALL = "recall", "Recall"


class State(models.TextChoices):
    OPEN = "open", "Open"
    CONTAINED = "contained", "Contained"
    RESOLVED = "resolved", "Resolved"


class Cause(models.TextChoices):
    """What is known of why it failed."""

    UNKNOWN = "", "Not yet known"
    FOUND = "found", "Found"
    NOT_FOUND = "not_found", "Looked for and not found"


class Incident(models.Model):
    """One failure that somebody answers for. Written in one way: `services.timeline.record`."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    number = models.BigIntegerField(
        unique=True,
        editable=False,
        db_default=Func(Value("incident_number"), function="nextval", output_field=models.BigIntegerField()),
    )
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.FAILURE)
    title = models.CharField(max_length=200)
    severity = models.PositiveSmallIntegerField(choices=Severity)
    severity_why = models.CharField(max_length=300, blank=True, default="")
    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    signal = models.OneToOneField(Signal, models.PROTECT, null=True, blank=True, related_name="incident")
    commander = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)

    # prevent.slices.Predicate: which purchases it may have hit, and which cases are of it.
    any_of = models.JSONField(default=dict, blank=True, help_text="{dimension: [values]}; `reason` names cases only.")
    since = models.DateTimeField(null=True, blank=True)
    until = models.DateTimeField(null=True, blank=True)
    joins = models.BooleanField(default=True, help_text="New cases that match join by themselves.")
    # The clock of the database: what changed before was looked at. None: nothing was, or the predicate is another.
    joined_until = models.DateTimeField(null=True, blank=True, editable=False)

    status_inside = models.CharField(max_length=500, blank=True, default="", help_text="Where it stands, for us.")
    status_public = models.CharField(max_length=500, blank=True, default="", help_text="For customers.")
    answer = models.TextField(blank=True, default="", help_text="What we agreed to answer customers.")
    hazard = models.CharField(max_length=500, blank=True, default="", help_text="Of a recall: what may happen.")
    what_to_do = models.CharField(max_length=500, blank=True, default="", help_text="Of a recall: for customers.")

    containment = models.CharField(max_length=500, blank=True, default="", help_text="What stopped it, for now.")
    contained_at = models.DateTimeField(null=True, blank=True)

    cause_state = models.CharField(max_length=10, choices=Cause, blank=True, default=Cause.UNKNOWN)
    cause = models.CharField(max_length=500, blank=True, default="", help_text="Or why it was not found.")
    locus = models.CharField(max_length=12, choices=Locus, blank=True, default=Locus.UNKNOWN)
    whys = models.JSONField(default=list, blank=True, help_text="Five times why, in order.")
    contributing = models.JSONField(default=list, blank=True, help_text="What made it worse or likelier.")
    review = models.JSONField(default=dict, blank=True, help_text="8D: {d1: words, ..., present: words}.")

    declared_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    declared_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)
    merged_into = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="merged", db_index=False,
        help_text="The incident that goes on in its place. Never itself a merged one.",
    )  # fmt: skip
    version = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="incident_state_known", condition=Q(state__in=State.values)),
            models.CheckConstraint(name="incident_not_its_own_kin", condition=~Q(merged_into=F("id"))),
            models.CheckConstraint(
                name="incident_window_runs_forward", condition=Q(since=None) | Q(until=None) | Q(since__lt=F("until"))
            ),
            models.CheckConstraint(
                name="incident_resolved_says_when",
                condition=Q(state="resolved", resolved_at__isnull=False) | ~Q(state="resolved") & Q(resolved_at=None),
            ),
            models.CheckConstraint(
                name="incident_resolved_says_cause",
                condition=~Q(state="resolved") | ~Q(cause_state="") | Q(merged_into__isnull=False),
            ),
            models.CheckConstraint(
                name="incident_cause_in_words",
                condition=Q(cause_state="") | Q(cause_state__in=["found", "not_found"], cause__gt=""),
            ),
            models.CheckConstraint(
                name="incident_contained_says_how",
                condition=Q(contained_at=None) & ~Q(state="contained")
                | Q(contained_at__isnull=False, containment__gt=""),
            ),
            models.CheckConstraint(name="incident_merged_is_over", condition=Q(merged_into=None) | Q(state="resolved")),
        ]
        indexes: ClassVar = [
            # The list, the newest first, and the tick: few among all that ever were.
            models.Index(fields=["-declared_at", "id"], name="incident_declared"),
            models.Index(fields=["-declared_at", "id"], name="incident_going_on", condition=~Q(state="resolved")),
            models.Index(fields=["merged_into"], name="incident_merged_into", condition=Q(merged_into__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"I-{self.number}"


class IncidentEvent(models.Model):
    """One thing that happened to an incident. Written once, never changed."""

    class Kind(models.TextChoices):
        DECLARED = "declared", "Declared"
        CHANGED = "changed", "Changed"
        SEVERITY = "severity", "Severity changed"
        COMMANDER = "commander", "Handed over"
        UPDATE = "update", "Update"
        STATUS = "status", "Status text changed"
        CONTAINED = "contained", "Contained"
        JOINED = "joined", "Cases joined"
        UNLINKED = "unlinked", "Cases taken out"
        TASK = "task", "Task"
        CAUSE = "cause", "Cause"
        REVIEW = "review", "Review"
        RESOLVED = "resolved", "Resolved"
        REOPENED = "reopened", "Reopened"
        MERGED = "merged", "Merged"
        PARTED = "parted", "Merge taken back"
        AFFECTED = "affected", "Affected orders"
        OUTREACH = "outreach", "Outreach"
        IMPROVEMENT = "improvement", "Improvement"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    incident = models.ForeignKey(Incident, models.PROTECT, related_name="events", db_index=False)
    seq = models.PositiveIntegerField()
    kind = models.CharField(max_length=12, choices=Kind)
    at = models.DateTimeField()
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    why = models.TextField(blank=True, default="", help_text="In words that staff read; of an update its text.")
    # The columns of the incident that this event set, as JSON values.
    changes = models.JSONField(default=dict)
    facts = models.JSONField(default=dict)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["incident", "seq"], name="incident_event_once"),
        ]
        ordering: ClassVar = ["incident", "seq"]
        triggers: ClassVar = [
            pgtrigger.Protect(name="incident_event_append_only", operation=pgtrigger.Update | pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.kind}"


class IncidentCase(models.Model):
    """A case of an incident. A case belongs to one incident at most."""

    case = models.OneToOneField(Case, models.PROTECT, primary_key=True, related_name="of_incident")
    incident = models.ForeignKey(Incident, models.PROTECT, related_name="linked")
    joined_at = models.DateTimeField()
    joined_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False,
        help_text="Nobody: it matched and joined by itself.",
    )  # fmt: skip
    came_with = models.ForeignKey(
        Incident, models.PROTECT, null=True, blank=True, related_name="+", db_index=False,
        help_text="The merged incident that brought it: it goes back with it.",
    )  # fmt: skip


class TakenOut(models.Model):
    """A case that somebody took out of an incident by hand: it does not join again by itself."""

    incident = models.ForeignKey(Incident, models.PROTECT, related_name="taken_out", db_index=False)
    case = models.ForeignKey(Case, models.PROTECT, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["incident", "case"], name="incident_case_taken_out_once"),
        ]


class Task(models.Model):
    """What somebody has to do for an incident: a promise to a colleague, noticed when it comes due."""

    commitment = models.OneToOneField(Commitment, models.PROTECT, primary_key=True, related_name="of_incident")
    incident = models.ForeignKey(Incident, models.PROTECT, related_name="tasks")


class Stakeholder(models.Model):
    """Who hears of what: one person, and the incidents that touch one value of one dimension, or all."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False)
    dimension = models.CharField(max_length=20, blank=True, default="", help_text="Of prevent.slices; empty: all.")
    value = models.CharField(max_length=200, blank=True, default="", help_text="Empty: whatever the value is.")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["user", "dimension", "value"], name="stakeholder_once"),
            models.CheckConstraint(name="stakeholder_of_all_has_no_value", condition=~Q(dimension="") | Q(value="")),
        ]


class AffectedOrder(models.Model):
    """A purchase that an incident may have hit, written down when it was looked for."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    incident = models.ForeignKey(Incident, models.PROTECT, related_name="affected")
    order = models.ForeignKey(Order, models.PROTECT, related_name="+")
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="+", db_index=False)
    value = models.DecimalField(max_digits=14, decimal_places=2, help_text="Of the lines it hit.")
    currency = models.CharField(max_length=3)
    lines = models.PositiveIntegerField(default=1, help_text="How many of its lines it hit.")
    found_at = models.DateTimeField(help_text="Of the snapshot that found it: later ones are additions.")
    # Somebody may have been told by then, so the row stays.
    left_at = models.DateTimeField(null=True, blank=True, help_text="Since when the predicate names it no longer.")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["incident", "order"], name="incident_affects_order_once"),
        ]
        indexes: ClassVar = [
            # The list, the dearest first, read backwards.
            models.Index(fields=["incident", "value", "id"], name="affected_by_value"),
            # Serves queries.affected.counts: all of somebody who wrote.
            models.Index(fields=["incident", "customer"], name="affected_by_customer", condition=Q(left_at=None)),
        ]


class Snapshot(models.Model):
    """One look for the affected orders of an incident. Of several that wait, the last counts."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    incident = models.ForeignKey(Incident, models.PROTECT, related_name="snapshots", db_index=False)
    any_of = models.JSONField()
    since = models.DateTimeField(null=True)
    until = models.DateTimeField(null=True)
    also = models.JSONField(default=list, help_text="What incidents merged into it cut out: [{any_of, since, until}].")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False,
        help_text="Nobody: the hour looked again by itself.",
    )  # fmt: skip
    at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    # Counted once, when it was finished: an incident may have a million (`services.affecting.count_up`).
    orders = models.PositiveIntegerField(null=True)
    customers = models.PositiveIntegerField(null=True)
    added = models.PositiveIntegerField(default=0, help_text="Orders that the first look did not find.")
    left = models.PositiveIntegerField(default=0, help_text="Found before, and no longer meant.")
    worth = models.JSONField(default=list, help_text="Of its orders: [[currency, sum], ...].")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                name="snapshot_finished_has_counted",
                condition=Q(finished_at=None, orders=None, customers=None)
                | Q(finished_at__isnull=False, orders__isnull=False, customers__isnull=False),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["incident", "-at"], name="snapshot_of_incident"),
            # Serves affecting.take_up: what a killed worker left.
            models.Index(fields=["at"], name="snapshot_waiting", condition=Q(finished_at=None)),
        ]
