"""Telling the commander and whoever hears of incidents like this one what happened, each once."""

from collections.abc import Callable, Mapping
from typing import Final

from django.db import connection
from django.utils.translation import gettext_noop

from makegood.ground.messages.notices import Word, notify_many
from makegood.ground.staff.models import User
from makegood.ground.web.language import translated as _
from makegood.prevent.incidents.models import Incident, IncidentEvent

Kind = IncidentEvent.Kind
TOLD: Final[Mapping[str, str]] = {
    Kind.DECLARED: gettext_noop("Incident I-%(number)s was declared: %(title)s."),
    Kind.SEVERITY: gettext_noop("I-%(number)s is graver than thought: %(title)s."),
    Kind.COMMANDER: gettext_noop("I-%(number)s was handed over: %(title)s."),
    Kind.UPDATE: gettext_noop("News of I-%(number)s, %(title)s: %(why)s"),
    Kind.CONTAINED: gettext_noop("I-%(number)s is contained: %(title)s. %(containment)s"),
    Kind.RESOLVED: gettext_noop("I-%(number)s is resolved: %(title)s."),
    Kind.REOPENED: gettext_noop("I-%(number)s is open again: %(title)s. %(why)s"),
}
"""Of what people are told, and how."""

# What a product or a store belongs to counts as named, too: who answers for a district hears of its stores.
_HEARS = """
WITH named (dimension, value) AS (
    SELECT * FROM unnest(%(dimensions)s::text[], %(values)s::text[])
), meant AS (
    SELECT * FROM named
    UNION SELECT 'district', p.parent_id::text FROM named n JOIN retail_place p ON p.id::text = n.value
        WHERE n.dimension = 'store' AND p.parent_id IS NOT NULL
    UNION SELECT 'category', p.category FROM named n JOIN retail_product p ON p.id::text = n.value
        WHERE n.dimension = 'product'
    UNION SELECT 'manufacturer', p.manufacturer_id::text FROM named n JOIN retail_product p ON p.id::text = n.value
        WHERE n.dimension = 'product' AND p.manufacturer_id IS NOT NULL
)
SELECT DISTINCT s.user_id FROM incidents_stakeholder s
WHERE s.dimension = '' OR EXISTS (
    SELECT FROM meant m WHERE m.dimension = s.dimension AND s.value IN ('', m.value))
"""


def hears_of(incident: Incident) -> list[User]:
    """Whoever hears of incidents like this one and works here, and its commander. Two SQL queries."""
    pairs = [(dimension, value) for dimension, values in incident.any_of.items() for value in values]
    with connection.cursor() as cursor:
        cursor.execute(_HEARS, {"dimensions": [name for name, _ in pairs], "values": [value for _, value in pairs]})
        ids = {row[0] for row in cursor.fetchall()}
    people = User.objects.filter(pk__in=ids | {incident.commander_id}, is_active=True)
    return list(people.order_by("first_name", "last_name", "username"))


def tell(incident: Incident, event: IncidentEvent) -> None:
    """Tell them of an event that people hear of, in its transaction; whoever did it knows already.

    The key names the event: however often it is told, one notice (and one mail) reaches each.
    """
    sentence = _sentence(event)
    if sentence is None:
        return
    facts = {"number": incident.number, "title": incident.title, "why": event.why, "containment": incident.containment}
    notify_many(
        [
            Word(
                to=user, key=f"incident:{incident.pk}:{event.seq}", text=_said(sentence, facts),
                link=f"/incidents/I-{incident.number}/", about=f"incident:{incident.pk}",
            )
            for user in hears_of(incident)
            if user.pk != event.actor_id
        ],
        now=event.at,
    )  # fmt: skip


def _said(sentence: str, facts: Mapping[str, object]) -> Callable[[], str]:
    return lambda: " ".join((_(sentence) % facts).split())


def _sentence(event: IncidentEvent) -> str | None:
    if event.kind == Kind.SEVERITY and not event.facts.get("raised"):
        return None
    return TOLD.get(event.kind)
