"""A retailer put together at random, and what its exposures are, told by plain loops."""

import random
import zoneinfo
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from makegood.ground.retail.models import Customer, Order, OrderLine, Place, Product, Shipment, Source, Vendor
from makegood.recover.cases.models import Case, Contact, Reason
from makegood.recover.cases.services import plant_defaults

START = datetime(2026, 2, 26, tzinfo=UTC)
BATCHES = ["", "", "K3", "ключ-3", "50% \"off\", 'x'"]
STATES = ["", "North West", "São Paulo"]


def maybe(dice, choices):
    return dice.choice([None, *choices])


@dataclass
class Retailer:
    """Rows as they were saved, found by their ids."""

    dice: random.Random
    source: Source = field(init=False)

    def __post_init__(self):
        dice = self.dice
        plant_defaults()
        self.source = Source.objects.create(slug="shop", name="Shop", time_zone="Europe/London", currency="GBP")
        vendor = lambda ref, kind: Vendor.objects.create(source=self.source, ref=ref, kind=kind, name=ref)  # noqa: E731
        self.carriers = [vendor(f"C{n}", "carrier") for n in range(2)]
        self.sellers = [vendor(f"S{n}", "seller") for n in range(2)]
        makers = [vendor("M0", "manufacturer")]
        place = lambda ref, kind, **more: Place.objects.create(  # noqa: E731
            source=self.source, ref=ref, kind=kind, name=ref, **more
        )
        region = place("R", "region")
        self.districts = [place(f"D{n}", "district", parent=region) for n in range(2)]
        self.stores = [
            place(f"P{n}", "store", parent=maybe(dice, [region, *self.districts]), time_zone=zone)
            for n, zone in enumerate(("Europe/London", "America/Sao_Paulo", "Asia/Kathmandu"))
        ]
        self.warehouses = [place("W", "warehouse")]
        self.products = [
            Product.objects.create(
                source=self.source, ref=f"A{n}", name=name, category="" if n == 2 else "Kitchen",
                manufacturer=None if n == 1 else makers[0],
            )
            for n, name in enumerate(("Kettle", "Air fryer", "Lamp"))
        ]  # fmt: skip
        self.customers = [Customer.objects.create(source=self.source, ref=f"K{n}", name=f"K{n}") for n in range(4)]
        self.places = {place.pk: place for place in Place.objects.all()}

    def buy(self, count):
        """So many orders, each with up to three lines and two parcels."""
        dice = self.dice
        for _ in range(count):
            number = Order.objects.count()
            order = Order.objects.create(
                source=self.source, ref=f"O{number}", customer=dice.choice(self.customers),
                place=maybe(dice, [*self.stores, *self.districts, *self.warehouses]),
                channel=dice.choice(Order.Channel.values), status="paid", currency=dice.choice(["GBP", "EUR"]),
                placed_at=START + timedelta(minutes=30 * dice.randrange(14 * 48)), total=dice.randrange(9999),
            )  # fmt: skip
            for n in range(dice.randrange(3)):
                Shipment.objects.create(
                    source=self.source, ref=f"T{number}-{n}", order=order, carrier=maybe(dice, self.carriers),
                    seller=maybe(dice, self.sellers), warehouse=maybe(dice, self.warehouses),
                    from_state=dice.choice(STATES), to_state=dice.choice(STATES),
                )  # fmt: skip
            for n in range(dice.randrange(4)):
                self.add_line(order, n)

    def add_line(self, order, n):
        dice = self.dice
        OrderLine.objects.create(
            source=self.source, ref=f"{order.ref}-{n}", order=order, product=dice.choice(self.products), position=n + 1,
            seller=maybe(dice, self.sellers), quantity=dice.randrange(1, 4), batch=dice.choice(BATCHES),
            unit_price=Decimal(dice.randrange(10_000)) / 100, freight=Decimal(dice.randrange(999)) / 100,
        )  # fmt: skip

    def complain(self, count):
        """So many cases: of a parcel, of a purchase, or of neither; some name a product."""
        dice = self.dice
        orders, reasons = list(Order.objects.all()), list(Reason.objects.all()[:4])
        for _ in range(count):
            order = maybe(dice, orders)
            opened = (order.placed_at if order else START) + timedelta(hours=dice.randrange(200))
            case = Case.objects.create(
                subject=dice.choice(["Help", "My LAMP", "Air fryer is dead"]), reason=dice.choice(reasons), severity=3,
                queue=reasons[0].queue, order=order, customer=order and order.customer, opened_at=opened, due_at=opened,
                shipment=maybe(dice, order.shipments.all()) if order else None, place=maybe(dice, self.stores),
                rank_at=opened, changed_at=opened, split_key=str(dice.random()), channel=dice.choice(["", "phone"]),
            )  # fmt: skip
            for direction in ("in", "out"):
                words = dice.choice(["", "The kettle leaks.", "Kettle and lamp!"])
                Contact.objects.create(case=case, channel="email", direction=direction, body=words, at=opened)

    # What the lake and the cases should say.

    def zone(self, place):
        return zoneinfo.ZoneInfo(place.time_zone if place else self.source.time_zone)

    def when(self, moment, place):
        there = moment.astimezone(self.zone(place))
        part = next(name for until, name in PARTS if there.hour < until)
        return f"{DAYS[there.weekday()]} {part}"

    def where(self, place):
        """Store and district of a place."""
        store = district = ""
        if place and place.kind == "store":
            store = str(place.pk)
        chain = [place, self.places.get(place.parent_id)] if place else []
        for one in reversed(chain):
            if one and one.kind == "district":
                district = str(one.pk)
        return {"store": store, "district": district}

    def exposures(self):
        """Every row of the fact."""
        return [row for order in Order.objects.all() for row in self.exposures_of(order)]

    def exposures_of(self, order):
        parcels = sorted(order.shipments.all(), key=lambda parcel: parcel.pk)
        for line in list(order.lines.all()) or [None]:
            seller = line.seller_id if line else None
            same = [parcel for parcel in parcels if parcel.seller_id == seller]
            parcel = (same or parcels or [None])[0]
            product = line.product if line else None
            yield {
                "order_id": str(order.pk), "exposure_id": str((line or order).pk),
                "customer_id": str(order.customer_id), "source": "shop", "at": order.placed_at,
                "carrier": text(parcel and parcel.carrier_id), "warehouse": text(parcel and parcel.warehouse_id),
                "from_state": parcel.from_state if parcel else "", "to_state": parcel.to_state if parcel else "",
                "category": product.category if product else "", "product": text(product and product.pk),
                "batch": line.batch if line else "", "manufacturer": text(product and product.manufacturer_id),
                "seller": text(seller or (parcel and parcel.seller_id)), "channel": order.channel,
                "how": self.when(order.placed_at, self.places.get(order.place_id)),
                "value": line.quantity * line.unit_price + line.freight if line else Decimal(order.total),
                "currency": order.currency, **self.where(self.places.get(order.place_id)),
            }  # fmt: skip


DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
PARTS = ((9, "early"), (13, "morning"), (17, "afternoon"), (24, "evening"))


def text(value):
    return str(value) if value else ""
