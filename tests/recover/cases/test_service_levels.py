"""Which targets and which hours hold for a case, and the pages where they are set."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.factories import PlaceFactory, UserFactory

from makegood.engines.clocks import Clock
from makegood.ground.staff.models import Role, User
from makegood.recover.cases import services
from makegood.recover.cases.models import Case, Queue, Status
from makegood.recover.cases.service_levels.defaults import ANSWER_WITHIN, RESOLVE_WITHIN, plant_levels
from makegood.recover.cases.service_levels.forms import minutes_of, spelled_minutes
from makegood.recover.cases.service_levels.levels import Rules, Traits, load
from makegood.recover.cases.service_levels.models import Calendar, CalendarUse, Escalation, Target
from makegood.recover.cases.service_levels.retiming import retime_open

MakeCase = Callable[..., Case]
HOUR = timedelta(hours=1)
BACKEND = "makegood.ground.messages.notices.StaffBackend"


@pytest.fixture
def as_ada(client: Client, tree: None) -> Client:
    client.force_login(UserFactory(username="ada", role=Role.ADMINISTRATOR), backend=BACKEND)
    return client


@pytest.fixture
def office(tree: None) -> Calendar:
    return Calendar.objects.get(name="Weekdays 9 to 17")


def traits(**some: Any) -> Traits:
    usual = {
        "severity": 3,
        "tier": "frontline",
        "channel": "email",
        "loyalty_tier": "",
        "queue_id": 1,
        "place_id": None,
    }
    return Traits(**usual | some)


# -- which target


def test_what_makegood_comes_with_holds_by_severity(tree: None):
    levels = load([])
    for severity, within in ANSWER_WITHIN.items():
        case = traits(severity=severity)
        assert levels.aim(Clock.FIRST, case).target == levels.aim(Clock.NEXT, case).target == within
        assert levels.aim(Clock.RESOLUTION, case).target == RESOLVE_WITHIN[severity]
        assert levels.aim(Clock.FIRST, case._replace(channel="")).target == 2 * within


def test_without_any_row_the_same_holds(db: None):
    levels = load([])
    assert levels.aim(Clock.FIRST, traits(channel="")).target == 48 * HOUR
    assert levels.aim(Clock.RESOLUTION, traits()).target == 120 * HOUR


NAMES = {"queue_id": [None, 1, 2], "loyalty_tier": ["", "gold"], "channel": ["", "email", "silent"],
         "tier": ["", "manager"], "severity": [None, 1, 3]}  # fmt: skip
ROWS = st.lists(
    st.fixed_dictionaries({name: st.sampled_from(values) for name, values in NAMES.items()}
                          | {"first_minutes": st.none() | st.integers(1, 99)}),
    max_size=12, unique_by=lambda row: tuple(row[name] for name in NAMES),
)  # fmt: skip


@given(rows=ROWS, queue=st.sampled_from([1, 2]), loyalty=st.sampled_from(["", "Gold"]),
       channel=st.sampled_from(["", "email"]), tier=st.sampled_from(["frontline", "manager"]),
       severity=st.sampled_from([1, 3]))  # fmt: skip
def test_the_row_that_names_the_most_wins(
    rows: list[dict[str, Any]], queue: int, loyalty: str, channel: str, tier: str, severity: int
):
    """Against a twin that strikes out what does not fit, then what names less, condition by condition."""
    full = [
        row
        | {"id": n, "next_minutes": None, "resolution_minutes": None, "warn_percent": 75, "stops_for_partner": False}
        for n, row in enumerate(rows)
    ]
    case = traits(queue_id=queue, loyalty_tier=loyalty, channel=channel, tier=tier, severity=severity)
    is_so = {"queue_id": queue, "loyalty_tier": loyalty.lower(), "channel": channel or "silent", "tier": tier,
             "severity": severity}  # fmt: skip
    left = [row for row in full if row["first_minutes"]]
    left = [row for row in left if all(row[name] in (None, "", is_so[name]) for name in NAMES)]
    for name in NAMES:
        left = [row for row in left if row[name] not in (None, "")] or left
    rules = Rules({"queues": {}, "calendars": [], "targets": full})
    found = rules.aim(Clock.FIRST, case).target
    assert found == (
        timedelta(minutes=left[0]["first_minutes"]) if left else ANSWER_WITHIN[severity] * (2 - bool(channel))
    )


def test_two_rows_about_the_same_cases_are_refused(tree: None):
    with pytest.raises(IntegrityError, match="target_once"), transaction.atomic():
        Target.objects.create(severity=3, first_minutes=5)
    with pytest.raises(IntegrityError, match="target_sets_a_clock"), transaction.atomic():
        Target.objects.create(severity=3, tier="manager")


# -- whose hours


def test_hours_of_the_queue_count_more_than_those_of_the_place(tree: None, office: Calendar):
    region = PlaceFactory(kind="region", time_zone="Europe/London")
    store = PlaceFactory(parent=region, time_zone="Asia/Kolkata")
    queue = Queue.objects.first()
    assert queue
    case = traits(queue_id=queue.pk, place_id=store.pk)
    assert load([store.pk]).calendar(case).is_always
    CalendarUse.objects.create(calendar=office, place=region)
    assert load([store.pk]).calendar(case).zone == "Asia/Kolkata"  # hours from above, on the wall of the store
    lunch = Calendar.objects.create(name="Lunch", time_zone="Europe/Paris", week=[[[600, 660]]] * 7)
    CalendarUse.objects.create(calendar=lunch, queue=queue)
    assert load([store.pk]).calendar(case).zone == "Europe/Paris"


def test_rules_are_always_those_of_now(tree: None):
    load([])
    Target.objects.filter(severity=3, channel="").update(first_minutes=7)
    assert load([]).aim(Clock.FIRST, traits()).target == timedelta(minutes=7)


def test_levels_cost_one_statement(tree: None, django_assert_num_queries):
    with django_assert_num_queries(1):
        load([PlaceFactory.build().pk, None])


def test_a_case_is_due_in_the_hours_of_its_queue(make_case: MakeCase, office: Calendar, noon: datetime):
    CalendarUse.objects.create(calendar=office, queue=Queue.objects.get(slug="delivery"))
    case = make_case()  # Thursday noon, four hours to answer, two days of eight hours each and more to resolve
    assert case.answer_due_at == noon + 4 * HOUR
    assert case.resolve_due_at == noon + timedelta(days=8, hours=0)


def test_defaults_are_planted_once_and_what_was_deleted_stays_away(tree: None):
    Target.objects.filter(severity=4).delete()
    Escalation.objects.filter(clock="next").delete()
    plant_levels()
    assert (Target.objects.count(), Escalation.objects.count(), Calendar.objects.count()) == (6, 2, 2)


# -- clocks of a case


def test_a_second_letter_does_not_put_the_answer_off(make_case: MakeCase, noon: datetime):
    case = make_case()
    services.receive_contact(case_id=case.pk, channel="email", author="m", body="And?", at=noon + HOUR)
    case.refresh_from_db()
    assert case.due_at == noon + 4 * HOUR


def test_a_paused_case_is_not_due_and_stands_behind_what_is(make_case: MakeCase, noon: datetime, ana: User):
    case = make_case()
    services.log_call(case_id=case.pk, body="Which colour?", by=ana, now=noon, wait=True)
    case.refresh_from_db()
    assert (case.due_at, case.status) == (None, Status.WAITING_CUSTOMER)
    assert case.rank_at > noon + timedelta(days=20)
    services.receive_contact(case_id=case.pk, channel="email", author="m", body="Red", at=noon + 50 * HOUR)
    case.refresh_from_db()
    assert (case.answer_due_at, case.resolve_due_at) == (noon + 54 * HOUR, noon + 98 * HOUR)


def test_another_reason_counts_from_the_start_and_forgets_no_pause(make_case: MakeCase, noon: datetime, ana: User):
    case = make_case(reason="delivery.late")
    services.log_call(case_id=case.pk, body="Which?", by=ana, now=noon + HOUR, wait=True)
    services.change_status(case_id=case.pk, status=Status.OPEN, by=ana, now=noon + 31 * HOUR)
    services.change_reason(case_id=case.pk, reason="delivery.not_received", by=ana, now=noon + 32 * HOUR)
    case.refresh_from_db()
    assert case.due_at == noon + RESOLVE_WITHIN[case.severity] + 30 * HOUR


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(minutes=st.lists(st.integers(1, 9000), min_size=3, max_size=3))
def test_edited_targets_reach_open_cases_as_if_they_had_always_been_so(
    minutes: list[int], make_case: MakeCase, noon: datetime, ana: User
):
    with transaction.atomic():
        first, later, whole = minutes
        case = make_case()
        services.log_call(case_id=case.pk, body="Hm.", by=ana, now=noon + HOUR, wait=True)
        services.receive_contact(case_id=case.pk, channel="email", author="m", body="Red", at=noon + 5 * HOUR)
        Target.objects.filter(severity=2).update(first_minutes=first, next_minutes=later, resolution_minutes=whole)
        retime_open(now=noon + 6 * HOUR)
        case.refresh_from_db()
        assert case.answer_due_at == noon + 5 * HOUR + timedelta(minutes=later)
        paused = 4 * HOUR if whole > 60 else timedelta(0)
        assert case.resolve_due_at == noon + timedelta(minutes=whole) + paused
        transaction.set_rollback(True)


# -- pages


def test_managers_read_and_administrators_set(client: Client, tree: None):
    client.force_login(UserFactory(role=Role.MANAGER), backend=BACKEND)
    page = client.get("/service-levels/").text
    assert "Weekdays 9 to 17" in page
    assert "New calendar" not in page
    assert client.post("/service-levels/targets/new", {"severity": 1, "first_minutes": "1 h"}).status_code == 403


def test_a_calendar_is_made_changed_and_deleted(as_ada: Client, office: Calendar):
    store = PlaceFactory(name="Leeds Briggate")
    queue = Queue.objects.get(slug="delivery")
    given = {"name": "Shop", "time_zone": "Europe/London", "hours": "Mon-Sat 09:00-12:30, 13:15-18:00", "country": "gb",
             "subdivision": "eng", "days": "2026-12-24 09:00-12:00\n2026-12-27 closed", "queues": [queue.pk],
             "places": "Leeds Briggate"}  # fmt: skip
    assert as_ada.post("/service-levels/calendars/new", given).status_code == 302
    shop = Calendar.objects.get(name="Shop")
    assert shop.week[0] == [[540, 750], [795, 1080]]
    assert (shop.country, shop.subdivision) == ("GB", "ENG")
    assert shop.exceptions == {"2026-12-24": [[540, 720]], "2026-12-27": []}
    assert {use.queue or use.place for use in shop.uses.all()} == {queue, store}
    form = as_ada.get(f"/service-levels/calendars/{shop.pk}/").text
    for words in ("Mon-Sat 09:00-12:30, 13:15-18:00", "2026-12-27 closed", "Leeds Briggate"):
        assert words in form
    assert "09:00-12:30, 13:15-18:00" in as_ada.get("/service-levels/").text
    as_ada.post(f"/service-levels/calendars/{office.pk}/", {"name": "Office", "queues": [queue.pk]})
    assert [use.queue for use in office.uses.all()] == [queue]  # it left the other one
    as_ada.post(f"/service-levels/calendars/{shop.pk}/delete")
    assert not Calendar.objects.filter(name="Shop").exists()


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"hours": "Mon 9-17"}, "is no window of time"),
        ({"hours": "Mon 09:00-17:00, 16:00-18:00"}, "overlap"),
        ({"time_zone": "Mars/Olympus"}, "There is no time zone Mars/Olympus"),
        ({"country": "ZZ"}, "No holidays are known for ZZ"),
        ({"days": "soon closed"}, "is no date"),
        ({"days": "2026-12-24"}, "Say the hours of 2026-12-24"),
        ({"days": "2026-12-24 22:00-02:00"}, "past midnight"),
        ({"places": "Atlantis"}, "There is no place called Atlantis"),
        ({"name": "Around the clock"}, "already exists"),
    ],
)
def test_a_calendar_that_cannot_be_is_refused_in_words(as_ada: Client, wrong: dict[str, str], said: str):
    answer = as_ada.post("/service-levels/calendars/new", {"name": "Shop", "hours": "Mon 09:00-17:00"} | wrong)
    assert answer.status_code == 422
    assert said in answer.text


def test_one_calendar_holds_wherever_no_other_does(as_ada: Client, office: Calendar):
    always = Calendar.objects.get(is_default=True)
    assert as_ada.post(f"/service-levels/calendars/{always.pk}/", {"name": "Always"}).status_code == 409
    as_ada.post(f"/service-levels/calendars/{always.pk}/delete")
    assert Calendar.objects.filter(pk=always.pk).exists()
    as_ada.post(f"/service-levels/calendars/{office.pk}/", {"name": "Office", "default": "on"})
    assert Calendar.objects.get(is_default=True) == office


def test_targets_are_made_changed_and_deleted(as_ada: Client):
    new = {"severity": "2", "loyalty_tier": "gold", "first_minutes": "1 h 30 min", "warn_percent": "60"}
    assert as_ada.post("/service-levels/targets/new", new).status_code == 302
    target = Target.objects.get(loyalty_tier="gold")
    assert (target.severity, target.first_minutes, target.next_minutes) == (2, 90, None)
    assert "1 h 30 min" in as_ada.get(f"/service-levels/targets/{target.pk}/").text
    again = as_ada.post("/service-levels/targets/new", new)
    assert (again.status_code, "There is a target for these cases already" in again.text) == (422, True)
    assert as_ada.post("/service-levels/targets/new", {"severity": "2", "warn_percent": "75"}).status_code == 422
    assert as_ada.post("/service-levels/targets/new", new | {"first_minutes": "soon"}).status_code == 422
    assert as_ada.post("/service-levels/targets/new", new | {"warn_percent": "0"}).status_code == 422
    as_ada.post(f"/service-levels/targets/{target.pk}/delete")
    assert not Target.objects.filter(pk=target.pk).exists()
    assert as_ada.get(f"/service-levels/targets/{target.pk}/").status_code == 404


def test_editing_enqueues_that_clocks_follow(as_ada: Client):
    as_ada.post("/service-levels/targets/new", {"severity": "2", "tier": "manager", "next_minutes": "2 h",
                                                "warn_percent": "75"})  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'cases.retime_open'")
        assert cursor.fetchone() == (1,)


def test_escalations_are_made_and_deleted(as_ada: Client):
    queue = Queue.objects.first()
    assert queue
    new = {"clock": "first", "when": "warning", "deed": "move", "queue": str(queue.pk)}
    assert as_ada.post("/service-levels/escalations/new", new | {"queue": ""}).status_code == 422
    assert as_ada.post("/service-levels/escalations/new", new).status_code == 302
    assert as_ada.post("/service-levels/escalations/new", new).status_code == 422
    rule = Escalation.objects.get(deed="move")
    as_ada.post(
        "/service-levels/escalations/new", {"clock": "first", "when": "breach", "deed": "raise", "queue": queue.pk}
    )
    assert Escalation.objects.get(deed="raise").queue is None
    as_ada.post(f"/service-levels/escalations/{rule.pk}/delete")
    assert not Escalation.objects.filter(deed="move").exists()


def test_the_try_it_row_says_when_it_is_due(as_ada: Client, office: Calendar):
    asked = {"calendar": office.pk, "start": "2026-03-06T16:30", "time": "1 h"}
    assert "Mon 9 Mar 2026, 09:30" in as_ada.get("/service-levels/", asked).text
    assert "Write it as 4 h" in as_ada.get("/service-levels/", asked | {"time": "soon"}).text


def test_the_page_of_service_levels_costs_few_statements(as_ada: Client, django_assert_max_num_queries):
    with django_assert_max_num_queries(7):
        as_ada.get("/service-levels/")


def test_the_case_page_says_each_clock_in_words(
    client: Client, make_case: MakeCase, noon: datetime, ana: User, django_assert_max_num_queries
):
    case = make_case()
    services.log_call(case_id=case.pk, body="Which colour?", by=ana, now=noon + HOUR, wait=True)
    client.force_login(ana, backend=BACKEND)
    with django_assert_max_num_queries(4):
        page = client.get(f"/cases/C-{case.number}/").text
    assert "met after 1 h of 4 h" in page
    assert "1 h of 2 d used" in page
    assert "paused since" in page


def test_clocks_over_the_api(client: Client, make_case: MakeCase, noon: datetime, ana: User):
    case = make_case()
    services.log_call(case_id=case.pk, body="On it.", by=ana, now=noon + 5 * HOUR)
    client.force_login(ana, backend=BACKEND)
    first, resolution = client.get(f"/api/v1/cases/{case.number}/clocks").json()["clocks"]
    assert (first["clock"], first["state"], first["late_seconds"], first["used_seconds"]) == (
        "first",
        "breached",
        3600,
        18000,
    )
    assert resolution["due_at"] == "2026-03-07T12:00:00Z"
    targets = client.get("/api/v1/service-levels/targets").json()["targets"]
    assert len(targets) == 8
    assert {row["channel"] for row in targets} == {"", "silent"}


@given(minutes=st.integers(1, 100_000))
def test_times_are_spelled_as_they_are_read(minutes: int):
    assert minutes_of(spelled_minutes(minutes)) == minutes


@pytest.mark.parametrize("text", ["", "0 h", "soon", "1 d", "99999 h", "-1 h"])
def test_what_is_no_time_is_refused(text: str):
    with pytest.raises(ValueError, match="^" + re.escape(text)):
        minutes_of(text)
