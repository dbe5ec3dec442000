"""Telling other systems what happens, signed as Standard Webhooks asks (https://www.standardwebhooks.com).

A delivery is written with what it tells; a job hands it over, again and again with growing pauses until the endpoint
takes it. It may arrive twice (a worker can die between the answer and the note of it): its `webhook-id` stays the same,
so a receiver can tell.
"""

import base64
import ipaddress
import json
import socket
import uuid
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

import httpx
import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _
from standardwebhooks.webhooks import Webhook

from makegood.errors import Conflict, NotFound
from makegood.ground.api.models import Delivery, Endpoint
from makegood.ground.staff.models import User

log = structlog.get_logger(__name__)

# After each failed attempt; after the last one it counts as failed for good and waits for a person.
RETRY_AFTER: Final = tuple(timedelta(minutes=m) for m in (1, 5, 30, 120, 300, 600, 840, 1200, 1440))
# Who claimed deliveries and died: they are due again after this. Longer than an attempt can take.
LEASE: Final = timedelta(minutes=2)
TIMEOUT: Final = 15.0
BATCH: Final = 100
AT_ONCE: Final = 16
FORMER_SECRET_SIGNS_FOR: Final = timedelta(hours=24)
KEPT_FOR: Final = timedelta(days=30)


class EndpointNotFound(NotFound):
    code = "endpoint_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such webhook, or it was removed.")


class AddressNotAllowed(Conflict):
    """Webhooks must not become a way into the retailer's own network."""

    code, status = "address_not_allowed", 422

    def __init__(self, why: str) -> None:
        super().__init__(why)


def add_endpoint(*, url: str, events: Collection[str], by: User, now: datetime) -> Endpoint:
    """Start telling an address about these events. Raises AddressNotAllowed."""
    require_outside(url)
    return Endpoint.objects.create(url=url, events=sorted(events), created_at=now, created_by=by)


def secret_of(endpoint: Endpoint, *, generation: int | None = None) -> str:
    """The secret by which the receiver verifies signatures: derived from the deployment's key, kept nowhere."""
    made_for = f"{endpoint.pk}:{generation or endpoint.generation}"
    digest = salted_hmac("makegood.webhook", made_for, algorithm="sha256").digest()
    return "whsec_" + base64.b64encode(digest).decode()


def rotate_secret(*, endpoint_id: uuid.UUID, now: datetime) -> Endpoint:
    """A new secret; for a day each delivery is signed with the former one too. Raises EndpointNotFound."""
    if not Endpoint.objects.filter(pk=endpoint_id).update(generation=F("generation") + 1, rotated_at=now):
        raise EndpointNotFound
    return Endpoint.objects.get(pk=endpoint_id)


def pause(*, endpoint_id: uuid.UUID, active: bool) -> None:
    """Stop or go on. What happens meanwhile is not told later; what waits goes on. Raises EndpointNotFound."""
    if not Endpoint.objects.filter(pk=endpoint_id).update(active=active, paused_because=""):
        raise EndpointNotFound


def send_again(*, delivery_id: uuid.UUID, now: datetime) -> None:
    """Put a delivery back on its way, whatever became of it; its id stays the same. Raises EndpointNotFound."""
    again = Delivery.objects.filter(pk=delivery_id)
    if not again.update(status=Delivery.Status.WAITING, due_at=now, attempts=0, delivered_at=None):
        raise EndpointNotFound


def deliver_due(*, clock: Callable[[], datetime]) -> int:
    """Hand over what is due, the oldest first; returns how many were taken. Many may run at once (SKIP LOCKED).

    `clock` is asked anew for each batch: receivers refuse signatures that are some minutes old.
    """
    taken = 0
    while claimed := _claim(clock()):
        results = _post_all(claimed, clock())
        now = clock()
        for delivery, (status, said) in zip(claimed, results, strict=True):
            taken += _note(delivery, status, said, now)
    return taken


def require_outside(url: str) -> None:
    """Refuse addresses within the retailer's own network, unless the deployment allows them.

    Raises
    ------
    AddressNotAllowed
        Not https, unknown, or private.
    """
    if settings.MAKEGOOD_WEBHOOKS_INSIDE:
        return
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname:
        raise AddressNotAllowed(_("A webhook needs an address that begins with https://."))
    try:
        found = socket.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as why:
        raise AddressNotAllowed(_("%(host)s is not known.") % {"host": parts.hostname}) from why
    if not all(ipaddress.ip_address(str(address[4][0]).partition("%")[0]).is_global for address in found):
        raise AddressNotAllowed(_("%(host)s lies inside a private network.") % {"host": parts.hostname})


def forget(*, now: datetime) -> int:
    """Drop deliveries that were taken long ago; returns how many. Run daily."""
    return Delivery.objects.filter(status=Delivery.Status.DELIVERED, created_at__lt=now - KEPT_FOR).delete()[0]


@transaction.atomic
def _claim(now: datetime) -> list[Delivery]:
    due = Delivery.objects.select_for_update(skip_locked=True, of=("self",)).select_related("endpoint")
    claimed = list(due.filter(status=Delivery.Status.WAITING, due_at__lte=now).order_by("due_at", "id")[:BATCH])
    Delivery.objects.filter(pk__in=[d.pk for d in claimed]).update(due_at=now + LEASE, attempts=F("attempts") + 1)
    return claimed


def _post_all(deliveries: Sequence[Delivery], now: datetime) -> list[tuple[int, str]]:
    """Status and words of each answer; status 0: there was none. No database in here: it runs in threads."""
    with httpx.Client(timeout=TIMEOUT, trust_env=False) as client, ThreadPoolExecutor(AT_ONCE) as threads:

        def post(delivery: Delivery) -> tuple[int, str]:
            url, body = delivery.endpoint.url, json.dumps(delivery.payload, separators=(",", ":"))
            try:
                require_outside(url)
                # The body of the answer is never read: it could be endless.
                with client.stream("POST", url, content=body, headers=_headers(delivery, body, now)) as answer:
                    return answer.status_code, f"{answer.status_code} {answer.reason_phrase}"
            except (httpx.HTTPError, httpx.InvalidURL, AddressNotAllowed) as why:
                return 0, (str(why) or type(why).__name__)[:200]

        return list(threads.map(post, deliveries))


def _headers(delivery: Delivery, body: str, now: datetime) -> dict[str, str]:
    endpoint, generations = delivery.endpoint, [delivery.endpoint.generation]
    if endpoint.rotated_at and endpoint.rotated_at + FORMER_SECRET_SIGNS_FOR > now:
        generations.append(endpoint.generation - 1)
    message_id, at = str(delivery.pk), now.astimezone(UTC)
    signatures = [
        Webhook(secret_of(endpoint, generation=generation)).sign(message_id, at, body) for generation in generations
    ]
    return {
        "content-type": "application/json", "user-agent": "Makegood", "webhook-id": message_id,
        "webhook-timestamp": str(int(at.timestamp())), "webhook-signature": " ".join(signatures),
    }  # fmt: skip


def _note(delivery: Delivery, status: int, said: str, now: datetime) -> bool:
    """Write down what became of an attempt; returns whether it was taken."""
    mine = Delivery.objects.filter(pk=delivery.pk)
    if httpx.codes.is_success(status):
        mine.update(status=Delivery.Status.DELIVERED, delivered_at=now, answer=said)
        return True
    attempt = delivery.attempts  # before this one
    gone = status == httpx.codes.GONE
    log.warning("webhooks.not_taken", endpoint=str(delivery.endpoint_id), attempt=attempt + 1, said=said)
    if gone or attempt >= len(RETRY_AFTER):
        mine.update(status=Delivery.Status.FAILED, answer=said)
    else:
        mine.update(due_at=now + RETRY_AFTER[attempt], answer=said)
    if gone:  # the receiver says that it wants no more
        Endpoint.objects.filter(pk=delivery.endpoint_id).update(active=False, paused_because=said)
    return False
