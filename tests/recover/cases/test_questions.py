"""A question to a colleague within a case: asked, answered, closed, and never seen by the customer."""

import pytest
from tests.recover.cases.test_timeline import assert_replays

from makegood.ground.messages.models import Notice
from makegood.ground.retail.models import Place
from makegood.ground.staff.models import Role, User
from makegood.recover.cases import services
from makegood.recover.cases.errors import (
    CaseAlreadyResolved,
    ColleagueCannotSee,
    NobodyToAsk,
    NothingToSay,
    NotYourQuestion,
    QuestionClosed,
)
from makegood.recover.cases.models import Question
from makegood.recover.cases.queries import queue
from makegood.recover.cases.queries.case import the_case, timeline
from makegood.recover.cases.queries.questions import for_me
from makegood.recover.cases.views.telling import tell


@pytest.fixture
def cleo(db) -> User:
    return User.objects.create_user("cleo", first_name="Cleo", role=Role.SPECIALIST)


@pytest.fixture
def question(make_case, ana, ben, noon) -> Question:
    return services.ask(case_id=make_case().pk, body="Is this your depot?", to=ben, by=ana, now=noon)


def told(user) -> list[str]:
    return [notice.text for notice in Notice.objects.filter(to=user).order_by("pk")]


def counted(case) -> int:
    [row] = [r for r in queue.page(queue.Filters(), me=User(), places=None).rows if r.number == case.number]
    return row.questions


def test_the_asked_is_told_answers_and_the_asker_is_told(question, ana, ben, noon):
    case = question.case
    assert told(ben) == [f"Ana asks you in {case}: Is this your depot?"]
    assert Notice.objects.get().link == f"/cases/{case}/#question-{question.pk}"
    assert [(row.number, row.is_mine) for row in for_me(ben)] == [(case.number, False)]
    services.answer(question_id=question.pk, body="Yes, ours.", by=ben, now=noon)
    assert told(ana) == [f"Ben answered in {case}: Yes, ours."]
    assert for_me(ben) == []
    assert [(row.number, row.is_mine) for row in for_me(ana)] == [(case.number, True)]
    question.refresh_from_db()
    assert question.state == "answered"
    assert_replays(case.pk)


def test_a_thread_stands_on_the_timeline_once_with_all_its_words(question, ana, ben, noon):
    services.answer(question_id=question.pk, body="Which parcel?", by=ben, now=noon)
    services.answer(question_id=question.pk, body="The first.", by=ana, now=noon)
    items = [tell(moment) for moment in timeline(question.case_id)]
    heads = [str(item.head.striptags()) for item in items]
    assert heads[:3] == ["Ana asked on", "Ben answered a question", "Ana asked Ben"]
    assert [len(item.thread.words) for item in items if item.thread] == [3]
    question.refresh_from_db()
    assert question.state == "open", "the asker asked on"
    assert told(ben)[-1].endswith("The first.")


def test_only_the_asker_or_a_manager_closes_it_and_closed_is_closed(question, ana, ben, noon):
    with pytest.raises(NotYourQuestion):
        services.close_question(question_id=question.pk, by=ben, now=noon)
    assert counted(question.case) == 1
    services.close_question(question_id=question.pk, by=ana, now=noon)
    assert counted(question.case) == 0
    with pytest.raises(QuestionClosed):
        services.answer(question_id=question.pk, body="Late", by=ben, now=noon)
    mia = User.objects.create_user("mia", role=Role.MANAGER)
    assert services.close_question(question_id=question.pk, by=mia, now=noon).closed_at == noon


def test_a_question_ends_with_its_case_and_says_so(question, ana, noon):
    services.resolve_case(case_id=question.case_id, outcome="recovered", cause="", by=ana, now=noon)
    question.refresh_from_db()
    assert question.state == "closed"
    assert tell(timeline(question.case_id)[0]).why == "The case was resolved."
    assert_replays(question.case_id)


def test_a_queue_is_asked_through_those_who_work_it(make_case, ana, ben, cleo, noon):
    theirs, case = make_case(reason="payment.refund"), make_case()
    services.assign_case(case_id=theirs.pk, to=ben, by=ben, now=noon)
    services.ask(case_id=case.pk, body="Was it paid back?", queue="money", by=ana, now=noon)
    assert [len(told(person)) for person in (ben, cleo, ana)] == [1, 0, 0]
    assert [row.number for row in for_me(ben)] == [case.number]
    assert for_me(cleo) == []


def test_a_queue_that_nobody_works_is_answered_by_who_leads(make_case, ana, noon):
    mia = User.objects.create_user("mia", role=Role.MANAGER)
    services.ask(case_id=make_case().pk, body="Anybody?", queue="money", by=ana, now=noon)
    assert len(told(mia)) == 1


@pytest.mark.parametrize(
    ("to", "queue_slug", "body", "refusal"),
    [
        (None, "", "x", NobodyToAsk),
        ("ana", "", "x", NobodyToAsk),
        ("ben", "money", "x", NobodyToAsk),
        ("ben", "", "  ", NothingToSay),
    ],
)
def test_whom_and_what_must_be_said(make_case, ana, ben, noon, to, queue_slug, body, refusal):
    person = {"ana": ana, "ben": ben}.get(to)
    with pytest.raises(refusal):
        services.ask(case_id=make_case().pk, body=body, to=person, queue=queue_slug, by=ana, now=noon)
    assert not Question.objects.exists()


def test_nobody_is_asked_about_what_they_may_not_see_or_what_has_ended(make_case, ana, ben, noon, shop):
    case = make_case()
    ben.places.add(Place.objects.create(source=shop, ref="S-9", name="Elsewhere", kind="store"))
    with pytest.raises(ColleagueCannotSee):
        services.ask(case_id=case.pk, body="x", to=ben, by=ana, now=noon)
    services.resolve_case(case_id=case.pk, outcome="lost", cause="", by=ana, now=noon)
    with pytest.raises(CaseAlreadyResolved):
        services.ask(case_id=case.pk, body="x", queue="money", by=ana, now=noon)


def test_a_question_goes_on_where_its_case_goes_on(question, make_case, ana, ben, noon):
    survivor = make_case(reason="delivery.late")
    services.merge_cases(duplicate_id=question.case_id, survivor_id=survivor.pk, by=ana, now=noon)
    question.refresh_from_db()
    assert question.state == "open"
    assert counted(survivor) == 1
    shown = the_case(survivor.number, places=None)
    assert [bool(tell(m).thread) for m in timeline(shown.id, merged=shown.merged) if m.kind == "asked"] == [True]
    services.answer(question_id=question.pk, body="Ours.", by=ben, now=noon)
    assert told(ana)[-1] == f"Ben answered in {survivor}: Ours."
    services.resolve_case(case_id=survivor.pk, outcome="recovered", cause="", by=ana, now=noon)
    question.refresh_from_db()
    assert question.state == "closed"
    assert_replays(survivor.pk)
