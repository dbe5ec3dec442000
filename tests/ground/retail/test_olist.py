"""The real marketplace, with its known defects."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from makegood.ground.retail.models import Customer, Order, Payment, Reject, Review, Shipment, TrackingEvent
from makegood.ground.retail.services.importing import NothingToImport, import_olist
from tests.ground.retail.conftest import adds_up

pytestmark = pytest.mark.django_db

FILES = {
    "olist_customers_dataset": """customer_id,customer_unique_id,customer_zip_code_prefix,customer_city,customer_state
c1,person,01001,sao paulo,SP
c2,person,20000,rio de janeiro,RJ
c3,other,30000,belo horizonte,MG""",
    "olist_sellers_dataset": "seller_id,seller_zip_code_prefix,seller_city,seller_state\ns1,13023,campinas,SP\ns2,1,curitiba,PR",  # noqa: E501
    "product_category_name_translation": "product_category_name,product_category_name_english\nbeleza_saude,health_beauty",  # noqa: E501
    "olist_products_dataset": "product_id,product_category_name\np1,beleza_saude\np2,pc_gamer\np3,",
    "olist_orders_dataset": """order_id,customer_id,order_status,order_purchase_timestamp,order_approved_at,order_delivered_carrier_date,order_delivered_customer_date,order_estimated_delivery_date
o1,c2,delivered,2017-05-02 10:00:00,2017-05-02 11:00:00,2017-05-03 10:00:00,2017-05-10 10:00:00,2017-05-08 00:00:00
o2,c1,canceled,2017-06-01 10:00:00,,,,2017-06-20 00:00:00
o3,c9,created,2017-06-01 10:00:00,,,,2017-06-20 00:00:00""",  # noqa: E501
    "olist_order_items_dataset": """order_id,order_item_id,product_id,seller_id,shipping_limit_date,price,freight_value
o1,2,p2,s2,2017-05-05 10:00:00,10.00,1.00
o1,1,p1,s1,2017-05-04 10:00:00,20.00,2.50""",
    "olist_order_payments_dataset": """order_id,payment_sequential,payment_type,payment_installments,payment_value
o1,1,credit_card,1,33.50
o2,1,boleto,1,12.00""",
    "olist_order_reviews_dataset": """review_id,order_id,review_score,review_comment_title,review_comment_message,review_creation_date,review_answer_timestamp
r1,o1,1,,Atrasou,2017-05-11 00:00:00,2017-05-12 09:00:00
r1,o2,2,,,2017-06-21 00:00:00,
r2,o2,2,,,,""",  # noqa: E501
}


@pytest.fixture
def olist(tmp_path: Path) -> Path:
    for name, text in FILES.items():
        (tmp_path / f"{name}.csv").write_text(text + "\n")
    return tmp_path


def test_what_olist_says_in_our_words(olist, noon):
    imported = import_olist(directory=olist, now=noon)

    assert adds_up(imported)
    assert Customer.objects.get(ref="person").state == "RJ"  # of the first order, not the latest
    one = Order.objects.get(ref="o1")
    assert (one.total, one.channel, one.currency) == (Decimal("33.50"), "marketplace", "BRL")
    assert one.promised_at == datetime(2017, 5, 9, 2, 59, 59, tzinfo=UTC)  # the end of the day in Sao Paulo
    shipment = Shipment.objects.get(ref="o1")
    assert (shipment.seller.ref, shipment.from_state, shipment.to_state) == ("s1", "SP", "RJ")
    assert shipment.handover_due_at == datetime(2017, 5, 5, 13, 0, tzinfo=UTC)
    assert set(TrackingEvent.objects.values_list("ref", flat=True)) == {"o1:accepted", "o1:delivered"}
    assert one.lines.get(position=1).product.name == "Health beauty p1"
    cancelled = Order.objects.get(ref="o2")
    assert (cancelled.status, cancelled.cancelled_at, cancelled.total) == (
        "cancelled",
        cancelled.promised_at,
        Decimal(12),
    )
    assert set(Review.objects.values_list("ref", flat=True)) == {"r1:o1", "r1:o2"}
    assert {(reject.table, reject.reason) for reject in Reject.objects.all()} == {
        ("orders", "customer is missing."),
        ("shipments", "order o3 is not known: deliver it in orders, then submit this row again."),
        ("reviews", "The review has neither an answer time nor a creation date."),
    }


def test_again_changes_nothing(olist, noon):
    import_olist(directory=olist, now=noon)
    assert import_olist(directory=olist, now=noon).changed == 0


def test_missing_files_are_named(olist, noon):
    (olist / "olist_sellers_dataset.csv").unlink()
    with pytest.raises(NothingToImport, match="olist_sellers_dataset"):
        import_olist(directory=olist, now=noon)


def test_a_missing_column_and_a_broken_file_are_rejects(olist, noon):
    (olist / "olist_order_payments_dataset.csv").write_text("order_id,amount\no1,3\n")
    (olist / "olist_order_reviews_dataset.csv").write_bytes(b"\x89PNG\r\n")
    imported = import_olist(directory=olist, now=noon)
    assert adds_up(imported)
    assert Payment.objects.count() == 0
    assert imported.tables["payments"].rejected == 1
    assert imported.tables["reviews"].rejected == 1


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_nine_tables_are_accounted_for(shared_data, noon):
    imported = import_olist(directory=shared_data / "olist", now=noon)

    assert adds_up(imported)
    assert {name: c.new for name, c in imported.tables.items()} == {
        "vendors": 3095, "products": 32951, "customers": 96096, "orders": 99441, "shipments": 99441,
        "order_lines": 112650, "payments": 103886, "tracking_events": 194134, "reviews": 99212,
    }  # fmt: skip
    assert imported.rejects == 12  # reviews without any time
    again = import_olist(directory=shared_data / "olist", now=noon)
    assert again.changed == 0
    assert Reject.objects.count() == 12
