"""Customers over the API: one in a glance, which accounts are one person, whom to write to."""

import uuid
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from django.utils import timezone
from ninja import Field, Query, Router, Schema

from makegood.app.desk import past, reaching
from makegood.ground.api.auth import Holds
from makegood.ground.api.fields import Text
from makegood.ground.api.problems import Problem
from makegood.ground.retail.queries import people
from makegood.ground.retail.services.people import join_accounts, part_accounts
from makegood.ground.staff.http import StaffRequest
from makegood.ground.staff.scope import visible_places
from makegood.recover.cases.indicators import Indicator
from makegood.recover.cases.queries.glance import glance
from makegood.recover.cases.services.chains import judge_person_anew
from makegood.recover.cases.views.person import in_one_glance

router = Router(tags=["customers"])
MERGES = Holds("customers.merge")
REFUSALS: dict[Any, Any] = {401: Problem, 403: Problem, 404: Problem, 422: Problem}
WRITES = REFUSALS | {409: Problem}


class IndicatorOut(Schema):
    """A reason to look, never an accusation."""

    level: Literal["low", "raised", "high"]
    facts: list[str] = Field(description="What made it so, the weightiest first.")


class AccountOut(Schema):
    id: uuid.UUID
    ref: str
    name: str
    email: str
    source: str
    linked_by: str = Field(description="Who linked it by hand; empty: its source says so.")


class FailureOut(Schema):
    kind: str
    at: datetime
    case: str | None = Field(description="Number of the case about it; null: nobody has one.")
    order_id: uuid.UUID | None
    seller: str
    carrier: str
    warehouse: str


class CustomerOut(Schema):
    """A person, as seen from one of their accounts."""

    id: uuid.UUID
    ref: str
    name: str
    email: str
    loyalty_tier: str
    lifetime_value: Decimal | None
    currency: str
    accounts: list[AccountOut] = Field(description="The other accounts of the same person.")
    says: str = Field(description="What their failures in 12 months amount to; empty: nothing failed.")
    failures: list[FailureOut]
    chargeback_risk: IndicatorOut | None = Field(description="Null without the permission indicators.see.")
    repeat_claims: IndicatorOut | None = Field(description="Null without the permission, or where nothing is known.")


class ReachOutFilters(Schema):
    days: Literal[1, 3, 7, 14, 30] = 3
    kind: Literal["", "lost", "overdue", "late", "cancelled"] = ""
    tier: Text = Field("", max_length=40)
    after: Text = Field("", max_length=100, description="The `after` of the page before.")
    limit: int = Field(50, ge=1, le=200)


class ReachOutItem(Schema):
    order_id: uuid.UUID
    order_ref: str
    kind: str
    at: datetime
    value: Decimal
    currency: str
    customer_id: uuid.UUID
    customer: str
    email: str
    tier: str
    case: str | None


class ReachOutList(Schema):
    orders: list[ReachOutItem]
    after: str | None = Field(description="Give it as `after` to read on; null: that was all.")


class SamePersonIn(Schema):
    other: uuid.UUID = Field(description="The other account.")
    why: Text = Field("", max_length=300)


@router.get("/customers/reach-out", response={200: ReachOutList} | REFUSALS, auth=Holds("cases.see"),
            operation_id="list_reach_out", summary="Valued customers to write to")  # fmt: skip
def list_reach_out(request: StaffRequest, asked: Query[ReachOutFilters]) -> Any:
    """Failed orders of valued customers with whom nobody has spoken since, the highest value first."""
    rows, following = reaching.page(
        reaching.Filters(asked.days, asked.kind, asked.tier), places=visible_places(request.user), now=timezone.now(),
        after=reaching.Cursor.read(asked.after), limit=asked.limit,
    )  # fmt: skip
    return {
        "orders": [row._asdict() | {"case": f"C-{row.case}" if row.case else None} for row in rows],
        "after": str(following) if following else None,
    }


@router.get("/customers/{customer_id}", response={200: CustomerOut} | REFUSALS, auth=Holds("retail.see"),
            operation_id="get_customer", summary="A customer in one glance")  # fmt: skip
def get_customer(request: StaffRequest, customer_id: uuid.UUID) -> Any:
    """Who it is, which accounts are theirs, what failed within 12 months, and what speaks for caution."""
    return _customer(request, customer_id)


@router.post("/customers/{customer_id}/same-person", response={200: CustomerOut} | WRITES, auth=MERGES,
             operation_id="join_accounts", summary="Link two accounts of one person")  # fmt: skip
def join(request: StaffRequest, customer_id: uuid.UUID, said: SamePersonIn) -> Any:
    """Nothing moves: both accounts stay, and show together from now on. Can be taken back."""
    _require_seen(request, customer_id, said.other)
    now = timezone.now()
    join_accounts(one=customer_id, other=said.other, by=request.user, now=now, why=said.why)
    judge_person_anew(customer_id, now=now)
    return _customer(request, customer_id)


@router.post("/customers/{customer_id}/not-same-person", response={200: CustomerOut} | WRITES, auth=MERGES,
             operation_id="part_accounts", summary="Take a linked account away")  # fmt: skip
def part(request: StaffRequest, customer_id: uuid.UUID, said: SamePersonIn) -> Any:
    """Take `other` away from the person, whether a colleague linked it or its source did."""
    _require_seen(request, customer_id, said.other)
    part_accounts(one=customer_id, other=said.other, by=request.user, now=timezone.now())
    return _customer(request, customer_id)


def _require_seen(request: StaffRequest, *accounts: uuid.UUID) -> None:
    for account in accounts:
        past.the_customer(account, places=visible_places(request.user))


def _customer(request: StaffRequest, customer_id: uuid.UUID) -> dict[str, Any]:
    places, now = visible_places(request.user), timezone.now()
    shown = past.the_customer(customer_id, places=places)
    found = in_one_glance(glance(customer_id, at=now, places=places), request.user, now)
    return shown._asdict() | {
        "accounts": [link._asdict() for link in people.links_of(customer_id)],
        "says": found["says"],
        "failures": [
            {
                "kind": it.kind, "at": it.at, "case": f"C-{it.case}" if it.case else None, "order_id": it.order,
                "seller": it.seller, "carrier": it.carrier, "warehouse": it.warehouse,
            }
            for it in found["chain"] if not it.hidden
        ],
        "chargeback_risk": _said(found["risk"]), "repeat_claims": _said(found["repeats"]),
    }  # fmt: skip


def _said(indicator: Indicator | None) -> dict[str, Any] | None:
    return {"level": indicator.level, "facts": list(indicator.facts)} if indicator else None
