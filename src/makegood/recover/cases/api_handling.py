"""Over the API: what is done with cases beyond working one of them."""

import uuid
from typing import Annotated, Any

from django.http import HttpResponse
from ninja import Field, Router, Schema
from pydantic import AwareDatetime, model_validator

from makegood.ground.api.fields import Text
from makegood.ground.staff.http import StaffRequest
from makegood.ground.staff.scope import visible_places
from makegood.recover.cases import services
from makegood.recover.cases.api import (
    REFUSALS,
    WORKS,
    WRITES,
    AssignmentIn,
    EscalationIn,
    Number,
    ReasonIn,
    ReplyIn,
    ResolutionIn,
    Seen,
    _id,
    _json,
    by,
    writes,
)
from makegood.recover.cases.models import Batch
from makegood.recover.cases.queries.many import progress
from makegood.recover.cases.queries.queue import visible

router = Router(tags=["cases"], auth=WORKS)

OtherNumber = Annotated[Text, Field(pattern=r"^[Cc]-\d{1,18}$", description="Number of a case, such as C-10482.")]


class MergeIn(Schema):
    into: OtherNumber
    seen: Seen


class SplitIn(Schema):
    contacts: list[uuid.UUID] = Field(min_length=1, max_length=1000, description="Contacts of the case, by id.")
    reason: Text = Field(max_length=60, description="Code of a reason in use.")
    subject: Text = Field("", max_length=200, description="Empty: that of the case.")
    seen: Seen


@writes(router, "merge", "Merge into another")
def merge_case(request: StaffRequest, number: Number, merge: MergeIn) -> None:
    """End a case as a duplicate of another, which goes on for both."""
    services.merge_cases(
        duplicate_id=_id(request, number), survivor_id=_other(request, merge.into), seen_duplicate=merge.seen,
        **by(request),
    )  # fmt: skip


@writes(router, "merge/undo", "Undo a merge")
def undo_merge(request: StaffRequest, number: Number) -> None:
    """Take the merge of this case into another back: both are as before."""
    services.undo_merge(case_id=_id(request, number), **by(request))


@writes(router, "split", "Split", status=201)
def split_case(request: StaffRequest, number: Number, split: SplitIn) -> int:
    """Start a new case for contacts that are about something else. Answers with the new case."""
    new = services.split_case(
        case_id=_id(request, number), contacts=split.contacts, reason=split.reason, subject=split.subject,
        **by(request), seen=split.seen,
    )  # fmt: skip
    return int(new.number)


@writes(router, "split/undo", "Undo a split")
def undo_split(request: StaffRequest, number: Number) -> None:
    """Put what was split off back where it was."""
    services.undo_split(case_id=_id(request, number), **by(request))


class SnoozeIn(Schema):
    until: AwareDatetime = Field(description="Out of the queue until then, or until the customer speaks.")
    why: Annotated[Text, Field(min_length=1, max_length=500, pattern=r"\S")]
    seen: Seen


@writes(router, "snooze", "Put off")
def snooze_case(request: StaffRequest, number: Number, snooze: SnoozeIn) -> None:
    """Take an open case out of the queue until a time. No due date moves."""
    services.snooze_case(
        case_id=_id(request, number), until=snooze.until, why=snooze.why, **by(request),
        seen=snooze.seen,
    )  # fmt: skip


@writes(router, "snooze/undo", "Take up now")
def wake_case(request: StaffRequest, number: Number) -> None:
    """Put a case back into the queue before its time."""
    services.wake_case(case_id=_id(request, number), **by(request))


class LinkIn(Schema):
    parent: OtherNumber
    seen: Seen


@writes(router, "link", "Link")
def link_case(request: StaffRequest, number: Number, link: LinkIn) -> None:
    """Say that one failure, told in a parent case, is behind this case too."""
    services.link_case(
        case_id=_id(request, number), parent_id=_other(request, link.parent), **by(request),
        seen=link.seen,
    )  # fmt: skip


@writes(router, "link/undo", "Unlink")
def unlink_case(request: StaffRequest, number: Number) -> None:
    """Say that a case is about something else than its parent."""
    services.unlink_case(case_id=_id(request, number), **by(request))


class BatchIn(Schema):
    """One thing to be done to many cases: named ones, or all open children of one."""

    cases: list[OtherNumber] = Field(default_factory=list, max_length=1000)
    parent: OtherNumber | None = Field(None, description="Instead of `cases`: all its open children.")
    assign: AssignmentIn | None = None
    reason: ReasonIn | None = None
    escalate: EscalationIn | None = None
    link: LinkIn | None = None
    snooze: SnoozeIn | None = None
    resolve: ResolutionIn | None = None
    answer: ReplyIn | None = Field(None, description="{name}, {order}, {item} and {case} become each case's own.")

    @property
    def chosen(self) -> list[str]:
        return [action for action in Batch.Action.values if getattr(self, action)]

    @model_validator(mode="after")
    def one_thing_to_some(self) -> "BatchIn":
        if len(self.chosen) != 1:
            raise ValueError("name exactly one action")
        if bool(self.cases) == bool(self.parent):
            raise ValueError("name either cases or a parent")
        return self


class BatchOut(Schema):
    """How far a batch is."""

    id: uuid.UUID
    action: Batch.Action
    total: int
    waiting: int = Field(description="Still to come.")
    done: int
    undone: int = Field(description="Taken back.")
    refused: int = Field(description="Not done, or not taken back.")
    said: dict[str, str] = Field(description="Of these, why, by number of the case; the first fifty.")


@router.post("/batches", response={202: BatchOut} | WRITES, operation_id="start_batch", summary="Do one thing to many")
def start_batch(request: StaffRequest, asked: BatchIn) -> HttpResponse:
    """Do one thing to many cases, in the background. Ask for the batch to see what became of each."""
    [action] = asked.chosen
    if asked.parent:
        parent_id = _other(request, asked.parent)
        cases = visible(services.open_children(parent_id), visible_places(request.user))
    else:
        parent_id, cases = None, [_other(request, number) for number in asked.cases]
    details = getattr(asked, action).dict(exclude={"seen"}, exclude_none=False)
    batch = services.start_batch(
        action=action, cases=cases, asked=_kept(request, details), **by(request),
        parent_id=parent_id, in_the_background=True,
    )  # fmt: skip
    return _told(request, batch.pk, status=202)


@router.get("/batches/{batch_id}", response={200: BatchOut} | REFUSALS, operation_id="read_batch",
            summary="What became of it")  # fmt: skip
def read_batch(request: StaffRequest, batch_id: uuid.UUID) -> HttpResponse:
    """How far a batch is that you started."""
    return _told(request, batch_id)


@router.post(
    "/batches/{batch_id}/undo", response={200: BatchOut} | WRITES, operation_id="undo_batch", summary="Take it back"
)
def undo_batch(request: StaffRequest, batch_id: uuid.UUID) -> HttpResponse:
    """Take back what your batch did, wherever nobody has built on it since. Answers stay sent."""
    services.undo_batch(batch_id=batch_id, **by(request))
    return _told(request, batch_id)


def _kept(request: StaffRequest, details: dict[str, Any]) -> dict[str, Any]:
    """What was asked for, as a batch keeps it."""
    if "parent" in details:
        details["parent"] = str(_other(request, details["parent"]))
    if details.get("to") == "me":
        details["to"] = str(request.user.pk)
    if "cause" in details:
        details["cause"] = details["cause"] or ""
    if "until" in details:
        details["until"] = details["until"].isoformat()
    return details


def _told(request: StaffRequest, batch_id: uuid.UUID, *, status: int = 200) -> HttpResponse:
    found = progress(batch_id, of=request.user)
    said = {f"C-{number}": why for number, why in found.said}
    figures = {name: getattr(found, name) for name in BatchOut.model_fields if name != "said"}
    return _json(figures | {"said": said}, status)


def _other(request: StaffRequest, number: str) -> uuid.UUID:
    return _id(request, int(number[2:]))
