"""The kept-rate, against the slow and obvious way to count it; and the API that says it."""

from datetime import datetime, timedelta
from types import SimpleNamespace

import pytest
from django.db import transaction
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from makegood.recover.commitments import api, services
from makegood.recover.commitments.models import Commitment, State
from makegood.recover.commitments.queries.kept import kept_rates, standing

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def twin(chains: list[list[Commitment]], until: datetime) -> tuple[int, int]:
    """Walk every chain: it came due when its first date passed, and was kept if its last link ended by then."""
    kept = due = 0
    for chain in chains:
        first, last = chain[0], chain[-1]
        if first.due_at >= until or last.state == State.RELEASED:
            continue
        due += 1
        kept += last.state == State.KEPT and last.ended_at <= first.due_at
    return kept, due


CHAINS = st.lists(
    st.tuples(
        st.integers(1, 60),  # hours until it is due
        st.lists(st.integers(1, 60), max_size=2),  # later dates, each so many hours after the one before
        st.sampled_from(["keep", "break", "release", "leave"]),
        st.integers(0, 150),  # when it ends, in hours
        st.sampled_from(["call", "refund"]),
        st.booleans(),
    ),
    max_size=12,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plans=CHAINS)
def test_the_rate_equals_the_slow_way(plans, make_case, ana, ben, noon):
    with transaction.atomic():
        case, chains = make_case(), []
        until = noon + 48 * HOUR
        for hours, later, end, ends, kind, is_ana in plans:
            due_at, owner = noon + hours * HOUR, ana if is_ana else ben
            chain = [
                services.promise(text="x", kind=kind, due_at=due_at, owner=owner, by=owner, now=noon, case_id=case.pk)
            ]
            for more in later:
                due_at += more * HOUR
                chain.append(
                    services.supersede(
                        commitment_id=chain[-1].pk, text="y", kind=kind, due_at=due_at, by=owner, now=noon
                    )
                )
            told = {"commitment_id": chain[-1].pk, "by": owner, "now": noon + ends * HOUR}
            if end == "keep":
                services.keep(**told)
            elif end == "break":
                services.break_commitment(**told)
            elif end == "release":
                services.release(**told, agreed_by="Maria")
            chains.append([Commitment.objects.get(pk=it.pk) for it in chain])
        rates = kept_rates(me=None, since=noon, until=until)
        assert (rates.ours.kept, rates.ours.came_due) == twin(chains, until)
        for person in (ana, ben):
            mine = [chain for chain in chains if chain[0].owner_id == person.pk]
            found = next(((it.kept, it.came_due) for it in rates.people if it.name == person.display_name), (0, 0))
            assert found == twin(mine, until)
        for kind in ("call", "refund"):
            found = next(((it.kept, it.came_due) for it in rates.kinds if it.name == kind), (0, 0))
            assert found == twin([chain for chain in chains if chain[0].kind == kind], until)
        stands = standing(me=None, now=until, tonight=until + 12 * HOUR)
        still = [chain[-1] for chain in chains if chain[-1].state == State.OPEN]
        assert stands.open == len(still)
        assert stands.overdue == sum(it.due_at <= until for it in still)
        transaction.set_rollback(True)


# -- the API


@pytest.fixture
def call(ana):
    client = Client()
    client.force_login(ana, backend="django.contrib.auth.backends.ModelBackend")

    def ask(method: str, path: str, status: int = 200, **body):
        answer = getattr(client, method)(f"/api/v1{path}", body, content_type="application/json")
        assert answer.status_code == status, answer.content
        return answer.json() if answer.content else None

    return ask


def test_a_promise_over_the_api_from_its_making_to_its_end(call, make_case, ben):
    case = make_case(at=timezone.now() - HOUR)
    made = call("post", f"/cases/{case.number}/commitments", 201, text="Call her", when="in two business days")
    assert api.CommitmentItem.model_validate(made).kind == "call"
    assert (made["state"], made["owner"], made["case"]) == ("open", "ana", f"C-{case.number}")
    number = made["number"].removeprefix("P-")
    assert (
        call("post", f"/cases/{case.number}/resolution", 409, outcome="recovered", cause="Lost")["code"]
        == "commitment_still_open"
    )
    other = call("post", f"/commitments/{number}/supersede", 201, text="Call her", when="in 6 days")
    assert other["first_due_at"] == made["due_at"]
    other_number = other["number"].removeprefix("P-")
    assert call("post", f"/commitments/{other_number}/keep")["state"] == "kept"
    assert call("post", f"/commitments/{other_number}/keep", 409)["code"] == "commitment_ended"
    assert call("post", f"/commitments/{other_number}/undo")["state"] == "open"
    [moved] = call("post", "/commitments/hand-over", commitments=[other["id"]], to="ben")
    assert moved["owner"] == "ben"
    assert (
        call("post", "/commitments/hand-over", 403, commitments=[other["id"]], to="ana")["code"]
        == "commitment_not_yours"
    )
    assert call("post", f"/commitments/{other_number}/release", agreed_by="Maria")["agreed_by"] == "Maria"
    assert [it["number"] for it in call("get", "/commitments?show=ended")["commitments"]] == [other["number"]]
    api.KeptOut.model_validate(call("get", "/commitments/kept"))
    assert call("get", f"/commitments/{number}")["state"] == "superseded"


@pytest.mark.parametrize(
    ("said", "code"),
    [({"when": "next year sometime"}, "commitment_when_unclear"), ({}, "commitment_when_unclear"),
     ({"due_at": "2020-01-01T00:00:00Z"}, "commitment_when_unclear"),
     ({"due_at": "2090-01-01T00:00:00"}, "commitment_when_unclear"),
     ({"when": "tomorrow", "owner": "nobody"}, "person_not_found")],
)  # fmt: skip
def test_what_is_not_clear_is_refused_over_the_api(call, make_case, said, code):
    case = make_case(at=timezone.now() - HOUR)
    status = 404 if code == "person_not_found" else 422
    assert call("post", f"/cases/{case.number}/commitments", status, text="Call her", **said)["code"] == code


def test_findings_are_settled_over_the_api(call, make_case, ana):
    from makegood.recover.cases.services import add_note

    case = make_case(at=timezone.now() - HOUR)
    add_note(
        case_id=case.pk, body="I'll call her within 3 days. We will refund her tomorrow.", by=ana, now=timezone.now()
    )
    first, second = sorted(call("get", "/commitments/found"), key=lambda it: it["kind"])
    api.FoundItem.model_validate(first)
    assert call("post", f"/commitments/found/{first['id']}/confirm", 201)["kind"] == "call"
    call("post", f"/commitments/found/{second['id']}/dismiss", 204)
    assert call("post", f"/commitments/found/{second['id']}/dismiss", 409)["code"] == "suggestion_settled"
    assert call("get", "/commitments/found") == []


def test_the_command_prints_the_rate(db, capsys, monkeypatch):
    import json

    from makegood.app.cli import commitments

    monkeypatch.setattr(commitments, "set_up", lambda: None)
    commitments.show_commitments(days=90, as_json=True)
    assert SimpleNamespace(**json.loads(capsys.readouterr().out)).ours["came_due"] == 0
