"""A real browser in front of a real server. Each journey also fails on anything the console complains about."""

import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from makegood.recover.cases import services
from makegood.recover.cases.models import Case, Outcome
from tests import factories
from tests.imap import Mailbox, serving
from tests.journeys.browser import find
from tests.relay import Relay, listening

SIZES = {"wide": {"width": 1440, "height": 900}, "phone": {"width": 390, "height": 844}}
Visit = Callable[..., Page]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    # Playwright runs a loop in this thread; the database is still only used from where it may be.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    path = find()
    if path is None:
        why = "No Chromium: `apt-get install chromium`, or `python -m playwright install chromium`."
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium: Browser, live_server: Any) -> Iterator[Visit]:
    """`visit("/cases/", who="ana", theme="dark", size="phone")`: a page, signed in; who=None: a stranger."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def go(path: str, *, who: str | None = "ana", theme: str = "light", size: str = "wide") -> Page:
        context = chromium.new_context(
            base_url=live_server.url, viewport=SIZES[size], color_scheme=theme, has_touch=size == "phone",
            timezone_id="Europe/London", reduced_motion="reduce",
        )  # fmt: skip
        contexts.append(context)
        if who:
            client = Client()
            client.force_login(factories.colleague(who))
            session = client.cookies[settings.SESSION_COOKIE_NAME].value
            context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": live_server.url}])
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.set_default_navigation_timeout(30_000)  # the first chart takes the Vega scripts out of their package
        page.on("console", lambda said: complaints.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda problem: complaints.append(str(problem)))
        page.goto(path)
        page.wait_for_load_state("networkidle")
        return page

    yield go
    for context in contexts:
        context.close()
    assert not complaints, "The console complains: " + "; ".join(complaints)


@pytest.fixture
def axe() -> Callable[..., None]:
    """Fails when axe finds a barrier, or when the page scrolls sideways. only: these rules, else all."""

    def check(page: Page, *only: str) -> None:
        found = Axe().run(page, options={"runOnly": list(only)} if only else None)
        assert not found.response["violations"], found.generate_report()
        wide, room = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert wide <= room, f"{page.url} scrolls sideways: {wide} px in {room}"

    return check


@pytest.fixture
def post_office(settings: Any, tmp_path: Any, live_server: Any) -> Iterator[tuple[Mailbox, Relay]]:
    """A mailbox to write to and a relay that takes what is written, both real and on loopback."""
    with serving() as mailbox, listening(Relay()) as relay:
        settings.DEFAULT_FROM_EMAIL = "Shop Care <care@shop.example>"
        settings.MAKEGOOD_MAILBOX, settings.MAKEGOOD_URL = mailbox.url, live_server.url
        settings.EMAIL_BACKEND = "makegood.ground.messages.smtp.SmtpBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", relay.port
        settings.MAKEGOOD_FILES = tmp_path
        storage = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path}}
        settings.STORAGES = settings.STORAGES | {"attachments": storage}
        mailbox.clear()
        yield mailbox, relay


@pytest.fixture
def some_cases(transactional_db: None) -> list[Case]:
    """A morning at the desk: late, soon, waiting, silent, resolved; Ana's, Ben's and nobody's."""
    now = timezone.now()
    ana, ben = factories.colleague("ana"), factories.colleague("ben")
    names = [
        "Maria Silva",
        "Bartholomew Featherstonehaugh-Fernandez",
        "Tom Baker",
        "Aisha Rahman",
        "Jonas Weber",
        "Wei Zhang",
    ]
    reasons = [
        "delivery.not_received",
        "product.faulty",
        "delivery.overdue",
        "payment.refund",
        "store.price",
        "order.cancelled",
    ]
    tiers = ["gold", "", "silver", "", "platinum", ""]
    cases = []
    for n, (name, reason, tier) in enumerate(zip(names, reasons, tiers, strict=True)):
        order = factories.OrderFactory(customer__name=name, customer__loyalty_tier=tier, total=45 + 260 * n)
        factories.OrderLineFactory(order=order)
        shipment = factories.ShipmentFactory(order=order)
        factories.TrackingEventFactory(shipment=shipment)
        case = factories.open_case(
            order=order, at=now - timedelta(hours=7 * n + 1), reason=reason, shipment_id=shipment.pk,
            failed=f"{factories.ProductFactory().name} · Northway Parcels",
            body="" if reason == "delivery.overdue" else "Please help.",
        )  # fmt: skip
        cases.append(case)
    for case, colleague in zip(cases, [ana, ana, ben, None, None, ana], strict=True):
        if colleague:
            services.assign_case(case_id=case.pk, to=colleague, by=colleague, now=now)
    services.reply(case_id=cases[1].pk, body="Which colour was it?", by=ana, now=now - timedelta(hours=3), wait=True)
    services.resolve_case(case_id=cases[5].pk, outcome=Outcome.RECOVERED, cause="Paid back.", by=ana, now=now)
    return cases
