"""Corrective actions: what is done against a cause, what it was hoped to bring, and what it brought."""

from typing import ClassVar

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Func, Q, Value
from django.utils.translation import gettext_lazy as _

from makegood.ids import uuid7
from makegood.prevent.incidents.models import Incident
from makegood.recover.cases.models import Locus
from makegood.recover.commitments.models import Commitment


class State(models.TextChoices):
    """How far the work is. Whether it helped is another matter: `Verdict`."""

    PLANNED = "planned", _("Planned")
    UNDER_WAY = "under_way", _("Under way")
    DONE = "done", _("Done")
    DROPPED = "dropped", _("Dropped")


class Verdict(models.TextChoices):
    UNKNOWN = "unknown", _("Not yet known")
    WORKED = "worked", _("Worked")
    DID_NOT = "did_not", _("Did not work")
    CAME_BACK = "came_back", _("Came back")


class Improvement(models.Model):
    """One corrective action that somebody answers for."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    number = models.BigIntegerField(
        unique=True,
        editable=False,
        db_default=Func(Value("improvement_number"), function="nextval", output_field=models.BigIntegerField()),
    )
    title = models.CharField(max_length=200)
    what = models.TextField(blank=True, default="", help_text="What is changed, and where.")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    due_at = models.DateTimeField()
    commitment = models.OneToOneField(Commitment, models.PROTECT, null=True, blank=True, related_name="improvement")
    incidents = models.ManyToManyField(Incident, related_name="improvements", blank=True)
    cause = models.TextField(blank=True, default="")
    cause_key = models.CharField(max_length=80, blank=True, default="", help_text="The same for the same cause.")
    locus = models.CharField(max_length=12, choices=Locus, blank=True, default=Locus.UNKNOWN)
    cost = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    currency = models.CharField(max_length=3, blank=True, default="")
    state = models.CharField(max_length=10, choices=State, default=State.PLANNED)
    started_on = models.DateField(null=True, blank=True, help_text="The first day with the change.")
    finished_on = models.DateField(null=True, blank=True, help_text="The first day with all of it.")
    verdict = models.CharField(max_length=10, choices=Verdict, default=Verdict.UNKNOWN)
    judged_at = models.DateTimeField(null=True, blank=True)
    words = models.TextField(blank=True, default="", help_text="What a person makes of the verdict.")
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    next_look_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="improvement_state_known", condition=Q(state__in=State.values)),
            models.CheckConstraint(name="improvement_verdict_known", condition=Q(verdict__in=Verdict.values)),
            models.CheckConstraint(name="improvement_locus_known", condition=Q(locus__in=Locus.values)),
            models.CheckConstraint(
                name="improvement_begun_says_when",
                condition=Q(state="planned", started_on=None)
                | Q(state="dropped")
                | Q(state="under_way", started_on__isnull=False, finished_on=None)
                | Q(state="done", started_on__isnull=False, finished_on__isnull=False),
            ),
            models.CheckConstraint(
                name="improvement_finishes_after_it_starts",
                condition=Q(finished_on=None) | Q(finished_on__gte=F("started_on")),
            ),
            models.CheckConstraint(
                name="improvement_judged_says_when",
                condition=Q(verdict="unknown", judged_at=None) | ~Q(verdict="unknown") & Q(judged_at__isnull=False),
            ),
            models.CheckConstraint(
                name="improvement_cost_has_currency",
                condition=Q(cost=None, currency="") | Q(cost__gte=0) & ~Q(currency=""),
            ),
        ]
        indexes: ClassVar = [
            # The tick: whose next look is due.
            models.Index(fields=["next_look_at"], name="improvement_look", condition=Q(next_look_at__isnull=False)),
            models.Index(fields=["-created_at", "-id"], name="improvement_newest"),
        ]
        triggers: ClassVar = [pgtrigger.Protect(name="improvement_is_kept_on_file", operation=pgtrigger.Delete)]

    def __str__(self) -> str:
        return f"A-{self.number}"


class Hypothesis(models.Model):
    """Which number is to move, by how much and by when. Said anew, it is another version; none is ever edited."""

    class Beside(models.TextChoices):
        """What the change is compared with, besides the time before it."""

        NOTHING = "nothing", _("Nothing else")
        REST = "rest", _("All other purchases")
        SLICE = "slice", _("Another slice")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    improvement = models.ForeignKey(Improvement, models.PROTECT, related_name="hypotheses")
    version = models.PositiveSmallIntegerField()
    any_of = models.JSONField(help_text="{dimension: [values]}: the cases per 1,000 orders of this part.")
    percent = models.PositiveSmallIntegerField(help_text="So many percent fewer.")
    by_when = models.DateField(help_text="The planned end: then there is a verdict in any case.")
    within_days = models.PositiveSmallIntegerField(default=28, help_text="Cases so long after their purchase count.")
    beside = models.CharField(max_length=8, choices=Beside, default=Beside.NOTHING)
    beside_any_of = models.JSONField(default=dict, blank=True)
    said_at = models.DateTimeField()
    said_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["improvement", "version"], name="hypothesis_version_once"),
            models.CheckConstraint(name="hypothesis_percent_is_one", condition=Q(percent__gte=1, percent__lte=99)),
            models.CheckConstraint(
                name="hypothesis_within_days", condition=Q(within_days__gte=1, within_days__lte=120)
            ),
            models.CheckConstraint(
                name="hypothesis_beside_says_what",
                condition=Q(beside="slice") & ~Q(beside_any_of={}) | ~Q(beside="slice") & Q(beside_any_of={}),
            ),
        ]
        triggers: ClassVar = [
            pgtrigger.Protect(name="hypothesis_is_never_edited", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self.percent} % by {self.by_when}"


class Look(models.Model):
    """What was known of the effect when the weeks before `until` could be counted."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    improvement = models.ForeignKey(Improvement, models.PROTECT, related_name="looks")
    hypothesis = models.ForeignKey(Hypothesis, models.PROTECT, related_name="+", db_index=False)
    started_on = models.DateField(null=True, help_text="Of the change it looked at; empty: it was planned only.")
    until = models.DateField(help_text="A Monday: the weeks before it.")
    at = models.DateTimeField()
    # Of effects.Finding: series, expected, intervals; or why nothing can be told.
    found = models.JSONField()
    verdict = models.CharField(max_length=10, choices=Verdict)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["improvement", "hypothesis", "started_on", "until"], name="look_once", nulls_distinct=False
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["improvement", "-at"], name="look_latest")]

    def __str__(self) -> str:
        return f"{self.verdict} until {self.until}"


class Event(models.Model):
    """One decision or finding, as it was. Append-only."""

    class Kind(models.TextChoices):
        PLANNED = "planned", _("Planned")
        HYPOTHESIS = "hypothesis", _("Said what it should bring")
        BEGUN = "begun", _("The change began")
        FINISHED = "finished", _("The change is complete")
        DROPPED = "dropped", _("Dropped")
        JUDGED = "judged", _("Judged")
        WORDS = "words", _("Said in words")
        CAME_BACK = "came_back", _("The cause came back")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    improvement = models.ForeignKey(Improvement, models.PROTECT, related_name="events", db_index=False)
    at = models.DateTimeField()
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", db_index=False)
    kind = models.CharField(max_length=12, choices=Kind)
    facts = models.JSONField(default=dict)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["improvement", "at", "id"], name="event_of_improvement")]
        triggers: ClassVar = [
            pgtrigger.Protect(name="improvement_history_is_append_only", operation=pgtrigger.Update | pgtrigger.Delete)
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.at:%Y-%m-%d}"
