"""The customer page: who it is, and everything they went through with us, over all accounts of that person."""

import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from makegood.app.desk import past
from makegood.errors import Conflict
from makegood.ground.retail.models import Order
from makegood.ground.retail.queries import people
from makegood.ground.retail.services.people import join_accounts, keep_apart, part_accounts
from makegood.ground.staff.access import needs
from makegood.ground.staff.http import StaffRequest
from makegood.ground.staff.scope import visible_places
from makegood.ground.web.jinja import may
from makegood.recover.cases.models import Outcome, Status
from makegood.recover.cases.queries.glance import glance
from makegood.recover.cases.services.chains import judge_person_anew
from makegood.recover.cases.views.person import in_one_glance
from makegood.recover.commitments import panel
from makegood.recover.commitments.queries.case import of_person

CASES_SHOWN = 50


@require_safe
@needs("retail.see")
def customer(request: StaffRequest, customer_id: uuid.UUID) -> HttpResponse:
    """A person with accounts, orders, cases, promises and reviews, in eight SQL statements."""
    places, now = visible_places(request.user), timezone.now()
    shown = past.the_customer(customer_id, places=places)
    orders, following = past.orders_of(customer_id, places=places, after=past.Cursor.read(request.GET.get("after", "")))
    person = glance(customer_id, at=now, places=places, most=CASES_SHOWN)
    context = {
        "customer": shown, "orders": orders, "following": following, "is_first": "after" not in request.GET,
        "reviews": past.reviews_of(customer_id), "now": now, "accounts": people.links_of(customer_id),
        "likely": people.likely_same(customer_id) if may(request.user, "customers.merge") else [],
        "promises": of_person(customer_id, places=places), "outcomes": dict(Outcome.choices),
        "statuses": dict(Status.choices), "order_statuses": dict(Order.Status.choices),
        "channels": dict(Order.Channel.choices), **panel.WORDS, **in_one_glance(person, request.user, now),
    }  # fmt: skip
    return render(request, "desk/customer.html", context)


@require_safe
@needs("customers.merge")
def choose_account(request: StaffRequest, customer_id: uuid.UUID) -> HttpResponse:
    """Look for the other account of a person, and see what would come together."""
    places = visible_places(request.user)
    shown = past.the_customer(customer_id, places=places)
    text = request.GET.get("q", "").replace("\0", "").strip()[:200]
    try:
        other = past.the_customer(uuid.UUID(request.GET["other"]), places=places) if "other" in request.GET else None
    except ValueError:
        other = None
    context: dict[str, Any] = {"customer": shown, "other": other, "text": text, "now": timezone.now()}
    if other:
        context |= {"sides": past.sides(customer_id, other.id, places=places), "statuses": dict(Status.choices)}
    else:
        found = past.accounts_called(text, places=places) if text else []
        context["hits"] = [hit for hit in found if hit.id != customer_id]
        context["likely"] = people.likely_same(customer_id)
    return render(request, "desk/same_person.html", context)


@require_POST
@needs("customers.merge")
def same_person(request: StaffRequest, customer_id: uuid.UUID) -> HttpResponse:
    """Say that another account belongs to the same person."""

    def write(other: uuid.UUID) -> str:
        now = timezone.now()
        join_accounts(one=customer_id, other=other, by=request.user, now=now, why=request.POST.get("why", ""))
        judge_person_anew(customer_id, now=now)
        return _("Both accounts are one person now. Nothing was moved; you can take it back here.")

    return _said(request, customer_id, write)


@require_POST
@needs("customers.merge")
def not_same_person(request: StaffRequest, customer_id: uuid.UUID) -> HttpResponse:
    """Take an account away from a person, or say that two accounts never were one."""

    def write(other: uuid.UUID) -> str:
        if other in people.accounts_of(customer_id):
            part_accounts(one=customer_id, other=other, by=request.user, now=timezone.now())
            return _("They are two people again.")
        keep_apart(one=customer_id, other=other, by=request.user, now=timezone.now())
        return _("Two people, then. Nobody is asked again.")

    return _said(request, customer_id, write)


def _said(request: StaffRequest, customer_id: uuid.UUID, write: Callable[[uuid.UUID], str]) -> HttpResponse:
    """Write about two accounts that the reader sees, and go back to the first."""
    places = visible_places(request.user)
    past.the_customer(customer_id, places=places)
    try:
        other = past.the_customer(uuid.UUID(request.POST.get("other", "")), places=places)
        messages.success(request, write(other.id))
    except ValueError:
        messages.error(request, _("Choose an account."))
    except Conflict as why:
        messages.error(request, str(why))
    return redirect("customer", customer_id)
