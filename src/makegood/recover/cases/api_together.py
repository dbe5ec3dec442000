"""Over the API: macros, watchers, questions among colleagues, moving; and what else the desk can do with a case."""

import uuid
from datetime import datetime
from typing import Annotated, Any, Literal

from django.db import transaction
from django.http import HttpResponse, HttpResponseBase
from django.utils import timezone
from ninja import Field, File, Router, Schema
from ninja.files import UploadedFile

from makegood.ground.api.fields import Text
from makegood.ground.staff.http import StaffRequest
from makegood.ground.staff.models import User
from makegood.ground.staff.scope import visible_places
from makegood.recover.cases import services
from makegood.recover.cases.api import (
    LONGEST,
    REFUSALS,
    SEES,
    WORKS,
    WRITES,
    Body,
    Number,
    Seen,
    Written,
    _id,
    _json,
    _written,
    by,
    writes,
)
from makegood.recover.cases.errors import PersonNotFound, QuestionNotFound, ViewTooLong
from makegood.recover.cases.macros import keeping
from makegood.recover.cases.macros.actions import known
from makegood.recover.cases.macros.using import Chosen, chosen_by, offers, say_and_do, usable
from makegood.recover.cases.models import (
    Channel,
    Macro,
    Question,
    QuestionWord,
    Queue,
    Reason,
    SavedView,
    Severity,
    Status,
)
from makegood.recover.cases.queries import queue as queries
from makegood.recover.cases.queries.case import assignable, the_case
from makegood.recover.cases.services.attachments import Given, attachment_of
from makegood.recover.cases.services.links import address_of, link_for
from makegood.recover.cases.views.attachments import handed_out

router = Router(tags=["cases"], auth=WORKS)

ADDRESS_AT_MOST = 1000

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


# -- macros


class MacroIn(Schema):
    """What is written and done often. Actions as `GET /macros/actions` describes them."""

    name: Annotated[Text, Field(min_length=1, max_length=60, pattern=r"\S")]
    kind: Macro.Kind = Macro.Kind.REPLY
    body: Text = Field("", max_length=20_000, description="With fields such as {first_name}.")
    wait: bool = Field(False, description="Then wait for the customer.")
    audience: Text = Field("me", max_length=50, description="me, all, or the slug of a queue.")
    actions: list[dict[str, Annotated[Text, Field(max_length=2000)]]] = Field(default_factory=list, max_length=50)


class MacroFileOut(Schema):
    id: uuid.UUID
    name: str
    type: str
    size: int


class MacroOut(MacroIn):
    id: uuid.UUID
    version: int
    files: list[MacroFileOut]
    used: int = Field(description="How often.")
    used_at: datetime | None = Field(description="When last.")
    may_edit: bool


class MacroList(Schema):
    macros: list[MacroOut]


class Choice(Schema):
    value: str
    label: str


class AskedOut(Schema):
    name: str
    label: str
    required: bool
    choices: list[Choice] | None = Field(description="null: any words.")


class ActionOut(Schema):
    """What a macro can do, and what it has to know for it."""

    do: str
    label: str
    asks: list[AskedOut]


class ActionList(Schema):
    actions: list[ActionOut]


class UseIn(Schema):
    """Macros by id, in order. Their words unless others are given; `body` empty: only the actions."""

    macros: list[uuid.UUID] = Field(min_length=1, max_length=10)
    kind: Macro.Kind | None = Field(None, description="null: that of the first macro.")
    body: Annotated[Text, Field(max_length=LONGEST)] | None = Field(None, description="null: the macros' own words.")
    wait: bool | None = Field(None, description="null: as the macros say.")
    seen: Seen


@router.get("/macros", response={200: MacroList} | REFUSALS, operation_id="list_macros", summary="Macros")
def list_macros(request: StaffRequest) -> HttpResponse:
    """All macros that one may use, by name."""
    mine = usable(request.user).select_related("queue").prefetch_related("files")
    return _json({"macros": [_macro(macro, request.user) for macro in mine]})


@router.get("/macros/actions", response={200: ActionList} | REFUSALS, operation_id="list_macro_actions",
            summary="What macros can do")  # fmt: skip
def list_macro_actions(request: StaffRequest) -> HttpResponse:  # noqa: ARG001
    """Every action with what it asks and what can be chosen."""
    return _json({"actions": [
        {"do": name, "label": str(action.label), "asks": [
            {"name": one.name, "label": str(one.label), "required": one.required, "choices": [
                {"value": value, "label": str(label)} for value, label in one.choices()] if one.choices else None}
            for one in action.asked]}
        for name, action in known().items()]})  # fmt: skip


@router.post("/macros", response={201: MacroOut} | WRITES, operation_id="make_macro", summary="Make a macro")
def make_macro(request: StaffRequest, macro: MacroIn) -> HttpResponse:
    """Keep a new macro. Files are added one by one."""
    return _json(_macro(keeping.keep_macro(by=request.user, **macro.dict()), request.user), 201)


@router.put("/macros/{macro_id}", response={200: MacroOut} | WRITES, operation_id="edit_macro", summary="Edit a macro")
def edit_macro(request: StaffRequest, macro_id: uuid.UUID, macro: MacroIn) -> HttpResponse:
    """Another version of a macro; its files stay."""
    kept = keeping.keep_macro(by=request.user, macro_id=macro_id, **macro.dict())
    return _json(_macro(kept, request.user))


@router.delete("/macros/{macro_id}", response={204: None} | WRITES, operation_id="remove_macro",
               summary="Remove a macro")  # fmt: skip
def remove_macro(request: StaffRequest, macro_id: uuid.UUID) -> HttpResponse:
    """Remove a macro for all who have it."""
    keeping.remove_macro(macro_id=macro_id, by=request.user)
    return HttpResponse(status=204)


@router.post("/macros/{macro_id}/files", response={201: MacroOut} | WRITES, operation_id="add_macro_file",
             summary="Add a file to a macro")  # fmt: skip
def add_macro_file(request: StaffRequest, macro_id: uuid.UUID, file: File[UploadedFile]) -> HttpResponse:
    """A file that leaves with the macro's reply (multipart)."""
    return _json(_with_files(request, macro_id, files=[Given(file.name or "file", file.read())]), 201)


@router.delete("/macros/{macro_id}/files/{file_id}", response={200: MacroOut} | WRITES,
               operation_id="remove_macro_file", summary="Take a file out of a macro")  # fmt: skip
def remove_macro_file(request: StaffRequest, macro_id: uuid.UUID, file_id: uuid.UUID) -> HttpResponse:
    """A file that leaves no more. Nothing happens where it is none of this macro's."""
    return _json(_with_files(request, macro_id, without=[file_id]))


@router.post("/cases/{number}/macros", response={201: Written} | WRITES, operation_id="use_macros",
             summary="Use macros")  # fmt: skip
def use_macros(request: StaffRequest, number: Number, use: UseIn) -> HttpResponse:
    """Write and do what macros say on a case, all of it or nothing. A refusal names each action and why."""
    case = the_case(number, places=visible_places(request.user))
    macros = chosen_by(request.user, [Chosen(pk) for pk in use.macros])
    body = use.body
    if body is None:
        texts = {offer.macro.pk: offer.text for offer in offers(case, request.user)}
        body = "\n\n".join(filter(None, (texts.get(macro.pk, macro.body) for macro in macros)))
    wait = any(macro.wait for macro in macros) if use.wait is None else use.wait
    say_and_do(case=case, macros=macros, kind=use.kind or macros[0].kind, body=body, wait=wait, seen=use.seen,
               **by(request))  # fmt: skip
    return _written(request, number, status=201)


# -- lists


class NamedOut(Schema):
    slug: str
    name: str


class ReasonOut(Schema):
    code: str
    name: str
    severity: Severity
    queue: str = Field(description="Slug of the queue that its cases wait in.")


class Lists(Schema):
    """What operations on cases can name."""

    queues: list[NamedOut]
    reasons: list[ReasonOut]


@router.get("/lists", response={200: Lists} | REFUSALS, auth=SEES, operation_id="read_lists",
            summary="Queues and reasons")  # fmt: skip
def read_lists(request: StaffRequest) -> HttpResponse:  # noqa: ARG001
    """Queues and reasons in use."""
    reasons = Reason.objects.filter(active=True).values("code", "name", "severity", "queue__slug")
    return _json({
        "queues": list(Queue.objects.values("slug", "name")),
        "reasons": [{"code": row["code"], "name": row["name"], "severity": row["severity"],
                     "queue": row["queue__slug"]} for row in reasons],
    })  # fmt: skip


class ViewIn(Schema):
    """A list of cases under a name; the same name again replaces what it stood for."""

    name: Annotated[Text, Field(min_length=1, max_length=40, pattern=r"\S")]
    filters: dict[str, Annotated[Text, Field(max_length=200)]] = Field(
        default_factory=dict, description="As of `GET /cases`: queue, status, reason, assignee and so on."
    )
    shared: bool = Field(False, description="Everybody sees it.")


class ViewOut(Schema):
    id: uuid.UUID
    name: str
    address: str = Field(description="Query string of its filters.")
    shared: bool
    own: bool


class ViewList(Schema):
    views: list[ViewOut]


@router.get("/views", response={200: ViewList} | REFUSALS, auth=SEES, operation_id="list_views",
            summary="Saved views")  # fmt: skip
def list_views(request: StaffRequest) -> HttpResponse:
    """One's own views and those that everybody sees."""
    mine = SavedView.objects.filter(owner=request.user) | SavedView.objects.filter(shared=True)
    return _json({"views": [_view(view, request.user) for view in mine.order_by("name", "id")]})


@router.post("/views", response={201: ViewOut} | WRITES, auth=SEES, operation_id="save_view", summary="Save a view")
def save_view(request: StaffRequest, view: ViewIn) -> HttpResponse:
    """Keep filters under a name. What the list does not understand is left out."""
    kept = {"address": queries.Filters.read(view.filters).address(), "shared": view.shared}
    if len(str(kept["address"])) > ADDRESS_AT_MOST:
        raise ViewTooLong
    saved, _is_new = SavedView.objects.update_or_create(owner=request.user, name=view.name, defaults=kept)
    return _json(_view(saved, request.user), 201)


@router.delete("/views/{view_id}", response={204: None} | WRITES, auth=SEES, operation_id="remove_view",
               summary="Forget a view")  # fmt: skip
def remove_view(request: StaffRequest, view_id: uuid.UUID) -> HttpResponse:
    """Forget a view of one's own. Nothing happens where it is none."""
    SavedView.objects.filter(pk=view_id, owner=request.user).delete()
    return HttpResponse(status=204)


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


def _macro(macro: Macro, user: User) -> dict[str, Any]:
    columns = ("id", "name", "kind", "body", "wait", "actions", "version", "used", "used_at")
    return {name: getattr(macro, name) for name in columns} | {
        "audience": "me" if macro.owner_id else macro.queue.slug if macro.queue else "all",
        "may_edit": keeping.may_edit(user, macro),
        "files": [{"id": file.pk, "name": file.name, "type": file.type, "size": file.size}
                  for file in macro.files.all()],
    }  # fmt: skip


def _with_files(request: StaffRequest, macro_id: uuid.UUID, **files: Any) -> dict[str, Any]:
    """A macro as it is, with other files."""
    with transaction.atomic():
        macro = keeping.macro_to_edit(macro_id, request.user)
        same = {name: said for name, said in _macro(macro, request.user).items() if name in MacroIn.model_fields}
        return _macro(keeping.keep_macro(by=request.user, macro_id=macro_id, **same, **files), request.user)


def _view(view: SavedView, user: User) -> dict[str, Any]:
    return {"id": view.pk, "name": view.name, "address": view.address, "shared": view.shared,
            "own": view.owner_id == user.pk}  # fmt: skip
