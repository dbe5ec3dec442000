"""The queue page, and what can be done with several cases at once."""

import uuid

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect
from django.shortcuts import render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST

from makegood.errors import MakegoodError
from makegood.ground.staff.access import needs
from makegood.ground.staff.models import User
from makegood.ground.staff.scope import visible_places
from makegood.ground.web.exports import csv_response
from makegood.recover.cases import services
from makegood.recover.cases.models import Severity, Status
from makegood.recover.cases.queries import queue as queries
from makegood.recover.cases.views.lines import lines


@needs("cases.see")
def queue(request: HttpRequest) -> HttpResponse:
    """One page. At most five SQL queries: who asks, their places, the rows, their number, what can be chosen."""
    me: User = request.user  # type: ignore[assignment]  # nobody anonymous gets here
    places = visible_places(me)
    filters = queries.Filters.read(request.GET)
    after = queries.Cursor.read(request.GET.get("after", ""))
    rows, following = queries.page(filters, me=me, places=places, after=after)
    # All on one page: counted already.
    number = queries.count(filters, me=me, places=places) if after or following else len(rows)
    facts = {
        "rows": rows, "filters": filters, "after": after, "following": following, "now": timezone.now(),
        "number": f"{queries.COUNT_UP_TO:,}+" if number > queries.COUNT_UP_TO else f"{number:,}",
        "choices": queries.choices(), "severities": dict(Severity.choices), "statuses": dict(Status.choices),
        "lines": lines,
    }  # fmt: skip
    return render(request, "cases/queue.html", facts)


@require_POST
@needs("cases.work")
def bulk(request: HttpRequest) -> HttpResponse:
    """Give the ticked cases to somebody, or take them. What cannot be done is said; the rest is done."""
    me: User = request.user  # type: ignore[assignment]
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
    done = 0
    for case_id in queries.visible(_ids(request.POST.getlist("case")), visible_places(me)):
        try:
            services.assign_case(case_id=case_id, to=to, by=me, now=timezone.now())
            done += 1
        except MakegoodError as refusal:
            messages.warning(request, str(refusal))
    name = to.display_name if to else gettext("nobody")
    if done:
        said = ngettext("%(number)d case is now with %(name)s.", "%(number)d cases are now with %(name)s.", done)
        messages.success(request, said % {"number": done, "name": name})
    return answer


def _ids(said: list[str]) -> list[uuid.UUID]:
    """What is an identifier among it; at most a page of them."""
    ids = []
    for text in said[: queries.PAGE]:
        try:
            ids.append(uuid.UUID(text))
        except ValueError:
            continue
    return ids


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
