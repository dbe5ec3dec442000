"""Making an outreach ready, starting it, stopping it."""

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, NamedTuple

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from makegood.errors import MakegoodError
from makegood.ground.staff.access import needs
from makegood.ground.staff.http import StaffRequest
from makegood.ground.staff.models import User
from makegood.prevent.incidents.queries.listing import find_incident
from makegood.prevent.outreach import queries, services
from makegood.prevent.outreach.errors import SegmentNotFound
from makegood.prevent.outreach.forms import OutreachForm, SegmentForm, first_for, first_of
from makegood.prevent.outreach.wording import FIELDS


@needs("outreach.send")
def new(request: StaffRequest, incident: int) -> HttpResponse:
    """A draft for an incident."""
    about = find_incident(incident)
    form = OutreachForm(request.POST if request.method == "POST" else None, initial=first_for(about))
    back = reverse("incidents:incident", args=[incident])
    if request.method == "POST" and form.is_valid():
        try:
            made = services.make(
                incident_number=incident, by=request.user, now=timezone.now(), **form.cleaned_data
            )  # fmt: skip
        except MakegoodError as why:
            return _form(request, form, _("New outreach"), back, str(why), why.status)
        return redirect("outreach:new_segment", made.number)
    return _form(request, form, _("New outreach for I-%(number)s") % {"number": incident}, back)


@needs("outreach.send")
def edit(request: StaffRequest, number: int) -> HttpResponse:
    """What holds for the whole of it."""
    outreach = queries.outreach_called(number)
    form = OutreachForm(request.POST if request.method == "POST" else None, initial=first_of(outreach))
    back = reverse("outreach:one", args=[number])
    if request.method == "POST" and form.is_valid():
        try:
            services.change(outreach_id=outreach.pk, **form.cleaned_data)
        except MakegoodError as why:
            return _form(request, form, str(outreach), back, str(why), why.status)
        return redirect(back)
    return _form(request, form, str(outreach), back)


@needs("outreach.send")
def segment(request: StaffRequest, number: int, segment_id: uuid.UUID | None = None) -> HttpResponse:
    """One segment: whom it is for, what they read, what they are offered."""
    outreach = queries.outreach_called(number)
    known = outreach.segments.filter(pk=segment_id).first() if segment_id else None
    if segment_id and known is None:
        raise SegmentNotFound
    form = SegmentForm(request.POST if request.method == "POST" else None, segment=known)
    back = reverse("outreach:one", args=[number])
    title = known.name if known else _("New segment")
    if request.method == "POST" and form.is_valid():
        try:
            services.save_segment(outreach_id=outreach.pk, segment_id=segment_id, given=form.columns())
        except MakegoodError as why:
            return _form(request, form, title, back, str(why), why.status, fields=FIELDS)
        return redirect(back)
    return _form(request, form, title, back, fields=FIELDS)


@require_POST
@needs("outreach.send")
def remove_segment(request: StaffRequest, number: int, segment_id: uuid.UUID) -> HttpResponse:
    """Take a segment out of a draft."""
    services.remove_segment(outreach_id=queries.outreach_called(number).pk, segment_id=segment_id)
    messages.success(request, _("Taken out."))
    return redirect("outreach:one", number)


# -- what can be done to it as a whole: each says in one sentence what became of it


class Doing(NamedTuple):
    """To which outreach something is done, by whom, when and why."""

    outreach_id: uuid.UUID
    by: User
    now: datetime
    why: str

    @property
    def plain(self) -> dict[str, Any]:
        return {"outreach_id": self.outreach_id, "by": self.by, "now": self.now}


def _draw(it: Doing) -> str:
    services.ask_to_draw(outreach_id=it.outreach_id, now=it.now)
    return _("Who is told is being worked out. Nothing leaves by that.")


def _start(it: Doing) -> str:
    services.start(**it.plain)
    return _("Started. The first messages leave now.")


def _ask(it: Doing) -> str:
    services.ask_approval(**it.plain, why=it.why)
    return _("Asked for approval. Nothing leaves until somebody else approves.")


def _approve(it: Doing) -> str:
    services.approve(**it.plain)
    return _("Approved and started.")


def _send_back(it: Doing) -> str:
    services.send_back(**it.plain, why=it.why)
    return _("A draft again.")


def _stop(it: Doing) -> str:
    left = services.stop(**it.plain, why=it.why)
    says = _("Stopped. %(told)s had left, %(back)s were taken back before they left.") % {
        "told": f"{left.told:,}", "back": f"{left.taken_back:,}"}  # fmt: skip
    if left.under_way:
        says += " " + ngettext(
            "%(n)s was being handed over at that moment and may arrive.",
            "%(n)s were being handed over at that moment and may arrive.", left.under_way,
        ) % {"n": left.under_way}  # fmt: skip
    return says


def _resume(it: Doing) -> str:
    services.resume(**it.plain)
    return _("It goes on where it was stopped.")


def _add(it: Doing) -> str:
    added = services.add_found(**it.plain)
    return ngettext("%(n)s person found since is told, too.", "%(n)s people found since are told, too.", added) % {
        "n": f"{added:,}"}  # fmt: skip


def _end(it: Doing) -> str:
    services.end(**it.plain, why=it.why)
    return _("Ended for good. Whoever was not told is not told.")


DEEDS: Final[dict[str, Callable[[Doing], str]]] = {
    "draw": _draw, "start": _start, "ask": _ask, "approve": _approve, "send-back": _send_back, "stop": _stop,
    "resume": _resume, "add": _add, "end": _end,
}  # fmt: skip


@require_POST
@needs("outreach.send")
def act(request: StaffRequest, number: int, deed: str) -> HttpResponse:
    """Do one of `DEEDS` and say what became of it, or why nothing was done."""
    if deed not in DEEDS:
        raise Http404
    outreach = queries.outreach_called(number)
    why = request.POST.get("why", "").replace("\0", "")[:500]
    try:
        says = DEEDS[deed](Doing(outreach.pk, request.user, timezone.now(), why))
    except MakegoodError as problem:
        messages.error(request, str(problem))
    else:
        messages.success(request, says)
    return redirect("outreach:one", number)


def _form(
    request: StaffRequest, form: Any, title: str, back: str, problem: str = "", status: int = 0, **more: Any
) -> HttpResponse:
    facts = {"form": form, "title": title, "back": back, "problem": problem, "fields": {}} | more
    return render(request, "outreach/form.html", facts, status=status or (422 if form.is_bound else 200))
