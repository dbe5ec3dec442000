"""One contact at a time, also when several hands bring it in at once."""

import threading

import pytest
from django.db import connection

from makegood.recover.cases.models import Case, CaseEvent, Contact
from makegood.recover.cases.services import plant_defaults
from makegood.recover.intake.models import Arrival
from makegood.recover.intake.services import process_arrivals, receive, tick
from tests.recover.intake.conftest import Shop, hour


def at_once(*work):
    """Run these at the same moment, each with a connection of its own; their results."""
    barrier, results = threading.Barrier(len(work)), [None] * len(work)

    def run(n):
        try:
            barrier.wait()
            results[n] = work[n]()
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(n,)) for n in range(len(work))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def test_an_unknown_order_is_accepted_and_said(shop):
    receipt = receive(channel="web", body="It never arrived", at=hour(5), order_ref="W-404")

    assert receipt.opened
    assert "No order has the reference W-404." in receipt.why
    assert Case.objects.get(pk=receipt.case_id).number == receipt.number


def test_the_same_contact_twice_is_one_contact(shop):
    first = receive(channel="email", body="Hello", at=hour(5), source=shop.source, ref="<1@mail>")
    second = receive(channel="email", body="Hello", at=hour(5), source=shop.source, ref="<1@mail>")

    assert (second.contact_id, second.opened) == (first.contact_id, False)
    assert second.why == f"Taken in before, as part of C-{first.number}."
    assert Contact.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_same_contact_from_six_hands_at_once_is_one_contact():
    plant_defaults()
    shop = Shop()
    shop.customer("Maria", email="maria@example.com")
    deliver = lambda: receive(  # noqa: E731
        channel="email",
        body="It never arrived",
        at=hour(5),
        author="maria@example.com",
        source=shop.source,
        ref="<1@mail>",
    )

    receipts = at_once(*[deliver] * 5, lambda: process_arrivals(hour(6)))

    assert len({receipt.contact_id for receipt in receipts[:5]}) == 1
    assert (Arrival.objects.count(), Contact.objects.count(), Case.objects.count()) == (1, 1, 1)


@pytest.mark.django_db(transaction=True)
def test_different_contacts_of_one_customer_at_once_share_one_case():
    plant_defaults()
    shop = Shop()
    shop.order(shop.customer("Maria", email="maria@example.com"), ref="W-1")

    at_once(*[
        lambda n=n: receive(channel="email", body=f"W-1 never arrived {n}", at=hour(5 + n), author="maria@example.com")
        for n in range(5)
    ])  # fmt: skip

    assert (Case.objects.count(), Contact.objects.count()) == (1, 5)


@pytest.mark.django_db(transaction=True)
def test_two_ticks_at_once_do_everything_once():
    plant_defaults()
    shop = Shop()
    for n in range(20):
        order = shop.order(shop.customer(email=f"p{n}@example.com"))
        shop.parcel(order, promised=10, delivered=12)
        shop.review(order, at=13, body="It never arrived")
        shop.arrival(9, "Where is it?", author=f"p{n}@example.com")

    at_once(*[lambda: tick(hour(20))] * 3)

    # Each wrote once, was told of as late and was reviewed.
    assert (Case.objects.count(), Contact.objects.count()) == (20, 40)
    assert CaseEvent.objects.count() == 20 * (3 + 2)


# -- over the API


@pytest.fixture
def api(shop):
    from ninja.testing import TestClient

    from makegood.recover.intake.api import router

    return TestClient(router)


def test_the_api_takes_a_contact_and_says_what_became_of_it(api):
    answer = api.post("/contacts", json={"channel": "web", "body": "The kettle arrived broken", "order_ref": "W-404"})

    assert answer.status_code == 201
    told = answer.json()
    assert told["case"] == f"C-{Case.objects.get().number}"
    assert told["opened"]
    assert "No order has the reference W-404." in told["why"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"channel": "pigeon"},
        {"body": "", "subject": " "},
        {"body": "a\0b"},
        {"body": "x" * 100_001},
        {"at": "2026-03-05T12:00:00"},
        {"at": "2999-01-01T00:00:00Z"},
        {"direction": "sideways"},
        {"author": "a" * 255},
    ],
)
def test_a_malformed_contact_is_refused_and_leaves_nothing(api, wrong):
    answer = api.post("/contacts", json={"channel": "web", "body": "Hello"} | wrong)

    assert answer.status_code == 422
    assert not Arrival.objects.exists()


def test_half_a_surrogate_pair_is_refused(api):
    answer = api.post("/contacts", data=b'{"channel": "web", "body": "\\ud800"}', content_type="application/json")

    assert answer.status_code == 422


# -- what others rely on


def test_the_lock_of_imports_is_the_one_we_look_for():
    from makegood.ground.retail.loading.writing import LOCK
    from makegood.recover.intake.services.acting import SOURCE_LOCK

    assert SOURCE_LOCK == LOCK


@pytest.mark.django_db(transaction=True)
def test_a_source_that_is_being_written_is_left_for_the_next_look():
    from makegood.ground.retail.loading.writing import hold_source
    from makegood.recover.intake.services import look_for_failures

    plant_defaults()
    shop = Shop()
    shop.parcel(shop.order(shop.customer()), promised=10)
    held, looked = threading.Event(), threading.Event()

    def import_something():
        with hold_source(shop.source, wait=True):
            held.set()
            looked.wait(30)
        connection.close()

    importer = threading.Thread(target=import_something)
    importer.start()
    assert held.wait(30)
    assert look_for_failures(hour(20)).opened == 0
    looked.set()
    importer.join()
    assert look_for_failures(hour(21)).opened == 1
