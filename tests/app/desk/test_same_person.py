"""Two accounts are one person: pages, API, incoming mail, clocks after an import."""

from datetime import timedelta

import pyarrow as pa
import pytest
from django.utils import timezone
from tests.factories import NOON, CustomerFactory, OrderFactory, PlaceFactory, colleague, open_case

from makegood.ground.retail.models import Customer, Source
from makegood.ground.retail.queries.people import accounts_of
from makegood.ground.retail.services.importing import import_records
from makegood.ground.retail.services.people import join_accounts
from makegood.recover.cases import services
from makegood.recover.cases.models import Case
from makegood.recover.cases.service_levels.retiming import retime_open
from makegood.recover.intake.services.receiving import receive

pytestmark = pytest.mark.django_db


@pytest.fixture
def pair():
    return (
        CustomerFactory(name="Maria Silva", email="maria@example.com", phone=""),
        CustomerFactory(name="M. Silva", email="msilva@work.example", phone=""),
    )


@pytest.fixture
def as_ana(client):
    client.force_login(colleague("ana"))
    return client


def join(one, other):
    join_accounts(one=one.pk, other=other.pk, by=colleague("ana"), now=NOON)


def test_linking_by_hand_shows_both_sides_first_and_both_together_afterwards(as_ana, pair):
    one, other = pair
    mine, theirs = open_case(customer=one), open_case(customer=other)
    html = as_ana.get(f"/customers/{one.pk}/accounts?q=silva").content.decode()
    assert f"?other={other.pk}" in html
    assert f"?other={one.pk}" not in html
    html = as_ana.get(f"/customers/{one.pk}/accounts?other={other.pk}").content.decode()
    assert "Both have an open case about Not received" in html
    as_ana.post(f"/customers/{one.pk}/same-person", {"other": other.pk, "why": "On the phone"})
    html = as_ana.get(f"/customers/{one.pk}/").content.decode()
    for words in ("linked by Ana Moreira", "On the phone", f"C-{mine.number}", f"C-{theirs.number}", "two accounts"):
        assert words in html, words
    found = as_ana.get("/search?q=msilva").content.decode()
    assert str(one.pk) in found
    services.merge_cases(duplicate_id=theirs.pk, survivor_id=mine.pk, by=colleague("ana"), now=timezone.now())
    as_ana.post(f"/customers/{one.pk}/not-same-person", {"other": other.pk})
    assert accounts_of(one.pk) == [one.pk]


def test_suggestions_are_answered_with_one_click_and_not_asked_again(as_ana, pair):
    one, other = pair
    Customer.objects.filter(pk=other.pk).update(email="MARIA@example.com")
    assert "same e-mail address" in as_ana.get(f"/customers/{one.pk}/").content.decode()
    as_ana.post(f"/customers/{one.pk}/not-same-person", {"other": other.pk})
    assert "The same person?" not in as_ana.get(f"/customers/{one.pk}/").content.decode()


@pytest.mark.parametrize("other", ["", "nonsense", "same"])
def test_a_choice_that_is_none_is_said(as_ana, pair, other):
    me = pair[0].pk
    answer = as_ana.post(f"/customers/{me}/same-person", {"other": me if other == "same" else other}, follow=True)
    assert "hoose a" in answer.content.decode()


def test_who_sees_only_some_places_links_nobody_from_elsewhere(client, pair):
    one, other = pair
    here = PlaceFactory()
    OrderFactory(customer=one, place=here)
    ana = colleague("ana")
    ana.places.set([here])
    client.force_login(ana)
    assert client.post(f"/customers/{one.pk}/same-person", {"other": other.pk}).status_code == 404
    assert (
        client.post(
            f"/api/v1/customers/{one.pk}/same-person", {"other": str(other.pk)}, content_type="application/json"
        ).status_code
        == 404
    )
    assert accounts_of(one.pk) == [one.pk]


def test_over_the_api(as_ana, pair):
    one, other = pair
    open_case(customer=other)
    path, said = f"/api/v1/customers/{one.pk}", {"other": str(other.pk)}
    assert as_ana.get(path).json()["failures"] == []
    answer = as_ana.post(f"{path}/same-person", said, content_type="application/json")
    assert answer.status_code == 200
    assert [account["id"] for account in answer.json()["accounts"]] == [str(other.pk)]
    assert answer.json()["chargeback_risk"]["level"] == "low"
    again = as_ana.post(f"{path}/same-person", said, content_type="application/json")
    assert (again.status_code, again.json()["code"]) == (409, "already_one_person")
    assert as_ana.post(f"{path}/not-same-person", said, content_type="application/json").json()["accounts"] == []


def test_a_mail_from_the_other_address_reaches_the_open_case_of_the_person(pair):
    one, other = pair
    services.plant_defaults()
    case = open_case(customer=one, reason="product.faulty")
    mail = {"channel": "email", "author": other.email, "body": "The kettle stopped working."}
    before = receive(**mail, at=NOON + timedelta(hours=1))
    assert before.opened
    Case.objects.filter(pk=before.case_id).update(outcome="duplicate", status="resolved", resolved_at=NOON)
    join(one, other)
    after = receive(**mail, at=NOON + timedelta(hours=2))
    assert after.case_id == case.pk
    assert "They have 2 accounts with us." in after.why


def test_an_order_of_the_other_account_that_is_given_is_theirs(pair):
    one, other = pair
    services.plant_defaults()
    order = OrderFactory(customer=other)
    join(one, other)
    asked = {"channel": "email", "author": one.email, "body": "Where is it?", "order_ref": order.ref}
    receipt = receive(**asked, at=NOON, source=order.source)
    case = Case.objects.get(pk=receipt.case_id)
    assert (case.order_id, case.customer_id) == (order.pk, other.pk)


def test_a_tier_that_an_import_changes_moves_the_clocks_of_open_cases_and_of_no_others(pair, monkeypatch):
    one, other = pair
    case, untouched = open_case(customer=one), open_case(customer=other)
    told = []
    monkeypatch.setattr("makegood.ground.retail.services.importing.customers_changed", [told.append])
    rows = pa.RecordBatch.from_pylist([{"ref": one.ref, "name": one.name, "email": one.email, "loyalty_tier": "gold"}])
    import_records(streams={"customers": iter([rows])}, source=Source.objects.get(pk=one.source_id).slug, now=NOON)
    [began] = told
    assert retime_open(now=NOON + timedelta(hours=1), customers_since=began) == 1
    assert retime_open(now=NOON + timedelta(hours=1), customers_since=began) == 0
    case.refresh_from_db()
    assert case.rank_at < Case.objects.get(pk=untouched.pk).rank_at
    assert case.events.order_by("seq").last().kind == "clock"
    assert untouched.events.filter(kind="clock").count() == 0
