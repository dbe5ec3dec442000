"""Cases to learn from: what a customer first told, and the reason that a person confirmed, set or resolved it with."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from makegood.engines.language import find_reason
from makegood.engines.language.features import Told
from makegood.recover.intake import opinions
from makegood.recover.intake.knowledge import Ask, known_at
from makegood.recover.intake.matching import Reading

AT_MOST = 50_000  # the newest: bounds memory and minutes
_AT_ONCE = 2000


class Example(NamedTuple):
    """A case to learn from, told as it was told when it opened."""

    case_id: UUID
    at: datetime
    reason: str
    told: Told
    by_rules: str  # what phrasebook and order say without anything learned; empty: nothing


def confirmed(*, until: datetime, at_most: int = AT_MOST) -> list[Example]:
    """The newest confirmed cases that a contact opened, oldest first. One SQL query and one for each 2,000 of them.

    Confirmed is the last reason that a person set or confirmed until then; without one, the reason with which a person
    resolved the case. Left out are duplicates, silent contacts and cases whose reason is not clear to anybody.
    """
    with connection.cursor() as cursor:
        cursor.execute(_CONFIRMED, [until, until, until, until, at_most])
        rows = cursor.fetchall()
    found: list[Example] = []
    for part in _parts(rows):
        asked = [Ask(order_id, at) for _, order_id, at, *_ in part if order_id]
        orders = iter(known_at(asked))
        for case_id, order_id, at, channel, language, subject, body, reason in part:
            text = opinions.words(subject, body)
            known = next(orders) if order_id else None
            reading = Reading(language, find_reason(text, language=language), ())
            told = opinions.telling(text, reading, known, channel=channel)
            rules = reading.finding.reason if reading.finding else opinions.of_order(known)
            found.append(Example(case_id, at, reason, told, rules))
    found.reverse()
    return found


def _parts(rows: Sequence[tuple[Any, ...]]) -> list[Sequence[tuple[Any, ...]]]:
    return [rows[n : n + _AT_ONCE] for n in range(0, len(rows), _AT_ONCE)]


_CONFIRMED = """
    WITH said AS (
        SELECT DISTINCT ON (e.case_id) e.case_id, coalesce(e.changes->>'reason_id', e.facts->>'confirmed')::bigint AS id
        FROM cases_caseevent e
        WHERE e.kind = 'reason' AND e.actor_id IS NOT NULL AND e.at <= %s
        ORDER BY e.case_id, e.seq DESC
    )
    SELECT c.id, c.order_id, first.at, first.channel, first.language, first.subject, first.body, r.code
    FROM cases_case c
    LEFT JOIN said ON said.case_id = c.id
    JOIN cases_reason r
      ON r.id = coalesce(said.id, CASE WHEN c.resolved_by_id IS NOT NULL AND c.resolved_at <= %s THEN c.reason_id END)
    JOIN LATERAL (
        SELECT t.at, t.channel, t.language, t.subject, t.body, t.direction FROM cases_contact t
        WHERE t.case_id = c.id AND t.at <= %s ORDER BY t.at, t.id LIMIT 1
    ) first ON first.at = c.opened_at AND first.direction = 'in'
    WHERE c.outcome <> 'duplicate' AND r.code <> 'other.unclear' AND c.opened_at <= %s
      AND btrim(first.subject || first.body) <> ''
    ORDER BY c.opened_at DESC, c.id DESC
    LIMIT %s
"""
