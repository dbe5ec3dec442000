"""Lost parcels of one carrier: a slice, its cases, and the people who answer for it."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from makegood.ground.retail.models import Vendor
from makegood.ground.staff.models import User
from makegood.prevent.incidents.models import Incident
from makegood.prevent.incidents.services import Declared, declare
from makegood.prevent.signals.models import Signal, SignalCase
from makegood.prevent.slices import Predicate
from makegood.recover.cases.models import Case
from tests import factories

LOST = "delivery.not_received"


@pytest.fixture
def dev(db: None) -> User:
    return factories.colleague("dev")


@pytest.fixture
def mia(db: None) -> User:
    return factories.colleague("mia")


@pytest.fixture
def ana(db: None) -> User:
    return factories.colleague("ana")


@pytest.fixture
def marlbeck(db: None) -> Vendor:
    return factories.VendorFactory(name="Marlbeck")


@pytest.fixture
def lost(marlbeck: Vendor, noon: datetime) -> Callable[..., Case]:
    """A case about a parcel of Marlbeck's that did not arrive; `carrier` and `reason` may be others."""

    def make(*, carrier: Vendor = marlbeck, reason: str = LOST, days: float = 0, **details: Any) -> Case:
        order = factories.OrderFactory(placed_at=noon - timedelta(days=3 - days))
        factories.OrderLineFactory(order=order)
        parcel = factories.ShipmentFactory(order=order, carrier=carrier)
        at = noon + timedelta(days=days)
        return factories.open_case(order=order, reason=reason, at=at, shipment_id=parcel.pk, **details)

    return make


@pytest.fixture
def predicate(marlbeck: Vendor, noon: datetime) -> Predicate:
    return Predicate(any_of={"carrier": [str(marlbeck.pk)], "reason": [LOST]}, since=noon - timedelta(days=10))


@pytest.fixture
def incident(predicate: Predicate, lost: Callable[..., Case], dev: User, noon: datetime) -> Incident:
    """Declared with one case."""
    it = Declared(title="Lost parcels", commander=dev, predicate=predicate, case_ids=[lost().pk])
    return declare(it, by=dev, now=noon)


@pytest.fixture
def signal(marlbeck: Vendor, lost: Callable[..., Case], noon: datetime) -> Signal:
    cases = [lost(), lost()]
    found = Signal.objects.create(
        slice={"carrier": str(marlbeck.pk), "reason": LOST}, since=noon - timedelta(days=5), raised_at=noon,
        updated_at=noon, observed=38, expected=9.2, excess_low=19.0, excess_high=41.5, evidence=12.0,
    )  # fmt: skip
    SignalCase.objects.bulk_create([SignalCase(case=case, signal=found, at=noon) for case in cases])
    found.refresh_from_db()
    return found


def cases_of(incident: Incident) -> set[int]:
    return set(incident.linked.values_list("case__number", flat=True))
