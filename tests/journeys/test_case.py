"""A case, worked in a browser."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.conf import settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect

from makegood.ground.messages.models import Message
from makegood.recover.cases import services
from makegood.recover.cases.models import Case, Channel
from tests.factories import CustomerFactory, colleague, open_case

pytestmark = pytest.mark.journey


def _open(visit, case: Case, **how):
    return visit(f"/cases/C-{case.number}/", **how)


def test_a_case_from_first_look_to_its_end_without_a_mouse(visit, some_cases):
    case = some_cases[3]
    page = _open(visit, case)

    page.keyboard.press("r")
    page.keyboard.type("Dear Aisha, the money left us on Monday.")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("status").filter(has_text="Reply on its way")).to_be_visible()
    expect(page.locator("#moments > li").first).to_contain_text("the money left us on Monday")
    expect(page.locator("#moments > li").first).to_contain_text("Waiting to be sent")
    expect(page.locator("textarea[name=reply]")).to_have_value("")

    page.keyboard.press("n")
    page.keyboard.type("Checked with the bank.")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#moments > li").first).to_contain_text("Checked with the bank.")

    page.keyboard.press("c")
    page.keyboard.type("Told her it is on its way.")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#moments > li").first).to_contain_text("spoke to the customer by phone")

    page.keyboard.press("x")
    expect(page.get_by_role("dialog", name="Change the reason")).to_be_visible()
    page.keyboard.type("double")
    page.keyboard.press("Enter")
    expect(page.locator("#case-head")).to_contain_text("Wrong or double charge")

    page.keyboard.press("s")
    expect(page.get_by_role("dialog", name="Resolve")).to_be_visible()
    page.keyboard.press("Space")
    page.get_by_label("Why did it fail?").fill("Charged twice by the terminal")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.locator("#case-head")).to_contain_text("Resolved")
    expect(page.locator("#case-work")).to_contain_text("Charged twice by the terminal")

    page.keyboard.press("o")
    expect(page.get_by_role("dialog", name="Reopen")).to_be_visible()
    page.keyboard.type("She was charged a third time")
    page.get_by_role("dialog").get_by_role("button", name="Reopen").click()
    expect(page.locator("#case-head")).to_contain_text("Open")

    case.refresh_from_db()
    assert (case.status, case.outcome, case.assignee) == ("open", "", colleague("ana"))
    assert Message.objects.get(about=f"case:{case.pk}").body == "Dear Aisha, the money left us on Monday."


def test_resolving_can_be_undone_at_once(visit, some_cases):
    page = _open(visit, some_cases[0])
    page.keyboard.press("s")
    page.get_by_role("dialog").get_by_label("Put right", exact=True).check()
    page.get_by_role("dialog").get_by_label("Not yet known", exact=True).check()
    page.get_by_role("dialog").get_by_role("button", name="Resolve").click()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_role("status").filter(has_text="Open again")).to_be_visible()
    some_cases[0].refresh_from_db()
    assert some_cases[0].resolved_at is None


def test_taking_and_giving_a_case(visit, some_cases):
    page = _open(visit, some_cases[3])
    page.keyboard.press("t")
    expect(page.locator("#case-head")).to_contain_text("Ana Moreira")
    page.keyboard.press("a")
    expect(page.get_by_label("Find a colleague")).to_be_focused()
    page.keyboard.type("okaf")
    expect(page.locator("#people button")).to_have_count(1)
    page.locator("#people button").click()
    expect(page.locator("#case-head")).to_contain_text("Ben Okafor")


def test_two_colleagues_see_what_the_other_does(visit, some_cases):
    case = some_cases[3]
    hers, his = _open(visit, case), _open(visit, case, who="ben")
    his.keyboard.press("n")
    his.keyboard.type("I am thinking about")

    hers.keyboard.press("r")
    hers.keyboard.type("Dear Aisha, we found it.")
    hers.keyboard.press("Control+Enter")

    expect(his.locator("#moments")).to_contain_text("Dear Aisha, we found it.", timeout=9000)
    expect(his.locator("#news")).to_contain_text(re.compile(r"Ana Moreira replied by e-mail.* \d+ s ago"))
    expect(his.locator("#case-head")).to_contain_text("Ana Moreira")
    expect(his.locator("textarea[name=note]")).to_have_value("I am thinking about")
    expect(his.locator("textarea[name=note]")).to_be_focused()
    assert his.locator("#moments > li").count() == hers.locator("#moments > li").count()

    # The worker sends the mail: no new event, yet both see it.
    Message.objects.update(status="sent", sent_at=timezone.now())
    expect(hers.locator("#moments")).to_contain_text("Sent", timeout=9000)


@pytest.fixture
def second_browser(chromium, live_server, some_cases) -> Iterator[Page]:
    """Signed in as Ana; unlike `visit`, refusals in its console are expected."""
    client = Client()
    client.force_login(colleague("ana"))
    context = chromium.new_context(base_url=live_server.url)
    name = settings.SESSION_COOKIE_NAME
    context.add_cookies([{"name": name, "value": client.cookies[name].value, "url": live_server.url}])
    yield context.new_page()
    context.close()


def test_who_writes_on_an_old_version_is_told_and_loses_nothing(second_browser, some_cases):
    case, page = some_cases[0], second_browser
    page.goto(f"/cases/C-{case.number}/")
    page.route("**/live?*", lambda route: route.fulfill(status=204))  # as if the network were slow
    said = []
    page.on("response", lambda response: said.append(response.status) if response.request.method == "POST" else None)
    page.keyboard.press("r")
    page.keyboard.type("It arrives on Thursday.")
    services.receive_contact(
        case_id=case.pk, channel=Channel.EMAIL, author="Maria", body="Forget it, it came.", at=timezone.now()
    )

    page.keyboard.press("Control+Enter")
    expect(page.get_by_role("alert")).to_contain_text("was changed while you looked at it")
    expect(page.locator("#moments > li").first).to_contain_text("Forget it, it came.")
    expect(page.locator("textarea[name=reply]")).to_have_value("It arrives on Thursday.")
    assert not Message.objects.filter(about=f"case:{case.pk}").exists()

    page.locator("textarea[name=reply]").press("Control+Enter")
    expect(page.locator("#moments > li").first).to_contain_text("It arrives on Thursday.")
    assert said == [409, 200]


def test_what_is_typed_while_a_reply_is_on_its_way_stays(visit, some_cases):
    page = _open(visit, some_cases[0])
    held = []
    page.route("**/say", lambda route: held.append(route))  # noqa: PLW0108  Playwright inspects it
    page.keyboard.press("r")
    page.keyboard.type("We found it.")
    page.keyboard.press("Control+Enter")
    page.keyboard.press("Escape")
    page.keyboard.press("n")
    page.keyboard.type("Look at the depot")
    held[0].continue_()
    expect(page.locator("#moments > li").first).to_contain_text("We found it.")
    expect(page.locator("textarea[name=note]")).to_have_value("Look at the depot")
    expect(page.locator("textarea[name=reply]")).to_have_value("")


def test_a_draft_outlives_the_page(visit, some_cases):
    page = _open(visit, some_cases[0])
    page.keyboard.press("r")
    page.keyboard.type("Half a sen")
    page.keyboard.press("Escape")
    page.reload()
    expect(page.locator("textarea[name=reply]")).to_have_value("Half a sen")


def test_older_moments_come_when_asked_for(visit, transactional_db):
    now = timezone.now()
    case = open_case(at=now - timedelta(days=9))
    for n in range(120):
        services.add_note(case_id=case.pk, body=f"Note {n}", by=colleague("ben"), now=now - timedelta(hours=130 - n))
    page = _open(visit, case)
    expect(page.locator("#moments > li.moment:not(.more)")).to_have_count(100)
    page.get_by_role("link", name="Show what was before").click()
    expect(page.locator("#moments > li.moment:not(.more)")).to_have_count(123)
    expect(page.get_by_text("Case opened")).to_be_visible()


def test_what_people_wrote_is_never_run(visit, transactional_db):
    evil = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">"
    case = open_case(
        customer=CustomerFactory(name=evil, email="", city=evil, loyalty_tier="<b>gold</b>", language="<i>"),
        subject=evil,
        body=f"<p>Hello</p>{evil}<a href=\"javascript:document.title='owned'\">here</a>", failed=evil,
        at=timezone.now() - timedelta(hours=1),
    )  # fmt: skip
    services.add_note(case_id=case.pk, body=evil, by=colleague("ana"), now=timezone.now())
    page = _open(visit, case)
    page.wait_for_timeout(300)
    assert page.title() != "owned"
    assert page.locator("#moments img, #moments script, [href^=javascript]").count() == 0
    expect(page.get_by_label("Reply to the customer")).to_be_disabled()


def test_a_case_opened_by_hand(visit, some_cases):
    order = some_cases[0].order
    page = visit(f"/orders/{order.pk}/")
    page.keyboard.press("o")
    page.wait_for_url(re.compile("/case$"))
    page.get_by_label("What went wrong?").select_option("product.damaged")
    page.get_by_label("In a few words").fill("The lid is cracked")
    page.get_by_label("Who told us?").select_option("phone")
    page.get_by_label("What was said or seen").fill("The lid is cracked on both sides.")
    page.get_by_role("button", name="Open the case").click()
    page.wait_for_url(re.compile(r"/cases/C-\d+/$"))
    expect(page.locator("#moments")).to_contain_text("The lid is cracked on both sides.")
    expect(page.locator("#moments")).to_contain_text("Opened by hand by Ana Moreira.")


@pytest.mark.parametrize("size", ["wide", "phone"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_case_pages_have_no_barriers(visit, axe, some_cases, theme, size):
    open_one, resolved = some_cases[0], some_cases[5]
    page = _open(visit, open_one, theme=theme, size=size)
    axe(page)
    for tab in ("past", "work") if size == "phone" else ():
        page.locator(f"[data-tab={tab}]").click()
        axe(page)
    order = open_one.order
    for path in (
        f"/cases/C-{resolved.number}/",
        f"/customers/{order.customer_id}/",
        f"/orders/{order.pk}/",
        f"/orders/{order.pk}/case",
    ):
        page.goto(path)
        axe(page)


def test_the_dialogs_of_a_case_have_no_barriers(visit, axe, some_cases):
    page = _open(visit, some_cases[0])
    for key in ("s", "a", "e", "x", "w"):
        page.keyboard.press(key)
        expect(page.get_by_role("dialog")).to_be_visible()
        axe(page)
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog")).to_be_hidden()
