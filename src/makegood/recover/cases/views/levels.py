"""Service levels on the desk: calendars, targets, escalations; some may read them, fewer may set them."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from makegood.engines import clocks
from makegood.errors import MakegoodError
from makegood.ground.staff.access import needs
from makegood.recover.cases.models import Severity, Tier
from makegood.recover.cases.service_levels import setting
from makegood.recover.cases.service_levels.errors import LevelNotFound
from makegood.recover.cases.service_levels.forms import (
    CHANNELS,
    CalendarForm,
    EscalationForm,
    TargetForm,
    TryForm,
    spelled_minutes,
)
from makegood.recover.cases.service_levels.levels import weight
from makegood.recover.cases.service_levels.models import Calendar, Escalation, Target

DAYS = (_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun"))


@require_safe
@needs("service_levels.see")
def all_levels(request: HttpRequest) -> HttpResponse:
    """Calendars, targets and escalations on one page. Six SQL queries at most, with who asks and what is tried."""
    calendars = list(Calendar.objects.prefetch_related("uses__queue", "uses__place").order_by("-is_default", "name"))
    targets = sorted(Target.objects.select_related("queue"), key=lambda row: (weight(row.__dict__), row.severity or 0))
    facts = {
        "calendars": calendars, "targets": targets, "rules": list(Escalation.objects.select_related("queue")),
        "days": DAYS, "severities": dict(Severity.choices), "tiers": dict(Tier.choices), "channels": dict(CHANNELS),
        "time": spelled_minutes, "spelled": clocks.spelled, **_tried(request, calendars),
    }  # fmt: skip
    return render(request, "cases/levels.html", facts)


def _tried(request: HttpRequest, calendars: list[Calendar]) -> dict[str, Any]:
    now = timezone.localtime()
    usual = {"calendar": calendars[0].pk if calendars else None, "start": now.strftime("%Y-%m-%dT%H:%M"), "time": "4 h"}
    form = TryForm(request.GET if "time" in request.GET else None, initial=usual)
    tried, problem = None, ""
    if form.is_bound and form.is_valid():
        try:
            tried = form.due(str(settings.TIME_ZONE))
        except clocks.NotACalendar as why:
            problem = str(why)
    elif form.is_bound:
        problem = " ".join(str(error) for errors in form.errors.values() for error in errors)
    return {"try_form": form, "tried": tried, "problem": problem}


@needs("service_levels.set")
def calendar(request: HttpRequest, level_id: int = 0) -> HttpResponse:
    """Make or change a calendar."""
    kept = _kept(Calendar, level_id)
    form = CalendarForm(request.POST or None, instance=kept)

    def save() -> None:
        given = form.cleaned_data
        setting.save_calendar(form.instance, queues=given["queues"], places=given["places"])

    name = kept.name if kept else _("New calendar")
    return _edited(request, form, save, name, "levels:delete_calendar", level_id)


@needs("service_levels.set")
def target(request: HttpRequest, level_id: int = 0) -> HttpResponse:
    """Make or change a target."""
    form = TargetForm(request.POST or None, instance=_kept(Target, level_id))
    title = _("Target") if level_id else _("New target")
    return _edited(request, form, lambda: setting.save_target(form.instance), title, "levels:delete_target", level_id)


@needs("service_levels.set")
def escalation(request: HttpRequest) -> HttpResponse:
    """Make an escalation rule."""
    form = EscalationForm(request.POST or None)
    return _edited(request, form, lambda: setting.save_escalation(form.instance), _("New escalation"), "", 0)


@require_POST
@needs("service_levels.set")
def delete_calendar(request: HttpRequest, level_id: int) -> HttpResponse:
    """Take a calendar away."""
    return _deleted(request, setting.delete_calendar, level_id)


@require_POST
@needs("service_levels.set")
def delete_target(request: HttpRequest, level_id: int) -> HttpResponse:
    """Take a target away."""
    return _deleted(request, setting.delete_target, level_id)


@require_POST
@needs("service_levels.set")
def delete_escalation(request: HttpRequest, level_id: int) -> HttpResponse:
    """Take an escalation rule away."""
    return _deleted(request, setting.delete_escalation, level_id)


# -- how


def _kept(model: type[Any], level_id: int) -> Any:
    if not level_id:
        return None
    found = model.objects.filter(pk=level_id).first() if level_id < 2**31 else None
    if found is None:
        raise LevelNotFound
    return found


def _edited(
    request: HttpRequest,
    form: BaseForm,
    save: Callable[[], object],
    title: str,
    delete: str,
    level_id: int,
) -> HttpResponse:
    problem, status = "", 422 if form.is_bound else 200
    if request.method == "POST" and form.is_valid():
        try:
            save()
        except MakegoodError as refusal:
            problem, status = str(refusal), refusal.status
        else:
            messages.success(request, _("Saved. The clocks of open cases follow."))
            return redirect("levels:all")
    facts = {
        "form": form,
        "title": title,
        "problem": problem,
        "delete": delete if level_id else "",
        "level_id": level_id,
    }
    return render(request, "cases/level.html", facts, status=status)


def _deleted(request: HttpRequest, delete: Callable[[int], None], level_id: int) -> HttpResponse:
    try:
        if level_id >= 2**31:
            raise LevelNotFound
        delete(level_id)
    except MakegoodError as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("Deleted. The clocks of open cases follow."))
    return redirect("levels:all")
