"""Over the API: what is done with cases beyond working one of them."""

import uuid
from typing import Annotated

from django.http import HttpResponse
from django.utils import timezone
from ninja import Field, Router, Schema

from makegood.ground.api.fields import Text
from makegood.ground.staff.http import StaffRequest
from makegood.recover.cases import services
from makegood.recover.cases.api import WORKS, WRITES, Number, Seen, Written, _id, _written

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


@router.post(
    "/cases/{number}/merge", response={200: Written} | WRITES, operation_id="merge_case", summary="Merge into another"
)
def merge_case(request: StaffRequest, number: Number, merge: MergeIn) -> HttpResponse:
    """End a case as a duplicate of another, which goes on for both."""
    services.merge_cases(
        duplicate_id=_id(request, number), survivor_id=_other(request, merge.into), by=request.user,
        now=timezone.now(), seen_duplicate=merge.seen,
    )  # fmt: skip
    return _written(request, number)


@router.post(
    "/cases/{number}/merge/undo", response={200: Written} | WRITES, operation_id="undo_merge", summary="Undo a merge"
)
def undo_merge(request: StaffRequest, number: Number) -> HttpResponse:
    """Take the merge of this case into another back: both are as before."""
    services.undo_merge(case_id=_id(request, number), by=request.user, now=timezone.now())
    return _written(request, number)


@router.post("/cases/{number}/split", response={201: Written} | WRITES, operation_id="split_case", summary="Split")
def split_case(request: StaffRequest, number: Number, split: SplitIn) -> HttpResponse:
    """Start a new case for contacts that are about something else. Answers with the new case."""
    new = services.split_case(
        case_id=_id(request, number), contacts=split.contacts, reason=split.reason, subject=split.subject,
        by=request.user, now=timezone.now(), seen=split.seen,
    )  # fmt: skip
    return _written(request, new.number, status=201)


@router.post(
    "/cases/{number}/split/undo", response={200: Written} | WRITES, operation_id="undo_split", summary="Undo a split"
)
def undo_split(request: StaffRequest, number: Number) -> HttpResponse:
    """Put what was split off back where it was."""
    services.undo_split(case_id=_id(request, number), by=request.user, now=timezone.now())
    return _written(request, number)


def _other(request: StaffRequest, number: str) -> uuid.UUID:
    return _id(request, int(number[2:]))
