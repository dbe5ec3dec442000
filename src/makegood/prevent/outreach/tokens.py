"""The link by which somebody answers an offer: their identifier and a signature over it."""

import base64
import binascii
import uuid
from typing import Final

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.urls import reverse

from makegood.prevent.outreach.errors import OfferGone

_signer: Final = Signer(salt="makegood.outreach", sep=".")


def token_of(recipient_id: uuid.UUID) -> str:
    return _signer.sign(base64.urlsafe_b64encode(recipient_id.bytes).rstrip(b"=").decode())


def recipient_of(token: str) -> uuid.UUID:
    """Whose token it is. Raises OfferGone."""
    try:
        return uuid.UUID(bytes=base64.urlsafe_b64decode(_signer.unsign(token) + "=="))
    except (BadSignature, binascii.Error, ValueError) as why:
        raise OfferGone from why


def addresses(recipient_id: uuid.UUID) -> tuple[str, str]:
    """Where somebody answers the offer, and where they ask for no more messages."""
    base, token = settings.MAKEGOOD_URL.rstrip("/"), token_of(recipient_id)
    return base + reverse("offer", args=[token]), base + reverse("no_more", args=[token])
