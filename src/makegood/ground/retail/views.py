"""Rows that could not be read, on the desk."""

import uuid
from typing import NamedTuple
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.views.decorators.http import require_POST

from makegood.errors import MakegoodError
from makegood.ground.retail.feed import Column, all_tables
from makegood.ground.retail.models import Reject
from makegood.ground.retail.queries.rejects import (
    RejectFilter,
    count_rejects,
    every_reject,
    feed_table,
    fields_of,
    get_reject,
    get_run,
    latest_runs,
    list_rejects,
)
from makegood.ground.retail.services.rejects import correct_reject, dismiss_reject, retry_all
from makegood.ground.staff.access import needs
from makegood.ground.web.exports import csv_response
from makegood.ids import read_uuid

PAGE = 50
LONG = 120  # characters from which on a value gets a box instead of a line


class Box(NamedTuple):
    """One field of the row to be corrected."""

    column: Column
    value: str


@needs("retail.settle_rejects")
def rejects(request: HttpRequest) -> HttpResponse:
    """The list. At most four SQL queries: who asks, the rows, their number, the imports to choose from."""
    wanted = _filter(request.GET)
    rows = list_rejects(wanted=wanted, before=read_uuid(request.GET.get("before", "")), limit=PAGE + 1)
    address = _address(wanted)
    following = f"{address}&before={rows[PAGE - 1].id}" if len(rows) > PAGE else ""
    facts = {
        "rows": rows[:PAGE], "number": count_rejects(wanted=wanted), "wanted": wanted, "address": address,
        "following": following, "paged": "before" in request.GET, "statuses": dict(Reject.Status.choices),
        "runs": latest_runs(), "tables": [table.name for table in all_tables()],
        "narrow": wanted != RejectFilter(status=Reject.Status.OPEN),
    }  # fmt: skip
    return render(request, "retail/rejects.html", facts)


@needs("retail.settle_rejects")
def reject(request: HttpRequest, reject_id: uuid.UUID) -> HttpResponse:
    """One row as it came, with its fields to correct; a POST submits them. Two SQL queries to show."""
    found = get_reject(reject_id)
    table = feed_table(found.table)
    if request.method == "POST" and table:
        given = {column.name: request.POST.get(column.name, "") for column in table.columns}
        try:
            found = correct_reject(reject=found, payload=given, now=timezone.now())
        except MakegoodError as refusal:
            messages.error(request, str(refusal))
            return redirect("rejects:reject", reject_id)
        if found.status == Reject.Status.CORRECTED:
            messages.success(request, gettext("The row is in."))
            return redirect("rejects:list")
        messages.warning(request, gettext("The row is still not right."))
    fields = fields_of(found)
    boxes = [Box(column, fields.get(column.name, "")) for column in table.columns] if table else []
    facts = {
        "reject": found, "boxes": boxes, "long": LONG, "split": any(fields.values()), "is_row": found.line is not None,
        "open": found.status == Reject.Status.OPEN,
    }  # fmt: skip
    return render(request, "retail/reject.html", facts)


@require_POST
@needs("retail.settle_rejects")
def dismiss(request: HttpRequest, reject_id: uuid.UUID) -> HttpResponse:
    """Leave the row out for good."""
    try:
        dismiss_reject(reject=get_reject(reject_id), now=timezone.now())
    except MakegoodError as refusal:
        messages.error(request, str(refusal))
        return redirect("rejects:reject", reject_id)
    messages.success(request, gettext("Dismissed. The row stays out."))
    return redirect("rejects:list")


@require_POST
@needs("retail.settle_rejects")
def retry(request: HttpRequest) -> HttpResponse:
    """Submit the open rejects of one import again."""
    run_id = read_uuid(request.POST.get("run", ""))
    if run_id is None:
        messages.error(request, gettext("Choose an import first. Nothing was submitted."))
        return redirect("rejects:list")
    try:
        retried = retry_all(run=get_run(run_id), now=timezone.now())
    except MakegoodError as refusal:
        messages.error(request, str(refusal))
    else:
        said = ngettext("%(number)d row is in", "%(number)d rows are in", retried.corrected)
        left = ngettext("%(number)d is still not right.", "%(number)d are still not right.", retried.open)
        messages.success(request, f"{said % {'number': retried.corrected}}, {left % {'number': retried.open}}")
    return redirect(f"{request.path.removesuffix('retry')}?{urlencode({'run': run_id})}")


@needs("retail.settle_rejects")
def export(request: HttpRequest) -> HttpResponseBase:
    """The list as a file, with the filters of the page."""
    rows = every_reject(wanted=_filter(request.GET))
    return csv_response("rejects.csv", _HEAD, ((r.table, r.file, r.line, r.reason, r.status, r.payload) for r in rows))


_HEAD = ("table", "file", "row", "reason", "status", "payload")


def _filter(given: QueryDict) -> RejectFilter:
    """What the address asks for; open ones unless it says otherwise."""
    status = given.get("status", Reject.Status.OPEN)
    return RejectFilter(
        run=read_uuid(given.get("run", "")),
        table=given.get("table", "").replace("\0", ""),
        status=status if status in Reject.Status.values else "",
    )


def _address(wanted: RejectFilter) -> str:
    return "?" + urlencode({"status": wanted.status or "all", "table": wanted.table, "run": wanted.run or ""})
