"""The route map with one more page, which shows a chart and nothing else."""

import altair as alt
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import path

from makegood.app.config import urls as ours
from makegood.ground.staff.access import signed_in
from makegood.ground.web.charts import page_spec

PAGE = """{% extends "web/base.html" %}{% import "web/components.html" as ui %}
{% block title %}Chart{% endblock %}{% block heading %}<h1>Chart</h1>{% endblock %}
{% block scripts %}{{ ui.chart_scripts() }}{% endblock %}
{% block main %}{% call ui.panel("Cases") %}{% call ui.chart(spec, "Cases doubled in week nine.") %}
<table class="table"><caption class="unseen">Cases</caption>
<tr><th scope="col">Week</th><th scope="col">Cases</th></tr><tr><td>9</td><td>40</td></tr></table>
{% endcall %}{% endcall %}{% endblock %}"""


@signed_in
def chart(request: HttpRequest) -> HttpResponse:
    weeks = alt.Data(
        values=[{"week": n, "cases": 20 + 20 * (n == 9), "low": 14, "high": 27, "name": "<b>"} for n in range(1, 11)]
    )
    base = alt.Chart(weeks).encode(x=alt.X("week:Q", title="Week"))
    layers = alt.layer(
        base.mark_area(style="band").encode(y="low:Q", y2="high:Q"),
        base.mark_line(style="observed").encode(y=alt.Y("cases:Q", title="Cases")),
        base.mark_point(style="broken")
        .transform_filter("datum.cases > datum.high")
        .encode(y="cases:Q", tooltip=["week:Q", "cases:Q"]),
    )
    page = engines["jinja2"].from_string(PAGE)
    return HttpResponse(page.render({"spec": page_spec(layers.properties(width="container", height=240))}, request))


urlpatterns = [*ours.urlpatterns, path("chart", chart)]
FOREIGN = ours.FOREIGN
