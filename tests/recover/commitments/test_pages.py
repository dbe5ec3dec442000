"""Promises on pages, without a browser: what they cost, who sees them, what they refuse."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone
from tests.factories import CustomerFactory, OrderFactory, PlaceFactory, colleague, open_case

from makegood.ground.staff.models import User
from makegood.recover.cases.models import Case, CaseEvent
from makegood.recover.cases.services import log_call, reply
from makegood.recover.commitments import services
from makegood.recover.commitments.models import Commitment, State, Suggestion

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true", "HX-Current-URL": "http://testserver/cases/C-1/"}
IN_LIST = {"HX-Request": "true", "HX-Current-URL": "http://testserver/commitments/"}
DAY = timedelta(days=1)


@pytest.fixture
def case(db) -> Case:
    return open_case(at=timezone.now() - timedelta(hours=3))


@pytest.fixture
def as_ana(client):
    client.force_login(colleague("ana"))
    return client


def promised(case, who="ana", due=DAY, **details) -> Commitment:
    now = timezone.now()
    told = {"text": "Call her", "kind": "call", "due_at": now + due, "owner": colleague(who), "by": colleague(who),
            "now": min(now, now + due) - DAY, "case_id": case.pk}  # fmt: skip
    return services.promise(**told | details)


# -- on the case page


def test_two_fields_and_the_case_says_so(as_ana, case):
    page = f"/commitments/on/C-{case.number}"
    assert b"Until when?" in as_ana.get(page, headers=HTMX).content
    said = {"text": "Call her about it", "when": "in two business days", "seen": case.version}
    answer = as_ana.post(page, said, headers=HTMX)
    assert answer.status_code == 200
    made = Commitment.objects.get()
    assert (made.kind, made.owner, made.case_id) == ("call", colleague("ana"), case.pk)
    assert made.said_as == "in two business days"
    assert b"promised a call by" in answer.content
    assert b'id="promises"' in answer.content
    assert b"/commitments/P-" in answer.content
    assert b"Undo" in answer.content


@pytest.mark.parametrize("when", ["yesterday", "soon", "", "03/04"])
def test_a_time_that_is_not_clear_is_asked_about_and_nothing_is_written(as_ana, case, when):
    page = f"/commitments/on/C-{case.number}"
    answer = as_ana.post(page, {"text": "Call her", "when": when}, headers=HTMX)
    assert answer.status_code == 422
    assert b"Call her" in answer.content
    assert not Commitment.objects.exists()


def test_the_time_is_said_back_in_the_zone_of_the_customer(as_ana):
    case = open_case(order=None, customer=CustomerFactory(country="BR"))
    asked = {"when": "tomorrow noon", "case": case.number}
    said = as_ana.get("/commitments/when", asked, headers=HTMX).content.decode()
    assert "12:00, tomorrow" in said
    assert "America/Sao_Paulo" in said
    assert "have passed" not in said
    assert "write" in as_ana.get("/commitments/when", {"when": "03/04"}, headers=HTMX).content.decode()


def test_the_panel_costs_no_statement_of_its_own(as_ana, case, django_assert_num_queries):
    for _ in range(5):
        promised(case)
    with django_assert_num_queries(4):  # who asks, case, timeline, the rest
        answer = as_ana.get(f"/cases/C-{case.number}/")
    assert answer.content.count(b"/keep") == 10  # five forms, each named twice


def test_kept_with_one_click_and_taken_back(as_ana, case):
    it = promised(case)
    answer = as_ana.post(f"/commitments/P-{it.number}/keep", {"seen": 1}, headers=HTMX)
    assert b"kept the promise of a call" in answer.content
    assert Commitment.objects.get().state == State.KEPT
    assert as_ana.post(f"/commitments/P-{it.number}/keep", {"seen": 1}, headers=HTMX).status_code == 409
    as_ana.post(f"/commitments/P-{it.number}/undo", {"seen": 1}, headers=HTMX)
    assert Commitment.objects.get().state == State.OPEN


def test_another_date_not_kept_and_let_off(as_ana, case):
    first, second, third = (promised(case, kind=kind) for kind in ("call", "refund", "repair"))
    form = as_ana.get(f"/commitments/P-{first.number}/change", headers=HTMX).content.decode()
    typed = re.search(r'name="when"[^>]*value="([^"]+)"', form)[1]
    other = {"text": "Call her", "when": "in 5 days"}
    answer = as_ana.post(f"/commitments/P-{first.number}/change", other, headers=HTMX)
    assert answer.status_code == 200
    assert typed[:4].isdigit()
    assert as_ana.post(f"/commitments/P-{second.number}/break", {"why": "No stock"}, headers=HTMX).status_code == 200
    for agreed_by, status in (("", 422), ("Maria", 200)):
        answer = as_ana.post(f"/commitments/P-{third.number}/release", {"agreed_by": agreed_by}, headers=HTMX)
        assert answer.status_code == status
    states = list(Commitment.objects.order_by("number").values_list("state", flat=True))
    assert states == ["superseded", "broken", "released", "open"]


def test_resolving_says_what_is_still_promised_and_leads_there(as_ana, case):
    it = promised(case)
    answer = as_ana.post(f"/cases/C-{case.number}/resolution", {"outcome": "recovered", "cause": "Lost"}, headers=HTMX)
    assert answer.status_code == 409
    assert f"P-{it.number}" in answer.content.decode()
    assert f"case=C-{case.number}" in answer.content.decode()


# -- found in words


def test_a_promise_in_a_reply_is_kept_as_a_question(as_ana, case):
    reply(case_id=case.pk, body="Sorry! I'll call you tomorrow at 2pm.", by=colleague("ana"), now=timezone.now())
    page = as_ana.get(f"/cases/C-{case.number}/").content.decode()
    assert "Did you promise this?" in page
    found = Suggestion.objects.get()
    assert found.words in ("I'll call you tomorrow at 2pm", "I&#39;ll call you tomorrow at 2pm")
    answer = as_ana.post(f"/commitments/found/{found.pk}/confirm", {}, headers=HTMX)
    assert answer.status_code == 200
    made = Commitment.objects.get()
    assert (made.due_at, made.kind, made.owner) == (found.due_at, "call", colleague("ana"))
    assert "Did you promise this?" not in as_ana.get(f"/cases/C-{case.number}/").content.decode()
    assert as_ana.post(f"/commitments/found/{found.pk}/dismiss", headers=HTMX).status_code == 409


def test_what_stands_in_the_register_is_not_asked_about_again(case):
    now = timezone.now()
    promised(case, due_at=(now + DAY), now=now)
    hour = (now + DAY).astimezone(timezone.get_default_timezone())
    log_call(case_id=case.pk, body=f"Told her I would call on {hour:%Y-%m-%d}.", by=colleague("ana"), now=now)
    assert not Suggestion.objects.exists()


def test_unanswered_questions_stand_on_the_page_of_their_author(as_ana, client, case):
    log_call(case_id=case.pk, body="I will refund her by tomorrow.", by=colleague("ana"), now=timezone.now())
    assert b"I will refund her by tomorrow" in as_ana.get("/commitments/").content
    client.force_login(colleague("ben"))
    assert b"I will refund her by tomorrow" not in client.get("/commitments/").content


def test_a_contradicting_reply_is_shown_before_it_leaves(as_ana, case):
    now = timezone.now()
    promised(case, kind="refund", text="Refund", due_at=now + 2 * DAY, now=now)
    said = {"kind": "reply", "reply": "Your refund will arrive within 6 days.", "seen": Case.objects.get().version}
    answer = as_ana.post(f"/cases/C-{case.number}/say", said, headers=HTMX)
    assert answer.status_code == 422
    assert "You promised a refund by" in answer.content.decode()
    assert "(Ana Moreira" in answer.content.decode()
    assert not CaseEvent.objects.filter(kind="contact", actor=colleague("ana")).exists()
    assert as_ana.post(f"/cases/C-{case.number}/say", said | {"sure": "on"}, headers=HTMX).status_code == 200
    found = Suggestion.objects.get()
    page = as_ana.get(f"/cases/C-{case.number}/").content.decode()
    assert f"Instead of P-{Commitment.objects.get().number}" in page
    answer = as_ana.post(
        f"/commitments/found/{found.pk}/confirm",
        {"replace": "on"}, headers=HTMX,
    )  # fmt: skip
    assert answer.status_code == 200
    assert sorted(Commitment.objects.values_list("state", flat=True)) == ["open", "superseded"]


def test_another_remedy_contradicts_too(as_ana, case):
    promised(case, kind="refund", text="Refund")
    said = {"kind": "reply", "reply": "We'll send you a replacement tomorrow.", "seen": Case.objects.get().version}
    answer = as_ana.post(f"/cases/C-{case.number}/say", said, headers=HTMX)
    assert "This promises a replacement by" in answer.content.decode()


# -- the list


def test_a_page_of_promises_costs_no_statement_per_row(as_ana, case, django_assert_num_queries):
    for n in range(60):
        promised(case, due=timedelta(minutes=-n - 1))
    with django_assert_num_queries(5):  # who asks, rows, number, findings, colleagues
        answer = as_ana.get("/commitments/")
    assert answer.content.count(b'id="promise-') == 50
    following = re.search(rb'href="([^"]+after=[^"]+)"', answer.content)[1].decode().replace("&amp;", "&")
    assert as_ana.get(following).content.count(b'id="promise-') == 10


def test_the_list_shows_what_was_asked_for(as_ana, case):
    late, soon, bens = promised(case, due=-DAY), promised(case, due=10 * DAY), promised(case, who="ben", kind="refund")

    def shown(address: str) -> set[int]:
        return set(map(int, re.findall(rb'id="promise-(\d+)"', as_ana.get(f"/commitments/{address}").content)))

    assert shown("") == shown("?show=overdue") == {late.number}
    assert shown("?show=open") == {late.number, soon.number}
    assert shown("?show=open&whose=all") == {late.number, soon.number, bens.number}
    assert shown("?show=open&whose=ben") == shown("?show=open&whose=all&kind=refund") == {bens.number}
    assert shown(f"?show=open&whose=all&q=P-{soon.number}&case=C-{case.number}") == {soon.number}
    services.keep(commitment_id=late.pk, by=colleague("ana"), now=timezone.now())
    assert shown("?show=ended") == {late.number}
    lines = b"".join(as_ana.get("/commitments/export.csv?show=ended").streaming_content).decode().splitlines()
    assert len(lines) == 2
    assert f"P-{late.number},kept_late" in lines[1]


def test_an_action_in_the_list_answers_with_its_row(as_ana, case):
    it = promised(case)
    answer = as_ana.post(f"/commitments/P-{it.number}/keep", headers=IN_LIST).content.decode()
    assert f'id="promise-{it.number}"' in answer
    assert "Kept" in answer


def test_nobody_sees_promises_of_other_places(client):
    here, there = PlaceFactory(name="Leeds"), PlaceFactory(name="York")
    mine, other = (open_case(order=OrderFactory(place=place), place_id=place.pk) for place in (here, there))
    ana = colleague("ana")
    ana.places.add(here)
    seen, hidden = promised(mine), promised(other, who="ben")
    client.force_login(ana)
    page = client.get("/commitments/?show=open&whose=all").content.decode()
    assert f"promise-{seen.number}" in page
    assert f"promise-{hidden.number}" not in page
    for path in (f"P-{hidden.number}/change", f"on/C-{other.number}"):
        assert client.get(f"/commitments/{path}").status_code == 404
    assert client.post(f"/commitments/P-{hidden.number}/keep").status_code == 404


def test_the_calendar_shows_weeks_and_months(as_ana, case, django_assert_num_queries):
    day = timezone.localtime(promised(case).due_at).date()
    for span, cells in (("week", 7), ("month", 28)):
        with django_assert_num_queries(2):
            page = as_ana.get(f"/commitments/calendar?span={span}&from={day}").content
        assert page.count(b'class="calendar-day') >= cells
        assert page.count(b"calendar-item open") == 2  # the promise and the legend
    assert as_ana.get("/commitments/calendar?from=nonsense&span=x").status_code == 200


def test_the_rate_is_said_only_of_enough(as_ana, case, django_assert_num_queries):
    now = timezone.now()
    for n in range(12):
        it = promised(case, due=timedelta(hours=-n - 1))
        at = it.due_at - timedelta(minutes=1) if n < 9 else now
        services.keep(commitment_id=it.pk, by=colleague("ana"), now=now, at=at)
    promised(case, who="ben", due=timedelta(hours=-1), kind="refund")
    with django_assert_num_queries(3):
        page = " ".join(as_ana.get("/commitments/kept").content.decode().split())
    assert "69 %" in page  # nine of thirteen
    assert '<td>Ana Moreira</td><td class="num"><strong>75 %</strong>' in page
    assert '<td>Ben Okafor</td><td class="num"><span class="muted">too few</span>' in page


# -- handing over


def test_own_promises_are_handed_over_and_others_by_managers_only(as_ana, client, case):
    mine, bens = promised(case), promised(case, who="ben")
    assert as_ana.get("/commitments/hand-over?from=ben").status_code == 403
    answer = as_ana.post("/commitments/hand-over", {"to": "ben", "commitment": [mine.pk, bens.pk], "why": "Shift ends"})
    assert answer.status_code == 302
    assert set(Commitment.objects.values_list("owner__username", flat=True)) == {"ben"}
    client.force_login(colleague("mia"))
    assert client.get("/commitments/hand-over?from=ben").content.count(b'name="commitment"') == 2
    nobody = {"from": "ben", "to": "nobody", "commitment": [mine.pk]}
    assert client.post("/commitments/hand-over", nobody).status_code == 422
    client.post("/commitments/hand-over", {"from": "ben", "to": "ana", "commitment": [mine.pk]})
    assert Commitment.objects.get(pk=mine.pk).owner == User.objects.get(username="ana")
