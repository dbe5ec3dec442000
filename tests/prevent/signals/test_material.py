"""What the detector is given: every purchase and every case once, whenever they were written."""

import random
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pyarrow as pa
import pytest
from django.utils import timezone

from makegood.ground.retail.models import Order, Shipment
from makegood.prevent.signals.queries import material
from makegood.prevent.signals.services import keeping
from makegood.recover.cases.models import Case, CaseEvent, Reason
from makegood.recover.cases.services import change_reason
from makegood.recover.cases.services.timeline import record
from tests.factories import (
    NOON,
    CustomerFactory,
    OrderFactory,
    PlaceFactory,
    SourceFactory,
    VendorFactory,
    colleague,
    open_case,
)

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
DIMENSIONS = ["reason", "carrier", "to_state", "store", "channel"]


def written(moment: datetime, dice: random.Random) -> uuid.UUID:
    """An identifier as it is given at a moment (UUIDv7)."""
    low = material.written_at(moment).int | 7 << 76 | 2 << 62 | dice.getrandbits(60)
    return uuid.UUID(int=low)


@pytest.fixture
def dice():
    return random.Random(11)


@pytest.fixture
def shop(db, dice):
    """Orders written over five days: in a store, sent after a while, sent twice, or never sent."""
    customer, carrier, store, source = CustomerFactory(), VendorFactory(), PlaceFactory(), SourceFactory()
    for n in range(120):
        at = NOON + dice.randrange(5 * 24 * 60) * timedelta(minutes=1)
        kind = dice.choice(["store", "sent", "sent twice", "never"])
        order = OrderFactory(
            id=written(at, dice), customer=customer, placed_at=at - dice.randrange(48) * HOUR, ref=f"o{n}",
            place=store if kind == "store" else None,
        )  # fmt: skip
        for parcel in range({"sent": 1, "sent twice": 2}.get(kind, 0)):
            sent = at + dice.randrange(80) * HOUR
            Shipment.objects.create(
                id=written(sent, dice), source=source, ref=f"t{n}-{parcel}", order=order, carrier=carrier, to_state="X"
            )


def counts_from(order: Order) -> datetime:
    """When a purchase begins to count, told plainly."""
    came = _moment(order.pk)
    if order.place_id:
        return came
    sent = [_moment(it.pk) for it in order.shipments.all()]
    return max(came, min([*sent, came + material.SETTLED_AFTER]))


def _moment(key: uuid.UUID) -> datetime:
    return datetime.fromtimestamp((key.int >> 80) / 1000, UTC)


@pytest.mark.parametrize("hours", [1, 7, 49, 24 * 9])
def test_every_purchase_is_given_once_at_the_look_after_it_began_to_count(shop, hours):
    looks = [NOON + n * hours * HOUR for n in range(-1, 9 * 24 // hours + 2)]
    orders = list(Order.objects.prefetch_related("shipments"))
    for since, until in pairwise(looks):
        given = material.fresh_exposures(DIMENSIONS, written_since=since, written_before=until)
        # Identifiers know milliseconds, and so do bounds.
        expected = [it for it in orders if since <= counts_from(it) < until]
        assert Counter(given["at"].to_pylist()) == Counter(it.placed_at for it in expected)
    assert looks[-1] > max(map(counts_from, orders))


def test_what_is_not_known_is_null(shop):
    given = material.fresh_exposures(DIMENSIONS, written_since=NOON - HOUR, written_before=NOON + 9 * 24 * HOUR)
    assert given.column_names == ["at", "carrier", "to_state", "store", "channel"]
    values = {name: set(given[name].to_pylist()) for name in ("to_state", "store")}
    assert values["to_state"] == {"X", None}
    assert None in values["store"]
    assert "" not in values["store"]


def test_cases_are_given_once_and_never_before_the_look_that_found_them(db, dice):
    looks = [NOON + n * HOUR for n in range(6)]
    for _ in range(30):
        came = NOON + dice.randrange(5 * 60) * timedelta(minutes=1)
        opened = came - dice.choice([timedelta(0), timedelta(0), dice.randrange(100) * HOUR])
        case = open_case(at=opened)
        Case.objects.filter(pk=case.pk).update(origin=f"x:{case.pk}")
        _rewrite(case, written(came, dice))
    seen = []
    for since, until in pairwise(looks):
        given = material.fresh_cases(DIMENSIONS, after=since, until=until, written_since=since, written_before=until)
        for row in given.to_pylist():
            assert since < row["reported_at"] <= until
            assert row["reason"]
            seen.append(row["case_id"])
        assert given["reported_at"].to_pylist() == sorted(given["reported_at"].to_pylist())
    assert sorted(seen) == sorted(str(pk) for pk in Case.objects.values_list("pk", flat=True))


def _rewrite(case: Case, key: uuid.UUID) -> None:
    """Give a case the identifier that it would have had, with what hangs on it."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        cursor.execute("SET session_replication_role = replica")
        for table in ("cases_caseevent", "cases_contact"):
            cursor.execute(f"UPDATE {table} SET case_id = %s WHERE case_id = %s", [key, case.pk])
        cursor.execute("UPDATE cases_case SET id = %s WHERE id = %s", [key, case.pk])
        cursor.execute("SET session_replication_role = DEFAULT")


def test_a_look_reads_what_is_new_whatever_there_is(shop, django_assert_num_queries):
    with django_assert_num_queries(1):
        material.fresh_exposures(DIMENSIONS, written_since=NOON, written_before=NOON + HOUR)
    with django_assert_num_queries(1):
        material.fresh_cases(DIMENSIONS, after=NOON, until=NOON + HOUR, written_since=NOON, written_before=NOON + HOUR)


def test_an_identifier_says_when_it_was_given(dice):
    for _ in range(50):
        at = NOON + dice.randrange(10**9) * timedelta(milliseconds=1)
        key = written(at, dice)
        assert key.version == 7
        assert material.written_at(at) <= key < material.written_at(at + timedelta(milliseconds=1))


def test_a_case_is_told_again_when_its_reason_is_corrected(shop):
    then, (first, second, third, *_) = NOON + timedelta(days=6), Order.objects.order_by("ref")
    case, same = open_case(order=first, at=then), open_case(order=second, reason="store.price", at=then)
    by_itself = open_case(order=third, reason="delivery.overdue", at=then)
    late = Reason.objects.get(code="delivery.late")
    record(by_itself, CaseEvent.Kind.REASON, at=then + HOUR, by=None, why="It came.", changes={"reason_id": late.pk})
    ana = colleague("ana")
    change_reason(case_id=case.pk, reason="product.damaged", by=ana, now=then + 3 * HOUR)
    change_reason(case_id=same.pk, reason="store.price", by=ana, now=then + 3 * HOUR)

    bounds = {"since": then, "written_before": timezone.now() + HOUR}
    told = [
        (row["case_id"], row["reported_at"], row["reason"], row["corrected"])
        for *_, cases in material.past(DIMENSIONS, until=then + timedelta(days=30), **bounds)
        for row in cases.to_pylist()
    ]

    opened = {(str(case.pk), then, "delivery.not_received", None), (str(same.pk), then, "store.price", None)}
    opened.add((str(by_itself.pk), then, "delivery.overdue", None))
    assert set(told[:3]) == opened
    assert told[3:] == [(str(case.pk), then + 3 * HOUR, "product.damaged", "reason")]
    [(*_, cut)] = material.past(DIMENSIONS, until=then + 2 * HOUR, **bounds)
    assert set(cut["corrected"].to_pylist()) == {None}, "nobody knew by then"


def test_a_look_tells_again_what_was_judged_as_something_else(shop):
    order, now = Order.objects.first(), timezone.now()
    case, ana = open_case(order=order, at=now - HOUR), colleague("ana")
    window = {"after": now - HOUR, "until": now + HOUR, "written_since": now - HOUR, "written_before": now + HOUR}
    change_reason(case_id=case.pk, reason="product.damaged", by=ana, now=now)
    assert not material.fresh_corrections(DIMENSIONS, **window).num_rows, "it was never told as something else"

    row = {"case_id": str(case.pk), "reported_at": now, "exposed_at": None, "reason": "delivery.not_received"}
    keeping.note_judged(pa.Table.from_pylist([row], schema=material.case_schema(DIMENSIONS)))
    [again] = material.fresh_corrections(["reason"], **window).to_pylist()
    assert (again["case_id"], again["reason"], again["corrected"]) == (str(case.pk), "product.damaged", "reason")

    keeping.note_judged(material.fresh_corrections(DIMENSIONS, **window))
    assert not material.fresh_corrections(DIMENSIONS, **window).num_rows, "it is known as that now"
