"""Incidents over the API. Lists page by key; what the pages refuse the API refuses with the same codes."""

import uuid
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from django.db import transaction
from django.http import HttpResponse
from django.utils import timezone
from ninja import Field, Path, Query, Router, Schema
from pydantic import AwareDatetime

from makegood.ground.api.auth import Holds
from makegood.ground.api.fields import Text
from makegood.ground.api.problems import Problem
from makegood.ground.staff.http import StaffRequest
from makegood.ground.staff.models import User
from makegood.ground.staff.scope import visible_places
from makegood.prevent.incidents import services
from makegood.prevent.incidents.cutting import predicate_of
from makegood.prevent.incidents.models import Cause, Incident, Kind, State
from makegood.prevent.incidents.queries import listing
from makegood.prevent.incidents.queries.listing import find_incident
from makegood.prevent.incidents.services import Declared
from makegood.prevent.signals.queries.listing import find_signal
from makegood.prevent.signals.queries.one import begins
from makegood.prevent.slices import Predicate
from makegood.prevent.slices_in_words import Names
from makegood.recover.cases.errors import CaseNotFound, PersonNotFound
from makegood.recover.cases.models import Case, Severity
from makegood.recover.cases.queries.queue import Cursor, visible

router = Router(tags=["incidents"])

SEES, LEADS = Holds("incidents.see"), Holds("incidents.lead")
REFUSALS: dict[Any, Any] = {401: Problem, 403: Problem, 404: Problem, 422: Problem}
WRITES = REFUSALS | {409: Problem}
Number = Annotated[int, Path(ge=1, le=2**63 - 1, description="What follows the I- of an incident's number.")]
CaseNumber = Annotated[Text, Field(pattern=r"^[Cc]-\d{1,18}$", description="Such as C-10482.")]
Words = Annotated[Text, Field(min_length=1, max_length=500, pattern=r"\S")]
Cut = Annotated[
    dict[Text, list[Annotated[Text, Field(min_length=1, max_length=200)]]],
    Field(description="Dimension and values: {carrier: [id], reason: [code]}. Cases with one of each join."),
]


class IncidentItem(Schema):
    """One failure that somebody answers for."""

    number: str = Field(description="Such as I-31.")
    id: uuid.UUID
    kind: Kind
    title: str
    severity: Severity = Field(description="1 critical to 4 low.")
    state: State
    any_of: dict[str, list[str]]
    in_words: str
    since: datetime | None
    until: datetime | None
    declared_at: datetime
    contained_at: datetime | None
    resolved_at: datetime | None
    cause_state: Cause
    cause: str = Field(description="Or why it was not found.")
    commander: str = Field(description="Name.")
    merged_into: str | None = Field(description="The incident that goes on in its place.")
    cases: int
    affected: int = Field(description="Orders that it may have hit, as written down.")


class IncidentList(Schema):
    incidents: list[IncidentItem]
    after: str | None = Field(description="Give it as `after` to read on; null: that was all.")


class IncidentFilters(Schema):
    show: Literal["going", "open", "contained", "resolved", "all"] = "going"
    severity: Severity | None = None
    kind: Kind | Literal[""] = ""
    whose: Literal["", "me"] = Field("", description="me: I lead it.")
    q: Text = Field("", max_length=100, description="I-12, or words of the title.")
    after: Text = Field("", max_length=100, description="The `after` of the page before.")
    limit: int = Field(50, ge=1, le=200)


class DeclareIn(Schema):
    title: Annotated[Text, Field(min_length=1, max_length=200, pattern=r"\S")]
    kind: Kind = Kind.FAILURE
    severity: Severity | None = Field(None, description="Null: as proposed from customers and harm.")
    commander: Text = Field("", max_length=150, description="Username; empty: you.")
    signal: Annotated[Text, Field(pattern=r"^[Ss]-\d{1,18}$")] | None = Field(
        None, description="Such as S-12. Its slice, its beginning and its cases are taken unless said otherwise."
    )
    any_of: Cut | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    cases: list[CaseNumber] = Field(default_factory=list, max_length=1000)
    hazard: Text = Field("", max_length=500)
    what_to_do: Text = Field("", max_length=500)
    why: Text = Field("", max_length=2000)


class ChangeIn(Schema):
    """What is left out stays as it is."""

    title: Annotated[Text, Field(min_length=1, max_length=200, pattern=r"\S")] | None = None
    kind: Kind | None = None
    joins: bool | None = Field(None, description="New cases that match join by themselves.")
    severity: Severity | None = None
    severity_why: Text = Field("", max_length=300)
    commander: Text | None = Field(None, max_length=150, description="Username.")
    any_of: Cut | None = None
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    status_inside: Text | None = Field(None, max_length=500)
    status_public: Text | None = Field(None, max_length=500, description="Customers of linked cases read it.")
    answer: Text | None = Field(None, max_length=5000)
    hazard: Text | None = Field(None, max_length=500)
    what_to_do: Text | None = Field(None, max_length=500)


class UpdateIn(Schema):
    words: Annotated[Text, Field(min_length=1, max_length=5000, pattern=r"\S")]


class ContainIn(Schema):
    how: Words
    at: AwareDatetime | None = Field(None, description="Null: now.")


class CasesIn(Schema):
    cases: list[CaseNumber] = Field(min_length=1, max_length=1000)
    why: Text = Field("", max_length=500)


class ResolveIn(Schema):
    cause_state: Literal["", "found", "not_found"] = Field("", description="Empty: as said before.")
    cause: Text = Field("", max_length=500, description="The cause, or why it was not found.")
    why: Text = Field("", max_length=500)


class ReopenIn(Schema):
    why: Words


# -- reading


@router.get("/incidents", response={200: IncidentList} | REFUSALS, auth=SEES, operation_id="list_incidents",
            summary="List incidents")  # fmt: skip
def list_incidents(request: StaffRequest, asked: Query[IncidentFilters]) -> HttpResponse:
    """Incidents, the newest first. Two SQL statements of its own."""
    said = asked.dict() | {"severity": str(asked.severity.value) if asked.severity else ""}
    found = listing.page(listing.Filters.read(said), me=request.user, after=Cursor.read(asked.after), limit=asked.limit)
    names = Names.of(row.any_of for row in found.rows)
    items = [_item(row, names) for row in found.rows]
    return _json({"incidents": items, "after": str(found.after) if found.after else None})


@router.get("/incidents/{number}", response={200: IncidentItem} | REFUSALS, auth=SEES, operation_id="read_incident",
            summary="Read an incident")  # fmt: skip
def read_incident(request: StaffRequest, number: Number) -> HttpResponse:
    """An incident by its number. Three SQL statements of its own."""
    return _one(request, find_incident(number))


# -- writing


@router.post("/incidents", response={201: IncidentItem} | WRITES, auth=LEADS, operation_id="declare_incident",
             summary="Declare an incident")  # fmt: skip
def declare_incident(request: StaffRequest, told: DeclareIn) -> HttpResponse:
    """Own a failure: from a signal, from cases, or by hand."""
    signal = find_signal(int(told.signal[2:])) if told.signal else None
    case_ids = _cases(request.user, told.cases)
    any_of, since = told.any_of, told.since
    if signal:
        case_ids += signal.claimed.values_list("case_id", flat=True)
        any_of = {name: [value] for name, value in signal.slice.items()} if any_of is None else any_of
        since = since or begins(signal)
    made = services.declare(
        Declared(
            title=told.title, kind=told.kind, severity=told.severity.value if told.severity else None, signal=signal,
            commander=_colleague(told.commander) if told.commander else request.user, case_ids=case_ids,
            predicate=Predicate(any_of=any_of or {}, since=since, until=told.until), hazard=told.hazard,
            what_to_do=told.what_to_do, why=told.why,
        ),
        by=request.user, now=timezone.now(),
    )  # fmt: skip
    return _one(request, made, status=201)


@router.patch("/incidents/{number}", response={200: IncidentItem} | WRITES, auth=LEADS, operation_id="change_incident",
              summary="Change an incident")  # fmt: skip
def change_incident(request: StaffRequest, number: Number, told: ChangeIn) -> HttpResponse:
    """Set what is named, all or nothing: title, severity, commander, what is meant, what we say."""
    it = find_incident(number)
    of: dict[str, Any] = {"incident_id": it.pk, "by": request.user, "now": timezone.now()}
    said = told.dict(exclude_unset=True)
    with transaction.atomic():
        if said.keys() & {"title", "kind", "joins"}:
            now_is = {name: getattr(it, name) for name in ("title", "kind", "joins")}
            services.change(**of, **now_is | {n: said[n] for n in now_is if said.get(n) is not None})
        if told.severity:
            services.set_severity(**of, severity=told.severity.value, why=told.severity_why)
        if told.commander:
            services.hand_over(**of, to=_colleague(told.commander))
        if said.keys() & {"any_of", "since", "until"}:
            was = predicate_of(it)
            cut = {n: said[n] if n in said else getattr(was, n) for n in ("any_of", "since", "until")}
            services.cut_anew(**of, predicate=Predicate(**cut | {"any_of": cut["any_of"] or {}}))
        if texts := {name: said[name] for name in services.TEXTS if said.get(name) is not None}:
            services.say_status(**of, texts=texts)
    return _one(request, it)


@router.post("/incidents/{number}/updates", response={200: IncidentItem} | WRITES, auth=LEADS,
             operation_id="update_incident", summary="Tell what is new")  # fmt: skip
def update_incident(request: StaffRequest, number: Number, told: UpdateIn) -> HttpResponse:
    """Say what is new. Whoever hears of such incidents is told."""
    it = find_incident(number)
    services.update(incident_id=it.pk, words=told.words, by=request.user, now=timezone.now())
    return _one(request, it)


@router.post("/incidents/{number}/contain", response={200: IncidentItem} | WRITES, auth=LEADS,
             operation_id="contain_incident", summary="Contained")  # fmt: skip
def contain_incident(request: StaffRequest, number: Number, told: ContainIn) -> HttpResponse:
    """Say what stopped it for now, and when."""
    it, now = find_incident(number), timezone.now()
    services.contain(incident_id=it.pk, how=told.how, at=told.at or now, by=request.user, now=now)
    return _one(request, it)


@router.post("/incidents/{number}/cases", response={200: IncidentItem} | WRITES, auth=LEADS,
             operation_id="link_cases_to_incident", summary="Link cases")  # fmt: skip
def link_cases(request: StaffRequest, number: Number, told: CasesIn) -> HttpResponse:
    """Put cases into it, all or none."""
    it, ids = find_incident(number), _cases(request.user, told.cases)
    services.link_cases(incident_id=it.pk, case_ids=ids, by=request.user, now=timezone.now())
    return _one(request, it)


@router.post("/incidents/{number}/cases/take-out", response={200: IncidentItem} | WRITES, auth=LEADS,
             operation_id="take_cases_out_of_incident", summary="Take cases out")  # fmt: skip
def take_out(request: StaffRequest, number: Number, told: CasesIn) -> HttpResponse:
    """Say that cases are of something else. They do not join again by themselves."""
    it, ids = find_incident(number), _cases(request.user, told.cases)
    services.take_out(incident_id=it.pk, case_ids=ids, by=request.user, now=timezone.now(), why=told.why)
    return _one(request, it)


@router.post("/incidents/{number}/resolve", response={200: IncidentItem} | WRITES, auth=LEADS,
             operation_id="resolve_incident", summary="Resolve")  # fmt: skip
def resolve_incident(request: StaffRequest, number: Number, told: ResolveIn) -> HttpResponse:
    """Bring it to its end, with its cause or the word that none was found."""
    it = find_incident(number)
    services.resolve(incident_id=it.pk, by=request.user, now=timezone.now(), **told.dict())
    return _one(request, it)


@router.post("/incidents/{number}/reopen", response={200: IncidentItem} | WRITES, auth=LEADS,
             operation_id="reopen_incident", summary="Reopen")  # fmt: skip
def reopen_incident(request: StaffRequest, number: Number, told: ReopenIn) -> HttpResponse:
    """Take it up again. New cases join it again."""
    it = find_incident(number)
    services.reopen(incident_id=it.pk, why=told.why, by=request.user, now=timezone.now())
    return _one(request, it)


# -- how


def _cases(user: User, numbers: list[str]) -> list[uuid.UUID]:
    """The cases by their numbers, within what somebody sees. Raises CaseNotFound."""
    wanted = {int(number[2:]): number for number in numbers}
    found = dict(Case.objects.filter(number__in=wanted).values_list("number", "pk"))
    seen = set(visible(list(found.values()), visible_places(user)))
    for number, said in wanted.items():
        if found.get(number) not in seen:
            raise CaseNotFound(said.upper())
    return list(found.values())


def _colleague(username: str) -> User:
    found = User.objects.filter(username=username, is_active=True).first()
    if found is None:
        raise PersonNotFound(username)
    return found


def _one(request: StaffRequest, it: Incident, *, status: int = 200) -> HttpResponse:
    asked = listing.Filters(show="all", q=f"I-{it.number}")
    [row] = listing.page(asked, me=request.user).rows
    return _json(_item(row, Names.of([row.any_of])), status)


def _item(row: listing.Row, names: Names) -> dict[str, Any]:
    return row._asdict() | {
        "number": f"I-{row.number}", "merged_into": f"I-{row.merged_into}" if row.merged_into else None,
        "in_words": names.of_slice(row.any_of, since=row.since, until=row.until),
    }  # fmt: skip


def _json(content: object, status: int = 200) -> HttpResponse:
    return HttpResponse(msgspec.json.encode(content), status=status, content_type="application/json")
