from datetime import timedelta
from decimal import Decimal
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from tests.factories import NOON, CustomerFactory, OrderFactory, PlaceFactory, colleague, open_case

from makegood.ground.staff.models import User
from makegood.recover.cases import services
from makegood.recover.cases.models import Batch, Case, Outcome, Status
from makegood.recover.cases.queries import queue
from makegood.recover.cases.queries.queue import Cursor, Filters


@pytest.fixture
def ana(db: None) -> User:
    return colleague("ana")


@pytest.fixture
def leeds(db: None):
    return PlaceFactory(name="Leeds")


@pytest.fixture
def morning(ana: User, leeds) -> list[Case]:
    """Seven cases, one hour apart: the second is Ana's, the fifth in Leeds, the last resolved."""
    cases = [open_case(order=OrderFactory(total=40), at=NOON + timedelta(hours=n)) for n in range(5)]
    cases.append(
        open_case(order=OrderFactory(customer__loyalty_tier="gold"), at=NOON, reason="product.faulty", body="")
    )
    cases.append(open_case(at=NOON))
    Case.objects.filter(pk=cases[4].pk).update(place=leeds)
    services.assign_case(case_id=cases[1].pk, to=ana, by=ana, now=NOON)
    services.change_status(case_id=cases[3].pk, status=Status.WAITING_PARTNER, by=ana, now=NOON)
    services.resolve_case(case_id=cases[6].pk, outcome=Outcome.RECOVERED, cause="", by=ana, now=NOON)
    return cases


def numbers(filters: Filters, me: User, **more) -> list[int]:
    return [row.number for row in queue.page(filters, me=me, places=None, **more).rows]


def test_the_first_to_run_out_weighted_by_harm_stands_on_top(morning, ana):
    ranked = sorted(Case.objects.filter(resolved_at=None), key=lambda case: (case.rank_at, case.pk))
    assert numbers(Filters(), ana) == [case.number for case in ranked]


@pytest.mark.parametrize(
    ("filters", "which"),
    [
        (Filters(assignee="me"), {1}),
        (Filters(assignee="ana"), {1}),
        (Filters(assignee="nobody"), {0, 2, 3, 4, 5}),
        (Filters(queue="product"), {5}),
        (Filters(reason="delivery"), {0, 1, 2, 3, 4}),
        (Filters(reason="deliver"), set()),
        (Filters(reason="product.faulty"), {5}),
        (Filters(tier="gold"), {5}),
        (Filters(severity="1"), {5}),
        (Filters(status="waiting_partner"), {3}),
        (Filters(waiting="partner"), {3}),
        (Filters(waiting="us"), {0, 1, 2, 4, 5}),
        (Filters(waiting="customer"), set()),
        (Filters(status="resolved"), {6}),
        (Filters(assignee="me", severity="4"), set()),
    ],
    ids=str,
)
def test_filters_leave_what_was_asked_for(morning, ana, filters, which):
    assert set(numbers(filters, ana)) == {morning[n].number for n in which}
    assert queue.count(filters, me=ana, places=None) == len(which)


@pytest.mark.parametrize("sort", queue.SORTS)
@pytest.mark.parametrize("assignee", ["", "nobody"])
def test_pages_follow_each_other_without_gap_or_repetition(morning, ana, leeds, sort, assignee):
    Case.objects.update(opened_at=NOON, rank_at=NOON, last_contact_at=None)  # ties everywhere
    filters = Filters(sort=sort, assignee=assignee)
    whole = numbers(filters, ana)
    after, found = None, []
    while True:
        page = queue.page(filters, me=ana, places=None, after=after, limit=2)
        found += [row.number for row in page.rows]
        after = page.after and Cursor.read(str(page.after))
        if after is None:
            break
    assert found == whole
    assert len(set(found)) == len(found)


@pytest.mark.parametrize(
    "filters", [Filters(), Filters(q="parcel"), Filters(assignee="nobody"), Filters(sort="opened")], ids=str
)
def test_who_sees_some_places_sees_only_their_cases(morning, ana, leeds, filters):
    assert [row.number for row in queue.page(filters, me=ana, places=[leeds.pk]).rows] == [morning[4].number]
    assert queue.count(filters, me=ana, places=[leeds.pk]) == 1
    assert queue.page(filters, me=ana, places=[]).rows == []


def test_words_are_found_in_what_the_customer_wrote(morning, ana):
    case = open_case(order=OrderFactory(), body="The lid of the teapot is cracked.")
    assert numbers(Filters(q="teap"), ana) == [case.number]


@pytest.mark.parametrize("text", ["", "x", "2026-03-05~1", "2026-03-05T12:00:00~" + "0" * 32, "~", "\0~\0", "9" * 400])
def test_a_broken_cursor_begins_at_the_top(text):
    assert Cursor.read(text) is None


def test_what_the_address_says_wrongly_is_left_out():
    said = {"severity": "9", "status": "x", "sort": "'; --", "waiting": "godot", "q": "a\0b", "queue": "x" * 500}
    read = Filters.read(said)
    assert (read.severity, read.status, read.sort, read.waiting, read.q, len(read.queue)) == (
        "",
        "",
        "rank",
        "",
        "ab",
        200,
    )


def test_an_address_gives_the_same_filters_back():
    filters = Filters(queue="money", q="a b&c", sort="opened")
    from django.http import QueryDict

    assert Filters.read(QueryDict(filters.address()[1:])) == filters
    assert Filters().address() == "?"


def test_a_page_costs_one_statement_however_many_rows(morning, ana, django_assert_num_queries):
    with django_assert_num_queries(1):
        queue.page(Filters(queue="delivery"), me=ana, places=None)
    with django_assert_num_queries(1):
        queue.count(Filters(), me=ana, places=None)
    with django_assert_num_queries(1):
        queue.choices(ana)
    with django_assert_num_queries(1):
        queue.late_of_nobody(tiers=["frontline"], places=None, now=timezone.now(), limit=5)


def test_the_whole_page_costs_at_most_four(morning, ana, client, django_assert_max_num_queries):
    client.force_login(ana)
    with django_assert_max_num_queries(4):
        client.get("/cases/")


def test_tiers_are_chosen_from_what_customers_have(ana):
    for tier in ("silver", "gold", "gold", ""):
        CustomerFactory(loyalty_tier=tier)
    assert queue.choices(ana).tiers == [("gold", "Gold"), ("silver", "Silver")]


def test_nobodys_late_cases_come_gravest_first(morning, ana):
    later = NOON + timedelta(days=9)
    rows = queue.late_of_nobody(tiers=["frontline", "specialist"], places=None, now=later, limit=9)
    assert [row.severity for row in rows] == sorted(row.severity for row in rows)
    assert morning[1].number not in [row.number for row in rows]


@pytest.fixture
def many(ana, leeds) -> None:
    """Four thousand cases, a tenth of them open, over queues, colleagues and places: enough for the planner to care."""
    model = open_case(order=OrderFactory())
    names = [field.column for field in Case._meta.concrete_fields if field.column not in ("search", "split_key")]
    of_colleagues = f"CASE n % 3 WHEN 0 THEN '{ana.pk}'::uuid WHEN 1 THEN '{colleague('ben').pk}'::uuid END"
    own = {
        "id": "makegood_uuid7()",
        "number": "nextval('case_number')",
        "order_id": "NULL",
        "queue_id": "n % 4 + (SELECT min(id) FROM cases_queue)",
        "assignee_id": of_colleagues,
        "place_id": f"CASE WHEN n % 20 < 3 THEN '{leeds.pk}'::uuid END",
        "severity": "1 + n % 4",
        "opened_at": "opened_at - n * interval '1 minute'",
        "rank_at": "rank_at - n * interval '1 minute'",
        "last_contact_at": "last_contact_at - n * interval '7 seconds'",
        "status": "CASE WHEN n % 10 = 0 THEN 'open' ELSE 'resolved' END",
        "outcome": "CASE WHEN n % 10 = 0 THEN '' ELSE 'recovered' END",
        "resolved_at": "CASE WHEN n % 10 <> 0 THEN opened_at END",
    }
    with connection.cursor() as cursor:
        values = ", ".join(own.get(name, name) for name in names)
        cursor.execute(
            f"INSERT INTO cases_case ({', '.join(names)}, split_key) SELECT {values}, n::text"
            f" FROM cases_case, generate_series(1, 4000) n WHERE cases_case.id = '{model.pk}'"
        )
        cursor.execute("ANALYZE cases_case")


@pytest.mark.parametrize(
    ("filters", "scoped", "index"),
    [
        (Filters(), False, "case_rank"),
        (Filters(queue="money"), False, "case_queue_rank"),
        (Filters(assignee="me"), False, "case_mine_rank"),
        (Filters(assignee="nobody"), False, "case_nobodys_rank"),
        (Filters(sort="waiting"), False, "case_waiting"),
        (Filters(sort="opened"), False, "case_opened"),
        (Filters(status="resolved"), False, "case_opened"),
        (Filters(), True, "case_place_rank"),
    ],
    ids=["everything", "a queue", "mine", "nobody's", "longest silence", "newest", "resolved", "my places"],
)
def test_common_lists_are_read_from_an_index_in_order(
    many, ana, leeds, filters, scoped, index, django_assert_num_queries
):
    with django_assert_num_queries(1) as told:
        queue.page(filters, me=ana, places=[leeds.pk] if scoped else None, limit=10)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_sort = off")  # the table is small: sorting it would cost next to nothing
        cursor.execute("SET LOCAL enable_bitmapscan = off")
        cursor.execute("EXPLAIN " + told.captured_queries[0]["sql"])
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert f"using {index} on cases_case" in plan, plan
    assert "Seq Scan on cases_case" not in plan, plan


def test_the_file_has_every_row_and_no_formula(morning, client: Client, ana):
    open_case(order=OrderFactory(customer__name="=HYPERLINK(1)", total=Decimal("12.50")), at=NOON)
    client.force_login(ana)
    answer = client.get("/cases/export.csv")
    lines = b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()
    assert len(lines) == 1 + 7
    assert lines[0].startswith("case,status,severity,due_at")
    assert any("'=HYPERLINK(1)" in line for line in lines)


def test_taking_several_says_what_was_done_and_what_was_not(morning, client: Client, ana):
    client.force_login(ana)
    ids = [str(morning[0].pk), str(morning[2].pk), str(morning[6].pk), "nonsense"]
    answer = client.post("/cases/bulk", {"case": ids, "take": "1", "back": "/cases/?queue=delivery"}, follow=True)
    said = [str(message) for message in answer.context["messages"]] if answer.context else []
    page = answer.content.decode()
    assert "2 cases are now with Ana Moreira." in page, said
    assert f"Case C-{morning[6].number} is already resolved" in page
    assert Case.objects.filter(assignee=ana).count() == 3
    assert answer.request["QUERY_STRING"].startswith("queue=delivery&batch=")
    client.post(f"/cases/batches/{Batch.objects.get().pk}/undo", {"back": "/cases/"})
    assert Case.objects.filter(assignee=ana).count() == 1


def test_several_can_go_back_to_the_queue(morning, client: Client, ana):
    client.force_login(ana)
    client.post("/cases/bulk", {"case": [str(morning[1].pk)], "to": "nobody"})
    assert Case.objects.get(pk=morning[1].pk).assignee is None


def test_somebody_must_be_chosen_and_no_way_leads_elsewhere(morning, client: Client, ana):
    client.force_login(ana)
    answer = client.post("/cases/bulk", {"case": [str(morning[0].pk)], "to": "", "back": "https://evil.example/"})
    assert answer.headers["Location"] == "/cases/"
    assert Case.objects.get(pk=morning[0].pk).assignee is None


def test_cases_out_of_sight_cannot_be_taken(morning, client: Client, ana, leeds):
    ana.places.add(leeds)
    client.force_login(ana)
    client.post("/cases/bulk", {"case": [str(case.pk) for case in morning], "take": "1"})
    assert set(Case.objects.filter(assignee=ana)) == {morning[1], morning[4]}


def test_valued_customers_who_have_not_written_are_one_list_away(ana, client):
    now = timezone.now()
    told = {"at": now, "reason": "delivery.overdue", "body": ""}
    gold = open_case(customer=CustomerFactory(name="Gold Silent", loyalty_tier="Gold"), **told)
    spender = open_case(customer=CustomerFactory(name="Big Spender", lifetime_value=5000), **told)
    open_case(customer=CustomerFactory(name="Gold Wrote", loyalty_tier="gold"), **told | {"body": "Hello"})
    open_case(customer=CustomerFactory(name="Plain Silent"), **told)
    rows = queue.page(Filters(tier="valued", waiting="silent"), me=ana, places=None).rows
    assert {row.id for row in rows} == {gold.pk, spender.pk}


def test_a_view_is_saved_shown_shared_and_removed(ana, client, django_user_model):
    ben = django_user_model.objects.create_user("ben2", role="specialist")
    client.force_login(ana)
    client.post("/cases/views?severity=1&waiting=us", {"name": "Burning <now>", "shared": "on"})
    client.post("/cases/views?severity=2", {"name": "Only mine"})
    html = client.get("/cases/?severity=1&waiting=us").content.decode()
    assert "Burning &lt;now&gt;" in html
    assert 'aria-label="Remove the view Burning' in html
    client.force_login(ben)
    shown = queue.choices(ben).views
    assert [(view.name, view.address, view.own) for view in shown] == [
        ("Burning <now>", "?severity=1&waiting=us", False)
    ]
    client.post(f"/cases/views/{shown[0].id}/remove")
    assert len(queue.choices(ben).views) == 1, "only their owner removes them"
    client.force_login(ana)
    client.post(f"/cases/views/{shown[0].id}/remove")
    assert [view.name for view in queue.choices(ana).views] == ["Only mine"]


def test_filters_too_long_to_keep_are_refused_in_a_sentence_and_nothing_is_saved(ana, client):
    client.force_login(ana)
    too_long = urlencode({"q": "ü" * 200, "queue": "ü" * 200})
    answer = client.post(f"/cases/views?{too_long}", {"name": "Long"}, follow=True)
    assert answer.status_code == 200
    assert "These filters are too long to be kept. Use fewer words." in answer.content.decode()
    assert not queue.choices(ana).views
