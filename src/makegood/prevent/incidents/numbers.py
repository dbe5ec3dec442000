"""The headline numbers of an incident: those of this room; others come by way of `extensions.numbers`."""

from makegood.ground.web.formats import rounded
from makegood.ground.web.language import translated as _
from makegood.prevent.incidents.extensions import Figure
from makegood.prevent.incidents.models import Incident
from makegood.prevent.incidents.queries.one import Cases


def own(incident: Incident, cases: Cases) -> list[tuple[int, Figure]]:
    """Observed, expected and excess, as (position, figure). What was expected only a signal knows."""
    note = _("%(count)s still open") % {"count": f"{cases.still_open:,}"}
    if cases.ours:
        note = _("%(ours)s opened by us, %(count)s still open") % {
            "ours": f"{cases.ours:,}", "count": f"{cases.still_open:,}"}  # fmt: skip
    found = [(10, Figure(_("Cases"), f"{cases.total:,}", note, f"/incidents/I-{incident.number}/cases"))]
    signal = incident.signal
    if signal:
        when_found = _("of %(count)s when it was found") % {"count": f"{signal.observed:,}"}
        found.append((20, Figure(_("Expected"), rounded(signal.expected), when_found)))
        between = _("%(low)s to %(high)s") % {"low": rounded(signal.excess_low), "high": rounded(signal.excess_high)}
        found.append((30, Figure(_("Beyond that"), rounded(signal.observed - signal.expected), between)))
    return found
