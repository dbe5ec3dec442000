"""Outreach over the API. What the pages refuse the API refuses with the same codes."""

import uuid
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from django.db import transaction
from django.http import HttpResponse
from django.utils import timezone
from ninja import Field, Path, Query, Router, Schema
from pydantic import model_validator

from makegood.ground.api.auth import Holds
from makegood.ground.api.fields import Text
from makegood.ground.api.problems import Problem
from makegood.ground.staff.http import StaffRequest
from makegood.ground.staff.scope import visible_places
from makegood.prevent.outreach import queries, results, services
from makegood.prevent.outreach.models import Outreach, Recipient, Remedy, State

router = Router(tags=["outreach"])

SEES, SENDS = Holds("outreach.see"), Holds("outreach.send")
REFUSALS: dict[Any, Any] = {401: Problem, 403: Problem, 404: Problem, 422: Problem}
WRITES = REFUSALS | {409: Problem}
GREATEST = 2**31 - 1
Number = Annotated[int, Path(ge=1, le=GREATEST, description="What follows the O- of an outreach's number.")]
Words = Annotated[Text, Field(min_length=1, max_length=200, pattern=r"\S")]
Money = Annotated[Decimal, Field(gt=0, max_digits=12, decimal_places=2)]
Code = Annotated[Text, Field(pattern=r"^[a-z]{2,3}(-[a-z0-9]{2,8})?$")]


class TextIn(Schema):
    subject: Words
    body: Annotated[Text, Field(min_length=1, max_length=20_000, pattern=r"\S")]


class WhoIn(Schema):
    """Whom a segment is for; what is left empty lets everybody in."""

    tiers: list[Text] = Field([], max_length=20)
    channels: list[Literal["online", "marketplace", "store", "pickup"]] = []
    languages: list[Code] = Field([], max_length=20)
    wrote: Literal["wrote", "silent"] | None = None
    value_from: Money | None = None
    value_below: Money | None = None

    def kept(self) -> dict[str, Any]:
        given = {name: value for name, value in self.dict().items() if value}
        return {name: str(value) if isinstance(value, Decimal) else value for name, value in given.items()}


class SegmentIn(Schema):
    name: Annotated[Text, Field(min_length=1, max_length=120, pattern=r"\S")]
    who: WhoIn | None = Field(None, description="Null: everybody.")
    texts: dict[Code, TextIn] = Field(
        min_length=1, max_length=20, description="By language; the first is for the rest."
    )
    remedy: Remedy = Remedy.NONE
    amount: Money | None = None
    percent: int | None = Field(None, ge=1, le=100)
    cap: Money | None = Field(None, description="Of a percentage.")
    code: Text = Field("", max_length=60, description="Of a voucher.")

    @model_validator(mode="after")
    def fits(self) -> "SegmentIn":
        """The same rules as the constraints of the table."""
        has_value = self.remedy in (Remedy.CREDIT, Remedy.REFUND, Remedy.VOUCHER)
        if has_value and (self.amount is None) is (self.percent is None):
            raise ValueError("give either an amount or a percentage")
        if not has_value and (self.amount is not None or self.percent is not None):
            raise ValueError("this remedy has no amount")
        if self.cap is not None and self.percent is None:
            raise ValueError("a cap belongs to a percentage")
        if self.remedy == Remedy.VOUCHER and not self.code:
            raise ValueError("a voucher needs its code")
        return self


class NewOutreachIn(Schema):
    incident: int = Field(ge=1, le=GREATEST, description="What follows the I- of the incident's number.")
    title: Words
    reason: Text = Field("", max_length=60, description="Code; empty: what the incident is about.")
    holdout: int | None = Field(None, ge=0, le=50, description="Percent; null: 10, and 0 for a recall.")
    per_minute: int = Field(300, ge=1, le=60_000)
    segments: list[SegmentIn] = Field(min_length=1, max_length=20, description="Of several that fit the first counts.")


class WhyIn(Schema):
    why: Text = Field("", max_length=500)


class OutreachItem(Schema):
    number: str = Field(description="Such as O-3.")
    id: uuid.UUID
    incident: str
    title: str
    state: State
    holdout: int
    per_minute: int
    currency: str
    drawn_at: datetime | None
    started_at: datetime | None
    stopped_at: datetime | None
    ended_at: datetime | None
    people: dict[str, int] = Field(description="By state: waiting, queued, sent, uncertain, failed, holdout, left_out.")


class OutreachOut(OutreachItem):
    left_out: dict[str, int] = Field(description="By reason.")
    to_tell: int
    accepted: int
    declined: int
    cost: str
    cost_at_most: str


class OutreachList(Schema):
    outreaches: list[OutreachItem]
    before: int | None = Field(description="Give it as `before` to read on; null: that was all.")


class StoppedOut(OutreachOut):
    told: int
    taken_back: int
    under_way: int


class AddedOut(OutreachOut):
    added: int = Field(description="How many people are told besides.")


class PersonItem(Schema):
    id: uuid.UUID
    customer_id: uuid.UUID
    orders: list[str]
    value: str
    currency: str
    segment: str
    state: Recipient.State
    why: str
    amount: str
    case: str | None
    told_at: datetime | None
    answer: Recipient.Answer


class PeopleList(Schema):
    people: list[PersonItem]
    after: uuid.UUID | None = Field(description="Give it as `after` to read on; null: that was all.")


class MeasureItem(Schema):
    name: str
    told: int
    held_out: int
    difference: float | None = Field(description="Share of those told less that of those held out; null: too few.")
    low: float | None
    high: float | None


class ResultsOut(Schema):
    since: datetime
    until: datetime
    told: int
    held_out: int
    replied: int
    avoided: dict[str, float] | None = Field(description="People who did not have to write: estimate, low, high.")
    measures: list[MeasureItem]


# -- reading


@router.get("/outreach", response={200: OutreachList} | REFUSALS, auth=SEES, operation_id="list_outreach",
            summary="List outreaches")  # fmt: skip
def list_outreach(
    request: StaffRequest,  # noqa: ARG001  ninja passes it
    state: State | Literal[""] = "",
    incident: Annotated[int | None, Query(ge=1, le=GREATEST)] = None,
    before: Annotated[int | None, Query(ge=1, le=GREATEST)] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> HttpResponse:
    """Outreaches, the newest first. Two SQL statements of its own."""
    rows = queries.outreaches(state=state, incident=incident, before=before, limit=limit)
    shown = rows[:limit]
    return _json({
        "outreaches": [_item(row.outreach, row.people) for row in shown],
        "before": shown[-1].outreach.number if len(rows) > limit else None,
    })  # fmt: skip


@router.get("/outreach/{number}", response={200: OutreachOut} | REFUSALS, auth=SEES, operation_id="read_outreach",
            summary="Read an outreach")  # fmt: skip
def read_outreach(request: StaffRequest, number: Number) -> HttpResponse:  # noqa: ARG001  ninja passes it
    """How it stands. Two SQL statements of its own."""
    return _json(_whole(queries.outreach_called(number)))


@router.get("/outreach/{number}/people", response={200: PeopleList} | REFUSALS, auth=SEES,
            operation_id="outreach_people", summary="People of an outreach")  # fmt: skip
def outreach_people(
    request: StaffRequest, number: Number, state: Recipient.State | Literal[""] = "", after: uuid.UUID | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 200,
) -> HttpResponse:  # fmt: skip
    """In the order in which they are told. Two SQL statements of its own."""
    outreach = queries.outreach_called(number)
    filters = queries.Filters(state=state)
    rows = queries.people(outreach.pk, filters, places=visible_places(request.user), after=after, limit=limit)
    shown = rows[:limit]
    return _json({
        "people": [
            {"id": row.id, "customer_id": row.customer_id, "orders": row.refs, "value": str(row.value),
             "currency": row.currency, "segment": row.segment, "state": row.state, "why": row.why,
             "amount": str(row.amount), "case": f"C-{row.case}" if row.case else None, "told_at": row.told_at,
             "answer": row.answer}
            for row in shown
        ],
        "after": shown[-1].id if len(rows) > limit else None,
    })  # fmt: skip


@router.get("/outreach/{number}/results", response={200: ResultsOut | None} | REFUSALS, auth=SEES,
            operation_id="outreach_results", summary="What an outreach brought")  # fmt: skip
def outreach_results(request: StaffRequest, number: Number) -> HttpResponse:  # noqa: ARG001  ninja passes it
    """Those told against those held out, as chance drew them; null before the start. Two SQL statements of its own."""
    found = results.results_of(queries.outreach_called(number), now=timezone.now())
    return _json(results.as_json(found) if found else None)


# -- writing


@router.post("/outreach", response={201: OutreachOut} | WRITES, auth=SENDS, operation_id="make_outreach",
             summary="Make an outreach")  # fmt: skip
def make_outreach(request: StaffRequest, told: NewOutreachIn) -> HttpResponse:
    """A draft with its segments, all of it or nothing. Nothing leaves by that."""
    with transaction.atomic():
        made = services.make(
            incident_number=told.incident, title=told.title, reason=told.reason, holdout=told.holdout,
            per_minute=told.per_minute, by=request.user, now=timezone.now(),
        )  # fmt: skip
        for one in told.segments:
            given = one.dict() | {"who": one.who.kept() if one.who else {}}
            services.save_segment(outreach_id=made.pk, given=given)
    return _json(_whole(queries.outreach_called(made.number)), 201)


@router.post("/outreach/{number}/draw", response={200: OutreachOut} | WRITES, auth=SENDS, operation_id="draw_outreach",
             summary="Work out who is told")  # fmt: skip
def draw(request: StaffRequest, number: Number) -> HttpResponse:  # noqa: ARG001  ninja passes it
    """Who is told what, left out or held out: a job, done when `drawn_at` is set. Nothing leaves by that."""
    services.ask_to_draw(outreach_id=queries.outreach_called(number).pk, now=timezone.now())
    return _again(number)


@router.post("/outreach/{number}/start", response={200: OutreachOut} | WRITES, auth=SENDS,
             operation_id="start_outreach", summary="Start")  # fmt: skip
def start(request: StaffRequest, number: Number) -> HttpResponse:
    """Begin to tell people, within the limits of your role."""
    services.start(outreach_id=queries.outreach_called(number).pk, by=request.user, now=timezone.now())
    return _again(number)


@router.post("/outreach/{number}/ask", response={200: OutreachOut} | WRITES, auth=SENDS, operation_id="ask_outreach",
             summary="Ask for approval")  # fmt: skip
def ask(request: StaffRequest, number: Number, told: WhyIn) -> HttpResponse:
    """It may cost more than your role may promise: somebody else has to approve."""
    services.ask_approval(
        outreach_id=queries.outreach_called(number).pk, by=request.user, now=timezone.now(), why=told.why
    )
    return _again(number)


@router.post("/outreach/{number}/approve", response={200: OutreachOut} | WRITES, auth=SENDS,
             operation_id="approve_outreach", summary="Approve and start")  # fmt: skip
def approve(request: StaffRequest, number: Number) -> HttpResponse:
    """Approve what a colleague asked for."""
    services.approve(outreach_id=queries.outreach_called(number).pk, by=request.user, now=timezone.now())
    return _again(number)


@router.post("/outreach/{number}/send-back", response={200: OutreachOut} | WRITES, auth=SENDS,
             operation_id="send_back_outreach", summary="Back to draft")  # fmt: skip
def send_back(request: StaffRequest, number: Number, told: WhyIn) -> HttpResponse:
    """Not approved, or no longer asked for."""
    services.send_back(
        outreach_id=queries.outreach_called(number).pk, by=request.user, now=timezone.now(), why=told.why
    )
    return _again(number)


@router.post("/outreach/{number}/stop", response={200: StoppedOut} | WRITES, auth=SENDS, operation_id="stop_outreach",
             summary="Stop at once")  # fmt: skip
def stop(request: StaffRequest, number: Number, told: WhyIn) -> HttpResponse:
    """Nothing more leaves once this is answered; the answer says exactly how many have left."""
    outreach = queries.outreach_called(number)
    left = services.stop(outreach_id=outreach.pk, by=request.user, now=timezone.now(), why=told.why)
    return _json(_whole(queries.outreach_called(number)) | left._asdict())


@router.post("/outreach/{number}/resume", response={200: OutreachOut} | WRITES, auth=SENDS,
             operation_id="resume_outreach", summary="Go on")  # fmt: skip
def resume(request: StaffRequest, number: Number) -> HttpResponse:
    """Go on where it was stopped, with the very same messages."""
    services.resume(outreach_id=queries.outreach_called(number).pk, by=request.user, now=timezone.now())
    return _again(number)


@router.post("/outreach/{number}/add", response={200: AddedOut} | WRITES, auth=SENDS, operation_id="add_to_outreach",
             summary="Add who was found since")  # fmt: skip
def add(request: StaffRequest, number: Number) -> HttpResponse:
    """Take in whoever was found to be affected since it was worked out who is told. Nobody is told twice; the same
    share is held out. One that had ended goes on for them.
    """
    outreach = queries.outreach_called(number)
    added = services.add_found(outreach_id=outreach.pk, by=request.user, now=timezone.now())
    return _json(_whole(queries.outreach_called(number)) | {"added": added})


@router.post("/outreach/{number}/end", response={200: OutreachOut} | WRITES, auth=SENDS, operation_id="end_outreach",
             summary="End for good")  # fmt: skip
def end(request: StaffRequest, number: Number, told: WhyIn) -> HttpResponse:
    """Whoever was not told is not told."""
    services.end(outreach_id=queries.outreach_called(number).pk, by=request.user, now=timezone.now(), why=told.why)
    return _again(number)


# -- how


def _item(outreach: Outreach, people: dict[str, int]) -> dict[str, Any]:
    return {
        "number": str(outreach), "id": outreach.pk, "incident": str(outreach.incident), "title": outreach.title,
        "state": outreach.state, "holdout": outreach.holdout, "per_minute": outreach.per_minute,
        "currency": outreach.currency, "drawn_at": outreach.drawn_at, "started_at": outreach.started_at,
        "stopped_at": outreach.stopped_at, "ended_at": outreach.ended_at, "people": people,
    }  # fmt: skip


def _whole(outreach: Outreach) -> dict[str, Any]:
    at = queries.progress_of(outreach.pk)
    return _item(outreach, at.states) | {
        "left_out": at.why, "to_tell": at.to_tell, "accepted": at.accepted, "declined": at.declined,
        "cost": str(at.cost), "cost_at_most": str(at.at_most),
    }  # fmt: skip


def _again(number: int) -> HttpResponse:
    return _json(_whole(queries.outreach_called(number)))


def _json(content: object, status: int = 200) -> HttpResponse:
    return HttpResponse(msgspec.json.encode(content), status=status, content_type="application/json")
