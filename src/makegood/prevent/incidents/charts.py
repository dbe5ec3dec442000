"""The picture of an incident that no signal found: its cases over time, when it was declared and contained."""

from typing import Any

import altair as alt
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from makegood.prevent.incidents.models import Incident
from makegood.prevent.incidents.queries.one import Series
from makegood.prevent.slices_in_words import day

HEIGHT = 200
Chart = Any  # altair's operators return unions that its own functions do not take


def cases(incident: Incident, series: Series) -> Chart:
    """Cases by day or week, with the moments named that can be seen in them."""
    title = _("Cases a day") if series.days == 1 else _("Cases a week")
    rows = [{"at": f"{it.begins.isoformat()}T12:00:00Z", "observed": it.observed} for it in series.spans]
    x = alt.X("at:T", title=None, scale=alt.Scale(type="utc"), axis=alt.Axis(format="%-d %b", tickCount=8))
    most = max(it.observed for it in series.spans)
    y = alt.Y("observed:Q", title=title, axis=alt.Axis(format=",d", tickCount=min(most, 4)))
    base = alt.Chart({"values": rows}).encode(x=x, y=y)
    shown = [alt.Tooltip("at:T", title=_("From"), format="%-d %b %Y"), alt.Tooltip("observed:Q", title=title)]
    observed = base.mark_line(style="observed", interpolate="step")
    points = base.mark_point(opacity=0, size=120).encode(tooltip=shown)
    moments = [{"at": incident.declared_at.isoformat(), "name": _("declared")}]
    if incident.contained_at:
        moments.append({"at": incident.contained_at.isoformat(), "name": _("contained")})
    named = alt.Chart({"values": moments}).encode(x=x)
    names = named.mark_text(align="right", dx=-5, baseline="bottom").encode(y=alt.value(-4), text="name:N")
    layers = named.mark_rule(style="moment"), names, observed, points
    return alt.layer(*layers).properties(width="container", height=HEIGHT)


def reading(incident: Incident, series: Series) -> str:
    """The picture in one sentence."""
    count = sum(span.observed for span in series.spans)
    said = ngettext(
        "%(count)s case so far; declared on %(day)s.", "%(count)s cases so far; declared on %(day)s.", count
    )
    return said % {"count": f"{count:,}", "day": day(incident.declared_at)}
