"""One press of a button: what a customer wrote is about something else and gets a case of its own."""

from django import forms
from django.http import HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from makegood.errors import Conflict
from makegood.ground.staff.access import needs
from makegood.ground.staff.http import StaffRequest
from makegood.ground.web.middleware import refusal
from makegood.recover.cases.errors import NotInThisCase
from makegood.recover.cases.forms import OnCase
from makegood.recover.cases.services.taking_out import take_out
from makegood.recover.cases.views.case import Toast, _answer, _case


class TakeOutForm(OnCase):
    contact = forms.UUIDField()


@require_POST
@needs("cases.work")
def taking_out(request: StaffRequest, number: int) -> HttpResponse:
    """Start a new case with a contact that intake put to this one by a guess."""
    shown, form = _case(request, number), TakeOutForm(request.POST)
    if not form.is_valid():
        return refusal(request, NotInThisCase(number))
    given = form.cleaned_data
    try:
        new = take_out(case_id=shown.id, contact_id=given["contact"], by=request.user, now=timezone.now())
    except Conflict as why:
        return refusal(request, why)
    says = _("C-%(number)s is a case of its own now.") % {"number": new.number}
    return _answer(request, shown, form, Toast(says=says, href=reverse("cases:case", args=[new.number])))
