"""Nobody sees what they may not: every route x every role, generated from the route map."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from makegood.app.config.urls import FOREIGN
from makegood.ground.staff.access import Access
from makegood.ground.staff.models import Role, User
from makegood.ground.staff.rules import PERMISSIONS

SAMPLES = {"uuid": uuid.UUID(int=7), "int": 7, "str": "x", "slug": "x", "path": "x"}


def routes(resolver: URLResolver, prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for entry in resolver.url_patterns:
        route = prefix + str(entry.pattern)
        if isinstance(entry, URLResolver):
            yield from routes(entry, route)
        else:
            yield route, entry


def example(route: str) -> str:
    """A path that the route matches, with made-up arguments."""
    path = ""
    for piece in route.split("<"):
        if ">" in piece:
            argument, rest = piece.split(">", 1)
            kind = argument.split(":")[0] if ":" in argument else "str"
            path += str(SAMPLES.get(kind, "C-7")) + rest
        else:
            path += piece
    return "/" + path.replace("^", "").replace("$", "")


ALL = list(routes(get_resolver()))
OURS = [(route, entry) for route, entry in ALL if not route.startswith((*FOREIGN, "api/"))]


def access(entry: URLPattern) -> Access:
    return entry.callback.access  # type: ignore[attr-defined, no-any-return]


@pytest.mark.parametrize(("route", "entry"), OURS, ids=[route or "/" for route, _ in OURS])
def test_every_route_of_ours_says_who_may_use_it(route: str, entry: URLPattern):
    assert isinstance(getattr(entry.callback, "access", None), Access), f"{route} is closed to everybody"
    assert not access(entry).permission or access(entry).permission in PERMISSIONS


@pytest.mark.django_db
@pytest.mark.parametrize(("route", "entry"), OURS, ids=[route or "/" for route, _ in OURS])
def test_strangers_are_sent_to_sign_in(route: str, entry: URLPattern, client: Client):
    if access(entry).public:
        return
    answer = client.get(example(route))
    assert answer.status_code == 302
    assert answer["Location"].startswith("/account/login/?next=")


@pytest.mark.django_db
def test_roles_reach_what_their_permissions_say_and_nothing_else(client: Client):
    people = {role: User.objects.create_user(role, role=role) for role in Role}
    client.raise_request_exception = False
    for role, person in people.items():
        client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
        for route, entry in OURS:
            if access(entry).public:
                continue
            permission = access(entry).permission
            allowed = not permission or role in PERMISSIONS[permission]
            status = client.get(example(route)).status_code
            assert (status == 403) is not allowed, f"{role} on {route}: {status}"
            assert status < 500, f"{role} on {route}: {status}"


@pytest.mark.django_db
def test_the_administration_is_for_administrators(client: Client):
    for role in Role:
        person = User.objects.create_user(
            role, role=role, is_staff=role == Role.ADMINISTRATOR, is_superuser=role == Role.ADMINISTRATOR
        )
        client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
        assert client.get("/admin/").status_code == (200 if role == Role.ADMINISTRATOR else 403)


@pytest.mark.django_db
def test_the_api_is_closed_to_strangers(client: Client):
    operations: list[Any] = [route for route, _ in ALL if route.startswith("api/")]
    assert operations
    for route in operations:
        answer = client.get(example(route))
        assert answer.status_code in (302, 401, 405), f"{route}: {answer.status_code}"


def test_health_is_open(client: Client, db: None):
    assert client.get("/healthz").status_code == 200
