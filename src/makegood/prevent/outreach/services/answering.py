"""What people do with the links of a message: accept, decline, ask for no more."""

import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings
from django.db import transaction

from makegood.ground.messages.services import withdraw
from makegood.ground.staff.models import User
from makegood.prevent.outreach.errors import OfferGone
from makegood.prevent.outreach.models import OptOut, Outreach, Recipient, Remedy
from makegood.prevent.outreach.tokens import recipient_of
from makegood.prevent.outreach.wording import OFFERS
from makegood.recover.cases.errors import CaseExists
from makegood.recover.cases.models import Case, CaseEvent, Status
from makegood.recover.cases.services.handling import reopen_case
from makegood.recover.cases.services.timeline import lock_home, record
from makegood.recover.commitments import when
from makegood.recover.commitments.models import Kind
from makegood.recover.commitments.services import promise

# What is left to do once it was accepted, and until when it is promised.
_OWED: Final[Mapping[str, Kind]] = {
    Remedy.CREDIT: Kind.CREDIT, Remedy.REFUND: Kind.REFUND, Remedy.REPLACEMENT: Kind.REPLACEMENT,
}  # fmt: skip
_OWED_WITHIN: Final = "in two business days"

State, Answer = Recipient.State, Recipient.Answer


def offer(token: str, *, now: datetime) -> Recipient:
    """The offer that a token stands for, with all that its page shows. One SQL query.

    Raises
    ------
    OfferGone
        Forged, unknown, taken back before it left, nothing is offered, or older than MAKEGOOD_LINK_DAYS.
    """
    found = whose(token)
    if found.segment is None or found.segment.remedy not in OFFERS or not _is_good(found, now):
        raise OfferGone
    return found


@transaction.atomic
def accept_or_decline(*, token: str, accept: bool, now: datetime) -> Recipient:
    """Answer an offer, once: a conditional UPDATE decides, and whoever comes second sees the first answer.

    It is said on the case, or on the one that goes on in its place; an open one is on us again. What was accepted is
    promised there, in the name of whoever has the case, else of who started the outreach; a resolved case is taken up
    again for it. A voucher needs nothing more: its code is on the page. Raises OfferGone.
    """
    found = offer(token, now=now)
    answer = Answer.ACCEPTED if accept else Answer.DECLINED
    won = Recipient.objects.filter(pk=found.pk, answer="").update(answer=answer, answered_at=now)
    if not won:
        found.refresh_from_db(fields=["answer", "answered_at"])
        return found
    found.answer, found.answered_at = answer, now
    if found.case_id and found.segment:
        owed = accept and found.segment.remedy in _OWED
        case = lock_home(found.case_id)
        if owed and case.resolved_at is not None:
            case = _taken_up(case, found, now)
        remedy = Remedy(found.segment.remedy).label.lower()
        what = f"{remedy} of {found.amount} {found.currency}" if found.amount else remedy
        changes: dict[str, Any] = {"status": Status.OPEN} if case.resolved_at is None else {}
        why = f"The customer {answer} the offer of outreach {found.outreach}: {what}."
        facts = {"outreach": str(found.outreach), "answer": answer, "remedy": found.segment.remedy,
                 "amount": found.amount, "currency": found.currency}  # fmt: skip
        record(case, CaseEvent.Kind.FACT, at=now, why=why, changes=changes, facts=facts)
        if owed and (owner := _who_owes(case, found)):
            due_at = when.understand(_OWED_WITHIN, where=when.where_of(case.pk), now=now)
            promise(
                text=f"{what[:1].upper()}{what[1:]} that the customer accepted (outreach {found.outreach}).",
                kind=_OWED[found.segment.remedy], due_at=due_at.at, owner=owner, by=None, now=now, case_id=case.pk,
            )  # fmt: skip
    return found


def _taken_up(case: Case, found: Recipient, now: datetime) -> Case:
    """The case, open again; or the one about the same that was opened meanwhile."""
    try:
        return reopen_case(
            case_id=case.pk, by=None, now=now, why=f"The customer accepted the offer of outreach {found.outreach}."
        )
    except CaseExists as twin:
        return lock_home(Case.objects.values_list("pk", flat=True).get(number=twin.other))


def _who_owes(case: Case, found: Recipient) -> User | None:
    """Whoever has the case, started the outreach or leads the incident, as far as they still work here."""
    those = (case.assignee_id, found.outreach.started_by_id, found.outreach.incident.commander_id)
    asked = [pk for pk in those if pk]
    here = {user.pk: user for user in User.objects.filter(pk__in=asked, is_active=True)}
    return next((here[pk] for pk in asked if pk in here), None)


@transaction.atomic
def no_more(*, token: str, now: datetime) -> Recipient:
    """Write to this person no more unasked, from this moment: what waits in the outbox is taken back, too.

    Twice is once. Raises OfferGone where the link is none of ours; it never runs out.
    """
    found = whose(token)
    OptOut.objects.bulk_create([OptOut(customer_id=found.customer_id, at=now)], ignore_conflicts=True)
    # Held in the order in which batches hold them: what a batch under way writes is seen afterwards.
    list(Outreach.objects.select_for_update().filter(state="running", is_recall=False).order_by("pk").values_list("pk"))
    theirs = Recipient.objects.filter(
        accounts__contains=[found.customer_id], state=State.QUEUED, outreach__is_recall=False
    )
    taken = withdraw([pk for pk in theirs.values_list("message_id", flat=True) if pk])
    theirs.filter(message__in=taken).update(state=State.LEFT_OUT, why="opted_out")
    return found


def whose(token: str) -> Recipient:
    """Whose token it is, with all that pages show. One SQL query. Raises OfferGone."""
    pk: uuid.UUID = recipient_of(token)
    related = ("outreach__incident", "segment", "customer", "order", "case", "message")
    found = Recipient.objects.select_related(*related).defer("case__search", "customer__search").filter(pk=pk).first()
    if found is None:
        raise OfferGone
    return found


def _is_good(found: Recipient, now: datetime) -> bool:
    told = found.told_at or (found.message.created_at if found.message else None)
    return (
        told is not None
        and found.state in (State.QUEUED, State.SENT, State.UNCERTAIN)
        and now < told + timedelta(days=settings.MAKEGOOD_LINK_DAYS)
    )
