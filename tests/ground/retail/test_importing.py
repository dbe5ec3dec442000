"""What an import promises: every row is accounted for, twice is once, a dead import is resumed, two do not collide."""

import threading
from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from makegood.ground.retail.loading import writing
from makegood.ground.retail.models import Customer, ImportRun, Order, Payment, Place, Reject, Source
from makegood.ground.retail.services.importing import NothingToImport, import_feed
from tests.ground.retail.conftest import adds_up, as_csv, as_ndjson, customer, order, payment

pytestmark = pytest.mark.django_db


def test_rows_come_in_with_their_references(deliver):
    imported = deliver({"customers.csv": [customer()], "orders.ndjson": [order()], "payments.csv": [payment()]})

    assert {name: c.new for name, c in imported.tables.items()} == {"customers": 1, "orders": 1, "payments": 1}
    paid = Payment.objects.select_related("order__customer").get()
    assert (paid.order.customer.ref, paid.amount, paid.order.currency) == ("K1", Decimal("20.00"), "GBP")


def test_the_same_twice_changes_nothing_and_says_so(deliver):
    files = {"customers.csv": [customer("K1"), customer("K2")], "orders.csv": [order("O1"), order("O2", total="bad")]}
    deliver(files)
    before = list(Order.objects.values())

    again = deliver(files)

    assert again.changed == 0
    assert again.tables["customers"].same == 2
    assert list(Order.objects.values()) == before
    assert Reject.objects.count() == 1  # what was said on the same row of the same file is not said twice


def test_what_differs_is_changed_and_only_that_is_marked(deliver):
    deliver({"customers.csv": [customer("K1"), customer("K2")]})
    Customer.objects.update(changed_at="2020-01-01T00:00Z")

    imported = deliver({"customers.csv": [customer("K1", name="Maria"), customer("K2")]})

    assert (imported.tables["customers"].changed, imported.tables["customers"].same) == (1, 1)
    assert Customer.objects.get(ref="K1").name == "Maria"
    assert Customer.objects.get(ref="K1").changed_at.year > 2020
    assert Customer.objects.get(ref="K2").changed_at.year == 2020


def test_references_belong_to_their_source(deliver):
    deliver({"customers.csv": [customer()]})
    imported = deliver({"orders.csv": [order()]}, source="other-shop")
    assert imported.tables["orders"].rejected == 1
    assert Order.objects.count() == 0


def test_of_two_rows_with_one_key_the_first_counts(deliver):
    imported = deliver(
        {"customers.csv": [customer("K1", name="A"), customer("K1", name="A"), customer("K1", name="B")]}
    )

    counts = imported.tables["customers"]
    assert (counts.new, counts.same, counts.rejected) == (1, 1, 1)
    assert Customer.objects.get().name == "A"
    reject = Reject.objects.get()
    assert reject.line == 4
    assert reject.reason.startswith("Duplicate key: an earlier row with the reference K1 says something else")


def test_a_repeat_in_another_file_of_the_table_counts_as_well(deliver):
    imported = deliver({"customers.csv": [customer("K1", name="A")], "customers.ndjson": [customer("K1", name="B")]})
    assert (imported.tables["customers"].new, imported.tables["customers"].rejected) == (1, 1)


def test_a_rejected_first_row_does_not_block_a_good_second_one(deliver):
    deliver({"customers.csv": [customer()]})
    imported = deliver({"orders.csv": [order("O1", total="-1"), order("O1", total="5")]})
    assert (imported.tables["orders"].new, imported.tables["orders"].rejected) == (1, 1)


def test_a_row_without_its_parent_comes_in_once_the_parent_has(deliver):
    first = deliver({"orders.csv": [order()]})
    assert first.tables["orders"].rejected == 1
    assert Reject.objects.get().reason == (
        "customer K1 is not known: deliver it in customers, then submit this row again."
    )
    second = deliver({"customers.csv": [customer()], "orders.csv": [order()]})
    assert second.tables["orders"].new == 1


def test_places_may_name_parents_that_come_later_in_the_file(deliver):
    rows = [
        {"ref": "store", "kind": "store", "name": "Leeds", "parent": "district"},
        {"ref": "district", "kind": "district", "name": "North", "parent": "region"},
        {"ref": "region", "kind": "region", "name": "England", "parent": ""},
        {"ref": "lost", "kind": "store", "name": "Nowhere", "parent": "orphan"},
        {"ref": "orphan", "kind": "district", "name": "Orphan", "parent": "unheard of"},
    ]
    imported = deliver({"places.csv": rows})

    assert (imported.tables["places"].new, imported.tables["places"].rejected) == (3, 2)
    assert Place.objects.get(ref="store").parent.parent.ref == "region"
    assert deliver({"places.csv": rows}).tables["places"].same == 3


def test_times_without_a_zone_are_those_of_the_source(deliver):
    deliver(
        {"customers.csv": [customer()], "orders.csv": [order(placed_at="2026-07-01 12:00")]}, time_zone="Europe/London"
    )
    assert Order.objects.get().placed_at.hour == 11


def test_a_run_is_kept_with_its_counts(deliver, noon):
    imported = deliver({"customers.csv": [customer("K1", country="GB"), customer("K2", country="Britain")]})
    run = ImportRun.objects.get()
    assert run.pk == imported.run.pk
    assert run.tables == {"customers": {"read": 2, "new": 1, "changed": 0, "same": 0, "rejected": 1}}
    assert run.started_at == noon <= run.ended_at
    assert Source.objects.get().imported_at == run.ended_at


REFS = st.sampled_from(["A", "B", "C", "D", "", "E" * 201, "=1+1", "<b>x</b>", "Ü,\"'"])
CUSTOMERS = st.fixed_dictionaries({
    "ref": REFS, "name": st.sampled_from(["Ann", "", "Bob\nSmith", "x" * 201, "日本"]),
    "country": st.sampled_from(["GB", "", "Britain"]), "lifetime_value": st.sampled_from(["", "1.50", "1.505", "none", "1e99"]),  # noqa: E501
})  # fmt: skip
ORDERS = st.fixed_dictionaries({
    "ref": REFS, "customer": REFS, "status": st.sampled_from(["paid", "delivered", "gone", ""]),
    "placed_at": st.sampled_from(["2026-01-01", "2026-01-01T10:00:00+01:00", "01/02/2026", "infinity", "1492-01-01", ""]),  # noqa: E501
    "total": st.sampled_from(["1", "0", "-1", "", "1,50"]),
})  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    customers=st.lists(CUSTOMERS, min_size=1, max_size=12),
    orders=st.lists(ORDERS, min_size=1, max_size=12),
    kind=st.sampled_from(["csv", "ndjson"]),
)
def test_every_row_is_new_changed_same_or_rejected(deliver, customers, orders, kind):
    for one in [
        {"customers": customers, "orders": orders},
        {"customers": customers[::-1], "orders": orders[1:] or orders},
    ]:
        rejects_before = Reject.objects.count()
        imported = deliver({f"{name}.{kind}": rows for name, rows in one.items()})
        assert adds_up(imported)
        assert {name: c.read for name, c in imported.tables.items()} == {name: len(rows) for name, rows in one.items()}
        assert Reject.objects.count() - rejects_before <= imported.rejects
    with connection.cursor() as cursor:  # what the database no longer checks by itself
        cursor.execute(
            "SELECT count(*) FROM retail_order o LEFT JOIN retail_customer c ON c.id = o.customer_id WHERE c.id IS NULL"
        )
        assert cursor.fetchone() == (0,)
    assert Customer.objects.count() == len(set(Customer.objects.values_list("ref", "source")))


def many(count: int) -> dict[str, Any]:
    return {
        "customers.csv": [customer(f"K{i}", city="x" * 100) for i in range(count)],
        "orders.csv": [order(f"O{i}", customer=f"K{i}") for i in range(count)],
        "payments.ndjson": [payment(f"Y{i}", order=f"O{i}") for i in range(count)],
    }


@pytest.mark.django_db(transaction=True)
def test_an_import_that_dies_is_resumed_by_running_it_again(deliver, monkeypatch):
    monkeypatch.setattr("makegood.ground.retail.loading.reading.BLOCK", 20_000)
    copies = Counter()
    real = writing._copy

    def dying(*args: Any, **options: Any) -> None:
        copies["made"] += 1
        if copies["made"] == 6:
            raise ConnectionResetError("the power went")
        real(*args, **options)

    monkeypatch.setattr(writing, "_copy", dying)
    files = many(700)
    with pytest.raises(ConnectionResetError):
        deliver(files)
    came = Customer.objects.count() + Order.objects.count() + Payment.objects.count()
    assert 0 < came < 2100
    monkeypatch.setattr(writing, "_copy", real)

    imported = deliver(files)

    assert adds_up(imported)
    assert imported.changed == 2100 - came
    assert sum(c.same for c in imported.tables.values()) == came
    assert Payment.objects.filter(order__customer__isnull=False).count() == 700


@pytest.mark.django_db(transaction=True)
def test_two_imports_of_the_same_files_at_once_end_as_one(tmp_path, noon):
    for name, rows in many(300).items():
        (tmp_path / name).write_bytes(as_csv(rows) if name.endswith("csv") else as_ndjson(rows))
    results, problems = [], []

    def bring_in() -> None:
        try:
            results.append(import_feed(directory=tmp_path, source="shop", now=noon))
        except BaseException as problem:  # noqa: BLE001
            problems.append(problem)
        finally:
            connection.close()

    threads = [threading.Thread(target=bring_in) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not problems
    assert sorted(result.changed for result in results) == [0, 900]
    assert (Customer.objects.count(), Order.objects.count(), Payment.objects.count()) == (300, 300, 300)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"source": "Shop 1"}, "'Shop 1' cannot name a source: use small letters, digits and hyphens."),
        ({"time_zone": "Mars"}, "'Mars' is not a time zone. Use a name such as Europe/London."),
        ({"currency": "pounds"}, "'pounds' is not a currency. Use three letters such as GBP."),
    ],
)
def test_a_source_that_cannot_be_is_refused_in_a_sentence(deliver, options, sentence):
    with pytest.raises(NothingToImport) as refusal:
        deliver({"customers.csv": [customer()]}, **options)
    assert str(refusal.value) == sentence
