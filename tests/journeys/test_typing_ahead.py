"""Whoever knows the pages is faster than they load: keys pressed meanwhile are meant for the page that comes."""

import re
import time

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.journey


@pytest.fixture
def slowly():
    """`slowly(page, "**/cases/")`: the address answers only after half a second."""

    def slow(page, address):
        def later(route):
            time.sleep(0.5)
            route.continue_()

        page.route(address, later)

    return slow


def test_a_key_pressed_while_a_case_is_still_to_come_is_the_cases(visit, some_cases, slowly):
    page = visit("/cases/")
    slowly(page, re.compile(r"/cases/C-\d+/$"))
    page.get_by_role("link", name=f"C-{some_cases[0].number}", exact=True).click(no_wait_after=True)
    page.keyboard.press("h")
    expect(page.get_by_role("dialog", name="Put off")).to_be_visible()
    page.wait_for_url(f"**/cases/C-{some_cases[0].number}/")


def test_keys_over_several_pages_go_each_to_its_own(visit, some_cases, slowly):
    page = visit("/")
    slowly(page, re.compile("/cases/$"))
    for key in ("g", "c", "j", "j"):
        page.keyboard.press(key)
    page.wait_for_url("**/cases/")
    second = page.locator("tbody .number a").nth(1)
    expect(second).to_be_focused()


def test_what_was_typed_ahead_is_played_once(visit, some_cases):
    page = visit("/")
    page.keyboard.press("g")
    page.keyboard.press("c")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    page.reload()
    page.wait_for_load_state("networkidle")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_hidden()


def test_a_page_that_gives_a_file_stays_and_listens(visit, some_cases):
    page = visit("/cases/")
    with page.expect_download():
        page.get_by_role("link", name="CSV").click()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()


def test_a_key_that_opens_nothing_yet_does_nothing_here(visit, some_cases, slowly):
    """ "h" puts a case off; pressed on its way to the queue it does not put off the one that is left."""
    page = visit(f"/cases/C-{some_cases[0].number}/")
    slowly(page, re.compile("/cases/$"))
    page.keyboard.press("g")
    page.keyboard.press("c")
    page.keyboard.press("h")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.wait_for_url("**/cases/")
    some_cases[0].refresh_from_db()
    assert some_cases[0].snoozed_until is None
