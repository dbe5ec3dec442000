"""When: points in time as people type and write them, in English and Portuguese.

A day ("Thursday", "in two business days", "até o fim da semana") and a time of day ("2pm", "noon", "às 14h") are looked
for separately and put together. A day without a time means the end of the working day; a part of the day means its end,
because whoever says "tomorrow morning" may be expected until noon. Calendar dates are read by dateparser; days, weeks
and business days are ours.

References
----------
Ambiguity is never guessed where a person can be asked (`read_due`): "Thursday" on a Thursday, "next Thursday" in a week
whose Thursday lies ahead, 03/04.
"""

import calendar
import re
from collections.abc import Container, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, NamedTuple

from makegood.engines.language.phrasebook import fold

END_OF_WORK: Final = time(18, 0)
END_OF_DAY: Final = time(23, 59)
NOON: Final = time(12, 0)
FARTHEST: Final = timedelta(days=730)
LONGEST_READ: Final = 2_000


class Unclear(ValueError):
    """The words name no single moment ahead.

    `reason` is ``empty``, ``unknown`` (`words` are those not understood), ``ambiguous`` (`choices` are the moments
    meant), ``past`` (`choices` holds the moment) or ``far`` (more than two years).
    """

    def __init__(self, reason: str, words: str = "", choices: tuple[datetime, ...] = ()) -> None:
        self.reason, self.words, self.choices = reason, words, choices
        super().__init__(reason)


class Due(NamedTuple):
    """A moment and the words that name it."""

    at: datetime
    words: str
    start: int
    end: int


class _Day(NamedTuple):
    """What the words for a day may mean. `exact`: a moment, no time of day may be added."""

    dates: tuple[date, ...]
    exact: datetime | None = None
    clock: time | None = None


_NUMBERS: Final = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "twelve": 12, "fourteen": 14, "half an": 0.5, "half a": 0.5, "couple of": 2, "a couple of": 2,
    "um": 1, "uma": 1, "dois": 2, "duas": 2, "tres": 3, "quatro": 4, "cinco": 5, "seis": 6, "sete": 7, "oito": 8,
    "nove": 9, "dez": 10, "quinze": 15, "meia": 0.5,
}  # fmt: skip
_N: Final = r"(?P<n>\d{1,3}|" + "|".join(sorted(_NUMBERS, key=len, reverse=True)) + ")"
_UNITS: Final = {
    "min": "minute", "hour": "hour", "hr": "hour", "hora": "hour", "day": "day", "dia": "day", "week": "week",
    "semana": "week", "fortnight": "fortnight", "quinzena": "fortnight", "month": "month", "mes": "month",
}  # fmt: skip
_WEEKDAYS: Final = {
    "mon": 0, "tue": 1, "wed": 2, "thu": 3, "fri": 4, "sat": 5, "sun": 6,
    "seg": 0, "ter": 1, "qua": 2, "qui": 3, "sex": 4, "sab": 5, "dom": 6,
}  # fmt: skip
_WEEKDAY: Final = (
    r"(?P<weekday>mon(?:day)?|tue(?:s(?:day)?)?|wed(?:nesday)?|thu(?:r(?:s(?:day)?)?)?|fri(?:day)?|sat(?:urday)?|sun(?:day)?"
    r"|(?:segunda|terca|quarta|quinta|sexta)(?:[ -]feira)?|sabado|domingo)"
)
_MONTH: Final = (
    r"(?:jan(?:uary|eiro)?|feb(?:ruary)?|fev(?:ereiro)?|mar(?:ch|co)?|apr(?:il)?|abr(?:il)?|may|maio?|june?|jun(?:ho)?"
    r"|july?|jul(?:ho)?|aug(?:ust)?|ago(?:sto)?|sep(?:t(?:ember)?)?|set(?:embro)?|oct(?:ober)?|out(?:ubro)?"
    r"|nov(?:ember|embro)?|dec(?:ember)?|dez(?:embro)?)"
)
_MONTHS: Final = {
    "jan": 1, "feb": 2, "fev": 2, "mar": 3, "apr": 4, "abr": 4, "may": 5, "mai": 5, "jun": 6, "jul": 7, "aug": 8,
    "ago": 8, "sep": 9, "set": 9, "oct": 10, "out": 10, "nov": 11, "dec": 12, "dez": 12,
}  # fmt: skip
# The first that matches earliest speaks for the day.
_DAY: Final = re.compile(
    r"\b(?:"
    + "|".join(
        [
            r"(?P<after_tomorrow>the day after tomorrow|day after tomorrow|depois de amanha)",
            r"(?P<tomorrow>tomorrow|amanha)",
            r"(?P<hour_now>(?:in|within) the (?:next )?hour\b|na proxima hora)",
            r"(?:in|within|em ate|em|dentro de|daqui a) (?P<n_h>\d{1,3}) ?h\b",
            r"(?P<next_business>\bnext (?:business|working) day|proximo dia util)",
            r"(?P<tonight>tonight|hoje a noite|esta noite)",
            r"(?P<today>today|hoje|(?:later )?this (?=morning|afternoon|evening)|esta (?=manha|tarde))",
            # Of "3 to 5 days" the last is meant.
            (
                r"(?:in|within|after|over|inside|em|dentro de|daqui a|no prazo de|nos proximos|nas proximas)?\s*"
                r"(?:the next |at most |up to |ate |no maximo )?\b(?:(?:\d{1,2}|[a-z]{3,6}) ?(?:-|to|or|ou|a) ?)?"
                + _N
                + r"[ -]?(?P<business>business |working |work )?"
                r"(?P<unit>minut[eo]s?|mins?|hours?|hrs?|horas?|days?|dias?|weeks?|semanas?|fortnights?|quinzenas?"
                r"|months?|mes(?:es)?)\b"
                r"(?P<uteis> ute?is)?(?: from now| time)?"
            ),
            (
                r"(?P<part>early|(?:the )?(?:beginning|start) of|mid(?:dle of)?|comeco d[ao]|inicio d[aeo]"
                r"|meados d[aeo])(?: the| a)?[ -]"
                r"(?:(?P<part_week>next week|the week|week|proxima semana|semana que vem|semana)"
                r"|(?P<part_month>" + _MONTH + r"\b))"
            ),
            (
                r"(?P<weekend>\b(?P<before_it>(?:before|by|for|antes d[oe]|ate o|para o) )?(?:the |this )?"
                r"(?:weekend|fim de semana|final de semana))"
            ),
            r"(?P<christmas>\b(?:before|by|until|antes do|ate o|ate) (?:christmas|natal))",
            r"(?P<year_end>\b(?:end of (?:the|this) year|year[ -]end|(?:fim|final) d[oe]ste ano|(?:fim|final) do ano))",
            r"(?P<month_end>\bmonth[ -]end|(?:end|fim|final) (?:of|de) (?P<end_month>" + _MONTH + r")\b)",
            (
                r"(?:end|fim|final) (?:of|do|da|de) (?:the |this |o |a )?(?P<end_next>next |proxim[ao] )?"
                r"(?P<end_of>week|semana|month|mes)(?P<end_next_pt> que vem)?"
            ),
            r"\b(?P<short>eow|eom)\b",
            r"(?:(?P<next>next|coming|this|proxima|proximo) )?\b"
            r"(?:"
            + _WEEKDAY.replace("?P<weekday>", "?:")
            + r" (?:or|ou) )?"
            + _WEEKDAY
            + r"\b(?P<next_after> next week| que vem)?",
            (
                r"(?P<week>(?:next|(?:later )?this) week|(?:proxima|esta) semana|semana que vem|next month|proximo mes"
                r"|mes que vem)"
            ),
            r"\b(?:dia |on the |by the |the )(?P<of_month>[0-3]?\d)(?:st|nd|rd|th)?\b(?! (?:de|of)\b|/| "
            + _MONTH
            + r"\b)",
            r"(?P<date>\d{4}-\d{1,2}-\d{1,2}"
            r"|\b\d{1,2}(?:st|nd|rd|th|o)?(?: of| de)? " + _MONTH + r"\b(?:,?(?: de)? \d{4})?"
            r"|\b" + _MONTH + r" \d{1,2}(?:st|nd|rd|th)?\b(?:,? \d{4})?"
            r"|\b\d{1,2}/\d{1,2}(?:/\d{2,4})?\b|\b\d{1,2}\.\d{1,2}\.\d{2,4}\b)",
        ]
    )
    + ")"
)
_NEAR: Final = {"after_tomorrow": 2, "tomorrow": 1, "tonight": 0, "today": 0}
_SEASONS: Final = ("part", "weekend", "christmas", "year_end", "month_end", "of_month")
# "Até 16 horas" names an hour, "em até 16 horas" a span.
_HOUR_OF_DAY: Final = re.compile(r"ate \d{1,2} horas")
_HOUR_WORDS: Final = {w: n for w, n in _NUMBERS.items() if isinstance(n, int) and len(w) > 2 and n <= 12}  # noqa: PLR2004  Friday, Sunday
_NO_LENGTH: Final = r"(?![/.:-]\d| ?(?:business|working|day|hour|min|week|dia|hora|semana))"
_CLOCK: Final = re.compile(
    r"\b(?:"
    + "|".join(
        [
            r"(?P<noon>\b(?:12 )?noon|midday|meio[ -]dia)",
            r"(?P<midnight>midnight|meia[ -]noite)",
            r"(?P<past>half past|quarter past|quarter to) (?P<past_hour>\d{1,2}|" + "|".join(_HOUR_WORDS) + r")\b",
            r"\b(?P<h12>\d{1,2})(?:[:.](?P<m12>[0-5]\d))? ?(?P<ampm>[ap]\.?m\b\.?)",
            r"\b(?P<h24>[01]?\d|2[0-3])[:h](?P<m24>[0-5]\d)\b",
            r"\b(?P<hh>[01]?\d|2[0-3]) ?(?:h|hrs|horas)\b",
            r"\b(?P<oclock>\d{1,2}) ?o'?clock",
            (
                rf"(?:\bat|\bas|\bby|\bbefore|\bate as) (?P<at>[01]?\d|2[0-3])\b{_NO_LENGTH}"
                r"(?! (?!horas|hoje|amanha|segunda|terca|quarta|quinta|sexta|sabado|domingo|proxim|depois)[a-z]{5})"
            ),
        ]
    )
    + ")"
)
_PART: Final = re.compile(
    r"(?<!\w)(?:(?P<work>\b(?:end|close) of (?:the |this )?(?:business|day|play|work)\b|\beod\b|\bcob\b"
    r"|(?:fim|final) (?:do|de) (?:dia|expediente))"
    r"|(?P<morning>first thing|\bmorning|(?<!after )\blunch(?:time)?|(?<=\s\s\s)(?:am|manha)\b"
    r"|(?:da|de|pela|a|esta) manha|\bcedo)"
    r"|(?P<afternoon>\bafternoon|after lunch(?:time)?|depois do almoco|(?<=\s\s\s)(?:pm|tarde)\b"
    r"|(?:da|de|a|esta) tarde)"
    r"|(?P<evening>\bevening|\btonight|\bnight|(?:da|de|a|esta) noite))"
)
# "Between 8 and 12": the last is promised.
_BETWEEN: Final = re.compile(
    r"(?:\b(?:between|from|entre)(?: as)? \d{1,2}(?:[:.h][0-5]\d)?h?(?: ?[ap]m)?"
    r"|\b\d{1,2}(?:(?:[:h][0-5]\d)h?|h| ?[ap]m))"
    r" ?(?:-|to|and|until|till|e|ate|as|a)(?: as)? ?(?=\d{1,2}\b|\d{1,2} ?(?:[ap]m|h))(?!\d{1,2} (?:de )?"
    + _MONTH
    + ")"
)
_PART_ENDS: Final = {"work": END_OF_WORK, "morning": NOON, "afternoon": time(17, 0), "evening": time(20, 0)}
# What may stand around a moment without changing it.
_FILLERS: Final = frozenset(
    [
        "a",
        "about",
        "ao",
        "antes",
        "around",
        "as",
        "at",
        "ate",
        "before",
        "by",
        "da",
        "das",
        "de",
        "dia",
        "do",
        "e",
        "em",
        "for",
        "from",
        "in",
        "latest",
        "later",
        "mais",
        "na",
        "nas",
        "no",
        "nos",
        "o",
        "of",
        "on",
        "para",
        "pela",
        "pelas",
        "por",
        "sharp",
        "tardar",
        "than",
        "the",
        "then",
        "this",
        "till",
        "to",
        "until",
    ]
)
_FIRST_HOUR_BY_DAY: Final = 7
_LAST_MORNING: Final = time(11, 59)


def read_due(text: str, *, now: datetime, holidays: Container[date] = ()) -> Due:
    """The moment that somebody typed, in the zone of `now`. Everything typed must have been understood.

    Parameters
    ----------
    text
        Such as "Thursday 2pm", "in two business days", "tomorrow noon", "até sexta às 14h".
    now
        Aware, in the time zone that the words are meant in.
    holidays
        Days that are no business days beside Saturdays and Sundays.

    Raises
    ------
    Unclear
        With the reason and what could be meant.

    Examples
    --------
    >>> from datetime import timezone
    >>> monday = datetime(2026, 11, 23, 10, tzinfo=timezone.utc)
    >>> read_due("Thursday 2pm", now=monday).at.isoformat()
    '2026-11-26T14:00:00+00:00'
    """
    if not text.strip():
        raise Unclear("empty")
    words = fold(text[:LONGEST_READ])
    found, rest = _look(words, now, holidays)
    left = [word for word in re.findall(r"[^\s,;.!]+", rest) if word not in _FILLERS]
    if not found or left:
        raise Unclear("unknown", " ".join(left) or text.strip())
    moments, start, end = found
    ahead = tuple(moment for moment in moments if moment > now)
    if not ahead:
        raise Unclear("past", text.strip(), moments[:1])
    if len(moments) > 1:
        raise Unclear("ambiguous", text.strip(), moments)
    if ahead[0] - now > FARTHEST:
        raise Unclear("far", text.strip(), ahead)
    return Due(ahead[0], text[start:end].strip(), start, end)


def find_due(text: str, *, now: datetime, holidays: Container[date] = ()) -> Due | None:
    """The first moment ahead that a text names, wherever it stands in it; of several that may be meant, the earliest.

    None where it names none, or one that has passed. As `read_due`, but whatever else the text says is passed over.
    """
    found, _ = _look(fold(text[:LONGEST_READ]), now, holidays)
    if not found:
        return None
    moments, start, end = found
    at = next((moment for moment in moments if now < moment <= now + FARTHEST), None)
    return Due(at, text[start:end].strip(" ,"), start, end) if at else None


def _look(
    words: str, now: datetime, holidays: Container[date]
) -> tuple[tuple[tuple[datetime, ...], int, int] | None, str]:
    """The moments named, where they stand, and the words with them taken out."""
    day: _Day | None = None
    spans: list[tuple[int, int]] = []
    for match in _DAY.finditer(words):
        day = _day(match, words, now, holidays)
        if day:
            spans.append(match.span())
            break
    rest = _without(words, spans)
    if day and day.exact:
        return ((day.exact,), *spans[0]), rest
    clock, spans = _clock(rest, spans)
    rest = _without(words, spans)
    if not spans:
        return None, rest
    at = clock or (day.clock if day else None) or END_OF_WORK
    # Who works into the night and says "today" means before midnight.
    tonight = END_OF_DAY if at == END_OF_WORK <= now.time() else at
    dates = day.dates if day else (now.date(),)
    moments = tuple(datetime.combine(on, tonight if on == now.date() else at, now.tzinfo) for on in dates)
    return (moments, min(start for start, _ in spans), max(end for _, end in spans)), rest


def _without(words: str, spans: list[tuple[int, int]]) -> str:
    for start, end in spans:
        words = words[:start] + " " * (end - start) + words[end:]
    return words


def _clock(words: str, spans: list[tuple[int, int]]) -> tuple[time | None, list[tuple[int, int]]]:
    """The time of day, and the places taken so far. A part of the day says which half "3 o'clock" is in."""
    between = _BETWEEN.search(words)
    if between:
        first, last = between.span()
        words = words[:first] + "at ".rjust(last - first) + words[last:]
        spans = [*spans, (first, last)]
    match, part = _CLOCK.search(words), _PART.search(words)
    spans = [*spans, *(found.span() for found in (match, part) if found)]
    half = part.lastgroup or "" if part else ""
    if match is None:
        return _PART_ENDS.get(half), spans
    it = match.groupdict()
    if it["noon"] or it["midnight"]:
        return (NOON if it["noon"] else END_OF_DAY), spans
    minute = int(it["m12"] or it["m24"] or 0)
    if it["past"]:
        hour = int(_HOUR_WORDS.get(it["past_hour"], 0) or it["past_hour"])
        minute = {"half past": 30, "quarter past": 15, "quarter to": 45}[it["past"]]
        hour -= it["past"] == "quarter to"
    else:
        hour = int(it["h12"] or it["h24"] or it["hh"] or it["oclock"] or it["at"])
    sure = bool(it["h24"] or it["hh"]) and not half
    if it["ampm"]:
        hour = hour % 12 + (12 if it["ampm"].startswith("p") else 0)
    elif (half in ("afternoon", "evening") and hour < 12) or (not sure and not half and hour < _FIRST_HOUR_BY_DAY):  # noqa: PLR2004  Friday, Sunday
        hour += 12  # nobody promises a call at two in the morning
    return (time(hour, minute), spans) if 0 <= hour < 24 else (None, spans)  # noqa: PLR2004  Friday, Sunday


def _day(match: "re.Match[str]", words: str, now: datetime, holidays: Container[date]) -> _Day | None:  # noqa: PLR0911
    """What the words for a day mean; None: they name none."""
    it, today = match.groupdict(), now.date()
    near = next((days for name, days in _NEAR.items() if it[name]), None)
    if near is not None:
        return _Day((today + timedelta(days=near),), clock=_PART_ENDS["evening"] if it["tonight"] else None)
    if it["hour_now"] or it["n_h"]:
        return _Day((), exact=_later(now, hours=int(it["n_h"] or 1)))
    if it["next_business"]:
        return _Day((_business_days(today, 1, holidays),))
    if it["n"]:
        return _after(it, now, holidays) if not _HOUR_OF_DAY.match(match.group()) else None
    if any(it[name] for name in _SEASONS):
        return _season(it, today)
    if it["end_of"] or it["short"]:
        return _end_of(it, now)
    if it["weekday"]:
        return _weekday(it, today)
    if it["week"]:
        if "month" in it["week"] or "mes" in it["week"]:
            return _Day((_month_ends(_add_months(today, 1)),))
        return _Day((_friday(today, 0 if it["week"] in ("this week", "later this week", "esta semana") else 1),))
    return _date(it["date"], now, portuguese=" de " in words or bool(re.search(r"\bate\b|\bdia\b|\bas\b", words)))


def _season(it: dict[str, str | None], today: date) -> _Day | None:
    """Parts of weeks and months, and days that have a name. By convention early is Tuesday or the 7th."""
    monday = today - timedelta(days=today.weekday())
    part = (it["part"] or "").removeprefix("the ")
    if it["part_week"]:
        next_one = it["part_week"] in ("next week", "proxima semana", "semana que vem")
        return _Day((monday + timedelta(days=(7 if next_one else 0) + (2 if part.startswith(("mid", "mea")) else 1)),))
    if it["weekend"]:
        return _Day((monday + timedelta(days=4 if it["before_it"] and today.weekday() <= 4 else 6),))  # noqa: PLR2004  Friday, Sunday
    if it["of_month"]:
        day = int(it["of_month"])
        months = (_add_months(today.replace(day=1), later) for later in range(3))
        of_month = (first + timedelta(days=day - 1) for first in months if 0 < day <= _month_ends(first).day)
        return next((_Day((on,)) for on in of_month if on >= today), None)
    named = it["part_month"] or it["end_month"]
    month = 12 if it["christmas"] or it["year_end"] else _MONTHS[named[:3]] if named else today.month
    first = date(today.year, month, 1)
    first = first if _month_ends(first) >= today else _add_months(first, 12)
    if it["christmas"]:
        return _Day((first.replace(day=24),))
    if named and part:
        return _Day((first.replace(day=15 if part.startswith(("mid", "mea")) else 7),))
    return _Day((_month_ends(first),))


def _after(it: dict[str, str | None], now: datetime, holidays: Container[date]) -> _Day | None:
    said = it["n"] or ""
    count = float(said) if said.isdigit() else float(_NUMBERS[said])
    unit = next(unit for stem, unit in _UNITS.items() if (it["unit"] or "").startswith(stem))
    today = now.date()
    if unit in ("minute", "hour"):
        return _Day((), exact=_later(now, **{f"{unit}s": count}))
    if unit == "month":
        return _Day((_add_months(today, int(count)),))
    if unit == "fortnight":
        return _Day((today + timedelta(days=int(count * 14)),))
    if it["business"] or it["uteis"]:
        return _Day((_business_days(today, int(count), holidays),))
    return _Day((today + timedelta(days=int(count * (7 if unit == "week" else 1))),))


def _later(now: datetime, **span: float) -> datetime:
    """Over the clock change too: an hour is sixty minutes."""
    return (now.astimezone(UTC) + timedelta(**span)).astimezone(now.tzinfo)


def _business_days(start: date, count: int, holidays: Container[date]) -> date:
    day = start
    while count > 0:
        day += timedelta(days=1)
        count -= day.weekday() < 5 and day not in holidays  # noqa: PLR2004  Saturday and Sunday are 5 and 6
    return day


def _end_of(it: dict[str, str | None], now: datetime) -> _Day:
    what = it["end_of"] or {"eow": "week", "eom": "month"}[it["short"] or ""]
    later = 1 if it["end_next"] or it["end_next_pt"] else 0
    today = now.date()
    if what in ("week", "semana"):
        friday = _friday(today, later)
        # On a weekend, or on Friday night, the week ends on Sunday.
        over = datetime.combine(friday, END_OF_WORK, now.tzinfo) <= now
        return _Day((friday + timedelta(days=2) if over else friday,))
    return _Day((_month_ends(_add_months(today, later)),))


def _weekday(it: dict[str, str | None], today: date) -> _Day:
    weekday = _WEEKDAYS[(it["weekday"] or "")[:3]]
    ahead = (weekday - today.weekday()) % 7
    this, after = today + timedelta(days=ahead), today + timedelta(days=ahead + 7)
    if it["next_after"] == " next week":
        monday = today - timedelta(days=today.weekday())
        return _Day((monday + timedelta(days=7 + weekday),))
    if it["next"] in ("next", "proxima", "proximo") or it["next_after"]:
        if ahead == 0:
            return _Day((after,))
        # Of a day still to come in this week people mean either.
        return _Day((this, after) if weekday > today.weekday() and it["next"] == "next" else (this,))
    if ahead == 0:
        return _Day((this,)) if it["next"] == "this" else _Day((after, this))
    return _Day((this,))


def _friday(today: date, weeks: int) -> date:
    return today - timedelta(days=today.weekday()) + timedelta(days=4 + 7 * weeks)


def _add_months(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def _month_ends(day: date) -> date:
    return day.replace(day=calendar.monthrange(day.year, day.month)[1])


def _date(said: str | None, now: datetime, *, portuguese: bool) -> _Day | None:
    dates = tuple(dict.fromkeys(_calendar(said or "", now, portuguese=portuguese)))
    return _Day(dates) if dates else None


def _calendar(said: str, now: datetime, *, portuguese: bool) -> Iterator[date]:
    import dateparser  # noqa: PLC0415  a fifth of a second, for whoever names a date

    numbers = re.fullmatch(r"(\d{1,2})/(\d{1,2})(/\d{2,4})?", said)
    either = numbers and not portuguese and numbers[1] != numbers[2] and max(int(numbers[1]), int(numbers[2])) <= 12  # noqa: PLR2004  Friday, Sunday
    for order in ("DMY", "MDY") if either else ("DMY",):
        found = dateparser.parse(
            re.sub(r"(?<=\d)o\b", "", said),
            languages=["en", "pt"],
            settings={
                "RELATIVE_BASE": now.replace(tzinfo=None), "PREFER_DATES_FROM": "future", "DATE_ORDER": order,
                "RETURN_AS_TIMEZONE_AWARE": False,
            },
        )  # fmt: skip
        if found:
            yield found.date()
