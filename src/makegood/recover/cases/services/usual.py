"""What is usual among customers: measured at night, so that a page need only read it."""

from datetime import datetime

from django.db import connection, transaction

from makegood.recover.cases.indicators import BANDS, CLAIMS
from makegood.recover.cases.queries.failings import COUNTS_FOR

VALUED_SHARE = 0.9  # customers above this share of all are valued


@transaction.atomic
def measure_usual(*, now: datetime) -> int:
    """Measure each source anew; returns how many. One SQL query, which reads a year of orders and all customers.

    Claims of an account are held against the orders of that account, as cheaply as that can be counted. Whoever
    measures last has the last word; both have counted the same.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH bought AS (
                SELECT o.source_id, o.customer_id, count(*) AS orders FROM retail_order o
                WHERE o.placed_at > %(since)s::timestamptz AND o.placed_at <= %(now)s::timestamptz GROUP BY 1, 2
            ), claimed AS (
                SELECT c.customer_id, count(*) AS claims FROM cases_case c JOIN cases_reason r ON r.id = c.reason_id
                WHERE c.opened_at > %(since)s::timestamptz AND c.opened_at <= %(now)s::timestamptz
                    AND c.channel > '' AND c.outcome <> 'duplicate' AND r.code = ANY(%(reasons)s)
                GROUP BY 1
            ), bands AS (
                SELECT b.source_id,
                       (SELECT max(f) FROM unnest(%(bands)s::int[]) AS f WHERE f <= b.orders) AS orders_from,
                       sum(b.orders) AS orders, sum(least(coalesce(c.claims, 0), b.orders)) AS claims
                FROM bought b LEFT JOIN claimed c ON c.customer_id = b.customer_id GROUP BY 1, 2
            )
            INSERT INTO cases_usual (source_id, measured_at, valued_from, claims)
            SELECT s.id, %(now)s::timestamptz, (
                       SELECT percentile_disc(%(share)s::float8) WITHIN GROUP (ORDER BY k.lifetime_value)
                       FROM retail_customer k WHERE k.source_id = s.id AND k.lifetime_value > 0),
                   coalesce((
                       SELECT jsonb_agg(jsonb_build_object('orders_from', b.orders_from, 'orders', b.orders,
                                                           'claims', b.claims) ORDER BY b.orders_from)
                       FROM bands b WHERE b.source_id = s.id), '[]')
            FROM retail_source s
            ON CONFLICT (source_id) DO UPDATE SET
                measured_at = excluded.measured_at, valued_from = excluded.valued_from, claims = excluded.claims
            """,
            {"now": now, "since": now - COUNTS_FOR, "reasons": sorted(CLAIMS), "bands": list(BANDS),
             "share": VALUED_SHARE},
        )  # fmt: skip
        return int(cursor.rowcount)
