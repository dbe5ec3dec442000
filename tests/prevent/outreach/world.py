"""An incident with affected people, and an outreach to them."""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection

from makegood.ground.retail.models import Customer, Order, Source
from makegood.ground.staff.models import User
from makegood.ids import uuid7
from makegood.prevent.incidents.models import AffectedOrder, Incident
from makegood.prevent.outreach import services
from makegood.prevent.outreach.models import Outreach, Recipient
from makegood.recover.cases.services import plant_defaults
from tests.factories import NOON, OrderFactory, SourceFactory, colleague

TEXTS = {
    "en": {"subject": "Your order {orders}", "body": "Dear {first_name},\n\nyour parcel {orders} was lost. {link}"},
    "pt": {"subject": "O seu pedido {orders}", "body": "Olá {first_name},\n\no seu pacote {orders} perdeu-se. {link}"},
}
SILENT = {"en": {"subject": "Your order {orders}", "body": "Dear {first_name}, your order {orders} will be late."}}
URL = "https://care.shop.example"


def an_incident(**details: Any) -> Incident:
    plant_defaults()
    given = {
        "title": "Parcels lost on one lane", "severity": 2, "commander": colleague("mia"), "declared_at": NOON,
        "any_of": {"reason": ["delivery.not_received"]}, "since": NOON - timedelta(days=10),
    }  # fmt: skip
    incident = Incident.objects.create(**given | details)
    incident.refresh_from_db(fields=["number"])
    return incident


def affect(incident: Incident, order: Order | None = None, *, value: Any = 40, **customer: Any) -> AffectedOrder:
    """An affected order; further words make its customer."""
    if order is None:
        order = OrderFactory(**{f"customer__{name}": given for name, given in customer.items()})
    return AffectedOrder.objects.create(
        incident=incident, order=order, customer=order.customer, value=Decimal(value), currency=order.currency,
        found_at=NOON,
    )  # fmt: skip


def affect_many(incident: Incident, people: int) -> None:
    """Many people with an order each, as fast as the database takes them."""
    source: Source = SourceFactory()
    customers = [Customer(id=uuid7(), source=source, ref=f"M-{n}", name=f"Person {n}", email=f"p{n}@example.com",
                          country="GB") for n in range(people)]  # fmt: skip
    orders = [Order(id=uuid7(), source=source, ref=f"m{n}", customer=who, status="shipped", placed_at=NOON, total=40,
                    currency="GBP") for n, who in enumerate(customers)]  # fmt: skip
    Customer.objects.bulk_create(customers, batch_size=2000)
    Order.objects.bulk_create(orders, batch_size=2000)
    AffectedOrder.objects.bulk_create(
        [AffectedOrder(incident=incident, order=order, customer=order.customer, value=40, currency="GBP", found_at=NOON)
         for order in orders],
        batch_size=2000,
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def a_draft(incident: Incident, *, by: User | None = None, holdout: int = 0, **segment: Any) -> Outreach:
    """A draft with one segment: a credit of 5 for everybody, unless told otherwise."""
    by = by or colleague("mia")
    outreach = services.make(
        incident_number=incident.number, title="Lost parcels", by=by, now=NOON, holdout=holdout, per_minute=60_000
    )
    given = {"name": "Everybody", "texts": TEXTS, "remedy": "credit", "amount": Decimal(5)}
    services.save_segment(outreach_id=outreach.pk, given=given | segment)
    return outreach


def draw(outreach: Outreach, now: datetime = NOON) -> dict[str, int]:
    """Draw, and say how many people are in each state."""
    services.draw(outreach_id=outreach.pk, now=now)
    return states(outreach)


def states(outreach: Outreach) -> dict[str, int]:
    found: dict[str, int] = {}
    for state in Recipient.objects.filter(outreach=outreach).values_list("state", flat=True):
        found[state] = found.get(state, 0) + 1
    return found


def started(incident: Incident, *, now: datetime = NOON, **details: Any) -> Outreach:
    outreach = a_draft(incident, **details)
    draw(outreach, now)
    services.start(outreach_id=outreach.pk, by=colleague("mia"), now=now)
    outreach.refresh_from_db()
    return outreach
