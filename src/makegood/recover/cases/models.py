"""The case: one customer's problem, from first contact to a fair end.

A case's timeline is the append-only table `CaseEvent`. Every event names the columns it set, so that the columns of a
case equal what replaying its events gives (`replay.py`, a property test says so). Words of people (contacts, notes) are
kept apart from events: a person can be erased while the facts stay.
"""

from typing import ClassVar

import pghistory
import pgtrigger
from django.conf import settings
from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Func, Q, Value
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
    due_at = models.DateTimeField(help_text="When its clock runs out.")
    rank_at = models.DateTimeField(help_text="due_at, earlier the greater the harm: the order of work.")

    outcome = models.CharField(max_length=12, choices=Outcome, blank=True, default="")
    cause = models.CharField(max_length=500, blank=True, default="")
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    split_key = models.CharField(
        max_length=36, blank=True, default="", help_text="Set where two were kept apart on purpose."
    )

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
                include=["queue", "status", "severity", "reason", "assignee", "place", "last_contact_by", "customer"],
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
            models.Index(fields=["customer", "-opened_at"], name="case_of_customer"),
            models.Index(fields=["order"], name="case_of_order", condition=Q(order__isnull=False)),
            models.Index(fields=["changed_at"], name="case_changed"),
            models.Index(fields=["-opened_at", "id"], name="case_opened"),
            models.Index(fields=["place", "-opened_at", "id"], name="case_place_opened"),
            GinIndex(fields=["search"], name="case_search", fastupdate=False),
            # The words of what is open, by themselves: few enough to find all of them.
            GinIndex(fields=["search"], name="case_search_open", fastupdate=False, condition=Q(resolved_at=None)),
        ]

    def __str__(self) -> str:
        return f"C-{self.number}"


class Channel(models.TextChoices):
    EMAIL = "email", "E-mail"
    PHONE = "phone", "Phone"
    CHAT = "chat", "Chat"
    WEB = "web", "Web form"
    STORE = "store", "Store desk"
    SOCIAL = "social", "Social media"
    REVIEW = "review", "Review"
    API = "api", "API"


class Direction(models.TextChoices):
    IN = "in", "From the customer"
    OUT = "out", "To the customer"


class Contact(models.Model):
    """One touch by or to the customer."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    case = models.ForeignKey(Case, models.PROTECT, related_name="contacts")
    channel = models.CharField(max_length=12, choices=Channel)
    direction = models.CharField(max_length=3, choices=Direction)
    author = models.CharField(max_length=200, blank=True, default="")
    staff = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    subject = models.CharField(max_length=300, blank=True, default="")
    body = models.TextField()
    language = models.CharField(max_length=8, blank=True, default="")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.channel} {self.direction} {self.at:%Y-%m-%d %H:%M}"


class Envelope(models.Model):
    """What a contact that came by mail had around its words."""

    contact = models.OneToOneField(Contact, models.PROTECT, primary_key=True, related_name="envelope")
    message_id = models.CharField(max_length=998, blank=True, default="", help_text="The Message-ID header.")
    references = models.TextField(blank=True, default="", help_text="The References header.")
    brand = models.CharField(max_length=40, blank=True, default="", help_text="Of the address that was written to.")
    quoted = models.TextField(blank=True, default="", help_text="What the writer repeated below their words.")

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["message_id"], name="envelope_by_message", condition=Q(message_id__gt="")),
        ]

    def __str__(self) -> str:
        return self.message_id


class Attachment(models.Model):
    """A file that came with a contact, or left with it. Its content lies outside the database, by its hash."""

    class Scan(models.TextChoices):
        WAITING = "waiting", "Not yet checked"
        CLEAN = "clean", "No virus found"
        INFECTED = "infected", "Virus found"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    contact = models.ForeignKey(Contact, models.PROTECT, related_name="attachments")
    name = models.CharField(max_length=200)
    type = models.CharField(max_length=100, help_text="What its content looks like, not what its sender calls it.")
    size = models.BigIntegerField()
    sha256 = models.CharField(max_length=64, blank=True, default="")
    key = models.CharField(max_length=200, blank=True, default="", help_text="Where it is stored; empty: it is not.")
    left_out = models.CharField(max_length=200, blank=True, default="", help_text="Why it was not kept.")
    inline = models.BooleanField(default=False, help_text="A picture that stood within the words.")
    scan = models.CharField(max_length=8, choices=Scan, default=Scan.WAITING)
    scan_says = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                name="attachment_kept_or_says_why",
                condition=Q(key__gt="", left_out="") | Q(key="", left_out__gt=""),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["id"], name="attachment_unscanned", condition=Q(scan="waiting", key__gt="")),
        ]

    def __str__(self) -> str:
        return self.name


class Note(models.Model):
    """What a colleague wrote for colleagues."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    case = models.ForeignKey(Case, models.PROTECT, related_name="notes")
    staff = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    body = models.TextField()
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.body[:60]


class CaseEvent(models.Model):
    """One thing that happened to a case. Written once, never changed."""

    class Kind(models.TextChoices):
        OPENED = "opened", "Opened"
        TRIAGED = "triaged", "Triaged"
        CONTACT = "contact", "Contact"
        NOTE = "note", "Note"
        ASSIGNED = "assigned", "Assigned"
        REASON = "reason", "Reason changed"
        STATUS = "status", "Status changed"
        FACT = "fact", "Learned"
        RESOLVED = "resolved", "Resolved"
        REOPENED = "reopened", "Reopened"
        COMMITMENT = "commitment", "Promise"
        CLOCK = "clock", "Clock"
        ESCALATED = "escalated", "Escalated"
        MERGED = "merged", "Merged"
        SPLIT = "split", "Split"
        LINKED = "linked", "Linked"
        SNOOZED = "snoozed", "Put off"
        MENTIONED = "mentioned", "Mentioned"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    case = models.ForeignKey(Case, models.PROTECT, related_name="events", db_index=False)
    seq = models.PositiveIntegerField()
    kind = models.CharField(max_length=10, choices=Kind)
    at = models.DateTimeField()
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    # Why, in words that staff read ("Severity raised: gold customer, third failure this year").
    why = models.TextField(blank=True, default="")
    # The columns of the case that this event set, as JSON values.
    changes = models.JSONField(default=dict)
    # What it is about: {"contact": id} or {"note": id}, and plain facts.
    facts = models.JSONField(default=dict)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["case", "seq"], name="event_once_per_case")]
        ordering: ClassVar = ["case", "seq"]
        triggers: ClassVar = [
            pgtrigger.Protect(name="event_append_only", operation=pgtrigger.Update | pgtrigger.Delete),
            # Other systems are told in the transaction in which it happened. Only who and what, no words of people: the
            # rest is read over the API by those who may.
            pgtrigger.Trigger(
                name="event_told",
                level=pgtrigger.Statement,
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                referencing=pgtrigger.Referencing(new="fresh"),  # type: ignore[no-untyped-call]
                func="""
                    IF EXISTS (SELECT 1 FROM api_endpoint WHERE active) THEN
                        INSERT INTO api_delivery
                            (id, endpoint_id, event, payload, status, attempts, created_at, due_at, answer)
                        SELECT makegood_uuid7(), e.id, 'case.' || f.kind, jsonb_build_object(
                                'type', 'case.' || f.kind, 'timestamp', f.at,
                                'data', jsonb_build_object(
                                    'case', 'C-' || c.number, 'case_id', c.id, 'seq', f.seq, 'status', c.status,
                                    'severity', c.severity, 'outcome', c.outcome, 'customer_id', c.customer_id,
                                    'order_id', c.order_id)),
                            'waiting', 0, now(), now(), ''
                        FROM fresh f JOIN cases_case c ON c.id = f.case_id
                        JOIN api_endpoint e ON e.active AND ('case.' || f.kind) = ANY(e.events)
                        ORDER BY f.case_id, f.seq;
                    END IF;
                    RETURN NULL;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.kind}"


class CustomerLink(models.Model):
    """The customer's way to their own case without signing in. One at a time per case; revoked, it is gone for good."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    case = models.ForeignKey(Case, models.PROTECT, related_name="links", db_index=False)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True, help_text="When the customer last opened it.")
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["case"], name="link_one_per_case", condition=Q(revoked_at=None)),
        ]

    def __str__(self) -> str:
        return f"link to {self.case_id}"
