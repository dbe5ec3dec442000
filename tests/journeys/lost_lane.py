"""A shop whose carrier loses parcels on one lane, with everything in it that a plain loop can count."""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from makegood.ground.retail.models import Customer, Order, OrderLine, Product, Shipment, Source, Vendor
from makegood.ids import uuid7
from makegood.recover.cases.services import plant_defaults
from makegood.recover.cases.services.opening import FirstContact, NewCase, open_cases

DAY = timedelta(days=1)
STATES = ("North West", "North East", "Wales", "Devon")
REASON = "delivery.not_received"
# Of a thousand parcels so many are lost and asked for: as ever, and on the lane while it fails.
USUAL, FAILING = 12, 300
A_DAY = 32


@dataclass(frozen=True, kw_only=True)
class Bought:
    """One order of one thing, as it was made."""

    order: Order
    carrier: str
    to_state: str
    asked: bool  # the parcel was lost, and its customer asked

    def fits(self, slice_: Mapping[str, str]) -> bool:
        """Whether it has all that a slice names; there is one reason here."""
        mine = {"carrier": self.carrier, "to_state": self.to_state, "reason": REASON}
        return all(mine[name] == value for name, value in slice_.items())


@dataclass
class Shop:
    """Marlbeck and Northway carry from Swindon to four regions; Marlbeck loses parcels to the North West."""

    now: datetime
    fails_since: datetime
    dice: random.Random = field(default_factory=lambda: random.Random(11))
    bought: list[Bought] = field(default_factory=list)

    def __post_init__(self) -> None:
        plant_defaults()
        self.source = Source.objects.create(slug="shop", name="Shop", time_zone="Europe/London", currency="GBP")
        self.marlbeck, self.northway = (
            Vendor.objects.create(source=self.source, ref=name, kind="carrier", name=name)
            for name in ("Marlbeck Parcels", "Northway Parcels")
        )
        self.lamp = Product.objects.create(source=self.source, ref="lamp", name="Reading lamp", category="Lighting")
        self.customers = [
            Customer(id=uuid7(), source=self.source, ref=f"K{n}", name=f"Customer {n}", email=f"k{n}@example.com",
                     country="GB", language="en")
            for n in range(3000)
        ]  # fmt: skip
        Customer.objects.bulk_create(self.customers)

    @property
    def lane(self) -> dict[str, str]:
        return {"carrier": str(self.marlbeck.pk), "to_state": STATES[0]}

    def sell(self, since: datetime, until: datetime, *, fixed_at: datetime | None = None) -> None:
        """What is bought from `since` to `until`, and what customers ask about it until then."""
        made = list(self._made(since, until, fixed_at))
        Order.objects.bulk_create([it.order for it in made], batch_size=2000)
        OrderLine.objects.bulk_create(
            [OrderLine(source=self.source, ref=it.order.ref, order=it.order, product=self.lamp, position=1, quantity=1,
                       unit_price=it.order.total - 5, freight=Decimal(5)) for it in made],
            batch_size=2000,
        )  # fmt: skip
        sent = [
            Shipment(id=uuid7(), source=self.source, ref=it.order.ref, order=it.order, carrier_id=it.carrier,
                     from_state="Wiltshire", to_state=it.to_state, handed_over_at=it.order.placed_at + DAY)
            for it in made
        ]  # fmt: skip
        Shipment.objects.bulk_create(sent, batch_size=2000)
        asked = [(it, parcel, self.asks(it.order)) for it, parcel in zip(made, sent, strict=True) if it.asked]
        open_cases([
            NewCase(
                reason=REASON, subject="Where is my parcel?", why="The customer wrote.", at=at, customer_id=who.pk,
                order_id=it.order.pk, shipment_id=parcel.pk, value=it.order.total, currency="GBP",
                contact=FirstContact(channel="email", author=who.email, subject="Where?", body="It never arrived."),
            )
            for it, parcel, at in asked if at < until for who in [it.order.customer]
        ])  # fmt: skip
        self.bought += made

    def _made(self, since: datetime, until: datetime, fixed_at: datetime | None) -> Iterator[Bought]:
        dice = self.dice
        for n in range(int((until - since) / DAY * A_DAY)):
            at, carrier = since + n * DAY / A_DAY, dice.choice((self.marlbeck, self.northway))
            state, total = dice.choice(STATES), Decimal(dice.randrange(20, 90))
            fails = carrier is self.marlbeck and state == STATES[0] and self.fails_since <= at < (fixed_at or until)
            order = Order(
                id=uuid7(), source=self.source, ref=f"{len(self.bought) + n}", customer=dice.choice(self.customers),
                channel="online", status="shipped", placed_at=at, total=total, currency="GBP",
            )  # fmt: skip
            lost = dice.randrange(1000) < (FAILING if fails else USUAL)
            yield Bought(order=order, carrier=str(carrier.pk), to_state=state,
                         asked=lost and self.asks(order) < until)  # fmt: skip

    @staticmethod
    def asks(order: Order) -> datetime:
        """Four to twelve days after the purchase."""
        return order.placed_at + DAY * (4 + int(order.ref) * 7 % 81 / 10)
