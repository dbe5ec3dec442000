"""What was known about an order at a moment: nothing that happened later, whatever the mirror says by now."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection


class Ask(NamedTuple):
    """An order at a moment; of its shipments the given one, else the one that fared worst."""

    order_id: UUID
    at: datetime
    shipment_id: UUID | None = None


class Known(NamedTuple):
    """An order as it was known at a moment. Times that lay ahead are None."""

    at: datetime
    order_id: UUID
    order_ref: str
    channel: str
    customer: str
    loyalty_tier: str
    place_id: UUID | None
    place: str
    time_zone: str
    total: Decimal
    currency: str
    cancelled_at: datetime | None
    unavailable: bool
    shipment_id: UUID | None
    promised_at: datetime | None
    delivered_at: datetime | None
    handover_due_at: datetime | None
    handed_over_at: datetime | None
    carrier: str
    seller: str
    warehouse: str
    from_state: str
    to_state: str
    trouble: str
    trouble_at: datetime | None
    item: str
    category: str

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)

    @property
    def is_late(self) -> bool:
        return bool(self.promised_at and self.delivered_at and self.delivered_at > self.promised_at)

    @property
    def is_overdue(self) -> bool:
        return bool(
            self.promised_at and self.promised_at <= self.at and not self.delivered_at and not self.cancelled_at
        )


def known_at(asked: Sequence[Ask]) -> list[Known]:
    """What was known of each order at its moment, in the order asked. One SQL query."""
    if not asked:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            _KNOWN,
            [[a.order_id for a in asked], [a.shipment_id for a in asked], [a.at for a in asked]],
        )
        return [Known(*row[1:]) for row in cursor.fetchall()]


_KNOWN = """
    SELECT a.n, a.at, o.id, o.ref, o.channel, coalesce(nullif(k.name, ''), k.ref), k.loyalty_tier, o.place_id,
           coalesce(p.name, ''), coalesce(p.time_zone, src.time_zone), o.total, o.currency,
           CASE WHEN o.cancelled_at <= a.at THEN o.cancelled_at
                WHEN o.cancelled_at IS NULL AND o.status IN ('cancelled', 'unavailable') AND o.changed_at <= a.at
                THEN o.changed_at END,
           o.status = 'unavailable',
           s.id, coalesce(s.promised_at, o.promised_at), CASE WHEN s.delivered_at <= a.at THEN s.delivered_at END,
           s.handover_due_at,
           CASE WHEN s.handed_over_at <= a.at THEN s.handed_over_at ELSE scan.first_at END,
           coalesce(carrier.name, ''), coalesce(seller.name, ''), coalesce(warehouse.name, ''),
           coalesce(s.from_state, ''), coalesce(s.to_state, ''), coalesce(trouble.kind, ''), trouble.at,
           coalesce(item.name, ''), coalesce(item.category, '')
    FROM unnest(%s::uuid[], %s::uuid[], %s::timestamptz[]) WITH ORDINALITY AS a (order_id, shipment_id, at, n)
    JOIN retail_order o ON o.id = a.order_id
    JOIN retail_source src ON src.id = o.source_id
    JOIN retail_customer k ON k.id = o.customer_id
    LEFT JOIN retail_place p ON p.id = o.place_id
    LEFT JOIN LATERAL (
        SELECT * FROM retail_shipment s
        WHERE s.order_id = o.id AND (a.shipment_id IS NULL OR s.id = a.shipment_id)
        ORDER BY (s.promised_at <= a.at AND NOT coalesce(s.delivered_at <= s.promised_at, false)) DESC NULLS LAST,
                 s.promised_at, s.id
        LIMIT 1
    ) s ON true
    LEFT JOIN retail_vendor carrier ON carrier.id = s.carrier_id
    LEFT JOIN retail_place warehouse ON warehouse.id = s.warehouse_id
    LEFT JOIN LATERAL (
        SELECT min(t.at) AS first_at FROM retail_trackingevent t
        WHERE t.shipment_id = s.id AND t.at <= a.at AND t.kind IN ('accepted', 'in_transit', 'out_for_delivery')
    ) scan ON s.handed_over_at IS NULL
    LEFT JOIN LATERAL (
        SELECT t.kind, t.at FROM retail_trackingevent t
        WHERE t.shipment_id = s.id AND t.at <= a.at AND t.kind IN ('lost', 'exception')
        ORDER BY t.at DESC, t.id DESC LIMIT 1
    ) trouble ON true
    LEFT JOIN LATERAL (
        SELECT l.seller_id, coalesce(nullif(product.name, ''), product.category) AS name,
               product.category
        FROM retail_orderline l JOIN retail_product product ON product.id = l.product_id
        WHERE l.order_id = o.id ORDER BY l.position, l.id LIMIT 1
    ) item ON true
    LEFT JOIN retail_vendor seller ON seller.id = coalesce(s.seller_id, item.seller_id)
    ORDER BY a.n
"""
