import uuid

from django.contrib import messages as toasts
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from makegood.errors import NotFound
from makegood.ground.messages import notices
from makegood.ground.staff.access import signed_in
from makegood.ground.staff.http import StaffRequest
from makegood.ids import read_uuid


@signed_in
@require_GET
def listed(request: StaffRequest) -> HttpResponse:
    """What I was told, newest first. Two SQL queries: who asks, notices."""
    found = notices.notices(request.user, before=read_uuid(request.GET.get("before", "")))
    more, rows = len(found) > notices.PAGE, found[: notices.PAGE]
    context = {"rows": rows, "next": rows[-1].pk if more else None, "now": timezone.now()}
    return render(request, "messages/notices.html", context)


@signed_in
@require_POST
def opened(request: StaffRequest, notice_id: uuid.UUID) -> HttpResponse:
    """Mark a notice as read and lead to what it is about."""
    notice = notices.read_one(notice_id=notice_id, user=request.user, now=timezone.now())
    if notice is None:
        raise NotFound("There is no such notice.")
    return redirect(notice.link or "notices:list")


@signed_in
@require_POST
def read_all(request: StaffRequest) -> HttpResponse:
    """Mark everything as read that the page showed, and what is older."""
    until = read_uuid(request.POST.get("until", ""))
    if until:
        notices.read_all(user=request.user, until=until, now=timezone.now())
    return redirect("notices:list")


@signed_in
@require_POST
def by_mail(request: StaffRequest) -> HttpResponse:
    """Whether notices also come by e-mail."""
    user = request.user
    user.notices_by_mail = request.POST.get("wanted") == "yes"
    user.save(update_fields=["notices_by_mail"])
    toasts.success(
        request,
        _("Notices now also go to %(address)s.") % {"address": user.email}
        if user.notices_by_mail
        else _("Notices no longer come by e-mail."),
    )
    return redirect("notices:list")
