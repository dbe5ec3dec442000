"""From a signal to an incident that is told, contained, understood and over, in a browser."""

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from makegood.prevent.signals.models import Signal, SignalCase
from makegood.recover.cases.models import Case
from tests.factories import colleague

pytestmark = pytest.mark.journey


@pytest.fixture
def signal(some_cases: list[Case]) -> Signal:
    now = timezone.now()
    case = some_cases[0]
    colleague("dev")
    assert case.shipment
    found = Signal.objects.create(
        slice={"reason": "delivery.not_received", "carrier": str(case.shipment.carrier_id)},
        since=now - timedelta(days=20), raised_at=now - timedelta(hours=1), updated_at=now, observed=38, expected=9.2,
        excess_low=19.0, excess_high=41.5, evidence=12.0,
    )  # fmt: skip
    SignalCase.objects.create(case=case, signal=found, at=now)
    found.refresh_from_db()
    return found


def asked(page, key, **fields):
    """Press a key, fill what the dialog asks, and send it."""
    page.keyboard.press(key)
    expect(page.locator("#act form")).to_be_visible()
    for name, value in fields.items():
        box = page.locator(f"#act [name={name}]")
        box.select_option(value) if box.evaluate("box => box.tagName") == "SELECT" else box.fill(value)
    with page.expect_navigation():
        page.locator("#act .dialog-foot button").click()


def test_declared_told_contained_understood_and_resolved_by_keyboard(visit, axe, signal, some_cases):
    page = visit(f"/signals/S-{signal.number}/", who="dev")
    page.keyboard.press("d")
    expect(page.get_by_role("heading", name="Declare an incident")).to_be_visible()
    axe(page)
    page.get_by_role("button", name="Declare").click()
    expect(page.get_by_text("Declared. Whoever hears")).to_be_visible()
    expect(page.locator(".incident-slice")).to_contain_text("by Northway Parcels")
    expect(page.locator(".tiles")).to_contain_text("9.2")
    axe(page)

    asked(page, "n", words="The carrier looks for them.")
    asked(page, "w", status_public="We look for your parcel.", answer="We are sorry, and send it again.")
    asked(page, "p", text="Call the carrier", when="tomorrow noon")
    expect(page.locator("#tasks")).to_contain_text("Call the carrier")
    asked(page, "c", how="Parcels go with another carrier.")
    expect(page.locator(".head-facts")).to_contain_text("Contained")

    asked(page, "y", cause_state="found", cause="A torn belt.", whys="Parcels fell off\nThe belt was torn")
    asked(page, "d", d7="All belts")
    asked(page, "s")
    expect(page.locator(".head-facts")).to_contain_text("Resolved")
    expect(page.locator("#moments")).to_contain_text("contained it: Parcels go with another carrier.")
    page.keyboard.press("t")
    expect(page.locator(".incident-summary")).to_contain_text("A torn belt.")


@pytest.mark.parametrize(("theme", "size"), [("light", "wide"), ("dark", "phone")])
def test_a_colleague_takes_the_agreed_answer_with_one_key(visit, axe, signal, some_cases, theme, size):
    from makegood.prevent.incidents import services

    now, dev = timezone.now(), colleague("dev")
    incident = services.declare(
        services.Declared(title="Lost parcels", commander=dev, case_ids=[some_cases[0].pk]), by=dev, now=now
    )
    services.say_status(incident_id=incident.pk, texts={"answer": "We send it again."}, by=dev, now=now)
    page = visit(f"/cases/C-{some_cases[0].number}/", who="ana", theme=theme, size=size)
    if size == "phone":
        page.get_by_role("tab", name="Case", exact=True).click()
        page.get_by_role("button", name="Take the agreed answer").click()
    else:
        page.keyboard.press("i")
    expect(page.locator("#composer textarea[name=reply]")).to_have_value("We send it again.")
    axe(page)
    page.goto(f"/incidents/I-{incident.number}/")
    if size == "phone":
        page.get_by_role("tab", name="Who is hit").click()
        expect(page.locator("#cases")).to_be_visible()
        expect(page.locator("#moments")).to_be_hidden()
    axe(page)
    page.goto("/incidents/")
    expect(page.get_by_text("Lost parcels")).to_be_visible()
    axe(page)
