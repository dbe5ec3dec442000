"""The outbox, message by message, against a real SMTP server on loopback."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.db import ProgrammingError, connection, transaction
from tests.factories import colleague
from tests.relay import Relay, listening

from makegood.ground.messages import services
from makegood.ground.messages.errors import MessageNotStuck
from makegood.ground.messages.models import Message

Status = Message.Status


@pytest.fixture
def relay() -> Iterator[Relay]:
    with listening(Relay()) as relay:
        yield relay


@pytest.fixture
def by_smtp(settings, relay: Relay) -> Relay:
    settings.EMAIL_BACKEND = "makegood.ground.messages.smtp.SmtpBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", relay.port
    return relay


def post(now: datetime, key: str = "k1", **details: str) -> Message:
    told = {"recipient": "maria@example.com", "subject": "Your parcel", "body": "It is on its way."} | details
    return services.enqueue(key=key, about="case:1", now=now, **told)


@pytest.mark.django_db(transaction=True)
def test_a_message_is_written_with_its_job_and_sent_once(by_smtp: Relay, noon: datetime):
    message = post(noon)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'messages.deliver'")
        assert cursor.fetchone() == (1,)
    assert services.deliver_due(now=noon) == 1
    assert services.deliver_due(now=noon) == 0
    assert by_smtp.received == [message.message_id]
    message.refresh_from_db()
    assert (message.status, message.attempts, message.sent_at) == (Status.SENT, 1, noon)


@pytest.mark.django_db(transaction=True)
def test_the_same_effect_written_twice_is_one_message(by_smtp: Relay, noon: datetime):
    assert post(noon) == post(noon)
    services.deliver_due(now=noon)
    assert len(by_smtp.received) == 1


@pytest.mark.django_db(transaction=True)
def test_nothing_is_sent_for_a_transaction_that_failed(by_smtp: Relay, noon: datetime):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        post(noon)
        raise ZeroDivisionError
    assert services.deliver_due(now=noon) == 0
    assert not by_smtp.received


@pytest.mark.django_db(transaction=True)
def test_a_refused_message_waits_longer_each_time_and_fails_for_good_in_the_end(by_smtp: Relay, noon: datetime):
    by_smtp.answer = "450 Mailbox busy"
    message, now = post(noon), noon
    for wait in services.RETRY_AFTER:
        services.deliver_due(now=now)
        message.refresh_from_db()
        assert (message.status, message.due_at) == (Status.WAITING, now + wait)
        assert services.deliver_due(now=message.due_at - timedelta(seconds=1)) == 0
        now = message.due_at
    services.deliver_due(now=now)
    message.refresh_from_db()
    assert message.status == Status.FAILED
    assert "Mailbox busy" in message.last_error

    by_smtp.answer = "250 OK"
    services.send_again(message_id=message.pk, now=now)
    assert services.deliver_due(now=now) == 1


@pytest.mark.django_db(transaction=True)
def test_one_bad_recipient_does_not_hold_up_the_others(by_smtp: Relay, noon: datetime):
    by_smtp.refuse = "nobody@example.com"
    post(noon, "a", recipient="nobody@example.com")
    post(noon, "b")
    assert services.deliver_due(now=noon) == 1


@pytest.mark.django_db(transaction=True)
def test_a_relay_that_is_down_loses_nothing(settings, by_smtp: Relay, noon: datetime):
    settings.EMAIL_PORT = 1  # nobody listens there
    message = post(noon)
    assert services.deliver_due(now=noon) == 0
    message.refresh_from_db()
    assert message.status == Status.WAITING
    assert message.attempts == 1


@pytest.mark.django_db
def test_a_message_left_in_the_hand_over_is_never_sent_by_itself(noon: datetime):
    message = post(noon)
    Message.objects.filter(pk=message.pk).update(status=Status.SENDING)
    services.deliver_due(now=noon)
    message.refresh_from_db()
    assert message.status == Status.UNCERTAIN
    services.send_again(message_id=message.pk, now=noon)
    with pytest.raises(MessageNotStuck):
        services.send_again(message_id=message.pk, now=noon)


@pytest.mark.django_db
def test_a_sent_message_never_changes(noon: datetime):
    message = post(noon)
    Message.objects.filter(pk=message.pk).update(status=Status.SENT, sent_at=noon)
    with pytest.raises(ProgrammingError, match="Cannot update"), transaction.atomic():
        Message.objects.filter(pk=message.pk).update(body="Something else")


@pytest.mark.django_db
def test_a_line_break_in_the_subject_starts_no_header(noon: datetime):
    assert post(noon, subject="Hello\r\nBcc: everybody@example.com").subject == "Hello Bcc: everybody@example.com"


@pytest.mark.django_db
def test_the_outbox_is_a_file_too(client, noon: datetime):
    for n in range(3):
        post(noon, key=f"file-{n}", recipient=f"a{n}@example.com", subject="=1+1")
    client.force_login(colleague("ana"))
    lines = b"".join(client.get("/outbox/export.csv?status=waiting").streaming_content).decode().splitlines()
    assert len(lines) == 4
    assert lines[1].startswith("a2@example.com,'=1+1,waiting,")
    assert b"".join(client.get("/outbox/export.csv?status=failed").streaming_content).count(b"\n") == 1
    client.force_login(colleague("dev"))
    assert client.get("/outbox/export.csv").status_code == 403


@pytest.mark.django_db(transaction=True)
def test_what_is_taken_back_while_it_is_handed_over_does_not_leave(by_smtp: Relay, noon: datetime, monkeypatch):
    first, second = (
        services.enqueue(key=f"m{n}", about="case:1", recipient="m@example.com", subject="s", body="b", now=noon)
        for n in range(2)
    )
    write = services._as_mail

    def taken_back_meanwhile(message, relay):
        if message.pk == first.pk:
            assert services.withdraw([first.pk]) == {first.pk}
        return write(message, relay)

    monkeypatch.setattr(services, "_as_mail", taken_back_meanwhile)
    assert services.deliver_due(now=noon) == 1
    assert by_smtp.received == [second.message_id], "the relay had its words but never the end of them"
    first.refresh_from_db()
    assert first.status == "withdrawn"
    assert services.withdraw([first.pk, second.pk]) == set(), "what was sent stays sent"

    monkeypatch.undo()
    assert services.send_after_all([first.pk, second.pk], now=noon) == 1
    services.deliver_due(now=noon)
    assert sorted(by_smtp.received) == sorted([first.message_id, second.message_id])
