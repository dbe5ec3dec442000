import pytest
from django.test import Client
from django.urls import reverse

from makegood.ground.staff.models import User
from makegood.prevent.incidents import services
from makegood.prevent.incidents.models import Incident, Stakeholder
from makegood.prevent.incidents.views.acting import ACTS
from tests import factories
from tests.prevent.incidents.conftest import LOST, cases_of


@pytest.fixture
def client_of(client: Client):
    def sign_in(user: User) -> Client:
        client.force_login(user)
        return client

    return sign_in


def page(client, incident, path=""):
    return client.get(f"/incidents/I-{incident.number}/{path}")


def test_the_list_shows_what_goes_on_in_words(client_of, incident, dev, marlbeck):
    text = client_of(dev).get("/incidents/").content.decode()
    assert f"I-{incident.number}" in text
    assert "by Marlbeck since 23 February" in text


def test_the_page_tells_what_is_meant_who_leads_and_what_happened(client_of, incident, dev):
    text = page(client_of(dev), incident).content.decode()
    for words in ("by Marlbeck since 23 February", "Dev Patel", "declared the incident", "1 customer so far"):
        assert words in text


def test_every_action_can_be_asked_for_by_its_leaders_and_by_nobody_else(client_of, incident, dev, ana):
    for name in ACTS:
        assert page(client_of(dev), incident, f"do/{name}").status_code == 200
        assert page(client_of(ana), incident, f"do/{name}").status_code == 403
    assert page(client_of(dev), incident, "do/nothing").status_code == 404


DOING = {
    "update": {"words": "The carrier found them."},
    "status": {"status_public": "We look for your parcel.", "answer": "We are sorry."},
    "contain": {"how": "Parcels go with Northway."},
    "task": {"text": "Call the carrier", "owner": "dev", "when": "tomorrow noon"},
    "severity": {"severity": "1", "severity_why": "Children"},
    "commander": {"to": "mia"},
    "change": {"title": "Parcels lost", "kind": "recall"},
    "link": {"cases": "C-1, C-99999999"},
    "cause": {"cause_state": "found", "cause": "A torn belt.", "whys": "It fell\nIt was torn", "locus": "carrier"},
    "review": {"d1": "Dev and Mia"},
    "resolve": {"cause_state": "not_found", "cause": "No scans."},
    "reopen": {"why": "Again"},
    "merge": {"into": "1"},
}


def test_every_action_does_what_it_says_or_says_why_not(client_of, incident, dev, mia):
    refused = {"link", "merge", "reopen"}
    assert DOING.keys() == ACTS.keys()
    client = client_of(dev)
    for name in sorted(DOING, key=lambda name: (name == "resolve", name)):
        before = Incident.objects.get(pk=incident.pk).version
        answer = client.post(f"/incidents/I-{incident.number}/do/{name}", DOING[name])
        after = Incident.objects.get(pk=incident.pk).version
        if name in refused:
            assert (answer.status_code in (404, 422), after) == (True, before), name
        else:
            assert (answer.status_code, after) == (302, before + 1), (name, answer.content.decode()[-2000:])
            assert page(client, incident).status_code == 200


def test_a_refusal_keeps_what_was_typed(client_of, incident, dev):
    answer = client_of(dev).post(f"/incidents/I-{incident.number}/do/resolve", {"why": "Because it stopped"})
    assert answer.status_code == 422
    assert "Because it stopped" in answer.content.decode()
    assert "Say what the cause was" in answer.content.decode()


def test_it_is_declared_from_a_signal_with_its_slice_and_cases(client_of, signal, dev):
    client, address = client_of(dev), f"/incidents/declare?signal={signal.number}"
    assert "2 cases come along" in client.get(address).content.decode()
    answer = client.post(address, {"title": "Lost parcels", "commander": "dev"})
    incident = Incident.objects.get()
    assert answer["Location"] == f"/incidents/I-{incident.number}/"
    assert incident.any_of == {name: [value] for name, value in signal.slice.items()}
    assert (incident.since, len(cases_of(incident))) == (signal.since, 2)
    assert client.get(address)["Location"] == answer["Location"]
    assert "Expected" in page(client, incident).content.decode()


def test_it_is_declared_from_a_case_with_what_was_ticked(client_of, lost, dev, marlbeck):
    case, client = lost(), client_of(dev)
    text = client.get(f"/incidents/declare?case={case.number}").content.decode()
    assert "Marlbeck" in text
    shared = [f"reason={LOST}", f"carrier={marlbeck.pk}", "colour=red"]
    client.post(f"/incidents/declare?case={case.number}", {"title": "Lost", "commander": "dev", "shared": shared})
    incident = Incident.objects.get()
    assert incident.any_of == {"reason": [LOST], "carrier": [str(marlbeck.pk)]}
    assert cases_of(incident) == {case.number}


def test_it_is_declared_by_hand(client_of, dev, lost):
    client = client_of(dev)
    assert client.get("/incidents/declare").status_code == 200
    client.post("/incidents/declare", {"title": "Prices", "commander": "dev", "shared": f"reason={LOST}"})
    assert Incident.objects.get().any_of == {"reason": [LOST]}


def test_cases_are_linked_by_number_and_taken_out_by_tick(client_of, incident, lost, dev):
    case, client = lost(reason="payment.refund"), client_of(dev)
    client.post(f"/incidents/I-{incident.number}/do/link", {"cases": f"C-{case.number}"})
    assert case.number in cases_of(incident)
    assert f"C-{case.number}" in page(client, incident, "cases").content.decode()
    take_out = f"/incidents/I-{incident.number}/cases/take-out"
    assert client.post(take_out, {}).status_code == 422
    client.post(take_out, {"case": [str(case.pk), "nonsense"]})
    assert case.number not in cases_of(incident)


def test_people_with_places_see_their_own_cases_and_the_number_of_all(client_of, incident, lost, dev, noon):
    store = factories.PlaceFactory()
    ours, theirs = lost(place_id=store.pk), lost(place_id=factories.PlaceFactory().pk)
    services.join_matching(now=noon)
    eve = factories.UserFactory(username="eve", role="manager")
    eve.places.add(store)
    text = page(client_of(eve), incident, "cases").content.decode()
    assert f"C-{ours.number}" in text
    assert f"C-{theirs.number}" not in text
    assert "2 more are outside" in text
    answer = client_of(eve).post(f"/incidents/I-{incident.number}/cases/take-out", {"case": [str(theirs.pk)]})
    assert answer.status_code == 302
    assert theirs.number in cases_of(incident)


def test_a_summary_is_text_to_copy_and_a_file(client_of, incident, dev, noon):
    services.say_cause(
        incident_id=incident.pk, state="found", cause="A *torn* belt.", locus="carrier", whys=["It fell"],
        contributing=[], by=dev, now=noon,
    )  # fmt: skip
    services.say_review(incident_id=incident.pk, review={"d7": "All belts"}, by=dev, now=noon)
    client = client_of(dev)
    assert "A \\*torn\\* belt." in page(client, incident, "summary").content.decode()
    answer = page(client, incident, "summary?download")
    assert answer["Content-Type"].startswith("text/markdown")
    assert "## Review\n\n- D7 Never again: All belts\n" in answer.content.decode()


def test_lists_are_files_too(client_of, incident, dev):
    for path in ("/incidents/export.csv", f"/incidents/I-{incident.number}/cases.csv"):
        text = b"".join(client_of(dev).get(path).streaming_content).decode()
        assert len(text.strip().splitlines()) == 2


def test_who_hears_of_what_is_said_by_name(client_of, dev, ana, marlbeck):
    client = client_of(dev)
    client.post("/incidents/hearing", {"user": "ana", "dimension": "carrier", "value": "marlbeck"})
    assert Stakeholder.objects.get().value == str(marlbeck.pk)
    assert "Marlbeck" in client.get("/incidents/hearing").content.decode()
    answer = client.post("/incidents/hearing", {"user": "ana", "dimension": "carrier", "value": "Nobody Ltd"})
    assert "There is no carrier called Nobody Ltd." in answer.content.decode()
    client.post(f"/incidents/hearing/{Stakeholder.objects.get().pk}/end")
    assert not Stakeholder.objects.exists()


def test_the_case_page_says_so_with_the_agreed_answer(client_of, incident, ana, dev, noon):
    services.say_status(incident_id=incident.pk, by=dev, now=noon, texts={"answer": "We send it <again>."})
    case = incident.linked.get().case
    text = client_of(ana).get(f"/cases/C-{case.number}/").content.decode()
    assert f"I-{incident.number} Lost parcels" in text
    assert 'data-insert="We send it &lt;again&gt;."' in text


def test_the_queue_marks_the_case_until_the_incident_is_over(client_of, incident, ana, dev, noon):
    assert f">I-{incident.number}<" in client_of(ana).get("/cases/").content.decode()
    services.resolve(incident_id=incident.pk, by=dev, now=noon, cause_state="found", cause="A belt.")
    assert f">I-{incident.number}<" not in client_of(ana).get("/cases/").content.decode()


def test_the_customer_reads_the_public_words_and_none_of_ours(client, incident, dev, noon):
    from django.utils import timezone

    from makegood.recover.cases.services.links import link_for

    services.say_status(
        incident_id=incident.pk, by=dev, now=noon,
        texts={"status_public": "We look for <your> parcel.", "status_inside": "Belt torn", "answer": "Secret"},
    )  # fmt: skip
    address = reverse("standing", args=[link_for(incident.linked.get().case_id, now=timezone.now())])
    text = client.get(address).content.decode()
    assert "We look for &lt;your&gt; parcel." in text
    assert "Belt torn" not in text
    assert "Secret" not in text


def test_no_page_costs_more_for_more_rows(client_of, dev, lost, incident, noon, django_assert_max_num_queries):
    from makegood.prevent.incidents.services import Declared, declare

    client = client_of(dev)
    for n in range(5):
        lost()
        declare(Declared(title=f"No {n}", commander=dev), by=dev, now=noon)
    services.join_matching(now=noon)
    for path, most in (("/incidents/", 4), (f"/incidents/I-{incident.number}/", 10),
                       (f"/incidents/I-{incident.number}/cases", 3)):  # fmt: skip
        with django_assert_max_num_queries(most):
            assert client.get(path).status_code == 200
