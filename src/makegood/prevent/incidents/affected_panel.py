"""What the incident page says of affected orders: a panel that loads by itself, and a headline number."""

import json
from datetime import datetime

from makegood.ground.asking import Question
from makegood.ground.staff.models import User
from makegood.ground.web.language import translated as _
from makegood.prevent.incidents import affected_tasks, extensions  # noqa: F401  procrastinate learns of the jobs
from makegood.prevent.incidents.extensions import Figure
from makegood.prevent.incidents.models import Incident, IncidentEvent

_NUMBER = """
SELECT json_build_array(orders, customers)::text FROM incidents_snapshot
WHERE incident_id = %(incident)s AND finished_at IS NOT NULL ORDER BY at DESC LIMIT 1
"""


def number(incident: Incident, user: User, now: datetime) -> Question[Figure | None]:  # noqa: ARG001  as asked
    """How many orders it touched, as last counted."""

    def read(text: str | None) -> Figure | None:
        if text is None:
            return None
        orders, customers = json.loads(text)
        note = _("of %(customers)s customers") % {"customers": f"{customers:,}"}
        return Figure(_("Affected orders"), f"{orders:,}", note, "#affected")

    return Question(_NUMBER, read, {"incident": incident.pk})


def in_words(event: IncidentEvent) -> tuple[str, str]:
    """What a look for affected orders found."""
    said = [_("counted %(orders)s affected orders of %(customers)s customers")]
    if event.facts.get("added"):
        said.append(_("%(added)s of them new"))
    if event.facts.get("left"):
        said.append(_("%(left)s no longer"))
    return "scan-search", ", ".join(said) % {name: f"{count:,}" for name, count in event.facts.items()}


def join_in() -> None:
    """Once, when Django is ready."""
    extensions.panels.append(
        extensions.Panel(position=10, part="affected", template="incidents/_affected.html",
                         context=lambda *_asked: {})
    )  # fmt: skip
    extensions.numbers.append(extensions.Number(position=40, ask=number))
    extensions.told[IncidentEvent.Kind.AFFECTED] = in_words
