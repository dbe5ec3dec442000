"""Rules give cases to people with the skill, in turn or by load, below their caps, and decide races."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connections
from tests.recover.cases.test_timeline import assert_replays

from makegood.ground.retail.models import Customer, Place
from makegood.ground.staff.models import Role, User
from makegood.recover.cases import services
from makegood.recover.cases.models import AssignmentRule, Case, CaseEvent, Queue, Reason
from makegood.recover.cases.services import NewCase, open_cases

LEAST, TURNS = AssignmentRule.Method


@pytest.fixture
def rule(tree):
    def make(**details):
        return AssignmentRule.objects.create(**{"name": "All", "skill": ""} | details)

    return make


@pytest.fixture
def crew(db):
    """Ana and Ben, who speak Portuguese; Cy, who does not; Dee, who analyses."""
    people = {}
    for name, role, skills in (
        ("ana", Role.SPECIALIST, ["PT"]),
        ("ben", Role.ASSOCIATE, ["pt", "warranty"]),
        ("cy", Role.ASSOCIATE, []),
        ("dee", Role.ANALYST, ["pt"]),
    ):
        people[name] = User.objects.create_user(name, first_name=name.title(), role=role, skills=skills)
    return people


@pytest.fixture
def opened(make_case, shop, noon):
    """Opens so many cases, each of a customer of its own."""

    def make(number, **details):
        base = Customer.objects.count()
        people = [Customer.objects.create(source=shop, ref=f"N-{base + n}", name="N") for n in range(number)]
        return [make_case(customer_id=one.pk, order_id=None, **details) for one in people]

    return make


def owners(cases):
    return [Case.objects.select_related("assignee").get(pk=case.pk).assignee for case in cases]


def test_without_rules_nobody_is_given_anything(opened, crew):
    assert owners(opened(1)) == [None]


def test_the_least_busy_with_the_skill_gets_it_and_the_timeline_says_why(opened, crew, rule):
    rule(name="Portuguese", skill="pt")
    cases = opened(4)
    assert sorted(owner.username for owner in owners(cases)) == ["ana", "ana", "ben", "ben"]
    event = CaseEvent.objects.get(case=cases[0], kind="assigned")
    assert event.why == "Rule “Portuguese”: fewest open cases (0)."
    for case in cases:
        assert_replays(case.pk)
        assert Case.objects.get(pk=case.pk).status == "new"


def test_turns_go_round(opened, crew, rule):
    rule(method=TURNS)
    by_turn = sorted((one for one in crew.values() if one.role != Role.ANALYST), key=lambda one: one.pk)
    assert owners(opened(7)) == [by_turn[n % 3] for n in range(7)]


def test_many_at_once_are_spread_as_one_at_a_time_would_be(crew, rule, tree, shop, noon):
    rule(method=TURNS)
    people = [Customer.objects.create(source=shop, ref=f"N-{n}", name="N") for n in range(9)]
    new = [NewCase(reason="order", subject="x", why="x", at=noon, customer_id=one.pk) for one in people]
    cases = open_cases(new)
    counts = [owners(cases).count(one) for one in crew.values()]
    assert counts == [3, 3, 3, 0]


def test_caps_hold_until_everybody_is_full_and_then_it_is_said(opened, crew, rule):
    rule(skill="pt")
    User.objects.filter(username="ana").update(case_cap=1)
    User.objects.filter(username="ben").update(case_cap=2)
    cases = opened(4)
    names = [owner.username for owner in owners(cases)]
    assert sorted(names[:3]) == ["ana", "ben", "ben"]
    assert "everybody is at their cap" in CaseEvent.objects.get(case=cases[3], kind="assigned").why


def test_the_first_rule_that_fits_decides(opened, crew, rule):
    rule(name="Warranty", position=1, reason=Reason.objects.get(code="product"), skill="warranty")
    rule(name="Money", position=2, queue=Queue.objects.get(slug="money"), skill="nobody has it")
    rule(name="Portuguese", position=3, language="pt", skill="pt")
    [faulty], [money], [other] = opened(1, reason="product.faulty"), opened(1, reason="payment"), opened(1)
    assert [owner and owner.username for owner in owners([faulty, money, other])] == ["ben", None, None]
    contact = services.FirstContact(channel="email", body="Onde está?", language="pt")
    [portuguese] = opened(1, contact=contact)
    assert owners([portuguese])[0].username in ("ana", "ben")


def test_nobody_is_given_what_they_may_not_see(opened, crew, rule, shop):
    north, south = (Place.objects.create(source=shop, ref=ref, kind="store", name=ref) for ref in ("north", "south"))
    for name in ("ana", "cy"):
        crew[name].places.add(north)
    crew["ben"].places.add(south)
    rule()
    assert owners(opened(3, place_id=south.pk)) == [crew["ben"]] * 3


def test_a_case_that_is_put_back_goes_to_somebody_else(opened, crew, rule, noon):
    rule(skill="pt")
    [case] = opened(1)
    [first] = owners([case])
    services.assign_case(case_id=case.pk, to=None, by=first, now=noon)
    [second] = owners([case])
    assert {first.username, second.username} == {"ana", "ben"}
    assert_replays(case.pk)


def test_a_case_that_is_escalated_goes_to_who_has_the_skill_there(opened, crew, rule, noon):
    rule(queue=Queue.objects.get(slug="money"), skill="warranty")
    [case] = opened(1)
    services.escalate_case(
        case_id=case.pk, hand_over=services.HandOver(happened="x", promised="nothing", needed="y"), queue="money",
        by=crew["ana"], now=noon + timedelta(hours=1),
    )  # fmt: skip
    assert owners([case]) == [crew["ben"]]
    assert_replays(case.pk)


@pytest.mark.django_db(transaction=True)
def test_who_opens_at_once_with_others_passes_nobody_s_cap(shop, noon):
    services.plant_defaults()
    AssignmentRule.objects.create(name="All")
    for name in ("ana", "ben", "cy", "eli"):
        User.objects.create_user(name, role=Role.ASSOCIATE, case_cap=3)
    people = [Customer.objects.create(source=shop, ref=f"N-{n}", name="N").pk for n in range(12)]

    def open_one(customer_id):
        try:
            return open_cases([NewCase(reason="order", subject="x", why="x", at=noon, customer_id=customer_id)])
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(open_one, people))
    loads = [Case.objects.filter(assignee__username=name).count() for name in ("ana", "ben", "cy", "eli")]
    assert loads == [3, 3, 3, 3]


def test_managers_write_rules_and_others_do_not(client, crew, tree):
    mia = User.objects.create_user("mia", role=Role.MANAGER)
    client.force_login(mia)
    said = {"name": "Portuguese", "position": 0, "skill": "pt", "method": "least_loaded", "active": "on"}
    assert client.post("/cases/rules/new", said).status_code == 302
    page = client.get("/cases/rules").content.decode()
    assert "Portuguese" in page
    one = AssignmentRule.objects.get()
    assert client.post(f"/cases/rules/{one.pk}", said | {"name": ""}).status_code == 422
    client.post(f"/cases/rules/{one.pk}", {"delete": "1"})
    assert not AssignmentRule.objects.exists()
    client.force_login(crew["ana"])
    assert client.get("/cases/rules").status_code == 403
