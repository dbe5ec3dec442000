"""What the detection found: more cases of one kind than what could go wrong there explains.

A signal's history is the append-only table `SignalEvent`: what the detection said of it, and what people made of it.
"""

from typing import ClassVar

import pgtrigger
from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import F, Func, Q, Value

from makegood.ids import uuid7
from makegood.recover.cases.models import Case


class Detection(models.Model):
    """A detector at work, from the history it began with until its settings change.

    The row and the file of the detector's state that it names belong together: a file is written under a name of its
    own first, and the transaction that keeps what was found names it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    dimensions = models.JSONField()
    one_false_alarm_in = models.FloatField(help_text="Days.")
    since = models.DateTimeField(help_text="Where the history that it began with begins.")
    until = models.DateTimeField(help_text="Everything up to then is judged.")
    seen = models.DateTimeField(help_text="What was written to the database before then was read.")
    state = models.CharField(max_length=80, help_text="Name of the file with the detector's state.")
    cases = models.PositiveBigIntegerField(default=0, help_text="So many were judged.")
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["ended_at"], name="detection_one_at_work", condition=Q(ended_at=None), nulls_distinct=False
            ),
        ]

    def __str__(self) -> str:
        return f"until {self.until:%Y-%m-%d %H:%M}"


class Acceptance(models.Model):
    """A pattern that is known and accepted: what is found there is kept, and nobody is called."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    slice = models.JSONField()
    why = models.CharField(max_length=500)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField()
    until = models.DateTimeField(null=True, blank=True, help_text="None: until somebody ends it.")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="acceptance_says_why", condition=Q(why__gt="")),
            models.CheckConstraint(name="acceptance_runs_forward", condition=Q(until=None) | Q(until__gte=F("at"))),
        ]

    def __str__(self) -> str:
        return self.why


class Rule(models.Model):
    """A fixed rule: so many cases of the same kind in one slice within a window."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=80, unique=True)
    only = models.JSONField(default=dict, blank=True, help_text="{dimension: value}: cases like this alone count.")
    alike = models.JSONField(help_text="Dimensions in which the cases that are counted together agree.")
    count = models.PositiveIntegerField()
    hours = models.PositiveIntegerField(help_text="The window.")
    active = models.BooleanField(default=True)
    # What it would have done in the past year: {"fired": 30, "unshared": 12, "days": 365}; none: not measured yet.
    measured = models.JSONField(null=True, blank=True)
    measured_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.CheckConstraint(name="rule_counts_some", condition=Q(count__gte=2)),
            models.CheckConstraint(name="rule_window_known", condition=Q(hours__gte=1, hours__lte=24 * 92)),
        ]

    def __str__(self) -> str:
        return self.name


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
    # Who found it: a detection, which calls it by `ref`, or a rule.
    detection = models.ForeignKey(
        Detection, models.PROTECT, null=True, blank=True, related_name="signals", db_index=False
    )
    ref = models.PositiveBigIntegerField(null=True, blank=True)
    rule = models.ForeignKey(Rule, models.SET_NULL, null=True, blank=True, related_name="signals", db_index=False)
    found_by = models.CharField(max_length=80, default="detection", help_text="detection, or the name of the rule")

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
    neighbours = models.JSONField(
        default=list, blank=True, help_text="[{slice, observed, expected, evidence, why}] that were considered."
    )

    state = models.CharField(max_length=10, choices=State, default=State.NEW)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    snoozed_until = models.DateTimeField(null=True, blank=True)
    snoozed_above = models.PositiveIntegerField(null=True, blank=True, help_text="It wakes with more cases than these.")
    dismissed_because = models.CharField(max_length=500, blank=True, default="")
    accepted = models.ForeignKey(
        Acceptance, models.PROTECT, null=True, blank=True, related_name="signals", db_index=False
    )

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="signal_state_known", condition=Q(state__in=State.values)),
            models.CheckConstraint(name="signal_since_before_raised", condition=Q(since__lte=F("raised_at"))),
            models.CheckConstraint(
                name="signal_snoozed_until_something",
                condition=Q(state="snoozed") & (Q(snoozed_until__isnull=False) | Q(snoozed_above__isnull=False))
                | ~Q(state="snoozed") & Q(snoozed_until=None, snoozed_above=None),
            ),
            models.CheckConstraint(
                name="signal_dismissed_says_why",
                condition=Q(state="dismissed", dismissed_because__gt="") | ~Q(state="dismissed") & Q(accepted=None),
            ),
            models.UniqueConstraint(fields=["detection", "ref"], name="signal_once_per_detection"),
            models.UniqueConstraint(
                fields=["rule", "slice"], name="signal_of_rule_once", condition=Q(closed_at=None, rule__isnull=False)
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["-raised_at", "-id"], name="signal_raised"),
            # What the look of every minute wakes or closes.
            models.Index(fields=["snoozed_until"], name="signal_snoozed", condition=Q(snoozed_until__isnull=False)),
            models.Index(fields=["-raised_at", "id"], name="signal_going_on", condition=Q(closed_at=None)),
            models.Index(fields=["closed_at"], name="signal_unseen", condition=Q(state="new")),
        ]

    def __str__(self) -> str:
        return f"S-{self.number}"


class JudgedCase(models.Model):
    """A case as it was when it was judged. What is learned of it later (another reason) changes no judgement."""

    case = models.OneToOneField(Case, models.PROTECT, primary_key=True, related_name="+")
    at = models.DateTimeField(help_text="When it was reported, as the detector was told.")
    dimensions = models.JSONField(help_text="{dimension: value}, what was known.")

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["at"], name="judged_at"),
            GinIndex(fields=["dimensions"], name="judged_in_slice", opclasses=["jsonb_path_ops"]),
        ]


class SignalCase(models.Model):
    """A case that a signal claims. A case belongs to one signal at most."""

    case = models.OneToOneField(Case, models.PROTECT, primary_key=True, related_name="of_signal")
    signal = models.ForeignKey(Signal, models.PROTECT, related_name="claimed")
    at = models.DateTimeField()


class SignalEvent(models.Model):
    """One thing that became known of a signal, or that somebody made of it. Written once, never changed."""

    class Kind(models.TextChoices):
        RAISED = "raised", "Raised"
        UPDATED = "updated", "Learned more"
        CLOSED = "closed", "Back to usual"
        WATCHED = "watched", "Watched"
        SNOOZED = "snoozed", "Snoozed"
        WOKEN = "woken", "Back from snoozing"
        DISMISSED = "dismissed", "Dismissed"
        ACCEPTED = "accepted", "Known and accepted"
        REOPENED = "reopened", "New again"
        ASSIGNED = "assigned", "Given to somebody"
        DECLARED = "declared", "Declared an incident"
        UNDONE = "undone", "Taken back"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    signal = models.ForeignKey(Signal, models.PROTECT, related_name="events", db_index=False)
    kind = models.CharField(max_length=10, choices=Kind)
    at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    why = models.CharField(max_length=500, blank=True, default="")
    # Of the detection: slice, observed, expected, low, high, evidence. Of people: the columns before and after.
    facts = models.JSONField(default=dict)

    class Meta:
        constraints: ClassVar = [
            # The same finding kept twice is kept once.
            models.UniqueConstraint(
                fields=["signal", "kind", "at", "facts"],
                name="signal_learned_once",
                condition=Q(kind__in=["raised", "updated", "closed"]),
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["signal", "at", "id"], name="signal_event_in_order")]
        ordering: ClassVar = ["at", "id"]
        triggers: ClassVar = [
            pgtrigger.Protect(name="signal_event_append_only", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.at:%Y-%m-%d %H:%M}"
