"""From a handful of complaints to everybody whom the failure touched, to its cause, and to proof that it is gone.

Analyst, manager and specialist do in a browser what is theirs to do; what lies between is done by the worker's own
jobs, a real mailbox and a real relay. Every number on the way is held against a plain loop over what was sold.
"""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from playwright.sync_api import Page, expect

from makegood.ground.messages.brands import brands
from makegood.prevent.improvements.models import Improvement
from makegood.prevent.incidents.models import Incident
from makegood.prevent.outreach.models import Outreach, Recipient
from makegood.prevent.signals.models import Signal
from makegood.prevent.signals.queries import material
from makegood.prevent.signals.services import detecting
from makegood.recover.cases import services as desk
from makegood.recover.cases.models import Case, Outcome
from makegood.recover.intake.services import fetching
from makegood.recover.intake.services.mailing import take_in_mail
from tests.factories import colleague
from tests.imap import Mailbox
from tests.journeys.lost_lane import DAY, REASON, Bought, Shop
from tests.relay import Relay
from tests.worker import begin, work

pytestmark = [
    pytest.mark.journey,
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning"),  # ibis 12 with duckdb 2
]
WEEK = 7 * DAY
OFFER = "Dear {first_name},\n\nyour parcel {orders} may be lost. Take {amount} for the wait: {link}"


@pytest.fixture
def shop(settings: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    """Forty weeks of sales; in the last five Marlbeck loses three in ten parcels to the North West."""
    settings.MAKEGOOD_LAKE, settings.MAKEGOOD_DETECTION = str(tmp_path / "lake"), tmp_path / "detection"
    settings.MAKEGOOD_QUIET_HOURS = None  # the journey is made at any hour
    monkeypatch.setattr(material, "MARGIN", timedelta(0))
    detecting._WORKING.clear()
    begin()
    for name in ("dev", "mia", "ana"):
        colleague(name)
    now = timezone.now()
    made = Shop(now=now, fails_since=now - 5 * WEEK)
    made.sell(now - 40 * WEEK, now)
    yield made
    detecting._WORKING.clear()


def test_from_a_handful_of_complaints_to_a_cause_that_is_gone(  # noqa: PLR0915  one story, told to its end
    visit: Callable[..., Page], axe: Callable[..., None], post_office: tuple[Mailbox, Relay], shop: Shop
) -> None:
    mailbox, relay = post_office

    # The analyst hears of a signal that names the lane, and declares it.
    time.sleep(0.01)  # identifiers know milliseconds: what was written just now lies before
    work("signals.detect")
    signal = Signal.objects.get(closed_at=None)
    assert signal.slice.items() <= {"reason": REASON, **shop.lane}.items()
    assert signal.slice["to_state"] == "North West"
    page = visit("/notices/", who="dev")
    page.get_by_text(f"New signal S-{signal.number}").click()
    page.wait_for_url(f"**/signals/S-{signal.number}/")
    claimed = [it for it in shop.bought if it.asked and it.fits(signal.slice)
               and signal.since <= shop.asks(it.order) <= signal.updated_at]  # fmt: skip
    assert _tile(page, "Cases") == str(len(claimed))
    axe(page)
    page.keyboard.press("d")
    page.get_by_role("button", name="Declare").click()
    expect(page.get_by_text("Declared. Whoever hears")).to_be_visible()

    # Everybody whom it touched, also those who never wrote.
    work("incidents.join_matching")
    page.reload()
    incident = Incident.objects.get()
    affected = [it for it in shop.bought if it.fits(signal.slice) and it.order.placed_at >= incident.since]
    assert incident.since == min(it.order.placed_at for it in claimed).replace(second=0, microsecond=0)
    asked = {it.order.customer_id for it in shop.bought if it.asked and _asked_since(it, incident.since)}
    silent = [it for it in affected if it.order.customer_id not in asked]
    assert _tile(page, "Affected orders") == f"{len(affected):,}"
    expect(page.locator("#affected")).to_contain_text(f"{len(silent):,} orders are silent")
    axe(page)

    # One was put right already: nobody writes to them again.
    put_right = next(it for it in affected if it.asked)
    case = Case.objects.get(order=put_right.order)
    desk.resolve_case(case_id=case.pk, outcome=Outcome.RECOVERED, cause="Sent again", by=colleague("ana"),
                      now=timezone.now())  # fmt: skip

    # The manager writes to the others, but for a tenth of them.
    page = visit(f"/incidents/I-{incident.number}/", who="mia")
    page.get_by_role("link", name="Write to the affected").first.click()
    axe(page)
    page.get_by_role("button", name="Save").click()
    page.get_by_label("Offer", exact=True).select_option("credit")
    page.get_by_label("Amount", exact=True).fill("5")
    page.get_by_label("Subject, English").fill("Your order {orders}")
    page.get_by_label("Message, English").fill(OFFER)
    axe(page)
    page.get_by_role("button", name="Save").click()
    page.get_by_role("button", name="Work out who is told").click()
    expect(page.locator("#drawing")).to_be_visible()
    axe(page)
    work()
    people = {it.order.customer_id for it in affected}
    left_out = people - {it.order.customer_id for it in affected if it is not put_right}
    held_out = round((len(people) - len(left_out)) / 10)
    expect(page.locator("#progress")).to_contain_text("To be told")
    assert _tile(page, "Held out") == str(held_out)
    assert _tile(page, "Left out") == str(len(left_out))
    told = len(people) - len(left_out) - held_out
    assert _tile(page, "To be told") == f"{told:,}"
    axe(page)
    page.get_by_role("button", name="Start …").click()
    page.get_by_role("dialog").get_by_role("button", name="Start now").click()
    expect(page.get_by_text("Started. The first messages leave now.")).to_be_visible()
    work("outreach.send", "messages.deliver_every_minute", "outreach.send")
    expect(page.locator("#progress")).to_contain_text(f"{told:,} of {told:,}")
    assert _tile(page, "Told") == f"{told:,}"
    outreach = Outreach.objects.get()
    mails = [mail for mail in map(_read, relay.mails) if str(mail["Subject"]).startswith("Your order")]
    assert len({mail["To"] for mail in mails}) == len(mails) == told

    # Somebody who never wrote answers; the specialist finds it in the case that our message opened.
    [one, other] = Recipient.objects.filter(outreach=outreach, state="sent", opened=True, wrote=False)[:2]
    _come(mailbox, _answer(_mail_to(mails, one.customer.email), "It did come in the end, thank you!"))
    one.case.refresh_from_db()
    page = visit(f"/cases/C-{one.case.number}/", who="ana")
    expect(page.locator("#moments")).to_contain_text("It did come in the end, thank you!")
    expect(page.locator("#moments")).to_contain_text(f"Outreach {outreach}")
    expect(page.get_by_role("link", name=f"I-{incident.number}").first).to_be_visible()
    axe(page)

    # Somebody else takes the offer, by the link.
    link = re.search(r"/offer/\S+", _words_of(_mail_to(mails, other.customer.email)))
    assert link
    page = visit(link[0], who=None)
    axe(page)
    page.get_by_role("button", name="Yes, please").click()
    expect(page.get_by_text("you accepted").first).to_be_visible()
    page = visit(f"/outreach/{outreach}/", who="mia")
    assert _tile(page, "Accepted") == "1"
    page.get_by_role("link", name=f"I-{incident.number}").first.click()
    assert _tile(page, "Contacted") == f"{told:,}"
    expect(page.locator("#outreach")).to_contain_text("5.00")

    # The analyst asks why, five times, and plans what removes the cause.
    page = visit(f"/incidents/I-{incident.number}/", who="dev")
    whys = ["Parcels vanish at the hub", "They fall off the belt", "The belt is torn", "Nobody looks at it",
            "No round of the hub checks belts"]  # fmt: skip
    _act(page, "c", how="Parcels to the North West go with Northway.")
    _act(page, "y", cause_state="found", cause="A torn belt at Marlbeck's hub.", locus="carrier", whys="\n".join(whys))
    expect(page.locator(".incident-whys li")).to_have_text(whys)
    axe(page)
    page.get_by_role("link", name="Plan one").click()
    expect(page.get_by_label("Cause", exact=True)).to_have_value("A torn belt at Marlbeck's hub.")
    page.get_by_label("What is to be changed?").fill("Belts are checked on every round")
    page.get_by_role("button", name="Plan it").click()
    expect(page.get_by_label("Which cases should become fewer?")).to_contain_text("to_state: North West")
    page.get_by_label("By how many percent?").fill("50")
    page.get_by_label("Days in which cases come in").fill("14")
    axe(page)
    page.get_by_role("button", name="Keep it").click()
    expect(page.get_by_text("Not looked at yet")).to_be_visible()
    improvement = Improvement.objects.get()

    # Until the belt is new five weeks pass; parcels are lost as before.
    fixed, later = shop.now + 5 * WEEK, shop.now + 17 * WEEK
    shop.sell(shop.now, fixed)
    with time_machine.travel(fixed):
        page = visit(f"/improvements/{improvement}/", who="dev")
        page.get_by_role("button", name="The change is there").click()
        expect(page.get_by_text("Under way").first).to_be_visible()

    # Twelve weeks later the parcels have arrived again, and the numbers say so.
    shop.sell(fixed, later, fixed_at=fixed)
    with time_machine.travel(later):
        work("scorecards.refresh", "improvements.look")
        page = visit("/improvements/", who="dev")
        page.get_by_role("link", name=str(improvement), exact=True).click()
        expect(page.locator(".chart-reading")).to_contain_text("Worked:")
        expect(page.locator(".chart-canvas svg, .chart-canvas canvas").first).to_be_visible()
        _compare_weeks(page, shop, signal.slice)
        axe(page)
        page.get_by_role("link", name=f"I-{incident.number}").first.click()
        expect(page.get_by_role("heading", name="Improvements")).to_be_visible()
        expect(page.locator("main")).to_contain_text("Worked")
        _act(page, "s")
        expect(page.locator(".head-facts")).to_contain_text("Resolved")
        axe(page)


def _tile(page: Page, label: str) -> str:
    """The figure under a label."""
    tile = page.locator(".tile").filter(has=page.get_by_text(label, exact=True)).first
    return tile.locator(".tile-figure").inner_text().strip()


def _asked_since(it: Bought, moment: datetime) -> bool:
    return Shop.asks(it.order) >= moment


def _act(page: Page, key: str, **fields: str) -> None:
    """Press a key, fill what the dialog asks, and send it."""
    page.keyboard.press(key)
    expect(page.locator("#act form")).to_be_visible()
    for name, value in fields.items():
        box = page.locator(f"#act [name={name}]")
        box.select_option(value) if box.evaluate("box => box.tagName") == "SELECT" else box.fill(value)
    with page.expect_navigation():
        page.locator("#act .dialog-foot button").click()
    page.wait_for_load_state("networkidle")


def _read(mail: bytes) -> EmailMessage:
    return message_from_bytes(mail, policy=policy.default)


def _mail_to(mails: list[EmailMessage], address: str) -> EmailMessage:
    [found] = [mail for mail in mails if mail["To"] == address]
    return found


def _words_of(mail: EmailMessage) -> str:
    return mail.get_body(("plain",)).get_content()


def _answer(mail: EmailMessage, words: str) -> EmailMessage:
    made = EmailMessage()
    made["From"], made["To"] = mail["To"], mail["Reply-To"] or mail["From"]
    made["Subject"], made["Message-ID"], made["In-Reply-To"] = (
        f"Re: {mail['Subject']}",
        "<1@example.com>",
        mail["Message-ID"],
    )
    made.set_content(words)
    return made


def _come(mailbox: Mailbox, mail: EmailMessage) -> None:
    """A mail comes, and the worker looks into the mailbox."""
    mailbox.put(mail.as_bytes())
    assert fetching.fetch(brands()[0], now=timezone.now()).new == 1
    assert take_in_mail(timezone.now())["taken"] == 1


def _compare_weeks(page: Page, shop: Shop, slice_: Mapping[str, str]) -> None:
    """Every week in the table beneath the picture, against a plain loop: its orders, and their cases in 14 days."""
    page.get_by_text("Show as a table").first.click()
    rows = page.locator("table", has=page.get_by_text("Without the change")).locator("tbody tr")
    told = [row.locator("td").all_inner_texts()[:3] for row in rows.all()]
    assert len(told) > 18
    for monday, orders, cases in told:
        begins = datetime.strptime(monday, "%d %b %Y").replace(tzinfo=UTC)
        of_week = [it for it in shop.bought if it.fits(slice_) and begins <= it.order.placed_at < begins + WEEK]
        assert (orders, cases) == (str(len(of_week)), str(sum(it.asked for it in of_week))), monday
