"""The chart of an improvement: its weeks with what was to be expected without it; and causes by their cases."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any, Final

import altair as alt
from django.utils.translation import gettext as _

from makegood.prevent.improvements.effects import WEEK, Finding
from makegood.prevent.improvements.queries import CauseRow

HEIGHT: Final = 240
SHORT: Final = 30  # weeks: months as names of the axis would repeat
CAUSES: Final = 12  # bars: more could not be read
Chart = Any  # altair's operators return unions that its own functions do not take


def weeks(found: Finding, moments: Sequence[tuple[date, str]]) -> Chart:
    """Cases per 1,000 orders by week, the band to be expected without the change, and moments that are named."""
    rows = []
    for week, (cases, orders) in enumerate(zip(found.cases, found.orders, strict=True)):
        if not orders:
            continue
        row: dict[str, Any] = {"at": _noon(found.first + WEEK * week), "rate": 1000 * cases / orders, "cases": cases}
        if found.expected and found.low and found.high and found.expected[week]:  # the week it began says nothing
            band = {"expected": found.expected, "low": found.low, "high": found.high}
            row |= {name: 1000 * values[week] / orders for name, values in band.items()}
        rows.append(row)
    x = alt.X(
        "at:T",
        title=None,
        scale=alt.Scale(type="utc"),
        axis=alt.Axis(format="%b %y" if len(rows) > SHORT else "%-d %b", tickCount=8, labelBound=True),
    )
    title = _("Cases per 1,000 orders")
    y: dict[str, Any] = {"title": title, "axis": alt.Axis(format=".1~f")}
    base = alt.Chart({"values": rows}).encode(x=x)
    shown = [
        alt.Tooltip("at:T", title=_("Week from"), format="%-d %b %Y"), alt.Tooltip("cases:Q", title=_("Cases")),
        alt.Tooltip("rate:Q", title=title, format=".2f"),
        *([alt.Tooltip("expected:Q", title=_("Without the change"), format=".2f")] if found.expected else []),
    ]  # fmt: skip
    layers = []
    if found.expected:
        layers += [
            base.mark_area(style="band").encode(y=alt.Y("low:Q", **y), y2="high:Q"),
            base.mark_line(style="expected").encode(y=alt.Y("expected:Q", **y)),
        ]
    layers.append(base.mark_line(style="observed").encode(y=alt.Y("rate:Q", **y)))
    named = [{"at": _noon(day), "name": name, "y": 14 * (at % 3)} for at, (day, name) in enumerate(sorted(moments))]
    if named:
        marked = alt.Chart({"values": named}).encode(x=x)
        layers.append(marked.mark_rule(style="moment"))
        layers += [
            alt.Chart({"values": [row]})
            .mark_text(align="right", dx=-5, baseline="top")
            .encode(x=x, y=alt.value(row["y"]), text="name:N")
            for row in named
        ]
    layers.append(base.mark_point(opacity=0, size=120).encode(y=alt.Y("rate:Q", **y), tooltip=shown))
    return alt.layer(*layers).properties(width="container", height=HEIGHT)


def _noon(day: date) -> str:
    # In UTC: a bare date would be read as local time by the browser and drawn on the day before.
    return f"{day.isoformat()}T12:00:00Z"


def pareto(causes: Sequence[CauseRow]) -> Chart:
    """Causes by their cases, the most on top, with the share that they and those above make up."""
    total, running, rows = sum(cause.cases for cause in causes) or 1, 0, []
    for cause in causes[:CAUSES]:
        running += cause.cases
        rows.append({"cause": cause.cause, "cases": cause.cases, "share": f"{100 * running / total:.0f} %"})
    base = alt.Chart({"values": rows}).encode(
        y=alt.Y("cause:N", sort=[cause.cause for cause in causes[:CAUSES]], title=None, axis=alt.Axis(labelLimit=220)),
        x=alt.X(
            "cases:Q", title=_("Cases"), axis=alt.Axis(grid=True, format=",d", tickMinStep=1),
            scale=alt.Scale(domainMax=1.1 * max((cause.cases for cause in causes), default=1)),  # room for the share
        ),
        tooltip=[
            alt.Tooltip("cause:N", title=_("Cause")), alt.Tooltip("cases:Q", title=_("Cases")),
            alt.Tooltip("share:N", title=_("With those above")),
        ],
    )  # fmt: skip
    bars = base.mark_bar(height=16)
    return alt.layer(bars, base.mark_text(style="label").encode(text="share:N")).properties(
        width="container", height=max(80, 28 * len(rows))
    )


def reading_of_causes(causes: Sequence[CauseRow]) -> str:
    """The Pareto in one sentence."""
    total = sum(cause.cases for cause in causes)
    if not total:
        return _("No case is linked to an incident with a known cause yet.")
    few, running = 0, 0
    while running < 0.8 * total:  # the usual line of a Pareto
        running += causes[few].cases
        few += 1
    return _("%(few)s of %(all)s causes make up %(share)s %% of %(cases)s cases.") % {
        "few": few, "all": len(causes), "share": round(100 * running / total), "cases": f"{total:,}",
    }  # fmt: skip


def planned_end(by_when: date, within_days: int) -> date:
    """When the planned end can be judged: its cases have come in."""
    return by_when + timedelta(days=within_days)
