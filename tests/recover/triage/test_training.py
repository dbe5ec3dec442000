"""Learning from what people confirmed: what counts, when it is put to use, and the way back."""

import threading
from datetime import timedelta

import pytest
from django.core.files.storage import default_storage
from django.db import IntegrityError, connection

from makegood.recover.cases.models import Case, CaseEvent, Outcome
from makegood.recover.cases.services import FirstContact, NewCase, change_reason, open_cases, resolve_case
from makegood.recover.triage.errors import NothingLearned, TooFewCases
from makegood.recover.triage.examples import confirmed
from makegood.recover.triage.models import TrainedModel
from makegood.recover.triage.services import go_back, judging, train, training


def one_case(noon, **details):
    contact = FirstContact(channel="email", author="a@example.com", body="It arrived in smithereens.", language="en")
    told = {"reason": "delivery.late", "subject": "Hello", "why": "", "at": noon, "contact": contact}
    [case] = open_cases([NewCase(**told | details)])
    return case


def learned_from(now):
    return [(e.case_id, e.reason) for e in confirmed(until=now)]


def test_a_resolved_case_counts_as_confirmed(settle, noon):
    cases = settle(3)
    found = confirmed(until=noon)
    assert [e.case_id for e in found] == [case.pk for case in cases]
    assert [e.reason for e in found] == [case.reason.code for case in cases]
    assert found[0].told.facts["channel"] == "email"


def test_what_a_person_said_last_counts_and_what_nobody_confirmed_does_not(settle, ana, noon):
    settle(0)
    case = one_case(noon)
    assert learned_from(noon) == []
    change_reason(case_id=case.pk, reason="product.damaged", by=ana, now=noon + timedelta(hours=1))
    change_reason(case_id=case.pk, reason="product.faulty", by=ana, now=noon + timedelta(hours=2))
    assert learned_from(noon) == []  # as known then
    assert learned_from(noon + timedelta(hours=1)) == [(case.pk, "product.damaged")]
    assert learned_from(noon + timedelta(hours=3)) == [(case.pk, "product.faulty")]


def test_saying_the_reason_it_has_confirms_it_once(settle, ana, noon):
    settle(0)
    case = one_case(noon)
    for _ in range(2):
        change_reason(case_id=case.pk, reason="delivery.late", by=ana, now=noon)
    assert CaseEvent.objects.filter(case=case, kind="reason").count() == 1
    assert learned_from(noon) == [(case.pk, "delivery.late")]


def test_duplicates_unclear_and_silent_cases_teach_nothing(settle, ana, noon):
    settle(0)
    for details, outcome in (
        ({}, Outcome.DUPLICATE), ({"reason": "other.unclear"}, Outcome.EXPLAINED), ({"contact": None}, Outcome.LOST),
        ({"contact": FirstContact(channel="email", body="  ")}, Outcome.LOST),
    ):  # fmt: skip
        case = one_case(noon, **details)
        resolve_case(case_id=case.pk, outcome=outcome, cause="", by=ana, now=noon)
    by_itself = one_case(noon)
    resolve_case(case_id=by_itself.pk, outcome=Outcome.RECOVERED, cause="", by=None, now=noon)
    assert learned_from(noon) == []


def test_it_is_put_to_use_where_it_does_better_and_says_by_how_much(settle, ana, noon):
    settle()
    made = train(now=noon, by=ana)
    figures = made.model.figures
    assert made.model.active
    assert figures["learned"] == 120
    assert figures["asked"] == 30
    assert figures["learned_until"] < figures["asked_from"]
    assert figures["scores"]["new"]["macro_f1"] > 0.9 > figures["scores"]["in_use"]["macro_f1"]
    assert sum(one["answers"] for one in figures["reliability"]) == 30
    assert 0 <= figures["calibration_error"] <= 1
    assert made.verdict.startswith("In use now")


def test_one_that_does_no_better_is_kept_aside_unless_forced(settle, noon):
    settle()
    first = train(now=noon).model
    second = train(now=noon)
    assert not second.model.active
    assert "not better" in second.verdict
    forced = train(now=noon, force=True).model
    assert forced.active
    assert forced.replaces == first
    assert TrainedModel.objects.get(active=True) == forced


def test_training_is_the_same_by_seed(settle, noon):
    settle()
    one, other = train(now=noon, seed=5).model, train(now=noon, seed=5, force=True).model
    alike = lambda row: {k: v for k, v in row.figures.items() if k not in ("verdict", "compared_with", "scores")}  # noqa: E731
    assert {k: v for k, v in alike(one).items() if k != "calibration_error_in_use"} == {
        k: v for k, v in alike(other).items() if k != "calibration_error_in_use"
    }
    assert one.figures["scores"]["new"] == other.figures["scores"]["new"]


def test_trained_as_of_then_it_knows_nothing_later(settle, noon):
    settle(300)
    made = train(now=noon, until=noon - timedelta(hours=150, minutes=1)).model
    assert made.figures["learned"] + made.figures["asked"] == 150


@pytest.mark.parametrize("n", [0, 40])
def test_too_few_cases_are_refused_and_nothing_is_written(settle, noon, n):
    settle(n)
    with pytest.raises(TooFewCases, match="confirmed"):
        train(now=noon)
    assert not TrainedModel.objects.exists()


def test_back_returns_to_what_was_replaced_down_to_the_phrasebook(settle, noon):
    settle()
    first = train(now=noon).model
    train(now=noon, force=True)
    assert go_back() == first
    assert TrainedModel.objects.get(active=True) == first
    assert go_back() is None
    assert not TrainedModel.objects.filter(active=True).exists()
    with pytest.raises(NothingLearned):
        go_back()


def test_two_models_in_use_are_impossible(settle, noon):
    settle()
    row = train(now=noon).model
    with pytest.raises(IntegrityError, match="triage_one_active"):
        TrainedModel.objects.create(
            trained_at=noon, until=noon, file="x", sha256="x", figures={}, active=True, replaces=row
        )


@pytest.mark.django_db(transaction=True)
def test_of_two_trainings_at_once_one_is_put_to_use_and_the_other_says_why_not(settle, noon, monkeypatch):
    settle()
    both_measured, made, problems = threading.Barrier(2), [], []
    measure = training.measure

    def wait(*args, **named):
        figures = measure(*args, **named)
        both_measured.wait(60)
        return figures

    monkeypatch.setattr(training, "measure", wait)

    def run():
        try:
            made.append(train(now=noon))
        except BaseException as problem:  # noqa: BLE001  shown below
            problems.append(problem)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not problems
    assert sorted(one.model.active for one in made) == [False, True]
    assert TrainedModel.objects.filter(active=True).count() == 1
    assert any("meanwhile" in one.verdict for one in made)


def test_a_process_notices_another_model_and_survives_a_lost_file(settle, noon, django_assert_num_queries):
    settle()
    told = [e.told for e in confirmed(until=noon)][:2]
    assert judging.judge(told) == [None, None]
    first = train(now=noon).model
    assert judging.judge(told)[0].model == first.pk
    with django_assert_num_queries(1):
        judging.judge(told)
    second = train(now=noon, force=True).model
    assert judging.judge(told)[0].model == second.pk
    third = train(now=noon, force=True).model
    judging.default_storage.delete(third.file)
    assert judging.judge(told) == [None, None]
    assert default_storage is not judging.default_storage


def test_a_changed_file_is_not_trusted(settle, noon):
    settle()
    row = train(now=noon).model
    with judging.default_storage.open(row.file, "ab") as file:
        file.write(b"more")
    assert judging.load(row) is None


def test_cases_are_untouched_by_learning(settle, noon):
    settle()
    before = list(Case.objects.order_by("pk").values_list("pk", "version"))
    train(now=noon)
    assert list(Case.objects.order_by("pk").values_list("pk", "version")) == before
