"""Affected orders of an incident: the list, what it cuts out and what that would find."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import altair as alt
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_http_methods, require_safe

from makegood.errors import Conflict
from makegood.ground.staff.access import needs
from makegood.ground.staff.http import StaffRequest
from makegood.ground.staff.scope import visible_places
from makegood.ground.web.charts import page_spec
from makegood.ground.web.exports import csv_response
from makegood.ground.web.formats import money
from makegood.prevent.incidents.cutting import predicate_of
from makegood.prevent.incidents.errors import CannotCut
from makegood.prevent.incidents.queries import affected as queries
from makegood.prevent.incidents.queries.affected_values import search
from makegood.prevent.incidents.queries.listing import find_incident
from makegood.prevent.incidents.services import affecting
from makegood.prevent.slices import DIMENSIONS, Predicate
from makegood.prevent.slices_in_words import Names

FILTERS: Final = {
    "": gettext_lazy("All"), "silent": gettext_lazy("Silent"), "wrote": gettext_lazy("Wrote"),
    "compensated": gettext_lazy("Put right already"), "disputed": gettext_lazy("Payment taken back"),
    "added": gettext_lazy("Found later"), "left": gettext_lazy("No longer meant"),
}  # fmt: skip
DIGITS: Final = 10


@require_safe
@needs("incidents.see")
def affected(request: StaffRequest, number: int) -> HttpResponse:
    """The list, as a part of the incident page or by itself. Five SQL queries: who asks, the incident, the last look,
    how all stand, rows.
    """
    incident = find_incident(number)
    which = request.GET.get("which", "")
    if which not in FILTERS:
        raise Http404
    after = queries.Cursor.read(request.GET.get("after", ""))
    rows, following = queries.page(incident, which=which, places=visible_places(request.user), after=after)
    counts = queries.counts(incident)
    context = {
        "incident": incident, "look": queries.last_look(incident), "counts": counts, "rows": rows, "which": which,
        "after": after, "following": following, "now": timezone.now(),
        "filters": [(key, label, counts.of(key)) for key, label in FILTERS.items()],
    }  # fmt: skip
    return render(request, f"incidents/{'_affected_list' if request.htmx else 'affected'}.html", context)


@require_safe
@needs("cases.export")
def export(request: StaffRequest, number: int) -> HttpResponseBase:
    """The list as a file. Two SQL queries and one per thousand rows."""
    incident = find_incident(number)
    which = request.GET.get("which", "")
    if which not in FILTERS:
        raise Http404
    rows = queries.every(incident, which=which, places=visible_places(request.user))
    return csv_response(f"{incident}-affected.csv", HEAD, (line(row) for row in rows))


HEAD: Final = ("order", "placed_at", "customer", "email", "loyalty_tier", "value", "currency", "lines", "wrote", "case",
               "compensated", "disputed", "found_at", "found_later", "left_at")  # fmt: skip


def line(row: queries.Row) -> tuple[Any, ...]:
    """A row of the file."""
    return (row.order, row.placed_at, row.customer, row.email, row.tier, row.value, row.currency, row.lines, row.wrote,
            f"C-{row.case}" if row.case else "", row.compensated, row.disputed, row.found_at, row.added,
            row.left_at)  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@needs("incidents.lead")
def cut(request: StaffRequest, number: int) -> HttpResponse:
    """Say what an incident cuts out. Reading costs three SQL queries: who asks, the incident, names."""
    incident = find_incident(number)
    problem = ""
    predicate = predicate_of(incident)
    if request.method == "POST":
        try:
            predicate = read(request.POST)
            affecting.cut_anew(
                incident_id=incident.pk, predicate=predicate, by=request.user, now=timezone.now(),
                seen=_number(request.POST.get("seen", "")),
            )  # fmt: skip
        except Conflict as why:
            problem = str(why)
        else:
            messages.success(request, _("Saved. The affected orders are being counted."))
            return redirect("affected:list", number)
    names = Names.of([predicate.any_of])
    chosen = {
        name: [(value, names.value(name, value)) for value in predicate.any_of.get(name, ())] for name in DIMENSIONS
    }
    context = {
        "incident": incident, "chosen": chosen, "dimensions": DIMENSIONS.values(), "problem": problem,
        "window": [("since", _("Bought from"), _for_input(predicate.since)),
                   ("until", _("Bought before"), _for_input(predicate.until))],
    }  # fmt: skip
    return render(request, "incidents/cut.html", context, status=422 if problem else 200)


@require_safe
@needs("incidents.lead")
def values(request: StaffRequest, number: int, dimension: str) -> HttpResponse:  # noqa: ARG001  part of the address
    """What can be chosen in a dimension, below what is. Three SQL queries (who asks, names, values), or the lake."""
    if dimension not in DIMENSIONS:
        raise Http404
    words = request.GET.get(f"words-{dimension}", "").strip()[:100]
    any_of = _any_of(request.GET)
    chosen = any_of.get(dimension, ())
    names = Names.of([{dimension: chosen}])
    context = {
        "name": dimension, "words": words, "kept": [(value, names.value(dimension, value)) for value in chosen],
        "found": [one for one in search(dimension, words, among=any_of) if one[0] not in chosen],
    }  # fmt: skip
    return render(request, "incidents/_values.html", context)


@require_safe
@needs("incidents.lead")
def preview(request: StaffRequest, number: int) -> HttpResponse:  # noqa: ARG001  part of the address
    """What a predicate would find. Six SQL queries at most, and the lake."""
    try:
        predicate = read(request.GET)
        found = affecting.preview(predicate, now=timezone.now(), zone=timezone.get_current_timezone())
    except Conflict as why:
        return render(request, "incidents/_preview.html", {"problem": str(why)})
    names = Names.of([{name: [row.value for row in found.most if row.dimension == name] for name in DIMENSIONS}])
    most = [
        (DIMENSIONS[name].label,
         [(names.value(name, row.value), f"{row.orders:,}") for row in found.most if row.dimension == name])
        for name in affecting.SHOWN_BY
    ]  # fmt: skip
    worth = [(_("Value"), money(value, currency)) for currency, _orders, value in found.value]
    context = {
        "problem": "", "found": found, "most": most, "worth": worth, "cuts": bool(affecting.of_purchases(predicate)),
        "chart": page_spec(_picture(found.days)) if found.days else "", "reading": _reading(found),
    }  # fmt: skip
    return render(request, "incidents/_preview.html", context)


def _for_input(moment: datetime | None) -> str:
    return timezone.localtime(moment).strftime("%Y-%m-%dT%H:%M:%S") if moment else ""


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < DIGITS else None


def read(given: QueryDict) -> Predicate:
    """The predicate of a form. Raises CannotCut for a moment that is none."""
    return Predicate(any_of=_any_of(given), since=_moment(given, "since"), until=_moment(given, "until"))


def _any_of(given: QueryDict) -> Mapping[str, Sequence[str]]:
    named = {name: [value for value in dict.fromkeys(given.getlist(name)) if value] for name in DIMENSIONS}
    return {name: values for name, values in named.items() if values}


def _moment(given: QueryDict, name: str) -> datetime | None:
    text = given.get(name, "").strip()
    if not text:
        return None
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None:
        raise CannotCut(_("“%s” is no moment. Choose a day and a time.") % text[:40])
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)


def _picture(days: Sequence[tuple[Any, int]]) -> Any:
    rows = [{"day": f"{day.isoformat()}T12:00:00Z", "orders": orders} for day, orders in days]
    return (
        alt.Chart({"values": rows}).mark_bar()
        .encode(
            x=alt.X("utcyearmonthdate(day):T", title=None, axis=alt.Axis(format="%-d %b", tickCount=8)),
            y=alt.Y("orders:Q", title=_("Orders a day"), axis=alt.Axis(format=",d", tickMinStep=1)),
            tooltip=[alt.Tooltip("day:T", title=_("Day"), format="%-d %b %Y"),
                     alt.Tooltip("orders:Q", title=_("Orders"))],
        )
        .properties(width="container", height=160)
    )  # fmt: skip


def _reading(found: affecting.Preview) -> str:
    said = ngettext("%(orders)s order of %(customers)s customers.", "%(orders)s orders of %(customers)s customers.",
                    found.orders)  # fmt: skip
    return said % {"orders": f"{found.orders:,}", "customers": f"{found.customers:,}"}
