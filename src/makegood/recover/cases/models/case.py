"""The case itself, and what it is judged by."""

from typing import ClassVar

import pghistory
import pgtrigger
from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Coalesce

from makegood.ground.retail.models import Customer, Order, Place, Shipment
from makegood.ids import uuid7


class Queue(models.Model):
    """Where cases wait for the people who can work them."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=80)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering: ClassVar = ["position", "name"]

    def __str__(self) -> str:
        return self.name


class Locus(models.TextChoices):
    """Where it failed."""

    UNKNOWN = "", "Not yet known"
    WAREHOUSE = "warehouse", "Warehouse"
    CARRIER = "carrier", "Carrier"
    SELLER = "seller", "Seller"
    PRODUCT = "product", "Product"
    PRODUCT_PAGE = "product_page", "Product page"
    PAYMENT = "payment", "Payment"
    STORE = "store", "Store"
    POLICY = "policy", "Policy"
    CUSTOMER = "customer", "Customer"


class Severity(models.IntegerChoices):
    """Harm to the customer."""

    CRITICAL = 1, "Critical"
    HIGH = 2, "High"
    NORMAL = 3, "Normal"
    LOW = 4, "Low"


class Tier(models.TextChoices):
    FRONTLINE = "frontline", "Frontline"
    SPECIALIST = "specialist", "Specialist"
    MANAGER = "manager", "Manager"


class Reason(models.Model):
    """Why the customer came. A tree by dots in the code: delivery > delivery.not_received."""

    code = models.CharField(max_length=60, unique=True)
    name = models.CharField(max_length=120)
    severity = models.PositiveSmallIntegerField(choices=Severity, default=Severity.NORMAL)
    locus = models.CharField(max_length=12, choices=Locus, blank=True, default=Locus.UNKNOWN)
    queue = models.ForeignKey(Queue, models.PROTECT, related_name="reasons")
    active = models.BooleanField(default=True)

    class Meta:
        ordering: ClassVar = ["code"]

    def __str__(self) -> str:
        return self.name


class Status(models.TextChoices):
    NEW = "new", "New"
    OPEN = "open", "Open"
    WAITING_CUSTOMER = "waiting_customer", "Waiting on the customer"
    WAITING_PARTNER = "waiting_partner", "Waiting on a partner"
    RESOLVED = "resolved", "Resolved"


class Outcome(models.TextChoices):
    """How the case ended."""

    RECOVERED = "recovered", "Put right"
    EXPLAINED = "explained", "Explained, nothing owed"
    PARTLY = "partly", "Partly put right"
    REFUSED = "refused", "Refused by policy"
    LOST = "lost", "Customer lost"
    DUPLICATE = "duplicate", "Duplicate"
    NO_ANSWER = "no_answer", "Customer did not answer"


@pghistory.track(
    pghistory.UpdateEvent(),
    exclude=["search"],
    model_name="CaseAudit",
    obj_field=pghistory.ObjForeignKey(related_name="audit"),
)  # inserts need no audit: the opening event tells all
class Case(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    number = models.BigIntegerField(
        unique=True,
        editable=False,
        db_default=Func(Value("case_number"), function="nextval", output_field=models.BigIntegerField()),
    )
    # What opened it, where it opened by itself: "overdue:<shipment>". Never twice.
    origin = models.CharField(max_length=80, blank=True, default="")

    customer = models.ForeignKey(Customer, models.PROTECT, null=True, blank=True, related_name="cases", db_index=False)
    order = models.ForeignKey(Order, models.PROTECT, null=True, blank=True, related_name="cases", db_index=False)
    shipment = models.ForeignKey(Shipment, models.PROTECT, null=True, blank=True, related_name="+", db_index=False)
    place = models.ForeignKey(Place, models.PROTECT, null=True, blank=True, related_name="+", db_index=False)

    subject = models.CharField(max_length=200)
    failed = models.CharField(max_length=200, blank=True, default="", help_text="What failed: item, carrier, place.")
    channel = models.CharField(
        max_length=12, blank=True, default="", help_text="Of the first contact; empty: none yet."
    )

    reason = models.ForeignKey(Reason, models.PROTECT, related_name="+", db_index=False)
    locus = models.CharField(max_length=12, choices=Locus, blank=True, default=Locus.UNKNOWN)
    severity = models.PositiveSmallIntegerField(choices=Severity)
    tier = models.CharField(max_length=10, choices=Tier, default=Tier.FRONTLINE)
    queue = models.ForeignKey(Queue, models.PROTECT, related_name="+", db_index=False)
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    status = models.CharField(max_length=16, choices=Status, default=Status.NEW)

    value = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True, help_text="At stake.")
    currency = models.CharField(max_length=3, blank=True, default="")

    opened_at = models.DateTimeField()
    last_contact_at = models.DateTimeField(null=True, blank=True)
    last_contact_by = models.CharField(max_length=8, blank=True, default="", help_text="customer or us")
    first_response_at = models.DateTimeField(null=True, blank=True)
    first_answer_from = models.DateTimeField(null=True, blank=True, help_text="Since when the first answer was owed.")
    answer_from = models.DateTimeField(
        null=True, blank=True, help_text="Since when an answer is owed; none: it is not."
    )
    # When nobody of ours could go on: [whom, since, until] of each time (engines.clocks.Wait).
    waits = models.JSONField(default=list, db_default=Value([], models.JSONField()), blank=True)
    answer_due_at = models.DateTimeField(null=True, blank=True)
    resolve_due_at = models.DateTimeField(null=True, blank=True)
    due_at = models.DateTimeField(
        null=True, blank=True, help_text="When its next clock runs out; none: they pause for the customer."
    )
    notice_at = models.DateTimeField(null=True, blank=True, help_text="When somebody is to be told of its clocks.")
    # What they were told already: "first.warning", "resolution.breach".
    noticed = models.JSONField(default=list, db_default=Value([], models.JSONField()), blank=True)
    rank_at = models.DateTimeField(help_text="due_at, earlier the greater the harm: the order of work.")

    outcome = models.CharField(max_length=12, choices=Outcome, blank=True, default="")
    cause = models.CharField(max_length=500, blank=True, default="", help_text="Empty: not yet known.")
    prevention = models.CharField(max_length=500, blank=True, default="", help_text="What would have prevented it.")
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    split_key = models.CharField(
        max_length=36, blank=True, default="", help_text="Set where two were kept apart on purpose."
    )
    merged_into = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="merged", db_index=False,
        help_text="The case that goes on in its place. Never itself a merged one.",
    )  # fmt: skip
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children", db_index=False,
        help_text="The one failure behind many cases. Never itself a child.",
    )  # fmt: skip
    follows = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="followed_by", db_index=False,
        help_text="The case that this one follows up, or (with a split_key) was split off.",
    )  # fmt: skip
    snoozed_until = models.DateTimeField(null=True, blank=True, help_text="Out of the queue until then.")

    # The number of the last event: who writes on an older one is told so.
    version = models.PositiveIntegerField(default=0)
    changed_at = models.DateTimeField()
    search = SearchVectorField(null=True, editable=False)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                name="case_resolved_has_outcome",
                condition=Q(resolved_at=None, outcome="") & ~Q(status="resolved")
                | Q(resolved_at__isnull=False, outcome__gt="", status="resolved"),
            ),
            models.CheckConstraint(
                name="case_merged_is_duplicate",
                condition=Q(merged_into=None) | Q(resolved_at__isnull=False, outcome="duplicate"),
            ),
            models.CheckConstraint(
                name="case_not_its_own_kin",
                condition=~Q(merged_into=F("id")) & ~Q(parent=F("id")) & ~Q(follows=F("id")),
            ),
            models.CheckConstraint(
                name="case_resolved_not_snoozed", condition=Q(snoozed_until=None) | Q(resolved_at=None)
            ),
            models.CheckConstraint(
                name="case_due_unless_waiting",
                condition=Q(due_at__isnull=False)
                | Q(resolved_at__isnull=False)
                | Q(status__in=["waiting_customer", "waiting_partner"]),
            ),
            models.UniqueConstraint(fields=["origin"], name="case_origin_once", condition=Q(origin__gt="")),
            models.UniqueConstraint(
                fields=["customer", "order", "reason", "split_key"],
                name="case_open_once",
                condition=Q(resolved_at=None, customer__isnull=False),
                nulls_distinct=False,
            ),
        ]
        indexes: ClassVar = [
            # The queue pages: open cases by rank, keyset (rank_at, id). Resolved cases stay out of these.
            models.Index(fields=["queue", "rank_at", "id"], name="case_queue_rank", condition=Q(resolved_at=None)),
            # With what is filtered by, so that counting reads the index alone.
            models.Index(
                fields=["rank_at", "id"],
                name="case_rank",
                include=[
                    "queue",
                    "status",
                    "severity",
                    "reason",
                    "assignee",
                    "place",
                    "last_contact_by",
                    "customer",
                    "snoozed_until",
                ],
                condition=Q(resolved_at=None),
            ),
            models.Index(fields=["place", "rank_at", "id"], name="case_place_rank", condition=Q(resolved_at=None)),
            models.Index(fields=["assignee", "rank_at", "id"], name="case_mine_rank", condition=Q(resolved_at=None)),
            # What nobody has taken, the gravest first (the desk).
            models.Index(
                fields=["severity", "rank_at", "id"],
                name="case_nobodys_rank",
                condition=Q(resolved_at=None, assignee=None),
            ),
            # The queue by how long nobody has said a word.
            models.Index(
                Coalesce("last_contact_at", "opened_at"), "id", name="case_waiting", condition=Q(resolved_at=None)
            ),
            # What is put off, by when it comes back: the look of every minute reads what is due and nothing else.
            models.Index(fields=["snoozed_until"], name="case_snoozed", condition=Q(snoozed_until__isnull=False)),
            models.Index(fields=["merged_into"], name="case_merged_into", condition=Q(merged_into__isnull=False)),
            models.Index(fields=["parent"], name="case_children", condition=Q(parent__isnull=False)),
            models.Index(fields=["follows"], name="case_follows", condition=Q(follows__isnull=False)),
            # Whose clocks somebody is to be told of, each minute (service_levels.noticing).
            models.Index(fields=["notice_at"], name="case_notice", condition=Q(notice_at__isnull=False)),
            models.Index(fields=["customer", "-opened_at"], name="case_of_customer"),
            models.Index(fields=["order"], name="case_of_order", condition=Q(order__isnull=False)),
            models.Index(fields=["changed_at"], name="case_changed"),
            models.Index(fields=["-opened_at", "id"], name="case_opened"),
            models.Index(fields=["place", "-opened_at", "id"], name="case_place_opened"),
            # What somebody (or nobody) resolved: of few among a million `case_opened` would read all.
            models.Index(
                fields=["assignee", "-opened_at", "id"],
                name="case_resolved_of",
                condition=Q(resolved_at__isnull=False),
            ),
            GinIndex(fields=["search"], name="case_search", fastupdate=False),
            # The words of what is open, by themselves: few enough to find all of them.
            GinIndex(fields=["search"], name="case_search_open", fastupdate=False, condition=Q(resolved_at=None)),
        ]
        triggers: ClassVar = [
            # Merged cases and children are one deep, so neither can run in a circle. Services hold the rows of both.
            pgtrigger.Trigger(
                name="case_kin_one_deep",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update,
                condition=pgtrigger.Q(new__merged_into__isnull=False) | pgtrigger.Q(new__parent__isnull=False),
                func="""
                IF NEW.merged_into_id IS NOT NULL AND (
                    EXISTS (SELECT FROM cases_case c WHERE c.id = NEW.merged_into_id AND c.merged_into_id IS NOT NULL)
                    OR EXISTS (SELECT FROM cases_case c WHERE c.merged_into_id = NEW.id)
                ) OR NEW.parent_id IS NOT NULL AND (
                    EXISTS (SELECT FROM cases_case c WHERE c.id = NEW.parent_id AND c.parent_id IS NOT NULL)
                    OR EXISTS (SELECT FROM cases_case c WHERE c.parent_id = NEW.id)
                ) THEN
                    RAISE EXCEPTION 'merged cases and children are one deep'
                        USING ERRCODE = 'check_violation', CONSTRAINT = 'case_kin_one_deep';
                END IF;
                RETURN NEW;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"C-{self.number}"
