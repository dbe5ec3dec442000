"""Valued customers to write to before they do."""

from datetime import timedelta
from decimal import Decimal
from uuid import UUID

import pytest
from django.utils import timezone
from tests.factories import (
    CustomerFactory,
    OrderFactory,
    PlaceFactory,
    ShipmentFactory,
    TrackingEventFactory,
    colleague,
    open_case,
)

from makegood.app.desk import reaching
from makegood.ground.retail.models import TrackingEvent
from makegood.ground.retail.services.people import join_accounts
from makegood.recover.cases import services
from makegood.recover.cases.services.usual import measure_usual

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
ALL = reaching.Filters()


def gold(**details):
    return CustomerFactory(loyalty_tier="Gold", **details)


def late(customer, *, ago=DAY, **details):
    """An order that came late, so long ago."""
    now = timezone.now()
    order = OrderFactory(customer=customer, placed_at=now - 9 * DAY, status="delivered", **details)
    ShipmentFactory(order=order, promised_at=now - 6 * DAY, delivered_at=now - ago)
    return order


def listed(filters=ALL, *, places=None, **more):
    return [row.order_id for row in reaching.page(filters, places=places, now=timezone.now(), **more)[0]]


def test_failures_of_every_kind_of_valued_customers_the_most_valuable_first():
    now = timezone.now()
    came_late = late(gold(), total=50)
    overdue = OrderFactory(customer=gold(), total=70)
    ShipmentFactory(order=overdue, promised_at=now - DAY)
    lost = OrderFactory(customer=gold(), total=60)
    TrackingEventFactory(
        shipment=ShipmentFactory(order=lost, promised_at=now - 20 * DAY), kind=TrackingEvent.Kind.LOST, at=now - DAY
    )
    cancelled = OrderFactory(customer=gold(), total=80, status="cancelled", cancelled_at=now - DAY)
    late(CustomerFactory(), total=900)  # nobody in particular
    late(gold(), ago=5 * DAY, total=40)
    ShipmentFactory(order=OrderFactory(customer=gold(), channel="pickup"), promised_at=now - DAY)
    rows, _ = reaching.page(ALL, places=None, now=now)
    assert [(row.order_id, row.kind) for row in rows] == [
        (cancelled.pk, "cancelled"), (overdue.pk, "overdue"), (lost.pk, "lost"), (came_late.pk, "late"),
    ]  # fmt: skip
    assert listed(reaching.Filters(kind="lost")) == [lost.pk]
    assert listed(reaching.Filters(tier="platinum")) == []
    assert len(listed(reaching.Filters(days=7))) == 5


def test_valued_is_also_who_has_spent_as_much_as_one_in_ten_or_as_much_as_is_set(settings):
    for n in range(9):
        CustomerFactory(lifetime_value=Decimal(100 + n))
    order = late(CustomerFactory(lifetime_value=Decimal(800)))
    assert listed() == []  # not measured yet
    measure_usual(now=timezone.now())
    assert listed() == [order.pk]
    settings.MAKEGOOD_VALUED_FROM = 900
    assert listed() == []


def test_whoever_was_spoken_with_since_is_left_out_also_on_another_account():
    maria, other = gold(), CustomerFactory()
    order = late(maria)
    case = open_case(order=order, body="", reason="delivery.late", at=timezone.now())
    assert listed() == [order.pk]
    [row], _ = reaching.page(ALL, places=None, now=timezone.now())
    assert row.case == case.number
    open_case(customer=other, at=timezone.now() - 3 * DAY)
    elsewhere = open_case(customer=other, reason="product", body="", at=timezone.now())
    join_accounts(one=maria.pk, other=other.pk, by=colleague("ana"), now=timezone.now())
    assert listed() == [order.pk]  # what was said before it failed does not count
    services.log_call(case_id=elsewhere.pk, body="Told her.", by=colleague("ana"), now=timezone.now())
    assert listed() == []


def test_staff_with_places_see_orders_of_their_places():
    here = PlaceFactory()
    order = late(gold(), place=here)
    late(gold())
    assert listed(places=[here.pk]) == [order.pk]


def test_pages_by_key_and_every_row_once_in_the_file():
    orders = [late(gold(), total=10 + n % 3) for n in range(7)]
    now, seen, after = timezone.now(), [], None
    while True:
        begins = after and reaching.Cursor.read(str(after))
        rows, after = reaching.page(ALL, places=None, now=now, after=begins, limit=3)
        seen += [row.order_id for row in rows]
        if after is None:
            break
    assert sorted(seen) == sorted(order.pk for order in orders)
    assert [row.order_id for row in reaching.every(ALL, places=None, now=now)] == seen


@pytest.mark.parametrize("text", ["", "x", "1~", "~", f"1e9~{UUID(int=1)}", f".~{UUID(int=1)}", "1" * 40 + "~x"])
def test_a_cursor_that_is_none_begins_at_the_top(text):
    assert reaching.Cursor.read(text) is None


def test_page_file_and_api(client, django_assert_num_queries):
    order = late(gold(name="=Maria"))
    client.force_login(colleague("ana"))
    with django_assert_num_queries(2):
        html = client.get("/customers/reach-out/?days=9&kind=x").content.decode()
    assert f"/orders/{order.pk}/case" in html  # no case yet: the key opens one
    file = b"".join(client.get("/customers/reach-out.csv").streaming_content).decode()
    assert "'=Maria" in file
    answer = client.get("/api/v1/customers/reach-out?limit=1").json()
    assert [it["order_id"] for it in answer["orders"]] == [str(order.pk)]
    assert answer["after"] is None
    assert "Nobody is waiting" in client.get("/customers/reach-out/?kind=lost").content.decode()
