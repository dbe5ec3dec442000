"""A small shop: people buy, parcels travel, some fail. Times are hours after `START`."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from makegood.ground.retail.models import (
    Customer,
    Order,
    OrderLine,
    Payment,
    Place,
    Product,
    Review,
    Shipment,
    Source,
    TrackingEvent,
    Vendor,
)  # fmt: skip
from makegood.recover.cases.models import Case, CaseEvent
from makegood.recover.cases.services import plant_defaults
from makegood.recover.intake.models import Arrival

START = datetime(2026, 3, 2, 0, 0, tzinfo=UTC)  # a Monday


def hour(hours: float | None) -> datetime | None:
    """A moment of the small world."""
    return None if hours is None else START + timedelta(hours=hours)


class Shop:
    """Makes rows of the mirrored world; whatever is not said has a sensible value."""

    def __init__(self, slug: str = "shop") -> None:
        self.source = Source.objects.create(slug=slug, name=slug.title(), currency="EUR")
        self._n = 0

    def ref(self, kind: str) -> str:
        self._n += 1
        return f"{kind}-{self._n:04d}"

    def customer(self, name: str = "Maria Silva", **fields: Any) -> Customer:
        return Customer.objects.create(source=self.source, ref=fields.pop("ref", self.ref("K")), name=name, **fields)

    def order(self, customer: Customer, placed: float = 0, **fields: Any) -> Order:
        times = {f"{name}_at": hour(fields.pop(name)) for name in ("promised", "cancelled") if name in fields}
        defaults: dict[str, Any] = {"status": "paid", "paid_at": hour(placed), "total": Decimal(80), "currency": "EUR"}
        return Order.objects.create(
            source=self.source, ref=fields.pop("ref", self.ref("W")), customer=customer, placed_at=hour(placed),
            **(defaults | times | fields),
        )  # fmt: skip

    def parcel(self, order: Order, **fields: Any) -> Shipment:
        names = ("handover_due", "handed_over", "promised", "delivered")
        times = {f"{name}_at": hour(fields.pop(name)) for name in names if name in fields}
        return Shipment.objects.create(source=self.source, ref=self.ref("P"), order=order, **times, **fields)

    def scan(self, parcel: Shipment, kind: str, at: float) -> TrackingEvent:
        return TrackingEvent.objects.create(
            source=self.source, ref=self.ref("T"), shipment=parcel, kind=kind, at=hour(at)
        )

    def payment(self, order: Order, amount: int = 80, paid: float | None = None) -> Payment:
        return Payment.objects.create(
            source=self.source, ref=self.ref("M"), order=order, method="card", amount=amount, paid_at=hour(paid)
        )

    def line(self, order: Order, name: str = "Kettle", seller: Vendor | None = None) -> OrderLine:
        product = Product.objects.create(source=self.source, ref=self.ref("A"), name=name)
        return OrderLine.objects.create(
            source=self.source, ref=self.ref("L"), order=order, product=product, seller=seller, unit_price=80
        )

    def vendor(self, kind: str, name: str) -> Vendor:
        return Vendor.objects.create(source=self.source, ref=self.ref("V"), kind=kind, name=name)

    def place(self, kind: str, name: str, **fields: Any) -> Place:
        return Place.objects.create(source=self.source, ref=self.ref("S"), kind=kind, name=name, **fields)

    def review(self, order: Order | None, at: float, score: int = 1, body: str = "", **fields: Any) -> Review:
        customer = fields.pop("customer", None) or (order.customer if order else self.customer())
        return Review.objects.create(
            source=self.source, ref=self.ref("R"), order=order, customer=customer, score=score, body=body, at=hour(at),
            **fields,
        )  # fmt: skip

    def arrival(self, at: float, body: str, **fields: Any) -> Arrival:
        return Arrival.objects.create(
            source=self.source, ref=fields.pop("ref", self.ref("C")), channel=fields.pop("channel", "email"), body=body,
            at=hour(at), **fields,
        )  # fmt: skip


def told(case: Case) -> list[str]:
    """The timeline of a case, kind and words."""
    return [f"{e.kind}: {e.why}" for e in CaseEvent.objects.filter(case=case).order_by("seq")]


def everything() -> list[tuple[Any, ...]]:
    """All that intake made, without identifiers and numbers, in an order of its own.

    Numbers follow the order of writing; where words name one, its case is told by what it is about.
    """
    cases = list(Case.objects.defer("search").select_related("reason", "customer", "order"))
    named = {
        f"C-{it.number}": f"the case of {it.opened_at} ({it.order and it.order.ref}, {it.subject})" for it in cases
    }
    made = []
    for case in cases:
        events = [
            (
                e.kind,
                e.at,
                re.sub(r"\bC-\d+\b", lambda found: named[found[0]], e.why),
                sorted(e.changes.keys() - {"reason_id", "queue_id"}),
                e.facts.get("failure", "").partition(":")[0],
            )
            for e in CaseEvent.objects.filter(case=case).order_by("seq")
        ]
        contacts = sorted((c.at, c.channel, c.direction, c.body) for c in case.contacts.all())
        made.append(
            (
                case.opened_at, case.customer and case.customer.ref, case.order and case.order.ref, case.reason.code,
                case.origin.partition(":")[0], case.subject, case.locus, case.severity, case.status, case.due_at,
                case.rank_at, case.channel, case.last_contact_at, case.version,
                tuple(map(str, events)), tuple(contacts),
            )
        )  # fmt: skip
    return sorted(made, key=str)


@pytest.fixture
def shop(db: None) -> Iterator[Shop]:
    plant_defaults()
    yield Shop()


@pytest.fixture
def tell() -> Callable[[Case], list[str]]:
    return told
