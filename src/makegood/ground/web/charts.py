"""How charts look: one theme with the colours of tokens.css, for pages (light and dark) and for files.

    chart = alt.Chart(...).mark_line(style="observed")
    page_spec(chart)   # for {{ ui.chart(spec, reading) }}
    svg(chart)         # for mail and files

Marks speak by style: `observed` (accent), `expected` and `band` (grey), `moment` (a named point in time), `broken`,
`kept`, `label` (text beside a line, instead of a legend).
"""

import json
from typing import Any, NamedTuple

import altair as alt
import vl_convert
from markupsafe import Markup


class Colours(NamedTuple):
    """What tokens.css says under the same names."""

    panel: str
    line: str
    edge: str
    faint: str
    muted: str
    text: str
    accent: str
    red: str
    amber: str
    green: str
    violet: str


LIGHT = Colours(
    panel="#ffffff", line="#e7e9ed", edge="#c9cdd6", faint="#a3a9b5", muted="#5a616d", text="#1b1e24",
    accent="#006c6c", red="#b7191c", amber="#865403", green="#1b6c3a", violet="#6741b1",
)  # fmt: skip
DARK = Colours(
    panel="#171a20", line="#262a33", edge="#3b414d", faint="#5f6675", muted="#9ba2af", text="#e7e9ed",
    accent="#72d0d0", red="#f98f87", amber="#efba64", green="#7fd497", violet="#bca9f7",
)  # fmt: skip
FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Helvetica Neue", Arial, sans-serif'


def theme(dark: bool) -> dict[str, Any]:
    """The Vega-Lite `config` of every chart."""
    c = DARK if dark else LIGHT
    return {
        "background": "transparent",
        "font": FONT,
        "view": {"stroke": None},
        "padding": {"left": 0, "top": 2, "right": 0, "bottom": 4},  # fonts of others reach lower than ours
        "axis": {
            "labelColor": c.muted, "labelFontSize": 12, "labelPadding": 6, "titleColor": c.muted, "titleFontSize": 12,
            "titleFontWeight": "normal", "grid": False, "gridColor": c.line, "domain": False, "ticks": False,
        },
        "axisY": {"grid": True, "tickCount": 4},
        "axisQuantitative": {"tickCount": 4},
        "legend": {
            "labelColor": c.muted, "titleColor": c.muted, "labelFontSize": 12, "titleFontSize": 12, "orient": "top",
        },
        "title": {"color": c.text, "fontSize": 14, "fontWeight": 600, "anchor": "start"},
        "header": {"labelColor": c.muted, "titleColor": c.muted, "labelFontSize": 12},
        "range": {
            "category": [c.accent, c.violet, c.amber, c.green, c.red, c.muted],
            "heatmap": [c.line, c.accent], "ramp": [c.line, c.accent], "diverging": [c.red, c.line, c.accent],
        },
        "mark": {"color": c.accent},
        "bar": {"color": c.accent, "cornerRadiusEnd": 2},
        "line": {"color": c.accent, "strokeWidth": 2, "strokeJoin": "round"},
        "point": {"color": c.accent, "filled": True, "size": 48, "opacity": 1},
        "rule": {"color": c.edge},
        "text": {"color": c.muted, "fontSize": 12},
        "style": {
            # `color`, not `stroke` or `fill`: only that is stronger than the colour of the kind of mark.
            "observed": {"color": c.accent, "strokeWidth": 2},
            "expected": {"color": c.faint, "strokeWidth": 1.5, "strokeDash": [4, 3]},
            "band": {"color": c.muted, "fillOpacity": 0.16, "strokeWidth": 0},
            "moment": {"color": c.violet, "strokeWidth": 1.5},
            "broken": {"color": c.red},
            "kept": {"color": c.green},
            "label": {"fill": c.muted, "fontSize": 12, "align": "left", "dx": 6, "baseline": "middle"},
        },
    }  # fmt: skip


def page_spec(chart: alt.Chart | alt.LayerChart | alt.VConcatChart | alt.HConcatChart | alt.FacetChart) -> Markup:
    """The chart with both themes as JSON that may stand in a script element."""
    spec = chart.to_dict()
    spec.pop("config", None)
    text = json.dumps({"spec": spec, "light": theme(False), "dark": theme(True)}, separators=(",", ":"))
    # Whatever a label says, it cannot close the element.
    return Markup(text.replace("<", "\\u003c").replace("&", "\\u0026"))  # noqa: S704  escaped for where it stands


def svg(chart: alt.TopLevelMixin, *, dark: bool = False) -> str:
    """The same chart as a picture for files and mail."""
    spec = {**chart.to_dict(), "config": theme(dark) | {"background": (DARK if dark else LIGHT).panel}}
    return str(vl_convert.vegalite_to_svg(spec))
