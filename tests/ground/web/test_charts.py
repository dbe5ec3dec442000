import json
import re
from pathlib import Path

import altair as alt
import pytest

from makegood.ground.web import charts

TOKENS = (Path(charts.__file__).parent / "static/web/tokens.css").read_text()


@pytest.mark.parametrize("name", charts.Colours._fields)
def test_charts_and_pages_share_their_colours(name):
    light, dark = re.search(rf"--{name}: light-dark\((#\w+), (#\w+)\)", TOKENS).groups()
    assert (getattr(charts.LIGHT, name), getattr(charts.DARK, name)) == (light, dark)


def test_no_label_can_leave_the_script_element():
    data = alt.Data(values=[{"name": "</script><b>&", "n": 1}])
    spec = charts.page_spec(alt.Chart(data).mark_bar().encode(x="name:N", y="n:Q"))
    assert "<" not in spec and "&" not in spec
    assert json.loads(spec)["spec"]["data"]["values"][0]["name"] == "</script><b>&"


def test_a_chart_becomes_a_picture_in_the_same_colours():
    picture = charts.svg(alt.Chart(alt.Data(values=[{"n": 1}])).mark_bar().encode(y="n:Q"))
    assert picture.startswith("<svg")
    assert charts.LIGHT.accent in picture
