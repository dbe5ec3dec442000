from datetime import datetime, timedelta

import pytest

from makegood.ground.messages.models import Message
from makegood.recover.cases import services
from makegood.recover.cases.errors import NoAddress, NothingToSay
from makegood.recover.cases.models import Contact, Outcome, Status


def test_a_reply_answers_first_assigns_and_leaves_the_building_once(make_case, ana, noon: datetime):
    case = make_case()
    contact = services.reply(case_id=case.pk, body="It arrives tomorrow.", by=ana, now=noon + timedelta(minutes=30))
    case.refresh_from_db()
    assert case.first_response_at == noon + timedelta(minutes=30)
    assert case.assignee == ana
    message = Message.objects.get(idempotency_key=f"reply:{contact.pk}")
    assert message.recipient == "maria@example.com"
    assert f"[C-{case.number}]" in message.subject


def test_waiting_on_the_customer_ends_when_they_write(make_case, ana, noon: datetime):
    case = make_case()
    services.reply(case_id=case.pk, body="Which one?", by=ana, now=noon, wait=True)
    case.refresh_from_db()
    assert case.status == Status.WAITING_CUSTOMER
    services.receive_contact(case_id=case.pk, channel="email", author="m", body="The red one", at=noon)
    case.refresh_from_db()
    assert case.status == Status.OPEN


def test_without_an_address_nothing_is_written(make_case, maria, ana, noon: datetime):
    case = make_case()
    maria.email = ""
    maria.save()
    with pytest.raises(NoAddress):
        services.reply(case_id=case.pk, body="Hello", by=ana, now=noon)
    assert not Message.objects.exists()
    assert Contact.objects.filter(case=case).count() == 1


def test_an_empty_reply_is_refused(make_case, ana, noon: datetime):
    with pytest.raises(NothingToSay):
        services.reply(case_id=make_case().pk, body="  \n", by=ana, now=noon)


def test_a_note_is_allowed_after_the_end(make_case, ana, noon: datetime):
    case = make_case()
    services.resolve_case(case_id=case.pk, outcome=Outcome.EXPLAINED, cause="", by=ana, now=noon)
    services.add_note(case_id=case.pk, body="She called to say thanks.", by=ana, now=noon)
