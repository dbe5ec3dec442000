"""Whether a person wrote a mail, or a program: automatic answers, lists, and reports that a mail came back."""

import enum
import re
from contextlib import suppress
from dataclasses import dataclass
from email.message import Message

from makegood.recover.intake.mail.words import clean, header


class Kind(enum.Enum):
    PERSON = "person"
    AUTOMATIC = "automatic"
    BOUNCE = "bounce"


@dataclass(frozen=True)
class Report:
    """What another server says about a mail of ours (RFC 3464, or in words)."""

    message_ids: str  # of the mail it is about, and whatever else looks like one
    recipient: str
    for_good: bool  # it did not arrive and never will; else it is late
    why: str


_SERVERS = re.compile(r"^(?:mailer-daemon|postmaster|mail-daemon|mdaemon)@", re.IGNORECASE)
_FAILED = re.compile(
    r"undeliver|delivery (?:status|has failed|failure|incomplete)|returned mail|failure notice|mail delivery"
    r"|n[ãa]o (?:foi )?(?:entreg|p[ôo]de ser)|unzustellbar",
    re.IGNORECASE,
)
_SAYS_SO = {"X-Autoreply", "X-Autorespond", "X-Autoresponder", "X-Loop", "Feedback-ID"}
_MESSAGE_ID = re.compile(r"<[^<>\s]{1,250}>")
_SEARCHED_AT_MOST = 50_000


def kind_of(message: Message, sender: str, subject: str) -> tuple[Kind, str]:
    """Who or what wrote a mail, and by what that is seen."""
    says = {name: header(message.get(name)).lower() for name in ("Auto-Submitted", "Precedence", "Return-Path")}
    if message.get_content_type() == "multipart/report" or (_SERVERS.match(sender) and _FAILED.search(subject)):
        return Kind.BOUNCE, "It is a delivery report."
    return (Kind.AUTOMATIC, because) if (because := _automatic(message, says, sender)) else (Kind.PERSON, "")


def _automatic(message: Message, says: dict[str, str], sender: str) -> str:
    """By what a mail shows that a program sent it; empty: it does not."""
    automatic = says["Auto-Submitted"].partition(";")[0].strip()
    if automatic not in ("", "no"):
        return f"A program sent it (Auto-Submitted: {automatic[:40]})."
    if says["Precedence"] in ("bulk", "junk", "list", "auto_reply"):
        return f"A program sent it (Precedence: {says['Precedence']})."
    if message.get("List-Id") or message.get("List-Unsubscribe"):
        return "It was sent to a list."
    if name := next((name for name in sorted(_SAYS_SO) if message.get(name)), ""):
        return f"A program sent it ({name})."
    if _SERVERS.match(sender) or says["Return-Path"] == "<>":
        return "A mail server sent it, not a person."
    return ""


def report_of(message: Message, words: str) -> Report:
    """What a delivery report says: from its machine-readable part where it has one, else from its words."""
    fields: dict[str, str] = {}
    ids: list[str] = []
    for part in _parts(message):
        kind = part.get_content_type()
        if kind == "message/delivery-status":
            for block in _parts(part)[1:]:
                fields |= {name.lower(): clean(header(value)) for name, value in block.items()}
        elif kind in ("message/rfc822", "text/rfc822-headers"):
            ids += _MESSAGE_ID.findall(_original_id(part))
    ids += [i for name in ("References", "In-Reply-To") for i in _MESSAGE_ID.findall(header(message.get(name)))]
    ids += _MESSAGE_ID.findall(words[:_SEARCHED_AT_MOST])
    action, status = fields.get("action", "").lower(), fields.get("status", "")
    why = fields.get("diagnostic-code", "").partition(";")[2].strip() or fields.get("diagnostic-code", "")
    return Report(
        message_ids=" ".join(dict.fromkeys(ids[:50])),
        recipient=fields.get("final-recipient", "").rpartition(";")[2].strip()[:254],
        for_good=action == "failed" or (not action and not status.startswith(("2", "4"))),
        why=(why or (f"Status {status}" if status else " ".join(words.split())))[:300],
    )


def _original_id(part: Message) -> str:
    """The Message-ID of the mail (or its headers) that a report encloses."""
    if enclosed := inner(part):
        return str(enclosed[0].get("Message-ID", ""))[:300]
    with suppress(Exception):
        text = part.get_payload(decode=True)
        if isinstance(text, bytes):
            found = re.search(
                rb"^message-id:\s*(<[^<>\s]{1,250}>)", text[:_SEARCHED_AT_MOST], re.IGNORECASE | re.MULTILINE
            )
            return found[1].decode("ascii", "replace") if found else ""
    return ""


def _parts(message: Message) -> list[Message]:
    """A part and those directly or indirectly within it, a few hundred at most; an enclosed mail is not entered."""
    found: list[Message] = []
    waiting = [message]
    while waiting and len(found) < 200:  # noqa: PLR2004
        part = waiting.pop(0)
        found.append(part)
        if part.get_content_type() != "message/rfc822":
            waiting += inner(part)
    return found


def inner(part: Message) -> list[Message]:
    """The parts directly within a part. Asked of a part without any, `get_payload` would run the sender's codec."""
    inside: object = part.get_payload() if part.is_multipart() else []
    return [piece for piece in inside if isinstance(piece, Message)] if isinstance(inside, list) else []
