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
        indexes: ClassVar = [
            # What people said of reasons, the latest first: what triage learns from.
            models.Index(
                fields=["-at", "id"], name="event_reason_said", condition=Q(kind="reason", actor__isnull=False)
            ),
        ]
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


class Presence(models.Model):
    """Who has a case open, and what they are writing. Renewed by their page every few seconds."""

    case = models.ForeignKey(Case, models.CASCADE, related_name="+", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False)
    doing = models.CharField(max_length=5, blank=True, default="", help_text="reply, note or call; empty: looking.")
    seen_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["case", "user"], name="presence_once")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.doing or 'looks'}"


class Macro(models.Model):
    """Words that are written often, with fields that each case fills. One's own, a queue's, or everybody's."""

    class Kind(models.TextChoices):
        REPLY = "reply", "Reply"
        NOTE = "note", "Note"
        CALL = "call", "Call"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=60)
    kind = models.CharField(max_length=5, choices=Kind, default=Kind.REPLY)
    body = models.TextField(max_length=20_000)
    wait = models.BooleanField(default=False, help_text="Then wait for the customer.")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="+", db_index=False
    )
    queue = models.ForeignKey(Queue, models.CASCADE, null=True, blank=True, related_name="+", db_index=False)

    class Meta:
        ordering: ClassVar = ["name"]
        constraints: ClassVar = [
            models.CheckConstraint(name="macro_of_one_or_queue", condition=Q(owner=None) | Q(queue=None)),
        ]

    def __str__(self) -> str:
        return self.name


class SavedView(models.Model):
    """Filters of the queue under a name: one person's, or everybody's."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=40)
    address = models.CharField(max_length=1000, help_text="The query string of the filters.")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False)
    shared = models.BooleanField(default=False, db_index=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["owner", "name"], name="view_name_once")]

    def __str__(self) -> str:
        return self.name


class AssignmentRule(models.Model):
    """Who is given which cases, when they open or are put back. The first rule that fits, by position, decides."""

    class Method(models.TextChoices):
        LEAST_LOADED = "least_loaded", "Who has the fewest open cases"
        ROUND_ROBIN = "round_robin", "One after the other"

    name = models.CharField(max_length=80)
    position = models.PositiveSmallIntegerField(default=0)
    active = models.BooleanField(default=True)
    # What it is about; empty: any. A reason stands for all below it.
    reason = models.ForeignKey(Reason, models.PROTECT, null=True, blank=True, related_name="+", db_index=False)
    queue = models.ForeignKey(Queue, models.PROTECT, null=True, blank=True, related_name="+", db_index=False)
    language = models.CharField(max_length=8, blank=True, default="", help_text="Such as pt; empty: any.")
    skill = models.CharField(max_length=40, blank=True, default="", help_text="What people need; empty: anybody.")
    method = models.CharField(max_length=12, choices=Method, default=Method.LEAST_LOADED)
    # Whose turn it was last.
    last_to = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )

    class Meta:
        ordering: ClassVar = ["position", "id"]

    def __str__(self) -> str:
        return self.name


class Batch(models.Model):
    """One thing done to many cases, with what became of each."""

    class Action(models.TextChoices):
        ASSIGN = "assign", "Assign"
        REASON = "reason", "Change the reason"
        ESCALATE = "escalate", "Escalate"
        LINK = "link", "Link to a parent"
        SNOOZE = "snooze", "Put off"
        RESOLVE = "resolve", "Resolve"
        ANSWER = "answer", "Answer"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    action = models.CharField(max_length=8, choices=Action)
    asked = models.JSONField(default=dict)
    parent = models.ForeignKey(Case, models.PROTECT, null=True, blank=True, related_name="batches")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.action} {self.at:%Y-%m-%d %H:%M}"


class BatchItem(models.Model):
    """What became of one case of a batch."""

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        DONE = "done", "Done"
        REFUSED = "refused", "Not done"
        UNDONE = "undone", "Taken back"

    batch = models.ForeignKey(Batch, models.PROTECT, related_name="items", db_index=False)
    case = models.ForeignKey(Case, models.PROTECT, related_name="+", db_index=False)
    state = models.CharField(max_length=8, choices=State, default=State.WAITING)
    seq = models.PositiveIntegerField(default=0, help_text="The event that it left on the case.")
    said = models.CharField(max_length=300, blank=True, default="", help_text="Why it was not done.")

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["batch", "case"], name="batch_case_once")]
        indexes: ClassVar = [models.Index(fields=["batch"], name="batch_waiting", condition=Q(state="waiting"))]

    def __str__(self) -> str:
        return f"{self.case_id} {self.state}"


# A module of their own, so that this one stays about the case.
import makegood.recover.cases.service_levels.models  # noqa: E402, F401
