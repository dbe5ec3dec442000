"""Macros that act, watching, asking and moving, in a browser and mostly without a mouse."""

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from makegood.recover.cases import services
from makegood.recover.cases.macros.keeping import keep_macro
from makegood.recover.cases.models import Macro, Question
from makegood.recover.cases.services.attachments import Given
from tests.factories import colleague

pytestmark = pytest.mark.journey
LOOKS = [(theme, size) for theme in ("light", "dark") for size in ("wide", "phone")]


@pytest.fixture
def macros(some_cases) -> list[Macro]:
    ana = colleague("ana")
    lost = keep_macro(
        by=ana, name="Parcel lost", kind="reply", audience="all", body="Dear {first_name}, we look for {order}.",
        actions=[{"do": "severity", "severity": "2"}, {"do": "watch", "who": "ben"},
                 {"do": "promise", "kind": "answer", "due": "in two business days"}],
        files=[Given("claim form.txt", b"Fill this in")],
    )  # fmt: skip
    wait = keep_macro(by=ana, name="Then wait", kind="reply", audience="me", body="We write as soon as we know.",
                      actions=[{"do": "wait", "whom": "partner"}])  # fmt: skip
    return [lost, wait]


def test_two_macros_are_taken_seen_and_done(visit, axe, some_cases, macros):
    case = some_cases[0]
    page = visit(f"/cases/C-{case.number}/")
    for name in ("lost", "wait"):
        page.keyboard.press("Escape")  # out of the text
        page.keyboard.press(".")
        expect(page.get_by_label("Find a macro")).to_be_focused()
        if name == "lost":
            axe(page)
        page.keyboard.type(name)
        page.keyboard.press("Enter")
        expect(page.get_by_role("dialog")).to_be_hidden()
    taken = page.get_by_role("list", name="What is done with it")
    expect(taken).to_contain_text("Promise: Answer, in two business days")
    expect(taken).to_contain_text("claim form.txt")
    axe(page)
    expect(page.get_by_label("Reply to the customer")).to_have_value(
        f"Dear Maria, we look for {case.order.ref}.\n\nWe write as soon as we know."
    )
    page.keyboard.press("Control+Enter")
    expect(page.locator("#moments")).to_contain_text("claim form.txt")
    expect(page.locator("#case-head")).to_contain_text("Waiting on a partner")
    expect(taken.locator("li")).to_have_count(0)
    assert [macro.used for macro in Macro.objects.all()] == [1, 1]
    axe(page)


def test_a_question_is_asked_found_on_the_desk_and_answered(visit, axe, some_cases):
    case = some_cases[0]
    page = visit(f"/cases/C-{case.number}/")
    page.keyboard.press("q")
    expect(page.get_by_label("Whom?")).to_be_focused()
    axe(page)
    page.keyboard.type("Ben")
    page.keyboard.press("Tab")
    page.keyboard.type("Is this parcel in your depot?")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".thread")).to_contain_text("Waits for an answer")
    axe(page)

    bens = visit("/", who="ben")
    axe(bens)
    bens.get_by_role("region", name="Questions among colleagues").get_by_role("link").click()
    bens.get_by_label("Write on in this question").fill("Yes, in aisle 4.")
    bens.keyboard.press("Enter")
    expect(bens.locator(".thread")).to_contain_text("Yes, in aisle 4.")
    expect(bens.locator(".thread")).to_contain_text("Answered")

    # Ana sees it without asking, in the block where she asked.
    expect(page.locator(".thread")).to_contain_text("Yes, in aisle 4.", timeout=15_000)
    page.get_by_role("button", name="Close question").click()
    expect(page.locator(".thread")).to_contain_text("Closed")
    expect(page.get_by_label("Write on in this question")).to_have_count(0)
    assert Question.objects.get().state == "closed"


def test_watching_and_moving_by_key(visit, axe, some_cases):
    case = some_cases[0]
    page = visit(f"/cases/C-{case.number}/")
    page.keyboard.press("v")
    expect(page.get_by_role("button", name="Stop watching")).to_be_visible()
    page.keyboard.press("l")
    expect(page.get_by_label("Where does it belong?")).to_be_focused()
    axe(page)
    page.keyboard.type("Orders")
    page.keyboard.press("Tab")
    page.keyboard.type("It is about the invoice.")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="Moved. Nobody has it yet.")).to_be_visible()
    page.goto("/cases/")
    page.get_by_role("link", name="I watch").click()
    expect(page.get_by_role("link", name=f"C-{case.number}", exact=True)).to_be_visible()


@pytest.mark.parametrize(("theme", "size"), LOOKS)
def test_nobody_meets_a_barrier(visit, axe, some_cases, macros, theme, size):
    case, ana, ben = some_cases[0], colleague("ana"), colleague("ben")
    asked = services.ask(case_id=case.pk, body="Is it yours?", to=ana, by=ben, now=timezone.now())
    for path in (f"/cases/C-{case.number}/#question-{asked.pk}", "/", "/cases/", f"/cases/macros/{macros[0].pk}/"):
        axe(visit(path, theme=theme, size=size))
