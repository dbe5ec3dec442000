"""What arrived and waits to be understood, and what intake already acted on."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from makegood.ground.retail.models import Mirrored, Order, Place
from makegood.recover.cases.models import Case, Channel, Contact, Direction


class Arrival(Mirrored):
    """A contact as it came in, before it is matched to customer, order and case. The original is kept."""

    channel = models.CharField(max_length=12, choices=Channel)
    direction = models.CharField(max_length=3, choices=Direction, default=Direction.IN)
    author = models.CharField(max_length=254, blank=True, default="", help_text="Address or name as given.")
    customer_ref = models.CharField(max_length=200, blank=True, default="")
    order_ref = models.CharField(max_length=200, blank=True, default="")
    place = models.ForeignKey(Place, models.PROTECT, null=True, blank=True, related_name="+", db_index=False)
    subject = models.CharField(max_length=300, blank=True, default="")
    body = models.TextField()
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
