"""What stands in the left rail, for whom."""

from functools import lru_cache
from typing import NamedTuple

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


class Entry(NamedTuple):
    label: str
    href: str
    icon: str
    key: str
    current: bool


PLACES = (
    Place(gettext_noop("Desk"), "desk", "house", key="d"),
    Place(gettext_noop("Cases"), "cases:queue", "inbox", "cases.see", "c"),
    Place(gettext_noop("Scorecard"), "weekly_report", "chart-line", "scorecards.see", "s"),
    Place(gettext_noop("Rejects"), "rejects:list", "list-x", "retail.settle_rejects", "r"),
    Place(gettext_noop("Mail in"), "mail:inbox", "mail", "messages.see", "m"),
    Place(gettext_noop("Outbox"), "messages:outbox", "send", "messages.see", "o"),
)


def entries(request: HttpRequest) -> list[Entry]:
    """The places this person may go to. No SQL."""
    user = request.user
    open_to = frozenset(
        place.permission
        for place in PLACES
        if place.permission and has_perm(place.permission, user)  # type: ignore[no-untyped-call]
    )
    return [entry._replace(current=True) if _is_at(entry.href, request.path) else entry
            for entry in _entries(open_to, get_language())]  # fmt: skip


@lru_cache(maxsize=256)
def _entries(open_to: frozenset[str], language: str | None) -> list[Entry]:  # noqa: ARG001  the language is part of the key
    return [
        Entry(gettext(place.label), reverse(place.route), place.icon, place.key, current=False)
        for place in PLACES
        if not place.permission or place.permission in open_to
    ]


def _is_at(href: str, path: str) -> bool:
    return path == href or (href != "/" and path.startswith(href))
