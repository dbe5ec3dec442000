"""What stands in the left rail, for whom."""

from functools import lru_cache
from typing import Final, NamedTuple

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import get_language, gettext, gettext_noop
from rules.permissions import has_perm


class Place(NamedTuple):
    label: str
    route: str
    icon: str
    permission: str = ""
    key: str = ""  # pressed after g
    group: str = ""  # the heading it stands below


class Entry(NamedTuple):
    label: str
    href: str
    icon: str
    key: str
    group: str
    current: bool


ON_A_PHONE: Final = 4
"""So many have room in the bar of a phone; the others stand behind "More"."""

_TRAFFIC = gettext_noop("In and out")
_SETTINGS = gettext_noop("Settings")

PLACES = (
    Place(gettext_noop("Desk"), "desk", "house", key="d"),
    Place(gettext_noop("Cases"), "cases:queue", "inbox", "cases.see", "c"),
    Place(gettext_noop("Commitments"), "commitments:list", "handshake", "cases.see", "p"),
    Place(gettext_noop("Signals"), "signals:list", "radar", "signals.see", "f"),
    Place(gettext_noop("Scorecard"), "weekly_report", "chart-line", "scorecards.see", "s"),
    Place(gettext_noop("Notices"), "notices:list", "bell", key="n"),
    Place(gettext_noop("Mail in"), "mail:inbox", "mail", "messages.see", "m", _TRAFFIC),
    Place(gettext_noop("Outbox"), "messages:outbox", "send", "messages.see", "o", _TRAFFIC),
    Place(gettext_noop("Rejects"), "rejects:list", "list-x", "retail.settle_rejects", "r", _TRAFFIC),
    Place(gettext_noop("Macros"), "cases:macros", "list-tree", "cases.work", "x", _SETTINGS),
    Place(gettext_noop("Assignment"), "cases:rules", "git-branch", "cases.direct", "a", _SETTINGS),
    Place(gettext_noop("Service levels"), "levels:all", "timer", "service_levels.see", "l", _SETTINGS),
    Place(gettext_noop("Triage"), "triage", "graduation-cap", "triage.see", "t", _SETTINGS),
    Place(gettext_noop("People and reasons"), "admin:index", "users", "staff.administer", "u", _SETTINGS),
    Place(gettext_noop("API keys"), "api_keys", "key-round", "staff.administer", "k", _SETTINGS),
    Place(gettext_noop("Webhooks"), "webhooks", "webhook", "staff.administer", "w", _SETTINGS),
)


def entries(request: HttpRequest) -> list[Entry]:
    """The places this person may go to. No SQL."""
    user = request.user
    open_to = frozenset(
        place.permission
        for place in PLACES
        if place.permission and has_perm(place.permission, user)  # type: ignore[no-untyped-call]
    )
    known = _entries(open_to, get_language())
    at = max((entry.href for entry in known if _is_at(entry.href, request.path)), key=len, default="")
    return [entry._replace(current=True) if entry.href == at else entry for entry in known]


@lru_cache(maxsize=256)
def _entries(open_to: frozenset[str], language: str | None) -> list[Entry]:  # noqa: ARG001  the language is part of the key
    return [
        Entry(gettext(place.label), reverse(place.route), place.icon, place.key,
              gettext(place.group) if place.group else "", current=False)
        for place in PLACES
        if not place.permission or place.permission in open_to
    ]  # fmt: skip


def _is_at(href: str, path: str) -> bool:
    return path == href or (href != "/" and path.startswith(href))
