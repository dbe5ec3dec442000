"""What a customer sees of their own case. Nothing that colleagues wrote for each other, no names of what we suspect."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.dateformat import format as date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from markupsafe import Markup

from makegood.recover.cases.models import Case, Direction, Outcome, Status
from makegood.recover.cases.queries.case import Moment
from makegood.recover.cases.views.telling import shown
from makegood.recover.commitments.queries.case import Promised
from makegood.recover.commitments.when import zone_of

HEADLINES: Final = {
    Status.NEW: ("mail-check", gettext_lazy("We have it and will look at it.")),
    Status.OPEN: ("wrench", gettext_lazy("We are working on it.")),
    Status.WAITING_CUSTOMER: ("message-circle-question-mark", gettext_lazy("We need an answer from you.")),
    Status.WAITING_PARTNER: ("hourglass", gettext_lazy("We are waiting for a partner and keep an eye on it.")),
}
ENDINGS: Final = {
    Outcome.RECOVERED: gettext_lazy("We have put it right."),
    Outcome.PARTLY: gettext_lazy("We have put right what we could."),
    Outcome.EXPLAINED: gettext_lazy("We have explained what happened."),
}
ENDED: Final = gettext_lazy("We have closed this case.")
LONGEST_STORY: Final = 200


PROMISED: Final = {
    "open": ("", "hourglass", gettext_lazy("Coming")),
    "kept": ("green", "check", gettext_lazy("Kept")),
    "kept_late": ("amber", "check", gettext_lazy("Kept, but late")),
    "broken": ("red", "x", gettext_lazy("Not kept, we are sorry")),
}


class Promise(NamedTuple):
    """What we promised the customer, and what became of it."""

    text: str
    due_at: datetime
    tone: str
    icon: str
    label: str


class Step(NamedTuple):
    """One thing that happened, as the customer may know it."""

    icon: str
    says: str
    at: datetime
    ours: bool = True
    words: Markup = Markup()
    rest: str = ""


def zone_for(case: Case) -> ZoneInfo:
    """The time zone that a customer reads times in: of their store, else of their country, else of the shop."""
    who, place = case.customer, case.place
    return zone_of(
        of_place=place.time_zone if place else "", country=who.country if who else "",
        of_source=who.source.time_zone if who else "",
    )  # fmt: skip


def moment(at: datetime) -> str:
    """A moment for somebody who does not know our clock: day, hour and zone, in their language and time zone."""
    local = timezone.localtime(at)
    name = local.tzname() or ""
    zone = name if name.isalpha() else f"UTC{name}"
    return f"{date_format(local, 'D j M Y, H:i')} {zone}"


def headline(status: str, outcome: str) -> tuple[str, str]:
    """Icon and sentence: where the case stands."""
    if status == Status.RESOLVED:
        return "circle-check", str(ENDINGS.get(Outcome(outcome), ENDED))
    icon, says = HEADLINES[Status(status)]
    return icon, str(says)


def promised(promises: Iterable[Promised]) -> list[Promise]:
    """Promises to the customer, those to come first; what was replaced or released is no promise any more."""
    return [
        Promise(it.text, it.due_at, tone, icon, str(label))
        for it in promises
        if it.to == "customer" and (known := PROMISED.get(it.state))
        for tone, icon, label in [known]
    ]


def story(moments: Iterable[Moment]) -> list[Step]:
    """The steps of a case that concern its customer, in the order given."""
    return [step for moment in moments if (step := _step(moment))]


def _step(moment: Moment) -> Step | None:
    if moment.kind == "contact":
        return _said(moment) if moment.direction != Direction.PARTNER else None
    says = {
        "opened": _("Your case was opened."),
        "escalated": _("We passed it on to those who can do more."),
        "reopened": _("We took it up again."),
    }.get(moment.kind)
    icon = {"opened": "circle-plus", "escalated": "arrow-up-right", "reopened": "rotate-ccw"}.get(moment.kind, "circle")
    if moment.kind == "resolved":
        icon, says = headline(Status.RESOLVED, str(moment.changes.get("outcome") or Outcome.RECOVERED))
    elif moment.kind == "assigned" and moment.assigned_to:
        icon, says = "user-check", _("Somebody is looking after it.")
    return Step(icon, says, moment.at) if says else None


def _said(moment: Moment) -> Step:
    if moment.direction == "in":
        words, rest = shown(moment.body or "")
        return Step("user", _("You"), moment.at, ours=False, words=words, rest=rest)
    if moment.channel != "email":  # what was noted of a call is written for colleagues
        return Step("phone", _("We spoke with you."), moment.at)
    words, rest = shown(moment.body or "")
    return Step("reply", _("We answered"), moment.at, words=words, rest=rest)
