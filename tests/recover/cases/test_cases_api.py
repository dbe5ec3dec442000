"""Cases over the API: the same rules as on the page, in JSON."""

from datetime import timedelta

import pytest
from django.utils import timezone
from tests.factories import OrderFactory, PlaceFactory, ShipmentFactory, colleague, open_case

from makegood.ground.messages.models import Message
from makegood.recover.cases import services
from makegood.recover.cases.api import CaseList, CaseOut, Written
from makegood.recover.cases.models import Case

pytestmark = pytest.mark.django_db


@pytest.fixture
def as_ana(client):
    client.force_login(colleague("ana"))
    return client


@pytest.fixture
def case(db) -> Case:
    shipment = ShipmentFactory()
    return open_case(order=shipment.order, shipment_id=shipment.pk, at=timezone.now() - timedelta(hours=2))


def post(client, case, action, **data):
    return client.post(f"/api/v1/cases/{case.number}/{action}", data, content_type="application/json")


def test_lists_page_by_key_and_keep_to_their_schema(as_ana, case, django_assert_num_queries):
    others = [open_case(order=OrderFactory(), at=timezone.now() - timedelta(hours=n)) for n in range(6)]
    open_case(reason="payment.refund")
    with django_assert_num_queries(2):  # who asks, the page
        first = as_ana.get("/api/v1/cases?limit=4&reason=delivery").json()
    CaseList.model_validate(first)
    rest = as_ana.get("/api/v1/cases", {"limit": 4, "reason": "delivery", "after": first["after"]}).json()
    assert {row["number"] for row in first["cases"] + rest["cases"]} == {f"C-{one.number}" for one in [case, *others]}
    assert rest["after"] is None


def test_reading_a_case_keeps_to_its_schema(as_ana, case, django_assert_num_queries):
    services.reply(case_id=case.pk, body="We look for it.", by=colleague("ana"), now=timezone.now())
    services.add_note(case_id=case.pk, body="Depot called.", by=colleague("ben"), now=timezone.now())
    with django_assert_num_queries(3):  # who asks, case, timeline
        told = as_ana.get(f"/api/v1/cases/{case.number}").json()
    CaseOut.model_validate(told)
    assert [event["kind"] for event in told["timeline"]] == ["note", "contact", "contact", "triaged", "opened"]
    assert told["timeline"][0]["note"] == "Depot called."
    assert told["timeline"][1]["contact"]["message"] == "waiting"
    assert told["value"] == "89.90"


def test_each_write_does_what_the_page_does(as_ana, case):
    colleague("ben")
    told = post(as_ana, case, "notes", body="Checked.")
    assert told.status_code == 201
    Written.model_validate(told.json())
    assert (
        post(as_ana, case, "replies", body="On its way.", wait=True, seen=told.json()["version"]).json()["status"]
        == "waiting_customer"
    )
    assert post(as_ana, case, "assignment", to="ben").status_code == 200
    assert post(as_ana, case, "reason", reason="delivery.overdue").status_code == 200
    assert (
        post(as_ana, case, "resolution", outcome="recovered", cause="Label", locus="carrier").json()["status"]
        == "resolved"
    )
    assert post(as_ana, case, "reopening", why="Not settled").json()["status"] == "open"
    case.refresh_from_db()
    assert (case.assignee.username, case.reason.code, case.locus) == ("ben", "delivery.overdue", "carrier")
    assert Message.objects.count() == 1


def test_refusals_have_a_code_and_a_sentence(as_ana, case):
    stale = post(as_ana, case, "replies", body="x", seen=1)
    assert (stale.status_code, stale.json()["code"]) == (409, "case_changed")
    assert post(as_ana, case, "reopening", why="x").json()["code"] == "case_not_resolved"
    assert post(as_ana, case, "reason", reason="no.such").json()["code"] == "reason_not_found"
    assert post(as_ana, case, "assignment", to="nobody").json()["code"] == "person_not_found"
    assert as_ana.get("/api/v1/cases/999999999999999999").json()["code"] == "case_not_found"
    for body in ("", "   ", "a\0b", "\ud800", "x" * 50_001):
        refused = post(as_ana, case, "notes", body=body)
        assert (refused.status_code, refused.json()["code"]) == (422, "malformed"), body[:9]
    assert as_ana.get("/api/v1/cases?limit=0").status_code == 422
    assert as_ana.get("/api/v1/cases/0").status_code == 422


def test_scope_and_role_hold_for_programs_too(client, case):
    ben = colleague("ben")
    ben.places.set([PlaceFactory()])
    client.force_login(ben)
    assert client.get("/api/v1/cases").json()["cases"] == []
    assert client.get(f"/api/v1/cases/{case.number}").status_code == 404
    assert post(client, case, "notes", body="x").status_code == 404
    client.force_login(colleague("dev"))
    assert post(client, case, "notes", body="x").status_code == 403
    client.logout()
    assert client.get("/api/v1/cases").status_code == 401
