"""What colleagues do together on a case: watch it, and ask each other.

Forms and answers are those of the case page (`case.py`).
"""

import uuid

from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from makegood.ground.staff.access import needs
from makegood.ground.staff.http import StaffRequest
from makegood.ground.web.middleware import refusal
from makegood.recover.cases import services
from makegood.recover.cases.errors import NothingToSay, QuestionNotFound
from makegood.recover.cases.forms import AnswerForm, AskForm, OnCase, WatchForm
from makegood.recover.cases.models import Question
from makegood.recover.cases.queries.case import CaseDetail, people_to_assign
from makegood.recover.cases.queries.handling import queues_to_choose
from makegood.recover.cases.views.case import Toast, _answer, _ask, _case, _do
from makegood.recover.cases.views.handling import somebody

PEOPLE = 300


@require_POST
@needs("cases.see")
def watching(request: StaffRequest, number: int) -> HttpResponse:
    """Watch the case, or stop watching it."""
    shown, form = _case(request, number), OnCase(request.POST)
    form.is_valid()
    if request.user.pk in [pk for _name, pk in shown.watchers]:
        services.unwatch_case(case_id=shown.id, user=request.user)
        return _answer(request, shown, form, Toast(says=_("You hear no more of it.")))
    return _do(
        request, shown, form,
        lambda: services.watch_case(case_id=shown.id, user=request.user, by=request.user, now=timezone.now()),
        Toast(says=_("You watch it: the bell tells you what happens."), undo=reverse("cases:watching", args=[number])),
        lambda why: refusal(request, why),
    )  # fmt: skip


@needs("cases.work")
def watchers(request: StaffRequest, number: int) -> HttpResponse:
    """Ask a colleague to watch the case."""
    shown, form = _case(request, number), WatchForm(request.POST or None)
    words = request.GET.get("q", "").replace("\0", "")[:100]

    def ask(problem: str = "", status: int = 200) -> HttpResponse:
        people = people_to_assign(words)
        return _ask(request, shown, form, "watch", _("Who should watch it?"), problem, status, people=people,
                    words=words)  # fmt: skip

    if request.method != "POST" or not form.is_valid():
        return ask(status=422 if form.is_bound else 200)
    user = somebody(form.cleaned_data["to"]) or request.user
    return _do(
        request, shown, form,
        lambda: services.watch_case(case_id=shown.id, user=user, by=request.user, now=timezone.now()),
        Toast(says=_("%(who)s watches it now.") % {"who": user.display_name}), lambda why: ask(str(why), why.status),
    )  # fmt: skip


@needs("cases.work")
def asking(request: StaffRequest, number: int) -> HttpResponse:
    """Ask a colleague, or those who work a queue."""
    shown, form = _case(request, number), AskForm(request.POST or None)

    def ask(problem: str = "", status: int = 200) -> HttpResponse:
        people = [person for person in people_to_assign("", limit=PEOPLE) if person.id != request.user.pk]
        return _ask(request, shown, form, "ask", _("Ask a colleague"), problem, status, queues=queues_to_choose(),
                    people=sorted(people, key=lambda person: person.name.lower()))  # fmt: skip

    if request.method != "POST" or not form.is_valid():
        return ask(status=422 if form.is_bound else 200)
    kind, _colon, whom = form.cleaned_data["whom"].partition(":")
    to = somebody(whom) if kind == "user" else None
    return _do(
        request, shown, form,
        lambda: services.ask(
            case_id=shown.id, body=form.cleaned_data["body"], to=to, queue=whom if kind == "queue" else "",
            by=request.user, now=timezone.now(), seen=form.cleaned_data["seen"]),
        Toast(says=_("Asked. The bell tells you of the answer.")), lambda why: ask(str(why), why.status),
    )  # fmt: skip


@require_POST
@needs("cases.see")
def answering(request: StaffRequest, number: int, question_id: uuid.UUID) -> HttpResponse:
    """Write on in a question."""
    shown, form = _case(request, number), AnswerForm(request.POST)
    _require_of(shown, question_id)
    if not form.is_valid():
        return refusal(request, NothingToSay())
    return _do(
        request, shown, form,
        lambda: services.answer(
            question_id=question_id, body=form.cleaned_data["body"], by=request.user, now=timezone.now()),
        Toast(says=_("Said, and told.")), lambda why: refusal(request, why),
    )  # fmt: skip


@require_POST
@needs("cases.see")
def closing(request: StaffRequest, number: int, question_id: uuid.UUID) -> HttpResponse:
    """End a question that one asked."""
    shown, form = _case(request, number), OnCase(request.POST)
    form.is_valid()
    _require_of(shown, question_id)
    services.close_question(question_id=question_id, by=request.user, now=timezone.now())
    return _answer(request, shown, form, Toast(says=_("Question closed.")))


def _require_of(shown: CaseDetail, question_id: uuid.UUID) -> None:
    """Raises QuestionNotFound where neither the case nor one merged into it has such a question. One SQL query."""
    if not Question.objects.filter(pk=question_id, case__in=[shown.id, *shown.merged]).exists():
        raise QuestionNotFound
