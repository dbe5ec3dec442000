"""The customer page: who it is, and everything they went through with us."""

import uuid

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from makegood.app.desk import past
from makegood.ground.retail.models import Order
from makegood.ground.staff.access import needs
from makegood.ground.staff.http import StaffRequest
from makegood.ground.staff.scope import visible_places
from makegood.recover.cases.models import Outcome, Status
from makegood.recover.cases.queries.case import failure_chain
from makegood.recover.cases.views.case import nth_failure

CASES_SHOWN = 50


@require_safe
@needs("retail.see")
def customer(request: StaffRequest, customer_id: uuid.UUID) -> HttpResponse:
    """A customer with orders, cases and reviews, in four SQL statements."""
    places, now = visible_places(request.user), timezone.now()
    shown = past.the_customer(customer_id, places=places)
    orders, following = past.orders_of(customer_id, places=places, after=past.Cursor.read(request.GET.get("after", "")))
    chain = failure_chain(
        customer_id, person_ref=shown.person_ref, source_id=shown.source_id, at=now, places=places, most=CASES_SHOWN
    )
    context = {
        "customer": shown, "orders": orders, "following": following, "is_first": "after" not in request.GET,
        "chain": chain, "nth": nth_failure(chain.in_a_year), "reviews": past.reviews_of(customer_id), "now": now,
        "outcomes": dict(Outcome.choices), "statuses": dict(Status.choices),
        "order_statuses": dict(Order.Status.choices), "channels": dict(Order.Channel.choices),
    }  # fmt: skip
    return render(request, "desk/customer.html", context)
