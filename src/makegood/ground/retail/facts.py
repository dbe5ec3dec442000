"""What the lake keeps of the retailer's world: orders by the month they were placed, shipments by the month promised.

Times are kept as they are; whether a parcel *was late* depends on when one asks, so that is left to the question.
Names of places, sellers and states are as they were when the order or shipment last changed.
"""

from datetime import datetime

import pyarrow as pa

from makegood.engines.lake.export import FactTable

MOMENT = pa.timestamp("us", tz="UTC")
MONEY = pa.decimal128(14, 2)


def _orders_changed(since: datetime) -> str:
    # Two index scans: order_changed and shipment_changed.
    return f"""
        SELECT id FROM retail_order WHERE changed_at >= '{since.isoformat()}'::timestamptz
        UNION SELECT order_id FROM retail_shipment WHERE changed_at >= '{since.isoformat()}'::timestamptz
    """


def _shipments_changed(since: datetime) -> str:
    return f"""
        SELECT id FROM retail_shipment WHERE changed_at >= '{since.isoformat()}'::timestamptz
        UNION SELECT s.id FROM retail_order o JOIN retail_shipment s ON s.order_id = o.id
              WHERE o.changed_at >= '{since.isoformat()}'::timestamptz
    """


ORDERS = FactTable(
    name="orders",
    schema=pa.schema(
        {
            "order_id": pa.string(), "source": pa.string(), "ref": pa.string(), "placed_at": MOMENT,
            "due_at": MOMENT, "cancelled_at": MOMENT, "channel": pa.string(), "status": pa.string(),
            "place_id": pa.string(), "place": pa.string(), "customer_state": pa.string(),
            "total": MONEY, "currency": pa.string(),
        }
    ),
    # due_at: the moment at which the purchase shows whether it went well: delivered, promised or called off, whichever
    # comes first; a purchase that was carried home is due at once.
    columns="""
        o.id::text, r.slug, o.ref, o.placed_at,
        coalesce(least(sent.first_at, o.promised_at, o.cancelled_at), o.placed_at), o.cancelled_at, o.channel, o.status,
        o.place_id::text, p.name, c.state, o.total, o.currency
    """,
    source="""
        retail_order o
        JOIN retail_source r ON r.id = o.source_id
        JOIN retail_customer c ON c.id = o.customer_id
        LEFT JOIN retail_place p ON p.id = o.place_id
        LEFT JOIN LATERAL (
            SELECT min(least(s.delivered_at, s.promised_at)) AS first_at FROM retail_shipment s WHERE s.order_id = o.id
        ) AS sent ON true
    """,
    key="o.id",
    month="o.placed_at",
    changed=_orders_changed,
)  # fmt: skip

SHIPMENTS = FactTable(
    name="shipments",
    schema=pa.schema(
        {
            "shipment_id": pa.string(), "order_id": pa.string(), "source": pa.string(), "place_id": pa.string(),
            "carrier": pa.string(), "seller": pa.string(), "seller_id": pa.string(), "from_state": pa.string(),
            "to_state": pa.string(), "placed_at": MOMENT, "handover_due_at": MOMENT, "handed_over_at": MOMENT,
            "promised_at": MOMENT, "delivered_at": MOMENT, "cancelled_at": MOMENT, "order_status": pa.string(),
        }
    ),
    columns="""
        s.id::text, o.id::text, r.slug, o.place_id::text, coalesce(carrier.name, ''), coalesce(seller.name, ''),
        coalesce(seller.id::text, ''), s.from_state, s.to_state, o.placed_at, s.handover_due_at, s.handed_over_at,
        s.promised_at, s.delivered_at, o.cancelled_at, o.status
    """,
    source="""
        retail_shipment s
        JOIN retail_order o ON o.id = s.order_id
        JOIN retail_source r ON r.id = s.source_id
        LEFT JOIN retail_vendor carrier ON carrier.id = s.carrier_id
        LEFT JOIN retail_vendor seller ON seller.id = s.seller_id
    """,
    key="s.id",
    month="coalesce(s.promised_at, s.delivered_at, o.placed_at)",
    changed=_shipments_changed,
)  # fmt: skip
