"""Rows that could not be read are kept, put right and submitted again."""

import json

import pytest

from makegood.ground.retail.errors import ImportRunning, NotARow, RejectSettled, RejectUnknown
from makegood.ground.retail.models import Customer, ImportRun, Order, Payment, Reject
from makegood.ground.retail.queries.rejects import RejectFilter, count_rejects, fields_of, get_reject, list_rejects
from makegood.ground.retail.services.rejects import correct_reject, dismiss_reject, retry_all
from makegood.ids import uuid7
from tests.ground.retail.conftest import customer, order, payment

pytestmark = pytest.mark.django_db


@pytest.fixture
def reject(deliver) -> Reject:
    deliver({"customers.csv": [customer()], "orders.csv": [order(total="-5"), order("O2")]})
    return Reject.objects.get()


def test_a_corrected_row_is_in_and_its_reject_settled(reject, noon):
    corrected = correct_reject(reject=reject, payload=fields_of(reject) | {"total": "5"}, now=noon)
    assert (corrected.status, corrected.settled_at) == ("corrected", noon)
    assert Order.objects.get(ref="O1").total == 5


def test_a_row_that_is_still_wrong_stays_open_with_the_new_reason(reject, noon):
    corrected = correct_reject(reject=reject, payload=fields_of(reject) | {"total": "five"}, now=noon)
    assert corrected.status == "open"
    assert corrected.reason == "total is five, which is not a number such as 1234.50."
    assert json.loads(Reject.objects.get().payload)["total"] == "five"
    assert Order.objects.count() == 1


def test_a_correction_may_change_a_row_that_is_there(reject, noon):
    correct_reject(reject=reject, payload=fields_of(reject) | {"ref": "O2", "total": "7"}, now=noon)
    assert Order.objects.get().total == 7


def test_what_is_settled_stays_so(reject, noon):
    dismiss_reject(reject=reject, now=noon)
    with pytest.raises(RejectSettled, match="already dismissed"):
        correct_reject(reject=reject, payload=fields_of(reject) | {"total": "5"}, now=noon)
    with pytest.raises(RejectSettled):
        dismiss_reject(reject=reject, now=noon)
    assert Order.objects.count() == 1


def test_a_file_cannot_be_corrected_as_a_row(deliver, noon):
    deliver({"orders.csv": b""})
    with pytest.raises(NotARow):
        correct_reject(reject=Reject.objects.get(), payload={"ref": "O1"}, now=noon)


def test_retrying_brings_in_rows_whose_parents_have_arrived(deliver, noon):
    deliver({"orders.csv": [order("O1"), order("O2", customer="K2")], "payments.csv": [payment()]})
    run = ImportRun.objects.get()
    deliver({"customers.csv": [customer()]})

    retried = retry_all(run=run, now=noon)

    assert retried == (2, 1)
    assert Payment.objects.get().order.ref == "O1"
    assert list(Reject.objects.filter(status="open").values_list("table", "line")) == [("orders", 3)]
    assert retry_all(run=run, now=noon) == (0, 1)


def test_latin_1_rows_are_in_once_somebody_has_looked_and_submits(deliver, noon):
    deliver({"customers.csv": "ref,name\nK1,José\n".encode("latin-1")})
    assert retry_all(run=ImportRun.objects.get(), now=noon) == (1, 0)
    assert Customer.objects.get().name == "José"


def test_a_row_that_never_had_fields_waits_for_a_person(deliver, noon):
    deliver({"customers.csv": b"ref,name\nK1\n"})
    assert retry_all(run=ImportRun.objects.get(), now=noon) == (0, 1)
    reject = Reject.objects.get()
    assert set(fields_of(reject).values()) == {""}
    assert correct_reject(reject=reject, payload={"ref": "K1", "name": "Ann"}, now=noon).status == "corrected"


@pytest.mark.django_db(transaction=True)
def test_corrections_do_not_wait_for_an_import(reject, noon):
    import threading

    from django.db import connection

    from makegood.ground.retail.loading.writing import hold_source

    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with hold_source(reject.run.source, wait=True):
            held.set()
            done.wait(10)
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    held.wait(10)
    try:
        with pytest.raises(ImportRunning):
            correct_reject(reject=reject, payload=fields_of(reject) | {"total": "5"}, now=noon)
    finally:
        done.set()
        thread.join()
    reject.refresh_from_db()
    assert reject.status == "open"


def test_the_list_pages_by_key_newest_first(deliver, django_assert_num_queries):
    deliver({"customers.csv": [customer(f"K{i}", country="Britain") for i in range(7)]})
    wanted = RejectFilter(status="open", table="customers")
    with django_assert_num_queries(1):
        first = list_rejects(wanted=wanted, limit=4)
    second = list_rejects(wanted=wanted, before=first[-1].id, limit=4)
    assert [row.line for row in first + second] == [8, 7, 6, 5, 4, 3, 2]
    assert count_rejects(wanted=wanted) == 7
    assert count_rejects(wanted=wanted._replace(table="orders")) == 0


def test_an_unknown_reject_is_not_found():
    with pytest.raises(RejectUnknown):
        get_reject(uuid7())
