"""Triage over the API: what a text is about, and what one correction after the other brings."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from makegood.ground.staff.models import Role, User
from makegood.recover.cases.models import Case
from makegood.recover.intake.services import receive
from makegood.recover.triage.api import ReportOut, Suggested
from makegood.recover.triage.services import train


@pytest.fixture
def as_ana(ana) -> Client:
    client = Client()
    client.force_login(ana)
    return client


def suggested(client, text, **told):
    answer = client.post("/api/v1/triage/suggest", {"text": text} | told, content_type="application/json")
    assert answer.status_code == 200, answer.content
    Suggested.model_validate(answer.json())
    return answer.json()


def test_the_phrasebook_answers_before_anything_was_learned(as_ana, django_assert_max_num_queries):
    with django_assert_max_num_queries(3):  # who asks, their places, the model in use
        told = suggested(as_ana, "My parcel never arrived.")
    assert (told["reason"], told["by"], told["model"]) == ("delivery.not_received", "phrasebook", None)
    assert told["words"] == ["never arrived"]
    assert suggested(as_ana, "Hello there")["reason"] == ""


def test_what_was_learned_answers_where_it_is_sure(settle, noon, as_ana):
    settle(200)
    made = train(now=noon, force=True).model
    told = suggested(as_ana, "Hello, the kettle came in smithereens.", language="en", channel="email")
    assert (told["reason"], told["by"], told["model"]) == ("product.damaged", "learned", made.pk)
    assert told["choices"][0]["reason"] == "product.damaged"
    assert any("smithereens" in words for words in told["words"])
    assert Case.objects.count() == 200  # asking opens nothing


@pytest.mark.parametrize("wrong", [{}, {"text": "  "}, {"text": "a\0"}, {"text": "hello", "language": "x" * 9}])
def test_what_cannot_be_read_is_refused(as_ana, wrong):
    answer = as_ana.post("/api/v1/triage/suggest", wrong, content_type="application/json")
    assert answer.status_code == 422


def test_the_report_is_for_who_may_see_triage(settle, noon, as_ana):
    assert as_ana.get("/api/v1/triage/report").status_code == 403
    analyst = Client()
    analyst.force_login(User.objects.create_user("ines", role=Role.ANALYST))
    assert analyst.get("/api/v1/triage/report").json() == {"in_use": None, "trainings": []}
    settle()
    train(now=noon)
    found = analyst.get("/api/v1/triage/report").json()
    ReportOut.model_validate(found)
    assert found["in_use"]["learned"] == 120


def test_one_click_corrections_become_what_is_learned(settle, ana, as_ana):
    """Contacts open cases with the wrong reason, people correct each in one click, training learns it, the next
    contact of that kind opens with the right one."""
    settle(0)
    now = timezone.now()
    odd = ("The gizmo went kaput", "All quackers and no noise", "It sings no more")
    fine = ("My coins are astray", "Pennies gone walkabout", "My wallet is still empty")
    for n in range(120):
        said, reason = (odd[n % 3], "product.faulty") if n % 2 else (fine[n % 3], "payment.refund")
        receipt = receive(
            channel="email", author=f"c{n}@example.com", body=f"Hello. {said}. Number {n}.", language="en",
            at=now - timedelta(hours=130 - n),
        )  # fmt: skip
        case = Case.objects.select_related("reason").get(pk=receipt.case_id)
        assert case.reason.code == "other.unclear"
        answer = as_ana.post(f"/cases/C-{case.number}/reason", {"reason": reason, "seen": case.version})
        assert answer.status_code == 302
    made = train(now=timezone.now(), by=ana)
    assert made.model.active, made.verdict
    assert made.model.figures["learned"] + made.model.figures["asked"] == 120

    receipt = receive(
        channel="email", author="new@example.com", body="Hello. The gizmo went kaput. Mine, too.", language="en",
        at=timezone.now(),
    )  # fmt: skip
    assert Case.objects.get(pk=receipt.case_id).reason.code == "product.faulty"
    assert suggested(as_ana, "Oh dear, kaput it is", channel="email")["choices"][0]["reason"] == "product.faulty"
