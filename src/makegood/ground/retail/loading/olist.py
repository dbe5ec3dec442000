"""The Olist marketplace in the words of the feed. What the nine files say, and what we make of it, is all here.

Decisions, because the data leaves them open:

- The customer is the person (`customer_unique_id`); the address is that of the first order, so that a replay knows
  nothing before its time. Lifetime value stays empty for the same reason.
- Every order has one shipment, sent by the seller of its first item. The promise is the end of the estimated day.
- A cancelled or unavailable order bears no time of that. It is taken as known when the promised day has passed: at the
  latest then, never too early.
- The total is price and freight of the items; an order without items is worth what was paid for it.
- Reviews count from the answer, else from the day they were asked for. One with neither is a reject.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import pyarrow as pa

from makegood.ground.retail.errors import NothingToImport
from makegood.ground.retail.feed import TABLES
from makegood.ground.retail.loading.checking import quoted
from makegood.ground.retail.loading.reading import LINE, Batch, Spoilt, Unreadable, read

if TYPE_CHECKING:
    from makegood.ground.retail.loading.loader import Import

TIME_ZONE: Final = "America/Sao_Paulo"
CURRENCY: Final = "BRL"
ROWS: Final = 32_768


class File(NamedTuple):
    """One of the nine: `into` is the table that its rows, also its rejects, are counted for."""

    name: str
    into: str
    columns: str


FILES: Final = {
    "customers": File(
        "olist_customers_dataset", "customers",
        "customer_id customer_unique_id customer_zip_code_prefix customer_city customer_state",
    ),
    "sellers": File("olist_sellers_dataset", "vendors", "seller_id seller_city seller_state"),
    "translation": File(
        "product_category_name_translation", "products", "product_category_name product_category_name_english",
    ),
    "products": File("olist_products_dataset", "products", "product_id product_category_name"),
    "orders": File(
        "olist_orders_dataset", "orders",
        "order_id customer_id order_status order_purchase_timestamp order_approved_at order_delivered_carrier_date "
        "order_delivered_customer_date order_estimated_delivery_date",
    ),
    "items": File(
        "olist_order_items_dataset", "order_lines",
        "order_id order_item_id product_id seller_id shipping_limit_date price freight_value",
    ),
    "payments": File(
        "olist_order_payments_dataset", "payments", "order_id payment_sequential payment_type payment_value",
    ),
    "reviews": File(
        "olist_order_reviews_dataset", "reviews",
        "review_id order_id review_score review_comment_title review_comment_message review_creation_date "
        "review_answer_timestamp",
    ),
}  # fmt: skip
LEFT_OUT: Final = "olist_geolocation"

# The estimate is a day; the promise holds until it ends.
PROMISED: Final = "left(order_estimated_delivery_date, 10) || ' 23:59:59'"

# Each query gives the fields of a feed table and `_line`, the row of the file it comes from. All values are text.
QUERIES: Final = {
    "vendors": ("sellers", f"""
        SELECT {LINE}, seller_id AS ref, 'seller' AS kind, 'Seller ' || left(seller_id, 8) AS name,
               seller_city AS city, seller_state AS state, 'BR' AS country
        FROM olist_sellers"""),
    "products": ("products", f"""
        SELECT p.{LINE}, product_id AS ref, category,
               coalesce(category, 'Product') || ' ' || left(product_id, 8) AS name
        FROM (SELECT p.*, coalesce(t.product_category_name_english, p.product_category_name) AS slug,
                     upper(slug[1]) || replace(slug[2:], '_', ' ') AS category
              FROM olist_products p LEFT JOIN olist_translation t USING (product_category_name)) p"""),
    "customers": ("customers", f"""
        SELECT c.{LINE}, customer_unique_id AS ref, customer_city AS city, customer_state AS state,
               customer_zip_code_prefix AS postal_code, 'BR' AS country
        FROM olist_customers c LEFT JOIN olist_orders o USING (customer_id)
        QUALIFY row_number() OVER (PARTITION BY customer_unique_id
                                   ORDER BY order_purchase_timestamp NULLS LAST, c.{LINE}) = 1"""),
    "orders": ("orders", f"""
        SELECT o.{LINE}, order_id AS ref, customer_unique_id AS customer, 'marketplace' AS channel,
               CASE order_status WHEN 'created' THEN 'placed' WHEN 'approved' THEN 'paid' WHEN 'invoiced' THEN 'paid'
                    WHEN 'processing' THEN 'paid' WHEN 'canceled' THEN 'cancelled' ELSE order_status END AS status,
               order_purchase_timestamp AS placed_at, order_approved_at AS paid_at, {PROMISED} AS promised_at,
               CASE WHEN order_status IN ('canceled', 'unavailable') THEN {PROMISED} END AS cancelled_at,
               coalesce(i.total, p.total, 0) AS total
        FROM olist_orders o LEFT JOIN olist_customers c USING (customer_id)
        LEFT JOIN (SELECT order_id, sum(TRY_CAST(price AS DECIMAL(14, 2)) + TRY_CAST(freight_value AS DECIMAL(14, 2)))
                   AS total FROM olist_items GROUP BY order_id) i USING (order_id)
        LEFT JOIN (SELECT order_id, sum(TRY_CAST(payment_value AS DECIMAL(14, 2))) AS total
                   FROM olist_payments GROUP BY order_id) p USING (order_id)"""),
    "shipments": ("orders", f"""
        SELECT o.{LINE}, order_id AS ref, order_id AS "order", i.seller, s.seller_state AS from_state,
               c.customer_state AS to_state, i.handover_due_at, order_delivered_carrier_date AS handed_over_at,
               {PROMISED} AS promised_at, order_delivered_customer_date AS delivered_at
        FROM olist_orders o LEFT JOIN olist_customers c USING (customer_id)
        LEFT JOIN (SELECT order_id, min_by(seller_id, TRY_CAST(order_item_id AS INTEGER)) AS seller,
                          max(shipping_limit_date) AS handover_due_at
                   FROM olist_items GROUP BY order_id) i USING (order_id)
        LEFT JOIN olist_sellers s ON s.seller_id = i.seller"""),
    "order_lines": ("items", f"""
        SELECT {LINE}, order_id || ':' || order_item_id AS ref, order_id AS "order", product_id AS product,
               seller_id AS seller, order_item_id AS position, price AS unit_price, freight_value AS freight
        FROM olist_items"""),
    "payments": ("payments", f"""
        SELECT p.{LINE}, order_id || ':' || payment_sequential AS ref, order_id AS "order", payment_type AS method,
               payment_value AS amount, o.order_approved_at AS paid_at
        FROM olist_payments p LEFT JOIN olist_orders o USING (order_id)"""),
    "tracking_events": ("orders", f"""
        SELECT {LINE}, order_id || ':' || kind AS ref, order_id AS shipment, kind, "at"
        FROM olist_orders UNPIVOT ("at" FOR kind IN (order_delivered_carrier_date AS accepted,
                                                   order_delivered_customer_date AS delivered))"""),
    "reviews": ("reviews", f"""
        SELECT r.{LINE}, review_id || ':' || order_id AS ref, c.customer_unique_id AS customer, order_id AS "order",
               review_score AS score, review_comment_title AS title, review_comment_message AS body, 'pt' AS language,
               coalesce(review_answer_timestamp, review_creation_date) AS "at",
               CASE WHEN "at" IS NULL THEN 'The review has neither an answer time nor a creation date.' END AS _reason
        FROM olist_reviews r LEFT JOIN olist_orders o USING (order_id)
        LEFT JOIN olist_customers c USING (customer_id)"""),
}  # fmt: skip


def find_files(directory: Path) -> dict[str, Path]:
    """The files that are read, plain or .gz.

    Raises
    ------
    NothingToImport
        The directory or a file is missing.
    """
    if not directory.is_dir():
        raise NothingToImport(f"{directory} is not a directory.")
    found = {}
    for key, file in FILES.items():
        for name in (f"{file.name}.csv", f"{file.name}.csv.gz"):
            if (directory / name).exists():
                found[key] = directory / name
    missing = [f"{file.name}.csv" for key, file in FILES.items() if key not in found]
    if missing:
        raise NothingToImport(f"{directory} is not the Olist data: {', '.join(missing)} (or .gz) missing.")
    return found


def load(loader: "Import", files: dict[str, Path]) -> list[str]:
    """Read the files into DuckDB, then bring in table by table; notes on what became of each file."""
    rows = {key: _read_file(loader, key, path) for key, path in files.items()}
    tables = {table.name: table for table in TABLES}
    # A cursor of its own: a result that is still being read does not survive another statement on its connection.
    with loader.db.cursor() as db:
        for name, (file, query) in QUERIES.items():
            batches = db.sql(f"SELECT * FROM ({query}) ORDER BY {LINE}").to_arrow_reader(ROWS)
            loader.load(tables[name], _batches(batches), file=files[file].name)
    return [
        f"{files['customers'].name}: {rows['customers']:,} rows, one per order, are fewer people: one customer each.",
        f"{files['translation'].name}: {rows['translation']:,} rows went into the categories of products.",
        f"{files['orders'].name}: orders also give shipments and tracking events.",
        f"{LEFT_OUT}: not needed, left out.",
    ]


def _batches(reader: pa.RecordBatchReader) -> Iterator[Batch]:
    for batch in reader:
        yield Batch(pa.Table.from_batches([batch]))


def _read_file(loader: "Import", key: str, path: Path) -> int:
    """One file into DuckDB as text; rows that cannot be split become rejects of the table they would have gone to."""
    file = FILES[key]
    table = next(table for table in TABLES if table.name == file.into)
    columns = file.columns.split()
    created = ", ".join(f"{quoted(column)} VARCHAR" for column in columns)
    loader.db.execute(f"CREATE TABLE olist_{key} ({created}, {LINE} BIGINT)")
    rows = 0
    batches = read(path)
    while True:
        try:
            batch = next(batches, None)
            if batch is None:
                return rows
            missing = [column for column in columns if column not in batch.rows.column_names]
            if missing:
                raise Unreadable(f"{path.name} has no column {', '.join(missing)}.")  # noqa: TRY301  one place for both
        except Unreadable as problem:
            loader.reject(table, path.name, [Spoilt(None, str(problem), "")])
            return rows
        if batch.spoilt:
            loader.reject(table, path.name, batch.spoilt)
        loader.db.register("batch", batch.rows)
        loader.db.execute(f"INSERT INTO olist_{key} SELECT {', '.join(map(quoted, columns))}, {LINE} FROM batch")
        loader.db.unregister("batch")
        rows += batch.rows.num_rows
