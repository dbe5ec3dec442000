"""What a case has in common with others, against plain loops."""

import random
import re
from datetime import UTC, timedelta

import pytest
from django.db import connection

from makegood.ground.retail.models import Order
from makegood.prevent import casing
from makegood.prevent.slices import DIMENSIONS, Predicate
from makegood.recover.cases.models import Case, Contact
from makegood.recover.cases.services.handling import change_reason
from makegood.recover.cases.unasked import UNASKED
from tests.factories import NOON, OrderFactory, UserFactory, open_case
from tests.prevent.purchases import START, Retailer, text

PURCHASE = [name for name in DIMENSIONS if name != "reason"]


@pytest.fixture
def shop(db):
    shop = Retailer(random.Random(7))
    shop.buy(60)
    shop.complain(120)
    return shop


def lines_of(shop, case):
    """The lines nearest to a case: of a product that the customer named, then in the parcel it is about, else all."""
    words = " ".join([case.subject, *(said.body for said in case.contacts.filter(direction="in"))]).lower()
    rows = list(shop.exposures_of(case.order))
    lines = {str(line.pk): line for line in case.order.lines.all()}
    parcels = sorted(case.order.shipments.all(), key=lambda parcel: parcel.pk)

    def nearness(row):
        line = lines.get(row["exposure_id"])
        same = [parcel for parcel in parcels if parcel.seller_id == (line.seller_id if line else None)]
        parcel = (same or parcels or [None])[0]
        in_parcel = bool(case.shipment_id and parcel and parcel.pk == case.shipment_id)
        return bool(line) and line.product.name.lower() in words, in_parcel

    best = max(map(nearness, rows))
    return [row for row in rows if nearness(row) == best]


def twin(shop, case):
    """The dimensions of a case."""
    place = shop.places.get(case.place_id)
    if case.order is None:
        found = {**shop.where(place), "channel": case.channel}
        if place:
            found["how"] = shop.when(case.opened_at, place)
    else:
        lines = lines_of(shop, case)
        found = {name: lines[0][name] for name in PURCHASE if len({line[name] for line in lines}) == 1}
        if parcel := case.shipment:
            found |= {
                "carrier": text(parcel.carrier_id), "warehouse": text(parcel.warehouse_id),
                "from_state": parcel.from_state, "to_state": parcel.to_state,
                "seller": found.get("seller") or text(parcel.seller_id),
            }  # fmt: skip
    return {"reason": case.reason.code} | {name: value for name, value in found.items() if value}


def test_a_case_has_what_the_lines_nearest_to_it_agree_on(shop, django_assert_num_queries):
    cases = list(Case.objects.select_related("reason", "order", "shipment").order_by("number"))
    with django_assert_num_queries(1):
        told = casing.of_cases([case.pk for case in cases])
    assert [one.dimensions for one in told] == [twin(shop, case) for case in cases]
    assert [one.exposed_at for one in told] == [case.order and case.order.placed_at for case in cases]
    assert [one.number for one in told] == [case.number for case in cases]
    assert {name for one in told for name in one.dimensions} == set(DIMENSIONS)  # each of them was seen


def test_pages_of_cases_are_all_cases_of_the_window_once(shop):
    since, until = START + timedelta(days=3), START + timedelta(days=12)
    expected = sorted((case.opened_at, case.pk) for case in Case.objects.all() if since <= case.opened_at < until)
    assert 20 < len(expected) < 120
    for at_once in (1, 7, 1000):
        found = [(one.opened_at, one.id) for one in casing.each_opened(since, until, at_once=at_once)]
        assert found == expected


@pytest.mark.parametrize("seed", range(40))
def test_cases_that_fit_a_predicate(shop, seed, django_assert_num_queries):
    dice = random.Random(seed)
    cases = list(Case.objects.select_related("reason", "order", "shipment").order_by("number"))
    known = [twin(shop, case) for case in cases]
    sample = dice.choice(known)
    any_of = {
        name: dice.sample([sample[name], "elsewhere", dice.choice(known).get(name, "?")], 3)[: dice.randrange(4)]
        for name in dice.sample(sorted(sample), dice.randrange(1, 3))
    }
    moments = sorted({case.order.placed_at for case in cases if case.order})
    since, until = sorted(dice.sample(moments, 2))
    since, until = dice.choice([None, since]), dice.choice([None, until])
    opened_since = dice.choice([None, dice.choice(cases).opened_at])
    among = dice.choice([None, [case.pk for case in dice.sample(cases, 50)]])

    def fits(case, dimensions):
        at = case.order.placed_at if case.order else case.opened_at
        return (
            all(dimensions.get(name) in values for name, values in any_of.items())
            and (since is None or at >= since)
            and (until is None or at < until)
            and (opened_since is None or case.opened_at >= opened_since)
            and (among is None or case.pk in among)
        )

    with django_assert_num_queries(1):
        found = casing.matches(
            Predicate(any_of=any_of, since=since, until=until), opened_since=opened_since, among=among
        )
    assert found == [case.pk for case, dimensions in zip(cases, known, strict=True) if fits(case, dimensions)]


def test_a_predicate_that_names_nothing_fits_nothing(shop):
    assert casing.matches(Predicate(any_of={})) == []


def test_a_dimension_that_there_is_not_is_refused(db):
    with pytest.raises(ValueError, match="no dimension 'id'"):
        casing.matches(Predicate(any_of={"id": ["x"]}))


def test_cases_just_opened_are_found_by_index(shop):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            f"EXPLAIN SELECT id FROM ({casing.SQL}) AS told WHERE opened_at >= %s",
            [START.astimezone(UTC) + timedelta(days=10)],
        )
        plan = "\n".join(row[0] for row in cursor)
    # Which of the indexes that hold the time of opening is taken, the size of the table decides.
    assert re.search(r"Index Scan .*opened.*\n *Index Cond: \(opened_at >=", plan), plan


def test_a_case_that_opened_with_our_own_message_is_no_failure_that_was_reported(db):
    order = OrderFactory()
    ours = open_case(order=order, body="", origin=f"{UNASKED}1")
    [told] = casing.of_cases([ours.pk])
    assert told.again
    theirs = open_case(order=order, at=NOON + timedelta(days=1), split_key="later")
    [told] = casing.of_cases([theirs.pk])
    assert not told.again, "they are the first to report it"


def test_a_case_of_the_past_is_what_it_was_when_it_opened(shop):
    order = next(order for order in Order.objects.order_by("ref") if order.lines.count() > 1)
    then, day = START + timedelta(days=60), timedelta(days=1)
    case = open_case(order=order, body="", reason="delivery.overdue", at=then)
    [opened] = casing.opened(then, then + day, as_opened=True)
    later = open_case(order=order, body="Where is it?", reason="delivery.not_received", at=then + day)
    change_reason(case_id=case.pk, reason="product.damaged", by=UserFactory(), now=then + 2 * day)
    line = order.lines.first()
    said = f"The {line.product.name} is broken."
    Contact.objects.create(case=case, channel="email", direction="in", at=then + 2 * day, body=said)

    assert casing.opened(then, then + day, as_opened=True) == [opened]
    assert opened.dimensions["reason"] == "delivery.overdue"
    # So it stays the first failure of its kind, though it is called something else now.
    [further] = casing.opened(then + day, then + 2 * day, as_opened=True)
    assert (further.id, further.again) == (later.pk, True)
    [now] = casing.opened(then, then + day)
    assert now.dimensions["reason"] == "product.damaged"
    assert now.dimensions["product"] == str(line.product_id)
