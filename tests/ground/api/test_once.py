"""A write with an idempotency key is done once."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from tests import factories

from makegood.ground.api import once
from makegood.ground.api.models import Answer
from makegood.recover.cases.models import Case, Note


@pytest.fixture
def client() -> Client:
    signed_in = Client()
    signed_in.force_login(factories.colleague("ana"))
    return signed_in


@pytest.fixture
def case() -> Case:
    return factories.open_case(customer=factories.CustomerFactory(), at=timezone.now(), reason="product.faulty")


def note(client: Client, case: Case, body: str = "Hi", key: str = "k-1"):
    path = f"/api/v1/cases/{case.number}/notes"
    return client.post(path, {"body": body}, "application/json", headers={"Idempotency-Key": key})


@pytest.mark.django_db
def test_the_same_write_again_gets_the_same_answer(client, case):
    first, second = note(client, case), note(client, case)
    assert (second.status_code, second.content) == (first.status_code, first.content)
    assert (second["Idempotent-Replayed"], second["Content-Type"]) == ("true", first["Content-Type"])
    assert Note.objects.count() == 1


@pytest.mark.django_db
def test_another_write_with_the_same_key_is_refused(client, case):
    note(client, case)
    answer = note(client, case, body="Something else")
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert Note.objects.count() == 1


@pytest.mark.django_db
def test_keys_belong_to_who_sends_them(client, case):
    note(client, case)
    other = Client()
    other.force_login(factories.colleague("ben"))
    assert "Idempotent-Replayed" not in note(other, case)
    assert Note.objects.count() == 2


@pytest.mark.django_db
def test_a_refusal_is_repeated_too(client, case):
    path = f"/api/v1/cases/{case.number}/notes"
    answers = [client.post(path, {}, "application/json", headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert [a.status_code for a in answers] == [422, 422]
    assert answers[1]["Idempotent-Replayed"] == "true"


@pytest.mark.django_db
def test_what_broke_is_not_kept_and_can_be_tried_again(client, case, monkeypatch):
    client.raise_request_exception = False
    with monkeypatch.context() as broken:
        broken.setattr("makegood.recover.cases.services.add_note", lambda **_: 1 / 0)
        assert note(client, case).status_code == 500
    assert not Answer.objects.exists()
    assert note(client, case).status_code < 300


@pytest.mark.django_db
@pytest.mark.parametrize("key", ["x" * 201, "a\x01b"])
def test_an_unreadable_key_is_refused_in_words(client, case, key):
    answer = note(client, case, key=key)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_unreadable")


@pytest.mark.django_db
def test_answers_are_forgotten_after_two_days(client, case):
    note(client, case)
    assert once.forget(now=timezone.now() + timedelta(days=1)) == 0
    assert once.forget(now=timezone.now() + timedelta(days=3)) == 1


@pytest.mark.django_db(transaction=True)
def test_eight_at_once_write_one_note(case):
    factories.colleague("ana")
    together, answers = threading.Barrier(8), []

    def write() -> None:
        mine = Client()
        mine.force_login(factories.colleague("ana"))
        together.wait()
        answers.append(note(mine, case))
        connection.close()

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({answer.content for answer in answers}) == 1
    assert Note.objects.count() == 1
