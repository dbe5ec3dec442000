"""What a partner writes goes to the case it is about, never as a word of the customer's."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from makegood.ground.messages.models import Message
from makegood.recover.cases import services as cases
from makegood.recover.cases.models import Case, CaseEvent, Contact, Status
from makegood.recover.cases.replay import columns_of, replay
from makegood.recover.cases.services.links import link_for
from makegood.recover.commitments.models import Suggestion
from makegood.recover.intake.models import Mail
from makegood.recover.intake.services.mailing import Where, keep_mail, take_in_mail
from makegood.recover.intake.services.partners import is_for_everybody, partner_at
from tests import factories
from tests.factories import NOON

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(hours=1)


@pytest.fixture(autouse=True)
def kept_here(settings: Any, tmp_path: Path) -> None:
    settings.STORAGES = settings.STORAGES | {
        "attachments": {
            "BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path},
        }
    }  # fmt: skip
    settings.DEFAULT_FROM_EMAIL = "Shop Care <care@shop.example>"


@pytest.fixture
def parcel():
    carrier = factories.VendorFactory(name="Northway Parcels", email="claims@northway.example")
    return factories.ShipmentFactory(carrier=carrier, tracking_number="NW000000007GB")


@pytest.fixture
def case(parcel) -> Case:
    return factories.open_case(order=parcel.order, shipment_id=parcel.pk)


def come(words: str, *, author: str = "claims@northway.example", subject: str = "Your claim", at: datetime = LATER,
         to: str = "care@shop.example") -> Mail:  # fmt: skip
    raw = f"From: {author}\nTo: {to}\nSubject: {subject}\nMessage-ID: <{at.timestamp()}@x>\n\n{words}\n"
    keep_mail(raw=raw.encode(), where=Where("care", "", at))
    take_in_mail(at)
    return Mail.objects.latest("pk")


@pytest.mark.parametrize(
    "words",
    ["Parcel NW000000007GB was found.", "About nw000000007gb: it was found.", "Your case C-{number}: it was found."],
)
def test_a_partner_is_read_on_the_case_and_no_clock_of_the_customer_moves(case: Case, ana, words: str):
    cases.change_status(case_id=case.pk, status=Status.WAITING_PARTNER, by=ana, now=NOON)
    before = Case.objects.get(pk=case.pk)
    came = come(words.format(number=case.number))
    after = Case.objects.get(pk=case.pk)
    assert came.case == case
    assert (came.contact.direction, came.contact.author) == ("par", "Northway Parcels <claims@northway.example>")
    assert came.why == "From Northway Parcels, a partner (carrier)."
    assert (before.status, after.status) == (Status.WAITING_PARTNER, Status.OPEN)
    assert (after.last_contact_by, after.last_contact_at) == (before.last_contact_by, before.last_contact_at)
    assert after.first_response_at is None
    assert replay(CaseEvent.objects.filter(case=case).order_by("seq")) == columns_of(after)


def test_what_a_partner_promises_is_found_as_theirs(case: Case):
    come("Parcel NW000000007GB: we will deliver it by Friday.")
    found = Suggestion.objects.get(case=case)
    assert found.to == "partner"


def test_our_answer_to_the_customer_does_not_follow_on_the_partners_mail(case: Case, ana):
    come("Parcel NW000000007GB was found.")
    contact = cases.reply(case_id=case.pk, body="It was found.", by=ana, now=LATER)
    message = Message.objects.get(idempotency_key=f"reply:{contact.pk}")
    assert message.recipient == case.customer.email
    assert (message.in_reply_to, "claim" in message.subject) == ("", False)


def test_the_customer_does_not_read_it_and_colleagues_see_whose_words_they_are(case: Case, ana, client: Client):
    come("Parcel NW000000007GB was found.")
    now = datetime.now(NOON.tzinfo)
    assert "was found" not in client.get(f"/standing/{link_for(case.pk, now=now)}").content.decode()
    client.force_login(ana, "django.contrib.auth.backends.ModelBackend")
    page = client.get(f"/cases/C-{case.number}/").content.decode()
    assert "was found" in page
    assert "wrote by e-mail, as a partner" in page


def test_one_mail_about_several_parcels_is_said_on_each_case(case: Case, parcel):
    second = factories.ShipmentFactory(carrier=parcel.carrier, tracking_number="NW000000008GB")
    other = factories.open_case(order=second.order, shipment_id=second.pk)
    assert come("Lost: NW000000008GB and NW000000007GB.").case == other
    assert CaseEvent.objects.filter(case=case).latest("seq").why == (
        f"Northway Parcels, a partner, wrote about this too: see C-{other.number}."
    )
    assert Contact.objects.filter(direction="par").count() == 1


def test_it_goes_where_a_merged_case_goes_on(case: Case, ana):
    survivor = factories.open_case(customer=case.customer, reason="payment.charge")
    cases.merge_cases(duplicate_id=case.pk, survivor_id=survivor.pk, by=ana, now=NOON)
    assert come(f"About C-{case.number}: it was found.").case == survivor


def test_a_split_takes_a_partners_words_along_and_still_starts_no_clock(case: Case, ana):
    contact = come("Parcel NW000000007GB was found.").contact
    new = cases.split_case(
        case_id=case.pk, contacts=[contact.pk], reason="delivery.late", subject="", by=ana, now=LATER
    )
    assert (new.last_contact_by, new.first_response_at) == ("", None)


def test_a_partner_who_names_nothing_we_know_is_not_lost(case: Case):
    came = come("We have moved to new offices.")
    assert came.status == Mail.Status.TAKEN
    assert came.case != case
    assert "Northway Parcels, a partner, named no case" in came.why


@pytest.mark.parametrize(
    ("address", "is_partner"),
    [
        ("claims@northway.example", True), ("Driver.7@NORTHWAY.example", True), ("x@eu.northway.example", False),
        ("maria@northway.example", False), ("somebody@gmail.com", False), ("seller.one@gmail.com", True), ("", False),
        ("no address", False),
    ],
)  # fmt: skip
def test_who_is_a_partner(parcel, address: str, is_partner: bool):
    factories.VendorFactory(name="Seller one", kind="seller", email="seller.one@gmail.com")
    factories.CustomerFactory(email="maria@northway.example")  # works there, and buys here
    assert (partner_at(address) is not None) is is_partner


@pytest.mark.parametrize(
    ("domain", "is_one"),
    [("gmail.com", True), ("yahoo.co.uk", True), ("hotmail.com.br", True), ("northway.example", False),
     ("gmail.com.northway.example", False), ("notgmail.com", False)],
)  # fmt: skip
def test_domains_for_everybody(domain: str, is_one: bool):
    assert is_for_everybody(domain) is is_one
