"""Are the probabilities true? Drawn once, for the page."""

from typing import Any

import altair as alt
from django.utils.translation import gettext as _

HEIGHT = 260


def calibration(bins: list[dict[str, Any]]) -> Any:
    """What was said against what came true, the same on the line. The larger a point, the more cases it tells of."""
    rows = [{"said": one["said"], "right": one["right"], "answers": one["answers"]} for one in bins]
    share = alt.Scale(domain=[0, 1])
    x = alt.X("said:Q", title=_("Probability that was said"), scale=share, axis=alt.Axis(format=".0%"))
    y = alt.Y("right:Q", title=_("Share that was right"), scale=share, axis=alt.Axis(format=".0%"))
    line = alt.Chart({"values": [{"said": 0, "right": 0}, {"said": 1, "right": 1}]})
    points = alt.Chart({"values": rows}).encode(
        x=x, y=y, tooltip=[
            alt.Tooltip("said:Q", title=_("Said"), format=".0%"),
            alt.Tooltip("right:Q", title=_("Right"), format=".0%"),
            alt.Tooltip("answers:Q", title=_("Cases")),
        ],
    )  # fmt: skip
    return alt.layer(
        line.mark_line(style="expected").encode(x=x, y=y),
        points.mark_circle(opacity=1).encode(size=alt.Size("answers:Q", legend=None, scale=alt.Scale(range=[30, 300]))),
    ).properties(width="container", height=HEIGHT)


def reading(figures: dict[str, Any]) -> str:
    """The chart in one sentence."""
    said = {"error": f"{100 * figures['calibration_error']:.1f}", "n": f"{figures['asked']:,}",
            "plain": f"{100 * figures['calibration_error_uncalibrated']:.1f}"}  # fmt: skip
    return (
        _(
            "Over %(n)s cases that it had not seen, probabilities were off by %(error)s percentage points on average; "
            "before calibration by %(plain)s."
        )
        % said
    )
