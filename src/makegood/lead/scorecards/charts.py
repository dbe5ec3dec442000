"""The charts of the weekly report: one definition for the page and for files."""

import textwrap
from typing import Any, Final

import altair as alt
from django.utils.translation import gettext as _

from makegood.lead.scorecards.changed import WhatChanged
from makegood.lead.scorecards.report import Point, WeeklyReport
from makegood.lead.scorecards.sentences import signed

HEIGHT: Final = 200
FILE_WIDTH: Final = 680
FILE_LINE: Final = 105  # characters of a reading
PAGE_WIDTH: Final = "container"
REASONS: Final = 12  # bars: more could not be read
Width = int | str
Chart = Any  # altair's operators return unions that its own functions do not take


def cases_trend(report: WeeklyReport, *, width: Width = PAGE_WIDTH) -> Chart:
    """Cases a week with the band to be expected."""
    rows = [_row(point, point.count, 1) for point in report.cases_trend]
    return _trend(rows, _("Cases a week"), ",d", report.week, width)


def late_trend(report: WeeklyReport, *, width: Width = PAGE_WIDTH) -> Chart:
    """The share of shipments that were late, with the band to be expected."""
    rows = [_row(point, point.rate, point.exposure) for point in report.late_trend]
    return _trend(rows, _("Late, of shipments due"), ".0%", report.week, width)


def what_changed(report: WeeklyReport, *, width: Width = PAGE_WIDTH) -> Chart:
    """The change since last week by reason, its volume and its rate part on their sides of zero."""
    parts = report.changed_by_reason[:REASONS]
    kinds = {"rate": _("Another share failed"), "volume": _("More or fewer orders")}
    rows = [
        {"reason": part.name, "kind": word, "part": getattr(part, kind)}
        for part in parts
        for kind, word in kinds.items()
    ]
    base = alt.Chart({"values": rows}).encode(
        y=alt.Y("reason:N", sort=[part.name for part in parts], title=None, axis=alt.Axis(labelLimit=160)),
    )
    bars = base.mark_bar(height=14).encode(
        x=alt.X("part:Q", title=_("Cases more or fewer than last week"), axis=alt.Axis(grid=True)),
        color=alt.Color("kind:N", title=None, scale=alt.Scale(domain=list(kinds.values())),
                        legend=alt.Legend(labelLimit=260, columns=1)),
        tooltip=[alt.Tooltip("reason:N", title=_("Reason")), alt.Tooltip("kind:N", title=_("Part")),
                 alt.Tooltip("part:Q", title=_("Cases"), format="+.1f")],
    )  # fmt: skip
    zero = alt.Chart({"values": [{"zero": 0}]}).mark_rule().encode(x="zero:Q")
    return alt.layer(bars, zero).properties(width=width, height=max(80, 28 * len(parts)))


def differences(told: WhatChanged, *, width: Width = PAGE_WIDTH) -> Chart:
    """From what was expected to what was observed: a step for each slice, then the rest, then the whole."""
    steps = [*((one.words, one.excess) for one in told.causes), (_("Everything else"), told.rest)]
    rows: list[dict[str, Any]] = []
    reached = 0.0
    for name, value in steps:
        rows.append({"slice": name, "from": reached, "to": reached + value, "value": value})
        reached += value
    rows.append({"slice": _("All"), "from": 0.0, "to": reached, "value": reached})
    base = alt.Chart({"values": rows}).encode(
        y=alt.Y("slice:N", sort=[row["slice"] for row in rows], title=None, axis=alt.Axis(labelLimit=300)),
        tooltip=[alt.Tooltip("slice:N", title=_("Slice")),
                 alt.Tooltip("value:Q", title=_("Difference"), format="+.1f")],
    )  # fmt: skip
    bars = {"x": alt.X("from:Q", title=_("More or fewer than expected"), axis=alt.Axis(grid=True)), "x2": "to:Q"}
    layers = [alt.Chart({"values": [{"zero": 0}]}).mark_rule().encode(x="zero:Q")]
    for style, fits in (("broken", True), ("kept", False)):
        # A layer without a single bar makes the browser complain.
        if any((row["value"] >= 0) is fits for row in rows):
            side = alt.datum.value >= 0 if fits else alt.datum.value < 0
            layers.append(base.transform_filter(side).mark_bar(height=14, style=style).encode(**bars))
    return alt.layer(*layers).properties(width=width, height=max(80, 28 * len(rows)))


def reading_of_differences(told: WhatChanged) -> str:
    """The same in one sentence."""
    if not told.causes:
        return told.reading
    explained = sum(one.excess for one in told.causes)
    return _("%(n)s slices make up %(explained)s of %(whole)s.") % {
        "n": len(told.causes), "explained": signed(round(explained, 1)),
        "whole": signed(round(told.observed - told.expected, 1)),
    }  # fmt: skip


def whole(report: WeeklyReport) -> Chart:
    """All three below one another, for a file."""
    charts = [
        _titled(cases_trend(report, width=FILE_WIDTH), _("Cases a week"), reading_of_cases(report)),
        _titled(late_trend(report, width=FILE_WIDTH), _("Late deliveries"), reading_of_late(report)),
    ]
    if report.changed_by_reason:
        changed = what_changed(report, width=FILE_WIDTH)
        charts.append(_titled(changed, _("What changed since last week"), reading_of_change(report)))
    together = alt.vconcat(*charts, spacing=36, padding=20)
    return together.resolve_scale(color="independent")


def _titled(chart: Chart, name: str, reading: str) -> Chart:
    lines = textwrap.wrap(reading, FILE_LINE)
    return chart.properties(title=alt.TitleParams(name, subtitle=lines, frame="group", subtitlePadding=4, offset=12))


def reading_of_cases(report: WeeklyReport) -> str:
    """The first chart in one sentence."""
    return _reading(report.cases_trend, _("More cases than to be expected in %(n)s of %(all)s weeks: %(weeks)s."),
                    _("No more cases than to be expected in all %(all)s weeks."))  # fmt: skip


def reading_of_late(report: WeeklyReport) -> str:
    """The second chart in one sentence."""
    return _reading(report.late_trend, _("More was late than to be expected in %(n)s of %(all)s weeks: %(weeks)s."),
                    _("No more was late than to be expected in all %(all)s weeks."))  # fmt: skip


def reading_of_change(report: WeeklyReport) -> str:
    """The third chart in one sentence."""
    return report.changed.sentence


def spans(weeks: list[str], order: list[str]) -> str:
    """Weeks as people say them: runs of three or more are "2017-W50 to 2018-W02"."""
    runs: list[list[str]] = []
    for week in weeks:
        if runs and order.index(week) == order.index(runs[-1][-1]) + 1:
            runs[-1].append(week)
        else:
            runs.append([week])
    return ", ".join(
        f"{run[0]} {_('to')} {run[-1]}" if len(run) > 2 else ", ".join(run)  # noqa: PLR2004  two are just named
        for run in runs
    )


def _reading(points: list[Point], some: str, none: str) -> str:
    above = [point.week for point in points if point.outside == "above"]
    if not any(point.upper is not None for point in points):
        return _("There are too few weeks to say what was to be expected.")
    values = {"n": len(above), "all": len(points), "weeks": spans(above, [point.week for point in points])}
    return (some if above else none) % values


def _row(point: Point, value: float | None, exposure: int) -> dict[str, Any]:
    # In UTC: a bare date would be read as local time by the browser and drawn on the day before.
    return {
        "monday": f"{point.monday.isoformat()}T12:00:00Z", "week": point.week, "value": value, "outside": point.outside,
        **{name: None if bound is None or not exposure else bound / exposure
           for name, bound in (("expected", point.expected), ("lower", point.lower), ("upper", point.upper))},
    }  # fmt: skip


def _trend(rows: list[dict[str, Any]], title: str, number: str, week: str, width: Width) -> Chart:
    base = alt.Chart({"values": rows}).encode(
        x=alt.X("monday:T", title=None, scale=alt.Scale(type="utc"), axis=alt.Axis(format="%-d %b", tickCount=8))
    )
    shown = [
        alt.Tooltip("week:N", title=_("Week")),
        *(alt.Tooltip(f"{name}:Q", title=word, format=number)
          for name, word in (("value", title), ("expected", _("Expected")), ("lower", _("From")), ("upper", _("To")))),
    ]  # fmt: skip
    y: dict[str, Any] = {"title": title, "axis": alt.Axis(format=number)}
    band = base.mark_area(style="band", interpolate="monotone").encode(y=alt.Y("lower:Q", **y), y2="upper:Q")
    expected = base.mark_line(style="expected", interpolate="monotone").encode(y=alt.Y("expected:Q", **y))
    observed = base.mark_line(style="observed").encode(y=alt.Y("value:Q", **y))
    points = base.mark_point(opacity=0, size=120).encode(y=alt.Y("value:Q", **y), tooltip=shown)
    outside = base.transform_filter("datum.outside != ''").mark_point(style="broken").encode(y=alt.Y("value:Q", **y))
    this = base.transform_filter(alt.datum.week == week)
    moment = this.mark_rule(style="moment")
    name = this.mark_text(align="right", dx=-6, baseline="top").encode(y=alt.value(0), text="week:N")
    # A layer without a single point makes the browser complain.
    strays = [outside] if any(row["outside"] for row in rows) else []
    layers = [band, expected, moment, name, observed, *strays, points]
    return alt.layer(*layers).properties(width=width, height=HEIGHT)
