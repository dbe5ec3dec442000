"""One mail, from its bytes to who said what, with which files, and whether a person said it at all.

Hostile mail is the rule this is written for: headers are cut before they are decoded, parts are walked without
recursion, nothing is unpacked, types are taken from content, and what cannot be read is said in one sentence.
"""

import hashlib
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import Message
from email.utils import getaddresses

from makegood.recover.intake.mail.kinds import Kind, Report, inner, kind_of, report_of
from makegood.recover.intake.mail.words import (
    WORDS_AT_MOST,
    clean,
    decode,
    from_html,
    header,
    made_visible,
    without_quotes,
)

PARTS_AT_MOST = 200
FILES_AT_MOST = 50
# Each boundary or enclosed mail is a level to descend or a part to visit; a person's mail has a dozen.
BOUNDARIES_AT_MOST = 100
HEADERS_AT_MOST = 2_000
# What reading costs is lines times levels.
LINES_TIMES_BOUNDARIES = 30_000_000
SEPARATORS_AT_MOST = 10_000

_ADDRESSES_AT_MOST = 10_000  # characters of a header that are searched for addresses
_ADDRESS = re.compile(r"[^\s<>@,;:\"()\[\]]{1,64}@[^\s<>@,;:\"()\[\]]{1,255}")
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,250}>")
_DEVICE = re.compile(r"(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)", re.IGNORECASE)
_TO = ("To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To", "X-Forwarded-To")


class _Cautious(policy.Compat32):
    """Cuts headers as they are read: taking their parameters apart costs the square of their length."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        return name, value[: 2_000 if name.lower().startswith("content-") else 20_000]


_POLICY = _Cautious()


class Unreadable(Exception):
    """It is no mail that can be taken in; the sentence says why."""


@dataclass(frozen=True)
class File:
    """A file that came along. `content` None: it could not be read."""

    name: str
    content: bytes | None
    inline: bool


@dataclass(frozen=True)
class Said:
    """What a mail says."""

    sender: str  # the bare address, in lower case
    recipients: tuple[str, ...]
    subject: str
    message_id: str
    references: str  # References and In-Reply-To, the nearest last
    words: str
    quoted: str
    shortened: bool  # it said more than is kept as words
    files: tuple[File, ...]
    kind: Kind
    because: str  # why it is of that kind
    report: Report | None  # where it is about the delivery of another mail
    fingerprint: str


def read(raw: bytes) -> Said:
    """What the bytes of a mail say. Its time grows with its length alone.

    Raises
    ------
    Unreadable
        It is empty, or built in a way that no person's mail is.
    """
    if not raw.strip():
        raise Unreadable("It is empty.")
    lowered = raw.lower()
    levels = lowered.count(b"boundary=") + lowered.count(b"message/rfc822")
    lines = raw.count(b"\n")
    separators = raw.count(b"\n--") if levels else 0
    if levels > BOUNDARIES_AT_MOST or lines * levels > LINES_TIMES_BOUNDARIES or separators > SEPARATORS_AT_MOST:
        raise Unreadable("It holds more parts, or parts within parts, than a mail of a person does.")
    head = raw.replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    if head.count(b"\n") > HEADERS_AT_MOST:
        raise Unreadable("It has thousands of headers.")
    try:
        message = message_from_bytes(raw, policy=_POLICY)
        leaves = list(_leaves(message))
    except (RecursionError, ValueError, TypeError, AttributeError, LookupError) as problem:
        raise Unreadable("Its parts cannot be told apart.") from problem
    sender = _sender(message)
    subject = header(message.get("Subject"))[:300]
    words, shortened = _words(leaves)
    said, quoted = without_quotes(words)
    message_id = _ids(message, "Message-ID", most=1)
    kind, because = kind_of(message, sender, subject)
    files = tuple(_files(leaves))
    return Said(
        sender=sender, recipients=_recipients(message), subject=subject, message_id=message_id,
        references=_ids(message, "References", "In-Reply-To", most=30), words=said, quoted=quoted,
        shortened=shortened, files=files, kind=kind, because=because,
        report=report_of(message, words) if kind == Kind.BOUNCE else None,
        fingerprint=_fingerprint(message_id, sender, str(message.get("Date"))[:100], subject, words, files),
    )  # fmt: skip


def _fingerprint(message_id: str, sender: str, date: str, subject: str, words: str, files: tuple[File, ...]) -> str:
    """What copies of a mail share, whichever way they came: not the bytes, which every way changes a little."""
    told = hashlib.sha256(f"{message_id}\0{sender}\0{date}\0{subject}\0{words}".encode("utf-8", "replace"))
    for file in files:
        told.update(hashlib.sha256(file.content or b"").digest())
    return told.hexdigest()


def sender_and_subject(raw_headers: bytes) -> tuple[str, str]:
    """Who wrote a mail of which only the headers are known, and its subject."""
    message = message_from_bytes(raw_headers[:100_000], policy=_POLICY)
    return _sender(message), header(message.get("Subject"))[:300]


# -- headers


def _sender(message: Message) -> str:
    for name in ("From", "Sender", "Reply-To"):
        if found := _addresses(message, name):
            return found[0]
    return ""


def _recipients(message: Message) -> tuple[str, ...]:
    return tuple(dict.fromkeys(address for name in _TO for address in _addresses(message, name)))[:100]


def _addresses(message: Message, name: str) -> list[str]:
    found: list[str] = []
    for value in message.get_all(name, [])[:10]:
        text = clean(str(value)[:_ADDRESSES_AT_MOST].encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
        with suppress(Exception):
            found += [address for _, address in getaddresses([text]) if _ADDRESS.fullmatch(address)]
        if not found:  # too odd for the parser: what looks like an address is one
            found += _ADDRESS.findall(text)
    return [made_visible(address).lower()[:320] for address in found]


def _ids(message: Message, *names: str, most: int) -> str:
    text = " ".join(str(value)[:20_000] for name in names for value in message.get_all(name, [])[:3])
    return clean(" ".join(list(dict.fromkeys(_MESSAGE_ID.findall(text)))[-most:]))


# -- parts


def _leaves(message: Message) -> Iterator[Message]:
    """The parts that hold something, in their order; a mail within the mail is one part. Without recursion."""
    waiting = [message]
    seen = 0
    while waiting and seen < PARTS_AT_MOST:
        part = waiting.pop()
        seen += 1
        if part.get_content_maintype() == "multipart" and part.is_multipart():
            waiting += reversed(inner(part))
        else:
            yield part


def _words(leaves: list[Message]) -> tuple[str, bool]:
    """What stands in the text parts, else in the HTML parts, and whether there was more."""
    plain = [_text(part) for part in leaves if _is_words(part, "text/plain")]
    text = "\n\n".join(piece for piece in plain if piece)
    if not text:
        text = "\n\n".join(from_html(_text(part)) for part in leaves if _is_words(part, "text/html"))
    return text[:WORDS_AT_MOST], len(text) > WORDS_AT_MOST


def _is_words(part: Message, kind: str) -> bool:
    return part.get_content_type() == kind and not _is_file(part)


def _is_file(part: Message) -> bool:
    kind = part.get_content_type()
    if part.get_content_disposition() == "attachment" or _name(part):
        return True
    return kind not in ("text/plain", "text/html", "message/delivery-status", "text/rfc822-headers")


def _text(part: Message) -> str:
    content = _content(part) or b""
    charset = ""
    with suppress(Exception):  # broken parameters
        charset = part.get_content_charset() or ""
    return clean(decode(content, charset)).strip()


def _files(leaves: list[Message]) -> Iterator[File]:
    files = [part for part in leaves if _is_file(part)]
    for n, part in enumerate(files[:FILES_AT_MOST], start=1):
        inline = part.get_content_disposition() == "inline" or bool(part.get("Content-ID"))
        name = _name(part) or ("enclosed mail.eml" if part.get_content_type() == "message/rfc822" else f"file {n}")
        yield File(name, _content(part), inline)


def _name(part: Message) -> str:
    """The name that the sender gave a file, without any path, and none that Windows takes for a device."""
    name = ""
    with suppress(Exception):  # broken parameters
        name = header(part.get_filename())
    name = re.split(r"[/\\]", name)[-1].strip(" .")[:199]
    return f"_{name}" if _DEVICE.match(name) else name


def _content(part: Message) -> bytes | None:
    """The bytes of a part; None where they cannot be made out."""
    try:
        if part.is_multipart():
            return b"\n".join(bytes(piece) for piece in inner(part))
        inside = part.get_payload(decode=True)
    except Exception:  # noqa: BLE001  the original is kept: whatever is wrong with a part, the rest is read
        return None
    return inside if isinstance(inside, bytes) else str(inside or "").encode("utf-8", "replace")
