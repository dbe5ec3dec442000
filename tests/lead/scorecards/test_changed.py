"""What changed between two periods: the figures, the page, its file and the command."""

import json
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.lead.scorecards.conftest import AFTER
from typer.testing import CliRunner

from makegood.ground.retail.models import Order, OrderLine, Product
from makegood.ground.staff.models import User
from makegood.lead.scorecards import changed_page
from makegood.lead.scorecards.changed import Span
from makegood.lead.scorecards.errors import BadPeriod, NumberUnknown, PeriodsMeet
from makegood.lead.scorecards.periods import read_span, the_one_before
from makegood.lead.scorecards.services.changed import UNKNOWN, what_changed, words
from makegood.prevent.slices import DIMENSIONS
from makegood.prevent.slices_in_words import Names

pytestmark = [
    pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning"),  # ibis 12 with duckdb 2
    pytest.mark.filterwarnings("ignore:No directory at:UserWarning"),
]
in_database = pytest.mark.django_db(transaction=True)
RJ = {"to_state": "RJ"}

# -- periods


@pytest.mark.parametrize(
    ("text", "first", "last", "before"),
    [
        ("2018-W09", "2018-02-26", "2018-03-04", "2018-02-19..2018-02-25"),
        ("2018-02", "2018-02-01", "2018-02-28", "2018-01-01..2018-01-31"),
        ("2018-03-01..2018-03-31", "2018-03-01", "2018-03-31", "2018-02-01..2018-02-28"),
        ("2018-03-01..2018-03-30", "2018-03-01", "2018-03-30", "2018-01-30..2018-02-28"),
        (" 2018-03-05 ", "2018-03-05", "2018-03-05", "2018-03-04..2018-03-04"),
    ],
)
def test_periods_are_read_and_compared_with_the_one_before(text: str, first: str, last: str, before: str):
    span = read_span(text)
    assert (span.first.isoformat(), span.last.isoformat()) == (first, last)
    assert str(the_one_before(span)) == before


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2018-13", "2018-W60", "2018-03-05..2018-03-01", "2010-01-01..2018-01-01", "0001-01-01", "..",
     "9999-12-31", "2018-03-01..", "\uff12018-03"],
)  # fmt: skip
def test_what_is_no_period_is_refused_in_words(text: str):
    with pytest.raises(BadPeriod, match="is not a period"):
        read_span(text)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(st.dates(date(1990, 1, 1), date(2100, 1, 1)), st.integers(0, 1000))
def test_a_period_reads_back_and_the_one_before_ends_where_it_begins(first: date, longer: int):
    span = Span(first=first, last=first + timedelta(days=longer))
    assert read_span(str(span)) == span
    before = the_one_before(span)
    assert before.last + timedelta(days=1) == span.first
    assume(span.days > 31 or span.first.day != 1)
    assert before.days == span.days


# -- figures


@in_database
def test_a_lane_that_fails_is_named_with_what_was_to_be_expected(shop, lake):
    shop.fill()
    lake()
    told = what_changed(of="late", period="2018-W09", against="2017-12-04..2018-02-25", now=AFTER)
    assert (told.observed, told.exposure, told.before, told.exposure_before) == (32, 80, 48, 720)
    assert told.expected == pytest.approx(48 * 80 / 720, abs=1.5)
    assert told.causes[0].slice == RJ
    assert told.causes[0].words == "Parcels to RJ"
    assert told.causes[0].observed == 30
    assert told.causes[0].excess + sum(row.excess for row in told.causes[1:]) + told.rest == pytest.approx(
        told.observed - told.expected, abs=0.3
    )
    assert "to RJ (+" in told.reading
    assert len(told.causes[0].examples) == 12


@in_database
def test_more_orders_alone_are_no_news(shop, lake):
    for week in range(-8, 0):
        shop.orders(week, 100, late=10)
        shop.orders(week, 20, late=2, route=("SP", "MG"))
    shop.orders(0, 100, late=10)
    shop.orders(0, 200, late=20, route=("SP", "MG"))
    lake()
    told = what_changed(of="late", period="2018-W09", against="2018-01-01..2018-02-25", now=AFTER)
    assert told.expected == pytest.approx(30, abs=1)
    assert told.causes == []
    assert "No slice differs by more than chance." in told.reading


@in_database
def test_cases_are_told_by_reason_and_by_what_was_bought(shop, lake):
    shop.fill()
    lake()
    told = what_changed(period="2018-W09", against="2017-12-04..2018-02-25", now=AFTER)
    assert told.causes[0].slice == {"reason": "delivery.late"}
    assert told.causes[0].words == "Delivered late"
    assert told.causes[0].observed == 40
    assert told.causes[0].examples[0].ref.isdigit()


@in_database
def test_lines_of_one_order_that_differ_say_nothing_of_the_product(shop, lake):
    one, other = (Product.objects.create(source=shop.source, ref=name, name=name) for name in ("One", "Other"))
    shop.orders(-1, 40)
    shop.orders(0, 40, late=20)
    for order in Order.objects.all():
        for product in (one, other):
            ref = f"{order.ref}-{product.ref}"
            OrderLine.objects.create(source=shop.source, ref=ref, order=order, product=product, unit_price=5)
    lake()
    told = what_changed(of="late", period="2018-W09", now=AFTER)
    assert (told.observed, told.exposure) == (20, 40)
    assert all("product" not in cause.slice for cause in told.causes)


@in_database
def test_what_is_new_is_marked(shop, lake):
    for week in range(-8, 0):
        shop.orders(week, 100, late=5)
    shop.orders(0, 100, late=5)
    shop.orders(0, 60, late=40, route=("BA", "PA"))
    lake()
    told = what_changed(of="late", period="2018-W09", against="2018-01-01..2018-02-25", now=AFTER)
    first = told.causes[0]
    assert (first.new, first.before, first.observed) == (True, 0, 40)
    assert first.slice.items() <= {"from_state": "BA", "to_state": "PA"}.items()
    assert first.expected == pytest.approx(60 * 0.05, abs=0.5), "what nobody bought before is taken to fail as all did"


@in_database
def test_without_a_past_nothing_is_expected_and_it_says_so(shop, lake):
    shop.orders(0, 40, late=20)
    lake()
    told = what_changed(of="late", period="2018-W09", now=AFTER)
    assert (told.expected, told.causes, told.rest) == (0, [], 20)
    assert "nothing could be expected" in told.notes[0]


@in_database
def test_what_cannot_be_compared_is_refused(shop, lake):
    lake()
    with pytest.raises(PeriodsMeet):
        what_changed(period="2018-W09", against="2018-02-20..2018-02-26", now=AFTER)
    with pytest.raises(NumberUnknown, match="cases, late, cancelled"):
        what_changed(of="joy", now=AFTER)


# -- the page


@pytest.fixture
def ana(client, shop):
    user = User.objects.create_user("ana", role="analyst")
    client.force_login(user)
    changed_page._kept.cache_clear()
    return user


PAGE = "/reports/changed?of=late&period=2018-W09&against=2017-12-04..2018-02-25"


@in_database
def test_the_page_tells_it_and_costs_few_statements(client, ana, shop, lake, django_assert_max_num_queries):
    shop.fill()
    lake()
    body = client.get(PAGE).content.decode()
    assert "to RJ" in body
    assert "32 late deliveries where" in body
    assert body.count("/orders/") >= 12, "two presses from a number to what is behind it"
    with django_assert_max_num_queries(4):
        client.get(PAGE)


@in_database
def test_the_file_adds_up(client, ana, shop, lake):
    shop.fill()
    lake()
    answer = client.get(PAGE.replace("changed?", "changed.csv?"))
    lines = b"".join(answer.streaming_content).decode().lstrip("\ufeff").splitlines()
    assert lines[0] == "slice,before,observed,expected,excess,share"
    assert lines[1].startswith("Parcels to RJ,")
    cells = [line.split(",") for line in lines[1:]]
    assert sum(float(row[4].lstrip("'")) for row in cells[:-1]) == pytest.approx(float(cells[-1][4]), abs=0.3)


@in_database
def test_without_a_period_history_opens_where_it_ended(client, ana, shop, lake):
    shop.orders(0, 30)
    lake()
    where = client.get("/reports/changed").headers["location"]
    assert where == "/reports/changed?period=2018-02-26..2018-03-04"
    assert client.get(where).status_code == 200


@in_database
def test_an_empty_lake_says_so(client, ana, lake):
    assert "Nothing to compare" in client.get("/reports/changed").content.decode()


@in_database
@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("period=never", 422, "is not a period"),
        ("period=2018-W09&against=2018-W09", 422, "days in common"),
        ("of=joy", 404, "no number that can be compared"),
        ("source=nowhere", 404, "There is no source"),
    ],
)
def test_what_is_asked_wrongly_is_refused_in_words(client, ana, lake, query: str, status: int, said: str):
    answer = client.get(f"/reports/changed?{query}")
    assert answer.status_code == status
    assert said in answer.content.decode()


@in_database
def test_somebody_with_places_compares_these_only(client, ana, shop, lake):
    mine = shop.place("Mine")
    ana.places.add(mine)
    shop.orders(-1, 50, place=mine)
    shop.orders(0, 50, late=30)
    shop.orders(0, 50, late=3, place=mine)
    lake()
    body = client.get("/reports/changed?of=late&period=2018-W09").content.decode()
    assert "3 late deliveries where" in body


@in_database
def test_associates_do_not_see_it(client, shop, lake):
    client.force_login(User.objects.create_user("bo", role="associate"))
    assert client.get("/reports/changed").status_code == 403
    assert client.get("/reports/changed.csv").status_code == 403


@in_database
def test_the_weekly_report_leads_there(client, ana, shop, lake):
    shop.orders(0, 30)
    lake()
    assert "/reports/changed?period=2018-W09" in client.get("/reports/weekly?week=2018-W09").content.decode()


# -- the command


@in_database
def test_the_command_tells_the_same(shop, lake, monkeypatch):
    from makegood.app.cli import reports

    monkeypatch.setattr(reports, "set_up", lambda: None)  # the test's database is up
    shop.fill()
    asked = ["changed", "--of", "late", "--period", "2018-W09", "--against", "2017-12-04..2018-02-25"]
    told = json.loads(CliRunner().invoke(reports.report, [*asked, "--json"]).stdout)
    assert (told["of"], told["period"], told["observed"]) == ("late", "2018-02-26..2018-03-04", 32)
    assert told["causes"][0]["slice"] == RJ
    printed = CliRunner().invoke(reports.report, asked).stdout
    assert "to RJ" in printed
    assert "everything else" in printed


@pytest.mark.django_db
def test_what_nobody_knows_is_said_in_words_of_every_dimension():
    assert UNKNOWN.keys() == DIMENSIONS.keys()
    names = Names.of([{"to_state": ["Leeds"]}])
    assert words({"category": ""}, names) == "Of no known category"
    assert words({"to_state": "Leeds", "carrier": ""}, names).endswith("to Leeds, with no known carrier")
