"""How affected orders stand, against plain loops; who sees which of them."""

import random
from collections import Counter
from datetime import timedelta
from decimal import Decimal

import pytest

from makegood.ground.retail.models import Order, Payment, Return
from makegood.prevent.incidents.models import AffectedOrder, Incident, Snapshot
from makegood.prevent.incidents.queries import affected
from makegood.prevent.incidents.services.affecting import count_up
from makegood.recover.cases.models import Case
from tests.factories import colleague
from tests.prevent.purchases import START, Retailer

REASONS = ["delivery", "delivery.late"]


@pytest.fixture
def shop(db):
    dice = random.Random(3)
    shop = Retailer(dice, people=50)
    shop.buy(120)
    shop.complain(60)
    for order in dice.sample(list(Order.objects.all()), 40):
        status = dice.choice(["refunded", "received"])
        at = START + timedelta(days=dice.randrange(14))
        Return.objects.create(source=shop.source, ref=order.ref, order=order, status=status, requested_at=at, amount=1)
        Payment.objects.create(source=shop.source, ref=order.ref, order=order, amount=1,
                               method=dice.choice(["card", "Chargeback"]))  # fmt: skip
    for case in dice.sample(list(Case.objects.all()), 25):
        outcome = dice.choice(["recovered", "partly", "refused"])
        Case.objects.filter(pk=case.pk).update(outcome=outcome, resolved_at=case.opened_at, status="resolved")
        if dice.random() < 0.5:
            case.contacts.filter(direction="in").delete()
    return shop


@pytest.fixture
def incident(shop, noon):
    incident = Incident.objects.create(
        title="Late", severity=2, commander=colleague("mia"), declared_at=noon, since=START + timedelta(days=4),
        any_of={"reason": REASONS, "carrier": ["x"]},
    )  # fmt: skip
    looks = [
        Snapshot.objects.create(incident=incident, any_of={}, at=noon + timedelta(days=days), finished_at=noon,
                                orders=1, customers=1)
        for days in (0, 1)
    ]  # fmt: skip
    dice = random.Random(8)
    for order in dice.sample(list(Order.objects.all()), 80):
        AffectedOrder.objects.create(
            incident=incident, order=order, customer=order.customer, value=Decimal(dice.randrange(30)) / 2,
            currency=order.currency, found_at=noon + timedelta(days=dice.choice([0, 0, 1])),
            left_at=dice.choice([None, None, None, noon]),
        )  # fmt: skip
    count_up(looks[-1])
    return incident


def twin(incident, row):
    """What holds of one affected order."""
    meant = [incident, *(it for it in incident.merged.all() if it.any_of)]
    since = min(it.since for it in meant)
    fitting = [
        case for case in Case.objects.select_related("reason")
        if any(case.opened_at >= it.since and case.reason.code in it.any_of.get("reason", [case.reason.code])
               for it in meant)
        and case.contacts.filter(direction="in").exists()
        and (case.order_id == row.order_id or case.customer_id == row.customer_id)
    ]  # fmt: skip
    put_right = any(
        case.opened_at >= since and case.outcome in ("recovered", "partly")
        for case in Case.objects.filter(order=row.order_id)
    )
    refunded = any(
        back.status == "refunded" and back.requested_at >= since for back in Return.objects.filter(order=row.order_id)
    )
    return {
        "wrote": bool(fitting), "silent": not fitting, "compensated": put_right or refunded,
        "disputed": any(paid.method == "Chargeback" for paid in Payment.objects.filter(order=row.order_id)),
        "added": row.found_at > incident.declared_at, "": True,
        "case": max((case.number for case in fitting), default=None),
    }  # fmt: skip


@pytest.mark.parametrize("merged", [None, {}, {"reason": ["product.faulty", "product.damaged"]}])
@pytest.mark.parametrize("reasons", [REASONS, None])
def test_counts_and_lists_say_what_loops_say(incident, reasons, merged, noon, django_assert_num_queries):
    incident.any_of = {"carrier": ["x"]} | ({"reason": reasons} if reasons else {})
    incident.save()
    if merged is not None:
        Incident.objects.create(
            title="Broken", severity=2, commander=incident.commander, declared_at=noon, any_of=merged,
            since=START + timedelta(days=2), merged_into=incident, state="resolved", resolved_at=noon,
        )  # fmt: skip
    rows = list(AffectedOrder.objects.filter(incident=incident))
    here = [(row, twin(incident, row)) for row in rows if row.left_at is None]
    with django_assert_num_queries(1):
        found = affected.counts(incident)
    assert 5 < found.silent < found.orders
    for which in affected.FILTERS:
        if which == "left":
            expected = {row.pk for row in rows if row.left_at}
        else:
            expected = {row.pk for row, told in here if told[which]}
        assert expected
        assert found.of(which) == len(expected)
        listed = list(affected.every(incident, which=which, places=None))
        assert {row.id for row in listed} == expected
        assert [row.cursor for row in listed] == sorted((row.cursor for row in listed), reverse=True)
    assert found.customers == len({row.customer_id for row, _told in here})
    assert found.silent_customers == len({row.customer_id for row, told in here if told["silent"]})
    values = Counter()
    for row, _told in here:
        values[row.currency] += row.value
    assert dict(found.value) == values
    told = {row.pk: told for row, told in here}
    for row in affected.every(incident, which="", places=None):
        assert row.case == told[row.id]["case"]


def test_pages_are_the_whole_list_in_order(incident, django_assert_num_queries):
    whole = [row.id for row in affected.every(incident, which="", places=None)]
    found, after = [], None
    while True:
        with django_assert_num_queries(1):
            rows, after = affected.page(incident, which="", places=None, after=after, limit=7)
        found += [row.id for row in rows]
        if after is None:
            break
        assert affected.Cursor.read(str(after)) == after
    assert found == whole


def test_a_reader_with_places_sees_orders_of_these_alone_and_all_numbers(incident, shop):
    places = [shop.stores[0].pk]
    listed = list(affected.every(incident, which="", places=places))
    expected = AffectedOrder.objects.filter(incident=incident, left_at=None, order__place=shop.stores[0])
    assert {row.id for row in listed} == set(expected.values_list("pk", flat=True)) != set()
    assert affected.counts(incident).orders > len(listed)


UUID = "0199a3c2-7b50-7e11-a2f4-3c1d9b7e5a10"


@pytest.mark.parametrize("text", ["", "~", "x~y", f"NaN~{UUID}", f"Infinity~{UUID}", "1~2"])
def test_what_is_no_cursor_begins_at_the_top(text):
    assert affected.Cursor.read(text) is None
