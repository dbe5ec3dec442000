"""What failed for a person in a year: cases, and what the retailer's world knows to have failed without any case."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

import msgspec
from django.db import connection

from makegood.recover.cases.chain import Failing, Kind, chain_of, failing_in, kind_of

COUNTS_FOR: Final = timedelta(days=365)
# Orders are looked at that were placed up to so much earlier: what fails, fails some time after it was bought.
_PLACED_BEFORE: Final = timedelta(days=60)
# Whoever buys more than that in a year: the latest ones.
_ORDERS_AT_MOST: Final = 60
# A parcel that nobody has seen so long after its promised date is lost, whether its carrier says so or not: carriers
# take claims for loss after two to four weeks.
LOST_AFTER: Final = timedelta(days=21)
# Consumer law gives 14 days to pay back what came back (EU directive 2011/83, article 13; the UK's Regulation 34).
REFUND_WITHIN: Final = timedelta(days=14)


class Row(msgspec.Struct, frozen=True):
    """A case, or what retail knows of an order; of an order that failed both ways there are two rows."""

    at: datetime
    account: uuid.UUID
    order: uuid.UUID | None
    kind: str | None = None  # of retail
    reason: str | None = None  # of a case
    case: int | None = None
    turn: int | None = None
    seller: str = ""
    carrier: str = ""
    warehouse: str = ""
    hidden: bool = False


# Wants a CTE `asked` (n, customer_id, at, order_id: the order in question); gives `person` (n, at, id) and `failing` (n
# and the columns of Row). Nothing counts that lies after `at`. Each part is an index scan of one person's rows.
CTES: Final = f"""
person AS MATERIALIZED (
    SELECT asked.n, asked.at, asked.order_id, account.id
    FROM asked CROSS JOIN LATERAL retail_person(asked.customer_id) AS account
), told AS MATERIALIZED (
    SELECT p.n, c.number, c.order_id, c.customer_id, c.opened_at, c.reason_id, c.place_id
    FROM person p JOIN cases_case c ON c.customer_id = p.id AND c.opened_at <= p.at
        AND c.opened_at > p.at - interval '{COUNTS_FOR.days} days' AND c.outcome <> 'duplicate'
), bought AS (
    SELECT p.n, p.at AS asked_at, p.order_id AS asked_order, o.id, o.customer_id, o.place_id, o.placed_at,
           o.paid_at, o.cancelled_at, f.*,
           CASE WHEN f.sent AND f.known
                THEN row_number() OVER (PARTITION BY p.n, f.sent AND f.known ORDER BY o.placed_at, o.id) END AS turn
    FROM person p
    CROSS JOIN LATERAL (
        SELECT * FROM retail_order o
        WHERE o.customer_id = p.id AND o.placed_at <= p.at
            AND o.placed_at > p.at - interval '{(COUNTS_FOR + _PLACED_BEFORE).days} days'
        ORDER BY o.placed_at DESC LIMIT {_ORDERS_AT_MOST}
    ) o
    CROSS JOIN LATERAL (
        SELECT count(*) > 0 AND o.channel <> 'pickup' AS sent,
               bool_or(s.delivered_at <= p.at OR s.promised_at <= p.at) AS known,
               min(s.promised_at) FILTER (WHERE s.gone AND (s.said_lost
                   OR s.promised_at <= p.at - interval '{LOST_AFTER.days} days')) AS lost_at,
               min(s.promised_at) FILTER (WHERE s.gone OR s.late) AS late_at,
               (array_agg(s.carrier_id ORDER BY s.gone DESC, s.late DESC NULLS LAST, s.id))[1] AS carrier_id,
               (array_agg(s.seller_id ORDER BY s.gone DESC, s.late DESC NULLS LAST, s.id))[1] AS seller_id,
               (array_agg(s.warehouse_id ORDER BY s.gone DESC, s.late DESC NULLS LAST, s.id))[1] AS warehouse_id
        FROM (
            SELECT s.*, coalesce(s.delivered_at <= p.at AND s.delivered_at > s.promised_at, false)
                       AND o.channel <> 'pickup' AS late,
                   g.gone, g.gone AND EXISTS (
                       SELECT FROM retail_trackingevent t
                       WHERE t.shipment_id = s.id AND t.kind = 'lost' AND t.at <= p.at) AS said_lost
            FROM (
                -- what came later of any parcel shows that the order was not "delivered" yet: a status bears no time
                SELECT s.*, max(s.delivered_at) OVER () AS last FROM retail_shipment s WHERE s.order_id = o.id
            ) s CROSS JOIN LATERAL (
                SELECT coalesce(s.promised_at <= p.at, false) AND o.channel <> 'pickup'
                    AND coalesce(s.delivered_at > p.at,
                                 o.status NOT IN ('delivered', 'returned') OR coalesce(s.last > p.at, false))
                    AND NOT coalesce(o.cancelled_at <= p.at, o.status IN ('cancelled', 'unavailable')) AS gone) g
        ) s
    ) f
), failed AS (
    SELECT b.*, 'lost' AS kind, b.lost_at AS failed_at FROM bought b WHERE b.lost_at IS NOT NULL
    UNION ALL
    SELECT b.*, 'late', b.late_at FROM bought b WHERE b.late_at IS NOT NULL AND b.lost_at IS NULL
    UNION ALL
    SELECT b.*, 'cancelled', b.cancelled_at FROM bought b
    WHERE b.cancelled_at <= b.asked_at
        AND EXISTS (SELECT FROM retail_payment p WHERE p.order_id = b.id AND p.amount > 0
                    AND coalesce(p.paid_at, b.paid_at, b.placed_at) <= b.asked_at)
    UNION ALL
    SELECT b.*, 'refund', r.received_at + interval '{REFUND_WITHIN.days} days' FROM bought b
    JOIN retail_return r ON r.order_id = b.id AND r.status <> 'refused'
        AND r.received_at <= b.asked_at - interval '{REFUND_WITHIN.days} days'
        AND coalesce(r.refunded_at > b.asked_at, r.status <> 'refunded')
    UNION ALL  -- where it was bought and how it travelled, of what only a case tells of
    SELECT b.*, NULL, b.placed_at FROM bought b
    WHERE b.late_at IS NULL
        AND (b.id = b.asked_order OR EXISTS (SELECT FROM told WHERE told.n = b.n AND told.order_id = b.id))
), failing AS MATERIALIZED (
    SELECT f.n, f.failed_at AS at, f.customer_id AS account, f.id AS "order", f.kind, NULL::text AS reason,
           NULL::bigint AS "case", f.turn, coalesce(seller.name, '') AS seller, coalesce(carrier.name, '') AS carrier,
           coalesce(warehouse.name, '') AS warehouse, f.place_id
    FROM failed f
    LEFT JOIN retail_vendor seller ON seller.id = coalesce(f.seller_id, (
        SELECT l.seller_id FROM retail_orderline l WHERE l.order_id = f.id ORDER BY l.position, l.id LIMIT 1))
    LEFT JOIN retail_vendor carrier ON carrier.id = f.carrier_id
    LEFT JOIN retail_place warehouse ON warehouse.id = f.warehouse_id
    WHERE f.kind IS NULL OR f.failed_at > f.asked_at - interval '{COUNTS_FOR.days} days'
    UNION ALL
    SELECT t.n, t.opened_at, t.customer_id, t.order_id, NULL, r.code, t.number, NULL, '', '', '', t.place_id
    FROM told t JOIN cases_reason r ON r.id = t.reason_id
)"""
_COLUMNS = """'at', f.at, 'account', f.account, 'order', f."order", 'kind', f.kind, 'reason', f.reason,
    'case', f."case", 'turn', f.turn, 'seller', f.seller, 'carrier', f.carrier, 'warehouse', f.warehouse"""
# All of `failing` of one person as JSON, for a reader who sees %(places)s.
AS_JSON: Final = f"""coalesce((SELECT json_agg(json_build_object({_COLUMNS},
    'hidden', NOT coalesce(%(places)s::uuid[] IS NULL OR f.place_id = ANY(%(places)s::uuid[]), false)))
    FROM failing f), '[]')"""

_decode = msgspec.json.Decoder(list[Row]).decode


class Ask(NamedTuple):
    """A customer at a moment, and the failure in question: by its order, else by the number of its case."""

    customer_id: uuid.UUID
    at: datetime
    order_id: uuid.UUID | None
    kind: Kind
    number: int | None = None  # None: it has no case yet


def chains_until(asked: Sequence[Ask]) -> list[tuple[list[Failing], Failing | None]]:
    """What failed for each customer's person in the year until a moment, and which of it is the failure in question:
    it is part of the chain whether a case tells of it already or not. One SQL query, however many.
    """
    rows: list[list[Row]] = [[] for _ in asked]
    if asked:
        with connection.cursor() as cursor:
            cursor.execute(
                f"""
                WITH asked AS (
                    SELECT * FROM unnest(%s::uuid[], %s::timestamptz[], %s::uuid[])
                        WITH ORDINALITY AS a (customer_id, at, order_id, n)
                ), {CTES}
                SELECT f.n, json_agg(json_build_object({_COLUMNS}))::text FROM failing f GROUP BY f.n
                """,
                [[it.customer_id for it in asked], [it.at for it in asked], [it.order_id for it in asked]],
            )
            for n, found in cursor.fetchall():
                rows[n - 1] = _decode(found)
    for it, found in zip(asked, rows, strict=True):
        if it.number is None:
            found.append(Row(at=it.at, account=it.customer_id, order=it.order_id, kind=it.kind))
    return [read(found, it) for it, found in zip(asked, rows, strict=True)]


def read(rows: Sequence[Row], asked: Ask | None) -> tuple[list[Failing], Failing | None]:
    """The chain of one person from the rows that tell of it, and which of it is the failure in question."""
    of_retail = [row for row in rows if row.reason is None and (row.turn or row.seller or row.carrier)]
    ways = {row.order: row for row in of_retail}
    failings = []
    for row in rows:
        if row.kind is None and row.reason is None:
            continue
        way = ways.get(row.order, row) if row.order else row
        failings.append(
            Failing(
                kind=Kind(row.kind) if row.kind else kind_of(row.reason or ""), at=row.at, account=row.account,
                order=row.order, turn=way.turn, seller=way.seller, carrier=way.carrier, warehouse=way.warehouse,
                case=row.case, hidden=row.hidden,
            )
        )  # fmt: skip
    chain = chain_of(failings)
    if asked is None:
        return chain, None
    if asked.number:
        for it in chain:
            if it.case == asked.number:
                return chain, it
    return chain, failing_in(chain, kind=asked.kind, at=asked.at, order=asked.order_id)
