"""What administrators decide about time: calendars, where they hold, targets, and what follows when one is missed."""

from datetime import date
from typing import Any, ClassVar

import pghistory
from django.db import models
from django.db.models import Q

from makegood.engines import clocks
from makegood.ground.retail.models import Place

MOST_MINUTES = 366 * 24 * 60


@pghistory.track()
class Calendar(models.Model):
    """Business hours. One of them holds wherever no other does."""

    name = models.CharField(max_length=80, unique=True)
    time_zone = models.CharField(
        max_length=64, blank=True, default="", help_text="Empty: that of the place where the case belongs."
    )
    # Monday to Sunday, each a list of [from, until] in minutes after midnight; empty: around the clock.
    week = models.JSONField(default=list, blank=True)
    country = models.CharField(max_length=2, blank=True, default="", help_text="Whose public holidays are closed.")
    subdivision = models.CharField(max_length=10, blank=True, default="", help_text="Such as ENG or SCT.")
    # {"2026-12-24": [[540, 720]], "2026-12-27": []}
    exceptions = models.JSONField(default=dict, blank=True)
    is_default = models.BooleanField(default=False)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["is_default"], name="calendar_one_default", condition=Q(is_default=True)),
        ]

    def __str__(self) -> str:
        return self.name


class CalendarUse(models.Model):
    """A queue, or a place with all below it, that keeps the hours of a calendar."""

    calendar = models.ForeignKey(Calendar, models.CASCADE, related_name="uses")
    queue = models.OneToOneField("cases.Queue", models.CASCADE, null=True, blank=True, related_name="+")
    place = models.OneToOneField(Place, models.CASCADE, null=True, blank=True, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                name="calendar_use_is_of_one",
                condition=Q(queue=None, place__isnull=False) | Q(queue__isnull=False, place=None),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.calendar}: {self.queue or self.place}"


# What a case that nobody has written in yet counts as, among channels.
SILENT = "silent"


@pghistory.track()
class Target(models.Model):
    """How long the clocks of some cases may run. A condition that is empty holds for all cases.

    For each clock the row wins that sets it and names the most: a queue counts more than a loyalty tier, that more
    than a channel, that more than a tier, that more than a severity (`levels.weight`).
    """

    queue = models.ForeignKey("cases.Queue", models.CASCADE, null=True, blank=True, related_name="+")
    loyalty_tier = models.CharField(max_length=40, blank=True, default="")
    channel = models.CharField(max_length=12, blank=True, default="")
    tier = models.CharField(max_length=10, blank=True, default="")
    severity = models.PositiveSmallIntegerField(null=True, blank=True)

    first_minutes = models.PositiveIntegerField("first answer", null=True, blank=True)
    next_minutes = models.PositiveIntegerField("next answer", null=True, blank=True)
    resolution_minutes = models.PositiveIntegerField("resolution", null=True, blank=True)
    warn_percent = models.PositiveSmallIntegerField("warn after", default=75, help_text="Per cent of the time.")
    stops_for_partner = models.BooleanField("pauses while it waits on a partner", default=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["queue", "loyalty_tier", "channel", "tier", "severity"], name="target_once",
                nulls_distinct=False, violation_error_message="There is a target for these cases already.",
            ),
            models.CheckConstraint(
                name="target_sets_a_clock",
                condition=Q(first_minutes__isnull=False) | Q(next_minutes__isnull=False)
                | Q(resolution_minutes__isnull=False),
            ),
            # NULL passes a check: what is not set is not asked.
            models.CheckConstraint(
                name="target_times_are_sane",
                condition=Q(first_minutes__range=(1, MOST_MINUTES)) & Q(next_minutes__range=(1, MOST_MINUTES))
                & Q(resolution_minutes__range=(1, MOST_MINUTES)),
            ),
            models.CheckConstraint(name="target_warns_before", condition=Q(warn_percent__range=(1, 99))),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"Target {self.pk}"


@pghistory.track()
class Escalation(models.Model):
    """What follows when a clock is about to run out, or has."""

    class When(models.TextChoices):
        WARNING = "warning", "is about to run out"
        BREACH = "breach", "has run out"

    class Clock(models.TextChoices):
        FIRST = "first", "First answer"
        NEXT = "next", "Next answer"
        RESOLUTION = "resolution", "Resolution"

    class Deed(models.TextChoices):
        TELL_LEAD = "tell_lead", "tell the team lead"
        RAISE = "raise", "raise the severity by one"
        MOVE = "move", "move it to a queue"

    when = models.CharField(max_length=8, choices=When)
    clock = models.CharField(max_length=10, choices=Clock)
    deed = models.CharField(max_length=10, choices=Deed)
    queue = models.ForeignKey("cases.Queue", models.PROTECT, null=True, blank=True, related_name="+")

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["when", "clock", "deed"], name="escalation_once",
                violation_error_message="There is a rule that does this at this moment already.",
            ),
            models.CheckConstraint(
                name="escalation_moves_somewhere",
                condition=Q(deed="move", queue__isnull=False) | (~Q(deed="move") & Q(queue=None)),
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        return f"{self.clock} {self.when}: {self.deed}"


def compiled(row: dict[str, Any], zone: str) -> clocks.Calendar:
    """A calendar as the engine computes with it; `zone` is where it names none. Raises clocks.NotACalendar."""
    return clocks.Calendar(
        zone=row["time_zone"] or zone,
        week=tuple(tuple((a, b) for a, b in day) for day in row["week"]),
        country=row["country"],
        subdivision=row["subdivision"],
        exceptions={
            date.fromisoformat(day): tuple((a, b) for a, b in spans) for day, spans in row["exceptions"].items()
        },
    )
