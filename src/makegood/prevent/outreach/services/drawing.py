"""Working out who is told what: people from affected orders, segment and offer, who is left out or held out."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from django.db import connection, transaction

from makegood.ids import uuid7
from makegood.prevent.outreach.deciding import Affected, offered, segment_for
from makegood.prevent.outreach.errors import NobodyAffected
from makegood.prevent.outreach.models import Outreach, Recipient, Remedy, Segment
from makegood.prevent.outreach.services.standing import lock_draft
from makegood.recover.commitments.when import zone_of

# Put right already: a case about the order ended well, or a refund was paid, since the incident began.
_SOLVED: Final = """(
    EXISTS (SELECT FROM cases_case c WHERE c.order_id = {order} AND c.outcome IN ('recovered', 'partly')
            AND c.resolved_at >= coalesce({since}, '-infinity'))
    OR EXISTS (SELECT FROM retail_return x WHERE x.order_id = {order}
               AND x.refunded_at >= coalesce({since}, '-infinity'))
)"""
_HIT: Final = f"""
WITH account AS MATERIALIZED (
    SELECT k.id, CASE
        WHEN k.person_ref = '' AND NOT EXISTS (
            SELECT FROM retail_personlink l WHERE k.id IN (l.a_id, l.b_id) AND l.ended_at IS NULL)
        THEN ARRAY[k.id] ELSE ARRAY(SELECT p.id FROM retail_person(k.id) p ORDER BY p.id) END AS accounts
    FROM (SELECT DISTINCT customer_id FROM incidents_affectedorder WHERE incident_id = %(incident)s) hit
    JOIN retail_customer k ON k.id = hit.customer_id
), hit AS (
    SELECT account.accounts[1] AS person, account.accounts, a.order_id, a.customer_id, a.value, a.currency,
        {_SOLVED.format(order="a.order_id", since="%(since)s::timestamptz")} AS solved,
        EXISTS (SELECT FROM cases_case c WHERE c.order_id = a.order_id AND c.channel > '') AS wrote
    FROM incidents_affectedorder a JOIN account ON account.id = a.customer_id
    WHERE a.incident_id = %(incident)s
), whole AS (
    -- A person whose orders were all put right keeps them: the list says why nobody writes.
    SELECT hit.*, every(solved) OVER (PARTITION BY person) AS all_solved FROM hit
), person AS (
    SELECT w.person, min(w.accounts) AS accounts, bool_or(w.wrote) AS wrote, sum(w.value) AS value,
        CASE WHEN min(w.currency) = max(w.currency) THEN min(w.currency) ELSE '' END AS currency,
        array_agg(w.order_id ORDER BY (k.email > '') DESC, w.value DESC, w.order_id) AS orders
    FROM whole w JOIN retail_customer k ON k.id = w.customer_id
    WHERE w.all_solved OR NOT w.solved
    GROUP BY w.person
)
SELECT p.person, p.accounts, o.customer_id, p.orders, p.value, p.currency, p.wrote, k.loyalty_tier, o.channel,
    coalesce(nullif(k.language, ''), (
        SELECT t.language FROM cases_case c JOIN cases_contact t ON t.case_id = c.id
        WHERE c.customer_id = k.id AND t.direction = 'in' AND t.language > '' ORDER BY t.at DESC LIMIT 1), ''),
    coalesce(l.time_zone, ''), k.country, s.time_zone
FROM person p
JOIN retail_order o ON o.id = p.orders[1]
JOIN retail_customer k ON k.id = o.customer_id
JOIN retail_source s ON s.id = k.source_id
LEFT JOIN retail_place l ON l.id = o.place_id
ORDER BY {{drawn}}
"""
# Chance, the same whenever it is asked: who is held out, and the order in which people are told.
_DRAWN: Final = "md5(%(outreach)s || {person}::text)"

# Why somebody among `outreach_recipient r` is not written to, as things stand; none: nothing is against it.
SUPPRESSED: Final = f"""
CASE
    WHEN NOT EXISTS (SELECT FROM retail_customer k WHERE k.id = r.customer_id AND k.email > '') THEN 'no_address'
    WHEN NOT o.is_recall AND EXISTS (SELECT FROM outreach_optout x WHERE x.customer_id = ANY(r.accounts))
        THEN 'opted_out'
    -- Of the same incident, or of one that is the same by now. Of two that run the earlier one has them, unless the
    -- other one told them before the incidents were merged.
    WHEN EXISTS (
        SELECT FROM incidents_incident same JOIN outreach_outreach oo ON oo.incident_id = same.id
        JOIN outreach_recipient rr ON rr.outreach_id = oo.id
        WHERE coalesce(same.merged_into_id, same.id) = coalesce(i.merged_into_id, i.id)
            AND oo.id <> o.id AND oo.started_at IS NOT NULL AND rr.person = r.person AND rr.arm > ''
            AND (o.started_at IS NULL OR (oo.started_at, oo.id) < (o.started_at, o.id) OR rr.message_id IS NOT NULL))
        THEN 'other_outreach'
    WHEN NOT o.is_recall AND EXISTS (
        SELECT FROM retail_payment p WHERE p.order_id = ANY(r.orders) AND lower(p.method) = 'chargeback')
        THEN 'dispute'
    WHEN NOT o.is_recall AND NOT EXISTS (
        SELECT FROM unnest(r.orders) AS still (id) WHERE NOT {_SOLVED.format(order="still.id", since="i.since")})
        THEN 'solved'
END
"""


@transaction.atomic
def draw(*, outreach_id: uuid.UUID, now: datetime) -> Outreach:
    """Work out who is told what, anew. A draft only; whoever changes the draft has to draw again.

    Chance decides by a hash of outreach and person: drawn again, the same people are held out. Of each segment the same
    share is held out. Seven SQL statements and a COPY, however many people.

    Raises
    ------
    OutreachNotFound, NotADraft
        Nothing is changed.
    NobodyAffected
        The incident has no affected orders written down.
    """
    outreach = lock_draft(outreach_id)
    segments = list(outreach.segments.all())
    Recipient.objects.filter(outreach=outreach).delete()
    with connection.cursor() as cursor:
        drawn = _DRAWN.format(person="p.person")
        asked = {"incident": outreach.incident_id, "since": outreach.incident.since, "outreach": str(outreach.pk)}
        cursor.execute(_HIT.format(drawn=drawn), asked)
        hit = cursor.fetchall()
        if not hit:
            raise NobodyAffected(outreach.incident.number)
        rows = [_row(outreach, segments, person) for person in hit]
        with cursor.copy(f"COPY outreach_recipient ({', '.join(_COLUMNS)}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        cursor.execute(
            f"""
            UPDATE outreach_recipient r SET state = 'left_out', arm = '', why = found.why FROM (
                SELECT r.id, {SUPPRESSED} AS why
                FROM outreach_recipient r JOIN outreach_outreach o ON o.id = r.outreach_id
                JOIN incidents_incident i ON i.id = o.incident_id
                WHERE r.outreach_id = %s
            ) AS found WHERE found.id = r.id AND found.why IS NOT NULL
            """,  # the first reason counts, whatever the segments say
            [outreach.pk],
        )
        cursor.execute(
            """
            UPDATE outreach_recipient r SET state = 'holdout', arm = 'holdout' FROM (
                SELECT id, row_number() OVER same AS nth, count(*) OVER (PARTITION BY segment_id) AS people
                FROM outreach_recipient WHERE outreach_id = %(outreach)s AND state = 'waiting'
                WINDOW same AS (PARTITION BY segment_id ORDER BY md5('held' || %(outreach)s::text || person::text))
            ) AS drawn WHERE drawn.id = r.id AND drawn.nth <= round(drawn.people * %(share)s::numeric / 100)
            """,
            {"outreach": outreach.pk, "share": outreach.holdout},
        )
    outreach.drawn_at, outreach.zones = now, sorted({row[_ZONE] for row in rows})
    outreach.save(update_fields=["drawn_at", "zones"])
    return outreach


_COLUMNS: Final = ("id", "outreach_id", "person", "accounts", "customer_id", "order_id", "orders", "value", "currency",
                   "segment_id", "language", "zone", "wrote", "amount", "arm", "state", "why", "opened",
                   "answer")  # fmt: skip
_ZONE: Final = _COLUMNS.index("zone")


def _row(outreach: Outreach, segments: Sequence[Segment], hit: tuple[Any, ...]) -> tuple[Any, ...]:
    person, accounts, customer, orders, value, currency, wrote, tier, channel, language, place, country, source = hit
    found = segment_for(segments, Affected(value, currency, tier, channel, language, wrote))
    why = "" if found else "no_segment"
    if found and found.remedy != Remedy.NONE and currency != outreach.currency:
        why = "currency"
    zone = zone_of(of_place=place, country=country, of_source=source).key
    return (
        uuid7(), outreach.pk, person, list(accounts), customer, orders[0], list(orders), value, currency,
        found.pk if found else None, language, zone, wrote, offered(found, value) if found and not why else 0,
        "" if why else Recipient.Arm.TOLD, "left_out" if why else "waiting", why, False, "",
    )  # fmt: skip
