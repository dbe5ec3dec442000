"""Working beside colleagues: views everybody has, words kept once, and who looks at the same case."""

import pytest
from playwright.sync_api import expect

from makegood.recover.cases.models import Macro, Queue

pytestmark = pytest.mark.journey


def test_a_list_is_saved_as_a_view_and_found_again(visit, some_cases, axe):
    page = visit("/cases/?severity=2")
    page.get_by_role("button", name="Save view").first.click()
    page.get_by_label("Name of the view").fill("High ones")
    page.locator("#save-view").get_by_role("button", name="Save view").click()
    expect(page.get_by_role("link", name="High ones")).to_have_attribute("aria-current", "page")
    axe(page)
    page.get_by_role("link", name="Mine", exact=True).click()
    page.get_by_role("link", name="High ones").click()
    page.get_by_role("button", name="Remove the view High ones").click()
    expect(page.get_by_role("link", name="High ones")).to_have_count(0)


def test_a_macro_is_taken_with_two_keys(visit, some_cases, axe):
    Macro.objects.create(name="Still looking", body="Dear {first_name}, we still look for {order}.", wait=True)
    Macro.objects.create(name="Other", body="Other words", queue=Queue.objects.get(slug=some_cases[3].queue.slug))
    page = visit(f"/cases/C-{some_cases[3].number}/")
    page.keyboard.press("r")
    page.keyboard.press("Escape")
    page.keyboard.press(".")
    expect(page.get_by_label("Find a macro")).to_be_focused()
    axe(page)
    page.keyboard.type("still")
    expect(page.locator(".macro:visible")).to_have_count(1)
    page.keyboard.press("Enter")
    order = some_cases[3].order.ref
    expect(page.locator("textarea[name=reply]")).to_have_value(f"Dear Aisha, we still look for {order}.")
    expect(page.get_by_label("Then wait for the customer")).to_be_checked()
    expect(page.locator("textarea[name=reply]")).to_be_focused()


def test_two_at_one_case_see_each_other_write(visit, some_cases):
    hers, his = (visit(f"/cases/C-{some_cases[0].number}/", who=who) for who in ("ana", "ben"))
    his.keyboard.press("n")
    his.keyboard.type("I already called")
    expect(hers.locator("#present")).to_contain_text("Ben Okafor is writing a note", timeout=12000)
    expect(his.locator("#present")).to_contain_text("Ana Moreira is looking too", timeout=12000)
    his.close()
    expect(hers.locator("#present")).to_be_empty(timeout=30000)
