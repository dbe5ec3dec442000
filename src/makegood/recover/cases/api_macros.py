"""Over the API: macros, and using them on a case."""

import uuid
from datetime import datetime
from typing import Annotated, Any

from django.db import transaction
from django.http import HttpResponse
from ninja import Field, File, Router, Schema
from ninja.files import UploadedFile

from makegood.ground.api.fields import Text
from makegood.ground.staff.http import StaffRequest
from makegood.ground.staff.models import User
from makegood.ground.staff.scope import visible_places
from makegood.recover.cases.api import (
    LONGEST,
    REFUSALS,
    WORKS,
    WRITES,
    Number,
    Seen,
    Written,
    _json,
    _written,
    by,
)
from makegood.recover.cases.macros import keeping
from makegood.recover.cases.macros.actions import known
from makegood.recover.cases.macros.using import Chosen, chosen_by, offers, say_and_do, usable
from makegood.recover.cases.models import (
    Macro,
)
from makegood.recover.cases.queries.case import the_case
from makegood.recover.cases.services.attachments import Given

router = Router(tags=["cases"], auth=WORKS)


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
def list_macro_actions(request: StaffRequest) -> HttpResponse:  # noqa: ARG001  ninja passes it
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
