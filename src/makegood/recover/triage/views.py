"""The page Triage: how good what was learned is, and what people corrected lately."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from makegood.ground.staff.access import needs
from makegood.ground.staff.models import User
from makegood.ground.staff.scope import visible_places
from makegood.recover.triage import queries
from makegood.recover.triage.examples import AT_MOST


@require_safe
@needs("triage.see")
def triage(request: HttpRequest) -> HttpResponse:
    """Accuracy, calibration, confused pairs, recent corrections. Five SQL queries."""
    # Where it is needed: each process would carry what draws, and most draw nothing.
    from makegood.ground.web.charts import page_spec  # noqa: PLC0415  loads altair
    from makegood.recover.triage import charts  # noqa: PLC0415  loads altair

    user: User = request.user  # type: ignore[assignment]  # nobody anonymous gets here
    report = queries.report()
    # Without one in use, the latest that was tried: it says why it was not good enough.
    shown = report.active or next(iter(report.trainings), None)
    context = {
        "report": report, "shown": shown, "at_most": AT_MOST,
        "corrections": queries.corrections(visible_places(user)),
        "spec": page_spec(charts.calibration(shown.figures["reliability"])) if shown else "",
        "reading": charts.reading(shown.figures) if shown else "",
    }  # fmt: skip
    return render(request, "triage/triage.html", context)
