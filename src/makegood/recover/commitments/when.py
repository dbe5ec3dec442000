"""Until when, in the words of whoever promises and in the time zone of whoever it was promised to."""

import uuid
import zoneinfo
from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

import holidays
from django.conf import settings
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from makegood.engines.language.due import Due, Unclear, read_due
from makegood.ground.web.formats import brief
from makegood.recover.commitments.errors import WhenNotUnderstood

DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class Where(NamedTuple):
    """The time zone and the country that a promise is meant in."""

    zone: zoneinfo.ZoneInfo
    country: str

    @property
    def holidays(self) -> holidays.HolidayBase | tuple[()]:
        """Public holidays there, looked up year by year as they are asked for."""
        try:
            return holidays.country_holidays(self.country) if self.country else ()
        except NotImplementedError:  # a country that the package does not know
            return ()


# Countries with one zone, or one in which most people live: enough to tell noon from night.
_ZONE_OF = {
    "GB": "Europe/London", "IE": "Europe/Dublin", "PT": "Europe/Lisbon", "ES": "Europe/Madrid", "FR": "Europe/Paris",
    "DE": "Europe/Berlin", "AT": "Europe/Vienna", "CH": "Europe/Zurich", "IT": "Europe/Rome", "NL": "Europe/Amsterdam",
    "BE": "Europe/Brussels", "LU": "Europe/Luxembourg", "DK": "Europe/Copenhagen", "SE": "Europe/Stockholm",
    "NO": "Europe/Oslo", "FI": "Europe/Helsinki", "PL": "Europe/Warsaw", "CZ": "Europe/Prague", "GR": "Europe/Athens",
    "BR": "America/Sao_Paulo", "IN": "Asia/Kolkata", "JP": "Asia/Tokyo", "ZA": "Africa/Johannesburg",
    "NZ": "Pacific/Auckland", "SG": "Asia/Singapore", "AE": "Asia/Dubai",
}  # fmt: skip

_WHERE = """
SELECT c.id, coalesce(p.time_zone, ''), coalesce(nullif(p.country, ''), k.country, ''), coalesce(k.country, ''),
       coalesce(s.time_zone, '')
FROM cases_case c
LEFT JOIN retail_place p ON p.id = c.place_id
LEFT JOIN retail_customer k ON k.id = c.customer_id
LEFT JOIN retail_source s ON s.id = k.source_id
WHERE c.id = ANY(%s::uuid[])
"""


def where_of(case_id: uuid.UUID | None) -> Where:
    """Where a promise on this case is meant: the place's zone, else the customer's country's, else the retailer's.

    One SQL query; none without a case.
    """
    found = where_of_many([case_id]) if case_id else {}
    return found[case_id] if case_id in found else Where(zoneinfo.ZoneInfo(settings.TIME_ZONE), "")


def zone_of(*, of_place: str = "", country: str = "", of_source: str = "") -> zoneinfo.ZoneInfo:
    """The time zone of a place, else of the customer's country, else of the retailer."""
    return zoneinfo.ZoneInfo(of_place or _ZONE_OF.get(country) or of_source or settings.TIME_ZONE)


def where_of_many(case_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Where]:
    """The same for many cases. One SQL query."""
    with connection.cursor() as cursor:
        cursor.execute(_WHERE, [list(case_ids)])
        rows = cursor.fetchall()
    return {
        pk: Where(zone_of(of_place=of_place, country=of_customer, of_source=of_source), country)
        for pk, of_place, country, of_customer, of_source in rows
    }


def understand(said: str, *, where: Where, now: datetime) -> Due:
    """The moment that somebody typed.

    Raises
    ------
    WhenNotUnderstood
        With one sentence that says what is unclear and what to write instead.
    """
    try:
        return read_due(said, now=now.astimezone(where.zone), holidays=where.holidays)
    except Unclear as problem:
        raise WhenNotUnderstood(_sentence(problem)) from problem


def _sentence(problem: Unclear) -> str:
    if problem.reason == "ambiguous":
        choices = " or ".join(f"{day(choice)} {choice:%H:%M}" for choice in problem.choices)
        return _('"%(words)s" can be %(choices)s: write the date.') % {"words": problem.words, "choices": choices}
    if problem.reason == "past":
        at = f"{day(problem.choices[0])} {problem.choices[0]:%H:%M}"
        return _("%(at)s has passed. A promise lies ahead: write a later time.") % {"at": at}
    if problem.reason == "far":
        return _("That is more than two years away. Write a nearer date.")
    if problem.reason == "empty":
        return _("Say until when, for example Thursday 2pm.")
    return _(
        '"%(words)s" is no time that we understand. Write for example: Thursday 2pm, in two business days, 26 Nov.'
    ) % {"words": problem.words[:60]}


def day(at: datetime) -> str:
    """Such as "Thu 26 Nov", in the zone that the moment carries; with the year where it is another."""
    year = f" {at.year}" if at.year != timezone.localtime(timezone=at.tzinfo).year else ""
    return f"{DAYS[at.weekday()]} {at.day} {at:%b}{year}"


def shown_back(at: datetime, *, now: datetime) -> str:
    """A moment as it is said back before it is saved: "Thu 26 Nov 14:00, in 3 days"."""
    left = at - now
    days = (at.date() - now.astimezone(at.tzinfo).date()).days
    how_long = (
        _("in %(time)s") % {"time": brief(left)}
        if days < 1
        else _("tomorrow")
        if days == 1
        else _("in %(days)s days") % {"days": days}
    )
    return f"{day(at)} {at:%H:%M}, {how_long}"
