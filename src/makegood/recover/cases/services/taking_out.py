"""Taking a contact out of the case that intake guessed it belongs to: one step, no form to fill in."""

import uuid
from datetime import datetime

from django.db import transaction

from makegood.ground.staff.models import User
from makegood.recover.cases.errors import NotInThisCase
from makegood.recover.cases.models import Case, CaseEvent, Contact, Reason
from makegood.recover.cases.reasons import UNCLEAR
from makegood.recover.cases.services.merging import split_case

_IN_A_FEW_WORDS = 80


@transaction.atomic
def take_out(*, case_id: uuid.UUID, contact_id: uuid.UUID, by: User, now: datetime, seen: int | None = None) -> Case:
    """Give a contact a case of its own; its words say about what, where they say it. Returns the new case.

    It is a split like any other (`split_case`, which decides between two who do it at once), and is taken back as one.

    Raises
    ------
    NotInThisCase
        The contact is not this case's (any more). Nothing is written.
    CaseAlreadyResolved, CaseMerged, CaseChanged
        Nothing is written.
    """
    contact = Contact.objects.filter(pk=contact_id, case=case_id).first()
    if contact is None:
        raise NotInThisCase(Case.objects.values_list("number", flat=True).get(pk=case_id))
    heard = CaseEvent.objects.filter(case=case_id, kind=CaseEvent.Kind.CONTACT, facts__contact=str(contact_id)).last()
    told = Reason.objects.filter(code=heard.facts.get("reason_found", "") if heard else "", active=True).first()
    words = " ".join((contact.subject or contact.body).split())
    return split_case(
        case_id=case_id, contacts=[contact_id], reason=told.code if told else UNCLEAR, subject=words[:_IN_A_FEW_WORDS],
        by=by, now=now, seen=seen,
    )  # fmt: skip
