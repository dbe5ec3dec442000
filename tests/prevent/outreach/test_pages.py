"""The pages and the API of outreach."""

import json

import pytest
from django.test import Client

from makegood.prevent.outreach import services
from makegood.prevent.outreach.models import Outreach, Recipient
from tests.factories import NOON, colleague
from tests.prevent.outreach.world import URL, a_draft, affect, an_incident, draw, started, states
from tests.worker import work

pytestmark = pytest.mark.django_db
HTML = "<script>alert(1)</script>"


@pytest.fixture(autouse=True)
def _reachable(settings):
    settings.MAKEGOOD_URL = URL
    settings.MAKEGOOD_QUIET_HOURS = None


@pytest.fixture
def mia(client: Client) -> Client:
    client.force_login(colleague("mia"), backend="makegood.ground.messages.notices.StaffBackend")
    return client


def test_from_an_incident_to_told_people_by_hand(mia: Client):
    incident = an_incident()
    affect(incident)
    page = mia.post(f"/outreach/for/I-{incident.number}", {
        "title": "Lost parcels", "reason": "delivery.not_received", "holdout": "0", "per_minute": "300"})  # fmt: skip
    outreach = Outreach.objects.get()
    assert page["Location"] == f"/outreach/O-{outreach.number}/segments/new"
    said = {"name": "Everybody", "remedy": "credit", "amount": "5", "subject_en": "Sorry",
            "body_en": "Dear {first_name},\r\nhere is {amount}: {link}", "value_from": "10"}  # fmt: skip
    assert mia.post(page["Location"], said).status_code == 302
    here = f"/outreach/O-{outreach.number}/"
    mia.post(here + "draw")
    assert "is being worked out" in mia.get(here).content.decode()
    assert "is being worked out" in mia.get(here + "live?drawing=1").content.decode()
    work()
    assert mia.get(here + "live?drawing=1")["HX-Refresh"] == "true"
    assert "£5.00" in mia.get(here + "preview").content.decode()
    mia.post(here + "start")
    services.send_due(now=NOON)
    assert states(outreach) == {"queued": 1}
    page = mia.post(here + "stop", {"why": "A wrong word"}, follow=True).content.decode()
    assert "0 had left, 1 were taken back" in page
    assert "A wrong word" in page


def test_forms_refuse_what_cannot_be_sent_and_keep_what_was_typed(mia: Client):
    incident = an_incident()
    affect(incident)
    outreach = a_draft(incident)
    here = f"/outreach/O-{outreach.number}/segments/new"
    said = {"name": "All", "remedy": "credit", "subject_en": HTML, "body_en": "No way to accept"}
    page = mia.post(here, said)
    assert page.status_code == 422
    assert "Give either an amount or a percentage" in page.content.decode()
    page = mia.post(here, said | {"amount": "5"})
    assert page.status_code == 422
    assert "nobody could accept the offer" in page.content.decode()
    assert HTML not in page.content.decode()
    page = mia.post(here, said | {"remedy": "voucher", "percent": "5", "amount": ""})
    assert "Give the code" in page.content.decode()
    assert mia.post("/outreach/for/I-99999", {}).status_code == 404


def test_each_page_costs_a_few_statements(mia: Client, django_assert_max_num_queries):
    incident = an_incident()
    for _ in range(60):
        affect(incident)
    outreach = started(incident, holdout=20)
    services.send_due(now=NOON)
    here = f"/outreach/O-{outreach.number}/"
    for path, most in (("/outreach/", 3), (here, 7), (here + "live", 3), (here + "results", 3), (here + "preview", 5),
                       (here + "?state=holdout&q=maria", 7)):  # fmt: skip
        mia.get(path)
        with django_assert_max_num_queries(most):
            assert mia.get(path).status_code == 200, path


def test_the_list_pages_by_key_and_as_a_file(mia: Client):
    incident = an_incident()
    for _ in range(60):
        affect(incident, name="=cmd")
    outreach = a_draft(incident)
    draw(outreach)
    here = f"/outreach/O-{outreach.number}/"
    page = mia.get(here).content.decode()
    last = list(Recipient.objects.order_by("pk").values_list("pk", flat=True))[49]
    assert f"after={last}" in page
    file = b"".join(mia.get(here + "people.csv").streaming_content).decode()  # type: ignore[attr-defined]
    assert file.count("\n") == 61
    assert "'=cmd" in file


def test_who_has_places_sees_people_of_these(client: Client):
    from tests.factories import OrderFactory, PlaceFactory

    incident, leeds = an_incident(), PlaceFactory()
    affect(incident, OrderFactory(place=leeds, customer__email="here@example.com"))
    affect(incident, OrderFactory(place=PlaceFactory(), customer__email="there@example.com"))
    outreach = a_draft(incident)
    draw(outreach)
    ana = colleague("ana")
    ana.places.add(leeds)
    client.force_login(ana, backend="makegood.ground.messages.notices.StaffBackend")
    here = f"/outreach/O-{outreach.number}/"
    file = b"".join(client.get(here + "people.csv").streaming_content).decode()  # type: ignore[attr-defined]
    assert "here@example.com" in file
    assert "there@example.com" not in file
    assert client.get(here + "preview?q=there@example.com").status_code == 404
    assert client.post(here + "start").status_code == 403


def test_the_api_makes_starts_stops_and_tells_results(mia: Client):
    incident = an_incident()
    affect(incident)

    def post(path: str, **told: object):
        return mia.post(f"/api/v1/outreach{path}", json.dumps(told), content_type="application/json")

    segment = {"name": "All", "remedy": "credit", "amount": "5", "who": {"wrote": "silent"},
               "texts": {"en": {"subject": "Sorry", "body": "Here: {link}"}}}  # fmt: skip
    made = post("", incident=incident.number, title="Lost", holdout=0, segments=[segment])
    assert made.status_code == 201, made.content
    number = int(made.json()["number"][2:])
    assert post(f"/{number}/start").json()["code"] == "outreach_not_worked_out"
    assert post(f"/{number}/add").json()["code"] == "outreach_state"
    assert post(f"/{number}/draw").json()["drawn_at"] is None
    work()
    assert mia.get(f"/api/v1/outreach/{number}").json()["to_tell"] == 1
    assert post(f"/{number}/start").json()["state"] == "running"
    services.send_due(now=NOON)
    stopped = post(f"/{number}/stop", why="wrong").json()
    assert (stopped["told"], stopped["taken_back"], stopped["state"]) == (0, 1, "stopped")
    assert mia.get(f"/api/v1/outreach/{number}/results").json()["held_out"] == 0
    assert mia.get(f"/api/v1/outreach?state=stopped&incident={incident.number}").json()["outreaches"][0]["people"] == {
        "waiting": 1}  # fmt: skip
    assert len(mia.get(f"/api/v1/outreach/{number}/people").json()["people"]) == 1
    assert post(f"/{number}/resume").json()["state"] == "running"
    affect(incident)
    added = post(f"/{number}/add").json()
    assert (added["added"], added["people"]) == (1, {"waiting": 2})
    assert post(f"/{number}/add").json()["added"] == 0
    assert post(f"/{number}/end").json()["state"] == "ended"
    bad = post("", incident=incident.number, title="x", segments=[segment | {"amount": None}])
    assert bad.status_code == 422
    refused = post("", incident=incident.number, title="x", segments=[segment | {"texts": {"en": {"subject": "a",
                   "body": "no way"}}}])  # fmt: skip
    assert refused.json()["code"] == "outreach_segment_unfit"
    assert Outreach.objects.count() == 1, "all of it or nothing"
