"""Signals over the API. Lists page by key; what the pages refuse the API refuses with the same codes."""

import uuid
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from django.http import HttpResponse
from django.utils import timezone
from ninja import Field, Path, Query, Router, Schema

from makegood.ground.api.auth import Holds
from makegood.ground.api.fields import Text
from makegood.ground.api.problems import Problem
from makegood.ground.staff.http import StaffRequest
from makegood.prevent.signals.models import Signal, State
from makegood.prevent.signals.queries import listing
from makegood.prevent.signals.services import judging
from makegood.prevent.slices_in_words import Names
from makegood.recover.cases.queries.queue import Cursor

router = Router(tags=["signals"])

SEES, JUDGES = Holds("signals.see"), Holds("signals.judge")
REFUSALS: dict[Any, Any] = {401: Problem, 403: Problem, 404: Problem, 422: Problem}
WRITES = REFUSALS | {409: Problem}
Number = Annotated[int, Path(ge=1, le=2**63 - 1, description="What follows the S- of a signal's number.")]


class SignalItem(Schema):
    """A pattern: more cases of one kind than what could go wrong there explains."""

    number: str = Field(description="Such as S-12.")
    id: uuid.UUID
    slice: dict[str, str] = Field(description="What its cases share: dimension and value.")
    in_words: str
    since: datetime = Field(description="When it began, as far as can be told.")
    raised_at: datetime
    updated_at: datetime
    closed_at: datetime | None = Field(description="When the rate was back to what is usual.")
    observed: int
    expected: float
    excess_low: float = Field(description="Of observed less expected, 95 %.")
    excess_high: float
    evidence: float = Field(description="Natural logarithm.")
    state: State
    found_by: str = Field(description="detection, or the name of a fixed rule.")
    snoozed_until: datetime | None
    dismissed_because: str
    accepted: bool = Field(description="It lies in what is known and accepted.")
    owner: str = Field(description="Name; empty: nobody's.")


class SignalList(Schema):
    signals: list[SignalItem]
    after: str | None = Field(description="Give it as `after` to read on; null: that was all.")


class NeighbourItem(Schema):
    slice: dict[str, str]
    observed: int
    expected: float
    evidence: float
    why: str = Field(description="Why it was not chosen: broader, narrower or beside.")


class SignalOut(SignalItem):
    neighbours: list[NeighbourItem]
    cases: int = Field(description="So many belong to it.")


class SignalFilters(Schema):
    show: Literal["open", "new", "watched", "snoozed", "dismissed", "declared", "closed", "all"] = "open"
    by: Literal["", "detection", "rules"] = ""
    dimension: Text = Field("", max_length=40)
    value: Text = Field("", max_length=100, description="Of `dimension`.")
    after: Text = Field("", max_length=100, description="The `after` of the page before.")
    limit: int = Field(50, ge=1, le=200)


class JudgementIn(Schema):
    do: Literal["watch", "snooze", "dismiss", "undo"]
    until: datetime | None = Field(None, description="Of snooze: with its offset.")
    doubled: bool = Field(False, description="Of snooze: until its cases double.")
    why: Text = Field("", max_length=500, description="Of dismiss.")
    accept: bool = Field(False, description="Of dismiss: known and accepted for the time to come.")
    accept_until: datetime | None = Field(None, description="With its offset; null: until somebody ends it.")


@router.get("/signals", response={200: SignalList} | REFUSALS, auth=SEES, operation_id="list_signals",
            summary="List signals")  # fmt: skip
def list_signals(request: StaffRequest, asked: Query[SignalFilters]) -> HttpResponse:
    """Signals, the latest first. Two SQL statements of its own."""
    page = listing.page(
        listing.Filters.read(asked.dict()), me=request.user, after=Cursor.read(asked.after), limit=asked.limit
    )
    names = Names.of(row.slice for row in page.rows)
    return _json(
        {"signals": [_item(row, names) for row in page.rows], "after": str(page.after) if page.after else None}
    )


@router.get("/signals/{number}", response={200: SignalOut} | REFUSALS, auth=SEES, operation_id="read_signal",
            summary="Read a signal")  # fmt: skip
def read_signal(request: StaffRequest, number: Number) -> HttpResponse:  # noqa: ARG001  as every operation
    """A signal by its number. Three SQL statements of its own."""
    return _json(_whole(listing.find_signal(number)))


@router.post("/signals/{number}/judgement", response={200: SignalOut} | WRITES, auth=JUDGES,
             operation_id="judge_signal", summary="Judge a signal")  # fmt: skip
def judge_signal(request: StaffRequest, number: Number, told: JudgementIn) -> HttpResponse:
    """Watch it, put it aside, dismiss it, or take the last judgement back."""
    it, by, now = listing.find_signal(number), request.user, timezone.now()
    if told.do == "watch":
        judging.watch(signal_id=it.pk, by=by, now=now)
    elif told.do == "snooze":
        judging.snooze(signal_id=it.pk, until=_aware(told.until), doubled=told.doubled, by=by, now=now)
    elif told.do == "dismiss":
        until = _aware(told.accept_until)
        judging.dismiss(
            signal_id=it.pk, why=told.why, accept=told.accept, accept_until=until, by=by, now=now
        )  # fmt: skip
    else:
        judging.undo(signal_id=it.pk, by=by, now=now)
    return _json(_whole(listing.find_signal(number)))


def _aware(moment: datetime | None) -> datetime | None:
    return timezone.make_aware(moment) if moment and moment.tzinfo is None else moment


def _whole(it: Signal) -> dict[str, Any]:
    names = Names.of([it.slice])
    owner = it.owner.display_name if it.owner else ""
    fields = {name: getattr(it, name) for name in listing.Row._fields if name not in ("owner", "accepted")}
    row = listing.Row(**fields, accepted=it.accepted_id is not None, owner=owner)
    return _item(row, names) | {"neighbours": it.neighbours, "cases": it.claimed.count()}


def _item(row: listing.Row, names: Names) -> dict[str, Any]:
    return row._asdict() | {"number": f"S-{row.number}", "in_words": names.of_slice(row.slice)}


def _json(content: Any) -> HttpResponse:
    return HttpResponse(msgspec.json.encode(content), content_type="application/json")
