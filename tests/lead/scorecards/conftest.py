"""A small retailer with four months of orders, cases and parcels, and its lake."""

from datetime import UTC, datetime, timedelta

import pytest

from makegood.ground.retail.models import Customer, Order, Place, Shipment, Source, Vendor
from makegood.ids import uuid7
from makegood.prevent.lake import refresh_lake
from makegood.recover.cases.models import Case, CaseEvent, Reason
from makegood.recover.cases.services.reasons import plant_defaults

MONDAY = datetime(2018, 2, 26, tzinfo=UTC)  # of 2018-W09
AFTER = datetime(2018, 3, 20, 12, 0, tzinfo=UTC)


class Shop:
    """Puts things into the database, week by week (0 is 2018-W09, -1 the week before)."""

    def __init__(self) -> None:
        plant_defaults()
        self.source = Source.objects.create(slug="olist", name="Olist", time_zone="UTC", currency="BRL")
        self.customer = Customer.objects.create(source=self.source, ref="k", state="SP")
        self.seller = Vendor.objects.create(source=self.source, ref="v", kind="seller", name="Seller One")
        self.count = 0

    def orders(self, week, n, *, late=0, route=("SP", "RJ"), place=None, source=None):
        """Orders whose promise passes on that week's Wednesday; the late ones arrive a day after, the others before."""
        promised = MONDAY + timedelta(weeks=week, days=2)
        orders = [
            Order(
                source=source or self.source,
                ref=f"o{self.count + i}",
                customer=self.customer,
                status="delivered",
                placed_at=promised - timedelta(days=9),
                promised_at=promised,
                total=50,
                currency="BRL",
                place=place,
            )
            for i in range(n)
        ]
        shipments = [
            Shipment(
                source=order.source, ref=order.ref, order=order, seller=self.seller, from_state=route[0],
                to_state=route[1], promised_at=promised, delivered_at=promised + timedelta(days=1 if i < late else -1),
            )
            for i, order in enumerate(orders)
        ]  # fmt: skip
        self.count += n
        Order.objects.bulk_create(orders)
        Shipment.objects.bulk_create(shipments)

    def cases(self, week, n, reason="delivery.late", *, answered=None, place=None):
        """Cases opened on that week's Thursday, answered after so many hours."""
        opened = MONDAY + timedelta(weeks=week, days=3)
        kind = Reason.objects.get(code=reason)
        made = [
            Case(
                id=uuid7(), subject="s", reason=kind, severity=3, queue=kind.queue, opened_at=opened, due_at=opened,
                rank_at=opened, changed_at=opened, split_key=str(i), place=place,
                first_response_at=opened + timedelta(hours=answered + i) if answered else None,
            )
            for i in range(n)
        ]  # fmt: skip
        Case.objects.bulk_create(made)
        CaseEvent.objects.bulk_create([CaseEvent(case=case, seq=1, kind="opened", at=opened) for case in made])

    def place(self, name):
        return Place.objects.create(source=self.source, ref=name, kind="store", name=name)

    def fill(self):
        """Sixteen even weeks, then one in which parcels to RJ are late and people write."""
        for week in range(-16, 0):
            self.orders(week, 30, late=2)
            self.orders(week, 30, late=2, route=("SP", "MG"))
            self.cases(week, 6)
            self.cases(week, 4, "product.faulty")
        self.orders(0, 45, late=30)
        self.orders(0, 35, late=2, route=("SP", "MG"))
        self.cases(0, 40, answered=2)
        self.cases(0, 4, "product.faulty")


@pytest.fixture
def lake(tmp_path, settings):
    """A lake of our own; `lake()` brings it up to date."""
    settings.MAKEGOOD_LAKE = str(tmp_path / "lake")
    return lambda now=AFTER: refresh_lake(now=now)


@pytest.fixture
def shop(transactional_db):
    return Shop()
