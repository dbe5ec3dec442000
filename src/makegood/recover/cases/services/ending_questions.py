"""How a question among colleagues ends, by itself or with its case."""

from datetime import datetime
from typing import Any

from django.db.models import Q

from makegood.ground.staff.models import User
from makegood.recover.cases.models import Case, CaseEvent, Question
from makegood.recover.cases.services.timeline import record

State = Question.State


def close_with(case: Case, *, by: User | None, at: datetime) -> None:
    """The questions of a case, and of those merged into it, end with it; each says so. One SQL query without any.

    Raises nothing; the caller holds the row of the case.
    """
    still = Question.objects.filter(Q(case=case) | Q(case__merged_into=case), closed_at=None)
    for question in still.select_related("to", "to_queue").select_for_update(of=("self",)).order_by("pk"):
        close(question, at)
        record(case, CaseEvent.Kind.ASKED, at=at, by=by, why="The case was resolved.",
               facts=facts_of(question, "closed"))  # fmt: skip


def close(question: Question, at: datetime) -> None:
    """One SQL query."""
    question.state, question.closed_at = State.CLOSED, at
    question.save(update_fields=["state", "closed_at"])


def facts_of(question: Question, did: str) -> dict[str, Any]:
    """What its events keep of a question."""
    to = question.to.display_name if question.to else question.to_queue.name if question.to_queue else ""
    return {"question": question.pk, "did": did, "to": to}
