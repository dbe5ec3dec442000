"""Promises, made and kept in a browser."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect

from makegood.recover.commitments import services
from makegood.recover.commitments.models import Commitment, State
from tests.factories import colleague

pytestmark = pytest.mark.journey


def _toast(page, words: str):
    return page.get_by_role("status").filter(has_text=words)


def _resolve(page) -> None:
    page.keyboard.press("s")
    expect(page.get_by_role("dialog", name="Resolve")).to_be_visible()
    page.keyboard.press("Space")
    page.get_by_label("Why did it fail?").fill("The carrier lost it")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_hidden()


@pytest.fixture
def refused_at_times(chromium, live_server, some_cases) -> Iterator[Page]:
    """Signed in as Ana; unlike `visit`, refusals in its console are expected."""
    client = Client()
    client.force_login(colleague("ana"))
    context = chromium.new_context(base_url=live_server.url)
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_server.url}])
    yield context.new_page()
    context.close()


def test_promised_found_contradicted_kept_and_resolved_without_a_mouse(refused_at_times, some_cases):
    case, page = some_cases[1], refused_at_times
    page.goto(f"/cases/C-{case.number}/")
    panel = page.locator("#promises")
    expect(panel).to_contain_text("Nothing is promised")

    page.keyboard.press("p")
    expect(page.get_by_role("dialog", name="Promise")).to_be_visible()
    page.keyboard.type("Call him about the repair")
    page.keyboard.press("Tab")
    page.keyboard.type("soon")
    expect(page.locator("#when-means")).to_contain_text("no time that we understand")
    page.get_by_label("Until when?").fill("in 3 days at 2pm")
    expect(page.locator("#when-means")).to_contain_text("14:00, in 3 days")
    page.keyboard.press("Enter")
    expect(_toast(page, "promised")).to_be_visible()
    expect(panel).to_contain_text("Call him about the repair")
    expect(page.locator("#moments > li").first).to_contain_text("promised a call by")

    page.keyboard.press("c")
    page.keyboard.type("Told him we will refund the postage within 2 days.")
    page.keyboard.press("Control+Enter")
    expect(panel).to_contain_text("Did you promise this?")
    page.keyboard.press("y")
    expect(panel).not_to_contain_text("Did you promise this?")
    expect(panel).to_contain_text("we will refund the postage within 2 days")

    page.keyboard.press("r")
    page.keyboard.type("Dear customer, I will call you tomorrow at 11.")
    page.keyboard.press("Control+Enter")
    doubt = page.locator("#composer-problem")
    expect(doubt).to_contain_text("You promised a call by")
    expect(page.locator("textarea[name=reply]")).to_have_value("Dear customer, I will call you tomorrow at 11.")
    page.get_by_role("button", name="Send all the same").press("Enter")
    expect(panel).to_contain_text("Instead of P-")
    page.keyboard.press("y")
    expect(page.get_by_role("dialog", name="Was this promised?")).to_be_visible()
    expect(page.locator("#when-means")).to_contain_text("11:00, tomorrow")
    page.get_by_label("Until when?").press("Enter")
    expect(panel).to_contain_text("after 1 other date")

    _resolve(page)
    expect(page.get_by_text("still has something promised")).to_be_visible()

    for left in (1, 0):
        page.keyboard.press("d")
        expect(panel.get_by_role("button", name="Kept")).to_have_count(left)
    page.keyboard.press("z")  # the last one was a wrong click
    expect(panel.get_by_role("button", name="Kept")).to_have_count(1)
    page.keyboard.press("d")
    expect(panel.get_by_role("button", name="Kept")).to_have_count(0)
    _resolve(page)
    expect(page.locator("#case-head")).to_contain_text("Resolved")
    assert sorted(Commitment.objects.values_list("state", flat=True)) == ["kept", "kept", "superseded"]


def test_a_promise_is_kept_in_the_list_and_let_off_in_a_dialog(visit, some_cases):
    now = timezone.now()
    first, second = (
        services.promise(text=text, kind="call", due_at=now - timedelta(minutes=5), owner=colleague("ana"),
                         by=colleague("ana"), now=now - timedelta(days=1), case_id=some_cases[0].pk)
        for text in ("Call her", "Call him")
    )  # fmt: skip
    page = visit("/commitments/")
    row = page.locator(f"#promise-{first.number}")
    row.get_by_role("button", name="Kept").click()
    expect(row).to_contain_text("Kept late")
    row.get_by_role("button", name="Open P-").click()
    expect(row.get_by_role("button", name="Kept")).to_be_visible()
    page.locator(f"#promise-{second.number}").get_by_role("link", name="Another date").click()
    expect(page.locator("#when-means")).to_contain_text("has passed")
    page.get_by_label("They let us off").fill("Maria, by phone")
    page.get_by_role("button", name="Let off").click()
    expect(page.locator(f"#promise-{second.number}")).to_contain_text("Released")
    assert Commitment.objects.get(pk=second.pk).state == State.RELEASED


@pytest.mark.parametrize(("theme", "size"), [("light", "wide"), ("dark", "wide"), ("light", "phone")])
def test_pages_of_promises_have_no_barriers(visit, some_cases, axe, theme, size):
    now = timezone.now()
    for n in range(12):
        made = services.promise(
            text="Call her about the parcel that never came", kind="call", due_at=now + timedelta(hours=n - 8),
            owner=colleague("ana"), by=colleague("ana"), now=now - timedelta(days=1), case_id=some_cases[n % 3].pk,
        )  # fmt: skip
        if n < 7:
            services.keep(commitment_id=made.pk, by=colleague("ana"), now=now)
    pages = ("?show=open", "calendar?span=week", "calendar?span=month", "kept", "hand-over")
    for path in (*(f"/commitments/{name}" for name in pages), f"/cases/C-{some_cases[0].number}/"):
        axe(visit(path, theme=theme, size=size))
    dialog = visit(f"/commitments/P-{made.number}/change", theme=theme, size=size)
    expect(dialog.locator("#when-means")).to_contain_text(":")
    axe(dialog)
