"""Over the API: watchers, questions among colleagues, moving; and what else the desk can do with a case."""

import uuid
from datetime import datetime
from typing import Annotated, Any, Literal

from django.http import HttpResponse, HttpResponseBase
from django.utils import timezone
from ninja import Field, Router, Schema

from makegood.ground.api.fields import Text
from makegood.ground.staff.http import StaffRequest
from makegood.ground.staff.models import User
from makegood.ground.staff.scope import visible_places
from makegood.recover.cases import services
from makegood.recover.cases.api import (
    REFUSALS,
    SEES,
    WORKS,
    WRITES,
    Body,
    Number,
    Seen,
    _id,
    _json,
    by,
    writes,
)
from makegood.recover.cases.errors import PersonNotFound, QuestionNotFound
from makegood.recover.cases.models import (
    Channel,
    Question,
    QuestionWord,
    Severity,
    Status,
)
from makegood.recover.cases.queries import queue as queries
from makegood.recover.cases.queries.case import assignable, the_case
from makegood.recover.cases.services.attachments import attachment_of
from makegood.recover.cases.services.links import address_of, link_for
from makegood.recover.cases.views.attachments import handed_out

router = Router(tags=["cases"], auth=WORKS)

Why = Annotated[Text, Field(min_length=1, max_length=500, pattern=r"\S")]
Words = Annotated[Text, Field(min_length=1, max_length=5000, pattern=r"\S")]
Who = Annotated[Text, Field(max_length=150, description="Username or id of a colleague, or `me`.")]


# -- working a case


class CallIn(Schema):
    body: Body
    channel: Literal["phone", "store"] = "phone"
    wait: bool = Field(False, description="The ball is then with the customer.")


class StatusIn(Schema):
    status: Literal["open", "waiting_customer", "waiting_partner"]
    seen: Seen


class SeverityIn(Schema):
    severity: Severity = Field(description="1 critical, 2 high, 3 normal, 4 low.")
    seen: Seen


class MoveIn(Schema):
    queue: Text = Field(max_length=50, description="Slug of a queue.")
    why: Why
    seen: Seen


@writes(router, "calls", "Log a call", status=201)
def log_call(request: StaffRequest, number: Number, call: CallIn) -> None:
    """Note what was told to the customer by phone or at the store desk. Counts as an answer."""
    services.log_call(
        case_id=_id(request, number), body=call.body, channel=Channel(call.channel), wait=call.wait, **by(request)
    )


@writes(router, "status", "Say who has to act")
def change_status(request: StaffRequest, number: Number, change: StatusIn) -> None:
    """Say whom an open case waits for. Resolving and reopening are operations of their own."""
    services.change_status(
        case_id=_id(request, number), status=Status(change.status), seen=change.seen, **by(request)
    )  # fmt: skip


@writes(router, "severity", "Set the severity")
def change_severity(request: StaffRequest, number: Number, change: SeverityIn) -> None:
    """Say how great the harm to the customer is; the clocks follow."""
    services.change_severity(case_id=_id(request, number), severity=change.severity, seen=change.seen, **by(request))


@writes(router, "move", "Move to another queue")
def move_case(request: StaffRequest, number: Number, move: MoveIn) -> None:
    """Put an open case into another queue, with the reason. Its rules say who gets it; who had it is told."""
    services.move_case(case_id=_id(request, number), queue=move.queue, why=move.why, seen=move.seen, **by(request))


class LinkOut(Schema):
    """Where the customer sees their case."""

    address: str = Field(description="Empty: MAKEGOOD_URL does not say where the desk is reached.")


@router.post("/cases/{number}/customer-link", response={200: LinkOut} | WRITES, operation_id="customer_link",
             summary="The customer's link")  # fmt: skip
def customer_link(request: StaffRequest, number: Number) -> HttpResponse:
    """The link by which the customer sees where the case stands; made if there is none."""
    return _json({"address": address_of(link_for(_id(request, number), now=timezone.now()))})


@writes(router, "customer-link/end", "End the customer's link")
def end_customer_link(request: StaffRequest, number: Number) -> None:
    """End the link at once, for instance because it went to the wrong person."""
    services.revoke_link(case_id=_id(request, number), **by(request))


@router.get("/cases/{number}/files/{file_id}", response={200: None} | WRITES, auth=SEES, operation_id="read_file",
            summary="Download a file")  # fmt: skip
def read_file(request: StaffRequest, number: Number, file_id: uuid.UUID) -> HttpResponseBase:
    """A file of a contact, once it was found harmless."""
    return handed_out(attachment_of(_id(request, number), file_id))


# -- watchers


class WatcherIn(Schema):
    who: Who


class Watcher(Schema):
    id: uuid.UUID
    name: str


class WatcherList(Schema):
    watchers: list[Watcher]


@router.get("/cases/{number}/watchers", response={200: WatcherList} | REFUSALS, auth=SEES,
            operation_id="list_watchers", summary="Who watches")  # fmt: skip
def list_watchers(request: StaffRequest, number: Number) -> HttpResponse:
    """Who hears what happens to a case."""
    case = the_case(number, places=visible_places(request.user))
    return _json({"watchers": [{"id": pk, "name": name} for name, pk in case.watchers]})


@writes(router, "watchers", "Watch")
def watch_case(request: StaffRequest, number: Number, watcher: WatcherIn) -> None:
    """Let a colleague, or oneself, hear what happens to a case. They are told."""
    services.watch_case(case_id=_id(request, number), user=_person(request, watcher.who), **by(request))


@writes(router, "watchers/remove", "Stop watching")
def unwatch_case(request: StaffRequest, number: Number, watcher: WatcherIn) -> None:
    """Let somebody hear no more of a case."""
    services.unwatch_case(case_id=_id(request, number), user=_person(request, watcher.who))


# -- questions


class QuestionIn(Schema):
    """To a colleague or to a queue: one of both."""

    to: Text = Field("", max_length=150, description="Username or id of a colleague.")
    queue: Text = Field("", max_length=50, description="Slug of a queue: whoever works it is asked.")
    body: Words
    seen: Seen


class AnswerIn(Schema):
    body: Words


class WordOut(Schema):
    by: str = Field(description="Username; empty: not known any more.")
    body: str
    at: datetime


class QuestionOut(Schema):
    """A question to a colleague with all that was said in it."""

    id: uuid.UUID
    state: Question.State
    asked_by: str = Field(description="Username.")
    to: str = Field(description="Username; empty: a queue was asked.")
    queue: str = Field(description="Slug; empty: a colleague was asked.")
    at: datetime
    closed_at: datetime | None
    words: list[WordOut]


class QuestionList(Schema):
    questions: list[QuestionOut]


@router.get("/cases/{number}/questions", response={200: QuestionList} | REFUSALS, auth=SEES,
            operation_id="list_questions", summary="Questions among colleagues")  # fmt: skip
def list_questions(request: StaffRequest, number: Number) -> HttpResponse:
    """What colleagues asked each other in a case and in those merged into it, the oldest first."""
    case = the_case(number, places=visible_places(request.user))
    return _json({"questions": [_question(one) for one in _questions(case_id__in=[case.id, *case.merged])]})


@router.post("/cases/{number}/questions", response={201: QuestionOut} | WRITES, operation_id="ask_colleague",
             summary="Ask a colleague")  # fmt: skip
def ask_colleague(request: StaffRequest, number: Number, asked: QuestionIn) -> HttpResponse:
    """Ask a colleague, or whoever works a queue, within a case. The customer never sees it."""
    to = _person(request, asked.to) if asked.to else None
    question = services.ask(
        case_id=_id(request, number), body=asked.body, to=to, queue=asked.queue, seen=asked.seen, **by(request)
    )
    return _json(_question(_questions(pk=question.pk)[0]), 201)


@router.post("/questions/{question_id}/answers", response={201: QuestionOut} | WRITES, auth=SEES,
             operation_id="answer_colleague", summary="Answer a colleague")  # fmt: skip
def answer_colleague(request: StaffRequest, question_id: uuid.UUID, said: AnswerIn) -> HttpResponse:
    """Write on in a question; the other side is told."""
    _require_seen(request, question_id)
    services.answer(question_id=question_id, body=said.body, **by(request))
    return _json(_question(_questions(pk=question_id)[0]), 201)


@router.post("/questions/{question_id}/close", response={200: QuestionOut} | WRITES, auth=SEES,
             operation_id="close_question", summary="Close a question")  # fmt: skip
def close_question(request: StaffRequest, question_id: uuid.UUID) -> HttpResponse:
    """End a question that one asked; managers may close any."""
    _require_seen(request, question_id)
    services.close_question(question_id=question_id, **by(request))
    return _json(_question(_questions(pk=question_id)[0]))


# -- how


def _person(request: StaffRequest, said: str) -> User:
    found = request.user if said == "me" else assignable(said)
    if found is None:
        raise PersonNotFound(said)
    return found


def _questions(**which: Any) -> list[Question]:
    found = Question.objects.filter(**which).select_related("asked_by", "to", "to_queue")
    return list(found.prefetch_related("words__by").order_by("pk"))


def _question(one: Question) -> dict[str, Any]:
    return {
        "id": one.pk, "state": one.state, "asked_by": one.asked_by.username, "to": one.to.username if one.to else "",
        "queue": one.to_queue.slug if one.to_queue else "", "at": one.at, "closed_at": one.closed_at,
        "words": [_word(word) for word in sorted(one.words.all(), key=lambda word: word.pk)],
    }  # fmt: skip


def _word(word: QuestionWord) -> dict[str, Any]:
    return {"by": word.by.username if word.by else "", "body": word.body, "at": word.at}


def _require_seen(request: StaffRequest, question_id: uuid.UUID) -> None:
    """Raises QuestionNotFound where it is in no case that this person sees."""
    case_id = Question.objects.filter(pk=question_id).values_list("case_id", flat=True).first()
    if case_id is None or not queries.visible([case_id], visible_places(request.user)):
        raise QuestionNotFound
