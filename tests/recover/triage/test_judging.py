"""What was learned at work: a new contact gets its reason with why, a doubt is offered, one click settles it."""

import re
from datetime import timedelta

import pytest
from django.test import Client

from makegood.ground.staff.models import Role, User
from makegood.recover.cases.models import Case, CaseEvent
from makegood.recover.intake.services import receive
from makegood.recover.triage.models import TrainedModel
from makegood.recover.triage.services import judging, train


@pytest.fixture
def learned(settle, noon) -> TrainedModel:
    settle(200)
    return train(now=noon, force=True).model


@pytest.fixture
def as_ana(ana) -> Client:
    client = Client()
    client.force_login(ana)
    return client


def wrote(body, noon, **details):
    receipt = receive(channel="email", author="new@example.com", body=body, at=noon, language="en", **details)
    return Case.objects.get(pk=receipt.case_id), CaseEvent.objects.get(case_id=receipt.case_id, seq=1)


def unsure(monkeypatch):
    """From here on the model in use is never sure."""
    from dataclasses import replace

    load = judging.load
    monkeypatch.setattr(judging, "load", lambda row: replace(load(row), threshold=2.0))


def test_a_new_contact_gets_the_learned_reason_and_the_timeline_says_why(learned, noon):
    case, opened = wrote("Hello, the kettle came in smithereens.", noon)
    assert case.reason.code == "product.damaged"
    assert re.search(rf"Arrived damaged, \d+ % likely from what model {learned.pk} learned, by the words “", opened.why)
    assert "smithereens" in opened.why
    assert opened.facts["opinion"]["model"] == learned.pk
    assert opened.facts["reason_found"] == "product.damaged"


def test_where_it_is_not_sure_the_phrasebook_stays_and_the_doubt_is_told(learned, noon, monkeypatch):
    unsure(monkeypatch)
    case, opened = wrote("My parcel never arrived, smithereens.", noon)
    assert case.reason.code == "delivery.not_received"
    assert "from the words “never arrived”" in opened.why
    assert f"Model {learned.pk} is not sure: " in opened.why


def test_a_reason_it_never_learned_is_left_to_the_phrasebook(learned, noon):
    case, _ = wrote("My parcel never arrived. In smithereens, chewed, flat as a pancake.", noon)
    assert case.reason.code == "delivery.not_received"


def test_without_a_model_nothing_is_said_of_one(settle, noon):
    settle(0)
    case, opened = wrote("My parcel never arrived.", noon)
    assert case.reason.code == "delivery.not_received"
    assert "opinion" not in opened.facts


def test_the_page_offers_two_reasons_and_one_click_settles_it(learned, noon, as_ana, ana, monkeypatch):
    unsure(monkeypatch)
    case, opened = wrote("Hello kettle please.", noon)
    page = as_ana.get(f"/cases/C-{case.number}/").content.decode()
    assert "Not sure:" in page
    offered = re.findall(r'name="reason" value="([a-z_.]+)"', page)
    assert offered == [code for code, _ in opened.facts["opinion"]["choices"]][:2]

    answer = as_ana.post(f"/cases/C-{case.number}/reason", {"reason": offered[1], "seen": case.version})
    assert answer.status_code == 302
    case.refresh_from_db()
    assert case.reason.code == offered[1]
    assert "Not sure:" not in as_ana.get(f"/cases/C-{case.number}/").content.decode()


def test_a_sure_reason_is_confirmed_in_one_click(learned, noon, as_ana):
    case, _ = wrote("Hello, the kettle came in smithereens.", noon)
    page = as_ana.get(f"/cases/C-{case.number}/").content.decode()
    assert "Why this reason" in page
    assert "<q>" in page
    as_ana.post(f"/cases/C-{case.number}/reason", {"reason": case.reason.code, "seen": case.version})
    after = as_ana.get(f"/cases/C-{case.number}/").content.decode()
    assert "confirmed the reason" in after
    assert "Why this reason" not in after


def test_hostile_words_are_shown_as_words(learned, noon, as_ana, monkeypatch):
    case, _ = wrote("smithereens<script>alert(1)</script>", noon)
    assert "<script>alert" not in as_ana.get(f"/cases/C-{case.number}/").content.decode()


def test_the_triage_page_before_and_after(settle, noon, ana, django_assert_max_num_queries):
    analyst = User.objects.create_user("ines", role=Role.ANALYST)
    client = Client()
    client.force_login(analyst)
    settle(0)
    assert "Nothing learned yet" in client.get("/triage/").content.decode()
    settle(200)
    train(now=noon, by=ana)
    with django_assert_max_num_queries(7):
        page = client.get("/triage/").content.decode()
    assert "Are the probabilities true?" in page
    assert "In use now" in page


def test_corrections_show_of_ones_own_places_only(settle, ana, noon):
    from makegood.ground.retail.models import Place, Source
    from makegood.recover.cases.services import change_reason
    from makegood.recover.triage.queries import corrections

    settle(0)
    source = Source.objects.create(slug="shop", name="Shop")
    here, there = (Place.objects.create(source=source, ref=r, kind="store", name=r) for r in ("here", "there"))
    case, _ = wrote("My parcel never arrived.", noon, place=there)
    change_reason(case_id=case.pk, reason="delivery.late", by=ana, now=noon + timedelta(hours=1))
    [seen] = corrections(None)
    assert (seen.number, seen.confirmed, seen.who) == (case.number, False, "Ana")
    assert corrections([there.pk]) == [seen]
    assert corrections([here.pk]) == []
