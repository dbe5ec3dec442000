"""Keys of other systems."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from tests import factories

from makegood.ground.staff import keys
from makegood.ground.staff.models import ApiKey, Role, User
from makegood.recover.cases.queries.case import assignable, people_to_assign

pytestmark = pytest.mark.django_db

CASES = "/api/v1/cases"


@pytest.fixture
def ada() -> User:
    return factories.colleague("ada")


def ask(secret: str, path: str = CASES, **more: str):
    return Client(enforce_csrf_checks=True).get(path, headers={"Authorization": f"Bearer {secret}", **more})


def test_a_key_reads_what_its_scopes_allow_and_no_more(ada: User):
    _, secret = keys.make_key(name="Shop", role=Role.SPECIALIST, scopes=["cases.see"], by=ada, now=timezone.now())
    assert ask(secret).status_code == 200
    case = factories.open_case(customer=factories.CustomerFactory(), at=timezone.now(), reason="product.faulty")
    written = Client(enforce_csrf_checks=True).post(
        f"{CASES}/{case.number}/notes",
        {"body": "Hi"},
        "application/json",
        headers={"Authorization": f"Bearer {secret}"},
    )
    assert (written.status_code, written.json()["code"]) == (403, "not_permitted")


def test_a_key_with_the_scope_writes_in_its_own_name_without_a_csrf_token(ada: User):
    _, secret = keys.make_key(name="Shop", role=Role.SPECIALIST, scopes=["cases.work"], by=ada, now=timezone.now())
    case = factories.open_case(customer=factories.CustomerFactory(), at=timezone.now(), reason="product.faulty")
    written = Client(enforce_csrf_checks=True).post(
        f"{CASES}/{case.number}/notes",
        {"body": "Hi"},
        "application/json",
        headers={"Authorization": f"Bearer {secret}"},
    )
    assert written.status_code in (200, 201)
    assert case.events.order_by("-seq")[0].actor.display_name == "Shop"


def test_only_hashes_are_kept(ada: User):
    key, secret = keys.make_key(name="Shop", role=Role.ANALYST, scopes=["cases.see"], by=ada, now=timezone.now())
    assert secret not in str(ApiKey.objects.values().get(pk=key.pk))


def test_the_former_key_works_for_a_day_after_a_rotation(ada: User):
    now = timezone.now()
    key, first = keys.make_key(name="Shop", role=Role.ANALYST, scopes=["cases.see"], by=ada, now=now)
    second = keys.rotate_key(key_id=key.pk, now=now)
    assert keys.recognise(first, now=now + timedelta(hours=23)) == keys.recognise(second, now=now)
    with pytest.raises(keys.KeyRefused):
        keys.recognise(first, now=now + timedelta(hours=24))


def test_revoked_expired_and_made_up_keys_are_refused_alike(ada: User):
    now = timezone.now()
    revoked, first = keys.make_key(name="A", role=Role.ANALYST, scopes=["cases.see"], by=ada, now=now)
    former = first
    first = keys.rotate_key(key_id=revoked.pk, now=now)
    keys.revoke_key(key_id=revoked.pk, now=now)
    keys.revoke_key(key_id=revoked.pk, now=now)
    _, expired = keys.make_key(name="B", role=Role.ANALYST, scopes=["cases.see"], by=ada, now=now, expires_at=now)
    answers = [ask(secret) for secret in (first, former, expired, "mg_nothing", "")]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.content for answer in answers}) == 1
    with pytest.raises(keys.KeyNotFound):
        keys.rotate_key(key_id=revoked.pk, now=now)


def test_a_key_opens_no_pages(ada: User):
    _, secret = keys.make_key(name="Shop", role=Role.MANAGER, scopes=["cases.see"], by=ada, now=timezone.now())
    assert ask(secret, "/cases/").status_code == 302


def test_use_is_noted_once_a_minute(ada: User, django_assert_num_queries):
    now = timezone.now()
    key, secret = keys.make_key(name="Shop", role=Role.ANALYST, scopes=["cases.see"], by=ada, now=now)
    keys.recognise(secret, now=now)
    with django_assert_num_queries(1):
        keys.recognise(secret, now=now + timedelta(seconds=59))
    keys.recognise(secret, now=now + timedelta(seconds=61))
    key.refresh_from_db()
    assert key.used_at == now + timedelta(seconds=61)


def test_systems_are_never_given_cases(ada: User):
    key, _ = keys.make_key(name="Shop", role=Role.SPECIALIST, scopes=["cases.work"], by=ada, now=timezone.now())
    assert assignable(key.user.username) is None
    assert not people_to_assign("shop")


def test_the_page_makes_rotates_and_revokes(ada: User, client: Client):
    client.force_login(ada)
    made = client.post(
        "/settings/keys/",
        {"name": "Shop <b>", "role": "specialist", "scopes": ["cases.see", "cases.work"], "days": "30"},
    )
    secret = made.content.decode().split('class="secret">')[1].split("<")[0]
    assert ask(secret).status_code == 200
    assert b"Shop <b>" not in made.content
    assert secret not in client.get("/settings/keys/").content.decode()
    key = ApiKey.objects.get()
    rotated = client.post(f"/settings/keys/{key.pk}/rotate").content.decode().split('class="secret">')[1].split("<")[0]
    assert ask(rotated).status_code == 200
    assert client.post(f"/settings/keys/{key.pk}/revoke").status_code == 302
    assert ask(rotated).status_code == 401


def test_scopes_beyond_the_role_are_refused_in_words(ada: User, client: Client):
    client.force_login(ada)
    answer = client.post("/settings/keys/", {"name": "Shop", "role": "analyst", "scopes": ["cases.work"]})
    assert answer.status_code == 422
    assert "does not hold cases.work" in answer.content.decode()
    assert not ApiKey.objects.exists()
