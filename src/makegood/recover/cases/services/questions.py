"""A question to a colleague within a case: a thread aside that the customer never sees.

Words are rows of their own, events say who asked, answered and closed. A question stays with the case in which it was
asked; while that one is merged its events are written on the case that goes on.
"""

import uuid
from datetime import datetime
from typing import Final

from django.db import connection, transaction
from django.utils.translation import gettext as _

from makegood.ground.messages.notices import notify
from makegood.ground.staff.leads import leads_of
from makegood.ground.staff.models import User
from makegood.ground.staff.scope import sees
from makegood.recover.cases.errors import (
    ColleagueCannotSee,
    NobodyToAsk,
    NothingToSay,
    NotYourQuestion,
    QuestionClosed,
    QuestionNotFound,
    QueueNotFound,
)
from makegood.recover.cases.models import Case, CaseEvent, Question, QuestionWord, Queue
from makegood.recover.cases.services.contacts import append_to_index
from makegood.recover.cases.services.ending_questions import close, facts_of
from makegood.recover.cases.services.handling import open_case
from makegood.recover.cases.services.timeline import lock_home, record

State = Question.State
TOLD_AT_MOST: Final = 20


@transaction.atomic
def ask(
    *, case_id: uuid.UUID, body: str, by: User, now: datetime, to: User | None = None, queue: str = "",
    seen: int | None = None,
) -> Question:  # fmt: skip
    """Ask a colleague, or those who work a queue (by its slug), something about an open case; they are told.

    Raises
    ------
    NothingToSay, NobodyToAsk, ColleagueCannotSee, QueueNotFound, CaseAlreadyResolved, CaseMerged, CaseChanged
        Nothing is written.
    """
    if not body.strip():
        raise NothingToSay
    if (to is None) == (not queue) or to == by:
        raise NobodyToAsk
    case = open_case(case_id, seen)
    if to and not sees(to, case.place_id):
        raise ColleagueCannotSee(case.number, to.display_name)
    team = Queue.objects.filter(slug=queue).first() if queue else None
    if queue and team is None:
        raise QueueNotFound(queue)
    question = Question.objects.create(case=case, asked_by=by, to=to, to_queue=team, at=now)
    _say(case, question, "asked", body, by, now)
    return question


@transaction.atomic
def answer(*, question_id: uuid.UUID, body: str, by: User, now: datetime) -> Question:
    """Write on in a question: whoever answers, the asker is told; when the asker writes it is open again.

    The locks on case and question decide against who closes it meanwhile.

    Raises
    ------
    NothingToSay, QuestionNotFound, QuestionClosed
        Nothing is written.
    """
    if not body.strip():
        raise NothingToSay
    case, question = _hold(question_id)
    if question.state == State.CLOSED:
        raise QuestionClosed(case.number)
    is_askers = by.pk == question.asked_by_id
    question.state = State.OPEN if is_askers else State.ANSWERED
    question.save(update_fields=["state"])
    _say(case, question, "asked_on" if is_askers else "answered", body, by, now)
    return question


@transaction.atomic
def close_question(*, question_id: uuid.UUID, by: User, now: datetime) -> Question:
    """End a question: by who asked it, or by a manager. Closing it again does nothing.

    Raises
    ------
    NotYourQuestion, QuestionNotFound
        Nothing is written.
    """
    case, question = _hold(question_id)
    if by.pk != question.asked_by_id and not by.has_perm("cases.direct"):
        raise NotYourQuestion(question.asked_by.display_name)
    if question.state != State.CLOSED:
        close(question, now)
        record(case, CaseEvent.Kind.ASKED, at=now, by=by, facts=facts_of(question, "closed"))
    return question


def _hold(question_id: uuid.UUID) -> tuple[Case, Question]:
    """The question and the case on whose timeline it goes on, both held: the case first, as everybody does."""
    found = Question.objects.filter(pk=question_id).values_list("case_id", flat=True).first()
    if found is None:
        raise QuestionNotFound
    case = lock_home(found)
    held = Question.objects.select_for_update(of=("self",)).select_related("to", "to_queue", "asked_by")
    return case, held.get(pk=question_id)


def _say(case: Case, question: Question, did: str, body: str, by: User, now: datetime) -> None:
    """Keep the words, say on the timeline that they were said, and tell whom they are for."""
    word = QuestionWord.objects.create(question=question, by=by, body=body.strip(), at=now)
    record(case, CaseEvent.Kind.ASKED, at=now, by=by, facts=facts_of(question, did))
    append_to_index(case.pk, word.body)
    told = [question.asked_by] if did == "answered" else asked(question, case)
    text = _("%(who)s answered in C-%(number)s: %(words)s") if did == "answered" else _(
        "%(who)s asks you in C-%(number)s: %(words)s"
    )  # fmt: skip
    said = {"who": by.display_name, "number": case.number, "words": " ".join(word.body.split())[:200]}
    notify(to=[user for user in told if user != by], key=f"question:{word.pk}", text=text % said,
           link=f"/cases/C-{case.number}/#question-{question.pk}", about=f"case:{case.pk}", now=now)  # fmt: skip


def asked(question: Question, case: Case) -> list[User]:
    """Whom a question is for: a colleague; or those with open cases in its queue, else who leads the place."""
    if question.to:
        return [question.to]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT assignee_id FROM cases_case WHERE queue_id = %s AND resolved_at IS NULL AND assignee_id IS NOT NULL"
            " GROUP BY assignee_id ORDER BY count(*) DESC LIMIT %s",
            [question.to_queue_id, TOLD_AT_MOST],
        )
        working = User.objects.filter(pk__in=[row[0] for row in cursor.fetchall()], is_active=True)
    found = [user for user in working if user.pk != question.asked_by_id and sees(user, case.place_id)]
    return found or leads_of({case.place_id})[case.place_id]
