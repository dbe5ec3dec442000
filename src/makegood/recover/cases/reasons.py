"""The reason tree that a new installation starts with.

A retailer edits it under Settings; these rows are only planted where their code does not exist yet.
Codes are stable (reports and rules speak of them), names are what people read.
"""

from typing import NamedTuple


class DefaultReason(NamedTuple):
    code: str
    name: str
    severity: int  # 1 critical, 2 high, 3 normal, 4 low: the harm when nothing else is known
    queue: str  # slug of the queue that works it
    locus: str = ""  # fault locus, where the reason alone tells it


DEFAULT_QUEUES: dict[str, str] = {
    "delivery": "Delivery",
    "product": "Product and warranty",
    "money": "Orders and money",
    "store": "Store and service",
}

DEFAULT_REASONS: tuple[DefaultReason, ...] = (
    DefaultReason("delivery", "Delivery", 3, "delivery"),
    DefaultReason("delivery.not_received", "Not received", 2, "delivery"),
    DefaultReason("delivery.overdue", "Promised date passed, not delivered", 3, "delivery"),
    DefaultReason("delivery.late", "Delivered late", 4, "delivery"),
    DefaultReason("delivery.partial", "Part of the order missing", 3, "delivery"),
    DefaultReason("delivery.wrong_item", "Wrong item received", 3, "delivery"),
    DefaultReason("delivery.pickup", "Pick-up order not ready", 2, "store", "store"),
    DefaultReason("product", "Product", 3, "product"),
    DefaultReason("product.damaged", "Arrived damaged", 3, "product"),
    DefaultReason("product.faulty", "Faulty or stopped working", 2, "product", "product"),
    DefaultReason("product.not_as_described", "Not as described", 3, "product", "product_page"),
    DefaultReason("product.quality", "Poor quality or not genuine", 3, "product", "product"),
    DefaultReason("order", "Order", 3, "money"),
    DefaultReason("order.cancelled", "Cancelled after payment", 2, "money"),
    DefaultReason("order.unavailable", "Out of stock after payment", 2, "money", "warehouse"),
    DefaultReason("payment", "Payment", 2, "money", "payment"),
    DefaultReason("payment.refund", "Refund not received", 2, "money", "payment"),
    DefaultReason("payment.charge", "Wrong or double charge", 2, "money", "payment"),
    DefaultReason("return", "Return or exchange", 3, "money"),
    DefaultReason("return.handling", "Return or exchange not dealt with", 3, "money"),
    DefaultReason("store", "Store", 3, "store", "store"),
    DefaultReason("store.no_staff", "Nobody there to help", 3, "store", "store"),
    DefaultReason("store.price", "Price or label wrong", 3, "store", "store"),
    DefaultReason("store.checkout", "Slow checkout", 4, "store", "store"),
    DefaultReason("store.conduct", "How somebody was treated", 2, "store", "store"),
    DefaultReason("service", "Service", 3, "store"),
    DefaultReason("service.no_answer", "No answer from us", 2, "delivery"),
    DefaultReason("other", "Other", 3, "delivery"),
    DefaultReason("other.unclear", "Not clear yet", 3, "delivery"),
)

UNCLEAR = "other.unclear"
