"""Clocks and targets for programs."""

from datetime import datetime, timedelta
from typing import Literal

from django.utils import timezone
from ninja import Field, Router, Schema

from makegood.engines.clocks import State
from makegood.ground.staff.http import StaffRequest
from makegood.ground.staff.scope import visible_places
from makegood.recover.cases.api import REFUSALS, SEES, Number
from makegood.recover.cases.models import Severity, Tier
from makegood.recover.cases.queries.case import the_case
from makegood.recover.cases.service_levels.models import Target
from makegood.recover.cases.service_levels.reading import clocks_of

router = Router(tags=["service levels"])


class ClockItem(Schema):
    """What one clock of a case shows. Times used are business time, in seconds."""

    clock: Literal["first", "next", "resolution"]
    state: State
    since: datetime
    due_at: datetime | None = Field(description="Null: it pauses.")
    target_seconds: float
    used_seconds: float
    late_seconds: float = Field(description="0: in time.")
    met_at: datetime | None
    paused_since: datetime | None
    says: str


class ClockList(Schema):
    clocks: list[ClockItem]


class TargetItem(Schema):
    """How long clocks may run. Null or empty conditions hold for all cases; null times are not set here."""

    queue: str | None = Field(description="Slug.")
    loyalty_tier: str
    channel: str = Field(description="`silent`: the customer has not written yet.")
    tier: Tier | Literal[""]
    severity: Severity | None
    first_minutes: int | None
    next_minutes: int | None
    resolution_minutes: int | None
    warn_percent: int
    stops_for_partner: bool


class TargetList(Schema):
    targets: list[TargetItem]


@router.get(
    "/cases/{number}/clocks", response={200: ClockList} | REFUSALS, auth=SEES, operation_id="read_clocks",
    summary="Read the clocks of a case",
)  # fmt: skip
def read_clocks(request: StaffRequest, number: Number) -> dict[str, object]:
    """First answer, next answer (while one is owed) and resolution, as they stand now."""
    case = the_case(number, places=visible_places(request.user))
    second = timedelta(seconds=1)
    return {
        "clocks": [
            {
                "clock": r.clock, "state": r.state, "since": r.since, "due_at": r.due, "met_at": r.met_at,
                "target_seconds": r.target / second, "used_seconds": r.used / second, "late_seconds": r.by / second,
                "paused_since": r.paused_since, "says": shown.says,
            }
            for shown in clocks_of(case, timezone.now()) for r in [shown.reading]
        ]
    }  # fmt: skip


@router.get(
    "/service-levels/targets", response={200: TargetList} | REFUSALS, auth=SEES, operation_id="list_targets",
    summary="List targets",
)  # fmt: skip
def list_targets(request: StaffRequest) -> dict[str, object]:  # noqa: ARG001
    """Every target. For each clock the row wins that names the most (docs: clocks)."""
    fields = ("queue__slug", *(name for name in TargetItem.model_fields if name != "queue"))
    return {
        "targets": [row | {"queue": row.pop("queue__slug")} for row in Target.objects.order_by("pk").values(*fields)]
    }
