"""What improvements add to the page of an incident: what is done about it, and what that brought."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from makegood.ground.asking import Question
from makegood.ground.staff.models import User
from makegood.ground.staff.rules import PERMISSIONS
from makegood.prevent.improvements.effects import percent
from makegood.prevent.improvements.models import State, Verdict
from makegood.prevent.incidents.models import Incident

# Those that answer a merged incident answer the one that goes on in its place, too.
_SQL = """
    SELECT json_agg(told ORDER BY told.number)::text FROM (
        SELECT DISTINCT ON (i.number) i.number, i.title, i.state, i.verdict, i.due_at, last.ratio
        FROM incidents_incident n
        JOIN improvements_improvement_incidents a ON a.incident_id = n.id
        JOIN improvements_improvement i ON i.id = a.improvement_id
        LEFT JOIN LATERAL (
            SELECT found->'ratio' AS ratio FROM improvements_look l
            WHERE l.improvement_id = i.id ORDER BY at DESC LIMIT 1
        ) AS last ON true
        WHERE n.id = %(incident)s OR n.merged_into_id = %(incident)s
    ) AS told
"""


def shown(incident: Incident, user: User, now: datetime) -> Question[Mapping[str, Any]]:
    """For the panel. No SQL statement of its own."""

    def read(found: str | None) -> Mapping[str, Any]:
        rows = json.loads(found or "null") or []
        return {
            "improvements": [
                row | {
                    "state_words": State(row["state"]).label, "verdict_words": Verdict(row["verdict"]).label,
                    "effect": percent(row["ratio"][0]) if row["ratio"] else "",
                    "late": row["state"] in (State.PLANNED, State.UNDER_WAY)
                    and datetime.fromisoformat(row["due_at"]) < now,
                }
                for row in rows
            ],
            "may_see_improvements": user.role in PERMISSIONS["improvements.see"],
            "owns_improvements": user.role in PERMISSIONS["improvements.own"],
        }  # fmt: skip

    return Question(_SQL, read, {"incident": incident.pk})
