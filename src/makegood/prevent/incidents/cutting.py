"""What an incident, or a look for its affected orders, cuts out of purchases and cases."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import Max

from makegood.prevent.incidents.models import Incident, IncidentEvent, Snapshot
from makegood.prevent.incidents.replay import to_json
from makegood.prevent.slices import Predicate


def predicate_of(cut: Incident | Snapshot) -> Predicate:
    """Which purchases and cases are meant."""
    return Predicate(any_of=cut.any_of, since=cut.since, until=cut.until)


def merged_in(incident: Incident) -> list[dict[str, Any]]:
    """What the incidents that went into this one cut out, as a look keeps it. One SQL query."""
    merged = incident.merged.exclude(any_of={}).order_by("number")
    return [{name: to_json(value) for name, value in row.items()} for row in merged.values("any_of", "since", "until")]


def joining_by(incident: Incident) -> list[Predicate]:
    """By what cases join an incident by themselves: its own predicate, and those of incidents that were merged into it.

    Whoever changes what it cuts out after a merge decides for all of it: that merged one's predicate counts no longer.
    Nor does one that let nothing join before. One SQL query; three where others were merged into it.
    """
    own = [predicate_of(incident)] if incident.any_of else []
    merged = list(incident.merged.filter(joins=True).exclude(any_of={}).order_by("number"))
    if not merged:
        return own
    said = IncidentEvent.objects.filter(incident=incident)
    cut = said.filter(changes__has_any_keys=["any_of", "since", "until"]).aggregate(last=Max("seq"))["last"] or 0
    since = said.filter(kind=IncidentEvent.Kind.MERGED, seq__gt=cut).values_list("facts__from", flat=True)
    came = set(since)
    return own + [predicate_of(one) for one in merged if one.number in came]


def predicates_of(look: Snapshot) -> list[Predicate]:
    """All that a look is for: one of them suffices."""
    return [predicate_of(look), *map(_read, look.also)]


def _read(kept: Mapping[str, Any]) -> Predicate:
    since, until = (datetime.fromisoformat(kept[name]) if kept[name] else None for name in ("since", "until"))
    return Predicate(any_of=kept["any_of"], since=since, until=until)
