"""One parcel from the customer's first mail to a fair end: real mail servers, a real browser, a keyboard."""

import re
from collections.abc import Callable
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from django.utils import timezone
from playwright.sync_api import Locator, Page, expect

from makegood.ground.messages.brands import brands
from makegood.ground.messages.services import deliver_due
from makegood.ground.retail.models import Customer, Shipment, TrackingEvent
from makegood.recover.cases import services
from makegood.recover.cases.models import Case, Outcome, Tier
from makegood.recover.commitments.models import Commitment
from makegood.recover.intake.services import fetching
from makegood.recover.intake.services.mailing import take_in_mail
from tests import factories
from tests.imap import Mailbox
from tests.relay import Relay

pytestmark = pytest.mark.journey

Scan = TrackingEvent.Kind
SOON = 20_000  # until the page has heard of it by itself, on a machine that has other things to do
WARD = "beatriz@example.com"


@pytest.fixture
def beatriz(some_cases: list[Case]) -> Customer:
    """Gold; one parcel was lost in spring, and now nobody has seen a second one for days."""
    customer = factories.CustomerFactory(
        name="Beatriz Costa", email=WARD, loyalty_tier="gold", lifetime_value="2140.00", city="Exeter"
    )
    lost = _parcel(customer, "Espresso machine", 310, days_ago=150)
    ended = factories.open_case(
        order=lost.order, at=lost.handed_over_at + timedelta(days=5), shipment_id=lost.pk,
        failed="Espresso machine · Northway Parcels",
    )  # fmt: skip
    services.resolve_case(
        case_id=ended.pk, outcome=Outcome.RECOVERED, cause="Lost between Bristol and Exeter",
        by=factories.colleague("ben"), now=lost.handed_over_at + timedelta(days=8),
    )  # fmt: skip
    _parcel(customer, "Robot vacuum R5", 429, days_ago=8)
    return customer


def _parcel(customer: Customer, name: str, price: int, *, days_ago: int) -> Shipment:
    """Bought that long ago, due five days later, last seen in Bristol."""
    sent = timezone.now() - timedelta(days=days_ago - 1)
    order = factories.OrderFactory(
        customer=customer, total=price, placed_at=sent - timedelta(days=1), promised_at=sent + timedelta(days=4)
    )
    product = factories.ProductFactory(name=name)
    factories.OrderLineFactory(order=order, product=product, unit_price=price - 5, freight=5)
    shipment = factories.ShipmentFactory(order=order, handed_over_at=sent, promised_at=order.promised_at)
    for hours, kind, where in ((1, Scan.ACCEPTED, "Leeds"), (10, Scan.IN_TRANSIT, "Bristol")):
        factories.TrackingEventFactory(shipment=shipment, kind=kind, location=where, at=sent + timedelta(hours=hours))
    return shipment


def _mail(words: str, subject: str, number: int, **more: str) -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"] = f"Beatriz Costa <{WARD}>", more.pop("To", "care@shop.example")
    made["Subject"], made["Message-ID"] = subject, f"<beatriz-{number}@example.com>"
    for name, value in more.items():
        made[name.replace("_", "-")] = value
    made.set_content(words)
    return made


def _come(mailbox: Mailbox, mail: EmailMessage) -> None:
    """A mail comes, and the worker looks into the mailbox."""
    mailbox.put(mail.as_bytes())
    assert fetching.fetch(brands()[0], now=timezone.now()).new == 1
    assert take_in_mail(timezone.now())["taken"] == 1


def _leave(relay: Relay, number: int) -> EmailMessage:
    """The worker hands over what waits; what the relay then holds for her, of which there must be so many."""
    deliver_due(now=timezone.now())
    mails = [message_from_bytes(mail, policy=policy.default) for mail in relay.mails]
    hers = [mail for mail in mails if mail["To"] == WARD]
    assert len(hers) == number
    return hers[-1]


def _toast(page: Page, words: str) -> Locator:
    return page.get_by_role("status").filter(has_text=words)


def _newest(page: Page) -> Locator:
    return page.locator("#moments > li").first


def _say(page: Page, key: str, words: str) -> None:
    page.keyboard.press(key)
    page.keyboard.type(words)
    page.keyboard.press("Control+Enter")


def _tab_to(page: Page, there: Locator, *, most: int = 12) -> None:
    """Press Tab until it has the focus, as a person does."""
    for _ in range(most):
        if there.evaluate("it => it === document.activeElement"):
            return
        page.keyboard.press("Tab")
    expect(there).to_be_focused()


def _dialog(page: Page, name: str, key: str) -> Locator:
    page.keyboard.press(key)
    dialog = page.get_by_role("dialog", name=name)
    expect(dialog.locator(":focus")).to_be_visible()
    return dialog


def test_a_parcel_is_put_right(  # noqa: PLR0915  one story, told to its end
    visit: Callable[..., Page], post_office: tuple[Mailbox, Relay], some_cases: list[Case], beatriz: Customer
) -> None:
    mailbox, relay = post_office
    order = beatriz.orders.latest("placed_at")
    day = f"{timezone.now() + timedelta(days=3):%A}"  # on a Thursday "Thursday 2pm" could be either

    # She writes; a case opens by itself, hers and about this order.
    _come(mailbox, _mail(f"Hello,\n\nmy parcel with order {order.ref} never arrived. It was promised days ago and "
                         "nobody can tell me where it is.\n\nBeatriz", "Where is my parcel?", 1))  # fmt: skip
    case = Case.objects.get(customer=beatriz, resolved_at=None)
    assert (case.order, case.reason.code) == (order, "delivery.overdue")

    # Ana finds it in the queue.
    page = visit("/")
    page.keyboard.press("g")
    page.keyboard.press("c")
    page.wait_for_url("**/cases/")
    for _ in some_cases:
        page.keyboard.press("j")
        if page.locator("[data-row]:focus-within").filter(has_text="Beatriz Costa").count():
            break
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/cases/C-{case.number}/")
    page.wait_for_load_state("networkidle")
    expect(page.locator("#moments")).to_contain_text("nobody can tell me where it is")
    page.keyboard.press("t")
    expect(page.locator("#case-head")).to_contain_text("Ana Moreira")

    # She promises a call.
    promises = page.locator("#promises")
    _dialog(page, "Promise", "p")
    page.keyboard.type("Call you when the depot has looked")
    page.keyboard.press("Tab")
    page.keyboard.type(f"{day} 2pm")
    expect(page.locator("#when-means")).to_contain_text("14:00")
    page.keyboard.press("Enter")
    expect(_toast(page, "promised")).to_be_visible()
    expect(promises).to_contain_text("Call you when the depot has looked")

    # She answers; what else the answer promises is found, and she says yes.
    answer = f"Dear Beatriz, I am sorry. The depot in Bristol looks for it, and I will call you on {day} at 2pm."
    _say(page, "r", f"{answer} We will refund the postage within 2 days.")
    expect(promises).to_contain_text("Did you promise this?")
    page.keyboard.press("y")
    expect(promises).not_to_contain_text("Did you promise this?")
    expect(promises.get_by_role("button", name="Kept")).to_have_count(2)

    # The relay gets it, as an answer to her mail, with a way to her page.
    first = _leave(relay, 1)
    assert (first["To"], first["Subject"]) == (WARD, "Re: Where is my parcel?")
    assert (first["In-Reply-To"], first["References"]) == ("<beatriz-1@example.com>",) * 2
    ours = first["Message-ID"].strip()  # long headers are folded behind their name
    link = re.search(r"https?://\S+/standing/\S+", first.get_body(("plain",)).get_content())
    assert link
    hers = visit(link[0], who=None, size="phone")
    story = hers.locator(".timeline")
    expect(hers.get_by_text("We are working on it.")).to_be_visible()
    expect(story).to_contain_text("Your case was opened.")
    expect(story).to_contain_text("The depot in Bristol looks for it")
    promised = hers.get_by_role("region", name="What we promised").get_by_role("listitem")
    expect(promised.filter(has_text="Coming")).to_have_count(2)
    expect(promised.filter(has_text="Call you when the depot has looked")).to_be_visible()

    # She answers by mail: it lands on the case, and Ana sees it without doing anything.
    quoted = "\n".join(f"> {line}" for line in first.get_body(("plain",)).get_content().splitlines())
    words = f"{day} is fine. My neighbour at 14 has not seen it either.\n\nOn Monday, Shop Care wrote:\n{quoted}"
    thread = {"To": first["Reply-To"], "In_Reply_To": ours, "References": f"{first['References']} {ours}"}
    _come(mailbox, _mail(words, first["Subject"], 2, **thread))
    assert case.contacts.count() == 3
    expect(_newest(page)).to_contain_text("Beatriz Costa wrote by e-mail", timeout=SOON)
    expect(_newest(page)).to_contain_text("My neighbour at 14 has not seen it either.")
    expect(_newest(page).get_by_text("I am sorry")).to_be_hidden()  # what she quotes of us
    hers.reload()
    expect(story).to_contain_text("My neighbour at 14")

    # A replacement is above what Ana may give: a manager has to.
    _dialog(page, "Escalate", "e")
    page.keyboard.press("m")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    for words in ("The second parcel of hers that was lost.", f"A call by {day} 2pm.", "Agree to a replacement."):
        page.keyboard.type(words)
        page.keyboard.press("Tab")
    _tab_to(page, page.get_by_role("dialog").get_by_role("button", name="Escalate"))
    page.keyboard.press("Enter")
    expect(_newest(page)).to_contain_text("escalated to manager")
    expect(_newest(page)).to_contain_text("Agree to a replacement.")
    hers.reload()
    expect(story).to_contain_text("We passed it on to those who can do more.")

    # She writes again, about her card and to the shop's own address: a second case, which a person finds is the same.
    _come(mailbox, _mail("You charged me twice for what never came. Please give me my money back.", "My card", 3))
    double = Case.objects.exclude(pk=case.pk).get(customer=beatriz, resolved_at=None)
    expect(page.locator("#moments")).to_contain_text("Third failure in 12 months.", timeout=SOON)
    dialog = _dialog(page, "Merge", "u")
    expect(dialog.get_by_label(f"C-{double.number}")).to_be_checked()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")  # the older case goes on
    expect(page.locator("#moments")).to_contain_text("Please give me my money back.")
    expect(page.locator("#moments")).to_contain_text("The depot in Bristol looks for it")
    hers.reload()
    expect(story).to_contain_text("Please give me my money back.")

    # What was promised is done: the call, and the postage.
    _say(page, "c", "The depot found nothing. She takes a new one.")
    expect(_newest(page)).to_contain_text("spoke to the customer by phone")
    for left in (1, 0):
        page.keyboard.press("d")
        expect(promises.get_by_role("button", name="Kept")).to_have_count(left)
    _say(page, "r", "Dear Beatriz, a new one is on its way, and the postage is back on your card.")
    expect(_newest(page)).to_contain_text("a new one is on its way")
    second = _leave(relay, 2)
    # One conversation in her mail program: it answers her last mail and refers to those of both cases.
    assert second["In-Reply-To"] == "<beatriz-3@example.com>"
    *earlier, last = second["References"].split()
    assert set(earlier) == {"<beatriz-1@example.com>", ours, "<beatriz-2@example.com>"}
    assert last == "<beatriz-3@example.com>"
    hers.reload()
    expect(story).to_contain_text("We spoke with you.")
    expect(promised.filter(has_text="Kept")).to_have_count(2)
    expect(story).to_contain_text("a new one is on its way")

    # And it ends.
    _dialog(page, "Resolve", "s")
    page.keyboard.press("Space")
    page.keyboard.press("Tab")
    page.keyboard.type("Lost between Bristol and Exeter")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.locator("#case-head")).to_contain_text("Resolved")
    hers.reload()
    expect(hers.get_by_text("We have put it right.").first).to_be_visible()

    case.refresh_from_db()
    double.refresh_from_db()
    assert (case.outcome, case.tier, case.cause) == ("recovered", Tier.MANAGER, "Lost between Bristol and Exeter")
    assert (double.merged_into, double.outcome) == (case, Outcome.DUPLICATE)
    assert list(Commitment.objects.filter(case=case).values_list("state", flat=True)) == ["kept", "kept"]
    assert deliver_due(now=timezone.now()) == 0
