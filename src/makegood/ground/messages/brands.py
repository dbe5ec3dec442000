"""The names under which the retailer writes: each has an address of its own, and perhaps a mailbox."""

from collections.abc import Iterable
from email.utils import parseaddr
from typing import NamedTuple

from django.conf import settings


class OAuth(NamedTuple):
    """How a mailbox is opened without a password."""

    name: str  # of the settings it comes from, without their endings
    token_url: str
    client: str
    secret: str
    refresh_token: str  # empty: the client signs in as itself
    scope: str


class Brand(NamedTuple):
    """One face of the retailer. The first brand has no slug: it is `MAKEGOOD_MAIL_FROM`."""

    slug: str
    sender: str  # "Acme Care <care@acme.example>"
    mailbox: str  # imaps://user:password@host/INBOX; empty: nothing is fetched
    sources: tuple[str, ...] = ()  # outside systems whose customers are this brand's
    oauth: OAuth | None = None  # how its mailbox is opened; None: with the password

    @property
    def address(self) -> str:
        return parseaddr(self.sender)[1].lower()

    @property
    def domain(self) -> str:
        return self.address.rpartition("@")[2] or "localhost"

    def reply_to(self, token: str) -> str:
        """The address that leads an answer back to what the token names; empty where no such addresses arrive."""
        local, at, domain = self.address.rpartition("@")
        return f"{local}+{token}@{domain}" if at and settings.MAKEGOOD_MAIL_PLUS else ""


def brands() -> list[Brand]:
    """All brands, the first of them being what is used where nothing tells of another."""
    oauth = OAuth(**settings.MAKEGOOD_MAIL_OAUTH) if settings.MAKEGOOD_MAIL_OAUTH else None
    first = Brand("", settings.DEFAULT_FROM_EMAIL, settings.MAKEGOOD_MAILBOX, oauth=oauth)
    more = [
        Brand(
            slug,
            str(given["sender"]),
            str(given["mailbox"]),
            tuple(given["sources"]),
            OAuth(**given["oauth"]) if given.get("oauth") else None,
        )
        for slug, given in settings.MAKEGOOD_BRANDS.items()
    ]
    return [first, *more]


def brand_called(slug: str) -> Brand:
    """The brand of that slug; one that is no longer configured counts as the first."""
    return next((brand for brand in brands() if brand.slug == slug), brands()[0])


def brand_addressed(addresses: Iterable[str]) -> Brand | None:
    """The brand that one of the addresses belongs to, whatever stands behind a plus."""
    ours = {brand.address: brand for brand in brands()}
    for address in addresses:
        local, _, domain = address.lower().rpartition("@")
        if brand := ours.get(f"{local.partition('+')[0]}@{domain}"):
            return brand
    return None


def brand_selling(source: str) -> Brand:
    """The brand whose customers come from an outside system."""
    return next((brand for brand in brands() if source in brand.sources), brands()[0])
