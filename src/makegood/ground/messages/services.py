"""Sending: written with the data that caused it, handed over by a job, each once as far as that can be known."""

import re
import uuid
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog
from django.conf import settings
from django.core.mail import EmailMultiAlternatives, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection
from django.db.models import F
from django.utils.html import linebreaks, urlize

from makegood.ground.messages import files
from makegood.ground.messages.brands import Brand, brands
from makegood.ground.messages.errors import MessageNotStuck, TakenBack
from makegood.ground.messages.models import Message
from makegood.ground.messages.smtp import SmtpBackend
from makegood.ground.messages.tokens import token_for
from makegood.ids import uuid7

log = structlog.get_logger(__name__)

Status = Message.Status
# After each failed attempt; after the last one it counts as failed for good and shows on the outbox page.
RETRY_AFTER = tuple(timedelta(minutes=m) for m in (1, 5, 15, 60, 240, 720))
NEXT = 500  # the oldest that are due, among which a worker looks for ...
TOGETHER = 20  # ... so many that nobody else works on
# What is longer than this in a References header is cut in its middle, as RFC 5322 (3.6.4) has it: mail programs thread
# by its ends.
_THREAD_AT_MOST = 20
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,250}>")


class File(NamedTuple):
    """A file that goes along, by its key in `files`."""

    name: str
    type: str
    key: str


def enqueue(  # noqa: PLR0913  each part of a mail by its name
    *, key: str, about: str, recipient: str, subject: str, body: str, now: datetime, in_reply_to: str = "",
    references: str = "", place_id: uuid.UUID | None = None, brand: Brand | None = None, thread: str = "",
    automatic: bool = True, attached: Sequence[File] = (),
) -> Message:  # fmt: skip
    """Put a message into the outbox, in the caller's transaction. The same key again returns the first message.

    The job that delivers it is enqueued in the same transaction, so neither exists without the other.

    Parameters
    ----------
    in_reply_to, references
        The Message-ID that it answers, and that message's own References: so that mail programs thread it.
    thread
        The number of the case ("C-12") that an answer must come back to.
    automatic
        Nobody wrote it: it says so, and programs that answer by themselves leave it alone.
    """
    message, is_new = Message.objects.get_or_create(
        idempotency_key=key,
        defaults=_addressed(brand, thread)
        | {
            "about": about,
            "place_id": place_id,
            "recipient": recipient,
            "subject": _header(subject),
            "body": body,
            "in_reply_to": "".join(_MESSAGE_ID.findall(in_reply_to)[:1]),
            "references": _thread_so_far(references, in_reply_to),
            "automatic": automatic,
            "files": [file._asdict() for file in attached],
            "created_at": now,
            "due_at": now,
        },
    )
    if is_new:
        _wake_the_worker()
    return message


class Letter(NamedTuple):
    """One of many messages that leave together, as `enqueue` takes them one by one."""

    id: uuid.UUID
    key: str
    about: str
    recipient: str
    subject: str
    body: str
    thread: str = ""
    place_id: uuid.UUID | None = None
    brand: Brand | None = None


def enqueue_many(letters: Sequence[Letter], *, now: datetime) -> None:
    """Put many automatic messages into the outbox, in the caller's transaction, each key once. Two SQL queries."""
    Message.objects.bulk_create(
        [
            Message(
                id=one.id, idempotency_key=one.key, about=one.about, place_id=one.place_id, recipient=one.recipient,
                subject=_header(one.subject), body=one.body, created_at=now, due_at=now,
                **_addressed(one.brand, one.thread),
            )
            for one in letters
        ],
        ignore_conflicts=True,
        batch_size=1000,
    )  # fmt: skip
    if letters:
        _wake_the_worker()


def _addressed(brand: Brand | None, thread: str) -> dict[str, str]:
    """From whom a message comes, where its answers go, and its own name."""
    brand = brand or brands()[0]
    token = token_for(thread) if thread else ""
    return {
        "message_id": f"<{token}{'.' if token else ''}{uuid7().hex}@{brand.domain}>",
        "sender": brand.sender,
        "reply_to": brand.reply_to(token) if token else "",
    }


def _header(text: str) -> str:
    # A line break in a subject would start a header of the sender's choosing.
    return " ".join(text.split())[:300]


def withdraw(message_ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """Take back messages that no relay has accepted yet; returns which ones.

    The row of each message decides: a conditional UPDATE here against the one by which a worker passes the point of no
    return (`_hand_over`). A worker that comes second breaks off. One SQL query.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE outbox_message SET status = 'withdrawn' WHERE id = ANY(%s::uuid[]) AND status = 'waiting'"
            " RETURNING id",
            [list(message_ids)],
        )
        return {pk for (pk,) in cursor.fetchall()}


def send_after_all(message_ids: Collection[uuid.UUID], *, now: datetime) -> int:
    """Let messages that were taken back leave; returns how many. A conditional UPDATE decides races. Two SQL queries.

    They keep their Message-ID: whatever happened before, they are the same messages.
    """
    back = Message.objects.filter(pk__in=list(message_ids), status=Status.WITHDRAWN)
    count = back.update(status=Status.WAITING, due_at=now, created_at=now)
    if count:
        _wake_the_worker()
    return count


def _thread_so_far(references: str, in_reply_to: str) -> str:
    ids = list(dict.fromkeys(_MESSAGE_ID.findall(f"{references} {in_reply_to}")))
    if len(ids) > _THREAD_AT_MOST:
        ids = [ids[0], *ids[-_THREAD_AT_MOST + 1 :]]
    return " ".join(ids)


def deliver_due(*, now: datetime) -> int:
    """Hand over everything that is due, oldest first; returns how many were sent. Many may run at once.

    Who holds a message's advisory lock works on it; PostgreSQL releases the locks of a worker that dies, however it
    dies. The status says what that death meant: *waiting*, the relay had not accepted it, so the next worker sends it
    at once; *being handed over*, the relay may have it, so it becomes *perhaps sent* and a person decides
    (`send_again`): nobody gets it twice by itself. Between the two lie the last three bytes of the SMTP dialogue. Call
    outside transactions.
    """
    _find_the_uncertain()
    sent = 0
    relay = get_connection()
    due = Message.objects.filter(status=Status.WAITING, due_at__lte=now).order_by("due_at")
    while True:
        with _next_ones(now) as held:
            # Read again under their locks: somebody may have sent one since the list was made.
            for message in due.filter(pk__in=held):
                try:
                    sent += _hand_over(message, relay, now)
                except TakenBack:
                    break  # so are others of these, probably: look anew
        if not held:
            break  # others work on all that is left
    with suppress(Exception):
        relay.close()
    return sent


@contextmanager
def _next_ones(now: datetime) -> Iterator[list[uuid.UUID]]:
    """Some of what is due, for this worker alone. Two SQL queries, however many."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH due AS MATERIALIZED (
                SELECT id FROM outbox_message WHERE status = 'waiting' AND due_at <= %s ORDER BY due_at LIMIT %s
            ) SELECT id FROM due WHERE pg_try_advisory_lock(hashtextextended(id::text, 0)) LIMIT %s
            """,
            [now, NEXT, TOGETHER],
        )
        held = [pk for (pk,) in cursor.fetchall()]
        try:
            yield held
        finally:
            cursor.execute(
                "SELECT pg_advisory_unlock(hashtextextended(id::text, 0)) FROM unnest(%s::uuid[]) AS held (id)", [held]
            )


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
    """Whether the relay took it. Raises TakenBack. Two SQL queries."""
    this = Message.objects.filter(pk=message.pk)

    def point_of_no_return() -> None:
        if not this.filter(status=Status.WAITING).update(status=Status.SENDING, attempts=F("attempts") + 1):
            raise TakenBack

    try:
        mail = _as_mail(message, relay)
        relay.open()  # once for many messages; a no-op while it is open
        if isinstance(relay, SmtpBackend):
            relay.before_end = point_of_no_return
        else:
            point_of_no_return()
        mail.send()
    except TakenBack:
        with suppress(Exception):
            relay.close()
        raise
    except Exception as problem:  # noqa: BLE001  whatever the relay or the network says, the message stays ours
        with suppress(Exception):
            relay.close()  # the next message starts a fresh dialogue
        _put_back(message, problem, now)
        return False
    _note_sent(message, now)
    return True


def _note_sent(message: Message, now: datetime) -> None:
    # This alone need not wait for the disk: should the machine lose power right now, the message is *perhaps sent*, as
    # if the worker had died. That it is being handed over was on the disk before.
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH unhurried AS (SELECT set_config('synchronous_commit', 'off', true))
            UPDATE outbox_message SET status = 'sent', sent_at = %s, last_error = '' FROM unhurried WHERE id = %s
            """,
            [now, message.pk],
        )


def _as_mail(message: Message, relay: BaseEmailBackend) -> EmailMultiAlternatives:
    """The message with its headers, as text and as HTML. A signature (DKIM) is the relay's business."""
    headers = {"Message-ID": message.message_id}
    if message.in_reply_to:
        headers |= {"In-Reply-To": message.in_reply_to, "References": message.references or message.in_reply_to}
    if message.automatic:
        headers |= {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}
    mail = EmailMultiAlternatives(
        message.subject,
        message.body,
        message.sender or settings.DEFAULT_FROM_EMAIL,
        [message.recipient],
        headers=headers,
        reply_to=[message.reply_to] if message.reply_to else None,
        connection=relay,
    )
    mail.attach_alternative(linebreaks(urlize(message.body, autoescape=True, nofollow=True)), "text/html")
    for file in message.files:
        mail.attach(file["name"], files.get(file["key"]), file["type"])
    return mail


def mark_bounced(*, message_id: uuid.UUID, why: str, now: datetime) -> bool:
    """Keep that a message came back, the first time somebody says so (a conditional UPDATE decides); whether it was."""
    fresh = Message.objects.filter(pk=message_id, bounced_at=None)
    return bool(fresh.update(bounced_at=now, bounce=why[:500]))


def _put_back(message: Message, problem: Exception, now: datetime) -> None:
    attempts = message.attempts + 1
    # What was taken back meanwhile stays taken back.
    ours = Message.objects.filter(pk=message.pk, status__in=[Status.WAITING, Status.SENDING])
    for_good = attempts > len(RETRY_AFTER)
    ours.update(
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
