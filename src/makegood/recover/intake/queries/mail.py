"""What came in by mail, and what became of it."""

import uuid
from collections.abc import Sequence
from typing import Any

from django.db.models import Count, QuerySet

from makegood.recover.intake.errors import MailNotFound
from makegood.recover.intake.models import Mail, Mailbox

PAGE = 50
_COLUMNS = (
    "id",
    "came_at",
    "sender",
    "subject",
    "status",
    "why",
    "size",
    "key",
    "mailbox",
    "case__number",
    "contact_id",
)


def inbox(
    *, status: str = "", places: Sequence[uuid.UUID] | None = None, before: uuid.UUID | None = None, limit: int = PAGE
) -> list[dict[str, Any]]:
    """Mails, newest first, one more than a page. Who sees places sees the mails of their cases. One SQL query."""
    found = _visible(places).order_by("-pk")
    if status:
        found = found.filter(status=status)
    if before:
        found = found.filter(pk__lt=before)
    return list(found.values(*_COLUMNS)[: limit + 1])


def mailboxes(names: Sequence[str]) -> list[Mailbox]:
    """How these mailboxes fare, in the order asked; those never looked into are left out. One SQL query."""
    found = Mailbox.objects.in_bulk(names)
    return [found[name] for name in names if name in found]


def left_out(*, places: Sequence[uuid.UUID] | None = None) -> dict[str, int]:
    """How many mails became no contact, by what they are. One SQL query."""
    return dict(_visible(places).exclude(status=Mail.Status.TAKEN).values_list("status").annotate(Count("pk")))


def the_mail(mail_id: uuid.UUID, *, places: Sequence[uuid.UUID] | None) -> Mail:
    """A mail, for somebody who sees `places` (None: all). One SQL query. Raises MailNotFound."""
    mail = _visible(places).filter(pk=mail_id).first()
    if mail is None:
        raise MailNotFound
    return mail


def _visible(places: Sequence[uuid.UUID] | None) -> QuerySet[Mail]:
    return Mail.objects.all() if places is None else Mail.objects.filter(case__place_id__in=places)
