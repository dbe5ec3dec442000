"""The frame: what everybody gets, and what is said when something is not possible."""

import gzip

import pytest
from django.template.loader import render_to_string
from django.test import Client
from django.urls import resolve, reverse

from makegood.app.config.urls import FOREIGN
from makegood.ground.web import rail, vega
from tests.factories import CAST, colleague


@pytest.fixture
def ana(client: Client, db) -> Client:
    client.force_login(colleague("ana"))
    return client


def test_every_place_in_the_rail_exists():
    for place in rail.PLACES:
        assert reverse(place.route)


@pytest.mark.parametrize("name", CAST)
def test_the_rail_shows_what_the_role_may_open_and_nothing_else(name, client, db):
    user = colleague(name)
    client.force_login(user)
    page = client.get("/").content.decode()
    for href in [reverse(place.route) for place in rail.PLACES]:
        access = getattr(resolve(href).func, "access", None) or FOREIGN[href.removeprefix("/")]
        permission = access.permission
        assert (f'class="rail-link" href="{href}"' in page) == (not permission or user.has_perm(permission)), href


def test_the_theme_comes_with_the_page(ana):
    ana.cookies["theme"] = "dark"
    assert '<html lang="en" data-theme="dark">' in ana.get("/").content.decode()
    ana.cookies["theme"] = '"><script>'
    assert "data-theme" not in ana.get("/").content.decode().split(">", 2)[1]


def test_nothing_inline_stands_in_the_pages(ana):
    for path in ("/", "/cases/", "/search?q=x", "/account/logout/"):
        page = ana.get(path).content.decode()
        assert " style=" not in page and "<style" not in page
        assert " onclick=" not in page
        assert page.count("<script") == page.count("<script src=")


def test_a_page_that_is_not_there_says_what_to_do(ana):
    answer = ana.get("/nothing-here")
    assert answer.status_code == 404
    assert "Nothing here" in answer.content.decode()


def test_a_role_that_may_not_is_told_so(client, db):
    client.force_login(colleague("ben"))
    answer = client.get(reverse("cases:export"))
    assert answer.status_code == 403
    assert "Your role may not open this page" in answer.content.decode()


def test_inside_a_page_a_refusal_is_a_toast(client, db):
    client.force_login(colleague("ben"))
    answer = client.get(reverse("cases:export"), headers={"hx-request": "true"})
    assert answer.status_code == 403
    assert answer.content.decode().strip().startswith('<div class="toast error" role="alert"')


@pytest.mark.parametrize("template", ["500.html", "403_csrf.html", "403.html"])
def test_error_pages_need_nothing(template, rf):
    request = rf.get("/") if template == "403.html" else None
    assert "To my desk" in render_to_string(template, {}, request)


def test_the_sign_in_page_knows_nobody_signs_up(client, db):
    page = client.get("/account/login/").content.decode()
    assert "sign up" not in page.lower()


def test_the_vega_scripts_are_kept_by_browsers_and_packed_where_possible(client, db, tmp_path, settings):
    settings.MAKEGOOD_HOME = tmp_path
    vega.packed_bundle.cache_clear()
    packed = client.get(vega.url(), headers={"accept-encoding": "gzip"})
    plain = client.get(vega.url())
    assert "immutable" in packed["Cache-Control"]
    assert gzip.decompress(packed.content) == plain.content
    assert b"vegaEmbed" in plain.content
    assert client.get("/assets/vega-0.0.js")["Cache-Control"] == "no-store"
    assert len(list(tmp_path.glob("made/*"))) == 1


def test_only_the_nearest_place_of_the_rail_is_where_one_is(client, db):
    client.force_login(colleague("ada"))
    page = client.get("/cases/macros/").content.decode()
    assert page.count('aria-current="page"') == 1
    assert 'href="/cases/macros/" title="Macros" aria-current="page"' in page
