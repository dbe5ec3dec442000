"""The queue page, and what can be done with several cases at once."""

import uuid

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext
from django.views.decorators.http import require_POST

from makegood.ground.staff.access import needs
from makegood.ground.staff.http import StaffRequest
from makegood.ground.staff.models import User
from makegood.ground.staff.scope import visible_places
from makegood.ground.web.exports import csv_response
from makegood.recover.cases import services
from makegood.recover.cases.errors import ViewTooLong
from makegood.recover.cases.models import Batch, SavedView, Severity, Status
from makegood.recover.cases.queries import queue as queries
from makegood.recover.cases.views.lines import lines
from makegood.recover.cases.views.many import ids, led_back, of_page


@needs("cases.see")
def queue(request: StaffRequest) -> HttpResponse:
    """One page. At most four SQL queries: who asks, the rows, their number, what can be chosen.

    Two more after something was done to many cases, to say what became of it.
    """
    me = request.user
    places = visible_places(me)
    filters = queries.Filters.read(request.GET)
    after = queries.Cursor.read(request.GET.get("after", ""))
    rows, following = queries.page(filters, me=me, places=places, after=after)
    # All on one page: counted already.
    number = queries.count(filters, me=me, places=places) if after or following else len(rows)
    facts = {
        "rows": rows, "filters": filters, "after": after, "following": following, "now": timezone.now(),
        "number": f"{queries.COUNT_UP_TO:,}+" if number > queries.COUNT_UP_TO else f"{number:,}",
        "choices": queries.choices(me), "severities": dict(Severity.choices), "statuses": dict(Status.choices),
        "lines": lines, **of_page(request),
    }  # fmt: skip
    return render(request, "cases/queue.html", facts)


class ViewForm(forms.Form):
    name = forms.CharField(max_length=40)
    shared = forms.BooleanField(required=False)


@require_POST
@needs("cases.see")
def save_view(request: StaffRequest) -> HttpResponse:
    """Keep the filters of the page under a name; the same name again replaces what it stood for."""
    filters, form = queries.Filters.read(request.GET), ViewForm(request.POST)
    if not form.is_valid():
        messages.error(request, gettext("A view needs a name of up to 40 letters."))
        return HttpResponseRedirect(reverse("cases:queue") + filters.address())
    given = form.cleaned_data
    try:
        services.save_view(owner=request.user, name=given["name"], filters=filters, shared=given["shared"])
    except ViewTooLong as why:
        messages.error(request, str(why))
    else:
        messages.success(request, gettext("Saved. It stands above the list from now on."))
    return HttpResponseRedirect(reverse("cases:queue") + filters.address())


@require_POST
@needs("cases.see")
def remove_view(request: StaffRequest, view_id: uuid.UUID) -> HttpResponse:
    """Forget a view of one's own."""
    SavedView.objects.filter(pk=view_id, owner=request.user).delete()
    return HttpResponseRedirect(reverse("cases:queue"))


@require_POST
@needs("cases.work")
def bulk(request: StaffRequest) -> HttpResponse:
    """Give the ticked cases to somebody, or take them. What cannot be done is said; the rest is done."""
    me, now = request.user, timezone.now()
    to = (
        me
        if "take" in request.POST
        else User.objects.filter(username=request.POST.get("to", ""), is_active=True).first()
    )
    back = request.POST.get("back", "")
    answer = HttpResponseRedirect(back if url_has_allowed_host_and_scheme(back, None) else "/cases/")
    if to is None and request.POST.get("to") != "nobody":
        messages.error(request, gettext("Choose who takes them. Nothing was changed."))
        return answer
    chosen = queries.visible(ids(request.POST.getlist("case")), visible_places(me))
    if not chosen:
        return answer
    batch = services.start_batch(
        action=Batch.Action.ASSIGN, cases=chosen, by=me, now=now,
        asked={"to": str(to.pk) if to else "", "who": to.display_name if to else ""},
    )  # fmt: skip
    services.run_batch(batch_id=batch.pk, now=now)
    return HttpResponseRedirect(led_back(answer["Location"], batch))


@needs("cases.export")
def export(request: HttpRequest) -> HttpResponseBase:
    """The list as a file, with the filters of the page. Two SQL queries and one per thousand rows."""
    me: User = request.user  # type: ignore[assignment]
    rows = queries.every(queries.Filters.read(request.GET), me=me, places=visible_places(me))
    return csv_response("cases.csv", _HEAD, (_line(row) for row in rows))


_HEAD = ("case", "status", "severity", "due_at", "opened_at", "customer", "loyalty_tier", "reason", "what_failed",
         "subject", "order", "last_contact_at", "last_contact_by", "value", "currency", "assignee")  # fmt: skip


def _line(row: queries.Row) -> tuple[object, ...]:
    return (f"C-{row.number}", row.status, row.severity, row.due_at, row.opened_at, row.customer, row.tier, row.reason,
            row.failed, row.subject, row.order_ref, row.last_contact_at, row.last_contact_by, row.value, row.currency,
            row.assignee)  # fmt: skip
