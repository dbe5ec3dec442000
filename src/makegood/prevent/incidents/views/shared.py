"""What the pages of this room share."""

from collections.abc import Callable

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django_htmx.http import HttpResponseClientRedirect

from makegood.errors import Conflict
from makegood.ground.staff.http import StaffRequest
from makegood.prevent.incidents.models import Incident


def asked(
    request: StaffRequest, form: forms.Form, *, title: str, address: str, button: str, incident: Incident,
    icon: str = "", problem: str = "", note: str = "",
) -> HttpResponse:  # fmt: skip
    """A form, for the dialog or as a page of its own; with what is wrong about it where it was sent."""
    facts = {"form": form, "title": title, "address": address, "button": button, "incident": incident, "note": note,
             "button_icon": icon, "problem": problem}  # fmt: skip
    template = "incidents/_act.html" if request.htmx else "incidents/act.html"
    return render(request, template, facts, status=422 if form.is_bound else 200)


def done(
    request: StaffRequest, write: Callable[[], object], *, says: str, to: str, again: Callable[[str], HttpResponse]
) -> HttpResponse:
    """Write and lead on; where it is refused ask again and say why."""
    try:
        write()
    except Conflict as why:
        return again(str(why))
    messages.success(request, says)
    return back_to(request, to)


def back_to(request: StaffRequest, address: str) -> HttpResponse:
    """The whole page anew: much of it may have changed."""
    return HttpResponseClientRedirect(address) if request.htmx else redirect(address)
