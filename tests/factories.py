"""What tests are made of: small, believable rows of the retailer's world, and the cast.

OrderFactory(customer__name="Maria Silva")       # an order with its customer
open_case(order=order, body="It never came")     # as an e-mail would open it
UserFactory(role=Role.MANAGER)                   # a colleague; the password is PASSWORD
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import factory
from factory.django import DjangoModelFactory

from makegood.ground.retail.models import (
    Customer,
    Order,
    OrderLine,
    Payment,
    Place,
    Product,
    Shipment,
    Source,
    TrackingEvent,
    Vendor,
)
from makegood.ground.staff.models import Role, User
from makegood.recover.cases.models import Case
from makegood.recover.cases.services import FirstContact, NewCase, open_cases, plant_defaults

NOON = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
PASSWORD = "right horse, wrong battery"

# One colleague per role, known by first name in every test.
CAST: dict[str, tuple[str, str, Role]] = {
    "ana": ("Ana", "Moreira", Role.SPECIALIST),
    "ben": ("Ben", "Okafor", Role.ASSOCIATE),
    "mia": ("Mia", "Lindqvist", Role.MANAGER),
    "dev": ("Dev", "Patel", Role.ANALYST),
    "ada": ("Ada", "Kowalski", Role.ADMINISTRATOR),
}


class SourceFactory(DjangoModelFactory[Source]):
    class Meta:
        model = Source
        django_get_or_create = ("slug",)

    slug = "shop"
    name = "Shop"
    time_zone = "Europe/London"
    currency = "GBP"


class Mirrored(DjangoModelFactory[Any]):
    class Meta:
        abstract = True

    source = factory.SubFactory(SourceFactory)


class PlaceFactory(Mirrored):
    class Meta:
        model = Place

    ref = factory.Sequence(lambda n: f"store-{n}")
    kind = Place.Kind.STORE
    name = factory.Sequence(lambda n: f"Store {n}")
    time_zone = "Europe/London"


class VendorFactory(Mirrored):
    class Meta:
        model = Vendor

    ref = factory.Sequence(lambda n: f"carrier-{n}")
    kind = Vendor.Kind.CARRIER
    name = "Northway Parcels"


class ProductFactory(Mirrored):
    class Meta:
        model = Product

    ref = factory.Sequence(lambda n: f"sku-{n}")
    name = factory.Iterator(["Kettle, 1.7 l", "Desk lamp", "Robot vacuum R5", "Espresso machine"])
    category = "homeware"


class CustomerFactory(Mirrored):
    class Meta:
        model = Customer

    ref = factory.Sequence(lambda n: f"K-{n}")
    name = factory.Iterator(["Maria Silva", "Tom Baker", "Aisha Rahman", "Jonas Weber", "Chloe Martin"])
    email = factory.LazyAttribute(lambda it: f"{it.name.split()[0].lower()}.{it.ref.lower()}@example.com")
    phone = "+44 20 7946 0018"
    loyalty_tier = ""
    lifetime_value = Decimal("420.00")
    city = "Leeds"
    country = "GB"


class OrderFactory(Mirrored):
    class Meta:
        model = Order

    ref = factory.Sequence(lambda n: f"100{n:04d}")
    customer = factory.SubFactory(CustomerFactory)
    status = Order.Status.SHIPPED
    placed_at = NOON - timedelta(days=8)
    promised_at = NOON - timedelta(days=2)
    total = Decimal("89.90")
    currency = "GBP"


class OrderLineFactory(Mirrored):
    class Meta:
        model = OrderLine

    ref = factory.Sequence(lambda n: f"line-{n}")
    order = factory.SubFactory(OrderFactory)
    product = factory.SubFactory(ProductFactory)
    unit_price = Decimal("84.95")
    freight = Decimal("4.95")


class PaymentFactory(Mirrored):
    class Meta:
        model = Payment

    ref = factory.Sequence(lambda n: f"payment-{n}")
    order = factory.SubFactory(OrderFactory)
    method = "card"
    amount = Decimal("89.90")
    paid_at = NOON - timedelta(days=8)


class ShipmentFactory(Mirrored):
    class Meta:
        model = Shipment

    ref = factory.Sequence(lambda n: f"parcel-{n}")
    order = factory.SubFactory(OrderFactory)
    carrier = factory.SubFactory(VendorFactory)
    tracking_number = factory.Sequence(lambda n: f"NW{n:09d}GB")
    from_state = "Yorkshire"
    to_state = "Devon"
    handed_over_at = NOON - timedelta(days=6)
    promised_at = NOON - timedelta(days=2)


class TrackingEventFactory(Mirrored):
    class Meta:
        model = TrackingEvent

    ref = factory.Sequence(lambda n: f"scan-{n}")
    shipment = factory.SubFactory(ShipmentFactory)
    at = NOON - timedelta(days=5)
    kind = TrackingEvent.Kind.IN_TRANSIT
    location = "Leeds hub"


class UserFactory(DjangoModelFactory[User]):
    class Meta:
        model = User
        django_get_or_create = ("username",)
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"colleague{n}")
    email = factory.LazyAttribute(lambda it: f"{it.username}@shop.example")
    first_name = "Sam"
    last_name = "Taylor"
    role = Role.SPECIALIST
    password = factory.django.Password(PASSWORD)


def colleague(name: str) -> User:
    """One of the cast, made when first asked for."""
    first, last, role = CAST[name]
    return UserFactory(username=name, first_name=first, last_name=last, role=role)


def open_case(
    *, order: Order | None = None, customer: Customer | None = None, body: str = "My parcel never arrived.",
    at: datetime = NOON, **details: Any,
) -> Case:  # fmt: skip
    """A case as an e-mail about an order opens it; `body=""` opens it silently, as a passed promise does."""
    plant_defaults()
    if order is None and customer is None:
        order = OrderFactory()
    customer = customer or (order.customer if order else None)
    told: dict[str, Any] = {
        "reason": "delivery.not_received", "subject": "Where is my parcel?", "why": "The customer wrote.", "at": at,
        "customer_id": customer.pk if customer else None, "order_id": order.pk if order else None,
        "loyalty_tier": customer.loyalty_tier if customer else "", "value": order.total if order else None,
        "currency": order.currency if order else "",
    }  # fmt: skip
    if body:
        author = customer.email if customer else "somebody@example.com"
        told["contact"] = FirstContact(channel="email", author=author, subject=told["subject"], body=body)
    [case] = open_cases([NewCase(**told | details)])
    return Case.objects.get(pk=case.pk)
