"""What an incident, or a look for its affected orders, cuts out of purchases and cases."""

from makegood.prevent.incidents.models import Incident, Snapshot
from makegood.prevent.slices import Predicate


def predicate_of(cut: Incident | Snapshot) -> Predicate:
    """Which purchases and cases are meant."""
    return Predicate(any_of=cut.any_of, since=cut.since, until=cut.until)
