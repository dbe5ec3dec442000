"""What came by mail, as people see it: a guess taken out, the words of a partner, a mailbox that does not answer."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from playwright.sync_api import Page, expect

from makegood.recover.cases.models import Case
from makegood.recover.cases.services.contacts import receive_from_partner
from makegood.recover.cases.services.links import link_for
from makegood.recover.commitments.services.making import promise
from makegood.recover.intake.models import Mailbox
from makegood.recover.intake.services import receive
from tests import factories

pytestmark = pytest.mark.journey
LOOKS = [("light", "wide"), ("dark", "wide"), ("light", "phone"), ("dark", "phone")]


@pytest.fixture
def case(some_cases: list[Case]) -> Case:
    """Maria asked where her parcel is, wrote once more without saying what about, and the carrier answered."""
    order = factories.OrderFactory(customer__name="Maria Silva", customer__language="pt", customer__country="PT")
    now = timezone.now()
    case = factories.open_case(order=order, at=now - timedelta(hours=5))
    receive(
        channel="email", body="Any news? I am home on Friday.", author=order.customer.email, at=now - timedelta(hours=2)
    )
    receive_from_partner(
        case_id=case.pk, channel="email", author="Northway Parcels <claims@northway.example>", subject="Your claim",
        body="We found the parcel in Leeds and will deliver it by Friday.", at=now - timedelta(hours=1),
        why="From Northway Parcels, a partner (carrier).",
    )  # fmt: skip
    return case


def test_one_press_takes_out_what_is_about_something_else(visit: Callable[..., Page], case: Case) -> None:
    page = visit(f"/cases/C-{case.number}/")
    page.get_by_role("button", name="Take it out").click()
    expect(page.get_by_role("status").filter(has_text="is a case of its own now.")).to_be_visible()
    expect(page.get_by_role("button", name="Take it out")).to_have_count(0)
    page.get_by_role("link", name="Show", exact=True).click()
    expect(page.get_by_text("Any news? I am home on Friday.").first).to_be_visible()
    page.get_by_role("button", name="Take the split back").click()
    expect(page.get_by_role("status").filter(has_text="Taken back")).to_be_visible()


@pytest.mark.parametrize(("theme", "size"), LOOKS)
def test_the_pages_look_right(
    visit: Callable[..., Page], axe: Callable[[Page], None], case: Case, settings: Any, theme: str, size: str
) -> None:
    now, ana = timezone.now(), factories.colleague("ana")
    settings.MAKEGOOD_MAILBOX = "imap://care@imap.example/INBOX"
    why = "The mailbox care@imap.example/INBOX cannot be read: the refresh token has ended or was revoked."
    Mailbox.objects.create(
        name="care@imap.example/INBOX", problem=why, since=now - timedelta(hours=3), read_at=now - timedelta(hours=4)
    )
    promise(
        case_id=case.pk, owner=ana, by=ana, text="Um telefonema", kind="call", due_at=now + timedelta(days=2), now=now
    )
    for path, who in (
        (f"/cases/C-{case.number}/", "ana"), ("/mail/", "mia"), (f"/standing/{link_for(case.pk, now=now)}", None),
    ):  # fmt: skip
        page = visit(path, who=who, theme=theme, size=size)
        if who == "mia":
            expect(page.get_by_text("No mail of it has come in since")).to_be_visible()
        if who is None:
            expect(page.get_by_text("O que prometemos")).to_be_visible()
            expect(page.get_by_text("found the parcel")).to_have_count(0)
        axe(page)
