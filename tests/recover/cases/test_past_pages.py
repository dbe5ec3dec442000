"""The pages of a customer and of an order: what they cost and who sees them."""

from datetime import timedelta

import pytest
from tests.factories import (
    NOON,
    CustomerFactory,
    OrderFactory,
    OrderLineFactory,
    PaymentFactory,
    PlaceFactory,
    ShipmentFactory,
    TrackingEventFactory,
    colleague,
    open_case,
)

from makegood.ground.retail.journey import journey
from makegood.ground.retail.queries.orders import purchase
from makegood.recover.cases.models import Case, Contact, Note

pytestmark = pytest.mark.django_db


@pytest.fixture
def as_ana(client):
    client.force_login(colleague("ana"))
    return client


def test_a_customer_with_many_orders_costs_eight_statements_and_pages_by_key(as_ana, django_assert_num_queries):
    customer = CustomerFactory()
    orders = [OrderFactory(customer=customer, placed_at=NOON - timedelta(days=n)) for n in range(45)]
    for order in orders[:30]:
        OrderLineFactory(order=order)
    open_case(order=orders[0])
    # who asks, customer, orders, glance, reviews, accounts, who may be the same, promises
    with django_assert_num_queries(8):
        html = as_ana.get(f"/customers/{customer.pk}/").content.decode()
    seen, pages = [], 0
    while True:
        pages += 1
        seen += [order.ref for order in orders if f"/orders/{order.pk}/" in html]
        if "?after=" not in html:
            break
        html = as_ana.get(
            f"/customers/{customer.pk}/?after=" + html.split('href="?after=')[1].split('"')[0]
        ).content.decode()
    assert seen == [order.ref for order in orders]
    assert pages == 3
    assert as_ana.get(f"/customers/{customer.pk}/?after=nonsense").status_code == 200


def test_an_order_costs_four_statements(as_ana, django_assert_num_queries):
    order = OrderFactory()
    for _ in range(12):
        OrderLineFactory(order=order)
        TrackingEventFactory(shipment=ShipmentFactory(order=order))
    PaymentFactory(order=order)
    open_case(order=order)
    with django_assert_num_queries(4):  # who asks, who bought, the order, its cases
        answer = as_ana.get(f"/orders/{order.pk}/")
    assert answer.status_code == 200
    assert b"Parcel 12 of 12" in answer.content


def test_staff_with_places_see_who_bought_or_complained_there(client):
    here, elsewhere = PlaceFactory(), PlaceFactory()
    ben = colleague("ben")
    ben.places.set([here])
    client.force_login(ben)
    online, in_store, complained = OrderFactory(), OrderFactory(place=here), OrderFactory(place=elsewhere)
    case = open_case(order=complained, place_id=here.pk)
    expected = {online: 404, in_store: 200, complained: 200}
    for order, status in expected.items():
        assert client.get(f"/orders/{order.pk}/").status_code == status
        assert client.get(f"/customers/{order.customer_id}/").status_code == status
        assert client.get(f"/orders/{order.pk}/case").status_code == status
    Case.objects.filter(pk=case.pk).update(place=elsewhere)
    assert client.get(f"/orders/{complained.pk}/").status_code == 404


def test_opening_by_hand_from_what_was_said_or_seen(as_ana):
    order = OrderFactory()
    told = {"reason": "product.damaged", "subject": "Cracked lid", "body": "Cracked on both sides", "channel": "store"}
    open_case()  # plants the tree
    answer = as_ana.post(f"/orders/{order.pk}/case", told)
    case = Case.objects.get(order=order)
    assert answer.headers["Location"] == f"/cases/C-{case.number}/"
    assert Contact.objects.get(case=case).channel == "store"

    again = as_ana.post(f"/orders/{order.pk}/case", told)
    assert again.status_code == 409
    assert f"C-{case.number}" in again.content.decode()

    as_ana.post(f"/orders/{order.pk}/case", told | {"channel": "", "reason": "product.faulty"})
    assert Note.objects.get().body == "Cracked on both sides"
    assert as_ana.post(f"/orders/{order.pk}/case", told | {"subject": ""}).status_code == 422
    assert as_ana.post(f"/orders/{order.pk}/case", told | {"reason": "no.such"}).status_code == 404


def _steps(order, now=NOON):
    shown = purchase(order.pk)
    return journey(shown, shown.parcels[0] if shown.parcels else None, now)


def test_the_way_of_a_parcel_says_where_it_failed_first():
    order = OrderFactory(placed_at=NOON - timedelta(days=8))
    shipment = ShipmentFactory(
        order=order, handover_due_at=NOON - timedelta(days=7), handed_over_at=NOON - timedelta(days=6),
        promised_at=NOON - timedelta(days=4), delivered_at=NOON - timedelta(days=1),
    )  # fmt: skip
    TrackingEventFactory(shipment=shipment, kind="exception", location="Exeter", at=NOON - timedelta(days=3))
    way = _steps(order)
    assert [(step.label, step.state) for step in way.steps] == [
        ("Ordered", "done"), ("Handed over late", "failed"), ("Promised date passed", "failed"), ("Problem", "failed"),
        ("Delivered", "done"),
    ]  # fmt: skip
    assert way.verdict == "Handed over late: 1 d late, from Yorkshire to Northway Parcels"


def test_a_parcel_on_time_has_failed_nowhere():
    order = OrderFactory()
    ShipmentFactory(order=order, promised_at=NOON + timedelta(days=1))
    way = _steps(order)
    assert way.verdict == ""
    assert way.steps[-1].state == "coming"


def test_long_runs_of_scans_are_told_in_three_lines():
    order = OrderFactory()
    shipment = ShipmentFactory(order=order, promised_at=NOON + timedelta(days=1))
    for n in range(20):
        TrackingEventFactory(shipment=shipment, at=NOON - timedelta(hours=100 - n))
    labels = [step.label for step in _steps(order).steps]
    assert labels.count("On its way") == 2
    assert "18 more scans" in labels


def test_what_was_never_handed_over_and_what_was_called_off():
    waiting = OrderFactory()
    ShipmentFactory(
        order=waiting,
        handed_over_at=None,
        handover_due_at=NOON - timedelta(days=5),
        promised_at=NOON + timedelta(days=1),
    )
    assert _steps(waiting).verdict.startswith("Not handed to Northway Parcels")
    assert _steps(OrderFactory(status="cancelled", cancelled_at=NOON, promised_at=None)).verdict == "Cancelled"
    assert _steps(OrderFactory(status="unavailable", cancelled_at=NOON)).verdict == "Out of stock after payment"


def test_unknown_customers_and_orders_are_not_found(as_ana):
    order = OrderFactory()
    assert as_ana.get(f"/customers/{order.pk}/").status_code == 404
    assert as_ana.get(f"/orders/{order.customer_id}/").status_code == 404
