"""What other rooms show of incidents: the case page, a signal, the queue, the customer's own page."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.urls import reverse

from makegood.ground.asking import Question
from makegood.ground.staff.models import User
from makegood.ground.web.language import translated as _
from makegood.prevent.incidents.models import Incident
from makegood.prevent.incidents.queries.one import incident_of_case
from makegood.prevent.incidents.words import STATES
from makegood.prevent.signals.extensions import Offer
from makegood.prevent.signals.models import Signal
from makegood.recover.cases.extensions import Elsewhere
from makegood.recover.cases.queries.case import CaseDetail, Moment

# Which incident that goes on a row of the queue is of: "I-31". By the primary keys of both tables.
ROW_MARK: Final = """(
    SELECT 'I-' || i.number FROM incidents_incidentcase l JOIN incidents_incident i ON i.id = l.incident_id
    WHERE l.case_id = c.id AND i.state <> 'resolved')"""


def shown(case: CaseDetail, user: User, now: datetime) -> Question[Mapping[str, Any]]:  # noqa: ARG001  as every panel
    """What `_case_panel.html` needs."""
    return incident_of_case(case.id).then(lambda found: {"of_incident": found, "incident_states": STATES})


def told_on_case(moment: Moment) -> Elsewhere:
    """How the timeline of a case says that it joined an incident or left it."""
    number = moment.facts["incident"]
    did = moment.facts.get("did")
    if did == "left":
        does = _("took it out of incident")
    elif did == "moved":
        does = _("moved it to incident")
    else:
        does = _("put it into incident") if moment.actor else _("Joined incident")
    return Elsewhere(does, f"I-{number}", reverse("incidents:incident", args=[number]))


def offer(signal: Signal, user: User) -> Offer | None:
    """To declare a signal, or to go where it was declared. One SQL query."""
    first = Incident.objects.filter(signal=signal).values_list("number", flat=True).first()
    if first:
        return Offer(label=f"I-{first}", href=reverse("incidents:incident", args=[first]), kind="primary", key="d")
    if not user.has_perm("incidents.lead"):
        return None
    href = f"{reverse('incidents:declare')}?signal={signal.number}"
    return Offer(label=_("Declare an incident"), href=href, kind="primary", key="d")
