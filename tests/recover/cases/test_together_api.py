"""Over the API: what colleagues do together on a case, and what the desk can do besides."""

import json
import uuid

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from makegood.ground.messages.models import Message
from makegood.recover.cases import services
from makegood.recover.cases.models import Macro, Note, Question


@pytest.fixture
def api(client, ana):
    client.force_login(ana)
    client.handler.enforce_csrf_checks = False

    def call(method, path, body=None, **headers):
        answer = getattr(client, method)(f"/api/v1/{path}", json.dumps(body or {}), "application/json", headers=headers)
        return answer.status_code, json.loads(answer.content) if answer.content else None

    def get(path):
        answer = client.get(f"/api/v1/{path}")
        return answer.status_code, json.loads(answer.content)

    call.get = get
    return call


def test_a_case_is_watched_and_left(api, make_case, ben, shop):
    number = make_case().number
    assert api("post", f"cases/{number}/watchers", {"who": "ben"})[0] == 200
    assert api.get(f"cases/{number}/watchers")[1] == {"watchers": [{"id": str(ben.pk), "name": "Ben"}]}
    api("post", f"cases/{number}/watchers/remove", {"who": "ben"})
    assert api.get(f"cases/{number}/watchers")[1] == {"watchers": []}
    assert api("post", f"cases/{number}/watchers", {"who": "nobody-known"})[1]["code"] == "person_not_found"


def test_a_question_is_asked_answered_and_closed(api, make_case, ben, noon):
    number = make_case().number
    key = str(uuid.uuid4())
    asked = [
        api("post", f"cases/{number}/questions", {"to": "ben", "body": "Yours?"}, **{"Idempotency-Key": key})
        for _ in range(2)
    ]
    assert asked[0] == asked[1]
    assert Question.objects.count() == 1
    status, question = asked[0]
    assert (status, question["state"], question["to"]) == (201, "open", "ben")
    services.answer(question_id=question["id"], body="Yes", by=ben, now=noon)
    [read] = api.get(f"cases/{number}/questions")[1]["questions"]
    assert [(word["by"], word["body"]) for word in read["words"]] == [("ana", "Yours?"), ("ben", "Yes")]
    assert api("post", f"questions/{question['id']}/answers", {"body": "Sure?"})[1]["state"] == "open"
    assert api("post", f"questions/{question['id']}/close")[1]["state"] == "closed"
    assert api("post", f"questions/{question['id']}/answers", {"body": "x"})[1]["code"] == "question_closed"
    assert api("post", f"questions/{uuid.uuid4()}/answers", {"body": "x"})[1]["code"] == "question_not_found"
    assert api("post", f"cases/{number}/questions", {"body": "x"})[1]["code"] == "nobody_to_ask"


def test_macros_are_kept_used_and_removed(api, client, make_case):
    number = make_case().number
    actions = [{"do": "severity", "severity": "1"}, {"do": "note", "body": "For {first_name}"}]
    status, macro = api("post", "macros", {"name": "Grave", "body": "Dear {first_name}", "actions": actions})
    assert (status, macro["audience"], macro["actions"]) == (201, "me", actions)
    file = SimpleUploadedFile("label.txt", b"Print me")
    answer = client.post(f"/api/v1/macros/{macro['id']}/files", {"file": file})
    assert [one["name"] for one in answer.json()["files"]] == ["label.txt"]
    status, _done = api("post", f"cases/{number}/macros", {"macros": [macro["id"]]})
    assert (status, Note.objects.get().body) == (201, "For Maria")
    message = Message.objects.get(idempotency_key__startswith="reply:")
    assert message.body.startswith("Dear Maria")
    assert message.files[0]["name"] == "label.txt"
    [listed] = api.get("macros")[1]["macros"]
    assert (listed["used"], listed["version"]) == (1, 2)
    changed = {"name": "Grave", "kind": "note", "body": "x", "actions": [{"do": "severity", "severity": "7"}]}
    assert api("put", f"macros/{macro['id']}", changed)[1]["code"] == "action_unfit"
    assert api("put", f"macros/{macro['id']}", changed | {"actions": []})[1]["version"] == 3
    assert client.delete(f"/api/v1/macros/{macro['id']}").status_code == 204
    assert not Macro.objects.exists()


def test_a_refused_macro_names_what_and_why(api, make_case):
    case = make_case()
    refused = {"name": "x", "kind": "note", "actions": [{"do": "move", "queue": case.queue.slug, "why": "y"}]}
    macro = api("post", "macros", refused)[1]
    status, problem = api("post", f"cases/{case.number}/macros", {"macros": [macro["id"]], "body": "z"})
    assert (status, problem["code"]) == (422, "actions_refused")
    assert "already: there is nothing to move" in problem["detail"]
    assert not Note.objects.exists()


def test_what_macros_can_do_is_described(api, tree):
    actions = {action["do"]: action for action in api.get("macros/actions")[1]["actions"]}
    assert set(actions) == {
        "assign", "move", "reason", "severity", "wait", "snooze", "escalate", "watch", "note", "resolve", "promise",
    }  # fmt: skip
    assert {"value": "money", "label": "Orders and money"} in actions["move"]["asks"][0]["choices"]


def test_what_else_the_desk_does(api, make_case, client):
    case = make_case()
    at = f"cases/{case.number}"
    assert api("post", f"{at}/calls", {"body": "Told her."})[0] == 201
    assert api("post", f"{at}/status", {"status": "waiting_partner"})[1]["status"] == "waiting_partner"
    assert api("post", f"{at}/severity", {"severity": 1})[0] == 200
    assert api("post", f"{at}/move", {"queue": "money", "why": "About an invoice"})[0] == 200
    assert api("post", f"{at}/move", {"queue": "money", "why": "again"})[1]["code"] == "same_queue"
    assert api("post", f"{at}/customer-link")[0] == 200
    assert api("post", f"{at}/customer-link/end")[0] == 200
    case.refresh_from_db()
    assert (case.severity, case.queue.slug, case.assignee) == (1, "money", None)
    lists = api.get("lists")[1]
    assert {"slug": "money", "name": "Orders and money"} in lists["queues"]
    assert "payment.refund" in [reason["code"] for reason in lists["reasons"]]
    view = api("post", "views", {"name": "Mine", "filters": {"assignee": "watched"}})[1]
    assert view["address"] == "?assignee=watched"
    assert [one["name"] for one in api.get("views")[1]["views"]] == ["Mine"]
    assert api("post", "views", {"name": "Long", "filters": {"q": "ü" * 200, "queue": "ü" * 200}})[1]["code"] == (
        "view_too_long"
    )
    assert client.delete(f"/api/v1/views/{view['id']}").status_code == 204
    assert client.get(f"/api/v1/{at}/files/{uuid.uuid4()}").status_code == 404
