"""Whose contact it is, which case it goes to, and why."""

import pytest

from makegood.recover.cases.models import Case
from makegood.recover.cases.services import resolve_case
from makegood.recover.intake.models import Arrival
from makegood.recover.intake.services import process_arrivals, replay
from tests.recover.intake.conftest import hour, told


@pytest.fixture
def maria(shop):
    return shop.customer("Maria Silva", ref="M1", email="Maria@Example.com")


@pytest.fixture
def leo(shop):
    return shop.customer("Leo Brandt", ref="L1", email="leo@example.com")


def take_in(shop, body, at=50, **fields):
    arrival = shop.arrival(at, body, **fields)
    process_arrivals(hour(at))
    arrival.refresh_from_db()
    assert arrival.contact_id
    return Case.objects.get(contacts=arrival.contact_id)


@pytest.mark.parametrize(
    ("fields", "who", "said"),
    [
        ({"customer_ref": "M1"}, "M1", "Matched to Maria Silva by customer reference."),
        ({"author": "maria@example.com"}, "M1", "Matched to Maria Silva by e-mail address."),
        ({"author": "Maria S. <MARIA@example.COM>"}, "M1", "Matched to Maria Silva by e-mail address."),
        ({"order_ref": "W-77"}, "M1", "Matched to Maria Silva as the customer of order W-77."),
        ({"author": "maria@example.com.evil"}, None, "No customer of ours could be found."),
        ({"author": "leo@example.com", "order_ref": "W-77"}, "L1", "Order W-77 belongs to somebody else: not linked."),
        (
            {"author": "who@example.com", "order_ref": "W-77"},
            None,
            "its customer has another e-mail address: not linked.",
        ),
        ({"author": "who@example.com", "order_ref": "W-99"}, None, "No order has the reference W-99."),
        ({"customer_ref": "M9", "author": "maria@example.com"}, "M1", "No single customer has the reference M9."),
        ({}, None, "No customer of ours could be found."),
    ],
)
def test_a_contact_is_matched_to_a_customer(shop, maria, leo, fields, who, said):
    shop.order(maria, ref="W-77")

    case = take_in(shop, "Good evening", **fields)

    assert (case.customer.ref if case.customer else None) == who
    assert said in told(case)[0]


@pytest.mark.parametrize(
    ("body", "order", "said"),
    [
        ("My order W-0042 never arrived", "W-0042", "Order W-0042 is named in the text."),
        ("my order w-0042 never arrived", "W-0042", "Order W-0042 is named in the text."),
        ("order number 0042 never arrived", "W-0042", "Order W-0042 is named in the text."),
        (
            "order W-0050 never arrived",
            "W-0043",
            "No order is named; taken to be W-0043, the latest that is under way.",
        ),
        ("It never arrived", "W-0043", "taken to be W-0043, the latest that is under way."),
        ("The kettle arrived broken", "W-0041", "taken to be W-0041, the latest that was delivered."),
        ("Good evening", "W-0043", "taken to be W-0043, the latest that is under way."),
    ],
)
def test_a_contact_is_matched_to_an_order(shop, maria, leo, body, order, said):
    done = shop.order(maria, 1, ref="W-0041", status="delivered")
    shop.parcel(done, promised=20, delivered=19)
    shop.order(maria, 2, ref="W-0042")
    shop.order(maria, 3, ref="W-0043")
    shop.order(leo, 4, ref="W-0050")
    shop.order(maria, 60, ref="W-0044")  # not bought yet

    case = take_in(shop, body, author="maria@example.com")

    assert case.order.ref == order
    assert said in told(case)[0]


def test_everything_that_was_concluded_is_said(shop, maria):
    shop.order(maria, ref="1234")

    case = take_in(shop, "My order 1234 never arrived.", author="maria@example.com")

    assert told(case)[0] == (
        "opened: Matched to Maria Silva by e-mail address. Order 1234 is named in the text. "
        "Not received, from the words “never arrived” (delivery.not_received)."
    )


def test_an_overdue_order_is_what_somebody_means_who_names_none(shop, maria):
    late = shop.order(maria, 1)
    shop.parcel(late, promised=20)
    shop.order(maria, 2)
    replay(shop.source, hour(30))

    case = take_in(shop, "Where is my parcel? It never arrived.", author="maria@example.com")

    assert (case.order, case.origin.partition(":")[0]) == (late, "overdue")
    assert "A case about this order is open, and the text tells of nothing else." in told(case)[-1]
    assert told(case)[-1].endswith("tell of: Not received. The case had opened before the customer spoke.")


def test_something_else_about_the_same_order_is_a_case_of_its_own_unless_it_was_named(shop, maria):
    order = shop.order(maria, ref="W-1")
    first = take_in(shop, "W-1 never arrived", author="maria@example.com", at=50)

    assert take_in(shop, "You charged me twice on my card", author="maria@example.com", at=51) != first
    assert (
        take_in(shop, "You charged me twice for it", author="maria@example.com", order_ref="W-1", at=52).order == order
    )


def test_a_quoted_case_number_finds_the_case(shop, maria):
    case = take_in(shop, "The kettle arrived broken", author="maria@example.com")

    again = take_in(
        shop, "Here is the photo", subject=f"Re: [C-{case.number}] kettle", author="maria@example.com", at=51
    )

    assert again == case
    assert told(case)[-1].endswith(f"It names C-{case.number}.")


def test_somebody_else_who_quotes_the_number_gets_a_case_of_their_own(shop, maria, leo):
    case = take_in(shop, "The kettle arrived broken", author="maria@example.com")

    for n, author in enumerate(("leo@example.com", "who@example.com", "")):
        assert take_in(shop, f"About c-{case.number}, any news?", author=author, at=51 + n) != case
    assert case.contacts.count() == 1


def test_an_unknown_writer_finds_their_own_case_by_its_number_only(shop):
    case = take_in(shop, "The kettle arrived broken", author="who@example.com")
    assert case.customer is None

    assert take_in(shop, f"C-{case.number}: any news?", author="Who@example.com", at=51) == case
    assert take_in(shop, "Any news?", author="who@example.com", at=52) != case
    assert take_in(shop, f"C-{case.number}: any news?", author="other@example.com", at=53) != case


def test_without_an_order_the_only_open_case_about_the_same_is_meant(shop, maria):
    case = take_in(shop, "You charged me twice", author="maria@example.com")

    assert take_in(shop, "You charged me twice!!", author="maria@example.com", at=51) == case
    assert take_in(shop, "Any news?", author="maria@example.com", at=52) == case
    assert take_in(shop, "The kettle arrived broken", author="maria@example.com", at=53) != case


def test_after_the_end_a_new_contact_is_a_new_case(shop, maria, ana):
    shop.order(maria, ref="W-1")
    case = take_in(shop, "W-1 never arrived", author="maria@example.com")
    resolve_case(case_id=case.pk, outcome="recovered", cause="", by=ana, now=hour(51))

    assert take_in(shop, "W-1 never arrived", author="maria@example.com", at=52) != case


def test_two_accounts_with_one_address_are_one_person(shop, maria):
    other = shop.customer("M. Silva", email="maria@example.com")
    order = shop.order(other, ref="W-5")

    case = take_in(shop, "W-5 never arrived", author="maria@example.com")

    assert (case.customer, case.order) == (other, order)
    assert "2 accounts share the address." in told(case)[0]


def test_two_shops_may_use_the_same_reference(shop, maria):
    from tests.recover.intake.conftest import Shop

    other = Shop("other")
    other.customer("Ann", ref="M1")

    assert take_in(shop, "Good evening", customer_ref="M1").customer == maria


def test_what_we_sent_goes_to_the_case_and_counts_as_an_answer(shop, maria):
    case = take_in(shop, "You charged me twice", author="maria@example.com")

    take_in(shop, "We have refunded it.", author="maria@example.com", direction="out", at=51)

    case.refresh_from_db()
    assert (case.first_response_at, case.last_contact_by) == (hour(51), "us")


def test_what_we_sent_without_a_case_is_set_aside_and_says_so(shop, maria):
    arrival = shop.arrival(5, "Your newsletter", direction="out", author="maria@example.com")

    process_arrivals(hour(6))

    arrival.refresh_from_db()
    assert arrival.set_aside == "Sent to a customer, but there is no case that it belongs to."
    assert not Case.objects.exists()
    assert process_arrivals(hour(7)).set_aside == 0


def test_the_language_is_found_where_it_is_not_given(shop):
    case = take_in(shop, "O produto chegou quebrado e ninguém responde os meus e-mails.")

    assert case.contacts.get().language == "pt"
    assert case.reason.code == "product.damaged"


def test_arrivals_are_taken_in_the_order_of_their_time_up_to_a_limit(shop, maria):
    for at in (3, 1, 2, 99):
        shop.arrival(at, f"At {at}")

    process_arrivals(hour(50), limit=2)

    assert sorted(Arrival.objects.exclude(contact=None).values_list("body", flat=True)) == ["At 1", "At 2"]
    process_arrivals(hour(50))
    assert list(Arrival.objects.filter(contact=None).values_list("body", flat=True)) == ["At 99"]


def test_many_arrivals_take_few_statements(shop, maria, django_assert_max_num_queries):
    for n in range(100):
        shop.arrival(5, "It never arrived", author=f"p{n}@example.com")

    with django_assert_max_num_queries(60):
        assert process_arrivals(hour(6)).opened == 100
