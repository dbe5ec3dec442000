"""A person in one glance, in a browser: written to before they write, and known by both of their accounts."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from makegood.ground.retail.models import Order, Review, TrackingEvent
from makegood.recover.cases.services.usual import measure_usual
from tests.factories import (
    CustomerFactory,
    OrderFactory,
    OrderLineFactory,
    ShipmentFactory,
    TrackingEventFactory,
    VendorFactory,
    open_case,
)

pytestmark = pytest.mark.journey
DAY = timedelta(days=1)


@pytest.fixture
def maria(transactional_db):
    """Gold, with a lost parcel a month ago, another one yesterday, and a second account that nobody linked."""
    now = timezone.now()
    shop = CustomerFactory(
        name="Maria Silva", email="maria.silva@example.com", loyalty_tier="gold", phone="+44 7700 900123",
        lifetime_value=4210, postal_code="LS1 4AB",
    )  # fmt: skip
    other = CustomerFactory(name="M Silva", email="msilva@work.example", phone="07700 900 123", postal_code="")
    swift = VendorFactory(name="Swiftline")

    def bought(customer, ago, *, lost=False, late=0, total=129):
        placed = now - ago * DAY
        order = OrderFactory(customer=customer, placed_at=placed, promised_at=placed + 3 * DAY, total=total,
                             status=Order.Status.SHIPPED if lost else Order.Status.DELIVERED)  # fmt: skip
        OrderLineFactory(order=order)
        parcel = ShipmentFactory(order=order, carrier=swift, promised_at=placed + 3 * DAY,
                                 delivered_at=None if lost else placed + (2 + late) * DAY)  # fmt: skip
        if lost:
            TrackingEventFactory(shipment=parcel, kind=TrackingEvent.Kind.LOST, at=placed + 7 * DAY)
        return order

    bought(shop, 120, late=4)
    first = bought(other, 35, lost=True)
    open_case(order=first, at=now - 30 * DAY, body="Where is it? I will ask my bank to take it back.")
    Review.objects.create(
        source=shop.source, ref="V-1", customer=shop, order=first, score=2, title="Never came", at=now
    )
    last = bought(shop, 8, lost=True, total=349)
    silent = open_case(order=last, at=now - DAY, body="", reason="delivery.overdue", subject="Not delivered")
    for _ in range(12):
        bought(CustomerFactory(phone="", lifetime_value=100), 60)
    measure_usual(now=now)
    return shop, other, silent


def test_two_accounts_become_one_person_by_keyboard(visit, maria, axe):
    shop, *_ = maria
    page = visit(f"/customers/{shop.pk}/")
    expect(page.get_by_text("The same person?")).to_be_visible()
    axe(page)
    page.get_by_role("link", name="Compare").click()
    page.wait_for_url(re.compile("other="))
    expect(page.get_by_text("Nothing is moved or deleted")).to_be_visible()
    axe(page)
    page.keyboard.press("y")
    page.wait_for_url(re.compile(f"/customers/{shop.pk}/$"))
    expect(page.get_by_text("linked by Ana Moreira")).to_be_visible()
    expect(page.get_by_role("heading", name="Lost twice in a row")).to_be_visible()
    page.get_by_role("button", name="Unlink").click()
    expect(page.get_by_text("They are two people again.")).to_be_visible()


@pytest.mark.parametrize(("theme", "size"), [("light", "wide"), ("dark", "wide"), ("light", "phone")])
def test_a_valued_customer_is_written_to_before_she_writes(visit, maria, axe, theme, size):
    *_, silent = maria
    page = visit("/", theme=theme, size=size)
    page.keyboard.press("v")
    page.wait_for_url(re.compile("/customers/reach-out/"))
    expect(page.get_by_role("link", name="Maria Silva")).to_be_visible()
    axe(page)
    page.get_by_role("link", name="Maria Silva").click()
    page.wait_for_url(re.compile(f"/cases/C-{silent.number}/"))
    axe(page)
    if size == "phone":
        page.get_by_role("tab", name="Customer and order").click()
    expect(page.get_by_text("Swiftline").first).to_be_visible()
    expect(page.get_by_role("heading", name="in 12 months")).to_be_visible()
    axe(page)
