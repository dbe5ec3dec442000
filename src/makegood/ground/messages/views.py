import uuid

from django.contrib import messages as toasts
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from makegood.errors import NotFound
from makegood.ground.messages import queries, services
from makegood.ground.messages.models import Message
from makegood.ground.staff.access import needs
from makegood.ground.staff.http import StaffRequest
from makegood.ground.staff.scope import visible_places
from makegood.ground.web.exports import csv_response, every
from makegood.ids import read_uuid


@needs("messages.see")
@require_GET
def outbox(request: StaffRequest) -> HttpResponse:
    """What left the building, what waits, and what did not get through."""
    status = request.GET.get("status", "")
    if status not in Message.Status.values:
        status = ""
    places = visible_places(request.user)
    rows = queries.outbox(status=status, places=places, before=read_uuid(request.GET.get("before", "")))
    more = rows[queries.PAGE :]
    rows = rows[: queries.PAGE]
    context = {
        "rows": rows,
        "next": rows[-1]["id"] if more else None,
        "status": status,
        "statuses": Message.Status.choices,
        "counts": queries.not_delivered(places=places),
        "now": timezone.now(),
        "may_resend": request.user.has_perm("messages.resend"),
    }
    return render(request, "messages/outbox.html", context)


@needs("messages.see")
@require_GET
def export(request: StaffRequest) -> HttpResponseBase:
    """The list as a file, with the filter of the page."""
    status = request.GET.get("status", "")
    status = status if status in Message.Status.values else ""
    places = visible_places(request.user)
    rows = every(lambda before, limit: queries.outbox(status=status, places=places, before=before, limit=limit))
    return csv_response("outbox.csv", _HEAD, ([row[name] for name in _HEAD] for row in rows))


_HEAD = ("recipient", "subject", "status", "created_at", "due_at", "sent_at", "attempts", "last_error",
         "bounced_at", "bounce")  # fmt: skip


@needs("messages.resend")
@require_POST
def send_again(request: StaffRequest, message_id: uuid.UUID) -> HttpResponse:
    """Send a message that failed, or perhaps did, once more."""
    places = visible_places(request.user)
    visible = Message.objects.filter(pk=message_id)
    if places is not None:
        visible = visible.filter(place_id__in=places)
    if not visible.exists():
        raise NotFound("There is no such message, or it lies outside the part of the company that you see.")
    services.send_again(message_id=message_id, now=timezone.now())
    toasts.success(request, _("It will be sent again within a minute."))
    return redirect("messages:outbox")
