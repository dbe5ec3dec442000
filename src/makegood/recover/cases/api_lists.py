"""Over the API: what operations on cases can name, and lists of cases kept under a name."""

import uuid
from typing import Annotated, Any

from django.http import HttpResponse
from ninja import Field, Router, Schema

from makegood.ground.api.fields import Text
from makegood.ground.staff.http import StaffRequest
from makegood.ground.staff.models import User
from makegood.recover.cases import services
from makegood.recover.cases.api import (
    REFUSALS,
    SEES,
    WORKS,
    WRITES,
    _json,
)
from makegood.recover.cases.models import (
    Queue,
    Reason,
    SavedView,
    Severity,
)
from makegood.recover.cases.queries import queue as queries

router = Router(tags=["cases"], auth=WORKS)


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
def read_lists(request: StaffRequest) -> HttpResponse:  # noqa: ARG001  ninja passes it
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
    filters = queries.Filters.read(view.filters)
    saved = services.save_view(owner=request.user, name=view.name, filters=filters, shared=view.shared)
    return _json(_view(saved, request.user), 201)


@router.delete("/views/{view_id}", response={204: None} | WRITES, auth=SEES, operation_id="remove_view",
               summary="Forget a view")  # fmt: skip
def remove_view(request: StaffRequest, view_id: uuid.UUID) -> HttpResponse:
    """Forget a view of one's own. Nothing happens where it is none."""
    SavedView.objects.filter(pk=view_id, owner=request.user).delete()
    return HttpResponse(status=204)


def _view(view: SavedView, user: User) -> dict[str, Any]:
    return {"id": view.pk, "name": view.name, "address": view.address, "shared": view.shared,
            "own": view.owner_id == user.pk}  # fmt: skip
