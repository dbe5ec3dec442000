"""Webhooks: told once something happened, signed, tried again, never into the retailer's own network."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from tests import factories

from makegood.ground.api import webhooks
from makegood.ground.api.models import Delivery, Endpoint, Event
from makegood.recover.cases import services
from makegood.recover.cases.models import Case, Outcome

pytestmark = pytest.mark.django_db
Status = Delivery.Status


class Receiver(HTTPServer):
    """Another system on loopback: answers as told and keeps what it got."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: list[int] = []
        self.got: list[tuple[dict[str, str], str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"])).decode()
        self.server.got.append((dict(self.headers), body))
        self.send_response(self.server.answers.pop(0) if self.server.answers else 200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Quiet."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def endpoint(receiver: Receiver, settings) -> Endpoint:
    settings.MAKEGOOD_WEBHOOKS_INSIDE = True
    return webhooks.add_endpoint(
        url=receiver.url, events=[Event.OPENED, Event.RESOLVED], by=factories.colleague("ada"), now=timezone.now()
    )


def a_case() -> Case:
    return factories.open_case(
        customer=factories.CustomerFactory(name="Maria Silva"), at=timezone.now(), reason="product.faulty", body="Psst"
    )


def deliver(after: timedelta = timedelta(minutes=1)) -> int:
    return webhooks.deliver_due(clock=lambda: timezone.now() + after)


def test_what_was_asked_for_is_told_signed_and_without_words_of_people(endpoint: Endpoint, receiver: Receiver):
    case, ana = a_case(), factories.colleague("ana")
    services.add_note(case_id=case.pk, body="Not asked for", by=ana, now=timezone.now())
    services.resolve_case(case_id=case.pk, outcome=Outcome.RECOVERED, cause="Own words", by=ana, now=timezone.now())
    assert deliver() == 2
    verified = [Webhook(webhooks.secret_of(endpoint)).verify(body, headers) for headers, body in receiver.got]
    verified.sort(key=lambda told: told["type"])  # they travel side by side
    assert [told["type"] for told in verified] == ["case.opened", "case.resolved"]
    assert verified[1]["data"]["case"] == str(case)
    assert verified[1]["data"]["outcome"] == "recovered"
    for _, body in receiver.got:
        assert not any(words in body for words in ("Maria", "Psst", "Own words"))
    with pytest.raises(WebhookVerificationError):
        Webhook(webhooks.secret_of(endpoint, generation=2)).verify(receiver.got[0][1], receiver.got[0][0])


def test_what_is_undone_is_not_told(endpoint: Endpoint):
    class Changed(Exception):
        pass

    with pytest.raises(Changed), transaction.atomic():
        a_case()
        assert Delivery.objects.count() == 1
        raise Changed
    assert not Delivery.objects.exists()


def test_what_is_not_taken_is_tried_again_with_the_same_id(endpoint: Endpoint, receiver: Receiver):
    receiver.answers = [500, 200]
    a_case()
    assert deliver() == 0
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.attempts, delivery.answer) == (Status.WAITING, 1, "500 Internal Server Error")
    assert deliver(timedelta(minutes=1)) == 0, "not before its time"
    assert deliver(timedelta(minutes=3)) == 1
    assert receiver.got[0][0]["webhook-id"] == receiver.got[1][0]["webhook-id"] == str(delivery.pk)


def test_it_gives_up_after_the_last_retry_and_a_person_can_send_it_again(endpoint: Endpoint, receiver: Receiver):
    receiver.answers = [503] * 10
    a_case()
    wait = timedelta(0)
    for pause in (timedelta(0), *webhooks.RETRY_AFTER):
        wait += pause + timedelta(minutes=1)
        deliver(wait)
    delivery = Delivery.objects.get()
    assert (delivery.status, len(receiver.got)) == (Status.FAILED, 10)
    webhooks.send_again(delivery_id=delivery.pk, now=timezone.now())
    assert deliver() == 1


def test_a_worker_that_died_leaves_it_to_the_next(endpoint: Endpoint, receiver: Receiver):
    a_case()
    webhooks._claim(timezone.now())
    assert deliver(timedelta(seconds=30)) == 0
    assert deliver(webhooks.LEASE + timedelta(minutes=1)) == 1
    assert len(receiver.got) == 1


def test_who_says_gone_is_told_no_more(endpoint: Endpoint, receiver: Receiver):
    receiver.answers = [410]
    a_case()
    deliver()
    endpoint.refresh_from_db()
    assert (endpoint.active, endpoint.paused_because) == (False, "410 Gone")
    a_case()
    assert Delivery.objects.count() == 1


def test_both_secrets_sign_for_a_day_after_a_rotation(endpoint: Endpoint, receiver: Receiver):
    webhooks.rotate_secret(endpoint_id=endpoint.pk, now=timezone.now())
    a_case()
    deliver()
    headers, body = receiver.got[0]
    for generation in (1, 2):
        assert Webhook(webhooks.secret_of(endpoint, generation=generation)).verify(body, headers)


@pytest.mark.parametrize(
    "url", ["http://example.com/", "https://127.0.0.1/", "https://localhost/", "https://10.0.0.1/x", "https://[::1]/",
            "https://169.254.169.254/latest", "https://no-such-host.invalid/", "https://0.0.0.0/"],
)  # fmt: skip
def test_the_own_network_is_out_of_reach(url: str, db: None):
    with pytest.raises(webhooks.AddressNotAllowed):
        webhooks.require_outside(url)


def test_where_nobody_listens_nothing_is_written(db: None):
    a_case()
    assert not Delivery.objects.exists()


def test_old_ones_are_forgotten(endpoint: Endpoint):
    a_case()
    deliver()
    assert webhooks.forget(now=timezone.now() + timedelta(days=29)) == 0
    assert webhooks.forget(now=timezone.now() + timedelta(days=31)) == 1


def test_the_pages(client: Client, receiver: Receiver, settings):
    settings.MAKEGOOD_WEBHOOKS_INSIDE = True
    client.force_login(factories.colleague("ada"))
    assert "Nobody is told" in client.get("/settings/webhooks/").content.decode()
    made = client.post("/settings/webhooks/", {"url": receiver.url, "events": ["case.opened"]})
    page, endpoint = made["Location"], Endpoint.objects.get()
    assert webhooks.secret_of(endpoint) in client.get(page).content.decode()
    case = a_case()
    deliver()
    assert str(case) in client.get(page).content.decode()
    assert "Nothing in this state" in client.get(page + "?status=failed").content.decode()
    assert client.post(f"/settings/webhooks/deliveries/{Delivery.objects.get().pk}/again").status_code == 302
    assert deliver() == 1
    client.post(page + "pause", {"active": ""})
    a_case()
    assert Delivery.objects.count() == 1
    client.post(page + "rotate")
    client.post(page + "remove")
    assert not Endpoint.objects.exists()
    assert client.get(page).status_code == 404


def test_a_private_address_is_refused_in_words(client: Client):
    client.force_login(factories.colleague("ada"))
    answer = client.post("/settings/webhooks/", {"url": "https://127.0.0.1/x", "events": ["case.opened"]})
    assert answer.status_code == 422
    assert "127.0.0.1 lies inside a private network." in answer.content.decode()
