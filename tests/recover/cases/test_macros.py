"""Macros: words kept once, filled by each case."""

import pytest

from makegood.recover.cases.models import Macro


@pytest.fixture
def as_ana(client, ana):
    client.force_login(ana)
    return client


def make(as_ana, **given):
    told = {"name": "Lost", "kind": "reply", "audience": "all", "body": "Dear {first_name}, {order} of {company}."}
    return as_ana.post("/cases/macros/", told | given)


def test_a_macro_is_filled_by_the_case(as_ana, make_case):
    case = make_case()
    make(as_ana, body="Dear {first_name}, your order {order} ({item}) of {company}. {me}, {case}")
    html = as_ana.get(f"/cases/C-{case.number}/macros").content.decode()
    assert f"Dear Maria, your order 1001 ({{item}}) of Makegood. Ana, {case}" in html, "what is not known stays visible"


def test_a_field_that_no_case_fills_is_refused_in_words(as_ana):
    answer = make(as_ana, body="Dear {firstname}")
    assert answer.status_code == 422
    assert "No case can fill {firstname}." in answer.content.decode()
    assert not Macro.objects.exists()


def test_macros_are_of_one_of_a_queue_or_of_everybody(as_ana, make_case, ben, client):
    case = make_case()
    make(as_ana, name="Mine", audience="me")
    make(as_ana, name="Ours", audience=case.queue.slug)
    make(as_ana, name="All", audience="all")
    page = f"/cases/C-{case.number}/macros"
    assert [name in as_ana.get(page).content.decode() for name in ("Mine", "Ours", "All")] == [True, True, True]
    client.force_login(ben)
    assert [name in client.get(page).content.decode() for name in ("Mine", "Ours", "All")] == [False, True, True]
    mine = Macro.objects.get(name="Mine")
    assert client.get(f"/cases/macros/{mine.pk}/").status_code == 404
    assert client.post(f"/cases/macros/{mine.pk}/remove").status_code == 404
    other = make_case(order_id=None, reason="payment.refund")
    assert "Ours" not in client.get(f"/cases/C-{other.number}/macros").content.decode()


def test_a_macro_is_changed_and_removed(as_ana, tree):
    make(as_ana)
    macro = Macro.objects.get()
    as_ana.post(
        f"/cases/macros/{macro.pk}/", {"name": "Found", "kind": "note", "audience": "me", "body": "x", "wait": "on"}
    )
    macro.refresh_from_db()
    assert (macro.name, macro.kind, macro.wait, macro.owner.username) == ("Found", "note", True, "ana")
    as_ana.post(f"/cases/macros/{macro.pk}/remove")
    assert "No macros yet" in as_ana.get("/cases/macros/").content.decode()


def test_words_of_a_macro_are_escaped(as_ana, make_case):
    make(as_ana, body='"><script>alert(1)</script>')
    case = make_case()
    assert "<script>alert" not in as_ana.get(f"/cases/C-{case.number}/macros").content.decode()
