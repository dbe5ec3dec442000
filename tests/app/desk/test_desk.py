from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from tests.factories import CustomerFactory, OrderFactory, PlaceFactory, colleague, open_case

from makegood.app.desk import queries
from makegood.app.desk.overview import overview
from makegood.ground.staff.models import User
from makegood.recover.cases import services
from makegood.recover.cases.models import Case
from makegood.recover.commitments.services.making import promise


@pytest.fixture
def ana(db: None, client: Client) -> User:
    ana = colleague("ana")
    client.force_login(ana)
    return ana


def case_due(left: timedelta, assignee: User | None = None, **details) -> Case:
    case = open_case(order=OrderFactory(), at=timezone.now() - timedelta(hours=1), **details)
    Case.objects.filter(pk=case.pk).update(due_at=timezone.now() + left)
    if assignee:
        services.assign_case(case_id=case.pk, to=assignee, by=assignee, now=timezone.now())
    return Case.objects.get(pk=case.pk)


def test_what_runs_out_today_stands_above_what_runs_out_later(client, ana):
    late, later = case_due(-timedelta(hours=1), ana), case_due(timedelta(days=3), ana)
    page = client.get("/").content.decode()
    assert page.index("Overdue and due today") < page.index(f"C-{late.number}<") < page.index("My other open cases")
    assert page.index("My other open cases") < page.index(f"C-{later.number}<")


def test_what_nobody_took_in_time_stands_on_the_desk_of_its_tier(client, ana):
    left = case_due(-timedelta(hours=1))
    early = case_due(timedelta(hours=1))
    page = client.get("/").content.decode()
    assert f"C-{left.number}<" in page
    assert f"C-{early.number}<" not in page
    client.force_login(colleague("dev"))  # analysts work no cases
    assert f"C-{left.number}<" not in client.get("/").content.decode()


def test_a_clear_desk_says_what_belongs_there(client, ana):
    page = client.get("/").content.decode()
    assert "Your desk is clear" in page
    assert "Open the queue" in page


def test_the_figures_count_mine_and_all(client, ana):
    case_due(-timedelta(hours=1), ana)
    case_due(timedelta(days=1), ana)
    case_due(-timedelta(hours=1))
    now = timezone.now()
    figures = queries.figures(me=ana, places=None, now=now, today=now - timedelta(hours=2), tonight=now)
    assert figures == (2, 1, 2, 3, 0, 0, 0)
    morning = now - timedelta(hours=2)
    elsewhere = queries.figures(me=ana, places=[PlaceFactory().pk], now=now, today=morning, tonight=now)
    assert (elsewhere.late, elsewhere.opened_today) == (0, 0)


def test_what_i_promised_until_tonight_stands_on_the_desk(client, ana):
    case, now = case_due(timedelta(days=3), ana), timezone.now()
    asked = {"kind": "call", "owner": ana, "by": ana, "now": now - timedelta(hours=9), "case_id": case.pk}
    promise(text="Call about the parcel", due_at=now - timedelta(minutes=5), **asked)
    promise(text="Call again", due_at=now + timedelta(days=2), **asked | {"kind": "answer"})
    page = client.get("/").content.decode()
    assert "Call about the parcel" in page
    assert "Call again" not in page


def test_who_leads_sees_what_runs_out_when_and_who_carries_it(client, ana, django_assert_max_num_queries):
    case_due(-timedelta(days=9), ana)
    case_due(-timedelta(hours=1), ana)
    case_due(timedelta(minutes=30))
    case_due(timedelta(days=30))
    now = timezone.now()
    it = overview(me=colleague("mia"), now=now, tonight=now + timedelta(hours=9))
    assert [(slot.all, slot.nobodys) for slot in it.slots] == [
        (1, 0), (0, 0), (1, 0), (1, 1), (0, 0), (0, 0), (0, 0), (1, 1), (0, 0),
    ]  # fmt: skip
    assert [slot.is_late for slot in it.slots] == [True] * 3 + [False] * 6
    assert [(load.username, load.all, load.late) for load in it.people] == [("ana", 2, 2)]
    assert it.nobodys.all == 2
    client.force_login(colleague("mia"))
    with django_assert_max_num_queries(8):
        page = client.get("/").content.decode()
    assert "Who carries what" in page
    client.force_login(ana)
    assert "Who carries what" not in client.get("/").content.decode()


def test_who_leads_part_of_the_company_sees_that_part(ana):
    case_due(-timedelta(hours=1), ana)
    mia, now = colleague("mia"), timezone.now()
    mia.places.add(PlaceFactory())
    it = overview(me=mia, now=now, tonight=now + timedelta(hours=9))
    assert not any(slot.all for slot in it.slots)
    assert it.people == []


def test_the_bell_shows_what_runs_out_next(client, ana):
    case = case_due(timedelta(hours=1), ana)
    assert f"C-{case.number}" in client.get("/due").content.decode()


def test_pages_cost_few_statements(client, ana, django_assert_max_num_queries):
    for _ in range(3):
        case_due(-timedelta(hours=1), ana)
    with django_assert_max_num_queries(6):
        client.get("/")
    with django_assert_max_num_queries(3):
        client.get("/due")
    with django_assert_max_num_queries(5):
        client.get("/search?q=maria")


def find(text: str, **more) -> queries.Hits:
    return queries.find(text, **{"places": None, "most": 5} | more)


def test_a_number_is_found_however_it_is_written(ana):
    case = open_case()
    other = open_case(order=OrderFactory(), body=f"About C-{case.number}, please.")
    for text in (f"C-{case.number}", f"c{case.number}", f"c-{case.number}"):
        assert [hit.number for hit in find(text).cases] == [case.number]
    assert find(str(case.number)).cases[0].number == case.number
    assert other.number != case.number


def test_an_order_is_found_with_its_cases(ana):
    order = OrderFactory(ref="4021007")
    case = open_case(order=order)
    hits = find("4021007")
    assert [hit.id for hit in hits.orders] == [order.pk]
    assert hits.cases[0].number == case.number


def test_customers_are_found_by_the_beginning_of_a_name_and_by_address(ana):
    maria = CustomerFactory(name="Maria Silva", email="maria@example.com")
    CustomerFactory(name="Mario Rossi", email="mario@example.com")
    assert [hit.id for hit in find("maria sil").customers] == [maria.pk]
    assert [hit.id for hit in find("maria@example.com").customers] == [maria.pk]
    assert len(find("mari").customers) == 2


def test_open_cases_come_before_resolved_ones(ana):
    customer = CustomerFactory(name="Wilhelmina Beispiel")
    old = open_case(order=OrderFactory(customer=customer))
    new = open_case(order=OrderFactory(customer=customer))
    services.resolve_case(case_id=new.pk, outcome="recovered", cause="", by=ana, now=timezone.now())
    assert [hit.number for hit in find("wilhelmina").cases] == [old.number, new.number]


def test_nothing_is_found_outside_ones_places(ana):
    leeds = PlaceFactory()
    order = OrderFactory(ref="77", place=leeds, customer__name="Zoe Zimmer")
    open_case(order=order, place_id=leeds.pk)
    for text in ("77", "zimmer"):
        assert find(text, places=[leeds.pk]).any
        assert not find(text, places=[PlaceFactory().pk]).any


@pytest.mark.parametrize("text", ["'", "\\", "C-", "C-99999999999999999999", "½", "\0", "%", "a" * 5000, "((", "  "])
def test_strange_searches_find_nothing_and_break_nothing(client, ana, text):
    answer = client.get("/search", {"q": text})
    assert answer.status_code == 200


def test_what_was_typed_is_shown_as_text(client, ana):
    page = client.get("/search", {"q": "<script>alert(1)</script>"}).content.decode()
    assert "<script>alert" not in page


def test_while_typing_only_the_hits_are_sent(client, ana):
    CustomerFactory(name="Maria Silva")
    page = client.get("/search", {"q": "maria"}, headers={"hx-request": "true"}).content.decode()
    assert "<html" not in page
    assert 'role="option"' in page
