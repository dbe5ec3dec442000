"""Macros: words, files and deeds kept once, filled and done on each case."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st
from tests.recover.cases.test_timeline import assert_replays

from makegood.ground.messages.models import Message
from makegood.ground.staff.models import Role, User
from makegood.recover.cases.macros.actions import merged
from makegood.recover.cases.models import Macro, Note
from makegood.recover.commitments.models import Commitment


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


# -- what macros do


def do(name, as_ana, *actions, **given):
    """A macro by the form that people use."""
    rows = {"action": [str(n) for n in range(len(actions))]}
    for n, action in enumerate(actions):
        rows |= {f"{n}.{field}": said for field, said in action.items()}
    answer = make(as_ana, name=name, **{"audience": "all", **given}, **rows)
    assert answer.status_code == 302, answer.content.decode()
    return Macro.objects.get(name=name)


def say(as_ana, case, *macros, kind="reply", body="", **more):
    case.refresh_from_db()
    taken = [f"{macro.pk}:{macro.version}" for macro in macros]
    data = {"kind": kind, kind: body, "seen": case.version, "macro": taken} | more
    return as_ana.post(f"/cases/C-{case.number}/say", data, headers={"HX-Request": "true"})


def test_a_macro_answers_and_acts_at_once(as_ana, make_case, ana, ben):
    case = make_case()
    macro = do(
        "Lost", as_ana, {"do": "assign", "to": "me"}, {"do": "reason", "reason": "delivery.late"},
        {"do": "severity", "severity": "2"}, {"do": "watch", "who": "ben"}, {"do": "note", "body": "For {first_name}"},
        {"do": "promise", "kind": "call", "due": "in two business days", "text": "Call {first_name}"},
        {"do": "wait", "whom": "customer"},
        uploads=SimpleUploadedFile("label.txt", b"Print me"),
    )  # fmt: skip
    shown = as_ana.get(f"/cases/C-{case.number}/macros").content.decode()
    for words in ("Set the severity to High", "Promise: Call, in two business days", "label.txt", "Ben watches it"):
        assert words in shown
    assert say(as_ana, case, macro, body="Dear Maria").status_code == 200
    case.refresh_from_db()
    assert (case.assignee, case.reason.code, case.severity, case.status) == (
        ana, "delivery.late", 2, "waiting_customer",
    )  # fmt: skip
    assert case.notes.get().body == "For Maria"
    assert Commitment.objects.get().text == "Call Maria"
    assert [watch.user for watch in case.watches.all()] == [ben]
    assert Message.objects.get(idempotency_key__startswith="reply:").files[0]["name"] == "label.txt"
    macro.refresh_from_db()
    assert macro.used == 1
    assert macro.used_at
    assert_replays(case.pk)


def test_where_one_action_is_refused_nothing_happens_and_it_says_which(as_ana, make_case):
    case, order = make_case(), make_case(reason="delivery.late")
    macro = do("Both", as_ana, {"do": "note", "body": "x"}, {"do": "reason", "reason": order.reason.code},
               {"do": "move", "queue": case.queue.slug, "why": "y"})  # fmt: skip
    answer = say(as_ana, case, macro, body="Dear Maria")
    assert answer.status_code == 422
    html = answer.content.decode()
    assert "Nothing was sent or done." in html
    assert "Set the reason to" in html
    assert f"is in {case.queue.name} already" in html
    assert (Message.objects.count(), Note.objects.count(), case.contacts.count()) == (0, 0, 1)
    macro.refresh_from_db()
    assert macro.used == 0


def test_two_macros_are_done_together_and_the_later_one_counts(as_ana, make_case, ben):
    case = make_case()
    one = do("One", as_ana, {"do": "resolve", "outcome": "recovered", "cause": "Lost"}, {"do": "assign", "to": "me"})
    two = do("Two", as_ana, {"do": "assign", "to": "ben"}, {"do": "note", "body": "x"}, kind="note")
    assert [row["do"] for row in merged([one.actions, two.actions])] == ["assign", "note", "resolve"]
    say(as_ana, case, one, two, kind="note", body="Both")
    case.refresh_from_db()
    assert (case.assignee, case.outcome, case.notes.count()) == (ben, "recovered", 2)


def test_actions_without_words_are_done_and_nothing_at_all_is_not(as_ana, make_case):
    case = make_case()
    macro = do("Wait", as_ana, {"do": "wait", "whom": "partner"}, body="")
    assert say(as_ana, case, macro).status_code == 200
    case.refresh_from_db()
    assert case.status == "waiting_partner"
    assert make(as_ana, name="Empty", body="").status_code == 422
    assert say(as_ana, case).status_code == 422


def test_who_chose_an_older_version_chooses_anew(as_ana, make_case):
    case, macro = make_case(), do("Note", as_ana, {"do": "note", "body": "x"})
    as_ana.post(f"/cases/macros/{macro.pk}/", {"name": "Note", "kind": "note", "audience": "all", "body": "y"})
    answer = say(as_ana, case, macro, kind="note", body="y")
    assert answer.status_code == 409
    assert "was edited since you chose it" in answer.content.decode()
    assert not Note.objects.exists()


@pytest.mark.parametrize(
    ("action", "problem"),
    [
        ({"do": "fly"}, "there is no such action"),
        ({"do": "severity", "severity": "9"}, "cannot be chosen"),
        ({"do": "assign", "to": ""}, "is missing"),
        ({"do": "note", "body": "  "}, "is missing"),
    ],
)
def test_what_could_never_be_done_is_not_kept(as_ana, tree, action, problem):
    rows = {"action": ["0"]} | {f"0.{field}": said for field, said in action.items()}
    answer = make(as_ana, **rows)
    assert answer.status_code == 422
    assert problem in answer.content.decode()
    assert not Macro.objects.exists()


def test_programs_are_no_files_of_a_macro(as_ana, tree):
    answer = make(as_ana, uploads=SimpleUploadedFile("run.exe", b"MZ"))
    assert "It is a program" in answer.content.decode().replace("it is", "It is")
    assert not Macro.objects.exists()


def test_shared_macros_are_edited_by_who_made_them_and_by_managers(as_ana, ben, client, tree):
    macro = do("Ours", as_ana, {"do": "note", "body": "x"})
    page = f"/cases/macros/{macro.pk}/"
    client.force_login(ben)
    assert client.get(page).status_code == 403
    assert client.post(f"{page}remove").status_code == 403
    client.force_login(User.objects.create_user("mia", role=Role.MANAGER))
    assert client.get(page).status_code == 200
    assert client.post(f"{page}remove").status_code == 302


DEEDS = st.fixed_dictionaries(
    {"do": st.sampled_from(["assign", "wait", "note", "watch", "resolve", "gone"]), "x": st.sampled_from("ab")}
)


@given(st.lists(st.lists(DEEDS), max_size=4))
def test_merging_keeps_one_of_a_kind_the_last_and_ends_last(lists):
    rows = merged(lists)
    everything = [row for one in lists for row in one]
    for name in ("assign", "wait", "resolve", "gone"):
        said = [row for row in everything if row["do"] == name]
        kept = [row for row in rows if row["do"] == name]
        assert len(kept) == bool(said)
        assert all(row in said for row in kept)
    for name in ("note", "watch"):
        kept = [row["x"] for row in rows if row["do"] == name]
        assert kept == list(dict.fromkeys(row["x"] for row in everything if row["do"] == name))
    assert [row["do"] == "resolve" for row in rows] == sorted(row["do"] == "resolve" for row in rows)


def test_many_macros_are_offered_and_listed_in_as_many_statements_as_few(as_ana, make_case, ben):
    case = make_case()

    def add(first: int, last: int) -> None:
        for n in range(first, last):
            do(f"Macro {n}", as_ana, {"do": "assign", "to": "ben"}, {"do": "move", "queue": "money", "why": "x"})

    def statements() -> list[int]:
        counted = []
        for page in (f"/cases/C-{case.number}/macros", "/cases/macros/"):
            with CaptureQueriesContext(connection) as asked:
                assert "Macro 0" in as_ana.get(page).content.decode()
            counted.append(len(asked))
        return counted

    add(0, 2)
    few = statements()
    add(2, 12)
    assert statements() == few
