"""The promise register: what was promised, to whom, until when, by whom, and how it ended.

A promise is never edited. Another date or another text is another promise that *supersedes* the first, so that the
chain stays visible and the kept-rate counts the first date (`first_due_at`). What became of a promise also stands on
the timeline of its case, as events of the kind `commitment`.
"""

from typing import ClassVar

import pgtrigger
from django.conf import settings
from django.db import models
from django.db.models import F, Func, Q, Value

from makegood.ids import uuid7
from makegood.recover.cases.models import Case, CaseEvent


class Kind(models.TextChoices):
    """What the promise is about. Two of one kind with different dates contradict each other."""

    CALL = "call", "Call"
    ANSWER = "answer", "Answer"
    REFUND = "refund", "Refund"
    REPLACEMENT = "replacement", "Replacement"
    REPAIR = "repair", "Repair"
    CREDIT = "credit", "Credit"
    DELIVERY = "delivery", "Delivery"
    OTHER = "other", "Other"


# Different ways to put the same thing right: who was promised one is not promised another beside it.
REMEDIES = (Kind.REFUND, Kind.REPLACEMENT, Kind.REPAIR, Kind.CREDIT)


class To(models.TextChoices):
    CUSTOMER = "customer", "To the customer"
    COLLEAGUE = "colleague", "To a colleague"
    PARTNER = "partner", "From a partner"


class State(models.TextChoices):
    OPEN = "open", "Open"
    KEPT = "kept", "Kept"
    KEPT_LATE = "kept_late", "Kept late"
    BROKEN = "broken", "Broken"
    RELEASED = "released", "Released"
    SUPERSEDED = "superseded", "Superseded"


class NoticeKind(models.TextChoices):
    """Of what people are told next."""

    NONE = "", "Nothing more"
    REMINDER = "reminder", "Soon due"
    DUE = "due", "Due now"
    ESCALATION = "escalation", "Overdue"


_CASE_IS_OPEN = """
IF NEW.case_id IS NOT NULL THEN
    -- The lock decides between promising and resolving: whoever comes second sees what the first did.
    PERFORM FROM cases_case WHERE id = NEW.case_id AND resolved_at IS NULL FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'a promise on a resolved case'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'commitment_open_on_open_case';
    END IF;
END IF;
PERFORM FROM staff_user WHERE id = NEW.owner_id AND is_active FOR SHARE;
IF NOT FOUND THEN
    RAISE EXCEPTION 'an open promise of somebody who left'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'commitment_owner_is_active';
END IF;
RETURN NEW;
"""


class Commitment(models.Model):
    """One dated promise."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    number = models.BigIntegerField(
        unique=True,
        editable=False,
        db_default=Func(Value("commitment_number"), function="nextval", output_field=models.BigIntegerField()),
    )
    to = models.CharField(max_length=10, choices=To, default=To.CUSTOMER)
    kind = models.CharField(max_length=12, choices=Kind)
    text = models.CharField(max_length=300)
    said_as = models.CharField(max_length=100, blank=True, default="", help_text="When, in the words that were typed.")
    due_at = models.DateTimeField()
    first_due_at = models.DateTimeField(help_text="Of the first promise of the chain: the kept-rate counts this one.")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    case = models.ForeignKey(Case, models.PROTECT, null=True, blank=True, related_name="commitments", db_index=False)
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )

    state = models.CharField(max_length=10, choices=State, default=State.OPEN)
    ended_at = models.DateTimeField(null=True, blank=True, help_text="When it was kept, broken, released, superseded.")
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    agreed_by = models.CharField(max_length=200, blank=True, default="", help_text="Who released us from it.")
    superseded_by = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="supersedes", db_index=False
    )

    next_notice = models.CharField(max_length=10, choices=NoticeKind, blank=True, default=NoticeKind.NONE)
    next_notice_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="commitment_to_known", condition=Q(to__in=To.values)),
            models.CheckConstraint(name="commitment_kind_known", condition=Q(kind__in=Kind.values)),
            models.CheckConstraint(name="commitment_state_known", condition=Q(state__in=State.values)),
            models.CheckConstraint(name="commitment_says_something", condition=Q(text__gt="")),
            models.CheckConstraint(
                name="commitment_without_case_is_for_colleagues", condition=Q(case__isnull=False) | Q(to="colleague")
            ),
            models.CheckConstraint(name="commitment_due_lies_ahead", condition=Q(due_at__gt=F("made_at"))),
            models.CheckConstraint(
                name="commitment_open_has_no_end",
                condition=Q(state="open", ended_at=None, ended_by=None) | ~Q(state="open") & Q(ended_at__isnull=False),
            ),
            models.CheckConstraint(
                name="commitment_ends_after_it_was_made", condition=Q(ended_at=None) | Q(ended_at__gte=F("made_at"))
            ),
            models.CheckConstraint(
                name="commitment_kept_is_in_time", condition=~Q(state="kept") | Q(ended_at__lte=F("due_at"))
            ),
            models.CheckConstraint(
                name="commitment_kept_late_is_late", condition=~Q(state="kept_late") | Q(ended_at__gt=F("due_at"))
            ),
            models.CheckConstraint(
                name="commitment_released_says_who",
                condition=Q(state="released", agreed_by__gt="") | ~Q(state="released") & Q(agreed_by=""),
            ),
            models.CheckConstraint(
                name="commitment_superseded_by_another",
                condition=Q(state="superseded", superseded_by__isnull=False)
                | ~Q(state="superseded") & Q(superseded_by=None),
            ),
            models.CheckConstraint(
                name="commitment_notices_while_open",
                condition=Q(next_notice="", next_notice_at=None)
                | Q(state="open", next_notice__gt="", next_notice_at__isnull=False),
            ),
        ]
        indexes: ClassVar = [
            # The tick: what is to be told now, whatever else is in the table.
            models.Index(
                fields=["next_notice_at"], name="commitment_notice", condition=Q(next_notice_at__isnull=False)
            ),
            # The lists: open ones, the next to come due on top, keyset (due_at, id).
            models.Index(fields=["due_at", "id"], name="commitment_open_due", condition=Q(state="open")),
            models.Index(fields=["owner", "due_at", "id"], name="commitment_of_owner", condition=Q(state="open")),
            models.Index(fields=["case", "due_at"], name="commitment_of_case", condition=Q(case__isnull=False)),
            # The calendar: a week or a month of whatever became of them.
            models.Index(fields=["due_at", "id"], name="commitment_calendar", condition=~Q(state="superseded")),
            # Those that ended, the newest first; and the kept-rate by when it first came due.
            models.Index(fields=["-ended_at", "id"], name="commitment_ended", condition=~Q(state="open")),
            models.Index(fields=["first_due_at"], name="commitment_came_due"),
        ]
        triggers: ClassVar = [
            pgtrigger.Trigger(
                name="commitment_open_needs_case_and_owner",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.UpdateOf("state", "owner_id", "case_id"),  # type: ignore[no-untyped-call]
                condition=pgtrigger.Q(new__state="open"),
                func=_CASE_IS_OPEN,
            ),
            pgtrigger.Protect(name="commitment_is_kept_on_file", operation=pgtrigger.Delete),
        ]

    def __str__(self) -> str:
        return f"P-{self.number}"


class Suggestion(models.Model):
    """A promise found in what somebody said. It waits until its author confirms or dismisses it."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        CONFIRMED = "confirmed", "Confirmed"
        DISMISSED = "dismissed", "Dismissed"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    case = models.ForeignKey(Case, models.PROTECT, related_name="suggested_commitments", db_index=False)
    event = models.ForeignKey(CaseEvent, models.PROTECT, related_name="+", db_index=False)
    start = models.PositiveIntegerField(help_text="Where in the words it stands.")
    words = models.CharField(max_length=300)
    to = models.CharField(max_length=10, choices=To, default=To.CUSTOMER)
    kind = models.CharField(max_length=12, choices=Kind)
    said_as = models.CharField(max_length=100, blank=True, default="")
    due_at = models.DateTimeField(null=True, blank=True, help_text="Empty: no date was named.")
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    found_at = models.DateTimeField()
    replaces = models.ForeignKey(
        Commitment, models.PROTECT, null=True, blank=True, related_name="+", db_index=False,
        help_text="The open promise that it contradicts.",
    )  # fmt: skip
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    commitment = models.OneToOneField(Commitment, models.PROTECT, null=True, blank=True, related_name="found_as")
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["event", "start"], name="suggestion_found_once"),
            models.CheckConstraint(
                name="suggestion_settled_says_when",
                condition=Q(state="waiting", settled_at=None, settled_by=None)
                | Q(state__in=["confirmed", "dismissed"], settled_at__isnull=False, settled_by__isnull=False),
            ),
            models.CheckConstraint(
                name="suggestion_confirmed_is_a_commitment",
                condition=Q(state="confirmed", commitment__isnull=False) | ~Q(state="confirmed") & Q(commitment=None),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["case"], name="suggestion_of_case", condition=Q(state="waiting")),
            models.Index(fields=["author", "-found_at"], name="suggestion_of_author", condition=Q(state="waiting")),
        ]

    def __str__(self) -> str:
        return self.words[:60]
