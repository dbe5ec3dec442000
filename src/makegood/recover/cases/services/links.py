"""The link by which a customer sees their own case: signed, for a while, revocable.

The token is the identifier of a row and a signature over it. Whoever guesses learns nothing: a forged, an expired and a
revoked token are refused alike.
"""

import base64
import binascii
import uuid
from datetime import datetime, timedelta

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.db import transaction
from django.db.models import OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce
from django.urls import reverse

from makegood.ground.staff.models import User
from makegood.recover.cases.errors import LinkGone
from makegood.recover.cases.models import Case, CaseEvent, Contact, CustomerLink, Direction
from makegood.recover.cases.services.timeline import lock_case, record


def _languages_heard(case: Case | OuterRef) -> "QuerySet[Contact, str]":
    """The languages in which a customer wrote, the last one first."""
    heard = Contact.objects.filter(case=case, direction=Direction.IN, language__gt="").order_by("-at")
    return heard.values_list("language", flat=True)


WROTE_IN = Coalesce(Subquery(_languages_heard(OuterRef("case"))[:1]), Value(""))
"""In SQL, of a link: the language in which the customer last wrote."""
_signer = Signer(salt="makegood.customer-link", sep=".")


def link_for(case_id: uuid.UUID, *, now: datetime) -> str:
    """The token of a case, made if there is none, good for MAKEGOOD_LINK_DAYS from now.

    Two who ask at once get the same one: the constraint `link_one_per_case` decides. Two SQL queries.
    """
    until = now + timedelta(days=settings.MAKEGOOD_LINK_DAYS)
    CustomerLink.objects.bulk_create(
        [CustomerLink(case_id=case_id, created_at=now, expires_at=until)], ignore_conflicts=True
    )
    link = CustomerLink.objects.get(case_id=case_id, revoked_at=None)
    if link.expires_at < until:
        CustomerLink.objects.filter(pk=link.pk, expires_at__lt=until).update(expires_at=until)
    return _signer.sign(base64.urlsafe_b64encode(link.pk.bytes).rstrip(b"=").decode())


def wrote_in(link: CustomerLink) -> str:
    """The language in which whoever holds a link last wrote. No SQL query: it came with the link (`open_link`)."""
    return str(getattr(link, "wrote_in", ""))


def language_of(case: Case) -> str:
    """The language that a customer is written to in: the one we were told, else the one in which they last wrote;
    empty: not known. One SQL query at most.
    """
    if case.customer and case.customer.language:
        return case.customer.language
    return _languages_heard(case).first() or ""


def address_of(token: str) -> str:
    """The whole address for a mail; empty where MAKEGOOD_URL does not say where the desk is reached."""
    base = settings.MAKEGOOD_URL.rstrip("/")
    return base + reverse("standing", args=[token]) if base else ""


def open_link(token: str, *, now: datetime) -> CustomerLink:
    """The link that a token stands for, with its case and customer. Notes that it was used. Two SQL queries.

    Raises
    ------
    LinkGone
        Forged, unknown, expired or revoked: which of these is not said.
    """
    try:
        key = base64.urlsafe_b64decode(_signer.unsign(token) + "==")
        of_case = ("customer__source", "order", "place", "merged_into__customer__source", "merged_into__place")
        related = [f"case__{name}" for name in of_case]
        links = CustomerLink.objects.select_related(*related).defer("case__search", "case__merged_into__search")
        links = links.annotate(wrote_in=WROTE_IN)
        link = links.get(pk=uuid.UUID(bytes=key), revoked_at=None, expires_at__gt=now)
    except (BadSignature, binascii.Error, ValueError, CustomerLink.DoesNotExist) as why:
        raise LinkGone from why
    CustomerLink.objects.filter(pk=link.pk).update(used_at=now)
    return link


@transaction.atomic
def revoke_link(*, case_id: uuid.UUID, by: User, now: datetime) -> Case:
    """End a case's link at once; a later one has another address. Nothing happens where there is none."""
    case = lock_case(case_id)
    if CustomerLink.objects.filter(case=case, revoked_at=None).update(revoked_at=now):
        record(case, CaseEvent.Kind.FACT, at=now, by=by, why="The customer's link was ended.")
    return case
