"""The retailer's world, mirrored. Rows come from outside systems and are never invented here.

Every mirrored row belongs to a *source* and carries that source's own *reference*; the pair is unique, so delivering
the same thing twice changes nothing. `changed_at` says when we last learned something new about the row.
"""

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.indexes import BrinIndex, GinIndex
from django.contrib.postgres.search import SearchVector, SearchVectorField
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Lower, Now, Replace, Right, Upper
from django.db.models.lookups import Exact

from makegood.ids import uuid7


class Source(models.Model):
    """An outside system that tells us about the world: its references are unique within it."""

    id = models.SmallAutoField(primary_key=True)
    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=120)
    time_zone = models.CharField(max_length=64, default="UTC", help_text="Of times that come without one.")
    currency = models.CharField(max_length=3, default="EUR")
    imported_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name


class Mirrored(models.Model):
    """What every mirrored row has.

    References between mirrored rows are not checked by PostgreSQL row by row (`db_constraint=False`): that trigger
    costs as much as the whole insert. They hold because the only writer, `loading/`, takes every id from a join with
    the parent's rows, commits parents before children, and holds the source's lock; and because mirrored rows are
    never deleted.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    source = models.ForeignKey(Source, models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    ref = models.CharField(max_length=200)
    changed_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        abstract = True
        # (ref, source), not (source, ref): look-ups by reference alone use the same index.
        constraints: ClassVar = [models.UniqueConstraint(fields=["ref", "source"], name="%(class)s_ref_once")]

    def __str__(self) -> str:
        return self.ref


class Place(Mirrored):
    """Where things are sold, kept or led: region > district > store; warehouses stand beside."""

    class Kind(models.TextChoices):
        REGION = "region", "Region"
        DISTRICT = "district", "District"
        STORE = "store", "Store"
        WAREHOUSE = "warehouse", "Warehouse"

    kind = models.CharField(max_length=12, choices=Kind)
    name = models.CharField(max_length=120)
    parent = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="children", db_constraint=False
    )
    time_zone = models.CharField(max_length=64, default="UTC")
    city = models.CharField(max_length=120, blank=True, default="")
    state = models.CharField(max_length=120, blank=True, default="")
    country = models.CharField(max_length=2, blank=True, default="")

    def __str__(self) -> str:
        return self.name


class Vendor(Mirrored):
    """Whose work or goods we depend on."""

    class Kind(models.TextChoices):
        SELLER = "seller", "Seller"
        MANUFACTURER = "manufacturer", "Manufacturer"
        CARRIER = "carrier", "Carrier"
        REPAIR = "repair_service", "Repair service"

    kind = models.CharField(max_length=14, choices=Kind)
    name = models.CharField(max_length=200)
    email = models.EmailField(blank=True, default="")
    city = models.CharField(max_length=120, blank=True, default="")
    state = models.CharField(max_length=120, blank=True, default="")
    country = models.CharField(max_length=2, blank=True, default="")

    class Meta(Mirrored.Meta):
        indexes: ClassVar = [
            # Serves intake: whether a mail comes from a partner, by its address or where that belongs.
            models.Index(
                Lower(Func(F("email"), Value("@"), Value(2), function="split_part")),
                name="vendor_by_domain",
                condition=Q(email__gt=""),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Product(Mirrored):
    name = models.CharField(max_length=300)
    category = models.CharField(max_length=120, blank=True, default="")
    manufacturer = models.ForeignKey(
        Vendor, models.PROTECT, null=True, blank=True, related_name="products", db_constraint=False
    )
    warranty_months = models.PositiveSmallIntegerField(null=True, blank=True)

    def __str__(self) -> str:
        return self.name


class Customer(Mirrored):
    """An account. Accounts of one person share `person_ref` (of the same source) or are linked by hand (PersonLink)."""

    name = models.CharField(max_length=200, blank=True, default="")
    email = models.CharField(max_length=254, blank=True, default="")
    phone = models.CharField(max_length=40, blank=True, default="")
    language = models.CharField(max_length=8, blank=True, default="")
    loyalty_tier = models.CharField(max_length=40, blank=True, default="")
    lifetime_value = models.DecimalField(max_digits=14, decimal_places=2, null=True, blank=True)
    person_ref = models.CharField(max_length=200, blank=True, default="")
    city = models.CharField(max_length=120, blank=True, default="")
    state = models.CharField(max_length=120, blank=True, default="")
    postal_code = models.CharField(max_length=20, blank=True, default="")
    country = models.CharField(max_length=2, blank=True, default="")
    search = models.GeneratedField(
        expression=SearchVector("name", "email", "ref", "phone", "city", config="simple"),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    class Meta(Mirrored.Meta):
        indexes: ClassVar = [
            GinIndex(fields=["search"], name="customer_search"),
            models.Index(fields=["email"], name="customer_email", condition=Q(email__gt="")),
            # Serves intake.matching: addresses are compared without regard to case.
            models.Index(Lower("email"), name="customer_email_lower", condition=Q(email__gt="")),
            # Serves the tiers that can be chosen in the queue, by hopping from one to the next.
            models.Index(fields=["loyalty_tier"], name="customer_tier", condition=Q(loyalty_tier__gt="")),
            models.Index(fields=["person_ref"], name="customer_person", condition=Q(person_ref__gt="")),
            # Serve queries.people: who may be the same person. The last nine digits leave out how a country is dialled.
            models.Index(
                Right(Func("phone", Value(r"\D"), Value(""), Value("g"), function="regexp_replace"), 9),
                name="customer_phone_digits",
                condition=Q(phone__gt=""),
            ),
            models.Index(
                Upper(Replace("postal_code", Value(" "), Value(""))),
                Lower("name"),
                name="customer_name_at_home",
                condition=Q(postal_code__gt="", name__gt=""),
            ),
        ]

    def __str__(self) -> str:
        return self.name or self.ref


class PersonLink(models.Model):
    """What a colleague said of accounts: that one person has both, that they are two people, or that an account stands
    alone whatever its source says.

    The source's own `person_ref` is left as it is, so the next import changes nothing here. Rows are never deleted:
    what was taken back has an end, with who ended it. Who belongs together is read by the function `retail_person`.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    a = models.ForeignKey(Customer, models.PROTECT, related_name="+")
    b = models.ForeignKey(
        Customer, models.PROTECT, null=True, blank=True, related_name="+",
        help_text="Of the two the one with the greater id; empty: `a` stands alone.",
    )  # fmt: skip
    same = models.BooleanField(help_text="One person has both.")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    at = models.DateTimeField()
    why = models.CharField(max_length=300, blank=True, default="")
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    ended_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[models.Manager["PersonLink"]] = models.Manager()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                name="personlink_two_or_alone",
                condition=Q(b__isnull=False, b__gt=F("a")) | Q(b__isnull=True, same=False),
            ),
            models.CheckConstraint(
                name="personlink_end_is_whole",
                condition=Q(ended_at=None, ended_by=None) | Q(ended_at__isnull=False, ended_by__isnull=False),
            ),
            # Decides who comes first of two who say something of the same accounts.
            models.UniqueConstraint(
                fields=["a", "b"], name="personlink_said_once", condition=Q(ended_at=None), nulls_distinct=False
            ),
        ]

    def __str__(self) -> str:
        return f"{self.a} {'is' if self.same else 'is not'} {self.b or 'anybody else'}"


class Order(Mirrored):
    """One purchase, online or in a store."""

    class Status(models.TextChoices):
        PLACED = "placed", "Placed"
        PAID = "paid", "Paid"
        SHIPPED = "shipped", "Shipped"
        READY = "ready", "Ready for pick-up"
        DELIVERED = "delivered", "Delivered"
        CANCELLED = "cancelled", "Cancelled"
        UNAVAILABLE = "unavailable", "Out of stock"
        RETURNED = "returned", "Returned"

    class Channel(models.TextChoices):
        ONLINE = "online", "Online"
        MARKETPLACE = "marketplace", "Marketplace"
        STORE = "store", "Store"
        PICKUP = "pickup", "Pick-up in store"

    customer = models.ForeignKey(Customer, models.PROTECT, related_name="orders", db_index=False, db_constraint=False)
    place = models.ForeignKey(
        Place, models.PROTECT, null=True, blank=True, related_name="+", db_index=False, db_constraint=False
    )
    channel = models.CharField(max_length=12, choices=Channel, default=Channel.ONLINE)
    status = models.CharField(max_length=12, choices=Status)
    placed_at = models.DateTimeField()
    paid_at = models.DateTimeField(null=True, blank=True)
    promised_at = models.DateTimeField(null=True, blank=True)
    cancelled_at = models.DateTimeField(null=True, blank=True, help_text="Or found to be out of stock.")
    total = models.DecimalField(max_digits=14, decimal_places=2, default=0)
    currency = models.CharField(max_length=3)

    class Meta(Mirrored.Meta):
        constraints: ClassVar = [
            *Mirrored.Meta.constraints,
            models.CheckConstraint(name="order_total_not_negative", condition=Q(total__gte=0)),
        ]
        indexes: ClassVar = [
            models.Index(fields=["customer", "-placed_at"], name="order_of_customer"),
            # Serves intake.failures: what was called off, as time passes.
            models.Index(fields=["cancelled_at"], name="order_cancelled", condition=Q(cancelled_at__isnull=False)),
            BrinIndex(fields=["changed_at"], name="order_changed", autosummarize=True),
            # Serves intake.failures: promises as they pass while nothing has been sent.
            models.Index(
                fields=["promised_at"],
                name="order_unsent",
                condition=Q(status__in=["placed", "paid", "cancelled", "unavailable"]),
            ),
        ]


class Shipment(Mirrored):
    """What travels to the customer, or waits to be picked up."""

    order = models.ForeignKey(Order, models.PROTECT, related_name="shipments", db_constraint=False)
    carrier = models.ForeignKey(
        Vendor, models.PROTECT, null=True, blank=True, related_name="+", db_index=False, db_constraint=False
    )
    seller = models.ForeignKey(
        Vendor, models.PROTECT, null=True, blank=True, related_name="+", db_index=False, db_constraint=False
    )
    warehouse = models.ForeignKey(
        Place, models.PROTECT, null=True, blank=True, related_name="+", db_index=False, db_constraint=False
    )
    tracking_number = models.CharField(max_length=80, blank=True, default="")
    from_state = models.CharField(max_length=120, blank=True, default="")
    to_state = models.CharField(max_length=120, blank=True, default="")
    handover_due_at = models.DateTimeField(null=True, blank=True, help_text="The carrier should have it by then.")
    handed_over_at = models.DateTimeField(null=True, blank=True)
    promised_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)

    class Meta(Mirrored.Meta):
        indexes: ClassVar = [
            # Serve intake.failures: promises as they pass, late arrivals as they come.
            models.Index(fields=["promised_at"], name="shipment_promised"),
            models.Index(fields=["delivered_at"], name="shipment_late", condition=Q(delivered_at__gt=F("promised_at"))),
            BrinIndex(fields=["changed_at"], name="shipment_changed", autosummarize=True),
            # A carrier names a parcel by its number alone.
            models.Index(fields=["tracking_number"], name="shipment_tracked", condition=Q(tracking_number__gt="")),
        ]


class OrderLine(Mirrored):
    order = models.ForeignKey(Order, models.PROTECT, related_name="lines", db_constraint=False)
    product = models.ForeignKey(Product, models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    seller = models.ForeignKey(
        Vendor, models.PROTECT, null=True, blank=True, related_name="+", db_index=False, db_constraint=False
    )
    position = models.PositiveSmallIntegerField(default=1)
    quantity = models.PositiveIntegerField(default=1)
    unit_price = models.DecimalField(max_digits=12, decimal_places=2)
    freight = models.DecimalField(max_digits=12, decimal_places=2, default=0)
    batch = models.CharField(max_length=80, blank=True, default="", help_text="Lot or serial number.")

    class Meta(Mirrored.Meta):
        constraints: ClassVar = [
            *Mirrored.Meta.constraints,
            models.CheckConstraint(
                name="orderline_amounts_not_negative", condition=Q(unit_price__gte=0) & Q(freight__gte=0)
            ),
        ]
        indexes: ClassVar = [
            BrinIndex(fields=["changed_at"], name="orderline_changed", autosummarize=True),
        ]


class Payment(Mirrored):
    order = models.ForeignKey(Order, models.PROTECT, related_name="payments", db_constraint=False)
    method = models.CharField(max_length=40)
    amount = models.DecimalField(max_digits=14, decimal_places=2)
    paid_at = models.DateTimeField(null=True, blank=True)

    class Meta(Mirrored.Meta):
        constraints: ClassVar = [
            *Mirrored.Meta.constraints,
            models.CheckConstraint(name="payment_not_negative", condition=Q(amount__gte=0)),
        ]
        indexes: ClassVar = [
            # What banks took back: few among all.
            models.Index(
                fields=["order"], name="payment_taken_back", condition=Q(Exact(Lower("method"), Value("chargeback")))
            ),
        ]


class TrackingEvent(Mirrored):
    """One scan or message of a carrier."""

    class Kind(models.TextChoices):
        ACCEPTED = "accepted", "Handed to the carrier"
        IN_TRANSIT = "in_transit", "On its way"
        EXCEPTION = "exception", "Problem"
        OUT_FOR_DELIVERY = "out_for_delivery", "Out for delivery"
        ATTEMPTED = "attempted", "Delivery attempted"
        READY = "ready", "Ready for pick-up"
        DELIVERED = "delivered", "Delivered"
        LOST = "lost", "Declared lost"
        RETURNED = "returned", "Returned to sender"

    shipment = models.ForeignKey(Shipment, models.PROTECT, related_name="tracking", db_constraint=False)
    at = models.DateTimeField()
    kind = models.CharField(max_length=18, choices=Kind)
    location = models.CharField(max_length=200, blank=True, default="")
    description = models.CharField(max_length=500, blank=True, default="")

    class Meta(Mirrored.Meta):
        # Serves the desk's valued customers: what was declared lost, as it comes.
        indexes: ClassVar = [models.Index(fields=["at"], name="tracking_lost", condition=Q(kind="lost"))]


class Return(Mirrored):
    class Status(models.TextChoices):
        REQUESTED = "requested", "Requested"
        RECEIVED = "received", "Received"
        REFUNDED = "refunded", "Refunded"
        REFUSED = "refused", "Refused"

    order = models.ForeignKey(Order, models.PROTECT, related_name="returns", db_constraint=False)
    line = models.ForeignKey(
        OrderLine, models.PROTECT, null=True, blank=True, related_name="+", db_index=False, db_constraint=False
    )
    status = models.CharField(max_length=10, choices=Status)
    reason = models.CharField(max_length=300, blank=True, default="")
    requested_at = models.DateTimeField()
    received_at = models.DateTimeField(null=True, blank=True)
    refunded_at = models.DateTimeField(null=True, blank=True)
    amount = models.DecimalField(max_digits=14, decimal_places=2, default=0)

    class Meta(Mirrored.Meta):
        pass


class Review(Mirrored):
    """What a customer said in public or in a survey, with 1 to 5 stars."""

    customer = models.ForeignKey(Customer, models.PROTECT, related_name="reviews", db_constraint=False)
    order = models.ForeignKey(Order, models.PROTECT, null=True, blank=True, related_name="reviews", db_constraint=False)
    place = models.ForeignKey(
        Place, models.PROTECT, null=True, blank=True, related_name="+", db_index=False, db_constraint=False
    )
    score = models.PositiveSmallIntegerField()
    title = models.CharField(max_length=300, blank=True, default="")
    body = models.TextField(blank=True, default="")
    language = models.CharField(max_length=8, blank=True, default="")
    at = models.DateTimeField()

    class Meta(Mirrored.Meta):
        constraints: ClassVar = [
            *Mirrored.Meta.constraints,
            models.CheckConstraint(name="review_score_1_to_5", condition=Q(score__range=(1, 5))),
        ]
        indexes: ClassVar = [
            # Serves intake.failures: bad reviews as they come.
            models.Index(fields=["at"], name="review_bad", condition=Q(score__lte=2)),
            BrinIndex(fields=["changed_at"], name="review_changed", autosummarize=True),
        ]


class ImportRun(models.Model):
    """One delivery of files: what came in, what was left out, how long it took."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    source = models.ForeignKey(Source, models.PROTECT, related_name="runs")
    path = models.CharField(max_length=1000)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    # {"orders": {"read": 10, "new": 8, "changed": 0, "same": 1, "rejected": 1}, ...}
    tables = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"{self.source} {self.started_at:%Y-%m-%d %H:%M}"


class Reject(models.Model):
    """A row that could not be read, kept until somebody corrects or dismisses it."""

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        CORRECTED = "corrected", "Corrected"
        DISMISSED = "dismissed", "Dismissed"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    run = models.ForeignKey(ImportRun, models.PROTECT, related_name="rejects")
    table = models.CharField(max_length=40)
    file = models.CharField(max_length=300)
    line = models.PositiveBigIntegerField(null=True, help_text="Row of the file, the header being row 1.")
    reason = models.CharField(max_length=500)
    payload = models.TextField(
        help_text="The row as JSON where it could be split into fields, else as it came (shortened)."
    )
    status = models.CharField(max_length=10, choices=Status, default=Status.OPEN)
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                name="reject_settled_has_time",
                condition=Q(status="open", settled_at=None) | (~Q(status="open") & Q(settled_at__isnull=False)),
            )
        ]
        indexes: ClassVar = [models.Index(fields=["-id"], name="reject_open", condition=Q(status="open"))]

    def __str__(self) -> str:
        return f"{self.file}:{self.line} {self.reason}"
