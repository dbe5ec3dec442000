"""How pages say what happened in a case: each event as an icon, a sentence and, where somebody spoke, their words."""

import re
import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

import nh3
from django.utils.translation import gettext_lazy
from markupsafe import Markup, escape

from makegood.ground.web.formats import day_time
from makegood.ground.web.language import translated as _
from makegood.ground.web.reader import one_reader
from makegood.recover.cases import extensions
from makegood.recover.cases.models import Attachment, Direction, Locus, Outcome, Severity, Status, Tier
from makegood.recover.cases.queries.case import Attached, Moment, Thread
from makegood.recover.cases.services.attachments import PICTURES, is_cleared

# Longer words are folded: the end of a forwarded thread must not push the next event off the screen.
FOLD_AFTER: Final = 1800
# More are shown as they are: sanitising takes the square of how deep they are nested.
TAGS_AT_MOST: Final = 4000
LARGEST_PREVIEW: Final = 5 * 1024**2

CHANNELS: Final = {
    "email": ("mail", gettext_lazy("by e-mail")),
    "phone": ("phone", gettext_lazy("by phone")),
    "chat": ("message-circle", gettext_lazy("in the chat")),
    "web": ("globe", gettext_lazy("by web form")),
    "store": ("store", gettext_lazy("at the store desk")),
    "social": ("at-sign", gettext_lazy("on social media")),
    "review": ("star", gettext_lazy("in a review")),
    "api": ("plug", gettext_lazy("through the API")),
}
MAIL: Final = {
    "waiting": ("amber", "clock", gettext_lazy("Waiting to be sent")),
    "sending": ("amber", "clock", gettext_lazy("Being handed over")),
    "sent": ("", "check", gettext_lazy("Sent")),
    "uncertain": ("amber", "circle-question-mark", gettext_lazy("Perhaps sent")),
    "failed": ("red", "circle-alert", gettext_lazy("Not sent")),
    "withdrawn": ("", "undo-2", gettext_lazy("Taken back before it left")),
    "bounced": ("red", "mail-x", gettext_lazy("Came back")),
}
ICONS: Final = {
    "opened": "circle-plus", "triaged": "list-checks", "note": "sticky-note", "assigned": "user-check", "reason": "tag",
    "status": "hourglass", "fact": "info", "resolved": "circle-check", "reopened": "rotate-ccw",
    "escalated": "arrow-up-right", "merged": "merge", "split": "split", "linked": "link", "snoozed": "alarm-clock-off",
    "clock": "alarm-clock", "moved": "inbox", "asked": "messages-square", "watched": "eye",
}  # fmt: skip

_ABOUT_ANOTHER: Final = {"merged", "split", "linked"}

_HTML = re.compile(r"\s*<(?:!doctype|html|head|body|div|p|table|span|br|a|ul|h[1-6])\b", re.IGNORECASE)
_KEPT_TAGS: Final = {
    "a", "b", "blockquote", "br", "code", "div", "em", "h1", "h2", "h3", "h4", "i", "li", "ol", "p", "pre", "strong",
    "table", "tbody", "td", "th", "thead", "tr", "u", "ul",
}  # fmt: skip


class Told(NamedTuple):
    """One item of the timeline, ready to show."""

    seq: int
    icon: str
    head: Markup
    at: datetime
    kind: str  # "", said or note: the look of a timeline item
    ours: bool
    subject: str
    words: Markup
    rest: str  # what is folded away
    why: str
    mail: "Mail | None"
    of: int  # the merged case in which it was said; 0: this one
    about: int  # number of the other case it tells of; 0: none
    elsewhere: extensions.Elsewhere | None  # what of a later room it tells of
    quoted: str  # what the writer repeated of earlier mails
    files: "list[FileShown]"
    thread: "Thread | None"  # a question to a colleague, where it was asked
    guessed: uuid.UUID | None = None  # the contact, where it was put here by a guess and still is

    @property
    def key(self) -> str:
        return f"{self.of}-{self.seq}" if self.of else str(self.seq)


class FileShown(NamedTuple):
    """A file of a contact: what it is called, whether it may be opened, and why not."""

    id: uuid.UUID
    name: str
    size: int
    is_picture: bool
    why_not: str


class Mail(NamedTuple):
    """How the message of a reply stands."""

    id: uuid.UUID
    contact: uuid.UUID
    tone: str
    icon: str
    label: str
    problem: str
    can_repeat: bool


def tell_all(moments: Sequence[Moment]) -> list[Told]:
    """Events in words, in the order given, for one reader. What was taken out of the case by a later one is no guess
    any more.
    """
    gone = {contact for moment in moments if moment.kind == "split" for contact in moment.facts.get("contacts", ())}
    with one_reader():
        return [
            told._replace(guessed=moment.contact_id)
            if moment.facts.get("guessed") and not moment.of and str(moment.contact_id) not in gone
            else told
            for moment, told in zip(moments, map(tell, moments), strict=True)
        ]


def tell(moment: Moment) -> Told:
    """An event in words. Everything that people wrote comes out escaped or sanitised."""
    icon, head = _head(moment)
    said = moment.kind == "contact" and moment.body is not None
    for_colleagues = moment.kind in ("note", "escalated")
    words, rest = shown(moment.body or "") if said or for_colleagues else (Markup(), "")
    return Told(
        seq=moment.seq, icon=icon, head=head, at=moment.at,
        kind="said" if said else "note" if for_colleagues else "",
        ours=moment.direction == "out", subject=(moment.subject or "") if said else "", words=words, rest=rest,
        why=_why(moment), mail=mail_of(moment),
        of=moment.of, about=int(moment.facts.get("case") or 0) if moment.kind in _ABOUT_ANOTHER else 0,
        elsewhere=_elsewhere(moment), quoted=moment.quoted if said else "",
        files=[_file(file) for file in moment.files],
        thread=moment.thread if moment.facts.get("did") == "asked" else None,
    )  # fmt: skip


def _file(file: Attached) -> FileShown:
    why_not = file.left_out or ("" if is_cleared(file.scan) else str(_label(Attachment.Scan, file.scan)))
    is_picture = not why_not and file.type in PICTURES and file.size <= LARGEST_PREVIEW
    return FileShown(file.id, file.name, file.size, is_picture, why_not)


def mail_of(moment: Moment) -> Mail | None:
    """The message that carries a reply; None where there is none."""
    if moment.message_id is None or moment.contact_id is None:
        return None
    tone, icon, label = MAIL[moment.message_status or "waiting"]
    stuck = moment.message_status in ("failed", "uncertain")
    return Mail(moment.message_id, moment.contact_id, tone, icon, str(label), moment.message_error or "", stuck)


def shown(body: str) -> tuple[Markup, str]:
    """Words of people, safe to show, and what of them is folded away.

    HTML is reduced to harmless tags (no images: they tell the sender who reads); all else is text.
    """
    if _HTML.match(body) and body.count("<") < TAGS_AT_MOST:
        clean = nh3.clean(body, tags=_KEPT_TAGS, attributes={"a": {"href"}}, url_schemes={"http", "https", "mailto"},
                          link_rel="noopener noreferrer nofollow")  # fmt: skip
        return Markup('<div class="html">{}</div>').format(Markup(clean)), ""  # noqa: S704  sanitised the line before
    if len(body) <= FOLD_AFTER:
        return escape(body), ""
    cut = body.rfind("\n", FOLD_AFTER // 2, FOLD_AFTER)
    cut = FOLD_AFTER if cut < 0 else cut
    return escape(body[:cut]), body[cut:].lstrip("\n")


def happened(moment: Moment) -> str:
    """One event as a plain sentence without its words: for the mark that something is new."""
    elsewhere = _elsewhere(moment)
    return f"{_head(moment)[1].striptags()} {elsewhere.name if elsewhere else ''}".rstrip()


def _head(moment: Moment) -> tuple[str, Markup]:
    """Icon and sentence."""
    kind = moment.kind
    if kind == "contact":
        return CHANNELS.get(moment.channel or "", ("message-square", ""))[0], _contact(moment)
    if kind in extensions.told:
        icon, does = extensions.told[kind](moment)
        return icon, _who_does(moment.actor, does)
    return ICONS.get(kind, "circle"), _who_does(moment.actor, DEEDS[kind](moment) if kind in DEEDS else kind)


def _note(moment: Moment) -> str:
    told = moment.facts.get("told")
    return _("wrote a note to %(who)s") % {"who": ", ".join(told)} if told else _("wrote a note")


def _contact(moment: Moment) -> Markup:
    _icon_name, how = CHANNELS.get(moment.channel or "", ("", ""))
    if moment.direction == "out":
        does = (
            _("replied by e-mail") if moment.channel == "email" else _("spoke to the customer %(how)s") % {"how": how}
        )
        does += _side_effects(moment.changes)
        return _who_does(moment.actor or moment.author, does)
    if moment.direction == Direction.PARTNER:
        return _who_does(moment.author, _("wrote %(how)s, as a partner") % {"how": how})
    does = _("called") if moment.channel == "phone" else _("wrote %(how)s") % {"how": how}
    return _who_does(moment.author or _("The customer"), does)


def _elsewhere(moment: Moment) -> extensions.Elsewhere | None:
    """What of a later room an event tells of."""
    if moment.kind != "linked":
        return None
    return next((told(moment) for fact, told in extensions.linked.items() if fact in moment.facts), None)


def _linked(moment: Moment) -> str:
    """Followed by the name of what it is linked to."""
    if elsewhere := _elsewhere(moment):
        return elsewhere.does
    return _("linked it to") if moment.changes.get("parent_id") else _("unlinked it from")


def _side_effects(changes: dict[str, Any]) -> str:
    """What a reply did besides."""
    parts = []
    if changes.get("assignee_id"):
        parts.append(_("took the case"))
    if changes.get("status") == Status.WAITING_CUSTOMER:
        parts.append(_("waits for the customer"))
    return "".join(f", {part}" for part in parts)


def _clock(moment: Moment) -> str:
    """Which clocks it is about: whether one ran out, or is about to, or the service levels changed."""
    told = moment.facts.get("clocks", [])
    if any(name.endswith(".breach") for name in told):
        return _("A clock ran out")
    return _("A clock runs out soon") if told else _("Service levels changed")


def _assigned(moment: Moment) -> str:
    if moment.assigned_to is None:
        return _("put it back into the queue")
    if moment.changes.get("assignee_id") == str(moment.actor_id):
        return _("took over from %(who)s") % {"who": moment.taken_from} if moment.taken_from else _("took the case")
    if moment.actor_id is None:
        return _("Given to %(who)s") % {"who": moment.assigned_to}
    return _("gave the case to %(who)s") % {"who": moment.assigned_to}


def _escalated(moment: Moment) -> str:
    where = []
    if tier := moment.changes.get("tier"):
        where.append(_("to %(tier)s") % {"tier": _label(Tier, tier).lower()})
    if queue := moment.facts.get("queue"):
        where.append(_("to the queue %(queue)s") % {"queue": queue})
    if moment.assigned_to:
        where.append(_("to %(who)s") % {"who": moment.assigned_to})
    if moment.facts.get("nobody"):
        where.append(_("nobody has it yet"))
    return _("escalated %(where)s") % {"where": ", ".join(where)} if where else _("escalated")


def _question(moment: Moment) -> str:
    return {
        "asked": _("asked %(who)s") % {"who": moment.facts.get("to", "")},
        "answered": _("answered a question"),
        "asked_on": _("asked on"),
        "closed": _("closed a question"),
    }.get(moment.facts.get("did", ""), _("asked"))


def _snoozed(moment: Moment) -> str:
    until = moment.changes.get("snoozed_until")
    if until:
        return _("put it off until %(when)s") % {"when": day_time(datetime.fromisoformat(until))}
    return _("took it up before its time") if moment.actor else _("Back in the queue")


def _merged(moment: Moment) -> str:
    """Followed by the number of the other case."""
    if moment.facts.get("undone"):
        return _("took back the merge with")
    return _("merged this case into") if moment.changes.get("merged_into_id") else _("merged with")


# What was done, by kind of event. As functions: a timeline of a hundred asks for one of them each time, not for all.
DEEDS: Final[dict[str, Callable[[Moment], str]]] = {
    "opened": lambda _moment: _("Case opened"),
    "triaged": lambda _moment: _("Triaged"),
    "note": _note,
    "assigned": _assigned,
    "reason": lambda moment: _("changed the reason") if "reason_id" in moment.changes else _("confirmed the reason"),
    "status": lambda moment: _("Now: %(status)s") % {"status": _label(Status, moment.changes.get("status"))},
    "fact": lambda _moment: _("Learned"),
    "resolved": lambda moment: _("resolved: %(outcome)s") % {"outcome": _label(Outcome, moment.changes.get("outcome"))},
    "reopened": lambda _moment: _("reopened"),
    "escalated": _escalated,
    "clock": _clock,
    "merged": _merged,
    "snoozed": _snoozed,
    "moved": lambda moment: _("moved it to the queue %(queue)s") % {"queue": moment.facts.get("queue", "")},
    "asked": _question,
    "watched": lambda moment: _("asked %(who)s to watch") % {"who": moment.facts.get("who", "")},
    "linked": _linked,
    "split": lambda moment: _("split off") if moment.facts.get("off") else _("moved contacts into"),
}


def _who_does(who: str | None, does: str) -> Markup:
    # Escaped piece by piece: Markup.format takes five times as long.
    if not who:
        return Markup(f"<strong>{escape(does[:1].upper() + does[1:])}</strong>")  # noqa: S704  escaped in it
    does = does[:1].lower() + does[1:] if does.startswith("Now") else does
    return Markup(f"<strong>{escape(who)}</strong> {escape(does)}")  # noqa: S704  escaped in it


def _why(moment: Moment) -> str:
    parts = [moment.why]
    if moment.kind == "resolved":
        parts.append(moment.changes.get("cause", ""))
        if prevention := moment.changes.get("prevention"):
            parts.append(_("It would have been prevented by: %(what)s") % {"what": prevention})
    if locus := moment.changes.get("locus"):
        parts.append(_("Fault lies with: %(locus)s.") % {"locus": _label(Locus, locus)})
    if moment.kind == "reason" and (severity := moment.changes.get("severity")):
        parts.append(_("Severity now %(severity)s.") % {"severity": Severity(severity).label.lower()})
    return " ".join(part for part in parts if part)


def _label(choices: Any, value: Any) -> str:
    try:
        return str(choices(value).label)
    except ValueError:
        return str(value or "")
