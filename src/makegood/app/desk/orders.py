"""The order page, and the way to open a case by hand."""

import uuid

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from makegood.app.desk import past
from makegood.ground.retail.errors import OrderNotFound
from makegood.ground.retail.journey import journey
from makegood.ground.retail.models import Order
from makegood.ground.retail.queries.orders import Purchase, purchase
from makegood.ground.staff.access import needs
from makegood.ground.staff.http import StaffRequest
from makegood.ground.staff.scope import visible_places
from makegood.recover.cases.forms import OpenForm
from makegood.recover.cases.models import Case, Channel, Outcome, Status
from makegood.recover.cases.queries.case import reasons_to_choose
from makegood.recover.cases.services import FirstContact, NewCase, add_note, open_cases


@require_safe
@needs("retail.see")
def order(request: StaffRequest, order_id: uuid.UUID) -> HttpResponse:
    """An order with its parcels, payments, returns, reviews and cases, in three SQL statements."""
    shown, buyer = _order(request, order_id)
    now = timezone.now()
    context = {
        "order": shown, "buyer": buyer, "now": now,
        "ways": [(parcel, journey(shown, parcel, now)) for parcel in (shown.parcels or (None,))],
        "cases": past.cases_of_order(order_id, places=visible_places(request.user)),
        "outcomes": dict(Outcome.choices), "statuses": dict(Status.choices),
        "status": Order.Status(shown.status).label, "channel": Order.Channel(shown.channel).label,
    }  # fmt: skip
    return render(request, "desk/order.html", context)


@needs("cases.work")
def open_a_case(request: StaffRequest, order_id: uuid.UUID) -> HttpResponse:
    """Open a case about an order: from what the customer says, or because we found it."""
    shown, buyer = _order(request, order_id)
    form = OpenForm(request.POST or None)
    problem, existing = "", None
    if request.method == "POST" and form.is_valid():
        number = _open(request, shown, buyer, form)
        if number:
            messages.success(request, _("Case C-%(number)s is open.") % {"number": number})
            return redirect("cases:case", number)
        # The constraint that decided says which: one open case per customer, order and reason.
        existing = Case.objects.filter(
            customer_id=buyer.id, order_id=shown.id, reason__code=form.cleaned_data["reason"], resolved_at=None
        ).values_list("number", flat=True).first()  # fmt: skip
        problem = _("There is already an open case for this order and reason. Work on that one.")
    context = {"order": shown, "buyer": buyer, "form": form, "groups": reasons_to_choose(), "problem": problem,
               "existing": existing, "channels": Channel.choices}  # fmt: skip
    return render(request, "desk/order_case.html", context, status=409 if problem else 422 if form.errors else 200)


def _order(request: StaffRequest, order_id: uuid.UUID) -> tuple[Purchase, past.Buyer]:
    buyer = past.buyer_of(order_id, places=visible_places(request.user))
    shown = purchase(order_id)
    if shown is None:
        raise OrderNotFound
    return shown, buyer


def _open(request: StaffRequest, shown: Purchase, buyer: past.Buyer, form: OpenForm) -> int | None:
    """The number of the new case; None where one is open already."""
    given, now = form.cleaned_data, timezone.now()
    contact = None
    if given["channel"] and given["body"].strip():
        contact = FirstContact(
            channel=given["channel"], author=buyer.name, subject=given["subject"], body=given["body"]
        )
    opened = open_cases([
        NewCase(
            reason=given["reason"], subject=given["subject"], at=now, contact=contact,
            why=_("Opened by hand by %(who)s.") % {"who": request.user.display_name},
            customer_id=buyer.id, order_id=shown.id, shipment_id=shown.parcels[0].id if shown.parcels else None,
            place_id=shown.place_id, loyalty_tier=buyer.loyalty_tier, value=shown.total, currency=shown.currency,
            failed=shown.lines[0].product if len(shown.lines) == 1 else "",
        )
    ])  # fmt: skip
    if not opened:
        return None
    if contact is None and given["body"].strip():
        add_note(case_id=opened[0].pk, body=given["body"], by=request.user, now=now)
    return int(opened[0].number)
