"""Telling and compensating the affected before they ask."""

from typing import ClassVar

import pgtrigger
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Func, Q, Value

from makegood.ground.messages.models import Message
from makegood.ground.retail.models import Customer, Order
from makegood.ids import uuid7
from makegood.prevent.incidents.models import Incident
from makegood.recover.cases.models import Case, Reason


class State(models.TextChoices):
    DRAFT = "draft", "Draft"
    ASKED = "asked", "Waiting for approval"
    RUNNING = "running", "Running"
    STOPPED = "stopped", "Stopped"
    ENDED = "ended", "Ended"


class Remedy(models.TextChoices):
    """What is offered to put it right."""

    NONE = "none", "Nothing but the message"
    CREDIT = "credit", "Credit"
    REFUND = "refund", "Refund"
    VOUCHER = "voucher", "Voucher"
    REPLACEMENT = "replacement", "Replacement"


class Outreach(models.Model):
    """One message, in several wordings, to the people whom an incident affected."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    number = models.BigIntegerField(
        unique=True,
        editable=False,
        db_default=Func(Value("outreach_number"), function="nextval", output_field=models.BigIntegerField()),
    )
    incident = models.ForeignKey(Incident, models.PROTECT, related_name="outreaches")
    title = models.CharField(max_length=200)
    state = models.CharField(max_length=8, choices=State, default=State.DRAFT)
    reason = models.ForeignKey(
        Reason, models.PROTECT, related_name="+", db_index=False, help_text="Of the cases that it opens."
    )
    currency = models.CharField(max_length=3)
    is_recall = models.BooleanField(default=False, help_text="For safety: nobody is held out or left in the dark.")
    holdout = models.PositiveSmallIntegerField(default=10, help_text="Percent of the people, left out at random.")
    per_minute = models.PositiveIntegerField(default=300, help_text="Messages that leave in a minute, at most.")
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    made_at = models.DateTimeField()
    # Who is told what was worked out at that time; none: since then something was changed.
    drawn_at = models.DateTimeField(null=True, blank=True)
    draw_asked_at = models.DateTimeField(null=True, blank=True, help_text="A job has yet to work it out.")
    zones = ArrayField(models.CharField(max_length=64), default=list, help_text="Time zones of its people.")
    asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    asked_at = models.DateTimeField(null=True, blank=True)
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    started_at = models.DateTimeField(null=True, blank=True)
    stopped_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    # How many were handed to the outbox in which minute: the throttle.
    minute = models.DateTimeField(null=True, blank=True)
    in_minute = models.PositiveIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="outreach_state_known", condition=Q(state__in=State.values)),
            models.CheckConstraint(name="outreach_holdout_at_most_half", condition=Q(holdout__lte=50)),
            models.CheckConstraint(name="outreach_recall_without_holdout", condition=Q(is_recall=False) | Q(holdout=0)),
            models.CheckConstraint(name="outreach_pace", condition=Q(per_minute__gte=1, per_minute__lte=60_000)),
            models.CheckConstraint(
                name="outreach_four_eyes", condition=Q(approved_by=None) | ~Q(approved_by=F("asked_by"))
            ),
            models.CheckConstraint(
                name="outreach_started_is_whole",
                condition=Q(state__in=["draft", "asked"], started_at=None, started_by=None)
                | Q(state__in=["running", "stopped", "ended"], started_at__isnull=False, started_by__isnull=False),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["id"], name="outreach_running", condition=Q(state="running")),
            models.Index(fields=["-number"], name="outreach_listed"),
            models.Index(fields=["draw_asked_at"], name="outreach_to_draw", condition=Q(draw_asked_at__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"O-{self.number}"


class Segment(models.Model):
    """Some of the people, with words and a remedy of their own. Of several that fit the first counts."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    outreach = models.ForeignKey(Outreach, models.CASCADE, related_name="segments")
    position = models.PositiveSmallIntegerField(default=1)
    name = models.CharField(max_length=120)
    # Whom it is for (deciding.fits): {"tiers": [...], "wrote": "silent", "value_from": "50"}; left out: everybody.
    who = models.JSONField(default=dict, blank=True)
    # {"en": {"subject": ..., "body": ...}}; the first is for whoever reads none of them.
    texts = models.JSONField(default=dict)
    remedy = models.CharField(max_length=12, choices=Remedy, default=Remedy.NONE)
    amount = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    percent = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Of what it hit, in place of an amount."
    )
    cap = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True, help_text="Of a percentage.")
    code = models.CharField(max_length=60, blank=True, default="", help_text="Of a voucher.")

    class Meta:
        ordering: ClassVar = ["position", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["outreach", "position"], name="segment_has_its_place"),
            models.CheckConstraint(name="segment_remedy_known", condition=Q(remedy__in=Remedy.values)),
            models.CheckConstraint(
                name="segment_amount_or_percent",
                condition=Q(remedy__in=["none", "replacement"], amount=None, percent=None)
                | Q(remedy__in=["credit", "refund", "voucher"], amount__gt=0, percent=None)
                | Q(remedy__in=["credit", "refund", "voucher"], amount=None, percent__range=(1, 100)),
            ),
            models.CheckConstraint(name="segment_cap", condition=Q(cap=None) | Q(cap__gt=0, percent__isnull=False)),
            models.CheckConstraint(name="segment_voucher_has_code", condition=~Q(remedy="voucher") | Q(code__gt="")),
        ]

    def __str__(self) -> str:
        return self.name


class Recipient(models.Model):
    """One affected person in an outreach: told, held out or left out, with what is offered.

    Its identifier is also that of the contact and part of the message's key: whoever tells it twice tells it once.
    """

    class Arm(models.TextChoices):
        """As chance had it; never changed, whatever becomes of the message (intention to treat)."""

        NONE = "", "Not drawn"
        TOLD = "told", "To be told"
        HOLDOUT = "holdout", "Held out"

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        QUEUED = "queued", "Being sent"
        SENT = "sent", "Told"
        UNCERTAIN = "uncertain", "Perhaps told"
        FAILED = "failed", "Not reached"
        HOLDOUT = "holdout", "Held out"
        LEFT_OUT = "left_out", "Left out"

    class Answer(models.TextChoices):
        NONE = "", "No answer"
        ACCEPTED = "accepted", "Accepted"
        DECLINED = "declined", "Declined"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    outreach = models.ForeignKey(Outreach, models.CASCADE, related_name="people", db_index=False)
    person = models.UUIDField(help_text="The least of the person's accounts.")
    accounts = ArrayField(models.UUIDField(), help_text="All accounts of the person (retail_person).")
    customer = models.ForeignKey(Customer, models.PROTECT, related_name="+", db_index=False, help_text="Is written to.")
    order = models.ForeignKey(
        Order, models.PROTECT, related_name="+", db_index=False, help_text="The case's: the one worth most."
    )
    orders = ArrayField(models.UUIDField(), help_text="All that it hit, the one worth most first.")
    value = models.DecimalField(max_digits=14, decimal_places=2, help_text="Of what it hit.")
    currency = models.CharField(max_length=3)
    segment = models.ForeignKey(Segment, models.PROTECT, null=True, blank=True, related_name="+", db_index=False)
    language = models.CharField(max_length=8, blank=True, default="")
    zone = models.CharField(max_length=64)
    wrote = models.BooleanField(default=False, help_text="Wrote to us before anything was sent.")
    amount = models.DecimalField(max_digits=14, decimal_places=2, default=0, help_text="What is offered.")
    arm = models.CharField(max_length=8, choices=Arm, default=Arm.NONE, blank=True)
    state = models.CharField(max_length=10, choices=State)
    why = models.CharField(max_length=20, blank=True, default="", help_text="Why left out (deciding.WHY).")
    case = models.ForeignKey(Case, models.PROTECT, null=True, blank=True, related_name="+", db_index=False)
    opened = models.BooleanField(default=False, help_text="The case opened with the message.")
    message = models.OneToOneField(Message, models.PROTECT, null=True, blank=True, related_name="+")
    told_at = models.DateTimeField(null=True, blank=True)
    answer = models.CharField(max_length=8, choices=Answer, default=Answer.NONE, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["outreach", "person"], name="recipient_once"),
            models.CheckConstraint(
                name="recipient_left_out_says_why",
                condition=Q(state="left_out", why__gt="") | (~Q(state="left_out") & Q(why="")),
            ),
            # Nobody whom chance held out is ever told.
            models.CheckConstraint(
                name="recipient_holdout_untouched",
                condition=~Q(arm="holdout") | Q(state="holdout", message=None, case=None, told_at=None, answer=""),
            ),
            models.CheckConstraint(
                name="recipient_queued_has_message",
                condition=~Q(state__in=["queued", "sent", "uncertain", "failed"])
                | Q(message__isnull=False, case__isnull=False),
            ),
            models.CheckConstraint(
                name="recipient_answer_is_whole",
                condition=Q(answer="", answered_at=None) | Q(answer__gt="", answered_at__isnull=False),
            ),
        ]
        indexes: ClassVar = [
            # What is sent next, in the order in which people were drawn.
            models.Index(fields=["outreach", "id"], name="recipient_waiting", condition=Q(state="waiting")),
            # What the outbox has not yet said the last word on.
            models.Index(
                fields=["outreach", "id"],
                name="recipient_unsettled",
                condition=Q(state__in=["queued", "uncertain", "failed"]),
            ),
            models.Index(fields=["outreach", "state", "id"], name="recipient_listed", include=["arm"]),
            models.Index(fields=["case"], name="recipient_of_case", condition=Q(case__isnull=False)),
        ]

    def __str__(self) -> str:
        return str(self.pk)


class OptOut(models.Model):
    """Somebody who does not want messages they did not ask for. Answers to what they write are no such messages."""

    customer = models.OneToOneField(Customer, models.PROTECT, primary_key=True, related_name="+")
    at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False,
        help_text="Nobody: they did it themselves, by the link.",
    )  # fmt: skip

    def __str__(self) -> str:
        return str(self.pk)


class Entry(models.Model):
    """Something that was done to an outreach. Written once, never changed."""

    class Kind(models.TextChoices):
        MADE = "made", "Made"
        ASKED = "asked", "Approval asked for"
        APPROVED = "approved", "Approved"
        REFUSED = "refused", "Sent back"
        STARTED = "started", "Started"
        STOPPED = "stopped", "Stopped"
        RESUMED = "resumed", "Went on"
        ADDED = "added", "People added"
        ENDED = "ended", "Ended"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    outreach = models.ForeignKey(Outreach, models.PROTECT, related_name="entries")
    kind = models.CharField(max_length=10, choices=Kind)
    at = models.DateTimeField()
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    why = models.CharField(max_length=500, blank=True, default="")
    facts = models.JSONField(default=dict)

    class Meta:
        ordering: ClassVar = ["id"]
        triggers: ClassVar = [
            pgtrigger.Protect(name="entry_append_only", operation=pgtrigger.Update | pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.at:%Y-%m-%d %H:%M}"
