"""Several people, and the job that lets cases join, write on one incident at once: nothing is doubled or half done."""

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connections, transaction

from makegood.errors import Conflict
from makegood.ground.messages.models import Message, Notice
from makegood.prevent.incidents import services
from makegood.prevent.incidents.errors import IncidentIsOver, SignalDeclared
from makegood.prevent.incidents.models import (
    AffectedOrder,
    Incident,
    IncidentCase,
    IncidentEvent,
    Snapshot,
    TakenOut,
)
from makegood.prevent.incidents.replay import columns_of, replay
from makegood.prevent.incidents.services import Declared, affecting, declare
from makegood.prevent.signals.models import Signal
from makegood.prevent.slices import Predicate
from makegood.recover.cases import services as cases
from tests.factories import NOON, OrderFactory, OrderLineFactory, ShipmentFactory, VendorFactory, colleague, open_case

pytestmark = pytest.mark.django_db(transaction=True)
LOST = "delivery.not_received"
TIMES = 5


def at_once(*acts: Callable[[], object]) -> list[object]:
    """What becomes of each when all start together: its answer, or its refusal."""
    ready, results = threading.Barrier(len(acts)), [None] * len(acts)

    def run(n: int, act: Callable[[], object]) -> None:
        try:
            ready.wait()
            results[n] = act()  # type: ignore[call-overload]
        except Conflict as refusal:
            results[n] = refusal  # type: ignore[call-overload]
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(n, act)) for n, act in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def lost(carrier):
    order = OrderFactory(placed_at=NOON - timedelta(days=3))
    OrderLineFactory(order=order)
    parcel = ShipmentFactory(order=order, carrier=carrier)
    return open_case(order=order, shipment_id=parcel.pk, reason=LOST)


def is_whole(incident: Incident) -> bool:
    incident = Incident.objects.get(pk=incident.pk)
    events = list(IncidentEvent.objects.filter(incident=incident).order_by("seq"))
    return columns_of(incident) == replay(events) and [event.seq for event in events] == [
        n + 1 for n in range(incident.version)
    ]


@pytest.fixture
def world():
    dev, mia = colleague("dev"), colleague("mia")
    carrier = VendorFactory(name="Marlbeck")
    predicate = Predicate(any_of={"carrier": [str(carrier.pk)], "reason": [LOST]}, since=NOON - timedelta(days=9))
    return dev, mia, carrier, predicate


def test_of_two_who_declare_the_same_signal_one_is_told_of_the_other(world):
    dev, mia, carrier, predicate = world
    found = Signal.objects.create(
        slice={"reason": LOST}, since=NOON, raised_at=NOON, updated_at=NOON, observed=9, expected=1.0, excess_low=4.0,
        excess_high=12.0, evidence=9.0,
    )  # fmt: skip
    case = lost(carrier)

    def by(user):
        it = Declared(title="Lost", commander=user, signal=found, predicate=predicate, case_ids=[case.pk])
        return lambda: declare(it, by=user, now=NOON)

    results = at_once(by(dev), by(mia))
    [first] = Incident.objects.all()
    assert sorted(type(result) for result in results if isinstance(result, SignalDeclared)) == [SignalDeclared]
    assert [result.number for result in results if isinstance(result, SignalDeclared)] == [first.number]
    assert IncidentCase.objects.get().incident == first
    assert Notice.objects.filter(about=f"incident:{first.pk}").count() <= 1


def test_what_is_taken_out_while_cases_join_stays_out(world):
    dev, _, carrier, predicate = world
    incident = declare(Declared(title="Lost", commander=dev, predicate=predicate), by=dev, now=NOON)
    for _round in range(TIMES):
        case = lost(carrier)
        services.link_cases(incident_id=incident.pk, case_ids=[case.pk], by=dev, now=NOON)
        at_once(
            lambda case=case: services.take_out(incident_id=incident.pk, case_ids=[case.pk], by=dev, now=NOON),
            lambda: services.join_matching(now=NOON),
            lambda: services.join_matching(now=NOON),
        )
        assert not IncidentCase.objects.filter(case=case).exists()
    assert TakenOut.objects.filter(incident=incident).count() == TIMES
    assert is_whole(incident)


def test_what_is_merged_while_cases_join_leaves_no_case_behind(world):
    dev, _, carrier, predicate = world
    survivor = declare(Declared(title="All of it", commander=dev), by=dev, now=NOON)
    for _round in range(TIMES):
        duplicate = declare(Declared(title="Lost", commander=dev, predicate=predicate), by=dev, now=NOON)
        case = lost(carrier)
        at_once(
            lambda duplicate=duplicate: services.merge(
                duplicate_id=duplicate.pk, survivor_id=survivor.pk, by=dev, now=NOON
            ),
            lambda: services.join_matching(now=NOON),
        )
        # Either it joined in time and moved, or the incident was over: it never hangs on what is over.
        assert not IncidentCase.objects.filter(incident=duplicate).exists()
        IncidentCase.objects.filter(case=case).delete()
        assert is_whole(duplicate)
    assert is_whole(survivor)


def test_two_who_merge_into_each_other_do_not_deadlock_and_one_goes_on(world):
    dev, mia, _, _ = world
    a, b = (declare(Declared(title=title, commander=dev), by=dev, now=NOON) for title in "ab")
    results = at_once(
        lambda: services.merge(duplicate_id=a.pk, survivor_id=b.pk, by=dev, now=NOON),
        lambda: services.merge(duplicate_id=b.pk, survivor_id=a.pk, by=mia, now=NOON),
    )
    assert [type(result) for result in results].count(IncidentIsOver) == 1
    assert Incident.objects.filter(state="open").count() == 1


def test_merging_cases_while_they_join_does_not_deadlock(world):
    dev, _, carrier, predicate = world
    incident = declare(Declared(title="Lost", commander=dev, predicate=predicate), by=dev, now=NOON)
    for _round in range(TIMES):
        case = lost(carrier)
        other = open_case(order=case.order, reason="payment.refund")
        services.link_cases(incident_id=incident.pk, case_ids=[case.pk], by=dev, now=NOON)
        lost(carrier)
        results = at_once(
            lambda case=case, other=other: cases.merge_cases(
                duplicate_id=case.pk, survivor_id=other.pk, by=dev, now=NOON
            ),
            lambda: services.join_matching(now=NOON),
        )
        assert not [result for result in results if isinstance(result, Exception)]
        assert IncidentCase.objects.filter(case=other, incident=incident).exists()


class WorkerDies(Exception):
    pass


def test_a_worker_that_dies_while_cases_join_leaves_no_trace_and_the_next_one_finds_the_same(world, monkeypatch):
    dev, mia, carrier, predicate = world
    mia.notices_by_mail = True
    mia.save()
    incident = declare(Declared(title="Lost", commander=mia, predicate=predicate), by=dev, now=NOON)
    case = lost(carrier)

    def die(*_args: object, **_more: object) -> None:
        raise WorkerDies

    with monkeypatch.context() as patch:
        patch.setattr(services.joining, "record", die)
        with pytest.raises(WorkerDies):
            services.join_matching(now=NOON)
    assert not IncidentCase.objects.exists()
    assert services.join_matching(now=NOON) == 1
    assert IncidentCase.objects.get().case == case
    assert is_whole(incident)


def test_whoever_hears_of_it_gets_one_notice_and_one_mail_however_often_a_worker_dies(world):
    dev, mia, _, _ = world
    mia.notices_by_mail = True
    mia.save()
    incident = declare(Declared(title="Lost", commander=mia), by=dev, now=NOON)

    def write() -> None:
        services.contain(incident_id=incident.pk, how="Another carrier.", at=NOON, by=dev, now=NOON)

    for _death in range(3):
        with pytest.raises(WorkerDies), transaction.atomic():
            write()
            raise WorkerDies  # after everything was written, before it was committed
    write()
    assert Notice.objects.filter(to=mia, key=f"incident:{incident.pk}:2").count() == 1
    assert Message.objects.filter(recipient=mia.email).count() == 2  # declared, contained


@pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")  # ibis 12 with duckdb 2
def test_of_two_merges_into_one_at_once_both_count_and_nobody_twice(world, tmp_path, settings):
    settings.MAKEGOOD_LAKE = str(tmp_path / "lake")
    dev, mia, *_ = world
    carriers = [VendorFactory(name=name) for name in ("Parcelwise", "Northway", "Swift")]
    for n in range(12):  # each order travels with two of the three
        order = OrderFactory(placed_at=NOON - timedelta(days=2))
        for carrier in (carriers[n % 3], carriers[(n + 1) % 3]):
            seller = VendorFactory(kind="seller")
            OrderLineFactory(order=order, seller=seller)
            ShipmentFactory(order=order, carrier=carrier, seller=seller)

    def found(carrier: str) -> Incident:
        meant = Predicate(any_of={"carrier": [str(carrier.pk)]}, since=NOON - timedelta(days=9))
        incident = declare(Declared(title=carrier.name, commander=dev, predicate=meant), by=dev, now=NOON)
        affecting.look(incident, by=dev, now=NOON)
        affecting.write_down(incident_id=incident.pk, now=NOON)
        return incident

    survivor, *merged = (found(carrier) for carrier in carriers)
    alone = [
        set(AffectedOrder.objects.filter(incident=it).values_list("order", flat=True)) for it in (survivor, *merged)
    ]
    assert [len(orders) for orders in alone] == [8, 8, 8]
    # The clock of one is behind; whichever is second, its look counts the other's orders, too.
    results = at_once(
        *(
            lambda it=it, by=by, at=at: services.merge(duplicate_id=it.pk, survivor_id=survivor.pk, by=by, now=at)
            for it, by, at in zip(merged, (dev, mia), (NOON, NOON - timedelta(seconds=5)), strict=True)
        ),
        lambda: affecting.write_down(incident_id=survivor.pk, now=NOON),
    )
    assert not [result for result in results if isinstance(result, Exception)]
    affecting.write_down(incident_id=survivor.pk, now=NOON)
    orders = AffectedOrder.objects.filter(incident=survivor, left_at=None).values_list("order", flat=True)
    assert len(orders) == len(set(orders)) == 12
    assert Snapshot.objects.filter(incident=survivor).latest("at").orders == len(orders)
    assert is_whole(survivor)
