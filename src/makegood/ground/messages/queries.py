import uuid
from collections.abc import Sequence
from typing import Any

from django.db.models import Count

from makegood.ground.messages.models import Message

PAGE = 50
COLUMNS = ("id", "about", "recipient", "subject", "status", "created_at", "due_at", "sent_at", "attempts", "last_error",
           "bounced_at", "bounce")  # fmt: skip


def outbox(
    *, status: str = "", places: Sequence[uuid.UUID] | None = None, before: uuid.UUID | None = None, limit: int = PAGE
) -> list[dict[str, Any]]:
    """Outgoing messages, newest first, one more than a page (the caller then knows of a next one). One query."""
    found = Message.objects.order_by("-id")
    if status:
        found = found.filter(status=status)
    if places is not None:
        found = found.filter(place_id__in=places)
    if before:
        found = found.filter(pk__lt=before)
    return list(found.values(*COLUMNS)[: limit + 1])


def not_delivered(*, places: Sequence[uuid.UUID] | None = None) -> dict[str, int]:
    """How many messages are in each state that is not yet, or never, *sent*. One query over partial indexes."""
    found = Message.objects.exclude(status=Message.Status.SENT)
    if places is not None:
        found = found.filter(place_id__in=places)
    return dict(found.values_list("status").annotate(Count("pk")))
