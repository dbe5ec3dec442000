"""A shop whose carrier loses parcels until something is done about it, and its lake."""

from datetime import UTC, date, datetime, timedelta

import pytest

from makegood.ground.retail.models import Customer, Order, Shipment, Source, Vendor
from makegood.ids import uuid7
from makegood.prevent.improvements import services
from makegood.prevent.lake import refresh_lake
from makegood.recover.cases.models import Case, Reason
from makegood.recover.cases.services import plant_defaults
from tests.factories import colleague

FIRST = date(2025, 1, 6)  # a Monday
NOW = datetime(2026, 3, 5, 12, 0, tzinfo=UTC)
LOST = "delivery.not_received"


class Shop:
    """Orders by week and carrier; of these some are complained about."""

    def __init__(self) -> None:
        plant_defaults()
        self.source = Source.objects.create(slug="shop", name="Shop", time_zone="UTC", currency="GBP")
        self.customer = Customer.objects.create(source=self.source, ref="k")
        self.carriers = [
            Vendor.objects.create(source=self.source, ref=name, kind="carrier", name=name)
            for name in ("Marlbeck", "Northway")
        ]
        self.reason = Reason.objects.get(code=LOST)
        self.count = 0

    def week(self, week: int, n: int, failed: int, *, carrier: int = 0, after: int = 3, reason: Reason | None = None):
        """So many orders of one week by one carrier, of which some were complained about so many days later."""
        placed = datetime.combine(FIRST, datetime.min.time(), UTC) + timedelta(weeks=week)
        orders = [
            Order(
                id=uuid7(), source=self.source, ref=f"o{self.count + i}", customer=self.customer, status="shipped",
                placed_at=placed + timedelta(minutes=i), total=50, currency="GBP",
            )
            for i in range(n)
        ]  # fmt: skip
        Order.objects.bulk_create(orders)
        Shipment.objects.bulk_create(
            [Shipment(source=self.source, ref=it.ref, order=it, carrier=self.carriers[carrier]) for it in orders]
        )
        kind = reason or self.reason
        Case.objects.bulk_create(
            [
                Case(
                    id=uuid7(), subject="s", reason=kind, severity=3, queue=kind.queue, order=it,
                    customer=self.customer,
                    opened_at=it.placed_at + timedelta(days=after), due_at=it.placed_at, rank_at=it.placed_at,
                    changed_at=it.placed_at, split_key=it.ref,
                )
                for it in orders[:failed]
            ]
        )  # fmt: skip
        self.count += n

    @property
    def marlbeck(self) -> dict[str, list[str]]:
        return {"reason": [LOST], "carrier": [str(self.carriers[0].pk)]}


@pytest.fixture
def shop(transactional_db) -> Shop:
    return Shop()


@pytest.fixture
def lake(tmp_path, settings):
    """A lake of our own; `lake()` brings it up to date."""
    settings.MAKEGOOD_LAKE = str(tmp_path / "lake")
    return lambda now=NOW: refresh_lake(now=now)


@pytest.fixture
def dev(db):
    return colleague("dev")


@pytest.fixture
def mia(db):
    return colleague("mia")


@pytest.fixture
def planned(dev, mia):
    """An improvement that Mia planned and Dev answers for."""

    def plan(now=NOW, **more):
        given = {"title": "Scan every parcel at hand-over", "owner": dev, "by": mia, "due_at": now + timedelta(days=14)}
        return services.plan(now=now, **given | more)

    return plan


@pytest.fixture
def hoped(mia):
    """Say what an improvement should bring."""

    def say(it, now=NOW, **more):
        given = {"any_of": {"reason": [LOST]}, "percent": 40, "by_when": (now + timedelta(days=120)).date(), "by": mia}
        return services.say_hypothesis(improvement_id=it.pk, now=now, **given | more)

    return say
