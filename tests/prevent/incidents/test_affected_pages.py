"""The pages of affected orders: who may see and say what, forms, files, the command."""

import csv
import io
import json
import random
from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from typer.testing import CliRunner

from makegood.ground.retail.models import Order
from makegood.ground.staff.models import User
from makegood.prevent.incidents.models import AffectedOrder, Incident
from makegood.prevent.incidents.services import affecting
from makegood.prevent.incidents.services.timeline import record_first
from tests.factories import colleague
from tests.prevent.purchases import START, Retailer

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning"),  # ibis 12 with duckdb 2
]
FORMULA = "=cmd|' /C calc'!A0"


@pytest.fixture
def shop(tmp_path, settings):
    settings.MAKEGOOD_LAKE = str(tmp_path / "lake")
    shop = Retailer(random.Random(2), people=20)
    shop.buy(60)
    shop.complain(20)
    return shop


@pytest.fixture
def incident(shop, noon):
    mia = colleague("mia")
    incident = Incident.objects.create(
        title="Kettles <b>leak</b>", severity=2, commander=mia, declared_at=noon, version=1,
        any_of={"product": [str(shop.products[0].pk)]},
    )  # fmt: skip
    record_first(incident, at=noon, by=mia, why="", facts={})
    affecting.look(incident, by=mia, now=noon)
    affecting.write_down(incident_id=incident.pk, now=noon)
    return incident


@pytest.fixture
def go(incident):
    def go(name, who="mia", method="get", data=None, **options):
        client = Client()
        client.force_login(
            colleague(who) if not User.objects.filter(username=who).exists() else User.objects.get(username=who)
        )
        args = [incident.number, *options.pop("args", [])]
        return getattr(client, method)(reverse(f"affected:{name}", args=args), data or {}, **options)

    return go


def test_the_list_tells_all_in_five_statements(go, incident, django_assert_num_queries):
    go("list")  # the session
    client = Client()
    client.force_login(User.objects.get(username="mia"))
    with django_assert_num_queries(5):
        page = client.get(reverse("affected:list", args=[incident.number])).content.decode()
    count = AffectedOrder.objects.count()
    assert f"{count} orders of" in page
    assert page.count("/orders/") == min(20, count)
    assert "Kettles &lt;b&gt;leak" in page


@pytest.mark.parametrize(("who", "expected"), [("ben", 403), ("ana", 403), ("mia", 200), ("dev", 200)])
def test_only_whoever_leads_says_what_is_meant(go, who, expected):
    assert go("cut", who).status_code == expected
    assert go("preview", who).status_code == expected
    assert go("list", who).status_code == 200


def test_what_is_saved_is_looked_for_and_somebody_who_came_second_is_told(go, incident, shop):
    batch = AffectedOrder.objects.first().order.lines.exclude(batch="").values_list("batch", flat=True).first() or "K3"
    sent = {"product": [str(shop.products[0].pk)], "batch": [batch, batch], "since": "2026-02-27T00:00", "seen": "2"}
    assert go("cut", "mia", "post", sent).status_code == 302
    incident.refresh_from_db()
    assert incident.any_of["batch"] == [batch]
    assert incident.since == START + timedelta(days=1)
    assert incident.snapshots.filter(finished_at=None).count() == 1
    assert "being counted" in go("list").content.decode()

    second = go("cut", "mia", "post", {**sent, "batch": "other"})
    assert second.status_code == 422
    assert "Somebody changed" in second.content.decode()


@pytest.mark.parametrize("since", ["soon", "2026-13-45T00:00", "2026-02-30T10:00", "9999999"])
def test_a_moment_that_is_none_is_said_where_it_was_written(go, since):
    for name, method in (("cut", "post"), ("preview", "get")):
        page = go(name, "mia", method, {"batch": "K3", "since": since})
        assert "is no moment" in page.content.decode()


def test_a_preview_shows_number_worth_and_picture(go, shop):
    page = go("preview", "mia", data={"product": str(shop.products[0].pk)}).content.decode()
    assert f">{AffectedOrder.objects.count()}<" in page
    assert "Kettle" in page and "data-spec=" in page
    assert "Nobody yet" in go("preview", "mia", data={"reason": "product.faulty"}).content.decode()
    assert "No purchase is like that" in go("preview", "mia", data={"batch": "' OR 1=1 --"}).content.decode()


@pytest.mark.parametrize(
    ("dimension", "words", "name"),
    [("product", "ket", "Kettle"), ("carrier", "c", "C1"), ("store", "p", "P2"), ("how", "sun", "Sun evening"),
     ("batch", "КЛЮЧ", "ключ-3"), ("to_state", "são", "São Paulo"), ("channel", "onl", "Online"),
     ("reason", "late", "late")],
)  # fmt: skip
def test_values_are_found_by_what_they_are_called(go, dimension, words, name):
    page = go("values", "mia", data={f"words-{dimension}": words}, args=[dimension]).content.decode()
    assert name in page
    assert "checked" not in page


def test_what_is_chosen_stays_and_batches_are_those_of_the_product(go, shop):
    product = str(shop.products[2].pk)
    page = go("values", "mia", data={"product": product, "words-product": "ket"}, args=["product"]).content.decode()
    assert "Lamp" in page and "Kettle" in page and page.count("checked") == 1
    batches = {line.batch for order in Order.objects.all() for line in order.lines.filter(product=product)} - {""}
    page = go("values", "mia", data={"product": product}, args=["batch"]).content.decode()
    assert page.count("checkbox") == len(batches)
    assert go("values", "mia", args=["shoe_size"]).status_code == 404


def test_a_file_has_what_the_list_has_and_runs_nothing(go, shop):
    first = AffectedOrder.objects.first()
    type(first.customer).objects.filter(pk=first.customer_id).update(name=FORMULA)
    sent = b"".join(go("export", "mia").streaming_content).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(sent)))
    assert len(rows) == AffectedOrder.objects.count()
    assert f"'{FORMULA}" in {row["customer"] for row in rows}
    assert go("export", "ben").status_code == 403
    assert go("export", "mia", data={"which": "all of them"}).status_code == 404


def test_a_reader_of_one_store_sees_its_orders_and_all_numbers(go, shop):
    ana = colleague("ana")
    ana.places.add(shop.stores[0])
    page = go("list", "ana").content.decode()
    assert page.count("/orders/") == AffectedOrder.objects.filter(order__place=shop.stores[0]).count()
    assert f"{AffectedOrder.objects.count()} orders of" in page


@pytest.fixture
def run(monkeypatch):
    from makegood.app.cli import affected, commands

    monkeypatch.setattr(affected, "set_up", lambda: None)
    return lambda *words: CliRunner().invoke(commands.app, ["affected", *words])


def test_the_command_looks_anew_and_prints_what_it_found(run, incident, shop):
    shop.buy(20)
    told = json.loads(run(f"I-{incident.number}", "--json").stdout)
    assert told["orders"] == len(told["affected"]) == AffectedOrder.objects.count() > 0
    assert sum(row["found_later"] for row in told["affected"]) == told["added"] > 0
    rows = list(csv.DictReader(io.StringIO(run(str(incident.number), "--csv").stdout)))
    assert [row["order"] for row in rows] == [row["order"] for row in told["affected"]]
    assert f"{told['orders']} orders of" in run(f"i{incident.number}").stdout


@pytest.mark.parametrize("words", [["C-12"], ["I-0"], ["--csv", "--json", "I-1"], [""]])
def test_the_command_refuses_what_it_cannot_read(run, words):
    assert run(*words).exit_code == 1


def test_the_command_says_that_there_is_no_such_incident(run, db):
    from makegood.prevent.incidents.errors import IncidentNotFound

    assert isinstance(run("I-999999").exception, IncidentNotFound)
