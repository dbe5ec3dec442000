"""What an outreach brought: those whom chance let us tell against those whom it held out, as they were drawn."""

from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import altair as alt
from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from makegood.engines.statistics.uplift import Uplift, uplift, uplift_of_means
from makegood.prevent.outreach.models import Outreach

FEWEST: Final = 10  # people in the smaller group: below that an interval says nothing that anybody should read
LABELS: Final = {
    "wrote": gettext_lazy("Wrote to us afterwards"),
    "wrote_elsewhere": gettext_lazy("Wrote, answers to our message left out"),
    "bought_30": gettext_lazy("Bought again within 30 days"),
    "bought_60": gettext_lazy("Bought again within 60 days"),
}
FEWER_IS_BETTER: Final = frozenset({"wrote", "wrote_elsewhere"})


class Measure(NamedTuple):
    """One share in both groups, and their difference."""

    name: str
    label: str
    told: int
    held_out: int
    effect: Uplift | None  # None: there are too few to compare

    @property
    def good(self) -> bool | None:
        """Whether it is known to be for the better or for the worse; None: not known."""
        if self.effect is None or not self.effect.known:
            return None
        return (self.effect.difference < 0) is (self.name in FEWER_IS_BETTER)


class Results(NamedTuple):
    since: datetime
    until: datetime
    told_n: int
    held_out_n: int
    measures: list[Measure]
    satisfaction: Uplift | None  # stars of reviews afterwards
    reviews: tuple[int, int]
    avoided: tuple[float, float, float] | None  # people who did not have to write: estimate, low, high
    replied: int


_SQL: Final = """
SELECT arm, count(*), count(*) FILTER (WHERE wrote), count(*) FILTER (WHERE wrote_elsewhere),
    count(*) FILTER (WHERE bought_at <= %(since)s + interval '30 days'),
    count(*) FILTER (WHERE bought_at <= %(since)s + interval '60 days'),
    coalesce(array_agg(stars) FILTER (WHERE stars IS NOT NULL), '{}'), count(*) FILTER (WHERE replied)
FROM (
    SELECT r.arm, heard.n > 0 AS wrote, heard.elsewhere > 0 AS wrote_elsewhere, heard.n > heard.elsewhere AS replied,
        (SELECT min(o.placed_at) FROM retail_order o
         WHERE o.customer_id = ANY(r.accounts) AND o.placed_at > %(since)s AND o.placed_at <= %(until)s) AS bought_at,
        (SELECT avg(v.score)::float FROM retail_review v
         WHERE v.customer_id = ANY(r.accounts) AND v.at > %(since)s AND v.at <= %(until)s) AS stars
    FROM outreach_recipient r CROSS JOIN LATERAL (
        SELECT count(*) AS n, count(*) FILTER (WHERE c.id IS DISTINCT FROM r.case_id) AS elsewhere
        FROM cases_case c JOIN cases_contact t ON t.case_id = c.id AND t.direction = 'in'
        WHERE c.customer_id = ANY(r.accounts) AND t.at > %(since)s AND t.at <= %(until)s
    ) AS heard
    WHERE r.outreach_id = %(outreach)s AND (r.arm = 'holdout' OR r.arm = 'told' AND r.state <> 'waiting')
) AS person
GROUP BY arm
"""


def results_of(outreach: Outreach, *, now: datetime) -> Results | None:
    """What became of both groups since the start; None before it. One SQL query.

    Everybody counts in the group that chance put them in, whether or not the message reached them (intention to treat);
    only whose turn has not come does not count yet, and the order of turns is chance as well.
    """
    if outreach.started_at is None:
        return None
    with connection.cursor() as cursor:
        cursor.execute(_SQL, {"outreach": outreach.pk, "since": outreach.started_at, "until": now})
        groups = {arm: rest for arm, *rest in cursor.fetchall()}
    nobody: list[Any] = [0, 0, 0, 0, 0, [], 0]
    told, held = groups.get("told", nobody), groups.get("holdout", nobody)
    enough = min(told[0], held[0]) >= FEWEST
    measures = [
        Measure(
            name, str(label), told[n], held[n], uplift(told[n], told[0], held[n], held[0]) if enough else None
        )
        for n, (name, label) in enumerate(LABELS.items(), start=1)
    ]  # fmt: skip
    stars = told[5], held[5]
    effect = measures[0].effect
    return Results(
        since=outreach.started_at, until=now, told_n=told[0], held_out_n=held[0], measures=measures,
        satisfaction=uplift_of_means(*stars) if min(map(len, stars)) >= FEWEST else None,
        reviews=(len(stars[0]), len(stars[1])),
        avoided=(-effect.difference * told[0], -effect.high * told[0], -effect.low * told[0]) if effect else None,
        replied=told[6],
    )  # fmt: skip


def complete_from(outreach: Outreach, days: int) -> datetime | None:
    """When a period after the start is over for everybody."""
    return outreach.started_at + timedelta(days=days) if outreach.started_at else None


def picture(results: Results) -> Any:
    """Each difference with its interval, in percentage points; left of zero: fewer of those who were told."""
    rows: list[dict[str, Any]] = [
        {"measure": it.label, "difference": it.effect.difference * 100, "low": it.effect.low * 100,
         "high": it.effect.high * 100}
        for it in results.measures if it.effect
    ]  # fmt: skip
    base = alt.Chart({"values": rows}).encode(
        y=alt.Y("measure:N", sort=[row["measure"] for row in rows], title=None, axis=alt.Axis(labelLimit=280))
    )
    x: dict[str, Any] = {"title": _("Told less held out, in percentage points"), "axis": alt.Axis(grid=True)}
    shown = [
        alt.Tooltip("measure:N", title=_("What")),
        *(alt.Tooltip(f"{name}:Q", title=word, format="+.1f")
          for name, word in (("difference", _("Difference")), ("low", _("From")), ("high", _("To")))),
    ]  # fmt: skip
    span = base.mark_rule(style="observed").encode(x=alt.X("low:Q", **x), x2="high:Q")
    point = base.mark_point(size=90).encode(x=alt.X("difference:Q", **x), tooltip=shown)
    zero = alt.Chart({"values": [{"zero": 0}]}).mark_rule(style="expected").encode(x="zero:Q")
    return alt.layer(zero, span, point).properties(
        width="container", height=max(80, 44 * len(rows)), padding={"bottom": 8}
    )


def reading(results: Results) -> str:
    """The picture in one sentence."""
    wrote = results.measures[0]
    if wrote.effect is None:
        return _("Too few people in one of the groups to compare: %(told)s told, %(held)s held out.") % {
            "told": results.told_n, "held": results.held_out_n}  # fmt: skip
    facts = {"told": f"{wrote.effect.treated:.1%}", "held": f"{wrote.effect.control:.1%}",
             "low": f"{wrote.effect.low * 100:+.1f}", "high": f"{wrote.effect.high * 100:+.1f}"}  # fmt: skip
    if wrote.good is None:
        return _("%(told)s of those told wrote to us, %(held)s of those held out; that may be chance (%(low)s to "
                 "%(high)s points).") % facts  # fmt: skip
    if wrote.good:
        return (
            _("Fewer of those told had to write to us: %(told)s against %(held)s (%(low)s to %(high)s points).") % facts
        )
    return _("More of those told wrote to us: %(told)s against %(held)s (%(low)s to %(high)s points).") % facts


def as_json(results: Results) -> dict[str, Any]:
    """For the API."""
    return {
        "since": results.since, "until": results.until, "told": results.told_n, "held_out": results.held_out_n,
        "replied": results.replied,
        "avoided": dict(zip(("estimate", "low", "high"), results.avoided, strict=True)) if results.avoided else None,
        "measures": [
            {"name": it.name, "told": it.told, "held_out": it.held_out,
             **({"difference": it.effect.difference, "low": it.effect.low, "high": it.effect.high}
                if it.effect else {"difference": None, "low": None, "high": None})}
            for it in results.measures
        ],
    }  # fmt: skip
