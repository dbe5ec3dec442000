"""Cases over the API. Lists page by key; writes may carry the version their writer saw."""

import uuid
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal
from functools import wraps
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from django.http import HttpResponse
from django.utils import timezone
from ninja import Field, Path, Query, Router, Schema

from makegood.ground.api.auth import Holds
from makegood.ground.api.fields import Text
from makegood.ground.api.problems import Problem
from makegood.ground.staff.http import StaffRequest
from makegood.ground.staff.scope import visible_places
from makegood.recover.cases import services
from makegood.recover.cases.errors import PersonNotFound
from makegood.recover.cases.models import CaseEvent, Channel, Direction, Locus, Outcome, Severity, Status, Tier
from makegood.recover.cases.queries import queue
from makegood.recover.cases.queries.case import MOMENTS_A_PAGE, CaseDetail, Moment, assignable, the_case, timeline

router = Router(tags=["cases"])

Writes = TypeVar("Writes", bound=Callable[..., int | None])

SEES, WORKS = Holds("cases.see"), Holds("cases.work")
LONGEST = 50_000
GREATEST = 2**63 - 1

Number = Annotated[int, Path(ge=1, le=GREATEST, description="What follows the C- of a case's number.")]
Seen = Annotated[
    int | None,
    Field(
        None,
        ge=0,
        le=2**31 - 1,
        description="The version you read. The write is refused if the case has changed since.",
    ),
]
Body = Annotated[Text, Field(min_length=1, max_length=LONGEST, pattern=r"\S")]
HandOverPart = Annotated[Text, Field(min_length=1, max_length=5000, pattern=r"\S")]
REFUSALS: dict[Any, Any] = {401: Problem, 403: Problem, 404: Problem, 422: Problem}
WRITES = REFUSALS | {409: Problem}


# -- what is said


class CaseItem(Schema):
    """A case as lists show it."""

    number: str = Field(description="Such as C-10482.")
    id: uuid.UUID
    subject: str
    failed: str = Field(description="What failed: item, carrier, place.")
    reason: str
    severity: Severity = Field(description="1 critical, 2 high, 3 normal, 4 low.")
    status: Status
    customer: str
    loyalty_tier: str
    order_ref: str
    assignee: str = Field(description="Name of who works it; empty: nobody.")
    value: Decimal | None = Field(description="At stake, in `currency`.")
    currency: str
    opened_at: datetime
    due_at: datetime | None = Field(description="When its next clock runs out; null: they pause for the customer.")
    last_contact_at: datetime | None
    last_contact_by: Literal["customer", "us", ""]


class CaseList(Schema):
    cases: list[CaseItem]
    after: str | None = Field(description="Give it as `after` to read on; null: that was all.")


class ContactItem(Schema):
    id: uuid.UUID
    channel: Channel
    direction: Direction
    author: str
    subject: str
    body: str
    message: Literal["waiting", "sending", "sent", "uncertain", "failed", "withdrawn"] | None = Field(
        description="How the outgoing message stands; null: there is none."
    )


class EventItem(Schema):
    """One thing that happened."""

    seq: int
    case: str | None = Field(description="Number of the merged case in which it happened; null: in this one.")
    kind: CaseEvent.Kind
    at: datetime
    actor: str | None = Field(description="Who did it; null: nobody, it happened by itself.")
    why: str
    contact: ContactItem | None
    note: str | None


class CaseOut(Schema):
    """A case and its timeline, the newest first."""

    number: str
    id: uuid.UUID
    version: int
    subject: str
    failed: str
    status: Status
    severity: Severity
    tier: Tier
    queue: str
    reason: str = Field(description="The reason's code.")
    locus: Locus = Field(description="Where it failed; empty: not yet known.")
    customer_id: uuid.UUID | None
    order_id: uuid.UUID | None
    shipment_id: uuid.UUID | None
    place_id: uuid.UUID | None
    assignee: str | None
    value: Decimal | None
    currency: str
    opened_at: datetime
    due_at: datetime | None = Field(description="When its next clock runs out; null: they pause for the customer.")
    first_response_at: datetime | None
    last_contact_at: datetime | None
    last_contact_by: Literal["customer", "us", ""]
    resolved_at: datetime | None
    outcome: Outcome | Literal[""]
    cause: str
    prevention: str
    snoozed_until: datetime | None
    merged_into: str | None = Field(description="Number of the case that goes on in its place.")
    parent: str | None = Field(description="Number of the case behind it and others.")
    timeline: list[EventItem]
    before: int | None = Field(description="Give it as `before` to read older events; null: these were all.")


class Written(Schema):
    """What became of a write."""

    number: str
    version: int
    status: Status


# -- what is asked


class CaseFilters(Schema):
    """Which cases. Resolved ones are left out unless asked for by status."""

    queue: Text = Field("", max_length=50, description="Slug of a queue.")
    status: Status | Literal[""] = ""
    reason: Text = Field("", max_length=60, description="A reason's code, and all below it.")
    severity: Literal["1", "2", "3", "4", ""] = ""
    tier: Text = Field("", max_length=40, description="Loyalty tier of the customer.")
    assignee: Text = Field("", max_length=150, description="me, nobody, or a username.")
    waiting: Literal["us", "customer", "partner", "later", ""] = Field(
        "", description="Who has to act; later: cases that are put off, which other lists leave out."
    )
    q: Text = Field("", max_length=200, description="Words to find in number, subject, customer, order and contacts.")
    sort: Literal["rank", "opened", "waiting"] = "rank"
    after: Text = Field("", max_length=100, description="The `after` of the page before.")
    limit: int = Field(50, ge=1, le=200)


class NoteIn(Schema):
    body: Body


class ReplyIn(Schema):
    body: Body
    wait: bool = Field(False, description="The ball is then with the customer.")
    seen: Seen


class AssignmentIn(Schema):
    to: Text = Field(
        "", max_length=150, description="Username or id of a colleague, `me`, or empty: back into the queue."
    )
    seen: Seen


class ReasonIn(Schema):
    reason: Text = Field(max_length=60, description="Code of a reason in use.")
    seen: Seen


class ResolutionIn(Schema):
    outcome: Outcome
    cause: Annotated[Text, Field(min_length=1, max_length=500, pattern=r"\S")] | None = Field(
        description="Why it failed, in words; null says that nobody knows yet."
    )
    locus: Locus = Field(Locus.UNKNOWN, description="Where it failed, if that is known better now.")
    prevention: Text = Field("", max_length=500, description="What would have prevented it.")
    seen: Seen


class EscalationIn(Schema):
    """A higher tier, another queue, or both; and what the next owner must know."""

    tier: Tier | Literal[""] = Field("", description="A tier with more authority.")
    queue: Text = Field("", max_length=50, description="Slug of a queue with other skills.")
    to: Text = Field("", max_length=150, description="Username or id of a colleague; empty: whoever takes it there.")
    happened: HandOverPart
    promised: HandOverPart
    needed: HandOverPart
    seen: Seen


class ReopeningIn(Schema):
    why: Annotated[Text, Field(min_length=1, max_length=500, pattern=r"\S")]
    seen: Seen


# -- reading


@router.get("/cases", response={200: CaseList} | REFUSALS, auth=SEES, operation_id="list_cases", summary="List cases")
def list_cases(request: StaffRequest, asked: Query[CaseFilters]) -> HttpResponse:
    """Cases in the order of work, page by page. One SQL statement of its own."""
    filters = queue.Filters.read(asked.dict())
    page = queue.page(
        filters,
        me=request.user,
        places=visible_places(request.user),
        after=queue.Cursor.read(asked.after),
        limit=asked.limit,
    )
    return _json({"cases": [_item(row) for row in page.rows], "after": str(page.after) if page.after else None})


@router.get(
    "/cases/{number}", response={200: CaseOut} | REFUSALS, auth=SEES, operation_id="read_case", summary="Read a case"
)
def read_case(
    request: StaffRequest, number: Number, before: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None
) -> HttpResponse:
    """A case with its timeline. Two SQL statements of its own."""
    case = the_case(number, places=visible_places(request.user))
    older = {"before": before} if before else {}
    found = timeline(case.id, merged=case.merged, limit=MOMENTS_A_PAGE + 1, **older)
    shown = found[:MOMENTS_A_PAGE]
    return _json(_detail(case, shown, before=shown[-1].position if len(found) > MOMENTS_A_PAGE else None))


# -- writing


def writes(router: Router, path: str, summary: str, *, status: int = 200) -> Callable[[Writes], Writes]:
    """An operation that writes on a case, called as its function is, and answers with what became of it.

    The function returns the number of the case to answer with where that is another one than it was given.
    """

    def add(write: Writes) -> Writes:
        @router.post(
            f"/cases/{{number}}/{path}", response={status: Written} | WRITES, auth=WORKS, operation_id=write.__name__,
            summary=summary,
        )  # fmt: skip
        @wraps(write)
        def answer(request: StaffRequest, number: int, **asked: Any) -> HttpResponse:
            other = write(request, number, **asked)
            return _written(request, other or number, status=status)

        return write

    return add


def by(request: StaffRequest) -> dict[str, Any]:
    """Who writes, and when."""
    return {"by": request.user, "now": timezone.now()}


@writes(router, "notes", "Write a note", status=201)
def add_note(request: StaffRequest, number: Number, note: NoteIn) -> None:
    """Write something for colleagues."""
    services.add_note(case_id=_id(request, number), body=note.body, **by(request))


@writes(router, "replies", "Answer by e-mail", status=201)
def reply(request: StaffRequest, number: Number, answer: ReplyIn) -> None:
    """Answer the customer by e-mail. The message is sent once, by a job."""
    services.reply(
        case_id=_id(request, number),
        body=answer.body,
        wait=answer.wait,
        seen=answer.seen,
        **by(request),
    )


@writes(router, "assignment", "Assign")
def assign_case(request: StaffRequest, number: Number, assignment: AssignmentIn) -> None:
    """Give an open case to somebody, or back into the queue."""
    case_id, to = _id(request, number), None
    if assignment.to:
        to = request.user if assignment.to == "me" else assignable(assignment.to)
        if to is None:
            raise PersonNotFound(assignment.to)
    services.assign_case(case_id=case_id, to=to, **by(request), seen=assignment.seen)


@writes(router, "reason", "Change the reason")
def change_reason(request: StaffRequest, number: Number, change: ReasonIn) -> None:
    """Say why the customer really came. Queue, severity and due time follow."""
    services.change_reason(case_id=_id(request, number), reason=change.reason, **by(request), seen=change.seen)


@writes(router, "resolution", "Resolve")
def resolve_case(request: StaffRequest, number: Number, resolution: ResolutionIn) -> None:
    """Bring an open case to its end."""
    services.resolve_case(
        case_id=_id(request, number), outcome=resolution.outcome, cause=resolution.cause or "",
        locus=resolution.locus, prevention=resolution.prevention, **by(request),
        seen=resolution.seen,
    )  # fmt: skip


@writes(router, "reopening", "Reopen")
def reopen_case(request: StaffRequest, number: Number, reopening: ReopeningIn) -> None:
    """Take a resolved case up again."""
    services.reopen_case(case_id=_id(request, number), why=reopening.why, **by(request), seen=reopening.seen)


@writes(router, "escalation", "Escalate")
def escalate_case(request: StaffRequest, number: Number, escalation: EscalationIn) -> None:
    """Hand an open case to more authority or other skills, with a hand-over."""
    to = assignable(escalation.to) if escalation.to else None
    if escalation.to and to is None:
        raise PersonNotFound(escalation.to)
    services.escalate_case(
        case_id=_id(request, number), tier=escalation.tier, queue=escalation.queue, to=to,
        hand_over=services.HandOver(
            happened=escalation.happened, promised=escalation.promised, needed=escalation.needed
        ),
        **by(request), seen=escalation.seen,
    )  # fmt: skip


# -- how


def _id(request: StaffRequest, number: int) -> uuid.UUID:
    return the_case(number, places=visible_places(request.user)).id


def _json(content: object, status: int = 200) -> HttpResponse:
    """Encoded here: a list of pydantic objects would cost three times as much. A test holds it against the schema."""
    return HttpResponse(msgspec.json.encode(content), status=status, content_type="application/json")


def _written(request: StaffRequest, number: int, *, status: int = 200) -> HttpResponse:
    case = the_case(number, places=visible_places(request.user))
    return _json({"number": case.label, "version": case.version, "status": case.status}, status)


def _item(row: queue.Row) -> dict[str, Any]:
    said = row._asdict()
    del said["key"]
    return said | {"number": f"C-{row.number}", "loyalty_tier": said.pop("tier")}


_OUT = frozenset(CaseOut.model_fields) - {
    "timeline",
    "before",
    "number",
    "queue",
    "reason",
    "merged_into",
    "parent",
}


def _detail(case: CaseDetail, moments: Sequence[Moment], *, before: int | None) -> dict[str, Any]:
    columns = case._asdict()
    return {name: columns[name] for name in _OUT} | {
        "number": case.label, "queue": case.queue_slug, "reason": case.reason_code,
        "merged_into": f"C-{case.merged_into}" if case.merged_into else None,
        "parent": f"C-{case.parent}" if case.parent else None,
        "timeline": [_event(moment) for moment in moments], "before": before,
    }  # fmt: skip


def _event(moment: Moment) -> dict[str, Any]:
    contact = None
    if moment.contact_id:
        contact = {
            "id": moment.contact_id, "channel": moment.channel, "direction": moment.direction,
            "author": moment.author, "subject": moment.subject, "body": moment.body, "message": moment.message_status,
        }  # fmt: skip
    return {
        "seq": moment.seq, "case": f"C-{moment.of}" if moment.of else None, "kind": moment.kind, "at": moment.at,
        "actor": moment.actor, "why": moment.why,
        "contact": contact, "note": moment.body if moment.kind == "note" else None,
    }  # fmt: skip
