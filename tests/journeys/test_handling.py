"""Cases handed over, joined, parted and put off, in a browser and mostly without a mouse."""

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from makegood.recover.cases import services
from makegood.recover.cases.models import AssignmentRule, Case, Tier
from tests.factories import colleague, open_case

pytestmark = pytest.mark.journey


def _open(visit, case: Case, **how):
    return visit(f"/cases/C-{case.number}/", **how)


@pytest.fixture
def twins(some_cases) -> tuple[Case, Case]:
    """Two open cases about one order."""
    first = some_cases[0]
    second = open_case(order=first.order, reason="product.damaged", at=timezone.now(), subject="The lid is cracked",
                       body="The lid is cracked, too.")  # fmt: skip
    return first, second


def test_escalating_with_a_hand_over(visit, axe, some_cases):
    case = some_cases[3]
    page = _open(visit, case)
    page.keyboard.press("e")
    dialog = page.get_by_role("dialog", name="Escalate")
    expect(dialog).to_be_visible()
    axe(page)
    expect(page.get_by_label("More authority")).to_be_focused()
    page.keyboard.press("m")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.type("The refund was sent twice.")
    page.keyboard.press("Tab")
    page.keyboard.type("A call by Thursday.")
    page.keyboard.press("Tab")
    page.keyboard.type("Approve 15 credit.")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#moments > li").first).to_contain_text("escalated to manager")
    expect(page.locator("#moments > li").first).to_contain_text("A call by Thursday.")
    case.refresh_from_db()
    assert case.tier == Tier.MANAGER


def test_merging_a_duplicate_and_taking_it_back(visit, axe, twins):
    first, second = twins
    page = _open(visit, second)
    page.keyboard.press("u")
    expect(page.get_by_role("dialog", name="Merge")).to_be_visible()
    expect(page.get_by_text("same customer or order")).to_be_visible()
    axe(page)
    page.get_by_role("button", name=f"Merge C-{second.number} into it").press("Enter")
    expect(page.get_by_role("status").filter(has_text=f"C-{second.number} goes on in C-{first.number}")).to_be_visible()
    expect(page.locator("#case-head")).to_contain_text(f"it goes on in C-{first.number}")
    page.keyboard.press("z")
    expect(page.get_by_role("status").filter(has_text="both are as before")).to_be_visible()
    second.refresh_from_db()
    assert second.resolved_at is None

    page = _open(visit, first)
    page.get_by_role("button", name="Merge here").click()
    expect(page.locator("#moments")).to_contain_text("The lid is cracked, too.")
    expect(page.locator("#moments")).to_contain_text(f"in C-{second.number}")
    expect(page.locator("#case-work")).to_contain_text("Merged into this case")
    axe(page)


def test_putting_a_case_off_and_finding_it_again(visit, axe, some_cases):
    case = some_cases[0]
    page = _open(visit, case)
    page.keyboard.press("h")
    expect(page.get_by_role("dialog", name="Put off")).to_be_visible()
    axe(page)
    expect(page.get_by_role("button", name="In three hours")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_label("Why can it wait?")).to_be_focused()
    page.keyboard.type("The depot looks for it.")
    page.keyboard.press("Enter")
    expect(page.locator("#case-head")).to_contain_text("Put off until")
    axe(page)

    page.goto("/cases/")
    expect(page.get_by_role("link", name=f"C-{case.number}", exact=True)).to_have_count(0)
    page.goto("/cases/?waiting=later")
    page.get_by_role("link", name=f"C-{case.number}", exact=True).click()
    page.keyboard.press("h")
    expect(page.get_by_role("status").filter(has_text="Back in the queue")).to_be_visible()


def test_splitting_off_what_is_about_something_else(visit, axe, some_cases):
    case = some_cases[0]
    services.receive_contact(
        case_id=case.pk, channel="email", author="Maria", body="By the way, I was charged twice.", at=timezone.now()
    )
    page = _open(visit, case)
    page.locator(".acts-more summary").click()
    page.get_by_role("link", name="Split").click()
    expect(page.get_by_role("dialog", name="Split")).to_be_visible()
    axe(page)
    page.get_by_label("By the way, I was charged twice.").check()
    page.get_by_label("About what?").select_option("payment.charge")
    page.get_by_role("button", name="Start a new case").click()
    expect(page.locator("#case-work")).to_contain_text("Split off this case")


def test_one_failure_behind_many_is_answered_at_once(visit, axe, some_cases):
    parent, *children = some_cases[:4]
    for child in children:
        services.link_case(case_id=child.pk, parent_id=parent.pk, by=colleague("ana"), now=timezone.now())
    page = _open(visit, parent)
    page.get_by_role("link", name="Answer all").click()
    expect(page.get_by_role("dialog", name="Answer all")).to_be_visible()
    axe(page)
    page.get_by_label("What do you write to each of them?").fill("Dear {name}, the depot burned.")
    page.get_by_role("dialog").get_by_role("button", name="Answer all").click()
    expect(page.get_by_text("3 still to come")).to_be_visible()
    axe(page)
    services.run_batch(batch_id=parent.batches.get().pk, now=timezone.now())
    expect(page.get_by_text("3 answers on their way.")).to_be_visible()


def test_several_are_resolved_from_the_queue_and_taken_back(visit, axe, some_cases):
    page = visit("/cases/")
    for case in some_cases[:2]:
        page.get_by_label(f"Select C-{case.number}").check()
    page.get_by_role("button", name="Resolve").click()
    dialog = page.get_by_role("dialog", name="Resolve")
    expect(dialog).to_be_visible()
    axe(page)
    dialog.get_by_label("Put right", exact=True).check()
    dialog.get_by_label("Why did it fail?").fill("The depot burned")
    dialog.get_by_role("button", name="Resolve").click()
    expect(page.get_by_text("2 cases resolved.")).to_be_visible()
    axe(page)
    page.keyboard.press("z")
    expect(page.get_by_text("2 taken back.")).to_be_visible()
    assert Case.objects.filter(resolved_at=None).count() == 5


@pytest.mark.parametrize("size", ["wide", "phone"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_rules_of_assignment_have_no_barriers(visit, axe, some_cases, theme, size):
    page = visit("/cases/rules", who="mia", theme=theme, size=size)
    axe(page)
    page.get_by_role("link", name="Write the first rule").click()
    page.get_by_label("Name").fill("Portuguese")
    page.get_by_label("Skill that people need").fill("pt")
    axe(page)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("link", name="Portuguese")).to_be_visible()
    axe(page)
    assert AssignmentRule.objects.get().skill == "pt"
