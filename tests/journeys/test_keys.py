"""Keys of other systems, in a browser."""

import re

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.journey


@pytest.mark.parametrize(("theme", "size"), [("light", "wide"), ("dark", "phone")])
def test_an_administrator_makes_a_key_and_revokes_it(visit, transactional_db, axe, theme, size):
    page = visit("/settings/keys/", who="ada", theme=theme, size=size)
    expect(page.get_by_text("No other system has a key")).to_be_visible()
    axe(page)
    page.get_by_label("Which system").fill("Web shop")
    page.get_by_label("Open and work cases").check()
    page.get_by_role("button", name="Make the key").click()
    expect(page.locator(".secret")).to_have_text(re.compile("^mg_"))
    axe(page)
    page.on("dialog", lambda asked: asked.accept())
    page.get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("The key is revoked.")).to_be_visible()
    expect(page.locator(".secret")).to_have_count(0)
