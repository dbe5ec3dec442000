"""Working out who is told what: people from affected orders, segment and offer, who is left out or held out."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection, transaction

from makegood.prevent.incidents.models import AffectedOrder
from makegood.prevent.outreach.errors import NobodyAffected
from makegood.prevent.outreach.models import Outreach, Recipient, Segment, State
from makegood.prevent.outreach.services.standing import lock_draft
from makegood.recover.commitments.when import zone_of

# Put right already: a case about the order ended well, or a refund was paid, since the incident began.
_SOLVED: Final = """(
    EXISTS (SELECT FROM cases_case c WHERE c.order_id = {order} AND c.outcome IN ('recovered', 'partly')
            AND c.resolved_at >= coalesce({since}, '-infinity'))
    OR EXISTS (SELECT FROM retail_return x WHERE x.order_id = {order}
               AND x.refunded_at >= coalesce({since}, '-infinity'))
)"""
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


# Those whom it hit and who are not in it yet, one row a person, with what decides about them.
_PEOPLE: Final = f"""
WITH affected AS MATERIALIZED (
    SELECT a.order_id, a.customer_id, a.value, a.currency FROM incidents_affectedorder a
    WHERE a.incident_id = %(incident)s AND a.left_at IS NULL AND NOT EXISTS (
        SELECT FROM outreach_recipient x CROSS JOIN unnest(x.accounts) AS theirs (id)
        WHERE x.outreach_id = %(outreach)s AND theirs.id = a.customer_id)
), account AS MATERIALIZED (
    SELECT k.id, CASE
        WHEN k.person_ref = '' AND NOT EXISTS (
            SELECT FROM retail_personlink l WHERE k.id IN (l.a_id, l.b_id) AND l.ended_at IS NULL)
        THEN ARRAY[k.id] ELSE ARRAY(SELECT p.id FROM retail_person(k.id) p ORDER BY p.id) END AS accounts
    FROM (SELECT DISTINCT customer_id FROM affected) hit JOIN retail_customer k ON k.id = hit.customer_id
), hit AS (
    SELECT account.accounts[1] AS person, account.accounts, a.*,
        {_SOLVED.format(order="a.order_id", since="%(since)s::timestamptz")} AS solved,
        EXISTS (SELECT FROM cases_case c WHERE c.order_id = a.order_id AND c.channel > '') AS wrote
    FROM affected a JOIN account ON account.id = a.customer_id
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
), known AS (
    SELECT p.*, o.customer_id, k.loyalty_tier AS tier, o.channel, z.zone,
        coalesce(nullif(k.language, ''), (
            SELECT t.language FROM cases_case c JOIN cases_contact t ON t.case_id = c.id
            WHERE c.customer_id = k.id AND t.direction = 'in' AND t.language > '' ORDER BY t.at DESC LIMIT 1), '')
        AS language
    FROM person p
    JOIN retail_order o ON o.id = p.orders[1]
    JOIN retail_customer k ON k.id = o.customer_id
    JOIN retail_source s ON s.id = k.source_id
    LEFT JOIN retail_place l ON l.id = o.place_id
    JOIN unnest(%(of_place)s::text[], %(country)s::text[], %(of_source)s::text[], %(zone)s::text[])
        AS z (of_place, country, of_source, zone)
        ON (z.of_place, z.country, z.of_source) = (coalesce(l.time_zone, ''), k.country, s.time_zone)
    WHERE NOT EXISTS (  -- by an account that was theirs then
        SELECT FROM outreach_recipient x WHERE x.outreach_id = %(outreach)s AND x.person = ANY(p.accounts))
)
"""
_ZONES: Final = """
SELECT DISTINCT coalesce(l.time_zone, ''), k.country, s.time_zone
FROM incidents_affectedorder a
JOIN retail_order o ON o.id = a.order_id
JOIN retail_customer k ON k.id = o.customer_id
JOIN retail_source s ON s.id = k.source_id
LEFT JOIN retail_place l ON l.id = o.place_id
WHERE a.incident_id = %s AND a.left_at IS NULL
"""
# What a segment `s` offers to a person `r`: what it costs should they accept. A percentage never more than its cap, a
# refund never more than what was hit.
_OFFERED: Final = """
CASE s.remedy WHEN 'none' THEN 0 WHEN 'replacement' THEN r.value WHEN 'refund' THEN least(r.value, {sum}) ELSE {sum} END
""".format(sum="coalesce(s.amount, least(round(r.value * s.percent / 100, 2), s.cap))")
_DRAW: Final = f"""
{_PEOPLE}, r AS (
    SELECT known.*, {{segment}} AS segment_id FROM known
), judged AS (
    -- The first reason counts, whatever the segments say.
    SELECT r.*, {_OFFERED} AS amount, coalesce({SUPPRESSED}, CASE
        WHEN r.segment_id IS NULL THEN 'no_segment'
        WHEN s.remedy <> 'none' AND r.currency <> o.currency THEN 'currency' END, '') AS why
    FROM r JOIN outreach_outreach o ON o.id = %(outreach)s JOIN incidents_incident i ON i.id = o.incident_id
    LEFT JOIN outreach_segment s ON s.id = r.segment_id
), before AS (
    SELECT segment_id, count(*) AS people, count(*) FILTER (WHERE arm = 'holdout') AS held
    FROM outreach_recipient WHERE outreach_id = %(outreach)s AND arm > '' GROUP BY segment_id
), chosen AS (
    -- Chance, the same whenever it is asked: of each segment the same share is held out, whoever came later included.
    SELECT judged.*, why = '' AND row_number() OVER same
        <= round((count(*) OVER (PARTITION BY judged.segment_id, why = '') + coalesce(before.people, 0))
                 * %(share)s::numeric / 100) - coalesce(before.held, 0) AS held_out
    FROM judged LEFT JOIN before ON before.segment_id = judged.segment_id
    WINDOW same AS (
        PARTITION BY judged.segment_id, why = '' ORDER BY md5('held' || %(outreach)s::text || person::text))
), told AS (
    INSERT INTO outreach_recipient (id, outreach_id, person, accounts, customer_id, order_id, orders, value, currency,
        segment_id, language, zone, wrote, amount, arm, state, why, opened, answer)
    SELECT makegood_uuid7(), %(outreach)s, person, accounts, customer_id, orders[1], orders, value, currency,
        segment_id, language, zone, wrote, CASE WHEN why = '' THEN amount ELSE 0 END,
        CASE WHEN why > '' THEN '' WHEN held_out THEN 'holdout' ELSE 'told' END,
        CASE WHEN why > '' THEN 'left_out' WHEN held_out THEN 'holdout' ELSE 'waiting' END, why, false, ''
    FROM chosen ORDER BY md5(%(outreach)s::text || person::text)
    RETURNING zone
)
SELECT coalesce(array_agg(DISTINCT zone ORDER BY zone), '{{{{}}}}') FROM told
"""
LEFT_AFTER: Final = timedelta(minutes=2)


@transaction.atomic
def ask_to_draw(*, outreach_id: uuid.UUID, now: datetime) -> Outreach:
    """Have it worked out who is told: a job enqueued with the transaction. Until it is done, nothing can be started.

    Raises OutreachNotFound, NotADraft; NobodyAffected where the incident has no affected orders written down.
    """
    outreach = lock_draft(outreach_id)
    if not AffectedOrder.objects.filter(incident=outreach.incident_id, left_at=None).exists():
        raise NobodyAffected(outreach.incident.number)
    outreach.drawn_at, outreach.draw_asked_at = None, now
    outreach.save(update_fields=["drawn_at", "draw_asked_at"])
    _have_drawn(outreach.pk)
    return outreach


def draw_what_was_asked(*, outreach_id: uuid.UUID, now: datetime) -> bool:
    """Draw, if somebody still waits for it; whether it was done.

    One transaction that holds the row: a worker that dies leaves it asked for, and two at once draw once.
    """
    with transaction.atomic():
        waits = Outreach.objects.select_for_update().filter(pk=outreach_id, state=State.DRAFT)
        if not waits.filter(draw_asked_at__isnull=False).exists():
            return False
        try:
            draw(outreach_id=outreach_id, now=now)
        except NobodyAffected:  # since it was asked for, the incident came to mean something else
            Outreach.objects.filter(pk=outreach_id).update(draw_asked_at=None)
            return False
    return True


def take_up_draws(*, now: datetime) -> int:
    """Have drawn what a killed worker left; the number of such. An index scan of what waits."""
    left = Outreach.objects.filter(draw_asked_at__lt=now - LEFT_AFTER, state=State.DRAFT)
    found = list(left.values_list("pk", flat=True))
    for pk in found:
        _have_drawn(pk)
    return len(found)


def _have_drawn(outreach_id: uuid.UUID) -> None:
    from makegood.prevent.outreach.tasks import draw as job  # noqa: PLC0415  tasks call this module

    job.defer(outreach=str(outreach_id))


@transaction.atomic
def draw(*, outreach_id: uuid.UUID, now: datetime) -> Outreach:
    """Work out who is told what, anew. A draft only; whoever changes the draft has to draw again.

    Chance decides by a hash of outreach and person: drawn again, the same people are held out. Of each segment the same
    share is held out. Six SQL statements, however many people.

    Raises
    ------
    OutreachNotFound, NotADraft
        Nothing is changed.
    NobodyAffected
        The incident has no affected orders written down.
    """
    outreach = lock_draft(outreach_id)
    Recipient.objects.filter(outreach=outreach).delete()
    outreach.zones = take_in(outreach)
    if not outreach.zones:
        raise NobodyAffected(outreach.incident.number)
    outreach.drawn_at, outreach.draw_asked_at = now, None
    outreach.save(update_fields=["drawn_at", "draw_asked_at", "zones"])
    return outreach


def take_in(outreach: Outreach) -> list[str]:
    """Work out the same for those affected who are not among its people, whose row is held; the time zones of those
    that are new. Two SQL statements, however many people.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ZONES, [outreach.incident_id])
        places = cursor.fetchall()
        if not places:
            return []
        of_place, country, of_source = (list(column) for column in zip(*places, strict=True))
        zones = [zone_of(of_place=p, country=c, of_source=s).key for p, c, s in places]
        segment, values = _segment(list(outreach.segments.all()))
        cursor.execute(_DRAW.format(segment=segment), values | {
            "incident": outreach.incident_id, "since": outreach.incident.since, "outreach": outreach.pk,
            "share": outreach.holdout, "of_place": of_place, "country": country, "of_source": of_source, "zone": zones,
        })  # fmt: skip
        [new] = cursor.fetchone()
    return list(new)


# A rule of a segment's filter, and how a person of `known` passes it.
_RULES: Final = {
    "tiers": "lower(tier) = ANY({}::text[])", "channels": "channel = ANY({}::text[])",
    "languages": "language = ANY({}::text[])", "wrote": "wrote = ({}::text = 'wrote')",
    "value_from": "value >= {}::numeric", "value_below": "value < {}::numeric",
}  # fmt: skip


def _segment(segments: Sequence[Segment]) -> tuple[str, dict[str, Any]]:
    """The first segment whose rules all hold, as SQL with its parameters; without rules it is for everybody."""
    branches, values = [], {}
    for n, segment in enumerate(segments):
        conditions = []
        for name, rule in _RULES.items():
            if told := segment.who.get(name):
                conditions.append(rule.format(f"%(s{n}_{name})s"))
                values[f"s{n}_{name}"] = [tier.lower() for tier in told] if name == "tiers" else told
        branches.append(f"WHEN {' AND '.join(conditions) or 'true'} THEN %(s{n})s::uuid")
        values[f"s{n}"] = segment.pk
    return f"CASE {' '.join(branches)} END" if branches else "NULL::uuid", values
