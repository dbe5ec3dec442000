"""What stands in the left rail, for whom."""

from typing import NamedTuple

from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext, gettext_noop
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
    Place(gettext_noop("Service levels"), "levels:all", "timer", "service_levels.see", "l"),
    Place(gettext_noop("Outbox"), "messages:outbox", "send", "messages.see", "o"),
)


def entries(request: HttpRequest) -> list[Entry]:
    """The places this person may go to. No SQL."""
    return [
        Entry(gettext(place.label), href, place.icon, place.key, _is_at(href, request.path))
        for place in PLACES
        if not place.permission or has_perm(place.permission, request.user)  # type: ignore[no-untyped-call]
        for href in [reverse(place.route)]
    ]


def _is_at(href: str, path: str) -> bool:
    return path == href or (href != "/" and path.startswith(href))
