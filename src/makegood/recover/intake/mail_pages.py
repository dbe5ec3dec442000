"""The page of what came in by mail: each mail, what became of it, its original, and a way to take it in after all."""

import uuid

from django.contrib import messages
from django.http import FileResponse, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from makegood.ground.messages.files import storage
from makegood.ground.staff.access import needs
from makegood.ground.staff.http import StaffRequest
from makegood.ground.staff.scope import visible_places
from makegood.ground.web.exports import csv_response, every
from makegood.ids import read_uuid
from makegood.recover.intake.errors import MailNotFound
from makegood.recover.intake.models import Mail
from makegood.recover.intake.queries import mail as queries
from makegood.recover.intake.services.fetching import mailbox_of, with_mailbox
from makegood.recover.intake.services.mailing import take_in_anyway


@needs("messages.see")
@require_safe
def inbox(request: StaffRequest) -> HttpResponse:
    """What came in by mail, newest first, and how the mailboxes fare. Three SQL queries beside the reader's places."""
    status = request.GET.get("status", "")
    if status not in Mail.Status.values:
        status = ""
    places = visible_places(request.user)
    rows = queries.inbox(status=status, places=places, before=read_uuid(request.GET.get("before", "")))
    more, rows = rows[queries.PAGE :], rows[: queries.PAGE]
    context = {
        "rows": rows,
        "next": rows[-1]["id"] if more else None,
        "status": status,
        "statuses": Mail.Status.choices,
        "counts": queries.left_out(places=places),
        "mailboxes": queries.mailboxes([mailbox_of(brand) for brand in with_mailbox()]),
    }
    return render(request, "intake/inbox.html", context)


@needs("messages.see")
@require_safe
def export(request: StaffRequest) -> HttpResponseBase:
    """The list as a file, with the filter of the page."""
    status = request.GET.get("status", "")
    status = status if status in Mail.Status.values else ""
    places = visible_places(request.user)
    rows = every(lambda before, limit: queries.inbox(status=status, places=places, before=before, limit=limit))
    return csv_response("mail.csv", _HEAD, ([row[name] for name in _HEAD] for row in rows))


_HEAD = ("came_at", "sender", "subject", "status", "why", "size", "mailbox", "case__number")


@needs("messages.see")
@require_safe
def original(request: StaffRequest, mail_id: uuid.UUID) -> FileResponse:
    """A mail byte by byte as it came, as a download that no browser opens."""
    mail = queries.the_mail(mail_id, places=visible_places(request.user))
    if not mail.key:
        raise MailNotFound
    answer = FileResponse(
        storage().open(mail.key), as_attachment=True, filename=f"{mail.pk}.eml", content_type="application/octet-stream"
    )
    answer["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return answer


@needs("messages.see")
@require_POST
def take_in(request: StaffRequest, mail_id: uuid.UUID) -> HttpResponse:
    """Make a contact of a mail that was left out."""
    mail = queries.the_mail(mail_id, places=visible_places(request.user))
    taken = take_in_anyway(mail=mail, now=timezone.now())
    messages.success(request, taken.why)
    return redirect("mail:inbox")
