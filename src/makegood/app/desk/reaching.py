"""Valued customers whom something went wrong for lately, and with whom nobody has spoken since."""

import uuid
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple, Self
from urllib.parse import urlencode

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext_lazy

from makegood.recover.cases.triage import VALUED_TIERS

Places = list[uuid.UUID] | None
DAYS = (1, 3, 7, 14, 30)
KINDS = {
    "lost": gettext_lazy("Lost"), "overdue": gettext_lazy("Not delivered"), "late": gettext_lazy("Delivered late"),
    "cancelled": gettext_lazy("Cancelled"),
}  # fmt: skip
ROWS_A_PAGE = 50
_AT_ONCE = 1000


class Filters(NamedTuple):
    """What the address asks for."""

    days: int = 3
    kind: str = ""
    tier: str = ""

    @classmethod
    def read(cls, given: Mapping[str, str]) -> Self:
        """What makes no sense counts as nothing."""
        days = given.get("days", "")
        kind = given.get("kind", "")
        return cls(
            int(days) if days in map(str, DAYS) else cls._field_defaults["days"],
            kind if kind in KINDS else "",
            given.get("tier", "").replace("\0", "")[:40],
        )

    def address(self, **more: object) -> str:
        return "?" + urlencode({"days": self.days, "kind": self.kind, "tier": self.tier} | more)


class Cursor(NamedTuple):
    """Where the page before ended: value at stake, then order."""

    value: Decimal
    order_id: uuid.UUID

    def __str__(self) -> str:
        return f"{self.value}~{self.order_id}"

    @classmethod
    def read(cls, text: str) -> Self | None:
        """None for what is not one: the list then begins at the top."""
        value, _, order = text.partition("~")
        if not value.replace(".", "", 1).isdecimal() or len(value) > 15:  # noqa: PLR2004  numeric(14, 2)
            return None
        try:
            return cls(Decimal(value), uuid.UUID(order))
        except ValueError:
            return None


class Row(NamedTuple):
    """A failed order of a valued customer, the gravest of what failed with it."""

    order_id: uuid.UUID
    order_ref: str
    kind: str
    at: datetime
    value: Decimal
    currency: str
    customer_id: uuid.UUID
    customer: str
    email: str
    tier: str
    lifetime_value: Decimal | None
    carrier: str
    item: str
    case: int | None  # the open case about it


def page(
    filters: Filters, *, places: Places, now: datetime, after: Cursor | None = None, limit: int = ROWS_A_PAGE
) -> tuple[list[Row], Cursor | None]:
    """A page, the highest value at stake first, and where the next one starts. One SQL query."""
    with connection.cursor() as cursor:
        cursor.execute(_FRESH, {
            "since": now - timedelta(days=filters.days), "now": now, "kind": filters.kind, "tier": filters.tier,
            "tiers": sorted(VALUED_TIERS), "valued_from": settings.MAKEGOOD_VALUED_FROM, "places": places,
            "value": after and after.value, "order": after and after.order_id, "limit": limit + 1,
        })  # fmt: skip
        rows = [Row(*row) for row in cursor.fetchall()]
    shown = rows[:limit]
    return shown, Cursor(shown[-1].value, shown[-1].order_id) if len(rows) > limit else None


def every(filters: Filters, *, places: Places, now: datetime) -> Iterator[Row]:
    """All rows, for a file. One SQL query per thousand."""
    after = None
    while True:
        rows, after = page(filters, places=places, now=now, after=after, limit=_AT_ONCE)
        yield from rows
        if after is None:
            return


# What is fresh is found by four index scans (shipment_promised, shipment_late, tracking_lost, order_cancelled): as much
# as failed in those days, however many years of orders there are. Only then come the customers, of whom one in ten is
# valued, and only of those is asked whether anybody has spoken with the person since.
_FRESH = """
WITH fresh AS MATERIALIZED (
    SELECT s.order_id, s.carrier_id, 2 AS harm, 'overdue' AS kind, s.promised_at AS at, false AS called_off
    FROM retail_shipment s
    WHERE s.promised_at > %(since)s::timestamptz AND s.promised_at <= %(now)s::timestamptz
        AND coalesce(s.delivered_at > %(now)s::timestamptz, true)
    UNION ALL
    SELECT s.order_id, s.carrier_id, 3, 'late', s.delivered_at, false FROM retail_shipment s
    WHERE s.delivered_at > %(since)s::timestamptz AND s.delivered_at <= %(now)s::timestamptz
        AND s.delivered_at > s.promised_at
    UNION ALL
    SELECT s.order_id, s.carrier_id, 0, 'lost', t.at, false
    FROM retail_trackingevent t JOIN retail_shipment s ON s.id = t.shipment_id
    WHERE t.kind = 'lost' AND t.at > %(since)s::timestamptz AND t.at <= %(now)s::timestamptz
        AND s.delivered_at IS NULL
    UNION ALL
    SELECT o.id, NULL, 1, 'cancelled', o.cancelled_at, true FROM retail_order o
    WHERE o.cancelled_at > %(since)s::timestamptz AND o.cancelled_at <= %(now)s::timestamptz
), failed AS MATERIALIZED (
    SELECT DISTINCT ON (o.id) o.id, o.ref, f.kind, f.at, o.total, o.currency, o.customer_id, f.carrier_id
    FROM fresh f JOIN retail_order o ON o.id = f.order_id
    WHERE o.channel NOT IN ('store', 'pickup')
        AND (f.called_off OR o.status NOT IN ('cancelled', 'unavailable'))
        AND (f.kind <> 'overdue' OR o.status NOT IN ('delivered', 'returned'))
        AND (%(places)s::uuid[] IS NULL OR o.place_id = ANY(%(places)s::uuid[]))
    ORDER BY o.id, f.harm, f.at
), valued AS MATERIALIZED (
    SELECT f.*, coalesce(nullif(k.name, ''), k.ref) AS customer, k.email, k.loyalty_tier, k.lifetime_value
    FROM failed f
    JOIN retail_customer k ON k.id = f.customer_id
    LEFT JOIN cases_usual u ON u.source_id = k.source_id
    WHERE (lower(k.loyalty_tier) = ANY(%(tiers)s)
           OR k.lifetime_value >= coalesce(%(valued_from)s::numeric, u.valued_from))
        AND (%(kind)s = '' OR f.kind = %(kind)s) AND (%(tier)s = '' OR lower(k.loyalty_tier) = lower(%(tier)s))
        AND (%(value)s::numeric IS NULL OR (f.total, f.id) < (%(value)s::numeric, %(order)s::uuid))
), shown AS MATERIALIZED (
    SELECT * FROM valued f
    WHERE NOT EXISTS (
        SELECT FROM retail_person(f.customer_id) account
        JOIN cases_case c ON c.customer_id = account.id AND c.last_contact_at >= f.at)
    ORDER BY f.total DESC, f.id DESC LIMIT %(limit)s
)
SELECT f.id, f.ref, f.kind, f.at, f.total, f.currency, f.customer_id, f.customer, f.email, f.loyalty_tier,
       f.lifetime_value, coalesce(v.name, ''), coalesce(item.name, ''), open_case.number
FROM shown f
LEFT JOIN retail_vendor v ON v.id = f.carrier_id
LEFT JOIN LATERAL (
    SELECT p.name FROM retail_orderline l JOIN retail_product p ON p.id = l.product_id
    WHERE l.order_id = f.id ORDER BY l.position, l.id LIMIT 1) item ON true
LEFT JOIN LATERAL (
    SELECT c.number FROM cases_case c WHERE c.order_id = f.id AND c.resolved_at IS NULL
    ORDER BY c.opened_at DESC LIMIT 1) open_case ON true
ORDER BY f.total DESC, f.id DESC
"""
