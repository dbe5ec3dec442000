"""The public form: who wants to tell us what went wrong needs no account."""

from datetime import timedelta
from typing import Final

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from makegood.ground.staff.access import public
from makegood.ground.web.throttle import TooOften, address, spend
from makegood.recover.intake.forms import ContactForm
from makegood.recover.intake.services.webform import receive_form

_AT_MOST: Final = 10
_WITHIN: Final = timedelta(hours=1)


@public
@require_http_methods(["GET", "HEAD", "POST"])
def contact(request: HttpRequest) -> HttpResponse:
    """Ask what went wrong, and take it in. What is said afterwards is the same for everybody: it tells a guesser
    neither whether an address is known nor whether an order exists.
    """
    form = ContactForm(request.POST or None, request.FILES or None)
    if request.method != "POST" or not form.is_valid():
        return render(request, "intake/contact.html", {"form": form}, status=422 if form.is_bound else 200)
    now = timezone.now()
    try:
        spend("contact", address(request), limit=_AT_MOST, per=_WITHIN, now=now)
    except TooOften as why:
        form.add_error(None, str(why))
        return render(request, "intake/contact.html", {"form": form}, status=why.status)
    receive_form(form.told, form.attached, is_trap=bool(form.cleaned_data["website"]), now=now)
    return redirect("contact_thanks")


@public
@require_safe
def thanks(request: HttpRequest) -> HttpResponse:
    """What happens next."""
    return render(request, "intake/thanks.html")
