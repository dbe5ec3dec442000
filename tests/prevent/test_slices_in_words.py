from datetime import UTC, datetime

import pytest
from django.utils import timezone

from makegood.prevent.slices_in_words import Names
from makegood.recover.cases.services import plant_defaults
from tests.factories import PlaceFactory, ProductFactory, VendorFactory

pytestmark = pytest.mark.django_db


def said(cut, **when):
    return Names.of([cut]).of_slice(cut, **when)


def test_a_slice_is_said_as_people_say_it():
    carrier, warehouse = VendorFactory(name="Marlbeck"), PlaceFactory(name="Swindon")
    cut = {"to_state": "North West", "carrier": str(carrier.pk), "warehouse": str(warehouse.pk)}
    since = datetime(timezone.now().year, 3, 3, 12, tzinfo=UTC)
    assert said(cut, since=since) == "Parcels by Marlbeck from Swindon to North West since 3 March"
    last_year = since.replace(year=since.year - 1)
    assert said(cut, until=last_year).endswith(f"until 3 March {since.year - 1}")


def test_several_values_are_joined_and_reasons_lead():
    plant_defaults()
    product = ProductFactory(name="Air fryer")
    cut = {"reason": ["product.faulty", "product.damaged"], "product": [str(product.pk)], "batch": ["K1", "K2", "K3"]}
    words = said(cut)
    assert words.endswith(" of Air fryer batch K1, K2 or K3")
    assert " or " in words.split(" of ")[0]


def test_what_nobody_knows_is_said_as_it_is():
    assert said({"carrier": "gone", "channel": "online"}) == "Parcels by gone (online)"
    assert said({"no such": "x"}) == "Purchases"
    assert said({}) == "All"


def test_names_cost_one_statement_however_many(django_assert_num_queries):
    cuts = [{"carrier": str(VendorFactory().pk), "store": str(PlaceFactory().pk)} for _ in range(5)]
    with django_assert_num_queries(1):
        Names.of(cuts)
    with django_assert_num_queries(0):
        Names.of([{"how": "Sun afternoon"}])


def test_what_people_call_something_is_found():
    carrier = VendorFactory(name="Marlbeck")
    assert Names.called("carrier", "marlbeck") == str(carrier.pk)
    assert Names.called("carrier", "nobody") is None
    assert Names.called("how", "Sun afternoon") == "Sun afternoon"
