"""Sending: written with the data that caused it, handed over by a job, each once as far as that can be known."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from email.utils import make_msgid

import structlog
from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection
from django.db.models import F

from makegood.ground.messages.errors import MessageNotStuck
from makegood.ground.messages.models import Message
from makegood.ground.messages.smtp import SmtpBackend

log = structlog.get_logger(__name__)

Status = Message.Status
# After each failed attempt; after the last one it counts as failed for good and shows on the outbox page.
RETRY_AFTER = tuple(timedelta(minutes=m) for m in (1, 5, 15, 60, 240, 720))
BATCH = 100


def enqueue(
    *, key: str, about: str, recipient: str, subject: str, body: str, now: datetime, in_reply_to: str = "",
    place_id: uuid.UUID | None = None,
) -> Message:  # fmt: skip
    """Put a message into the outbox, in the caller's transaction. The same key again returns the first message.

    The job that delivers it is enqueued in the same transaction, so neither exists without the other.
    """
    message, is_new = Message.objects.get_or_create(
        idempotency_key=key,
        defaults={
            "about": about,
            "place_id": place_id,
            "recipient": recipient,
            # A line break in a subject would start a header of the sender's choosing.
            "subject": " ".join(subject.split())[:300],
            "body": body,
            "message_id": make_msgid(domain=settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].rstrip(">") or "localhost"),
            "in_reply_to": in_reply_to,
            "created_at": now,
            "due_at": now,
        },
    )
    if is_new:
        _wake_the_worker()
    return message


def deliver_due(*, now: datetime) -> int:
    """Hand over everything that is due, oldest first; returns how many were sent. Many may run at once.

    Who holds a message's advisory lock works on it; PostgreSQL releases the lock when a worker dies, however it dies.
    The status says what that death meant: *waiting*, the relay had not accepted it, so the next worker sends it at
    once; *being handed over*, the relay may have it, so it becomes *perhaps sent* and a person decides (`send_again`):
    nobody gets it twice by itself. Between the two lie the last three bytes of the SMTP dialogue. Call outside
    transactions.
    """
    _find_the_uncertain()
    sent = 0
    relay = get_connection()
    due = Message.objects.filter(status=Status.WAITING, due_at__lte=now).order_by("due_at")
    while batch := list(due.values_list("pk", flat=True)[:BATCH]):
        tried = 0
        for pk in batch:
            with _locked(pk) as is_ours:
                # Read again under the lock: somebody may have sent it since the list was made.
                message = due.filter(pk=pk).first() if is_ours else None
                if message:
                    tried += 1
                    sent += _hand_over(message, relay, now)
        if not tried:
            break  # others work on all that is left
    with suppress(Exception):
        relay.close()
    return sent


def _find_the_uncertain() -> None:
    for pk in Message.objects.filter(status=Status.SENDING).values_list("pk", flat=True):
        with _locked(pk) as is_ours:
            if is_ours:  # nobody alive works on it
                Message.objects.filter(pk=pk, status=Status.SENDING).update(
                    status=Status.UNCERTAIN, last_error="The worker stopped while the relay was accepting it."
                )


@contextmanager
def _locked(pk: uuid.UUID) -> Iterator[bool]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [str(pk)])
        row = cursor.fetchone()
        is_ours = bool(row and row[0])
        try:
            yield is_ours
        finally:
            if is_ours:
                cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [str(pk)])


def _hand_over(message: Message, relay: BaseEmailBackend, now: datetime) -> bool:
    headers = {"Message-ID": message.message_id}
    if message.in_reply_to:
        headers |= {"In-Reply-To": message.in_reply_to, "References": message.in_reply_to}
    mail = EmailMessage(
        message.subject,
        message.body,
        settings.DEFAULT_FROM_EMAIL,
        [message.recipient],
        headers=headers,
        connection=relay,
    )
    this = Message.objects.filter(pk=message.pk)

    def point_of_no_return() -> None:
        this.update(status=Status.SENDING, attempts=F("attempts") + 1)

    try:
        relay.open()  # once for many messages; a no-op while it is open
        if isinstance(relay, SmtpBackend):
            relay.before_end = point_of_no_return
        else:
            point_of_no_return()
        mail.send()
    except Exception as problem:  # noqa: BLE001  whatever the relay or the network says, the message stays ours
        with suppress(Exception):
            relay.close()  # the next message starts a fresh dialogue
        _put_back(message, problem, now)
        return False
    this.update(status=Status.SENT, sent_at=now, last_error="")
    return True


def _put_back(message: Message, problem: Exception, now: datetime) -> None:
    attempts = message.attempts + 1
    for_good = attempts > len(RETRY_AFTER)
    Message.objects.filter(pk=message.pk).update(
        status=Status.FAILED if for_good else Status.WAITING,
        due_at=now if for_good else now + RETRY_AFTER[message.attempts],
        attempts=attempts,
        last_error=f"{type(problem).__name__}: {problem}"[:500],
    )
    log.warning("message not sent", message=str(message.pk), attempt=attempts, problem=type(problem).__name__)


def send_again(*, message_id: uuid.UUID, now: datetime) -> None:
    """Send a message that failed for good, or one that was perhaps sent, once more.

    Raises
    ------
    MessageNotStuck
        It waits, is being sent or was sent: nothing to do. A conditional UPDATE decides between two who ask at once.
    """
    stuck = Message.objects.filter(pk=message_id, status__in=[Status.FAILED, Status.UNCERTAIN])
    if not stuck.update(status=Status.WAITING, due_at=now, attempts=0):
        raise MessageNotStuck
    _wake_the_worker()


def _wake_the_worker() -> None:
    from makegood.ground.messages.tasks import deliver  # noqa: PLC0415  tasks call this module

    deliver.defer()
