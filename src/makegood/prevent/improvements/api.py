"""Improvements over the API; what the pages refuse the API refuses with the same codes."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import msgspec
from django.http import HttpResponse
from django.utils import timezone
from ninja import Field, Path, Query, Router, Schema

from makegood.ground.api.auth import Holds
from makegood.ground.api.fields import Text
from makegood.ground.api.problems import Problem
from makegood.ground.staff.http import StaffRequest
from makegood.prevent.improvements import queries, services
from makegood.prevent.improvements.effects import Finding, in_words
from makegood.prevent.improvements.models import Hypothesis, Improvement, State, Verdict
from makegood.recover.cases.errors import PersonNotFound
from makegood.recover.cases.models import Locus
from makegood.recover.cases.queries.case import assignable

router = Router(tags=["improvements"])

SEES, OWNS = Holds("improvements.see"), Holds("improvements.own")
REFUSALS: dict[Any, Any] = {401: Problem, 403: Problem, 404: Problem, 422: Problem}
WRITES = REFUSALS | {409: Problem}
GREATEST = 2**53
Number = Annotated[int, Path(ge=1, le=GREATEST, description="What follows the A- of an improvement's number.")]
Part = dict[Annotated[str, Field(max_length=20)], list[Annotated[Text, Field(min_length=1, max_length=200)]]]
Three = list[float | None]


class ImprovementItem(Schema):
    """An improvement as lists show it."""

    number: str = Field(description="Such as A-12.")
    title: str
    owner: str = Field(description="Username.")
    state: State
    verdict: Verdict
    created_at: datetime
    due_at: datetime
    started_on: date | None
    cause: str
    locus: Locus
    incidents: list[str]
    cost: Decimal | None
    currency: str
    percent: int | None = Field(description="Percent fewer that were hoped for.")
    by_when: date | None
    ratio: Three | None = Field(description="Rate with the change / without, at the last look; from, to.")
    avoided: Three | None = Field(description="Cases avoided so far; from, to.")


class ImprovementList(Schema):
    improvements: list[ImprovementItem]
    after: int | None = Field(description="Give it as `after` to read on; null: that was all.")


class ImprovementFilters(Schema):
    show: Literal["open", "overdue", "ended", "all"] = "open"
    verdict: Verdict | Literal[""] = ""
    whose: Text = Field("", max_length=150, description="me, or a username.")
    q: Text = Field("", max_length=100)
    after: int | None = Field(None, ge=1, le=GREATEST)
    limit: int = Field(50, ge=1, le=200)


class ImprovementIn(Schema):
    title: Annotated[Text, Field(min_length=1, max_length=200, pattern=r"\S")]
    what: Text = Field("", max_length=4000)
    owner: Text = Field("", max_length=150, description="Username; empty: you.")
    due_at: datetime = Field(description="With its offset.")
    incidents: list[Annotated[int, Field(ge=1, le=GREATEST)]] = Field([], max_length=50)
    cause: Text = Field("", max_length=4000)
    cause_key: Text = Field("", max_length=80, description="The same words for the same cause.")
    locus: Locus = Locus.UNKNOWN
    cost: Annotated[Decimal, Field(ge=0, max_digits=12, decimal_places=2)] | None = None
    currency: Literal[""] | Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = ""


class HypothesisIn(Schema):
    any_of: Part = Field(min_length=1, description='Values by dimension: {"carrier": ["<id>"]}.')
    percent: int = Field(ge=1, le=99, description="Percent fewer.")
    by_when: date
    within_days: int = Field(28, ge=1, le=120)
    beside: Hypothesis.Beside = Hypothesis.Beside.NOTHING
    beside_any_of: Part = {}


class DayIn(Schema):
    on: date


class EffectOut(Schema):
    """What the last look found."""

    number: str
    title: str
    verdict: Verdict
    why: str = Field(description="Of the verdict: shown, at_end, too_small, nothing_at_end, or empty.")
    sentence: str
    until: date | None = Field(description="A Monday: the weeks before it were counted.")
    needed: int | None = Field(description="Weeks with the change, to see what is hoped for; null: not within 5 years.")
    periods_before: int
    periods_after: int
    ratio: Three | None
    always: Three | None = Field(description="The interval that holds at every look.")
    avoided: Three | None
    dispersion: float
    autocorrelation: float
    season_told_apart: bool
    weeks: list[dict[str, Any]] = Field(description="Each week: from, orders, cases, expected without the change.")


@router.get("/improvements", response={200: ImprovementList} | REFUSALS, auth=SEES, operation_id="list_improvements",
            summary="List improvements")  # fmt: skip
def list_improvements(request: StaffRequest, asked: Query[ImprovementFilters]) -> HttpResponse:
    """The newest first. One SQL statement of its own."""
    rows, after = queries.page(
        queries.Filters.read(asked.dict()), me=request.user, now=timezone.now(), after=asked.after, limit=asked.limit
    )
    return _json({"improvements": [_item(row) for row in rows], "after": after})


@router.post("/improvements", response={201: ImprovementItem} | WRITES, auth=OWNS, operation_id="plan_improvement",
             summary="Plan an improvement")  # fmt: skip
def plan_improvement(request: StaffRequest, told: ImprovementIn) -> HttpResponse:
    """Plan one; its owner promises it, so that it is noticed when due."""
    given = told.dict()
    name = given.pop("owner")
    owner = assignable(name) if name else request.user
    if owner is None:
        raise PersonNotFound(name)
    due_at = given.pop("due_at")
    if due_at.tzinfo is None:
        due_at = due_at.replace(tzinfo=timezone.get_current_timezone())
    made = services.plan(owner=owner, due_at=due_at, by=request.user, now=timezone.now(), **given)
    return _one(request, made, status=201)


@router.get("/improvements/{number}", response={200: ImprovementItem} | REFUSALS, auth=SEES,
            operation_id="read_improvement", summary="Read an improvement")  # fmt: skip
def read_improvement(request: StaffRequest, number: Number) -> HttpResponse:
    """An improvement by its number."""
    return _one(request, queries.one(number).improvement)


@router.get("/improvements/{number}/effect", response={200: EffectOut} | REFUSALS, auth=SEES,
            operation_id="improvement_effect", summary="What it brought")  # fmt: skip
def improvement_effect(request: StaffRequest, number: Number) -> HttpResponse:  # noqa: ARG001  ninja passes it
    """What the last look found; looks are made each week."""
    return _json(effect_of(queries.one(number)))


@router.post("/improvements/{number}/hypothesis", response={201: ImprovementItem} | WRITES, auth=OWNS,
             operation_id="say_hypothesis", summary="Say what it should bring")  # fmt: skip
def say_hypothesis(request: StaffRequest, number: Number, told: HypothesisIn) -> HttpResponse:
    """Say which number should move, by how much and by when. Said again it is another version."""
    it = queries.one(number).improvement
    services.say_hypothesis(improvement_id=it.pk, by=request.user, now=timezone.now(), **told.dict())
    return _one(request, it, status=201)


@router.post("/improvements/{number}/begin", response={200: ImprovementItem} | WRITES, auth=OWNS,
             operation_id="begin_improvement", summary="The change is there")  # fmt: skip
def begin_improvement(request: StaffRequest, number: Number, told: DayIn) -> HttpResponse:
    """From that day on."""
    it = queries.one(number).improvement
    return _one(request, services.begin(improvement_id=it.pk, on=told.on, by=request.user, now=timezone.now()))


@router.post("/improvements/{number}/finish", response={200: ImprovementItem} | WRITES, auth=OWNS,
             operation_id="finish_improvement", summary="All of the change is there")  # fmt: skip
def finish_improvement(request: StaffRequest, number: Number, told: DayIn) -> HttpResponse:
    """From that day on; the promise is kept with it."""
    it = queries.one(number).improvement
    return _one(request, services.finish(improvement_id=it.pk, on=told.on, by=request.user, now=timezone.now()))


# -- how


def effect_of(found: queries.One) -> dict[str, Any]:
    """The last look at an improvement, as API and command tell it."""
    it = found.improvement
    look = found.looks[0] if found.looks else None
    told = Finding.read(look.found) if look else None
    return {
        "number": f"A-{it.number}", "title": it.title, "verdict": it.verdict, "why": told.why if told else "",
        "sentence": f"A-{it.number}: " + (in_words(told, it.verdict) if told else "Not looked at yet."),
        "until": look.until if look else None, "needed": told.needed if told else None,
        "periods_before": told.before if told else 0, "periods_after": told.after if told else 0,
        "ratio": told and told.ratio and list(told.ratio), "always": told and told.always and list(told.always),
        "avoided": told and told.avoided and list(told.avoided),
        "dispersion": told.dispersion if told else 1.0, "autocorrelation": told.autocorrelation if told else 0.0,
        "season_told_apart": bool(told and told.seasonal), "weeks": told.by_week() if told else [],
    }  # fmt: skip


def _item(row: queries.Row) -> dict[str, Any]:
    return {
        "number": f"A-{row.number}", "title": row.title, "owner": row.username, "state": row.state,
        "verdict": row.verdict, "created_at": row.created_at, "due_at": row.due_at, "started_on": row.started_on,
        "cause": row.cause_key, "locus": row.locus, "incidents": [f"I-{number}" for number in row.incidents],
        "cost": row.cost, "currency": row.currency, "percent": row.percent, "by_when": row.by_when,
        "ratio": row.ratio, "avoided": row.avoided,
    }  # fmt: skip


def _one(request: StaffRequest, it: Improvement, status: int = 200) -> HttpResponse:
    wanted = queries.Filters(show="all", q=f"A-{it.number}")
    rows, _after = queries.page(wanted, me=request.user, now=timezone.now())
    return _json(_item(next(row for row in rows if row.id == it.pk)), status=status)


def _json(found: Any, status: int = 200) -> HttpResponse:
    return HttpResponse(msgspec.json.encode(found), content_type="application/json", status=status)
