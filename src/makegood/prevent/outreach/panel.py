"""What an incident's page says about its outreach."""

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from makegood.ground.asking import Question
from makegood.ground.staff.models import User
from makegood.ground.web.formats import money
from makegood.prevent.incidents.extensions import Figure
from makegood.prevent.incidents.models import Incident, IncidentEvent
from makegood.prevent.outreach.models import State

# Those of incidents that were merged into it are told with their number.
_ALL: Final = """
WITH outreach AS MATERIALIZED (
    SELECT o.id, o.number, o.state, o.currency,
        o.title || CASE WHEN i.id <> %(incident)s THEN ' (I-' || i.number || ')' ELSE '' END AS title
    FROM outreach_outreach o JOIN incidents_incident i ON i.id = o.incident_id
    WHERE i.id = %(incident)s OR i.merged_into_id = %(incident)s
)
SELECT json_build_object(
    'outreaches', json_agg(row_to_json(it) ORDER BY it.number DESC),
    -- Before a merge two may have told one person.
    'twice', CASE WHEN count(*) > 1 THEN (SELECT json_build_object(
            'people', count(*) - count(DISTINCT r.person),
            'told', count(*) FILTER (WHERE r.state IN ('sent', 'uncertain'))
                    - count(DISTINCT r.person) FILTER (WHERE r.state IN ('sent', 'uncertain')))
        FROM outreach JOIN outreach_recipient r ON r.outreach_id = outreach.id WHERE r.arm = 'told') END)::text
FROM (
    SELECT o.number, o.title, o.state, o.currency,
        count(r.id) FILTER (WHERE r.arm = 'told') AS people,
        count(r.id) FILTER (WHERE r.state IN ('sent', 'uncertain')) AS told,
        count(r.id) FILTER (WHERE r.state = 'holdout') AS held_out,
        count(r.id) FILTER (WHERE r.answer = 'accepted') AS accepted,
        coalesce(sum(r.amount) FILTER (WHERE r.answer = 'accepted'), 0)::text AS cost
    FROM outreach o LEFT JOIN outreach_recipient r ON r.outreach_id = o.id
    GROUP BY o.id, o.number, o.title, o.state, o.currency
) AS it
"""
DID: Final = {
    "started": ("send", gettext_lazy("%(outreach)s began: %(people)s people")),
    "stopped": ("octagon-x", gettext_lazy("%(outreach)s was stopped: %(told)s had left")),
    "resumed": ("play", gettext_lazy("%(outreach)s went on")),
    "added": ("user-plus", gettext_lazy("%(people)s people found since were added to %(outreach)s")),
    "ended": ("check", gettext_lazy("%(outreach)s ended")),
}


def _asked(incident: Incident) -> Question[dict[str, Any]]:
    def read(found: str | None) -> dict[str, Any]:
        told = json.loads(found or "{}")
        rows = [row | {"cost": Decimal(row["cost"])} for row in told["outreaches"] or []]
        return {"outreaches": rows, "twice": told["twice"] or {"people": 0, "told": 0}}

    return Question(_ALL, read, {"incident": incident.pk})


def shown(incident: Incident, user: User, now: datetime) -> Question[Mapping[str, Any]]:  # noqa: ARG001  as panels are asked
    """The outreaches of an incident and of those merged into it, the newest first."""
    return _asked(incident).then(
        lambda found: {"outreaches": found["outreaches"], "outreach_states": dict(State.choices)}
    )


def contacted(incident: Incident, user: User, now: datetime) -> Question[Figure | None]:  # noqa: ARG001
    """How many we told before they asked."""

    def figure(found: dict[str, Any]) -> Figure | None:
        counted = {name: sum(it[name] for it in found["outreaches"]) for name in ("told", "people")}
        told, people = (n - found["twice"][name] for name, n in counted.items())
        if not people:
            return None
        return Figure(_("Contacted"), f"{told:,}", _("of %(n)s to be told") % {"n": f"{people:,}"}, "#outreach")

    return _asked(incident).then(figure)


def cost(incident: Incident, user: User, now: datetime) -> Question[Figure | None]:  # noqa: ARG001
    """What people accepted so far, in the currency of the latest outreach."""

    def figure(found: dict[str, Any]) -> Figure | None:
        outreaches = found["outreaches"]
        if not outreaches:
            return None
        currency = outreaches[0]["currency"]
        total = sum((it["cost"] for it in outreaches if it["currency"] == currency), Decimal(0))
        n = sum(it["accepted"] for it in outreaches)
        return Figure(_("Cost"), money(total, currency), _("%(n)s accepted") % {"n": f"{n:,}"}, "#outreach")

    return _asked(incident).then(figure)


def told(event: IncidentEvent) -> tuple[str, str]:
    """An event of ours in the incident's timeline: icon and words."""
    icon, words = DID[event.facts["did"]]
    return icon, str(words) % event.facts
