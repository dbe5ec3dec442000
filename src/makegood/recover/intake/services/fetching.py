"""Getting mail: each mailbox is read by UID, one reader at a time; a mail is marked as seen only once it is kept."""

import imaplib
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.db import connection
from django.db.models import Max
from imap_tools import BaseMailBox, MailBox, MailBoxStartTls, MailBoxUnencrypted
from imap_tools.errors import ImapToolsError

from makegood.ground.messages.brands import Brand, OAuth, brands
from makegood.recover.intake.errors import MailboxBadAddress, MailboxUnreachable
from makegood.recover.intake.models import Mail, Mailbox
from makegood.recover.intake.services import oauth as oauth_tokens
from makegood.recover.intake.services.mailing import Where, keep_mail, refuse_mail

_LOCK = 7267328
_PATIENCE = 15  # seconds that a server may stay silent
_KINDS: Final[dict[str, tuple[type[BaseMailBox], int]]] = {
    "imaps": (MailBox, 993), "imap+starttls": (MailBoxStartTls, 143), "imap": (MailBoxUnencrypted, 143),
}  # fmt: skip
# A job that fetches more than this makes room for others and goes on afterwards.
AT_ONCE = 100


class Address(NamedTuple):
    """Where a mailbox is."""

    scheme: str
    host: str
    port: int
    user: str
    password: str
    folder: str

    def __str__(self) -> str:
        """As it is called; without the password."""
        return f"{self.user}@{self.host}/{self.folder}"[:200]


@dataclass
class Fetched:
    """What a look into a mailbox brought."""

    mailbox: str
    new: int = 0
    too_large: int = 0
    more: bool = False  # there is more than one job should bring
    busy: bool = False  # somebody else reads it right now


class State(NamedTuple):
    """What a mailbox looks like from here."""

    mailbox: str
    mails: int
    new: int  # what the next look would fetch


def address_of(url: str) -> Address:
    """A mailbox by its URL: imaps://user:password@host/INBOX. Raises MailboxBadAddress."""
    try:
        parts = urlsplit(url)
        _, port = _KINDS[parts.scheme]
        port = parts.port or port
    except (ValueError, KeyError) as problem:
        raise MailboxBadAddress(url.rpartition("@")[2]) from problem
    if not (parts.hostname and parts.username):
        raise MailboxBadAddress(url.rpartition("@")[2])
    return Address(
        parts.scheme, parts.hostname, port, unquote(parts.username), unquote(parts.password or ""),
        unquote(parts.path).strip("/") or "INBOX",
    )  # fmt: skip


def with_mailbox() -> list[Brand]:
    """The brands whose mail is fetched."""
    return [brand for brand in brands() if brand.mailbox]


def check(brand: Brand, *, now: datetime) -> State:
    """Open a mailbox and say what is in it; nothing is fetched. Raises MailboxUnreachable, MailboxBadAddress."""
    address = address_of(brand.mailbox)
    with _opened(address, brand.oauth, now) as box:
        validity, mails = _standing(box, address)
        return State(str(address), mails, len(_not_yet_kept(box, str(address), validity, now)))


def fetch(brand: Brand, *, now: datetime, at_most: int = AT_ONCE) -> Fetched:
    """Keep every mail of a mailbox that is not kept yet, in the order of its UIDs; then mark it as seen.

    A new mailbox begins with mail of the last `MAKEGOOD_LOOKBACK_DAYS`. When the server numbers its mails anew
    (UIDVALIDITY) they come once more and are recognised as copies. One reader at a time (advisory lock): otherwise the
    highest UID that is kept would not say that all below are. A crash anywhere leaves mails to be fetched again, and
    the constraint `mail_fetched_once` keeps each once.

    Raises
    ------
    MailboxUnreachable, MailboxBadAddress
        What was fetched until then is kept.
    """
    address = address_of(brand.mailbox)
    result = Fetched(str(address))
    with _alone(str(address)) as is_alone:
        if not is_alone:
            result.busy = True
            return result
        with _opened(address, brand.oauth, now) as box:
            validity, _ = _standing(box, address)
            wanted = _not_yet_kept(box, str(address), validity, now)
            result.more = len(wanted) > at_most
            for uid in wanted[:at_most]:
                _bring(box, brand, str(address), validity, uid, now, result)
    return result


def fetch_and_note(brand: Brand, *, now: datetime, at_most: int = AT_ONCE) -> Fetched:
    """Fetch, and keep for the page how the mailbox fares. Raises what `fetch` raises."""
    name = mailbox_of(brand)
    try:
        fetched = fetch(brand, now=now, at_most=at_most)
    except (MailboxUnreachable, MailboxBadAddress) as problem:
        with connection.cursor() as cursor:
            cursor.execute(_PROBLEM, {"name": name, "why": str(problem)[:500], "now": now})
        raise
    Mailbox.objects.update_or_create(name=name, defaults={"read_at": now, "problem": "", "since": None})
    return fetched


# The problem dates from when it began, not from the last time that somebody ran into it.
_PROBLEM = """
INSERT INTO intake_mailbox (name, problem, since) VALUES (%(name)s, %(why)s, %(now)s)
ON CONFLICT (name) DO UPDATE SET problem = excluded.problem, since = coalesce(intake_mailbox.since, excluded.since)
"""


def mailbox_of(brand: Brand) -> str:
    """What the mailbox of a brand is called, also where its address cannot be read."""
    try:
        return str(address_of(brand.mailbox))
    except MailboxBadAddress as problem:
        return problem.mailbox[:200]


def _not_yet_kept(box: BaseMailBox, mailbox: str, validity: int, now: datetime) -> list[int]:
    last = _last_uid(mailbox, validity)
    since = now - timedelta(days=settings.MAKEGOOD_LOOKBACK_DAYS)
    # "101:*" also finds the last mail where none is 101 or higher (RFC 3501, 6.4.8).
    criteria = f"UID {last + 1}:*" if last else f"SINCE {since.day}-{_MONTHS[since.month - 1]}-{since.year}"
    return sorted(uid for uid in map(int, box.uids(criteria)) if uid > last)


_MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]


def _last_uid(mailbox: str, validity: int) -> int:
    kept = Mail.objects.filter(mailbox=mailbox, uidvalidity=validity).aggregate(last=Max("uid"))
    return kept["last"] or 0


def _bring(
    box: BaseMailBox, brand: Brand, mailbox: str, validity: int, uid: int, now: datetime, result: Fetched
) -> None:
    about = _fetch(box, uid, "(RFC822.SIZE INTERNALDATE)")
    if about is None:
        return  # gone since the search
    size = int(about.partition(b"RFC822.SIZE ")[2].split(b" ")[0].rstrip(b")") or 0)
    where = Where(mailbox, brand.slug, came_at(about, now), validity, uid)
    largest = settings.MAKEGOOD_MAIL_LARGEST
    raw = _fetch(box, uid, "(BODY.PEEK[])") if size <= largest else None
    if raw is not None and len(raw) <= largest:
        result.new += keep_mail(raw=raw, where=where)
    else:
        headers = _fetch(box, uid, "(BODY.PEEK[HEADER])") or b""
        why = f"It is larger than {largest // 1024**2} MB. It stays in the mailbox."
        result.too_large += refuse_mail(size=size, headers=headers, why=why, where=where)
        return
    box.flag(str(uid), "\\Seen", value=True)


def came_at(about: bytes, now: datetime) -> datetime:
    """When the server got a mail, as it says (INTERNALDATE); now, where that is no time or lies ahead."""
    try:
        came = imaplib.Internaldate2tuple(about)
        return min(datetime.fromtimestamp(time.mktime(came), UTC), now) if came else now
    except (ValueError, OverflowError, OSError):
        return now


def _fetch(box: BaseMailBox, uid: int, what: str) -> bytes | None:
    """One item of one mail; None where the mail is gone."""
    _, answer = box.client.uid("FETCH", str(uid), what)
    for piece in answer:
        if isinstance(piece, tuple):
            return bytes(piece[1])
        if isinstance(piece, bytes) and b"RFC822.SIZE" in piece:
            return piece
    return None


def _standing(box: BaseMailBox, address: Address) -> tuple[int, int]:
    status = box.folder.status(address.folder, ["UIDVALIDITY", "MESSAGES"])
    return status["UIDVALIDITY"], status["MESSAGES"]


@contextmanager
def _opened(address: Address, oauth: OAuth | None, now: datetime) -> Iterator[BaseMailBox]:
    kind, _ = _KINDS[address.scheme]
    token = oauth_tokens.access_token(str(address), oauth, now=now) if oauth else ""
    try:
        box = kind(address.host, address.port, timeout=_PATIENCE)  # type: ignore[call-arg]
        try:
            if oauth:
                _sign_in(box, address, oauth, token)
            else:
                box.login(address.user, address.password, initial_folder=None)
            box.folder.set(address.folder)
            yield box
        finally:
            with suppress(Exception):
                box.logout()
            with suppress(Exception):  # a refused login, or a line that is dead, leaves the socket open
                box.client.shutdown()
    except (ImapToolsError, imaplib.IMAP4.error, OSError) as problem:
        # What a server says may repeat the password; the kind of the failure and its first words do.
        says = " ".join(str(problem).replace(token or address.password or "\0", "…").split())[:200]
        raise MailboxUnreachable(str(address), says or type(problem).__name__) from problem


def _sign_in(box: BaseMailBox, address: Address, oauth: OAuth, token: str) -> None:
    """XOAUTH2, as Google and Microsoft describe it. A refusal comes as a challenge that is answered with nothing."""
    proof = f"user={address.user}\1auth=Bearer {token}\1\1".encode()
    try:
        box.client.authenticate("XOAUTH2", lambda challenge: b"" if challenge else proof)
    except imaplib.IMAP4.error as problem:
        oauth_tokens.forget(str(address), oauth)
        why = f"the server refuses the access token. May {oauth.client} read mail of {address.user} by IMAP?"
        raise MailboxUnreachable(str(address), why) from problem


@contextmanager
def _alone(mailbox: str) -> Iterator[bool]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s, hashtext(%s))", [_LOCK, mailbox])
        row = cursor.fetchone()
        is_ours = bool(row and row[0])
        try:
            yield is_ours
        finally:
            if is_ours:
                cursor.execute("SELECT pg_advisory_unlock(%s, hashtext(%s))", [_LOCK, mailbox])
