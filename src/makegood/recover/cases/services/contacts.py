"""What is said in a case: by the customer, to the customer, among colleagues."""

import uuid
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from makegood.ground.messages.services import enqueue
from makegood.ground.staff.models import User
from makegood.recover.cases import extensions
from makegood.recover.cases.errors import NoAddress, NothingToSay
from makegood.recover.cases.models import Case, CaseEvent, Channel, Contact, Direction, Note, Status
from makegood.recover.cases.services.handling import open_case, require_not_merged
from makegood.recover.cases.services.links import address_of, link_for
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
def reply(
    *, case_id: uuid.UUID, body: str, by: User, now: datetime, wait: bool = False, seen: int | None = None
) -> Contact:
    """Answer the customer by e-mail: the words, the event and the outgoing message are written together.

    Parameters
    ----------
    wait
        The ball is then with the customer.

    Raises
    ------
    NothingToSay, NoAddress, CaseAlreadyResolved, CaseMerged, CaseChanged
        Nothing is written and nothing is sent.
    """
    body = _said(body)
    case = open_case(case_id, seen)
    recipient = case.customer.email if case.customer else ""
    if not recipient:
        raise NoAddress(case.number)
    contact = _to_the_customer(case, Channel.EMAIL, body, by=by, now=now, wait=wait)
    enqueue(
        key=f"reply:{contact.pk}", about=f"case:{case.pk}", recipient=recipient,
        subject=f"[C-{case.number}] {case.subject}", body=body + _way_back(case, now), now=now,
        place_id=case.place_id,
    )  # fmt: skip
    return contact


def _way_back(case: Case, now: datetime) -> str:
    """The customer's link, below what we write to them."""
    address = address_of(link_for(case.pk, now=now))
    return "\n\n" + _("Where your case stands, and a place to answer: %(link)s") % {"link": address} if address else ""


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
    """Write something for colleagues. Allowed on resolved cases too. Raises NothingToSay, CaseMerged."""
    body = _said(body)
    case = lock_case(case_id)
    require_not_merged(case)
    note = Note.objects.create(case=case, staff=by, body=body, at=now)
    event = record(case, Kind.NOTE, at=now, by=by, facts={"note": note.pk})
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
