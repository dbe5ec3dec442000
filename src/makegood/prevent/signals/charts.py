"""The chart of a signal: its cases over time, what was to be expected since it began, the moment it was found."""

from math import ceil
from typing import Any

import altair as alt
from django.utils.translation import gettext as _

from makegood.ground.web.formats import rounded
from makegood.prevent.signals.models import Signal
from makegood.prevent.signals.queries.one import Series
from makegood.prevent.slices_in_words import day

HEIGHT = 200
Chart = Any  # altair's operators return unions that its own functions do not take


def cases(signal: Signal, series: Series) -> Chart:
    """Cases of the slice by day or week, with the band to be expected since the onset and both moments named."""
    title = _("Cases a day") if series.days == 1 else _("Cases a week")
    onset = signal.since.date()
    rows = [
        {"at": f"{it.begins.isoformat()}T00:00:00Z", "observed": it.observed,
         **({"expected": it.expected, "lower": it.lower, "upper": it.upper} if it.begins >= onset else {})}
        for it in series.spans
    ]  # fmt: skip
    x = alt.X("at:T", title=None, scale=alt.Scale(type="utc"), axis=alt.Axis(format="%-d %b", tickCount=8))
    most = ceil(max(max(it.observed, it.upper) for it in series.spans))
    ticks = list(range(0, most + 1, max(1, most // 4)))
    y: dict[str, Any] = {"title": title, "axis": alt.Axis(format=",d", values=ticks)}
    base = alt.Chart({"values": rows}).encode(x=x)
    since = alt.Chart({"values": [row for row in rows if "expected" in row] or rows[-1:]}).encode(x=x)
    shown = [
        alt.Tooltip("at:T", title=_("From"), format="%-d %b %Y"), alt.Tooltip("observed:Q", title=title),
        alt.Tooltip("expected:Q", title=_("Expected"), format=".2f"),
    ]  # fmt: skip
    band = since.mark_area(style="band").encode(y=alt.Y("lower:Q", **y), y2="upper:Q")
    expected = since.mark_line(style="expected").encode(y=alt.Y("expected:Q", **y))
    observed = base.mark_line(style="observed", interpolate="step-after").encode(y=alt.Y("observed:Q", **y))
    points = base.mark_point(opacity=0, size=120).encode(y=alt.Y("observed:Q", **y), tooltip=shown)
    # Where there is no room for its name on the right.
    is_late = (series.spans[-1].begins - signal.raised_at.date()) * 5 < series.spans[-1].begins - series.spans[0].begins
    moments = [
        {"at": signal.since.isoformat(), "name": _("began"), "side": "left"},
        {"at": signal.raised_at.isoformat(), "name": _("found"), "side": "left" if is_late else "right"},
    ]
    named = alt.Chart({"values": moments}).encode(x=x)
    rules = named.mark_rule(style="moment")
    texts = [
        alt.Chart({"values": [it for it in moments if it["side"] == side]})
        .mark_text(align="right" if side == "left" else "left", dx=-5 if side == "left" else 5, baseline="bottom")
        .encode(x=x, y=alt.value(-4), text="name:N")
        for side in ("left", "right")
        if any(it["side"] == side for it in moments)
    ]
    return alt.layer(band, expected, rules, *texts, observed, points).properties(width="container", height=HEIGHT)


def reading(signal: Signal, series: Series) -> str:
    """The chart in one sentence."""
    values = {"observed": signal.observed, "expected": rounded(signal.expected), "since": day(signal.since),
              "found": day(signal.raised_at)}  # fmt: skip
    if series.is_empty:
        return _("The days of its cases are not known: they were judged before Makegood kept them.")
    return _("%(observed)s cases since %(since)s where %(expected)s were expected; found on %(found)s.") % values
