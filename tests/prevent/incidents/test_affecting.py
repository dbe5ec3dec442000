"""Affected orders: looked at, written down, looked for again; against a loop over all lines."""

import random
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from makegood.engines.lake import export
from makegood.ground.retail.models import Order
from makegood.prevent import lake
from makegood.prevent.incidents.errors import CannotCut, IncidentIsOver, UnknownDimension
from makegood.prevent.incidents.models import AffectedOrder, Incident, IncidentEvent, Snapshot
from makegood.prevent.incidents.queries.affected import counts
from makegood.prevent.incidents.replay import columns_of, replay
from makegood.prevent.incidents.services import affecting, merge, part
from makegood.prevent.incidents.services.timeline import record_first
from makegood.prevent.slices import Predicate
from tests.factories import colleague
from tests.prevent.purchases import START, Retailer

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning"),  # ibis 12 with duckdb 2
]
LONDON = ZoneInfo("Europe/London")


@pytest.fixture
def shop(tmp_path, settings):
    settings.MAKEGOOD_LAKE = str(tmp_path / "lake")
    shop = Retailer(random.Random(11))
    shop.buy(80)
    return shop


def declared(noon, title="Kettles"):
    mia = colleague("mia")
    incident = Incident.objects.create(title=title, severity=2, commander=mia, declared_at=noon, version=1)
    record_first(incident, at=noon, by=mia, why="", facts={})
    return incident


@pytest.fixture
def incident(shop, noon):
    return declared(noon)


def kettles(shop, **window):
    return Predicate(any_of={"product": [str(shop.products[0].pk)], "reason": ["product.faulty"]}, **window)


def is_hit(row, predicate):
    return (
        all(row[name] in values for name, values in predicate.any_of.items() if name != "reason")
        and (predicate.since is None or row["at"] >= predicate.since)
        and (predicate.until is None or row["at"] < predicate.until)
    )


def twin(shop, *predicates):
    """Orders, each with value and number of the lines that were hit by one or more."""
    found = {}
    for row in shop.exposures():
        if any(is_hit(row, predicate) for predicate in predicates):
            value, lines = found.get(row["order_id"], (0, 0))
            found[row["order_id"]] = value + row["value"], lines + 1
    return found


def written(incident, **which):
    return {
        str(row.order_id): (row.value, row.lines)
        for row in AffectedOrder.objects.filter(incident=incident, **({"left_at": None} | which))
    }


def go(incident, predicate, now, by=None):
    affecting.cut_anew(incident_id=incident.pk, predicate=predicate, by=by or incident.commander, now=now)
    look = affecting.write_down(incident_id=incident.pk, now=now)
    kept_is_what_a_plain_count_says(incident)
    return look


def kept_is_what_a_plain_count_says(incident):
    looks = Snapshot.objects.filter(incident=incident, finished_at__isnull=False).order_by("at")
    first, last = looks.first(), looks.last()
    rows = list(AffectedOrder.objects.filter(incident=incident))
    here = [row for row in rows if row.left_at is None]
    worth = Counter()
    for row in here:
        worth[row.currency] += row.value
    assert {currency: Decimal(value) for currency, value in last.worth} == worth
    assert (last.orders, last.customers) == (len(here), len({row.customer_id for row in here}))
    assert (last.added, last.left) == (sum(row.found_at > first.at for row in here), len(rows) - len(here))
    shown = counts(incident)
    assert (shown.orders, shown.customers, shown.added, shown.left) == (
        last.orders, last.customers, last.added, last.left,
    )  # fmt: skip
    assert dict(shown.value) == worth


def test_a_preview_counts_what_a_loop_counts(shop, noon):
    predicate = kettles(shop, since=START + timedelta(days=2), until=START + timedelta(days=12))
    seen = affecting.preview(predicate, now=noon, zone=LONDON)
    expected = twin(shop, predicate)
    orders = {str(order.pk): order for order in Order.objects.all()}
    assert seen.orders == len(expected) > 10
    assert seen.customers == len({orders[key].customer_id for key in expected})
    by_currency = Counter()
    for key, (value, _lines) in expected.items():
        by_currency[orders[key].currency] += value
    assert {currency: value for currency, _orders, value in seen.value} == by_currency
    assert dict(seen.days) == Counter(orders[key].placed_at.astimezone(LONDON).date() for key in expected)
    assert {row.value for row in seen.most if row.dimension == "product"} == {str(shop.products[0].pk)}


def test_an_order_of_a_minute_ago_counts_and_the_lake_is_left_alone(shop, noon, monkeypatch):
    monkeypatch.setattr(export, "MARGIN", export.MARGIN * 0)
    lake.refresh_lake(now=noon)
    before = lake.lake_state()
    order = next(order for order in Order.objects.all() if not order.lines.exists())
    for n in range(6):
        shop.add_line(order, n)
    shop.buy(5)
    for product in shop.products:
        predicate = Predicate(any_of={"product": [str(product.pk)]})
        assert affecting.preview(predicate, now=noon, zone=LONDON).orders == len(twin(shop, predicate))
    assert lake.lake_state() == before


def test_too_much_that_is_fresh_goes_to_the_lake_first(shop, noon, monkeypatch):
    monkeypatch.setattr(export, "MARGIN", export.MARGIN * 0)
    monkeypatch.setattr(lake, "FRESH_AT_MOST", 3)
    lake.refresh_lake(now=noon)
    shop.buy(5)
    affecting.preview(kettles(shop), now=noon, zone=LONDON)
    assert lake.lake_state().rows["orders"] == 85


def test_what_only_cases_know_cuts_no_purchases(shop, noon):
    assert affecting.preview(Predicate(any_of={"reason": ["product.faulty"]}), now=noon, zone=LONDON).orders == 0


def test_a_snapshot_is_what_a_loop_finds_and_later_ones_mark_what_came_and_what_left(shop, incident, noon, monkeypatch):
    monkeypatch.setattr(affecting, "AT_ONCE", 7)
    first = go(incident, kettles(shop), noon)
    everybody = written(incident)
    assert everybody == twin(shop, kettles(shop))
    assert (first.orders, first.customers) == (
        len(everybody),
        len(set(AffectedOrder.objects.values_list("customer_id", flat=True))),
    )

    later = noon + timedelta(hours=1)
    shop.buy(40)
    assert affecting.look_again(now=later) == 1
    assert affecting.look_again(now=later) == 0  # it waits already
    affecting.write_down(incident_id=incident.pk, now=later)
    assert written(incident) == twin(shop, kettles(shop))
    assert written(incident, found_at=noon) == everybody
    assert len(written(incident, found_at=later)) > 3
    kept_is_what_a_plain_count_says(incident)

    narrow = kettles(shop, since=START + timedelta(days=5))
    last = go(incident, narrow, noon + timedelta(hours=2))
    assert written(incident) == twin(shop, narrow)
    assert last.added
    assert last.left
    assert last.orders < AffectedOrder.objects.filter(incident=incident).count()

    go(incident, kettles(shop), noon + timedelta(hours=3))
    assert written(incident) == twin(shop, kettles(shop))
    assert written(incident, found_at=noon) == everybody  # they were found then, whatever happened since

    incident.refresh_from_db()
    events = list(incident.events.all())
    assert [event.kind for event in events] == [
        "declared",
        *["changed", "affected"],
        "affected",
        *["changed", "affected"] * 2,
    ]
    assert events[-1].facts["added"] == 0
    assert replay(events) == columns_of(incident)


def test_a_snapshot_killed_half_way_and_run_again_gives_the_same_rows(shop, incident, noon, monkeypatch):
    monkeypatch.setattr(affecting, "AT_ONCE", 5)
    take_in, lots = affecting._take_in, []

    def dies_at_the_third(snapshot, first):
        if len(lots) == 2:
            raise KeyboardInterrupt
        lots.append(first)
        take_in(snapshot, first)

    monkeypatch.setattr(affecting, "_take_in", dies_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        go(incident, kettles(shop), noon)
    assert len(written(incident)) == 10
    assert Snapshot.objects.get().finished_at is None

    monkeypatch.setattr(affecting, "_take_in", take_in)
    assert affecting.take_up(now=noon + timedelta(minutes=5)) == 0  # somebody may be at it
    assert affecting.take_up(now=noon + timedelta(minutes=15)) == 1
    affecting.write_down(incident_id=incident.pk, now=noon + timedelta(minutes=5))
    assert written(incident) == twin(shop, kettles(shop))
    assert set(AffectedOrder.objects.values_list("found_at", flat=True)) == {noon}  # none is an addition
    assert affecting.write_down(incident_id=incident.pk, now=noon) is None
    assert incident.events.filter(kind=IncidentEvent.Kind.AFFECTED).count() == 1


def test_of_several_looks_that_wait_the_last_counts(shop, incident, noon):
    wide, narrow = kettles(shop), kettles(shop, until=START + timedelta(days=3))
    for minute, predicate in enumerate((wide, narrow)):
        affecting.cut_anew(incident_id=incident.pk, predicate=predicate, by=None, now=noon + timedelta(minutes=minute))
    affecting.write_down(incident_id=incident.pk, now=noon + timedelta(minutes=5))
    assert written(incident) == twin(shop, narrow)
    assert Snapshot.objects.count() == 1


def test_a_recall_says_how_many_orders_are_of_a_batch_that_nobody_knows(shop, incident, noon):
    of_product = {"product": [str(shop.products[1].pk)]}
    recall = Predicate(any_of=of_product | {"batch": ["K3"]})
    hit, blank = (twin(shop, Predicate(any_of=of_product | {"batch": [batch]})) for batch in ("K3", ""))
    seen = affecting.preview(recall, now=noon, zone=LONDON)
    assert (seen.orders, seen.unknown) == (len(hit), len(set(blank) - set(hit)))
    assert seen.unknown > 0
    for whole in (Predicate(any_of=of_product), Predicate(any_of={"batch": ["K3"]})):
        assert affecting.preview(whole, now=noon, zone=LONDON).unknown == 0


def test_a_recall_takes_several_batches_of_a_product(shop, incident, noon):
    batches = ["K3", "ключ-3", "50% \"off\", 'x'"]
    predicate = Predicate(any_of={"product": [str(shop.products[1].pk)], "batch": batches})
    go(incident, predicate, noon)
    assert written(incident) == twin(shop, predicate) != {}


@pytest.mark.parametrize(
    ("any_of", "window", "refusal"),
    [
        ({}, (), CannotCut),
        ({"shoe_size": ["9"]}, (), UnknownDimension),
        ({"batch": []}, (), CannotCut),
        ({"batch": ["K3"] * 501}, (), CannotCut),
        ({"batch": ["K3"]}, (START, START), CannotCut),
    ],
)
def test_what_cannot_be_cut_is_refused_and_changes_nothing(incident, noon, any_of, window, refusal):
    predicate = Predicate(any_of=any_of, **dict(zip(("since", "until"), window, strict=False)))
    with pytest.raises(refusal):
        affecting.cut_anew(incident_id=incident.pk, predicate=predicate, by=None, now=noon)
    assert (Snapshot.objects.count(), Incident.objects.get().version) == (0, 1)


def test_an_incident_that_is_over_is_not_cut_anew(incident, noon):
    Incident.objects.update(state="resolved", resolved_at=noon, cause_state="found", cause="A seal")
    with pytest.raises(IncidentIsOver):
        affecting.cut_anew(incident_id=incident.pk, predicate=Predicate(any_of={"batch": ["K"]}), by=None, now=noon)
    assert affecting.look_again(now=noon) == 0


def test_a_window_that_is_over_is_looked_at_once_more_and_then_left_alone(shop, incident, noon):
    go(incident, kettles(shop, until=noon), noon)
    for hours, expected in ((1, 1), (2, 0)):
        now = noon + timedelta(hours=hours)
        assert affecting.look_again(now=now) == expected
        affecting.write_down(incident_id=incident.pk, now=now)


@pytest.fixture
def lane(shop, noon):
    """Another incident, whose affected orders were looked for; and what it cuts out."""
    incident, predicate = declared(noon, "A lane"), Predicate(any_of={"carrier": [str(shop.carriers[0].pk)]})
    go(incident, predicate, noon)
    return incident, predicate


def test_of_merged_incidents_every_order_of_either_is_affected_once(shop, incident, lane, noon):
    other, parcels = lane
    go(incident, kettles(shop), noon)
    assert set(twin(shop, kettles(shop))) & set(twin(shop, parcels))  # else the test tells nothing
    merge(duplicate_id=other.pk, survivor_id=incident.pk, by=incident.commander, now=noon)
    look = affecting.write_down(incident_id=incident.pk, now=noon)
    both = twin(shop, kettles(shop), parcels)
    assert written(incident) == both
    assert look.orders == len(both)
    kept_is_what_a_plain_count_says(incident)

    shop.buy(30)  # what failed for either goes on failing
    later = noon + timedelta(hours=1)
    assert affecting.look_again(now=later) == 1
    affecting.write_down(incident_id=incident.pk, now=later)
    assert written(incident) == twin(shop, kettles(shop), parcels)

    part(duplicate_id=other.pk, by=incident.commander, now=later)
    for one in (incident, other):
        affecting.write_down(incident_id=one.pk, now=later)
    assert (written(incident), written(other)) == (twin(shop, kettles(shop)), twin(shop, parcels))


def test_an_incident_that_nobody_looked_for_takes_over_what_was_looked_for(shop, incident, lane, noon):
    other, parcels = lane
    merge(duplicate_id=other.pk, survivor_id=incident.pk, by=incident.commander, now=noon)
    affecting.write_down(incident_id=incident.pk, now=noon)
    assert written(incident) == twin(shop, parcels)


def test_what_was_merged_is_looked_at_for_as_long_as_it_goes_on(shop, incident, lane, noon):
    other, _parcels = lane
    go(incident, kettles(shop, until=noon), noon)
    merge(duplicate_id=other.pk, survivor_id=incident.pk, by=incident.commander, now=noon)
    affecting.write_down(incident_id=incident.pk, now=noon)
    for hours, until, expected in ((1, None, 1), (2, None, 1), (3, noon + timedelta(hours=3), 1), (4, None, 0)):
        if until:
            Incident.objects.filter(pk=other.pk).update(until=until)
        now = noon + timedelta(hours=hours, minutes=1)
        assert affecting.look_again(now=now) == expected
        affecting.write_down(incident_id=incident.pk, now=now)


def test_a_look_is_never_dated_before_another_whatever_a_clock_says(shop, incident, noon):
    wide, narrow = kettles(shop), kettles(shop, until=START + timedelta(days=3))
    for minutes, predicate in ((0, wide), (-5, narrow)):
        affecting.cut_anew(incident_id=incident.pk, predicate=predicate, by=None, now=noon + timedelta(minutes=minutes))
    affecting.write_down(incident_id=incident.pk, now=noon)
    assert written(incident) == twin(shop, narrow)
