"""A day at the desk, in a browser."""

import re

import pytest
from playwright.sync_api import expect

from tests.factories import PASSWORD, colleague

pytestmark = pytest.mark.journey


def test_signing_in_leads_to_where_one_wanted_to_go(visit, some_cases):
    page = visit("/cases/", who=None)
    assert "/account/login/" in page.url
    page.fill("#id_login", colleague("ana").email)
    page.fill("#id_password", PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Cases")).to_be_visible()


def test_a_wrong_password_is_said_in_words(visit, transactional_db):
    colleague("ana")
    page = visit("/account/login/", who=None)
    page.fill("#id_login", "ana")
    page.fill("#id_password", "no")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("not correct")


def test_walking_the_queue_by_keyboard(visit, some_cases):
    page = visit("/cases/")
    numbers = page.locator("tbody .number a").all_inner_texts()
    page.keyboard.press("j")
    expect(page.locator(":focus")).to_have_text(numbers[0])
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("k")
    expect(page.locator(":focus")).to_have_text(numbers[1])
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(f"/cases/{numbers[1]}/"))
    page.keyboard.press("g")
    page.keyboard.press("c")
    page.wait_for_url(re.compile("/cases/$"))
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()


def test_filters_stay_in_the_address_and_can_be_cleared(visit, some_cases):
    page = visit("/cases/")
    page.get_by_label("Assignee").select_option("me")
    page.wait_for_url(re.compile(r"assignee=me$"))
    expect(page.locator("tbody tr")).to_have_count(2)
    page.get_by_label("Severity", exact=True).select_option("4")
    expect(page.get_by_text("Nothing matches")).to_be_visible()
    page.get_by_role("link", name="Show all open cases").click()
    expect(page.locator("tbody tr")).to_have_count(5)


def test_taking_several_cases_at_once(visit, some_cases):
    page = visit("/cases/?assignee=nobody")
    expect(page.locator("tbody tr")).to_have_count(2)
    page.keyboard.press("j")
    page.keyboard.press("x")
    page.keyboard.press("j")
    page.keyboard.press("x")
    expect(page.get_by_text("2 selected")).to_be_visible()
    page.get_by_role("button", name="Take").click()
    expect(page.get_by_role("status")).to_contain_text("2 cases are now with Ana Moreira")
    expect(page.get_by_text("Nothing matches")).to_be_visible()


def test_finding_a_customer_while_typing(visit, some_cases):
    page = visit("/")
    page.keyboard.press("/")
    page.keyboard.type("maria si")
    expect(page.get_by_role("option", name="Maria Silva").first).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#finder")).to_be_hidden()


def test_commands_are_found_in_the_same_box(visit, some_cases):
    page = visit("/")
    page.keyboard.press("Control+k")
    page.keyboard.type("go to cas")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/cases/"))


def test_a_case_number_opens_at_once(visit, some_cases):
    page = visit("/")
    page.keyboard.press("/")
    page.keyboard.type(f"c-{some_cases[0].number}")
    expect(page.locator("#finder [aria-selected]")).to_contain_text(f"C-{some_cases[0].number}")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(f"/cases/C-{some_cases[0].number}/"))


def test_the_theme_is_kept(visit, some_cases):
    page = visit("/")
    page.get_by_role("button", name="My account").click()
    page.get_by_role("button", name="Theme").click()
    page.get_by_role("button", name="Theme").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    assert page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(15, 17, 21)"


def test_what_runs_out_next_stands_behind_the_bell(visit, some_cases):
    page = visit("/cases/")
    page.get_by_role("button", name="What is due").click()
    expect(page.locator("#due")).to_contain_text("Maria Silva")


PAGES = ["/", "/cases/", "/cases/?status=resolved", "/cases/?q=nosuchword", "/search", "/search?q=maria",
         "/account/logout/", "/account/password/change/", "/account/2fa/"]  # fmt: skip


@pytest.mark.parametrize("size", ["wide", "phone"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pages_have_no_barriers(visit, axe, some_cases, theme, size):
    page = visit("/", theme=theme, size=size)
    for path in PAGES:
        page.goto(path)
        page.wait_for_load_state("networkidle")
        axe(page)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_empty_pages_have_no_barriers(visit, axe, transactional_db, theme):
    page = visit("/", theme=theme, size="phone")
    expect(page.get_by_text("Your desk is clear")).to_be_visible()
    axe(page)
    page.goto("/cases/")
    expect(page.get_by_text("No open cases")).to_be_visible()
    axe(page)


def test_dialogs_have_no_barriers(visit, axe, some_cases):
    page = visit("/")
    page.keyboard.press("?")
    axe(page)
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    page.keyboard.type("maria")
    expect(page.get_by_role("option", name="Maria Silva").first).to_be_visible()
    axe(page)
