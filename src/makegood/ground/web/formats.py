"""How values look to people: money, dates they can use, lengths of time."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from django.utils import translation
from django.utils.translation import gettext_noop
from markupsafe import Markup
from moneyed import Money
from moneyed.l10n import format_money

from makegood.ground.web import reader
from makegood.ground.web.language import translated as _
from makegood.ground.web.language import translated_to


def money(amount: Decimal | None, currency: str, *, language: str | None = None) -> str:
    """An amount as people write it ("£1,234.50"), or an empty string. `language`: the reader's, where it is at hand."""
    if amount is None:
        return ""
    if not currency:
        return f"{amount:,.2f}"
    return _money(amount, currency, language or reader.language() or "en")


@lru_cache(maxsize=8192)
def _money(amount: Decimal, currency: str, language: str) -> str:
    """Kept, because prices repeat and writing one costs a tenth of a millisecond."""
    return str(format_money(Money(amount, currency), locale=translation.to_locale(language)))


def day_time(value: datetime | None, *, now: datetime | None = None) -> str:
    """A moment in the reader's time zone, as short as it can be said: "14:00", "Thu 14:00", "3 Mar", "3 Mar 2025"."""
    if value is None:
        return ""
    zone = reader.zone()
    local, today = value.astimezone(zone), now.astimezone(zone).date() if now else reader.reader().today
    away = abs((local.date() - today).days)
    if away == 0:
        return f"{local.hour:02}:{local.minute:02}"
    if away < 7:  # noqa: PLR2004  within a week the weekday is unmistakable
        return f"{DAYS[local.weekday()]} {local.hour:02}:{local.minute:02}"
    day = f"{local.day} {MONTHS[local.month - 1]}"
    return day if local.year == today.year else f"{day} {local.year}"


# Not strftime: a list says a hundred times, and this takes a third of the time.
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def full_time(value: datetime | None) -> str:
    """A moment in full, for titles and tables: "Thu 5 Mar 2026, 14:00 GMT"."""
    if value is None:
        return ""
    return in_full(value.astimezone(reader.zone()))


def in_full(local: datetime) -> str:
    """A moment in full, in the time zone it is given in."""
    day = f"{DAYS[local.weekday()]} {local.day} {MONTHS[local.month - 1]} {local.year}"
    return f"{day}, {local.hour:02}:{local.minute:02} {local.tzname()}"


def duration(value: timedelta | None) -> str:
    """A length of time in its two largest units at most: "3 d 4 h", "2 h 5 min", "40 min"."""
    if value is None:
        return ""
    minutes = int(abs(value).total_seconds() // 60)
    days, rest = divmod(minutes, 1440)
    hours, minutes = divmod(rest, 60)
    if days >= 10:  # noqa: PLR2004  hours no longer matter
        return f"{days} d"
    if days:
        return f"{days} d {hours} h" if hours else f"{days} d"
    if hours:
        return f"{hours} h {minutes} min" if minutes and hours < 10 else f"{hours} h"  # noqa: PLR2004  as above
    return f"{minutes} min"


def brief(value: timedelta) -> str:
    """A length of time as lists say it, in one unit: "40 min", "37 h", "3 d"."""
    minutes = int(abs(value).total_seconds() // 60)
    if minutes < 120:  # noqa: PLR2004  below two hours minutes still matter
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 2880 else f"{minutes // 1440} d"  # noqa: PLR2004  two days


def stamp(at: datetime | None) -> Markup:
    """A moment as short as it can be said, in full when pointed at."""
    if at is None:
        return Markup()
    short = day_time(at)
    return Markup(f'<time datetime="{at.isoformat()}" title="{full_time(at)}">{short}</time>')  # noqa: S704  our words


def iso(value: datetime | None) -> str:
    """For `<time datetime>`."""
    return value.isoformat() if value else ""


class Left(NamedTuple):
    """What is left until a moment: later, soon (within two hours) or late, and in words."""

    state: str
    text: str


SOON = timedelta(hours=2)
LATE = gettext_noop("%(time)s late")


def due(at: datetime, now: datetime, *, language: str | None = None) -> Left:
    """What is left until `at`. desk.js says the same in the browser while time passes. `language`: as for `money`."""
    left = at - now
    if left < timedelta(0):
        return Left("late", translated_to(language or reader.language(), LATE) % {"time": brief(left)})
    return Left("soon" if left <= SOON else "later", brief(left))


def options(pairs: Iterable[tuple[object, object]], chosen: object = "") -> Markup:
    """The `<option>`s of a select, of (value, label)."""
    return _options(tuple([(str(value), str(label)) for value, label in pairs]), str(chosen))


@lru_cache(maxsize=512)
def _options(pairs: tuple[tuple[str, str], ...], chosen: str) -> Markup:
    """Kept, because everybody chooses from the same reasons and colleagues."""
    one = Markup('<option value="{}"{}>{}</option>')
    return Markup().join(
        one.format(value, Markup(" selected") if value == chosen else "", label) for value, label in pairs
    )


@lru_cache(maxsize=1024)
def initials(name: str) -> str:
    """Up to two letters for a face: "AM" for Ana Moreira."""
    words = name.replace(".", " ").split()
    return "".join(word[0] for word in (words[:1] + words[1:][-1:])).upper()


def list_pairs(named: dict[Any, Any]) -> list[tuple[Any, Any]]:
    """What a select chooses from, of {value: label}."""
    return list(named.items())


def language_name(code: str) -> str:
    """A language by its code, in the reader's language ("Portuguese" for pt-br); else the code itself."""
    try:
        return str(translation.get_language_info(code.lower())["name_translated"])
    except KeyError:
        return code


def rounded(value: float) -> str:
    """A count that need not be whole, as exact as it helps: "9.2", "120", "−3.0", "under 0.1"."""  # noqa: RUF002  a minus sign, as printed
    if 0 < value < 0.05:  # noqa: PLR2004  would be rounded to nothing, and nothing is what it is not
        return _("under 0.1")
    tenths = round(value, 1) + 0.0  # what is nothing then has no sign
    said = f"{tenths:.1f}" if abs(value) < 100 else f"{value:,.0f}"  # noqa: PLR2004  beyond, a tenth says nothing
    return said.replace("-", "−")  # noqa: RUF001  a minus sign, as printed


FILTERS: dict[str, Callable[..., Any]] = {
    "day_time": day_time, "full_time": full_time, "duration": duration, "brief": brief, "iso": iso,
    "list_pairs": list_pairs,
    "options": options, "language_name": language_name, "due": due, "money": money, "initials": initials,
    "rounded": rounded,
}  # fmt: skip
GLOBALS: dict[str, Callable[..., Any]] = {"money": money, "due": due, "initials": initials, "stamp": stamp}
