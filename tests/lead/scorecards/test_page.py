"""The page, its files and the command."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from makegood.ground.staff.models import User
from makegood.lead.scorecards import views

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning"),  # ibis 12 with duckdb 2
    pytest.mark.filterwarnings("ignore:No directory at:UserWarning"),
]


@pytest.fixture
def ana(client, shop):
    user = User.objects.create_user("ana", role="analyst")
    client.force_login(user)
    return user


@pytest.fixture(autouse=True)
def nothing_kept():
    views._kept.cache_clear()


def test_the_page_shows_the_report_and_is_quick_the_second_time(client, ana, shop, lake, django_assert_max_num_queries):
    shop.fill()
    lake()
    body = client.get("/reports/weekly?week=2018-W09").content.decode()
    assert "Delivered late: 40 cases, 34 more than last week" in body
    assert "SP → RJ" in body
    assert "week=2018-W08" in body
    with django_assert_max_num_queries(4):
        client.get("/reports/weekly?week=2018-W09")


def test_new_facts_make_a_new_report(client, ana, shop, lake):
    shop.orders(0, 30)
    lake()
    client.get("/reports/weekly?week=2018-W09")
    shop.cases(0, 7)
    lake()
    assert "7 cases" in client.get("/reports/weekly?week=2018-W09").content.decode()


def test_without_a_week_history_opens_where_it_ended(client, ana, shop, lake):
    shop.orders(0, 30)
    lake()
    assert client.get("/reports/weekly").headers["location"] == "/reports/weekly?week=2018-W09"


def test_an_empty_lake_says_so(client, ana, lake):
    assert "There is nothing to report yet" in client.get("/reports/weekly").content.decode()


def test_a_bad_week_is_422(client, ana, lake):
    answer = client.get("/reports/weekly?week=2018-W60")
    assert answer.status_code == 422
    assert "is not a week" in answer.content.decode()


def test_associates_do_not_see_it(client, shop, lake):
    client.force_login(User.objects.create_user("bo", role="associate"))
    assert client.get("/reports/weekly").status_code == 403


def test_somebody_with_places_sees_the_report_of_these(client, ana, shop, lake):
    mine = shop.place("Mine")
    ana.places.add(mine)
    shop.orders(0, 30)
    shop.cases(0, 9)
    shop.cases(0, 3, place=mine)
    lake()
    body = client.get("/reports/weekly?week=2018-W09").content.decode()
    assert "3 cases" in body
    assert "12 cases" not in body


@pytest.mark.parametrize("name", [*(f"{table}.csv" for table in views.TABLES), "charts.svg"])
def test_every_table_and_the_charts_are_files(client, ana, shop, lake, name):
    shop.fill()
    lake()
    answer = client.get(f"/reports/weekly/{name}?week=2018-W09")
    body = b"".join(answer) if answer.streaming else answer.content
    assert answer.status_code == 200
    assert body.startswith(b"<svg") if name.endswith("svg") else b"," in body


def test_there_is_no_other_file(client, ana, shop, lake):
    assert client.get("/reports/weekly/secrets.csv").status_code == 404
    assert client.get("/reports/weekly/reasons").status_code == 404


@pytest.fixture
def makegood(monkeypatch):
    from makegood.app.cli import reports

    monkeypatch.setattr(reports, "set_up", lambda: None)  # the test's database is up
    return lambda *arguments: CliRunner().invoke(reports.report, ["weekly", *arguments])


def test_the_command_prints_json_and_writes_the_charts(makegood, shop, lake, tmp_path):
    shop.fill()
    result = makegood("--week", "2018-W09", "--json", "--svg", str(tmp_path / "charts.svg"))

    assert result.exit_code == 0
    assert json.loads(result.stdout)["cases"]["cases"] == 44
    assert Path(tmp_path / "charts.svg").read_text().startswith("<svg")


def test_the_command_speaks_to_people(makegood, shop, lake):
    shop.fill()
    result = makegood("--week", "2018-W09")
    assert "Cases rose from 10 to 44" in result.stdout
    assert "SP → RJ" in result.stdout


def test_what_cannot_be_written_or_read_is_one_sentence(makegood, shop, lake, tmp_path):
    result = makegood("--week", "2018-W09", "--svg", str(tmp_path / "no" / "charts.svg"))
    assert result.exit_code == 1
    assert "cannot be written" in result.stderr
    assert "is not a moment" in makegood("--week", "2018-W09", "--as-of", "soon").stderr
