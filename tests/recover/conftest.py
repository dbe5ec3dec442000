"""A small world for the rooms that work cases: two colleagues, a customer with an order, and a way to open cases."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from makegood.ground.retail.models import Customer, Order, Source
from makegood.ground.staff.models import Role, User
from makegood.recover.cases.models import Case
from makegood.recover.cases.services import FirstContact, NewCase, open_cases, plant_defaults


@pytest.fixture
def tree(db: None) -> None:
    plant_defaults()


@pytest.fixture
def ana(db: None) -> User:
    return User.objects.create_user("ana", "ana@example.com", first_name="Ana", role=Role.SPECIALIST)


@pytest.fixture
def ben(db: None) -> User:
    return User.objects.create_user("ben", "ben@example.com", first_name="Ben", role=Role.SPECIALIST)


@pytest.fixture
def shop(db: None) -> Source:
    return Source.objects.create(slug="shop", name="Shop", time_zone="Europe/London", currency="GBP")


@pytest.fixture
def maria(shop: Source) -> Customer:
    return Customer.objects.create(source=shop, ref="K-1", name="Maria Silva", email="maria@example.com")


@pytest.fixture
def order(shop: Source, maria: Customer, noon: datetime) -> Order:
    return Order.objects.create(
        source=shop, ref="1001", customer=maria, status=Order.Status.SHIPPED, placed_at=noon, total=80, currency="GBP"
    )


@pytest.fixture
def make_case(tree: None, maria: Customer, order: Order, noon: datetime) -> Callable[..., Case]:
    """Open a case about Maria's order, as her e-mail would."""

    def make(**details: Any) -> Case:
        told = {
            "reason": "delivery.not_received", "subject": "Where is my parcel", "why": "Maria wrote.", "at": noon,
            "customer_id": maria.pk, "order_id": order.pk, "value": order.total, "currency": "GBP",
            "contact": FirstContact(channel="email", author="maria@example.com", body="My parcel never arrived."),
        }  # fmt: skip
        [case] = open_cases([NewCase(**told | details)])
        return Case.objects.get(pk=case.pk)

    return make
