"""A person in one glance: what failed over orders, accounts and sellers, and what it makes of severity."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from tests.factories import (
    NOON,
    CustomerFactory,
    OrderFactory,
    OrderLineFactory,
    PaymentFactory,
    ShipmentFactory,
    TrackingEventFactory,
    VendorFactory,
    colleague,
    open_case,
)

from makegood.ground.retail.models import Order, Return, Review, TrackingEvent, Vendor
from makegood.ground.retail.services.people import join_accounts
from makegood.recover.cases.chain import Kind, said
from makegood.recover.cases.models import Case, CaseEvent, Severity
from makegood.recover.cases.queries.glance import glance
from makegood.recover.cases.replay import columns_of, replay
from makegood.recover.cases.services import FirstContact, NewCase, open_cases, plant_defaults
from makegood.recover.cases.services.chains import judge_person_anew
from makegood.recover.cases.services.usual import measure_usual
from makegood.recover.intake.services.looking import look_for_failures

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def bought(customer, days_ago, *, late=None, delivered=True, lost=False, **details):
    """An order and its parcel, promised four days later; `late` by so many days."""
    placed = NOON - days_ago * DAY
    promised = placed + 4 * DAY
    order = OrderFactory(customer=customer, placed_at=placed, promised_at=promised,
                         status=Order.Status.DELIVERED if delivered else Order.Status.SHIPPED)  # fmt: skip
    arrived = promised + (late or -1) * DAY if delivered else None
    shipment = ShipmentFactory(order=order, promised_at=promised, delivered_at=arrived, **details)
    if lost:
        TrackingEventFactory(shipment=shipment, kind=TrackingEvent.Kind.LOST, at=promised + 2 * DAY)
    return order


def failed(customer, at=NOON):
    return [(it.kind, it.case) for it in glance(customer.pk, at=at, places=None).chain()[0]]


def test_silent_failures_count_beside_cases_and_a_case_about_one_is_the_same_failure():
    maria = CustomerFactory()
    bought(maria, 200, late=3)
    bought(maria, 150)
    lost = bought(maria, 60, delivered=False, lost=True)
    case = open_case(order=lost, at=NOON - 50 * DAY)
    assert failed(maria) == [(Kind.LATE, None), (Kind.LOST, case.number)]
    assert failed(maria, NOON - 53 * DAY) == [(Kind.LATE, None), (Kind.LOST, None)]
    assert failed(maria, NOON - 55 * DAY) == [(Kind.LATE, None), (Kind.LATE, None)]
    assert failed(maria, NOON - 57 * DAY) == [(Kind.LATE, None)]


def test_what_retail_knows_to_have_failed():
    maria = CustomerFactory()
    bought(maria, 100, late=1)
    bought(maria, 80, delivered=False)  # seen by nobody for weeks
    bought(maria, 12, delivered=False)  # not yet given up
    off = {"customer": maria, "placed_at": NOON - 30 * DAY, "status": "cancelled", "cancelled_at": NOON - 20 * DAY}
    PaymentFactory(order=OrderFactory(**off))
    unpaid = OrderFactory(**off)
    back = bought(maria, 70)
    Return.objects.create(source=back.source, ref="R-1", order=back, status="received", requested_at=NOON - 50 * DAY,
                          received_at=NOON - 40 * DAY)  # fmt: skip
    known = [kind for kind, _ in failed(maria)]
    assert sorted(known) == sorted([Kind.LATE, Kind.LOST, Kind.LATE, Kind.CANCELLED, Kind.REFUND])
    assert unpaid.pk not in {it.order for it in glance(maria.pk, at=NOON, places=None).chain()[0]}


def test_three_lost_in_a_row_over_two_accounts_are_said_and_raise_severity_at_opening():
    shop, market = CustomerFactory(), CustomerFactory()
    join_accounts(one=shop.pk, other=market.pk, by=colleague("ana"), now=NOON)
    bought(shop, 90, delivered=False, lost=True)
    bought(market, 60, delivered=False, lost=True)
    last = bought(shop, 30)  # marked delivered, and the customer says no
    case = open_case(order=last)
    assert case.severity == Severity.CRITICAL
    told = case.events.get(kind="triaged")
    assert told.why == "Critical severity. Lost three times in a row."
    assert told.facts == {"chain_raised": 2}
    person = glance(shop.pk, at=NOON, places=None, order_id=last.pk)
    assert said(person.chain()[0]).sentence == "Lost three times in a row"


def test_a_parcel_that_came_in_between_ends_the_row():
    maria = CustomerFactory()
    bought(maria, 90, delivered=False, lost=True)
    bought(maria, 60)
    case = open_case(order=bought(maria, 30, delivered=False, lost=True))
    assert case.severity == Severity.HIGH
    assert "row" not in case.events.get(kind="triaged").why


def test_the_second_fault_of_a_seller_is_said_with_their_name():
    maria, seller = CustomerFactory(), VendorFactory(kind=Vendor.Kind.SELLER, name="Bright Ltd")
    for days in (40, 10):
        order = bought(maria, days)
        OrderLineFactory(order=order, seller=seller)
        case = open_case(order=order, reason="product.faulty", at=NOON - (days - 5) * DAY)
    person = glance(maria.pk, at=NOON, places=None, order_id=case.order_id)
    assert said(person.chain()[0]).sentence == "Second fault with Bright Ltd"


def test_a_further_failure_raises_an_open_case_once_and_the_timeline_replays_to_the_same():
    maria, other = CustomerFactory(), CustomerFactory()
    case = open_case(order=bought(maria, 5, delivered=False))
    bought(maria, 200, late=2)
    assert judge_person_anew(maria.pk, now=NOON) == []
    bought(other, 100, late=2)
    join_accounts(one=maria.pk, other=other.pk, by=colleague("ana"), now=NOON)
    assert [one.pk for one in judge_person_anew(maria.pk, now=NOON)] == [case.pk]
    assert judge_person_anew(other.pk, now=NOON) == []
    case.refresh_from_db()
    assert case.severity == Severity.CRITICAL
    told = case.events.order_by("seq").last()
    assert (told.kind, told.why) == ("triaged", "Critical severity. Third failure in 12 months, over two accounts.")
    assert "rank_at" in told.changes  # clocks and rank follow
    assert replay(CaseEvent.objects.filter(case=case).order_by("seq")) == columns_of(case)


def test_another_failure_that_intake_finds_raises_the_open_case_about_the_first():
    now = timezone.now()
    plant_defaults()
    shop, other = CustomerFactory(), CustomerFactory()
    join_accounts(one=shop.pk, other=other.pk, by=colleague("ana"), now=now)
    late = OrderFactory(customer=shop, placed_at=now - 100 * DAY, status="delivered")
    ShipmentFactory(order=late, promised_at=now - 90 * DAY, delivered_at=now - 80 * DAY)
    first = open_case(customer=shop, reason="product.faulty", at=now - 2 * DAY)
    overdue = OrderFactory(customer=other, placed_at=now - 9 * DAY, promised_at=now - DAY)
    ShipmentFactory(order=overdue, promised_at=now - DAY)
    assert look_for_failures(now).opened == 1
    assert look_for_failures(now + DAY).opened == 0
    told = first.events.order_by("seq").last()
    assert told.why == "Critical severity. Third failure in 12 months, over two accounts."
    assert Case.objects.get(order=overdue).events.get(kind="triaged").facts == {"chain_raised": 1}


def test_opening_many_judges_each_as_opening_one_by_one_does_at_no_cost_per_case():
    plant_defaults()
    orders = []
    for n in range(12):
        customer = CustomerFactory()
        for turn in range(n % 4):
            bought(customer, 200 - 30 * turn, delivered=n % 3 == 0, late=4 if n % 3 == 0 else None, lost=n % 3 != 0)
        orders.append(bought(customer, 20, delivered=False, lost=n % 2 == 0))

    def new(order, reason):
        said = FirstContact(channel="email", author="x@example.com", body="Where is it?")
        return NewCase(reason=reason, subject="Parcel", why="Wrote.", at=NOON, customer_id=order.customer_id,
                       order_id=order.pk, contact=said)  # fmt: skip

    def cost(batch):
        with CaptureQueriesContext(connection) as queries:
            opened = open_cases(batch)
        return {case.order_id: case.severity for case in opened}, len(queries)

    few, of_two = cost([new(order, "delivery.not_received") for order in orders[:2]])
    many, of_ten = cost([new(order, "delivery.not_received") for order in orders[2:]])
    assert of_two == of_ten
    assert len(set(many.values())) > 1
    alone = {}
    for order in orders:
        Case.objects.filter(order=order).update(outcome="duplicate", status="resolved", resolved_at=NOON)
        alone |= cost([new(order, "delivery.not_received")])[0]
    assert alone == few | many


def test_a_page_shows_the_chain_with_where_it_failed_and_indicators_to_those_who_may(client):
    maria = CustomerFactory()
    order = bought(maria, 90, late=5, carrier=VendorFactory(name="Slowpost"))
    Review.objects.create(source=order.source, ref="V-1", customer=maria, order=order, score=2, title="Meh", at=NOON)
    case = open_case(order=bought(maria, 10, delivered=False), reason="delivery.overdue",
                     body="I will dispute the charge with my bank.")  # fmt: skip
    client.force_login(colleague("ana"))
    html = client.get(f"/cases/C-{case.number}/").content.decode()
    told = ("Late twice in a row", "Slowpost", "No case", "2 of 5", "Chargeback risk", "Wrote “dispute the charge”.")
    for words in told:
        assert words in html, words
    client.force_login(colleague("ben"))
    html = client.get(f"/cases/C-{case.number}/").content.decode()
    assert "Late twice in a row" in html
    assert "Chargeback risk" not in html


def test_what_is_usual_is_measured_by_how_often_customers_order():
    plant_defaults()
    often = CustomerFactory(lifetime_value=Decimal(5000))
    orders = [bought(often, 30 + n) for n in range(7)]
    for order in orders[:4]:
        open_case(order=order, reason="product.damaged", at=NOON - DAY)
    open_case(order=orders[5], reason="delivery.overdue", body="", at=NOON - DAY)
    once = [CustomerFactory(lifetime_value=Decimal(100 + n)) for n in range(9)]
    for customer in once:
        bought(customer, 20)
    assert measure_usual(now=NOON) >= 1
    assert measure_usual(now=NOON) >= 1  # again changes nothing
    usual = glance(often.pk, at=NOON, places=None).usual
    assert [(band.orders_from, band.orders, band.claims) for band in usual.claims] == [(1, 9, 0), (6, 7, 4)]
    assert usual.valued_from == Decimal("108.00")
    assert usual.rate(7) is None  # sixteen orders say nothing
