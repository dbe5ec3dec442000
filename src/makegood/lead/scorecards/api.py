"""The weekly report over the API."""

from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from ninja import Query, Router

from makegood.ground.api.auth import Holds
from makegood.ground.staff.scope import visible_places

router = Router(tags=["scorecards"])


@router.get("/reports/weekly", auth=Holds("scorecards.see"), summary="The weekly report", operation_id="weekly_report")
def weekly_report(
    request: HttpRequest,
    week: str = Query("", max_length=10, description="ISO week such as 2018-W09; empty: the last one that is over."),  # type: ignore[type-arg]
    source: str = Query("", max_length=50, description="Slug of a source; empty: all."),  # type: ignore[type-arg]
) -> dict[str, Any]:
    """One week as docs/reference/weekly-report.md describes it, limited to the places you see."""
    from makegood.lead.scorecards.services.weekly import weekly_report as build  # noqa: PLC0415  drags in Ibis and SciPy

    places = visible_places(request.user)  # type: ignore[arg-type]  # Holds let nobody else through
    return build(week=week, now=timezone.now(), source=source, places=places).as_json()
