"""The register of improvements, one improvement, and what people do with it."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from makegood.errors import Conflict
from makegood.ground.staff.access import needs
from makegood.ground.staff.http import StaffRequest
from makegood.ground.staff.models import User
from makegood.ground.web.exports import csv_response
from makegood.ground.web.formats import MONTHS
from makegood.prevent.improvements import queries, services
from makegood.prevent.improvements.effects import Finding, in_words, percent
from makegood.prevent.improvements.forms import DayForm, HypothesisForm, PlanForm, WordsForm
from makegood.prevent.improvements.models import Event, Hypothesis, Improvement, State, Verdict
from makegood.prevent.improvements.money import worth
from makegood.prevent.improvements.parts import read_part, write_part
from makegood.prevent.incidents.models import Incident
from makegood.prevent.slices_in_words import Names
from makegood.recover.cases.models import Locus

TONES = {
    Verdict.UNKNOWN: ("outline", "hourglass"), Verdict.WORKED: ("green", "circle-check"),
    Verdict.DID_NOT: ("amber", "circle-slash"), Verdict.CAME_BACK: ("red", "rotate-ccw"),
    State.PLANNED: ("outline", "calendar"), State.UNDER_WAY: ("accent", "wrench"), State.DONE: ("green", "check"),
    State.DROPPED: ("outline", "x"),
}  # fmt: skip


def _words() -> dict[str, Any]:
    return {"day": _day, "tones": TONES, "labels": {**dict(State.choices), **dict(Verdict.choices)}, "percent": percent}


def _day(on: date) -> str:
    return f"{on.day} {_(MONTHS[on.month - 1])} {on.year}"


@require_safe
@needs("improvements.see")
def improvements(request: StaffRequest) -> HttpResponse:
    """The register. At most six SQL queries: who asks, rows, figures, causes, what was avoided, owners."""
    from makegood.ground.web.charts import page_spec  # noqa: PLC0415  each process would carry what draws
    from makegood.prevent.improvements import charts  # noqa: PLC0415

    filters, now = queries.Filters.read(request.GET), timezone.now()
    said = request.GET.get("after", "")
    after = int(said) if said.isascii() and said.isdigit() and len(said) < 16 else None  # noqa: PLR2004  a bigint
    rows, following = queries.page(filters, me=request.user, now=now, after=after)
    causes = queries.causes()
    avoided = queries.avoided_in_all()
    facts = {
        "rows": [(row, worth(row.avoided) if row.avoided else None) for row in rows], "filters": filters,
        "after": after, "following": following, "now": now, "standing": queries.standing(now=now), "causes": causes,
        "spec": page_spec(charts.pareto(causes)) if any(cause.cases for cause in causes) else "",
        "reading": charts.reading_of_causes(causes),
        # Estimates add up; their limits added up are wider than they need to be, never too narrow.
        "avoided": worth([_sum(each) for each in zip(*avoided, strict=True)]) if avoided else None,
    }  # fmt: skip
    return render(request, "improvements/list.html", facts | _words())


def _sum(numbers: tuple[float | None, ...]) -> float | None:
    return None if None in numbers else sum(number for number in numbers if number is not None)


@require_safe
@needs("improvements.see")
def export(request: StaffRequest) -> HttpResponseBase:
    """The register as a file, with the filters of the page."""
    rows = queries.every(queries.Filters.read(request.GET), me=request.user, now=timezone.now())
    return csv_response("improvements.csv", _HEAD, (_line(row) for row in rows))


_HEAD = ("improvement", "title", "state", "verdict", "owner", "created_at", "due_at", "started_on", "cause", "locus",
         "incidents", "cost", "currency", "hoped_percent_fewer", "planned_end", "counted_until", "ratio", "ratio_low",
         "ratio_high", "avoided", "avoided_low", "avoided_high")  # fmt: skip


def _line(row: queries.Row) -> tuple[object, ...]:
    none = [None, None, None]
    return (f"A-{row.number}", row.title, row.state, row.verdict, row.owner, row.created_at, row.due_at, row.started_on,
            row.cause_key, row.locus, " ".join(f"I-{number}" for number in row.incidents), row.cost, row.currency,
            row.percent, row.by_when, row.until, *(row.ratio or none), *(row.avoided or none))  # fmt: skip


@require_safe
@needs("improvements.see")
def improvement(request: StaffRequest, number: int) -> HttpResponse:
    """One improvement. Seven SQL queries: who asks, it, hypotheses, looks, history, incidents, names."""
    from makegood.ground.web.charts import page_spec  # noqa: PLC0415  see above
    from makegood.prevent.improvements import charts  # noqa: PLC0415

    found, now = queries.one(number), timezone.now()
    it, said = found.improvement, found.hypotheses[0] if found.hypotheses else None
    names = Names.of([*(each.any_of for each in found.hypotheses), *(each.beside_any_of for each in found.hypotheses)])
    looks = [(each, Finding.read(each.found)) for each in found.looks]
    # A look at another start or hypothesis speaks of something else.
    of_now = (said.pk if said else None, it.started_on)
    last = next((pair for pair in looks if (pair[0].hypothesis_id, pair[0].started_on) == of_now), None)
    facts: dict[str, Any] = {
        "it": it, "said": said, "now": now, "incidents": found.incidents, "last": last, "locus": Locus(it.locus).label,
        "history": [(event, _told(event)) for event in found.events],
        "hypotheses": [(each, names.of_slice(each.any_of), names.of_slice(each.beside_any_of), _after_start(it, each))
                       for each in found.hypotheses],
        "looks": [(look, each) for look, each in looks if each.ratio],
        "known_by": charts.planned_end(said.by_when, said.within_days) if said else None,
        "begins_anew": it.state != State.DROPPED and it.verdict in (Verdict.DID_NOT, Verdict.CAME_BACK),
    }  # fmt: skip
    if last:
        facts |= {
            "spec": page_spec(charts.weeks(last[1], _moments(it, said))), "reading": in_words(last[1], last[0].verdict),
            "worth": worth(last[1].avoided) if last[1].avoided else None,
            "weeks": last[1].by_week()[::-1],
        }  # fmt: skip
    return render(request, "improvements/one.html", facts | _words())


def _after_start(it: Improvement, said: Hypothesis) -> bool:
    """Whether it was said when the change was there already: not pre-registered."""
    return it.started_on is not None and said.said_at.date() > it.started_on


def _moments(it: Improvement, said: Hypothesis | None) -> list[tuple[Any, str]]:
    moments = [(it.started_on, _("began")), (it.finished_on, _("complete")),
               (it.judged_at.date() if it.judged_at else None, str(Verdict(it.verdict).label).lower())]  # fmt: skip
    return [(day, name) for day, name in moments if day and said]


_WHY = {
    "shown": "the interval that holds at every look leaves out no effect",
    "at_end": "at the planned end the interval leaves out no effect",
    "too_small": "the interval that holds at every look leaves out what was hoped for",
    "nothing_at_end": "the planned end is reached and no effect is shown",
    "rate": "the rate rose above what had been reached, and more than half of the gain is gone",
}


def _told(event: Event) -> str:
    """What was decided or found, beside its kind."""
    facts = event.facts
    why = _(_WHY.get(facts.get("why", ""), facts.get("why", "")))
    match event.kind:
        case Event.Kind.HYPOTHESIS:
            said = _("version %(version)s: %(percent)s %% fewer by %(by_when)s") % (
                facts | {"by_when": _day(date.fromisoformat(facts["by_when"]))}
            )
            return f"{said} ({_('after the start')})" if facts["after_start"] else said
        case Event.Kind.BEGUN | Event.Kind.FINISHED:
            return _day(date.fromisoformat(facts["on"]))
        case Event.Kind.JUDGED:
            ratio = facts["ratio"] or [None, None, None]
            return _("%(verdict)s: %(change)s (%(low)s to %(high)s); %(why)s") % {
                "verdict": Verdict(facts["verdict"]).label, "change": percent(ratio[0]), "low": percent(ratio[1]),
                "high": percent(ratio[2]), "why": why,
            }  # fmt: skip
        case Event.Kind.WORDS:
            return str(facts["words"])
    return why


# -- writing


@needs("improvements.own")
def plan(request: StaffRequest) -> HttpResponse:
    """Plan one, from an incident (`?incident=3`) or from nothing."""
    now = timezone.now()
    owners = [(user.username, user.display_name) for user in User.objects.filter(is_active=True).order_by("username")]
    form = PlanForm(request.POST or None, owners=owners, initial=_from_incident(request, now))
    problem = ""
    if request.method == "POST" and form.is_valid():
        given = dict(form.cleaned_data)
        owner, due = User.objects.get(username=given.pop("owner")), given.pop("due")
        due_at = timezone.make_aware(datetime.combine(due, time(23, 59)))
        try:
            made = services.plan(owner=owner, due_at=due_at, by=request.user, now=now, **given)
        except Conflict as why:
            problem = str(why)
        else:
            return redirect("improvements:hypothesis", number=made.number)
    facts = {"form": form, "problem": problem, "causes": queries.causes()}
    return render(request, "improvements/plan.html", facts, status=422 if form.is_bound else 200)


def _from_incident(request: StaffRequest, now: datetime) -> dict[str, Any]:
    first = {"owner": request.user.username, "due": (timezone.localtime(now) + timedelta(days=14)).date()}
    number = request.GET.get("incident", "")
    incident = Incident.objects.filter(number=int(number)).first() if number.isascii() and number.isdigit() else None
    if incident is None:
        return first
    return first | {"incidents": f"I-{incident.number}", "cause": incident.cause, "locus": incident.locus}


@needs("improvements.own")
def hypothesis(request: StaffRequest, number: int) -> HttpResponse:
    """Say which number should move; said anew it is another version."""
    found, now = queries.one(number), timezone.now()
    form = HypothesisForm(request.POST or None, initial=_said_before(found))
    problem = ""
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            services.say_hypothesis(
                improvement_id=found.improvement.pk, any_of=read_part(given["part"]), percent=given["percent"],
                by_when=given["by_when"], within_days=given["within_days"], by=request.user, now=now,
                beside=given["beside"] or Hypothesis.Beside.NOTHING, beside_any_of=read_part(given["beside_part"]),
            )  # fmt: skip
        except Conflict as why:
            problem = str(why)
        else:
            messages.success(request, _("Kept. The first look at the weeks before follows within minutes."))
            return redirect("improvements:one", number=number)
    facts = {"form": form, "problem": problem, "it": found.improvement, "again": bool(found.hypotheses)}
    return render(request, "improvements/hypothesis.html", facts, status=422 if form.is_bound else 200)


def _said_before(found: queries.One) -> dict[str, Any]:
    """What the form begins with: the last version, else the part of the world that an incident answered names."""
    if found.hypotheses:
        last = found.hypotheses[0]
        names = Names.of([last.any_of, last.beside_any_of])
        return {"part": write_part(last.any_of, names), "percent": last.percent, "by_when": last.by_when,
                "within_days": last.within_days, "beside": last.beside,
                "beside_part": write_part(last.beside_any_of, names)}  # fmt: skip
    named: dict[str, list[str]] = next((each["any_of"] for each in found.incidents if each["any_of"]), {})
    due = timezone.localtime(found.improvement.due_at).date()
    return {"part": write_part(named, Names.of([named])), "by_when": due + timedelta(days=84)}


@require_POST
@needs("improvements.own")
def begin(request: StaffRequest, number: int) -> HttpResponse:
    """The change is there."""
    return _act(request, number, DayForm(request.POST), services.begin)


@require_POST
@needs("improvements.own")
def finish(request: StaffRequest, number: int) -> HttpResponse:
    """All of it is there."""
    return _act(request, number, DayForm(request.POST), services.finish)


@require_POST
@needs("improvements.own")
def drop(request: StaffRequest, number: int) -> HttpResponse:
    """It will not be done."""
    form = WordsForm(request.POST)
    return _act(request, number, form, lambda words, **rest: services.drop(why=words, **rest))


@require_POST
@needs("improvements.own")
def words(request: StaffRequest, number: int) -> HttpResponse:
    """What a person makes of the verdict."""
    return _act(request, number, WordsForm(request.POST), services.say_words)


def _act(request: StaffRequest, number: int, form: DayForm | WordsForm, do: Callable[..., object]) -> HttpResponse:
    it = queries.one(number).improvement
    if not form.is_valid():
        messages.error(request, _("Choose a day."))
        return redirect("improvements:one", number=number)
    try:
        do(improvement_id=it.pk, by=request.user, now=timezone.now(), **form.cleaned_data)
    except Conflict as why:
        messages.error(request, str(why))
    return redirect("improvements:one", number=number)
