"""Webhooks: who is told what, and what became of each delivery."""

import uuid

from django import forms
from django.contrib import messages
from django.db.models import Count, Q
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from makegood.ground.api import webhooks
from makegood.ground.api.models import Delivery, Endpoint, Event
from makegood.ground.staff.access import needs
from makegood.ground.staff.http import StaffRequest
from makegood.ids import read_uuid

A_PAGE = 50


class EndpointForm(forms.Form):
    url = forms.URLField(label=gettext_lazy("Address"), max_length=500, assume_scheme="https")
    events = forms.MultipleChoiceField(
        label=gettext_lazy("Tell it when"), choices=Event.choices, widget=forms.CheckboxSelectMultiple,
        initial=[Event.OPENED, Event.RESOLVED],
    )  # fmt: skip


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@needs("staff.administer")
def endpoints(request: StaffRequest) -> HttpResponse:
    """All addresses that are told, and a form for another one. One SQL statement beside those of every page."""
    form = EndpointForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            made = webhooks.add_endpoint(
                url=form.cleaned_data["url"], events=form.cleaned_data["events"], by=request.user, now=timezone.now()
            )
        except webhooks.AddressNotAllowed as why:
            form.add_error("url", str(why))
        else:
            return redirect("webhook", made.pk)
    waiting = Count("deliveries", filter=Q(deliveries__status=Delivery.Status.WAITING))
    failed = Count("deliveries", filter=Q(deliveries__status=Delivery.Status.FAILED))
    rows = Endpoint.objects.annotate(waiting=waiting, failed=failed).order_by("-created_at")
    context = {"form": form, "rows": rows, "names": dict(Event.choices)}
    return render(request, "api/webhooks.html", context, status=422 if form.is_bound else 200)


@never_cache
@require_safe
@needs("staff.administer")
def deliveries(request: StaffRequest, endpoint_id: uuid.UUID) -> HttpResponse:
    """One address, its secret, and its deliveries, the newest first. Two SQL statements."""
    endpoint = _endpoint(endpoint_id)
    status, before = request.GET.get("status", ""), read_uuid(request.GET.get("before", ""))
    found = Delivery.objects.filter(endpoint=endpoint)
    if status in Delivery.Status.values:
        found = found.filter(status=status)
    if before:
        found = found.filter(pk__lt=before)
    rows = list(found.order_by("-pk")[: A_PAGE + 1])
    context = {
        "endpoint": endpoint, "secret": webhooks.secret_of(endpoint), "rows": rows[:A_PAGE], "status": status,
        "next": rows[A_PAGE - 1].pk if len(rows) > A_PAGE else None, "statuses": Delivery.Status.choices,
        "names": dict(Event.choices), "now": timezone.now(),
        "both_until": endpoint.rotated_at and endpoint.rotated_at + webhooks.FORMER_SECRET_SIGNS_FOR,
    }  # fmt: skip
    return render(request, "api/webhook.html", context)


@require_POST
@needs("staff.administer")
def rotate(request: StaffRequest, endpoint_id: uuid.UUID) -> HttpResponse:
    """A new secret; for a day deliveries are signed with both."""
    webhooks.rotate_secret(endpoint_id=endpoint_id, now=timezone.now())
    messages.success(request, _("This is the new secret. For a day each delivery is signed with the former one too."))
    return redirect("webhook", endpoint_id)


@require_POST
@needs("staff.administer")
def pause(request: StaffRequest, endpoint_id: uuid.UUID) -> HttpResponse:
    """Stop telling, or go on."""
    active = request.POST.get("active") == "on"
    webhooks.pause(endpoint_id=endpoint_id, active=active)
    messages.success(request, _("It is told again.") if active else _("It is told nothing new until you go on."))
    return redirect("webhook", endpoint_id)


@require_POST
@needs("staff.administer")
def remove(request: StaffRequest, endpoint_id: uuid.UUID) -> HttpResponse:
    """Stop for good; its deliveries go too."""
    _endpoint(endpoint_id).delete()
    messages.success(request, _("The webhook is removed."))
    return redirect("webhooks")


@require_POST
@needs("staff.administer")
def again(request: StaffRequest, delivery_id: uuid.UUID) -> HttpResponse:
    """Send a delivery once more."""
    webhooks.send_again(delivery_id=delivery_id, now=timezone.now())
    messages.success(request, _("On its way once more."))
    return redirect("webhook", Delivery.objects.values_list("endpoint_id", flat=True).get(pk=delivery_id))


def _endpoint(endpoint_id: uuid.UUID) -> Endpoint:
    endpoint = Endpoint.objects.filter(pk=endpoint_id).first()
    if endpoint is None:
        raise webhooks.EndpointNotFound
    return endpoint
