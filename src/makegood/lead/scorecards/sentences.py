"""The report in plain words. Numbers in a sentence are those of the tables, so that they add up there too."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext

from makegood.ground.web.formats import duration
from makegood.lead.scorecards.changed import Found
from makegood.lead.scorecards.report import Count, Part, Point, Wait

NAMED: Final = 3  # slices in a sentence
UNITS: Final = {
    "cases": gettext_noop("cases"), "late": gettext_noop("late deliveries"),
    "cancelled": gettext_noop("orders called off"),
}  # fmt: skip


def changed(*, name: str, last_week: int, cases: int, volume: float, rate: float, comparable: bool) -> str:
    """As in "Delivered late: 212 cases, 64 more than last week: 12 because more orders were due, 52 because ..."."""
    counted = ngettext("%(n)s case", "%(n)s cases", cases) % {"n": number(cases)}
    change = cases - last_week
    if change > 0:
        compared = _("%(n)s more than last week") % {"n": number(change)}
    elif change < 0:
        compared = _("%(n)s fewer than last week") % {"n": number(-change)}
    else:
        compared = _("as many as last week")
    start = f"{name}: {counted}, {compared}"
    if not comparable:
        return _("%(start)s. No orders were due in one of the two weeks, so shares cannot be compared.") % {
            "start": start
        }
    parts = [(volume, _because_of_volume(volume)), (rate, _because_of_rate(rate))]
    told = [(value, why) for value, why in parts if value]
    if not told:
        return f"{start}."
    opposed = any(value > 0 for value, _why in told) != all(value > 0 for value, _why in told)
    alone = opposed or not change
    return f"{start}: {', '.join(_signed(value, alone) + ' ' + why for value, why in told)}."


def _because_of_volume(value: float) -> str:
    return _("because more orders were due") if value > 0 else _("because fewer orders were due")


def _because_of_rate(value: float) -> str:
    return _("because a larger share failed") if value > 0 else _("because a smaller share failed")


def _signed(value: float, alone: bool) -> str:
    """The bare number; with "more" or "fewer" where the parts point in opposite directions."""
    if not alone:
        return number(abs(value))
    return (_("%(n)s more") if value > 0 else _("%(n)s fewer")) % {"n": number(abs(value))}


def headline(*, total: Count, parts: list[Part], late: Point) -> str:
    """One sentence: how many cases, against what was to be expected, what moved most, how punctual the parcels were."""
    change = total.cases - total.last_week
    values = {"now": number(total.cases), "then": number(total.last_week)}
    if change > 0:
        said = _("Cases rose from %(then)s to %(now)s") % values
    elif change < 0:
        said = _("Cases fell from %(then)s to %(now)s") % values
    elif total.cases:
        said = _("There were %(now)s cases, as many as the week before") % values
    else:
        said = _("No case was opened")
    if total.upper and total.lower is not None:
        limits = {"lower": number(round(total.lower)), "upper": number(round(total.upper))}
        said += {
            "above": _(", above the %(lower)s to %(upper)s to be expected"),
            "below": _(", below the %(lower)s to %(upper)s to be expected"),
            "": _(", within the %(lower)s to %(upper)s to be expected"),
        }[total.outside] % limits
    most = max(parts, key=lambda part: abs(part.change), default=None)
    if most and most.change and change:
        sign = "+" if most.change > 0 else "−"  # noqa: RUF001  a minus sign, as printed
        said += _("; the largest change is %(name)s (%(change)s)") % {
            "name": most.name,
            "change": sign + number(abs(most.change)),
        }
    return f"{said}. {punctuality(late)}".strip()


def punctuality(late: Point) -> str:
    """As in "532 of 2,126 shipments due were late (25.0 %); 139 were to be expected, at most 191 by chance."."""
    if not late.exposure or late.rate is None:
        return ""
    values = {"late": number(late.count), "due": number(late.exposure), "rate": percent(late.rate)}
    said = _("%(late)s of %(due)s shipments due were late (%(rate)s)") % values
    if late.expected is None or late.lower is None or late.upper is None:
        return f"{said}."
    said += _("; %(expected)s were to be expected") % {"expected": number(round(late.expected))}
    if late.outside == "above":
        said += _(", at most %(upper)s by chance") % {"upper": number(int(late.upper))}
    if late.outside == "below":
        said += _(", at least %(lower)s by chance") % {"lower": number(int(late.lower))}
    return f"{said}."


def what_changed(of: str, *, observed: int, expected: float, causes: Sequence[Found], empty: bool) -> str:
    """As in "40 cases where 18.2 were to be expected: 21.8 more. Most by: Parcel late, to RJ (+20.1)."."""
    if empty:
        return _("Nothing was due and nothing happened in either period.")
    values = {"observed": number(observed), "expected": number(round(expected, 1)), "things": _(UNITS[of])}
    more = round(observed - expected, 1)
    if more > 0:
        values["change"] = _("%(n)s more") % {"n": number(more)}
    else:
        values["change"] = _("%(n)s fewer") % {"n": number(-more)}
    said = _("%(observed)s %(things)s where %(expected)s were to be expected: %(change)s.") % values
    if not causes:
        return f"{said} {_('No slice differs by more than chance.')}"
    named = ", ".join(f"{cause.words} ({signed(cause.excess)})" for cause in causes[:NAMED])
    return f"{said} {_('What stands out: %(slices)s.') % {'slices': named}}"


def signed(value: float) -> str:
    """With its sign, as printed: +21.8, −3."""  # noqa: RUF002  a minus sign
    return ("+" if value >= 0 else "−") + number(abs(value))  # noqa: RUF001


def nothing(*, week: str, last: str) -> str:
    """What an empty report says."""
    if not last:
        return _("There is nothing to report yet: no orders and no cases are known.")
    return _("Nothing was due and no case was opened in %(week)s. The last week with data is %(last)s.") % {
        "week": week, "last": last,
    }  # fmt: skip


def notes(*, complete: bool, judged: bool, empty: bool) -> list[str]:
    """What the reader must know to read the numbers right."""
    told = []
    if not complete:
        told.append(_("The week is not over: only what is known at the time of the report is counted."))
    if not judged and not empty:
        told.append(_("Too few weeks with orders before this one to say what was to be expected."))
    return told


def number(value: float) -> str:
    """1234.0 is "1,234"; 12.5 is "12.5"."""
    return f"{value:,.1f}".removesuffix(".0")


def percent(rate: float) -> str:
    return f"{100 * rate:.1f} %"


def waited(wait: Wait) -> str:
    """As in "First response: half within 3 h 5 min, nine in ten within 2 d (n = 212)."."""
    if wait.too_few or wait.median is None or wait.p90 is None:
        return _("%(name)s: too few to say (%(n)s, at least %(least)s needed).") % {
            "name": wait.name, "n": number(wait.n), "least": wait.minimum_n,
        }  # fmt: skip
    return _("%(name)s: half within %(median)s, nine in ten within %(p90)s (n = %(n)s).") % {
        "name": wait.name, "median": time(wait.median), "p90": time(wait.p90), "n": number(wait.n),
    }  # fmt: skip


def time(seconds: float) -> str:
    """As in "3 h 5 min"."""
    return duration(timedelta(seconds=seconds))
