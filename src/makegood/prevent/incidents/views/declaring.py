"""Declaring an incident: from a signal (`?signal=12`), from a case (`?case=10482`), or by hand."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from makegood.errors import Conflict
from makegood.ground.staff.access import needs
from makegood.ground.staff.http import StaffRequest
from makegood.ground.staff.models import User
from makegood.ground.staff.scope import visible_places
from makegood.prevent.casing import of_cases
from makegood.prevent.incidents import services
from makegood.prevent.incidents.errors import SignalDeclared
from makegood.prevent.incidents.forms import DeclareForm
from makegood.prevent.incidents.models import Incident, Kind
from makegood.prevent.incidents.services import Declared
from makegood.prevent.incidents.severity import propose, toll_of
from makegood.prevent.signals.models import Signal
from makegood.prevent.signals.queries.listing import find_signal
from makegood.prevent.signals.queries.one import begins
from makegood.prevent.slices import DIMENSIONS, Predicate
from makegood.prevent.slices_in_words import Names
from makegood.recover.cases.queries.case import reasons_to_choose, the_case

LOOK_BACK: Final = timedelta(days=14)
"""So far before a case was opened its failure may have begun, unless somebody says otherwise."""
SHARED_AT_MOST: Final = 50
LONGEST_VALUE: Final = 200


@dataclass(kw_only=True)
class Origin:
    """What an incident is declared from."""

    signal: Signal | None = None
    case: int | None = None
    case_ids: Sequence[uuid.UUID] = ()
    title: str = ""
    since: datetime | None = None
    # What its cases may have in common, as (dimension, value): of a signal all counts, else what is ticked.
    common: list[tuple[str, str]] = field(default_factory=list)
    names: Names = field(default_factory=lambda: Names({}))


@needs("incidents.lead")
def declare(request: StaffRequest) -> HttpResponse:
    """Own a failure. At most nine SQL queries to show."""
    me, now = request.user, timezone.now()
    origin = _origin(request, me, now)
    if origin.signal and (first := Incident.objects.filter(signal=origin.signal).first()):
        messages.info(request, str(SignalDeclared(first.number)))
        return redirect("incidents:incident", first.number)
    initial = {"title": origin.title, "since": origin.since, "commander": me.username}
    form = DeclareForm(request.POST if request.method == "POST" else None, initial=initial)
    shared = _shared(request.POST.getlist("shared")) if form.is_bound else origin.common[:1]
    problem = ""
    if form.is_valid():
        try:
            made = _declare(form, origin, shared, me, now)
        except Conflict as why:
            problem = str(why)
        else:
            messages.success(request, _("Declared. Whoever hears of such incidents is told."))
            return redirect("incidents:incident", made.number)
    cut = _cut(origin.common if origin.signal else shared)
    facts = {
        "form": form, "origin": origin, "shared": shared, "problem": problem, "reasons": reasons_to_choose(),
        "proposal": propose(toll_of(origin.case_ids, reasons=cut.get("reason", ()))),
        "in_words": origin.names.of_slice(cut, since=origin.since),
        "common": [(name, value, str(DIMENSIONS[name].label), origin.names.value(name, value))
                   for name, value in origin.common],
    }  # fmt: skip
    return render(request, "incidents/declare.html", facts, status=422 if form.is_bound else 200)


def _declare(form: DeclareForm, origin: Origin, shared: Sequence[tuple[str, str]], me: User, now: datetime) -> Incident:
    given = form.cleaned_data
    any_of = _cut(origin.common if origin.signal else shared)
    it = Declared(
        title=given["title"], commander=User.objects.get(username=given["commander"]), signal=origin.signal,
        kind=Kind(given["kind"] or Kind.FAILURE), severity=given["severity"], case_ids=origin.case_ids,
        predicate=Predicate(any_of=any_of, since=given["since"] or (origin.since if origin.signal else None)),
        hazard=given["hazard"], what_to_do=given["what_to_do"], why=given["why"],
    )  # fmt: skip
    return services.declare(it, by=me, now=now)


def _origin(request: StaffRequest, me: User, now: datetime) -> Origin:
    if number := _number(request.GET.get("signal", "")):
        signal = find_signal(number)
        names = Names.of([signal.slice])
        return Origin(
            signal=signal, since=begins(signal), names=names, title=names.of_slice(signal.slice)[:200],
            case_ids=list(signal.claimed.values_list("case_id", flat=True)),
            common=[(name, value) for name, value in signal.slice.items() if name in DIMENSIONS],
        )  # fmt: skip
    if number := _number(request.GET.get("case", "")):
        case = the_case(number, places=visible_places(me))
        [told] = of_cases([case.id])
        since = (told.exposed_at or told.opened_at) - LOOK_BACK
        return Origin(
            case=case.number, case_ids=[case.id], title=case.reason, since=since,
            common=list(told.dimensions.items()), names=Names.of([told.dimensions]),
        )  # fmt: skip
    return Origin(since=now - LOOK_BACK)


def _shared(said: Sequence[str]) -> list[tuple[str, str]]:
    """What was ticked, as (dimension, value); what is no dimension is left out."""
    pairs = [one.replace("\0", "")[:LONGEST_VALUE].partition("=") for one in said[:SHARED_AT_MOST]]
    return [(name, value) for name, _sign, value in pairs if name in DIMENSIONS and value]


def _cut(pairs: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    cut: dict[str, list[str]] = {}
    for name, value in pairs:
        cut.setdefault(name, []).append(value)
    return cut


def _number(text: str) -> int | None:
    digits = text.upper().removeprefix("S-").removeprefix("C-")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 19 else None  # noqa: PLR2004  a bigint
