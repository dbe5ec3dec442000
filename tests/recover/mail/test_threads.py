"""After a merge: one conversation in the customer's mail program, and every way to answer leads to the survivor."""

import uuid
from datetime import datetime, timedelta
from email.message import EmailMessage

import pytest
from django.test import Client

from makegood.ground.messages.models import Message
from makegood.recover.cases import services as cases
from makegood.recover.cases.models import Case, Contact, Envelope
from makegood.recover.cases.services.links import link_for
from makegood.recover.intake.models import Mail
from makegood.recover.intake.services.mailing import Where, keep_mail, take_in_mail

pytestmark = pytest.mark.django_db


def come(now: datetime, body: str, subject: str, message_id: str, **headers: str) -> Mail:
    made = EmailMessage()
    made["From"], made["To"] = "Maria Silva <maria@example.com>", headers.pop("To", "care@shop.example")
    made["Subject"], made["Message-ID"] = subject, message_id
    for name, value in headers.items():
        made[name.replace("_", "-")] = value
    made.set_content(body)
    keep_mail(raw=made.as_bytes(), where=Where("care", "", now))
    take_in_mail(now)
    return Mail.objects.latest("pk")


def answer(case: Case, words: str, by, now: datetime) -> Message:
    contact = cases.reply(case_id=case.pk, body=words, by=by, now=now)
    return Message.objects.get(idempotency_key=f"reply:{contact.pk}")


@pytest.fixture
def merged(tree, order, ana, noon: datetime) -> dict[str, object]:
    """Two mails of Maria, each answered once before somebody saw that they are one matter."""
    parcel = come(noon, "Order 1001 never came.", "Where is my parcel", "<parcel-1@example.com>").case
    to_parcel = answer(parcel, "We look.", ana, noon + timedelta(minutes=1))
    money = come(
        noon + timedelta(minutes=2), "Order 1001: you charged me twice.", "Money please", "<money-1@example.com>"
    ).case
    assert money != parcel
    to_money = answer(money, "We look at that too.", ana, noon + timedelta(minutes=3))
    cases.merge_cases(duplicate_id=parcel.pk, survivor_id=money.pk, by=ana, now=noon + timedelta(minutes=4))
    return {"parcel": parcel, "money": money, "to_parcel": to_parcel, "to_money": to_money}


def test_an_answer_of_ours_refers_to_the_mails_of_both(merged, ana, noon: datetime):
    reply = answer(merged["money"], "Found it.", ana, noon + timedelta(minutes=5))
    ids = reply.references.split()
    assert reply.in_reply_to == "<money-1@example.com>" == ids[-1]
    assert {"<parcel-1@example.com>", merged["to_parcel"].message_id, merged["to_money"].message_id} <= set(ids)


def test_long_threads_keep_the_ends_of_both(merged, ana, noon: datetime):
    long = " ".join(f"<{n}@example.com>" for n in range(60))
    Envelope.objects.filter(contact__case=merged["money"]).update(references=long)
    ids = answer(merged["money"], "Found it.", ana, noon + timedelta(minutes=5)).references.split()
    assert len(ids) <= 20
    assert {"<parcel-1@example.com>", "<0@example.com>", "<59@example.com>", "<money-1@example.com>"} <= set(ids)


def test_after_the_merge_is_taken_back_each_has_its_own_thread(merged, ana, noon: datetime):
    cases.undo_merge(case_id=merged["parcel"].pk, by=ana, now=noon + timedelta(minutes=5))
    reply = answer(merged["money"], "Found it.", ana, noon + timedelta(minutes=6))
    assert "<parcel-1@example.com>" not in reply.references


def test_two_mails_of_one_case_that_know_nothing_of_each_other_become_one_thread(tree, order, ana, noon: datetime):
    case = come(noon, "Order 1001 never came.", "Where is my parcel", "<1@example.com>").case
    assert come(noon + timedelta(minutes=1), "Any news?", "Hello?", "<2@example.com>").case == case
    reply = answer(case, "Here it is.", ana, noon + timedelta(minutes=2))
    assert reply.references.split() == ["<1@example.com>", "<2@example.com>"]


@pytest.mark.parametrize("way", ["address", "thread", "own mail", "number"])
def test_mail_to_the_merged_case_arrives_at_the_one_that_goes_on(merged, noon: datetime, way: str):
    told = {
        "address": {"To": merged["to_parcel"].reply_to},
        "thread": {"In_Reply_To": merged["to_parcel"].message_id},
        "own mail": {"References": "<parcel-1@example.com>"},
        "number": {},
    }[way]
    subject = f"Re: C-{merged['parcel'].number}" if way == "number" else "Re: it"
    came = come(noon + timedelta(minutes=9), "The red house.", subject, f"<{way[:3]}@example.com>", **told)
    assert came.case == merged["money"]


def test_the_customers_page_of_the_merged_case_writes_to_the_one_that_goes_on(merged, client: Client, noon: datetime):
    page = f"/standing/{link_for(merged['parcel'].pk, now=datetime.now(noon.tzinfo))}"
    client.post(page, {"words": "The red house.", "once": str(uuid.uuid4())})
    assert Contact.objects.get(body="The red house.").case == merged["money"]


def test_the_web_form_finds_the_one_that_goes_on(merged, client: Client):
    told = {"email": "maria@example.com", "order": "1001", "words": "Where is my parcel?", "website": ""}
    client.post("/contact", told)
    assert Contact.objects.get(channel="web").case == merged["money"]
