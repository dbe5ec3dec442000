import json

import pytest
from django.test import Client

from makegood.prevent.incidents.models import Incident
from tests import factories
from tests.prevent.incidents.conftest import LOST, cases_of


@pytest.fixture
def call(client: Client, dev):
    client.force_login(dev)

    def go(method: str, path: str, **body):
        sent = {"data": json.dumps(body), "content_type": "application/json"} if method != "get" else {}
        answer = getattr(client, method)(f"/api/v1{path}", **sent)
        return answer.status_code, answer.json()

    return go


def test_a_signal_is_declared_read_and_listed(call, signal):
    status, made = call("post", "/incidents", title="Lost parcels", signal=f"S-{signal.number}")
    assert (status, made["cases"], made["state"]) == (201, 2, "open")
    assert made["any_of"] == {name: [value] for name, value in signal.slice.items()}
    assert "by Marlbeck" in made["in_words"]
    assert call("get", f"/incidents/{made['number'][2:]}") == (200, made)
    assert call("get", "/incidents?show=open")[1]["incidents"] == [made]
    status, refused = call("post", "/incidents", title="Again", signal=f"S-{signal.number}")
    assert (status, refused["code"]) == (409, "signal_declared")


def test_it_is_changed_as_a_whole_or_not_at_all(call, incident):
    status, changed = call(
        "patch",
        f"/incidents/{incident.number}",
        title="Parcels lost",
        severity=1,
        status_public="We look.",
        joins=False,
    )
    assert (status, changed["title"], changed["severity"]) == (200, "Parcels lost", 1)
    status, refused = call("patch", f"/incidents/{incident.number}", title="Other", any_of={"colour": ["red"]})
    assert (status, refused["code"]) == (422, "unknown_dimension")
    now = Incident.objects.get(pk=incident.pk)
    assert (now.title, now.status_public, now.joins) == ("Parcels lost", "We look.", False)


def test_cases_go_in_and_out(call, incident, lost):
    case = lost(reason="payment.refund")
    assert call("post", f"/incidents/{incident.number}/cases", cases=[f"C-{case.number}"])[1]["cases"] == 2
    status, refused = call("post", f"/incidents/{incident.number}/cases", cases=["C-99999999"])
    assert (status, refused["code"]) == (404, "case_not_found")
    call("post", f"/incidents/{incident.number}/cases/take-out", cases=[f"c-{case.number}"])
    assert case.number not in cases_of(incident)


def test_it_is_told_contained_resolved_and_reopened(call, incident):
    it = f"/incidents/{incident.number}"
    assert call("post", f"{it}/updates", words="News")[0] == 200
    assert call("post", f"{it}/contain", how="Other carrier")[1]["state"] == "contained"
    assert call("post", f"{it}/resolve")[1]["code"] == "incident_needs_cause"
    assert call("post", f"{it}/resolve", cause_state="found", cause="A belt")[1]["state"] == "resolved"
    assert call("post", f"{it}/reopen", why="Again")[1]["state"] == "open"


def test_only_leaders_write_and_nobody_sees_cases_beyond_their_places(client, incident, ana, lost):
    client.force_login(ana)
    body = {"data": json.dumps({"words": "x"}), "content_type": "application/json"}
    assert client.post(f"/api/v1/incidents/{incident.number}/updates", **body).status_code == 403
    assert client.get(f"/api/v1/incidents/{incident.number}").status_code == 200
    eve = factories.UserFactory(username="eve", role="manager")
    eve.places.add(factories.PlaceFactory())
    client.force_login(eve)
    body["data"] = json.dumps({"cases": [f"C-{lost(reason=LOST).number}"]})
    assert client.post(f"/api/v1/incidents/{incident.number}/cases", **body).status_code == 404
