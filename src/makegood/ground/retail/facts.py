"""What the lake keeps of the retailer's world: orders by the month they were placed, shipments by the month promised,
and exposures, which say of each line of an order all that a failure could have in common with others.

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


def _lines_changed(since: datetime) -> str:
    # Three index scans: order_changed, shipment_changed and orderline_changed. Orders, as the lines of one go together.
    return f"""
        {_orders_changed(since)}
        UNION SELECT order_id FROM retail_orderline WHERE changed_at >= '{since.isoformat()}'::timestamptz
    """


def time_of_week(moment: str, zone: str) -> str:
    """SQL: a moment as people there would say it ("Sun afternoon"); null when either is."""
    there = f"({moment} AT TIME ZONE {zone})"
    return f"""to_char({there}, 'Dy') || ' ' || CASE
        WHEN extract(hour FROM {there}) < 9 THEN 'early' WHEN extract(hour FROM {there}) < 13 THEN 'morning'
        WHEN extract(hour FROM {there}) < 17 THEN 'afternoon' ELSE 'evening' END"""


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

# Dimensions have the names of prevent.slices; empty is what nobody knows. A line travels in the parcel of its seller,
# else in the first one of its order. An order without lines is one exposure of its own.
EXPOSURES = FactTable(
    name="exposures",
    schema=pa.schema(
        {
            # First, as rows are replaced by it: an order that gets its lines later is no exposure of its own any more.
            "order_id": pa.string(), "exposure_id": pa.string(), "customer_id": pa.string(), "source": pa.string(),
            "at": MOMENT, "carrier": pa.string(), "warehouse": pa.string(), "from_state": pa.string(),
            "to_state": pa.string(), "category": pa.string(), "product": pa.string(), "batch": pa.string(),
            "manufacturer": pa.string(), "seller": pa.string(), "store": pa.string(), "district": pa.string(),
            "channel": pa.string(), "how": pa.string(), "value": MONEY, "currency": pa.string(),
        }
    ),
    columns=f"""
        o.id::text AS order_id, coalesce(l.id, o.id)::text AS exposure_id, o.customer_id::text AS customer_id,
        r.slug AS source, o.placed_at AS at, coalesce(sent.carrier_id::text, '') AS carrier,
        coalesce(sent.warehouse_id::text, '') AS warehouse, coalesce(sent.from_state, '') AS from_state,
        coalesce(sent.to_state, '') AS to_state, coalesce(product.category, '') AS category,
        coalesce(l.product_id::text, '') AS product, coalesce(l.batch, '') AS batch,
        coalesce(product.manufacturer_id::text, '') AS manufacturer,
        coalesce(l.seller_id::text, sent.seller_id::text, '') AS seller,
        CASE p.kind WHEN 'store' THEN p.id::text ELSE '' END AS store,
        coalesce(CASE 'district' WHEN p.kind THEN p.id WHEN above.kind THEN above.id END::text, '') AS district,
        o.channel AS channel, {time_of_week("o.placed_at", "coalesce(p.time_zone, r.time_zone)")} AS how,
        least(coalesce(l.quantity * l.unit_price + l.freight, o.total), 999999999999.99)::numeric(14, 2) AS value,
        o.currency AS currency
    """,
    source="""
        retail_order o
        JOIN retail_source r ON r.id = o.source_id
        LEFT JOIN retail_orderline l ON l.order_id = o.id
        LEFT JOIN retail_product product ON product.id = l.product_id
        LEFT JOIN LATERAL (
            SELECT s.* FROM retail_shipment s WHERE s.order_id = o.id
            ORDER BY s.seller_id IS NOT DISTINCT FROM l.seller_id DESC, s.id LIMIT 1
        ) AS sent ON true
        LEFT JOIN retail_place p ON p.id = o.place_id
        LEFT JOIN retail_place above ON above.id = p.parent_id
    """,
    key="o.id",
    month="o.placed_at",
    changed=_lines_changed,
)  # fmt: skip
