"""The register and an improvement as people and programs see them."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from makegood.ground.asking import ask
from makegood.prevent.improvements import panel, services
from makegood.prevent.improvements.models import Improvement
from makegood.prevent.incidents.models import Incident
from makegood.recover.cases.services import plant_defaults
from tests.factories import colleague
from tests.prevent.improvements.conftest import LOST, NOW
from tests.prevent.improvements.test_register import BEGUN, STARTED, weeks

pytestmark = pytest.mark.django_db
HOSTILE = "<script>alert(1)</script>"


@pytest.fixture
def desk(mia):
    client = Client()
    client.force_login(mia)
    return client


@pytest.fixture
def judged(planned, hoped, mia):
    plant_defaults()
    it = planned(now=BEGUN, title=f"Scan {HOSTILE}", cause="Labels", cause_key="labels fall off")
    hoped(it, now=BEGUN)
    services.begin(improvement_id=it.pk, on=STARTED, by=mia, now=BEGUN)
    for n in (3, 6, 10):
        services.look(improvement_id=it.pk, now=BEGUN + timedelta(weeks=n + 4), counted=weeks(0.5, n))
    it.refresh_from_db()
    assert it.verdict == "worked"
    return it


def test_one_improvement_tells_its_whole_story(desk, judged):
    page = desk.get(f"/improvements/A-{judged.number}/")
    told = page.content.decode()
    assert page.status_code == 200
    for words in (
        "Worked",
        "Cases avoided",
        "Looks so far",
        "said before the start",
        "40 % fewer",
        "however often one looks",
    ):
        assert words in told
    assert HOSTILE not in told
    assert "&lt;script&gt;" in told


@pytest.mark.parametrize(("address", "most"), [("/improvements/?show=all", 7), ("/improvements/A-{}/", 9)])
def test_pages_cost_the_same_however_much_there_is(desk, judged, planned, hoped, address, most):
    address = address.format(judged.number)

    def cost():
        with CaptureQueriesContext(connection) as asked:
            assert desk.get(address).status_code == 200
        return len(asked)

    first = cost()
    for _ in range(5):
        hoped(planned())
    assert cost() == first <= most


def test_planning_leads_to_saying_what_it_should_bring(desk, dev, mia):
    plant_defaults()
    incident = Incident.objects.create(
        title="Lost", severity=2, commander=mia, any_of={"reason": [LOST]}, declared_at=NOW
    )
    first = desk.get(f"/improvements/new?incident={incident.number}").content.decode()
    assert f"I-{incident.number}" in first
    due = (NOW.date() + timedelta(days=4000)).isoformat()
    answer = desk.post(
        "/improvements/new", {"title": "Scan", "owner": "dev", "due": due, "incidents": f"I-{incident.number}"}
    )
    it = Improvement.objects.get()
    assert answer["Location"] == f"/improvements/A-{it.number}/hypothesis"
    assert f"reason: {LOST}" in desk.get(answer["Location"]).content.decode()
    said = {"part": f"Reason: {LOST}\nchannel: online", "percent": "30", "by_when": due, "within_days": "28"}
    assert desk.post(answer["Location"], said).status_code == 302
    assert it.hypotheses.get().any_of == {"reason": [LOST], "channel": ["online"]}
    assert it.incidents.get() == incident


def test_causes_that_were_named_before_are_offered(desk, planned):
    planned(cause_key="Labels in one print run")
    planned(cause_key="Labels in one print run")
    planned(cause_key="Belt too fast")
    offered = desk.get("/improvements/new").content.decode().split("<datalist")[1].split("</datalist>")[0]
    assert offered.count("<option") == 2
    assert 0 < offered.index("labels in one print run") < offered.index("belt too fast")


@pytest.mark.parametrize("part", ["carrier: Nobody", "colour: red", "just words", "carrier:", HOSTILE, "reason: \0"])
def test_a_part_that_there_is_not_is_refused_in_words(desk, planned, part):
    plant_defaults()
    it = planned()
    said = {"part": part, "percent": "30", "by_when": "2099-01-01", "within_days": "28"}
    answer = desk.post(f"/improvements/A-{it.number}/hypothesis", said)
    assert answer.status_code == 422
    assert HOSTILE not in answer.content.decode()
    assert not it.hypotheses.exists()


def test_what_is_done_on_the_page_is_done(desk, planned, hoped):
    it = planned()
    hoped(it)
    for act, given, state in [("begin", {"on": "2026-03-02"}, "under_way"), ("words", {"words": "Good."}, "under_way"),
                              ("finish", {"on": "2026-03-04"}, "done")]:  # fmt: skip
        assert desk.post(f"/improvements/A-{it.number}/{act}", given).status_code == 302
        it.refresh_from_db()
        assert it.state == state
    assert it.words == "Good."
    desk.post(f"/improvements/A-{it.number}/drop", {"words": "late"})
    assert "that cannot be done any more" in desk.get(f"/improvements/A-{it.number}/").content.decode()


def test_the_register_as_a_file_runs_no_formula(desk, planned):
    planned(title="=HYPERLINK(1)")
    lines = b"".join(desk.get("/improvements/export.csv?show=all").streaming_content).decode("utf-8-sig").splitlines()
    assert lines[0].startswith("improvement,title,state")
    assert "'=HYPERLINK(1)" in lines[1]


def test_an_incident_shows_what_is_done_about_it_also_one_it_took_over(judged, mia):
    incident = Incident.objects.create(title="Lost", severity=2, commander=mia, declared_at=NOW)
    judged.incidents.add(incident)
    goes_on = Incident.objects.create(title="Lost more", severity=2, commander=mia, declared_at=NOW)
    Incident.objects.filter(pk=incident.pk).update(merged_into=goes_on, state="resolved", resolved_at=NOW)
    for one in (incident, goes_on):
        [shown] = ask(panel.shown(one, mia, NOW))["improvements"]
        assert (shown["number"], shown["verdict"], shown["effect"][0]) == (judged.number, "worked", "−")  # noqa: RUF001
    assert not ask(panel.shown(goes_on, colleague("ben"), NOW))["may_see_improvements"]


def test_a_program_plans_hopes_begins_and_reads_the_effect(desk, judged):
    plant_defaults()
    post = lambda address, body: desk.post(f"/api/v1/improvements{address}", body, "application/json")  # noqa: E731
    made = post("", {"title": "Scan", "due_at": "2099-01-01T12:00:00Z", "cost": "12.50", "currency": "GBP"})
    assert made.status_code == 201, made.content
    address = "/" + made.json()["number"].removeprefix("A-")
    assert post(f"{address}/begin", {"on": "2026-01-01"}).json()["code"] == "improvement_without_hypothesis"
    hoped = {"any_of": {"reason": [LOST]}, "percent": 30, "by_when": "2099-01-01"}
    assert post(f"{address}/hypothesis", hoped).status_code == 201
    assert post(f"{address}/begin", {"on": "2026-01-01"}).json()["state"] == "under_way"
    found = desk.get(f"/api/v1/improvements/{judged.number}/effect").json()
    assert (found["verdict"], found["why"], len(found["weeks"])) == ("worked", "shown", 70)
    assert desk.get("/api/v1/improvements?show=all&limit=1").json()["after"]
    assert desk.get("/api/v1/improvements/999").json()["code"] == "improvement_not_found"


def test_without_a_setting_nothing_is_priced_and_with_one_it_is(desk, judged, settings):
    from decimal import Decimal

    address = f"/improvements/A-{judged.number}/"
    assert "worth" not in desk.get(address).content.decode()
    settings.MAKEGOOD_COST_PER_CASE = Decimal("12.50"), "GBP"
    assert "worth £" in desk.get(address).content.decode()
