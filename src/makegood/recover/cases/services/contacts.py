"""What is said in a case: by the customer, to the customer, among colleagues."""

import re
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection, transaction
from django.utils.translation import gettext as _

from makegood.ground.messages.brands import Brand, brand_called, brand_selling
from makegood.ground.messages.models import Message
from makegood.ground.messages.services import File, enqueue
from makegood.ground.staff.models import User
from makegood.ground.web.language import speaking
from makegood.recover.cases import extensions
from makegood.recover.cases.errors import NoAddress, NothingToSay
from makegood.recover.cases.models import (
    Case,
    CaseEvent,
    Channel,
    Contact,
    Direction,
    Envelope,
    Note,
    Status,
)
from makegood.recover.cases.services import attachments
from makegood.recover.cases.services.handling import open_case, require_not_merged
from makegood.recover.cases.services.links import address_of, language_of, link_for
from makegood.recover.cases.services.mentioning import tell_mentioned
from makegood.recover.cases.services.timeline import lock_case, lock_home, record

Kind = CaseEvent.Kind


@transaction.atomic
def receive_contact(
    *, case_id: uuid.UUID, channel: Channel | str, author: str, body: str, at: datetime, subject: str = "",
    language: str = "", why: str = "",
) -> Contact:  # fmt: skip
    """Attach what the customer said to a case. An open case is on us again.

    What is said to a merged case arrives at the one that goes on in its place. A resolved case keeps its status
    (whether to reopen is decided by a person or by intake's rule, not by a "thank you").
    """
    case = lock_home(case_id)
    contact = Contact.objects.create(
        case=case, channel=channel, direction=Direction.IN, author=author[:200], subject=subject[:300], body=body,
        language=language, at=at,
    )  # fmt: skip
    event = record(case, Kind.CONTACT, at=at, why=why, changes=heard(case, str(channel), at), facts=facts_of(contact))
    append_to_index(case.pk, body)
    extensions.tell(case, event, body)
    return contact


@transaction.atomic
def receive_from_partner(
    *, case_id: uuid.UUID, channel: Channel | str, author: str, body: str, at: datetime, subject: str = "",
    language: str = "", why: str = "",
) -> Contact:  # fmt: skip
    """Attach what a partner wrote to a case. It is no word of the customer's: it starts and stops no clock of theirs,
    and they do not see it. A case that waits for a partner, or is put off, is on us again.
    """
    case = lock_home(case_id)
    contact = Contact.objects.create(
        case=case, channel=channel, direction=Direction.PARTNER, author=author[:200], subject=subject[:300], body=body,
        language=language, at=at,
    )  # fmt: skip
    changes: dict[str, Any] = {}
    if case.resolved_at is None:
        changes["snoozed_until"] = None
        if case.status == Status.WAITING_PARTNER:
            changes["status"] = Status.OPEN
    event = record(case, Kind.CONTACT, at=at, why=why, changes=changes, facts=facts_of(contact))
    append_to_index(case.pk, body)
    extensions.tell(case, event, body)
    return contact


@transaction.atomic
def reply(
    *, case_id: uuid.UUID, body: str, by: User, now: datetime, wait: bool = False, seen: int | None = None,
    files: Sequence[attachments.Given] = (),
) -> Contact:  # fmt: skip
    """Answer the customer by e-mail: the words, the event and the outgoing message are written together.

    It leaves under the brand that the customer wrote to, and in their mail program stands in the thread that they
    know.

    Parameters
    ----------
    wait
        The ball is then with the customer.

    Raises
    ------
    NothingToSay, NoAddress, CaseAlreadyResolved, CaseMerged, CaseChanged, FileRefused
        Nothing is written and nothing is sent.
    """
    body = _said(body)
    attachments.refuse_unfit(files)
    case = open_case(case_id, seen)
    recipient = case.customer.email if case.customer else ""
    if not recipient:
        raise NoAddress(case.number)
    contact = _to_the_customer(case, Channel.EMAIL, body, by=by, now=now, wait=wait)
    kept = attachments.keep(contact.pk, files)
    thread = _thread(case)
    enqueue(
        key=f"reply:{contact.pk}", about=f"case:{case.pk}", recipient=recipient, subject=thread.subject,
        body=body + _way_back(case, now), now=now, place_id=case.place_id, brand=thread.brand, thread=str(case),
        in_reply_to=thread.in_reply_to, references=thread.references, automatic=False,
        attached=[File(one.name, one.type, one.key) for one in kept],
    )  # fmt: skip
    return contact


def _way_back(case: Case, now: datetime) -> str:
    """The customer's link, below what we write to them."""
    address = address_of(link_for(case.pk, now=now))
    if not address:
        return ""
    with speaking(language_of(case)):
        return "\n\n" + _("Where your case stands, and a place to answer: %(link)s") % {"link": address}


class _Thread(NamedTuple):
    brand: Brand
    subject: str
    in_reply_to: str = ""
    references: str = ""


_ANSWER = re.compile(r"^(?:\s*(?:re|aw|antw|sv|res|ref)\s*:)+\s*", re.IGNORECASE)


def _thread(case: Case) -> _Thread:
    """What a mail about the case follows on: the customer's last mail, else our own. Three SQL queries.

    Where cases were merged into it, the references lead to the mails of each: a mail program then shows one
    conversation, whichever of them the customer looks at.
    """
    whole = [case.pk, *Case.objects.filter(merged_into=case.pk).values_list("pk", flat=True)]
    heard = Envelope.objects.select_related("contact").filter(contact__case__in=whole, contact__direction=Direction.IN)
    mails = list(heard.order_by("-contact__at", "-pk")[:_CHAINS_AT_MOST])
    written = Message.objects.filter(about__in=[f"case:{pk}" for pk in whole]).order_by("-pk")
    ours = list(written.only("message_id", "references")[:_CHAINS_AT_MOST])
    chains = [f"{one.references} {one.message_id}" for one in ours]
    chains += [f"{mail.references} {mail.message_id}" for mail in mails]
    if mails:
        last = mails[0]
        subject = f"Re: {_ANSWER.sub('', last.contact.subject) or case.subject}"
        return _Thread(
            brand_called(last.brand), subject, last.message_id, _joined(chains, last.references, last.message_id)
        )
    brand = brand_selling(case.customer.source.slug if case.customer else "")
    subject = f"[C-{case.number}] {case.subject}"
    if not ours:
        return _Thread(brand, subject)
    return _Thread(brand, subject, ours[0].message_id, _joined(chains, ours[0].references, ours[0].message_id))


# More would push each other out of a References header.
_CHAINS_AT_MOST = 5
_OWN_AT_MOST = 8


def _joined(chains: Sequence[str], own: str, answered: str) -> str:
    """References that lead from the ends of other chains, by which mail programs thread, to the ends of our own.

    What is answered stands last; `enqueue` sees to that.
    """
    ids = own.split()
    own_ids = [*ids[:1], *ids[1:][-_OWN_AT_MOST:]]
    ends = [id_ for chain in reversed(chains) for ids in [chain.split()] for id_ in (*ids[:1], *ids[-1:])]
    others = list(dict.fromkeys(id_ for id_ in ends if id_ not in (*own_ids, answered)))[-2 * _CHAINS_AT_MOST :]
    return " ".join([*others, *own_ids])


@transaction.atomic
def log_call(
    *, case_id: uuid.UUID, body: str, by: User, now: datetime, channel: Channel = Channel.PHONE, wait: bool = False
) -> Contact:
    """Note what was told to the customer by phone or at the store desk. Counts as an answer.

    Raises
    ------
    NothingToSay, CaseAlreadyResolved, CaseMerged
        Nothing is written.
    """
    body = _said(body)
    case = open_case(case_id)
    return _to_the_customer(case, channel, body, by=by, now=now, wait=wait)


@transaction.atomic
def add_note(*, case_id: uuid.UUID, body: str, by: User, now: datetime) -> Note:
    """Write something for colleagues; whom it names (`@ben`) is told. Allowed on resolved cases too.

    Raises NothingToSay, CaseMerged.
    """
    body = _said(body)
    case = lock_case(case_id)
    require_not_merged(case)
    note = Note.objects.create(case=case, staff=by, body=body, at=now)
    told = tell_mentioned(case, note, by=by, now=now)
    facts = {"note": note.pk} | ({"told": [user.display_name for user in told]} if told else {})
    event = record(case, Kind.NOTE, at=now, by=by, facts=facts)
    append_to_index(case.pk, body)
    extensions.tell(case, event, body)
    return note


def _to_the_customer(case: Case, channel: Channel, body: str, *, by: User, now: datetime, wait: bool) -> Contact:
    contact = Contact.objects.create(
        case=case, channel=channel, direction=Direction.OUT, author=by.display_name, staff=by, body=body, at=now
    )
    changes = told(case, now)
    if wait:
        changes["status"] = Status.WAITING_CUSTOMER
    if case.assignee_id is None:
        changes["assignee_id"] = by.pk
    event = record(case, Kind.CONTACT, at=now, by=by, changes=changes, facts=facts_of(contact))
    append_to_index(case.pk, body)
    extensions.tell(case, event, body)
    return contact


@transaction.atomic
def note_returned(*, case_id: uuid.UUID, message_id: uuid.UUID, for_good: bool, why: str, at: datetime) -> None:
    """Say on a case that a mail of ours did not arrive, or is late. Nobody waits for an answer to what never came."""
    case = lock_case(case_id)
    waits = for_good and case.status == Status.WAITING_CUSTOMER
    record(
        case, Kind.FACT, at=at, why=why, changes={"status": Status.OPEN} if waits else {},
        facts={"message": message_id, "returned": for_good},
    )  # fmt: skip


@transaction.atomic
def note_automatic(*, case_id: uuid.UUID, words: str, at: datetime) -> None:
    """Say on a case that the customer's mailbox answered by itself. No clock starts or stops."""
    record(lock_case(case_id), Kind.FACT, at=at, why=f"Their mailbox answered by itself: {words}")


def heard(case: Case, channel: str, at: datetime) -> dict[str, Any]:
    """What a word from the customer changes on a case."""
    changes: dict[str, Any] = {"last_contact_at": at, "last_contact_by": "customer"}
    if not case.channel:
        changes["channel"] = channel
    if case.resolved_at is None:
        # Put off, until somebody knew of this.
        changes |= {"status": Status.NEW if case.status == Status.NEW else Status.OPEN, "snoozed_until": None}
    return changes


def told(case: Case, at: datetime) -> dict[str, Any]:
    """What a word to the customer changes on a case."""
    changes: dict[str, Any] = {"last_contact_at": at, "last_contact_by": "us"}
    if case.first_response_at is None:
        changes["first_response_at"] = at
    if case.resolved_at is None:
        changes["status"] = Status.OPEN
    return changes


def facts_of(contact: Contact) -> dict[str, Any]:
    """What the event of a contact keeps of it."""
    return {"contact": contact.pk, "channel": str(contact.channel), "direction": str(contact.direction)}


def _said(body: str) -> str:
    if not body.strip():
        raise NothingToSay
    return body.strip()


def append_to_index(case_id: uuid.UUID, body: str) -> None:
    """Make a case findable by these words too. One SQL query."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE cases_case SET search = coalesce(search, '') || to_tsvector('simple', %s) WHERE id = %s",
            [body[:100_000], case_id],
        )
