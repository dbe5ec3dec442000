"""What arrived and waits to be understood, and what intake already acted on."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from makegood.ground.messages.models import Message
from makegood.ground.retail.models import Mirrored, Order, Place
from makegood.ids import uuid7
from makegood.recover.cases.models import Case, Channel, Contact, Direction


class Arrival(Mirrored):
    """A contact as it came in, before it is matched to customer, order and case. The original is kept."""

    channel = models.CharField(max_length=12, choices=Channel)
    direction = models.CharField(
        max_length=3, choices=[(it.value, it.label) for it in (Direction.IN, Direction.OUT)], default=Direction.IN
    )
    author = models.CharField(max_length=254, blank=True, default="", help_text="Address or name as given.")
    customer_ref = models.CharField(max_length=200, blank=True, default="")
    order_ref = models.CharField(max_length=200, blank=True, default="")
    case_number = models.BigIntegerField(
        null=True, blank=True, help_text="The case it belongs to, where that is proven: it answers a mail of ours."
    )
    place = models.ForeignKey(Place, models.PROTECT, null=True, blank=True, related_name="+", db_index=False)
    subject = models.CharField(max_length=300, blank=True, default="")
    body = models.TextField()
    ours = models.TextField(
        blank=True, default="", db_default="", help_text="What we said in it, where both sides spoke: a chat."
    )
    language = models.CharField(max_length=8, blank=True, default="")
    at = models.DateTimeField()
    # The contact it became. Set once, in the transaction that made the contact.
    contact = models.OneToOneField(Contact, models.PROTECT, null=True, blank=True, related_name="arrival")
    set_aside = models.CharField(
        max_length=200, blank=True, default="", db_default="", help_text="Why it became no contact."
    )

    class Meta(Mirrored.Meta):
        indexes: ClassVar = [
            models.Index(fields=["at"], name="arrival_waiting", condition=Q(contact=None, set_aside="")),
        ]


class Failure(models.Model):
    """A failure that intake found, and the case it went to. Found once: a second look passes it over."""

    class Kind(models.TextChoices):
        CANCELLED = "cancelled", "Cancelled after payment"
        OVERDUE = "overdue", "Promised date passed"
        UNSHIPPED = "unshipped", "Promised date passed, nothing sent"
        PICKUP = "pickup", "Pick-up order not ready"
        LATE = "late", "Delivered late"
        REVIEW = "review", "Bad review"

    # Kind and row: "overdue:<shipment>". The case that it opened carries the same.
    origin = models.CharField(max_length=80, primary_key=True)
    kind = models.CharField(max_length=10, choices=Kind)
    order = models.ForeignKey(Order, models.PROTECT, null=True, blank=True, related_name="+", db_index=False)
    case = models.ForeignKey(Case, models.PROTECT, related_name="+", db_index=False)
    happened_at = models.DateTimeField()
    visible_at = models.DateTimeField(help_text="When it had happened and we had been told.")

    def __str__(self) -> str:
        return self.origin


class Watermark(models.Model):
    """How far intake has looked, per kind of look. One row each, moved forward only."""

    kind = models.CharField(max_length=80, primary_key=True)
    looked_until = models.DateTimeField()

    def __str__(self) -> str:
        return self.kind


class Mailbox(models.Model):
    """How a mailbox fares: when it was last read, and what stands in the way since when."""

    name = models.CharField(max_length=200, primary_key=True)
    read_at = models.DateTimeField(null=True, blank=True, help_text="When it last could be read.")
    problem = models.CharField(max_length=500, blank=True, default="", help_text="Why not now; empty: it can.")
    since = models.DateTimeField(null=True, blank=True, help_text="Of the problem.")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                name="mailbox_problem_has_since",
                condition=Q(problem="", since=None) | Q(problem__gt="", since__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class Mail(models.Model):
    """One e-mail as it came in, and what became of it. The original is kept, byte by byte."""

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        TAKEN = "taken", "Taken in"
        BOUNCE = "bounce", "Delivery report"
        AUTOMATIC = "automatic", "Automatic"
        DUPLICATE = "duplicate", "Came twice"
        REJECTED = "rejected", "Not read"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    brand = models.CharField(max_length=40, blank=True, default="")
    # Where it was fetched: the mailbox, its UIDVALIDITY and the UID. Or the provider that handed it in.
    mailbox = models.CharField(max_length=200)
    uidvalidity = models.BigIntegerField(null=True)
    uid = models.BigIntegerField(null=True)
    came_at = models.DateTimeField()
    size = models.BigIntegerField()
    key = models.CharField(max_length=200, blank=True, default="", help_text="Where the original is stored.")
    # Of what makes two mails the same one: Message-ID, sender, date, subject and content. Copies stand as duplicates.
    fingerprint = models.CharField(max_length=64, blank=True, default="")
    status = models.CharField(max_length=9, choices=Status, default=Status.WAITING)
    why = models.CharField(max_length=500, blank=True, default="", help_text="What became of it, in words.")
    sender = models.CharField(max_length=320, blank=True, default="")
    subject = models.CharField(max_length=300, blank=True, default="")
    case = models.ForeignKey(Case, models.PROTECT, null=True, blank=True, related_name="+")
    contact = models.OneToOneField(Contact, models.PROTECT, null=True, blank=True, related_name="mail")
    message = models.ForeignKey(
        Message,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        help_text="What it reports on.",
    )

    class Meta:
        constraints: ClassVar = [
            # Whoever fetches the same mail twice keeps it once.
            models.UniqueConstraint(fields=["mailbox", "uidvalidity", "uid"], name="mail_fetched_once"),
            models.UniqueConstraint(
                fields=["fingerprint"],
                name="mail_taken_once",
                condition=Q(fingerprint__gt="") & ~Q(status="duplicate"),
            ),
            models.CheckConstraint(name="mail_done_says_why", condition=Q(status="waiting") | Q(why__gt="")),
        ]
        indexes: ClassVar = [
            models.Index(fields=["id"], name="mail_waiting", condition=Q(status="waiting")),
            # How much one sender sent of late.
            models.Index(fields=["sender", "came_at"], name="mail_of_sender"),
        ]

    def __str__(self) -> str:
        return f"{self.subject} <- {self.sender}"
