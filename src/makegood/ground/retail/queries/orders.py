"""One purchase with all that belongs to it."""

import uuid
from datetime import datetime
from decimal import Decimal

import msgspec

from makegood.ground.asking import Question, ask

# A page shows no more of each; nobody reads the rest on a screen, and one order must not fill it.
MOST_LINES = 100
MOST_SCANS = 60


class Line(msgspec.Struct, frozen=True):
    product: str
    ref: str
    category: str
    quantity: int
    unit_price: Decimal
    freight: Decimal
    batch: str
    seller: str | None
    warranty_months: int | None


class Paid(msgspec.Struct, frozen=True):
    method: str
    amount: Decimal
    at: datetime | None


class Scan(msgspec.Struct, frozen=True):
    at: datetime
    kind: str
    location: str
    description: str


class Parcel(msgspec.Struct, frozen=True):
    id: uuid.UUID
    ref: str
    tracking_number: str
    carrier: str | None
    seller: str | None
    warehouse: str | None
    from_state: str
    to_state: str
    handover_due_at: datetime | None
    handed_over_at: datetime | None
    promised_at: datetime | None
    delivered_at: datetime | None
    scans: list[Scan]


class Returned(msgspec.Struct, frozen=True):
    status: str
    reason: str
    product: str | None
    requested_at: datetime
    received_at: datetime | None
    refunded_at: datetime | None
    amount: Decimal


class Reviewed(msgspec.Struct, frozen=True):
    score: int
    title: str
    body: str
    at: datetime


class Purchase(msgspec.Struct, frozen=True):
    """An order with its lines (at most `MOST_LINES` of `line_count`), payments, parcels, returns and reviews."""

    id: uuid.UUID
    ref: str
    customer_id: uuid.UUID
    channel: str
    status: str
    place_id: uuid.UUID | None
    place: str | None
    placed_at: datetime
    paid_at: datetime | None
    promised_at: datetime | None
    cancelled_at: datetime | None
    total: Decimal
    currency: str
    line_count: int
    lines: list[Line]
    payments: list[Paid]
    parcels: list[Parcel]
    returns: list[Returned]
    reviews: list[Reviewed]


_decode = msgspec.json.Decoder(Purchase).decode

# One statement: six round trips would cost more than reading the rows.
_PURCHASE = f"""
SELECT json_build_object(
    'id', o.id, 'ref', o.ref, 'customer_id', o.customer_id, 'channel', o.channel, 'status', o.status,
    'place_id', o.place_id, 'place', (SELECT p.name FROM retail_place p WHERE p.id = o.place_id),
    'placed_at', o.placed_at, 'paid_at', o.paid_at, 'promised_at', o.promised_at, 'cancelled_at', o.cancelled_at,
    'total', o.total, 'currency', o.currency,
    'line_count', (SELECT count(*) FROM retail_orderline l WHERE l.order_id = o.id),
    'lines', coalesce((
        SELECT json_agg(json_build_object(
            'product', coalesce(nullif(p.name, ''), p.ref), 'ref', p.ref, 'category', p.category,
            'quantity', l.quantity, 'unit_price', l.unit_price, 'freight', l.freight, 'batch', l.batch,
            'seller', s.name, 'warranty_months', p.warranty_months) ORDER BY l.position, l.id)
        FROM (SELECT * FROM retail_orderline WHERE order_id = o.id ORDER BY position, id LIMIT {MOST_LINES}) l
        JOIN retail_product p ON p.id = l.product_id
        LEFT JOIN retail_vendor s ON s.id = l.seller_id), '[]'),
    'payments', coalesce((
        SELECT json_agg(json_build_object('method', y.method, 'amount', y.amount, 'at', y.paid_at)
                        ORDER BY y.paid_at, y.id)
        FROM retail_payment y WHERE y.order_id = o.id), '[]'),
    'parcels', coalesce((
        SELECT json_agg(json_build_object(
            'id', h.id, 'ref', h.ref, 'tracking_number', h.tracking_number, 'carrier', c.name, 'seller', s.name,
            'warehouse', w.name, 'from_state', h.from_state, 'to_state', h.to_state,
            'handover_due_at', h.handover_due_at, 'handed_over_at', h.handed_over_at,
            'promised_at', h.promised_at, 'delivered_at', h.delivered_at,
            'scans', coalesce((
                SELECT json_agg(json_build_object('at', t.at, 'kind', t.kind, 'location', t.location,
                                                  'description', t.description) ORDER BY t.at, t.id)
                FROM (SELECT * FROM retail_trackingevent WHERE shipment_id = h.id
                      ORDER BY at DESC, id DESC LIMIT {MOST_SCANS}) t), '[]')) ORDER BY h.id)
        FROM retail_shipment h
        LEFT JOIN retail_vendor c ON c.id = h.carrier_id
        LEFT JOIN retail_vendor s ON s.id = h.seller_id
        LEFT JOIN retail_place w ON w.id = h.warehouse_id
        WHERE h.order_id = o.id), '[]'),
    'returns', coalesce((
        SELECT json_agg(json_build_object(
            'status', r.status, 'reason', r.reason, 'product', p.name, 'requested_at', r.requested_at,
            'received_at', r.received_at, 'refunded_at', r.refunded_at, 'amount', r.amount) ORDER BY r.requested_at)
        FROM retail_return r
        LEFT JOIN retail_orderline l ON l.id = r.line_id
        LEFT JOIN retail_product p ON p.id = l.product_id
        WHERE r.order_id = o.id), '[]'),
    'reviews', coalesce((
        SELECT json_agg(json_build_object('score', v.score, 'title', v.title, 'body', v.body, 'at', v.at) ORDER BY v.at)
        FROM retail_review v WHERE v.order_id = o.id), '[]')
)::text
FROM retail_order o WHERE o.id = %(order)s
"""


def purchase(order_id: uuid.UUID) -> Purchase | None:
    """An order with everything that belongs to it; None where there is none. One SQL query."""
    return ask(purchase_of(order_id))


def purchase_of(order_id: uuid.UUID | None) -> Question[Purchase | None]:
    """The same, to be asked with others."""
    return Question(_PURCHASE, lambda found: _decode(found) if found else None, {"order": order_id})
