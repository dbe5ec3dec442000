"""Promises over the API. Lists page by key; what the pages refuse the API refuses with the same codes."""

import uuid
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec
from django.http import HttpResponse
from django.utils import timezone
from ninja import Field, Path, Query, Router, Schema

from makegood.engines.language.promises import what_about
from makegood.ground.api.auth import Holds
from makegood.ground.api.fields import Text
from makegood.ground.api.problems import Problem
from makegood.ground.staff.http import StaffRequest
from makegood.ground.staff.models import User
from makegood.ground.staff.scope import visible_places
from makegood.recover.cases.errors import PersonNotFound
from makegood.recover.cases.queries.case import assignable, the_case
from makegood.recover.cases.queries.queue import Cursor
from makegood.recover.commitments import services
from makegood.recover.commitments.errors import NotYours, WhenNotUnderstood
from makegood.recover.commitments.models import Commitment, Kind, State, To
from makegood.recover.commitments.queries import listing
from makegood.recover.commitments.queries.kept import Rate, kept_rates, standing
from makegood.recover.commitments.when import understand, where_of

router = Router(tags=["commitments"])

SEES, WORKS = Holds("cases.see"), Holds("cases.work")
REFUSALS: dict[Any, Any] = {401: Problem, 403: Problem, 404: Problem, 422: Problem}
WRITES = REFUSALS | {409: Problem}
GREATEST = 2**63 - 1

Number = Annotated[int, Path(ge=1, le=GREATEST, description="What follows the P- of a promise's number.")]
CaseNumber = Annotated[int, Path(ge=1, le=GREATEST, description="What follows the C- of a case's number.")]
Words = Annotated[Text, Field(min_length=1, max_length=300, pattern=r"\S")]


class CommitmentItem(Schema):
    """A promise as lists show it."""

    number: str = Field(description="Such as P-12.")
    id: uuid.UUID
    to: To
    kind: Kind
    text: str
    due_at: datetime
    first_due_at: datetime = Field(description="Of the first promise of its chain: the kept-rate counts this one.")
    made_at: datetime
    state: State
    ended_at: datetime | None
    agreed_by: str = Field(description="Who released us from it.")
    owner: str = Field(description="Username.")
    case: str | None = Field(description="Such as C-10482; null: a promise to a colleague.")
    customer: str


class CommitmentList(Schema):
    commitments: list[CommitmentItem]
    after: str | None = Field(description="Give it as `after` to read on; null: that was all.")


class FoundItem(Schema):
    """A promise found in somebody's words, waiting for a yes or a no."""

    id: uuid.UUID
    case: str
    words: str
    kind: Kind
    to: To
    due_at: datetime | None
    found_at: datetime


class RateItem(Schema):
    name: str
    kept: int
    came_due: int
    rate: float | None = Field(description="Null: too few to say.")
    low: float | None = Field(description="Of the 95 % interval.")
    high: float | None


class KeptOut(Schema):
    days: int
    open: int
    due_today: int = Field(description="Until midnight, not overdue yet.")
    overdue: int
    ours: RateItem
    partners: RateItem
    people: list[RateItem]
    teams: list[RateItem]
    kinds: list[RateItem]


class CommitmentFilters(Schema):
    show: Literal["today", "overdue", "open", "ended"] = "open"
    whose: Text = Field("all", max_length=150, description="me, team, all, or a username.")
    kind: Kind | Literal[""] = ""
    to: To | Literal[""] = ""
    case: Text = Field("", max_length=20, description="Number of a case, such as C-10482.")
    q: Text = Field("", max_length=100, description="Number of a promise, or words of its text.")
    after: Text = Field("", max_length=100, description="The `after` of the page before.")
    limit: int = Field(50, ge=1, le=200)


class PromiseIn(Schema):
    text: Words
    when: Text = Field("", max_length=100, description="As people say it: Thursday 2pm. Either this or `due_at`.")
    due_at: datetime | None = Field(None, description="With its offset. Either this or `when`.")
    kind: Kind | Literal[""] = Field("", description="Empty: as the words say.")


class NewPromiseIn(PromiseIn):
    to: To = To.CUSTOMER
    owner: Text = Field("", max_length=150, description="Username; empty: you.")


class KeptIn(Schema):
    at: datetime | None = Field(None, description="When it was kept, if not now.")


class BrokenIn(Schema):
    why: Text = Field("", max_length=500)


class ReleasedIn(Schema):
    agreed_by: Annotated[Text, Field(min_length=1, max_length=200, pattern=r"\S", description="Who agreed, and how.")]


class HandOverIn(Schema):
    commitments: list[uuid.UUID] = Field(min_length=1, max_length=200)
    to: Text = Field(max_length=150, description="Username or id of a colleague.")
    why: Text = Field("", max_length=500)


class ConfirmIn(Schema):
    text: Text = Field("", max_length=300, description="Empty: as found.")
    when: Text = Field("", max_length=100, description="Empty: as found.")
    replace: bool = Field(False, description="Instead of the open promise that it contradicts.")


# -- reading


@router.get("/commitments", response={200: CommitmentList} | REFUSALS, auth=SEES, operation_id="list_commitments",
            summary="List promises")  # fmt: skip
def list_commitments(request: StaffRequest, asked: Query[CommitmentFilters]) -> HttpResponse:
    """Promises, the next to come due on top; ended ones the latest first. One SQL statement of its own."""
    now = timezone.now()
    page = listing.page(
        listing.Filters.read(asked.dict()), me=request.user, now=now, tonight=_tonight(now),
        after=Cursor.read(asked.after), limit=asked.limit,
    )  # fmt: skip
    return _json({"commitments": [_item(row) for row in page.rows], "after": str(page.after) if page.after else None})


@router.get("/commitments/kept", response={200: KeptOut} | REFUSALS, auth=SEES, operation_id="commitments_kept",
            summary="Promises kept")  # fmt: skip
def commitments_kept(
    request: StaffRequest, days: Annotated[int, Query(ge=1, le=3660, description="How far back.")] = 90
) -> HttpResponse:
    """How much was kept on time of what came due, and how the register stands. Two SQL statements of its own."""
    return _json(as_json(me=request.user, now=timezone.now(), days=days))


@router.get("/commitments/found", response={200: list[FoundItem]} | REFUSALS, auth=SEES,
            operation_id="found_commitments", summary="Promises found in your words")  # fmt: skip
def found_commitments(request: StaffRequest) -> HttpResponse:
    """What you wrote that may be a promise and that nobody has settled, the latest first. One SQL statement."""
    return _json(
        [
            {"id": it.pk, "case": f"C-{it.case.number}", "words": it.words, "kind": it.kind, "to": it.to,
             "due_at": it.due_at, "found_at": it.found_at}
            for it in listing.waiting_suggestions(request.user, limit=200)
        ]
    )  # fmt: skip


# Before the address of a single one, which it would be taken for.
@router.post("/commitments/hand-over", response={200: list[CommitmentItem]} | WRITES, auth=WORKS,
             operation_id="hand_over_commitments", summary="Hand promises over")  # fmt: skip
def hand_over(request: StaffRequest, told: HandOverIn) -> HttpResponse:
    """Give open promises to a colleague: your own, or as a manager anybody's. Ended ones are left."""
    wanted = Commitment.objects.filter(pk__in=told.commitments)
    seen = [listing.find_commitment(number, user=request.user) for number in wanted.values_list("number", flat=True)]
    if not request.user.has_perm("commitments.hand_over") and any(it.owner_id != request.user.pk for it in seen):
        raise NotYours
    moved = services.hand_over(
        commitment_ids=[it.pk for it in seen], to=_colleague(told.to), by=request.user, now=timezone.now(), why=told.why
    )
    return _json([_item(listing.commitment_row(it.pk)) for it in moved])


@router.get("/commitments/{number}", response={200: CommitmentItem} | REFUSALS, auth=SEES,
            operation_id="read_commitment", summary="Read a promise")  # fmt: skip
def read_commitment(request: StaffRequest, number: Number) -> HttpResponse:
    """A promise by its number. Two SQL statements of its own."""
    return _one(listing.find_commitment(number, user=request.user))


# -- writing


@router.post("/cases/{number}/commitments", response={201: CommitmentItem} | WRITES, auth=WORKS, operation_id="promise",
             summary="Promise something")  # fmt: skip
def promise(request: StaffRequest, number: CaseNumber, told: NewPromiseIn) -> HttpResponse:
    """Promise something on a case."""
    case_id, now = the_case(number, places=visible_places(request.user)).id, timezone.now()
    owner = _colleague(told.owner) if told.owner else request.user
    made = services.promise(
        text=told.text, kind=told.kind or what_about(told.text) or Kind.OTHER, due_at=_due(told, case_id, now),
        to=told.to, said_as=told.when, case_id=case_id, owner=owner, by=request.user, now=now,
    )  # fmt: skip
    return _one(made, status=201)


@router.post("/commitments/{number}/keep", response={200: CommitmentItem} | WRITES, auth=WORKS,
             operation_id="keep_commitment", summary="Kept")  # fmt: skip
def keep(request: StaffRequest, number: Number, told: KeptIn) -> HttpResponse:
    """Say that it was kept, now or earlier; after its due time it was kept late."""
    it = listing.find_commitment(number, user=request.user)
    at = _aware(told.at) if told.at else None
    return _one(services.keep(commitment_id=it.pk, by=request.user, now=timezone.now(), at=at))


@router.post("/commitments/{number}/break", response={200: CommitmentItem} | WRITES, auth=WORKS,
             operation_id="break_commitment", summary="Broken")  # fmt: skip
def break_it(request: StaffRequest, number: Number, told: BrokenIn) -> HttpResponse:
    """Say that it will not be kept."""
    it = listing.find_commitment(number, user=request.user)
    return _one(services.break_commitment(commitment_id=it.pk, by=request.user, now=timezone.now(), why=told.why))


@router.post("/commitments/{number}/release", response={200: CommitmentItem} | WRITES, auth=WORKS,
             operation_id="release_commitment", summary="Released")  # fmt: skip
def release(request: StaffRequest, number: Number, told: ReleasedIn) -> HttpResponse:
    """Say who agreed to let us off."""
    it = listing.find_commitment(number, user=request.user)
    return _one(services.release(commitment_id=it.pk, by=request.user, now=timezone.now(), agreed_by=told.agreed_by))


@router.post("/commitments/{number}/supersede", response={201: CommitmentItem} | WRITES, auth=WORKS,
             operation_id="supersede_commitment", summary="Promise something else instead")  # fmt: skip
def supersede(request: StaffRequest, number: Number, told: PromiseIn) -> HttpResponse:
    """Another date or text. The first date still counts for the kept-rate."""
    it, now = listing.find_commitment(number, user=request.user), timezone.now()
    made = services.supersede(
        commitment_id=it.pk, text=told.text, kind=told.kind or it.kind, due_at=_due(told, it.case_id, now),
        by=request.user, now=now, said_as=told.when,
    )  # fmt: skip
    return _one(made, status=201)


@router.post("/commitments/{number}/undo", response={200: CommitmentItem} | WRITES, auth=WORKS,
             operation_id="undo_commitment", summary="Take the last thing back")  # fmt: skip
def undo(request: StaffRequest, number: Number) -> HttpResponse:
    """Open again what ended, or withdraw what you promised by mistake in the last ten minutes."""
    it = listing.find_commitment(number, user=request.user)
    return _one(services.undo(commitment_id=it.pk, by=request.user, now=timezone.now()))


@router.post("/commitments/found/{found_id}/confirm", response={201: CommitmentItem} | WRITES, auth=WORKS,
             operation_id="confirm_commitment", summary="Yes, that was promised")  # fmt: skip
def confirm(request: StaffRequest, found_id: uuid.UUID, told: ConfirmIn) -> HttpResponse:
    """Make a promise of what was found."""
    found, now = listing.find_suggestion(found_id, user=request.user), timezone.now()
    due_at = found.due_at
    if told.when or due_at is None:
        due_at = understand(told.when, where=where_of(found.case_id), now=now).at
    made = services.confirm(
        suggestion_id=found_id, owner=found.author or request.user, by=request.user, now=now, due_at=due_at,
        text=told.text, said_as=told.when, replace=told.replace,
    )  # fmt: skip
    return _one(made, status=201)


@router.post("/commitments/found/{found_id}/dismiss", response={204: None} | WRITES, auth=WORKS,
             operation_id="dismiss_commitment", summary="No, that was no promise")  # fmt: skip
def dismiss(request: StaffRequest, found_id: uuid.UUID) -> HttpResponse:
    """It stays on file as dismissed."""
    found = listing.find_suggestion(found_id, user=request.user)
    services.dismiss(suggestion_id=found.pk, by=request.user, now=timezone.now())
    return HttpResponse(status=204)


# -- how


def as_json(*, me: User | None, now: datetime, days: int) -> dict[str, Any]:
    """The kept-rates of the last `days` days and how the register stands; `me` None: of the whole company."""
    rates = kept_rates(me=me, since=now - timedelta(days=days), until=now)
    stands = standing(me=me, now=now, tonight=_tonight(now))

    def many(them: list[Rate]) -> list[dict[str, Any]]:
        return [rate.as_json() for rate in them]

    return {
        "days": days, "open": stands.open, "due_today": stands.due_today, "overdue": stands.overdue,
        "ours": rates.ours.as_json(), "partners": rates.partners.as_json(), "people": many(rates.people),
        "teams": many(rates.teams), "kinds": many(rates.kinds),
    }  # fmt: skip


def _due(told: PromiseIn, case_id: uuid.UUID | None, now: datetime) -> datetime:
    if told.due_at is not None:
        return _aware(told.due_at)
    return understand(told.when, where=where_of(case_id), now=now).at


def _aware(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise WhenNotUnderstood("Say the offset of the time, for example 2026-11-26T14:00:00+00:00.")
    return moment


def _colleague(name: str) -> User:
    found = assignable(name)
    if found is None:
        raise PersonNotFound(name)
    return found


def _tonight(now: datetime) -> datetime:
    return timezone.localtime(now).replace(hour=23, minute=59, second=59, microsecond=999_999)


def _item(row: listing.Row) -> dict[str, Any]:
    said = row._asdict()
    del said["key"]
    said["owner"] = said.pop("username")
    return said | {"number": f"P-{row.number}", "case": f"C-{row.case}" if row.case else None}


def _one(it: Commitment, *, status: int = 200) -> HttpResponse:
    return _json(_item(listing.commitment_row(it.pk)), status)


def _json(content: object, status: int = 200) -> HttpResponse:
    return HttpResponse(msgspec.json.encode(content), status=status, content_type="application/json")
