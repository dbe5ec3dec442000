"""What counts as a failure, and when."""

from datetime import timedelta

import pytest

from makegood.recover.cases.models import Case, CaseEvent
from makegood.recover.intake.failures import Window, find
from makegood.recover.intake.models import Failure
from makegood.recover.intake.services import look_for_failures, replay
from tests.recover.intake.conftest import hour, told


def found(since, until):
    return [(one.kind.value, one.at) for one in find(Window(since=hour(since), until=hour(until)))]


def test_a_parcel_not_delivered_by_its_promise_is_overdue_from_then_on(shop):
    parcel = shop.parcel(shop.order(shop.customer()), promised=10)

    assert found(0, 9) == []
    assert found(0, 20) == [("overdue", hour(10))]
    assert find(Window(since=hour(0), until=hour(20)))[0].shipment_id == parcel.pk


@pytest.mark.parametrize(
    ("delivered", "scan", "order", "expected"),
    [
        (9, None, {}, []),
        (10, None, {}, []),
        (11, None, {}, [("overdue", 10), ("late", 11)]),
        (30, None, {}, [("overdue", 10)]),  # 30 lies ahead
        (None, ("delivered", 9), {}, []),
        (None, ("delivered", 11), {}, [("overdue", 10)]),
        (None, None, {"status": "delivered"}, []),  # delivered, nobody knows when
        (None, None, {"status": "cancelled", "cancelled": 8, "paid_at": None}, []),
        (None, None, {"status": "cancelled", "cancelled": 10, "paid_at": None}, []),
        (None, None, {"status": "cancelled", "cancelled": 15, "paid_at": None}, [("overdue", 10)]),
        (None, None, {"status": "cancelled", "paid_at": None}, []),
    ],
)
def test_what_makes_a_parcel_overdue_or_late(shop, delivered, scan, order, expected):
    parcel = shop.parcel(shop.order(shop.customer(), **order), promised=10, delivered=delivered)
    if scan:
        shop.scan(parcel, *scan)

    assert sorted(found(0, 20)) == sorted((kind, hour(at)) for kind, at in expected)


@pytest.mark.parametrize(
    ("order", "payment", "expected"),
    [
        ({"status": "cancelled", "cancelled": 10}, None, ["cancelled"]),
        ({"status": "unavailable", "cancelled": 10}, None, ["cancelled"]),
        ({"status": "cancelled", "cancelled": 10, "paid_at": None}, None, []),
        ({"status": "cancelled", "cancelled": 10, "paid_at": None}, {"paid": 5}, ["cancelled"]),
        ({"status": "cancelled", "cancelled": 10, "paid_at": None}, {"paid": None}, ["cancelled"]),
        ({"status": "cancelled", "cancelled": 10, "paid_at": None}, {"paid": 11}, []),
        ({"status": "cancelled", "cancelled": 10, "paid_at": None}, {"amount": 0, "paid": 5}, []),
        ({"status": "cancelled", "cancelled": 21}, None, []),
    ],
)
def test_only_what_was_paid_is_missed_when_it_is_called_off(shop, order, payment, expected):
    made = shop.order(shop.customer(), **order)
    if payment:
        shop.payment(made, **payment)

    assert [kind for kind, _ in found(0, 20)] == expected


@pytest.mark.parametrize(
    ("status", "scan", "expected"),
    [
        ("paid", None, ["pickup"]),
        ("ready", None, []),  # ready, nobody knows since when
        ("ready", ("ready", 9), []),
        ("ready", ("ready", 12), ["pickup"]),  # it was not, then
        ("delivered", ("ready", 12), ["pickup"]),
        ("paid", ("accepted", 2), ["pickup"]),
    ],
)
def test_a_pickup_order_has_to_be_ready_in_time(shop, status, scan, expected):
    parcel = shop.parcel(shop.order(shop.customer(), channel="pickup", status=status), promised=10)
    if scan:
        shop.scan(parcel, *scan)

    assert [kind for kind, _ in found(0, 20)] == expected


def test_a_pickup_order_fetched_late_is_not_delivered_late(shop):
    parcel = shop.parcel(shop.order(shop.customer(), channel="pickup", status="delivered"), promised=10, delivered=15)
    shop.scan(parcel, "ready", 8)

    assert found(0, 20) == []


def test_an_order_of_which_nothing_was_sent_is_overdue_too(shop):
    shop.order(shop.customer(), promised=10)
    shop.order(shop.customer(), promised=10, channel="store")
    shop.order(shop.customer(), promised=10, status="cancelled", cancelled=12, paid_at=None)

    assert found(0, 11) == [("unshipped", hour(10)), ("unshipped", hour(10))]


def test_only_reviews_of_one_or_two_stars_are_failures(shop):
    order = shop.order(shop.customer())
    for score in range(1, 6):
        shop.review(order, at=score, score=score)

    assert found(0, 20) == [("review", hour(1)), ("review", hour(2))]


def test_what_was_acted_on_is_not_found_again(shop):
    shop.parcel(shop.order(shop.customer()), promised=10)
    replay(shop.source, hour(20))

    assert found(0, 20) == []
    assert Failure.objects.get().case == Case.objects.get()


# -- what is said


def test_an_overdue_parcel_opens_a_case_that_says_where_it_stopped(shop):
    carrier = shop.vendor("carrier", "Parcelwise")
    warehouse = shop.place("warehouse", "Leeds")
    order = shop.order(shop.customer(), total=120)
    shop.line(order, "Kettle")
    shop.parcel(
        order, promised=72, handover_due=24, handed_over=20, carrier=carrier, warehouse=warehouse,
        from_state="Leeds", to_state="Kent",
    )  # fmt: skip

    replay(shop.source, hour(100))

    case = Case.objects.get()
    assert (case.subject, case.reason.code, case.locus) == (
        "Not delivered by Thu 5 Mar 2026",
        "delivery.overdue",
        "carrier",
    )
    assert (case.failed, case.value, case.currency) == ("Kettle, with Parcelwise, Leeds to Kent", 120, "EUR")
    assert case.opened_at == hour(72)
    assert told(case)[0] == (
        "opened: Promised by Thu 5 Mar 2026, not delivered. "
        "Handed to the carrier on Mon 2 Mar 2026, in time: the delay is with the carrier."
    )


@pytest.mark.parametrize(
    ("parcel", "scan", "locus", "words"),
    [
        ({"handover_due": 24, "handed_over": 60}, None, "seller", "1 day after it was due: the delay is with Lumen."),
        ({"handover_due": 24, "handed_over": 80}, None, "seller", "Not yet handed to the carrier, which was due"),
        ({"handover_due": 24}, None, "seller", "Not yet handed to the carrier, which was due on Tue"),
        ({"handover_due": 24}, ("accepted", 12), "carrier", "in time: the delay is with the carrier."),
        ({"handed_over": 60}, None, "", "Handed to the carrier on Wed 4 Mar 2026."),
        ({"handover_due": 24, "handed_over": 60}, ("lost", 70), "carrier", "The carrier reported it lost on Wed 4 Mar"),
        ({"handover_due": 24, "handed_over": 60}, ("lost", 73), "seller", "the delay is with Lumen."),
    ],
)  # fmt: skip
def test_the_data_says_who_held_a_parcel_up(shop, parcel, scan, locus, words):
    made = shop.parcel(shop.order(shop.customer()), promised=72, seller=shop.vendor("seller", "Lumen"), **parcel)
    if scan:
        shop.scan(made, *scan)

    replay(shop.source, hour(72))

    case = Case.objects.get()
    assert case.locus == locus
    assert words in told(case)[0]


def test_days_are_told_where_they_happened(shop):
    shop.source.time_zone = "America/Sao_Paulo"
    shop.source.save()
    shop.parcel(shop.order(shop.customer()), promised=1.5)  # still Sunday there

    replay(shop.source, hour(2))

    assert Case.objects.get().subject == "Not delivered by Sun 1 Mar 2026"


def test_when_an_overdue_parcel_arrives_its_case_becomes_late(shop):
    shop.parcel(shop.order(shop.customer()), promised=10, delivered=10 + 9 * 24)

    tally = replay(shop.source, hour(300))

    case = Case.objects.get()
    assert (case.reason.code, case.subject) == ("delivery.late", "Delivered 9 days late")
    assert told(case)[-1].startswith("reason: It arrived on Wed 11 Mar 2026, 9 days late. From Promised date passed")
    assert (tally.opened, tally.attached, tally.turned["delivery.late"]) == (1, 1, 1)
    assert case.severity == 3, "late is low, nine days of it are not"


def test_an_arrival_after_the_case_was_resolved_is_noted_there_and_opens_nothing(shop, ana):
    from makegood.recover.cases.services import resolve_case

    shop.parcel(shop.order(shop.customer()), promised=10, delivered=40)
    replay(shop.source, hour(20))
    resolve_case(case_id=Case.objects.get().pk, outcome="explained", cause="", by=ana, now=hour(30))

    replay(shop.source, hour(50))

    case = Case.objects.get()
    assert case.status == "resolved"
    assert told(case)[-1].startswith("fact: Promised by Mon 2 Mar 2026, delivered on Tue 3 Mar 2026, 1 day late.")


def test_a_second_parcel_of_the_same_order_joins_the_case(shop):
    order = shop.order(shop.customer())
    shop.parcel(order, promised=10)
    shop.parcel(order, promised=12)

    replay(shop.source, hour(20))

    assert [line.partition(":")[0] for line in told(Case.objects.get())] == ["opened", "triaged", "fact"]


def test_an_overdue_order_that_is_called_off_becomes_a_cancellation(shop):
    order = shop.order(shop.customer(), status="unavailable", cancelled=30)
    shop.parcel(order, promised=10)

    replay(shop.source, hour(50))

    case = Case.objects.get()
    assert (case.reason.code, case.locus, case.subject) == (
        "order.unavailable",
        "warehouse",
        "Out of stock after payment",
    )


# -- reviews


def test_a_bad_review_opens_a_case_and_says_which_words_decided(shop):
    order = shop.order(shop.customer())
    shop.review(order, at=5, body="The kettle arrived broken, my lawyer will call.", language="en")

    replay(shop.source, hour(10))

    case = Case.objects.get()
    assert (case.reason.code, case.channel, case.tier) == ("product.damaged", "review", "manager")
    assert (
        told(case)[0] == "opened: Review of 1 star. Arrived damaged, from the words “arrived broken” (product.damaged)."
    )
    assert case.contacts.get().body == "The kettle arrived broken, my lawyer will call."


def test_a_review_without_words_is_explained_by_the_facts(shop):
    late = shop.order(shop.customer(), channel="store", status="delivered")
    shop.parcel(late, promised=10, delivered=58)
    shop.review(late, at=70)
    # The late arrival is before the lookback of this replay, so only the review is seen.
    replay(shop.source, hour(80), since=hour(60))

    case = Case.objects.get()
    assert (case.reason.code, case.subject) == ("delivery.late", "Review of 1 star, without words")
    assert "The review does not say why; the order does (delivery.late). Promised by Mon 2 Mar 2026" in told(case)[0]


def test_a_review_of_an_order_that_went_well_and_says_nothing_is_unclear(shop):
    shop.review(shop.order(shop.customer()), at=5)

    replay(shop.source, hour(10))

    assert Case.objects.get().reason.code == "other.unclear"


def test_a_review_joins_the_open_case_of_its_order(shop):
    order = shop.order(shop.customer())
    shop.parcel(order, promised=10)
    shop.review(order, at=30, body="Produto veio com defeito", language="pt")

    replay(shop.source, hour(50))

    case = Case.objects.get()
    assert (case.reason.code, case.channel, case.contacts.get().channel) == ("delivery.overdue", "review", "review")
    assert told(case)[-1].startswith("contact: Review of 1 star. The words “")
    assert told(case)[-1].endswith("tell of: Faulty or stopped working. The case had opened before the customer spoke.")


def test_a_review_about_no_order_opens_a_case_of_its_customer_once(shop):
    maria = shop.customer()
    shop.review(None, at=5, customer=maria)
    shop.review(None, at=6, customer=maria)

    replay(shop.source, hour(10))

    case = Case.objects.get()
    assert (case.customer, case.order, case.contacts.count()) == (maria, None, 2)


# -- live


def test_live_a_failure_is_visible_once_it_happened_and_we_were_told(shop):
    from makegood.ground.retail.models import Shipment

    parcel = shop.parcel(shop.order(shop.customer()), promised=10)
    Shipment.objects.filter(pk=parcel.pk).update(changed_at=hour(1))
    look_for_failures(hour(9))
    assert not Case.objects.exists()

    look_for_failures(hour(11))
    assert Case.objects.get().opened_at == hour(10)


def test_what_we_learn_afterwards_opens_a_case_when_we_learn_it(shop):
    from makegood.ground.retail.models import Shipment

    look_for_failures(hour(20))
    parcel = shop.parcel(shop.order(shop.customer()), promised=10)
    Shipment.objects.filter(pk=parcel.pk).update(changed_at=hour(25))

    look_for_failures(hour(30))

    assert Case.objects.get().opened_at == hour(25)


def test_bringing_in_years_of_history_opens_no_case(shop, settings):
    settings.MAKEGOOD_LOOKBACK_DAYS = 30
    order = shop.order(shop.customer(), placed=-9000, status="cancelled")
    shop.parcel(shop.order(order.customer, placed=-9000), promised=-8000, delivered=-7000)
    shop.review(order, at=-6000)

    look_for_failures(hour(10))

    assert not Case.objects.exists()


def test_a_second_look_adds_nothing(shop):
    order = shop.order(shop.customer())
    shop.parcel(order, promised=10, delivered=15)
    shop.review(order, at=16)
    look_for_failures(hour(20))
    before = CaseEvent.objects.count()

    for later in (20, 20.01, 21):
        tally = look_for_failures(hour(later))
        assert (tally.opened, tally.attached) == (0, 0)

    assert CaseEvent.objects.count() == before


def test_a_look_that_finds_nothing_is_cheap(shop, django_assert_max_num_queries):
    look_for_failures(hour(20))
    with django_assert_max_num_queries(20):
        look_for_failures(hour(20) + timedelta(minutes=1))


def test_finding_a_thousand_takes_no_more_statements_than_finding_ten(shop, django_assert_max_num_queries):
    from makegood.ground.retail.models import Customer, Order, Shipment

    Customer.objects.bulk_create([Customer(source=shop.source, ref=f"c{n}") for n in range(600)])
    customers = list(Customer.objects.all())
    Order.objects.bulk_create(
        [Order(source=shop.source, ref=f"o{n}", customer=c, status="paid", placed_at=hour(0), currency="EUR")
         for n, c in enumerate(customers)]
    )  # fmt: skip
    Shipment.objects.bulk_create(
        [Shipment(source=shop.source, ref=f"s{n}", order=o, promised_at=hour(10), delivered_at=hour(12))
         for n, o in enumerate(Order.objects.all())]
    )  # fmt: skip

    with django_assert_max_num_queries(60):
        tally = replay(shop.source, hour(20), step=timedelta(days=2))
    assert (tally.opened, tally.attached) == (600, 600)
