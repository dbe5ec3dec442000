"""Signals on pages and over the API, without a browser: what they say, what they cost, who sees what."""

import csv
import io
from datetime import timedelta

import pytest
from django.utils import timezone

from makegood.prevent.signals import extensions
from makegood.prevent.signals.models import JudgedCase, Rule, Signal, State
from makegood.prevent.signals.services import judging
from makegood.recover.cases.models import Case
from tests.factories import PlaceFactory, VendorFactory, colleague
from tests.prevent.signals.conftest import BROADER, DAY, LOST, finding

pytestmark = pytest.mark.django_db


@pytest.fixture
def now():
    return timezone.now()


@pytest.fixture
def carrier():
    return VendorFactory(name="Marlbeck Parcels")


@pytest.fixture
def signal(found, complaints, carrier, now):
    """Three cases by one carrier, two of them in a store's district."""
    cases = complaints(3, at=now - DAY)
    slice_ = {**LOST, "carrier": str(carrier.pk)}
    JudgedCase.objects.bulk_create(JudgedCase(case=case, at=now - DAY, dimensions=slice_) for case in cases)
    [it] = found(finding(at=now, since=now - 3 * DAY, slice_=slice_, cases=cases, neighbours=(BROADER,)), now=now)
    return it


@pytest.fixture
def as_mia(client):
    client.force_login(colleague("mia"))
    return client


def test_a_signal_in_plain_words(as_mia, signal):
    page = as_mia.get(f"/signals/S-{signal.number}/").content.decode()
    assert "by Marlbeck Parcels to North West: 7 cases where 1.5 were expected since" in page
    assert "Broader: what is beyond the smaller slice fails as usual." in page
    assert "3 cases belong to it." in page
    assert '"observed":3' in page.replace(" ", "")  # the chart counts what was judged
    assert page.count("data-open") == 3


def test_the_list_the_file_and_the_panel_of_the_case(as_mia, signal, found, now):
    found(finding(2, at=now - 40 * DAY, since=now - 41 * DAY, slice_={"reason": "product.faulty"}),
          finding(2, "closed", at=now - 31 * DAY, since=now - 41 * DAY, slice_={"reason": "product.faulty"}),
          now=now)  # fmt: skip
    listed = as_mia.get("/signals/").content.decode()
    assert "by Marlbeck Parcels to North West" in listed
    assert f"S-{signal.number}<" in listed
    assert "Faulty" not in listed
    number = f"?q=S-{signal.number}&show=all"
    for address, count in (
        ("?show=closed", 1), ("?show=all", 2), ("?show=all&dimension=carrier", 1), ("?show=new", 1), (number, 1),
        ("?show=all&by=rules", 0), ("?whose=me", 0),
    ):  # fmt: skip
        file = as_mia.get(f"/signals/export.csv{address}").getvalue().decode("utf-8-sig")
        assert len(list(csv.reader(io.StringIO(file)))) == count + 1, address
    case = Case.objects.filter(of_signal__signal=signal).first()
    assert f"/signals/S-{signal.number}/" in as_mia.get(f"/cases/C-{case.number}/").content.decode()


def test_what_ended_before_anybody_judged_it_waits_for_thirty_days(as_mia, found, now):
    ended = [now - 29 * DAY, now - 31 * DAY, now - DAY]
    for number, at in enumerate(ended, 2):
        about = {"since": at - 2 * DAY, "slice_": {"reason": f"reason {number}"}}
        found(finding(number, at=at - DAY, **about), finding(number, "closed", at=at, **about), now=now)
    lately, long_ago, judged = Signal.objects.order_by("ref")
    judging.watch(signal_id=judged.pk, by=colleague("mia"), now=now)
    for address in ("/signals/", "/signals/?show=new"):
        listed = as_mia.get(address).content.decode()
        assert f"S-{lately.number}<" in listed
        assert f"S-{long_ago.number}<" not in listed
        assert f"S-{judged.number}<" not in listed


def test_an_associate_sees_nothing_of_signals_on_a_case(client, signal):
    case = Case.objects.filter(of_signal__signal=signal).first()
    client.force_login(colleague("ben"))
    page = client.get(f"/cases/C-{case.number}/")
    assert page.status_code == 200
    assert b"Part of a pattern" not in page.content
    assert client.get("/signals/").status_code == 403


def test_whoever_sees_a_part_of_the_company_sees_the_cases_of_that_part(client, signal):
    ana, store = colleague("ana"), PlaceFactory()
    ana.places.add(store)
    mine = Case.objects.filter(of_signal__signal=signal).first()
    Case.objects.filter(pk=mine.pk).update(place=store)
    client.force_login(ana)
    page = client.get(f"/signals/S-{signal.number}/").content.decode()
    assert page.count("data-open") == 1
    assert f"C-{mine.number}<" in page
    assert "3 cases belong to it, 1 of them in the part of the company that you see." in page
    assert "7 cases where 1.5 were expected" in page


def test_the_desk_shows_new_patterns_that_my_cases_belong_to(client, signal):
    ana = colleague("ana")
    client.force_login(ana)
    assert b"Patterns that my cases belong to" not in client.get("/").content
    Case.objects.filter(of_signal__signal=signal).update(assignee=ana)
    page = client.get("/").content.decode()
    assert page.count(f"/signals/S-{signal.number}/") == 1
    judging.dismiss(signal_id=signal.pk, by=colleague("mia"), now=timezone.now(), why="Floods")
    assert b"Patterns that my cases belong to" not in client.get("/").content


def test_judging_by_button_and_taking_it_back(as_mia, signal):
    def press(what, **said):
        return as_mia.post(f"/signals/S-{signal.number}/{what}", said, follow=True)

    assert b"You watch it" in press("watch").content
    signal.refresh_from_db()
    assert (signal.state, signal.owner) == (State.WATCHED, colleague("mia"))
    assert b"Put aside: For a week" in press("snooze", until="7").content
    assert b"Put aside: Until its cases double" in press("snooze", until="doubled").content
    assert press("snooze", until="yesterday").status_code == 422
    assert press("dismiss", why=" ").status_code == 422
    assert b"Known and accepted: Floods" in press("dismiss", why="Floods", accept="1", days="90").content
    assert b"Taken back" in press("undo").content
    signal.refresh_from_db()
    assert (signal.state, signal.snoozed_above) == (State.SNOOZED, 13)
    colleague("dev")
    assert b"Dev Patel" in press("assign", owner="dev").content
    assert press("assign", owner="ben").status_code == 422
    assert press("assign", owner="nobody at all").status_code == 422


def test_who_may_look_may_not_judge(client, signal):
    client.force_login(colleague("ana"))
    page = client.get(f"/signals/S-{signal.number}/").content.decode()
    assert "Take back" not in page
    assert "/dismiss" not in page
    assert client.post(f"/signals/S-{signal.number}/watch").status_code == 403


def test_what_is_accepted_is_shown_with_its_reason_until_it_ends(as_mia, signal, now):
    judging.dismiss(signal_id=signal.pk, by=colleague("mia"), now=now, why="Floods in the North", accept=True)
    listed = as_mia.get("/signals/?show=dismissed").content.decode()
    assert listed.count("Floods in the North") == 2
    accepted = Signal.objects.get(pk=signal.pk).accepted_id
    assert b"calls again" in as_mia.post(f"/signals/accepted/{accepted}/end", follow=True).content
    assert as_mia.post(f"/signals/accepted/{accepted}/end").status_code == 404


def test_a_later_room_offers_what_it_does(as_mia, signal, monkeypatch):
    offer = extensions.Offer(label="Declare an incident", href="/x", key="d", kind="primary")
    monkeypatch.setattr(extensions, "offers", [lambda it, user: offer, lambda it, user: None])
    assert b'href="/x"' in as_mia.get(f"/signals/S-{signal.number}/").content


def test_rules_are_written_measured_changed_and_removed(as_mia, signal):
    given = {"name": "Three lost", "count": 3, "hours": 48, "alike": ["reason", "carrier"], "active": "on"}
    page = as_mia.post("/signals/rules/new", given, follow=True).content.decode()
    assert "Saved. Would have called 1.0 times a month over the past 1 days, 0.0 of them for nothing" in page
    rule = Rule.objects.get()
    changed = as_mia.post(
        f"/signals/rules/{rule.pk}/", given | {"reason": "delivery.not_received", "count": 2}, follow=True
    )
    rule.refresh_from_db()
    assert changed.status_code == 200
    assert (rule.only, rule.alike) == ({"reason": "delivery.not_received"}, ["carrier"])
    assert as_mia.post("/signals/rules/new", given | {"alike": []}).status_code == 422
    assert as_mia.post("/signals/rules/new", given).status_code == 422  # the name is taken
    assert b"Three lost" in as_mia.get("/signals/rules/").content
    as_mia.post(f"/signals/rules/{rule.pk}/remove")
    assert not Rule.objects.exists()
    assert as_mia.get(f"/signals/rules/{rule.pk}/").status_code == 404


def test_pages_cost_few_statements_however_much_there_is(as_mia, signal, found, now, django_assert_max_num_queries):
    found(*(finding(n, at=now, since=now - DAY, slice_={"reason": f"r.{n}", "to_state": str(n)}) for n in range(2, 70)),
          now=now)  # fmt: skip
    with django_assert_max_num_queries(6):
        first = as_mia.get("/signals/").content.decode()
    assert "69" in first
    with django_assert_max_num_queries(8):
        as_mia.get(f"/signals/S-{signal.number}/")
    following = first.split('data-key="]"')[0].rsplit('href="', 1)[1].split('"')[0].replace("&amp;", "&")
    assert as_mia.get(following).content.decode().count("data-row") == 19


def test_hostile_words_are_words(as_mia, signal):
    for text in ("<script>alert(1)</script>", "'; DROP TABLE x; --", "\0", "x" * 5000):
        as_mia.post(f"/signals/S-{signal.number}/dismiss", {"why": text})
        assert as_mia.get(f"/signals/?dimension={text[:50]}&q={text[:50]}&after={text[:50]}").status_code == 200
    assert b"<script>alert" not in as_mia.get(f"/signals/S-{signal.number}/").content
    assert as_mia.get("/signals/S-99999999999999999999/").status_code in (404, 200)


# -- the API


@pytest.fixture
def ask(client):
    client.force_login(colleague("mia"))

    def call(method, path, **json):
        send = getattr(client, method)
        return send(f"/api/v1{path}", json or None, content_type="application/json") if json else send(f"/api/v1{path}")

    return call


def test_the_api_lists_reads_and_judges(ask, signal):
    [item] = ask("get", "/signals").json()["signals"]
    assert (item["number"], item["observed"], item["state"]) == (f"S-{signal.number}", 7, "new")
    assert "by Marlbeck Parcels" in item["in_words"]
    whole = ask("get", f"/signals/{signal.number}").json()
    assert (whole["cases"], whole["neighbours"][0]["why"]) == (3, "broader")
    path = f"/signals/{signal.number}/judgement"
    assert ask("post", path, do="watch").json()["state"] == "watched"
    until = (timezone.now() + timedelta(days=2)).isoformat()
    assert ask("post", path, do="snooze", until=until).json()["state"] == "snoozed"
    assert ask("post", path, do="dismiss", why="Floods", accept=True).json()["accepted"] is True
    assert ask("post", path, do="undo").json()["state"] == "snoozed"
    assert ask("post", path, do="dismiss").json()["code"] == "signal_say_why"
    assert ask("get", "/signals/99999").json()["code"] == "signal_not_found"


def test_the_api_is_for_those_who_may(client, signal):
    client.force_login(colleague("ana"))
    answer = client.post(f"/api/v1/signals/{signal.number}/judgement", {"do": "watch"}, content_type="application/json")
    assert answer.status_code == 403
    client.force_login(colleague("ben"))
    assert client.get("/api/v1/signals").status_code == 403
