"""The page where rejects are settled."""

import pytest
from django.test import Client

from makegood.ground.retail.models import Customer, ImportRun, Reject
from makegood.ground.staff.models import Role
from tests.factories import UserFactory
from tests.ground.retail.conftest import customer, order

pytestmark = pytest.mark.django_db
EVIL = '=HYPERLINK("http://x")<script>alert(1)</script>'


@pytest.fixture
def mia(client: Client) -> Client:
    client.force_login(UserFactory(role=Role.MANAGER), backend="django.contrib.auth.backends.ModelBackend")
    return client


@pytest.fixture
def reject(deliver) -> Reject:
    deliver({"customers.csv": [customer("K1", name=EVIL, country="Britain")]})
    return Reject.objects.get()


def test_the_list_costs_few_queries_and_escapes_what_people_typed(mia, reject, django_assert_max_num_queries):
    with django_assert_max_num_queries(5):
        page = mia.get("/rejects/").content.decode()
    assert "country is longer than 2 characters." in page
    assert "<script>alert" not in mia.get(f"/rejects/{reject.pk}/").content.decode()


def test_filters_page_and_nonsense_in_the_address(mia, deliver):
    deliver({"customers.csv": [customer(f"K{i}", country="Britain") for i in range(60)], "orders.csv": [order()]})
    run = ImportRun.objects.get()
    assert "61" in mia.get("/rejects/").content.decode()
    first = mia.get(f"/rejects/?table=customers&run={run.pk}")
    assert first.content.decode().count("data-row") == 50
    assert "before=" in first.content.decode()
    second = mia.get(f"/rejects/?table=customers&before={Reject.objects.order_by('-pk')[50].pk}")
    assert second.content.decode().count("data-row") == 10
    for address in ("?run=x", "?status=x", "?before=x", "?table=%00", "?table=x&status=dismissed"):
        assert mia.get(f"/rejects/{address}").status_code == 200


def test_correcting_on_the_page(mia, reject):
    still = mia.post(f"/rejects/{reject.pk}/", {"ref": "K1", "name": "Ann", "country": "gb"})
    assert "country is gb, which is not like [A-Z]{2}." in still.content.decode()
    done = mia.post(f"/rejects/{reject.pk}/", {"ref": "K1", "name": "Ann", "country": "GB"})
    assert done["Location"] == "/rejects/"
    assert Customer.objects.get().name == "Ann"
    again = mia.post(f"/rejects/{reject.pk}/", {"ref": "K1"}, follow=True)
    assert "This row is already corrected." in again.content.decode()


def test_dismissing_and_retrying(mia, deliver, reject):
    deliver({"orders.csv": [order()]})
    deliver({"customers.csv": [customer()]})
    run = ImportRun.objects.order_by("pk")[1]
    answer = mia.post("/rejects/retry", {"run": run.pk}, follow=True)
    assert "1 row is in, 0 are still not right." in answer.content.decode()
    mia.post(f"/rejects/{reject.pk}/dismiss")
    reject.refresh_from_db()
    assert reject.status == "dismissed"
    assert "already dismissed" in mia.post(f"/rejects/{reject.pk}/dismiss", follow=True).content.decode()
    assert "Choose an import first" in mia.post("/rejects/retry", {"run": "x"}, follow=True).content.decode()


def test_a_file_that_could_not_be_read_has_a_page(mia, deliver):
    deliver({"orders.csv": b""})
    page = mia.get(f"/rejects/{Reject.objects.get().pk}/").content.decode()
    assert "Mend the file and import it again" in page
    assert "Submit the row" not in page


def test_the_export_neutralises_formulas(mia, deliver):
    deliver({"customers.csv": b"ref,name\n=1+1\n"})
    text = b"".join(mia.get("/rejects/export.csv").streaming_content).decode()
    assert "'=1+1" in text
    assert text.startswith("\ufefftable,file,row,reason")


def test_frontline_staff_do_not_settle_rejects(client, reject):
    client.force_login(UserFactory(role=Role.ASSOCIATE), backend="django.contrib.auth.backends.ModelBackend")
    assert client.get("/rejects/").status_code == 403
