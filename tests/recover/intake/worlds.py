"""Random small worlds, and the failure rules told again: slow, obvious, one row at a time."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hypothesis import strategies as st

from makegood.ground.retail.models import Order, Payment, Review, Shipment, TrackingEvent
from makegood.recover.intake.models import Arrival
from tests.recover.intake.conftest import Shop, hour

LAST = 20
hours = st.integers(0, LAST)
maybe = st.none() | hours
TEXTS = ["", "It never arrived", "The kettle is broken", "Thank you", "Where is my order W-0001?", "Any news?"]

scans = st.lists(st.tuples(st.sampled_from(["accepted", "ready", "delivered", "lost", "exception"]), hours), max_size=2)
parcels = st.lists(
    st.fixed_dictionaries(
        {"promised": maybe, "delivered": maybe, "handover_due": maybe, "handed_over": maybe, "scans": scans}
    ),
    max_size=2,
)
orders = st.lists(
    st.fixed_dictionaries(
        {
            "customer": st.integers(0, 1), "placed": st.integers(0, 5), "promised": maybe, "cancelled": maybe,
            "channel": st.sampled_from(["online", "pickup", "store"]), "paid": maybe,
            "status": st.sampled_from(["placed", "paid", "shipped", "ready", "delivered", "cancelled", "unavailable"]),
            "parcels": parcels,
            "payments": st.lists(st.tuples(st.sampled_from([0, 80]), maybe), max_size=1),
            "reviews": st.lists(st.tuples(hours, st.integers(1, 3), st.sampled_from(TEXTS)), max_size=2),
        }
    ),
    max_size=3,
)  # fmt: skip
arrivals = st.lists(
    st.fixed_dictionaries(
        {"at": hours, "author": st.sampled_from(["maria@example.com", "leo@example.com", "who@example.com", ""]),
         "order": st.none() | st.integers(0, 2), "body": st.sampled_from(TEXTS),
         "direction": st.sampled_from(["in", "in", "out"])}
    ),
    max_size=3,
)  # fmt: skip


@dataclass
class World:
    orders: list[dict[str, Any] | None]  # None: not placed yet
    arrivals: list[dict[str, Any]]

    def make(self, slug: str = "world") -> Shop:
        shop = Shop(slug)
        people = [shop.customer("Maria", email="maria@example.com"), shop.customer("Leo", email="Leo@example.com")]
        for n, order in enumerate(self.orders):
            if order is None:
                continue
            made = shop.order(
                people[order["customer"]], order["placed"], ref=f"W-{n:04d}", status=order["status"],
                channel=order["channel"], promised=order["promised"], cancelled=order["cancelled"],
                paid_at=hour(order["paid"]),
            )  # fmt: skip
            for parcel in order["parcels"]:
                times = {name: parcel[name] for name in ("promised", "delivered", "handover_due", "handed_over")}
                travels = shop.parcel(made, **times)
                for kind, at in parcel["scans"]:
                    shop.scan(travels, kind, at)
            for amount, paid in order["payments"]:
                shop.payment(made, amount, paid)
            for at, score, body in order["reviews"]:
                shop.review(made, max(at, order["placed"]), score, body, language="en")
        for arrival in self.arrivals:
            number = arrival["order"]
            shop.arrival(
                arrival["at"], arrival["body"] or "Hello", author=arrival["author"], direction=arrival["direction"],
                order_ref="" if number is None else f"W-{number:04d}", language="en",
            )  # fmt: skip
        return shop

    def known_by(self, now: float) -> "World":
        """The same world as it stood at a moment: what came later is not there."""

        def until(at: float | None) -> float | None:
            return at if at is not None and at <= now else None

        kept: list[dict[str, Any] | None] = []
        for order in self.orders:
            if order is None or order["placed"] > now:
                kept.append(None)
                continue
            status = order["status"]
            if order["cancelled"] is not None and order["cancelled"] > now and status in ("cancelled", "unavailable"):
                status = "paid"
            parcels = []
            for parcel in order["parcels"]:
                scans = [(kind, at) for kind, at in parcel["scans"] if at <= now]
                if order["channel"] == "pickup":
                    # Without a scan, "ready" bears no time: it counts as known from the beginning.
                    if any(kind == "ready" and at > now for kind, at in parcel["scans"]) and status in (
                        "ready",
                        "delivered",
                    ):
                        status = "paid"
                elif parcel["delivered"] is not None and parcel["delivered"] > now and status == "delivered":
                    status = "shipped"
                parcels.append(
                    parcel
                    | {
                        "delivered": until(parcel["delivered"]),
                        "handed_over": until(parcel["handed_over"]),
                        "scans": scans,
                    }
                )
            kept.append(
                order
                | {
                    "status": status, "parcels": parcels, "cancelled": until(order["cancelled"]),
                    "paid": until(order["paid"]),
                    # A payment without a time of its own was made when the order was paid.
                    "payments": [
                        (amount, paid) for amount, paid in order["payments"]
                        if (paid if paid is not None else order["paid"] or 0) <= now
                    ],
                    "reviews": [review for review in order["reviews"] if max(review[0], order["placed"]) <= now],
                }
            )  # fmt: skip
        return World(kept, [arrival for arrival in self.arrivals if arrival["at"] <= now])


worlds = st.builds(World, orders, arrivals)


def failures_of(source_id: int) -> list[tuple[str, str, datetime]]:
    """Every failure of a source and when it happened, by asking one row after the other."""
    found: list[tuple[str, Any, datetime]] = []
    for order in Order.objects.filter(source_id=source_id):
        if order.cancelled_at and order.placed_at <= order.cancelled_at and _paid(order, order.cancelled_at):
            found.append(("cancelled", order.pk, order.cancelled_at))
        parcels = list(Shipment.objects.filter(order=order))
        unsent = not parcels and order.status in ("placed", "paid", "cancelled", "unavailable")
        if unsent and order.promised_at and order.channel != "store" and _stands(order, order.promised_at):
            found.append(("unshipped", order.pk, order.promised_at))
        for parcel in parcels:
            found += _of_parcel(order, parcel, parcels)
    for review in Review.objects.filter(source_id=source_id, score__lte=2):
        found.append(("review", review.pk, review.at))
    return sorted((kind, str(pk), at) for kind, pk, at in found)


def _of_parcel(order: Order, parcel: Shipment, parcels: list[Shipment]) -> list[tuple[str, Any, datetime]]:
    found: list[tuple[str, Any, datetime]] = []
    promised, delivered = parcel.promised_at, parcel.delivered_at
    if promised is None:
        return found
    scans = list(TrackingEvent.objects.filter(shipment=parcel))
    if order.channel != "pickup" and delivered and delivered > promised and order.placed_at <= delivered:
        found.append(("late", parcel.pk, delivered))
    if not _stands(order, promised) or (delivered and delivered <= promised):
        return found
    if order.channel == "pickup":
        ready = any(scan.kind in ("ready", "delivered") and scan.at <= promised for scan in scans)
        if order.status in ("ready", "delivered", "returned"):
            later = TrackingEvent.objects.filter(shipment__in=parcels, kind="ready", at__gt=promised)
            ready = ready or not later.exists()
        if not ready:
            found.append(("pickup", parcel.pk, promised))
    else:
        scanned = any(scan.kind == "delivered" and scan.at <= promised for scan in scans)
        came_later = any(other.delivered_at and other.delivered_at > promised for other in parcels)
        undated = delivered is None and order.status in ("delivered", "returned") and not came_later
        if not scanned and not undated:
            found.append(("overdue", parcel.pk, promised))
    return found


def _stands(order: Order, at: datetime) -> bool:
    if order.placed_at > at:
        return False
    if order.cancelled_at:
        return order.cancelled_at > at
    return order.status not in ("cancelled", "unavailable")


def _paid(order: Order, at: datetime) -> bool:
    if order.paid_at and order.paid_at <= at:
        return True
    payments = Payment.objects.filter(order=order, amount__gt=0)
    return any((payment.paid_at or order.paid_at or order.placed_at) <= at for payment in payments)


def waiting() -> int:
    return Arrival.objects.filter(contact=None, set_aside="").count()
