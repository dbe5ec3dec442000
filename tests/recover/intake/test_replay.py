"""History goes through intake as it would have happened."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.db.models import Count
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from makegood.recover.cases.models import Case, CaseEvent
from makegood.recover.cases.replay import columns_of
from makegood.recover.cases.replay import replay as fold
from makegood.recover.cases.services import plant_defaults
from makegood.recover.intake.failures import Window, find
from makegood.recover.intake.models import Failure, Watermark
from makegood.recover.intake.services import replay
from tests.recover.intake.conftest import everything, hour
from tests.recover.intake.worlds import LAST, World, failures_of, hours, worlds

END = LAST + 1
# The order counts as delivered, one parcel came an hour after the other was due, of which no delivery is on file.
HALF_DATED = World(
    [
        {
            "customer": 0, "placed": 0, "promised": None, "cancelled": None, "channel": "online", "paid": 0,
            "status": "delivered", "payments": [], "reviews": [],
            "parcels": [
                {"promised": None, "delivered": 1, "handover_due": None, "handed_over": None, "scans": []},
                {"promised": 0, "delivered": None, "handover_due": None, "handed_over": None, "scans": []},
            ],
        }
    ],
    [],
)  # fmt: skip
# Olist until the end of 20 March 2018.
FIGURES = {"overdue": 4713, "late": 3132, "cancelled": 940, "review": 8787}
many = settings(
    max_examples=15,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@contextmanager
def undone() -> Iterator[None]:
    """What happens in here did not happen."""
    with transaction.atomic():
        plant_defaults()
        with connection.cursor() as cursor:
            cursor.execute("SELECT setval('case_number', 1, false)")
        yield
        transaction.set_rollback(True)


def made_by(world, *untils, step=None):
    with undone():
        shop = world.make()
        for until in untils:
            replay(shop.source, hour(until), step=step)
        return everything()


def apart(one, other):
    """What only one of two has."""
    return [case for case in one if case not in other] + [case for case in other if case not in one]


@many
@given(world=worlds, since=hours, width=hours)
def test_the_rules_find_what_asking_every_row_finds(db, world, since, width):
    with undone():
        shop = world.make()
        window = Window(since=hour(since), until=hour(since + width), source_id=shop.source.pk)
        found = sorted((one.kind.value, one.origin.partition(":")[2], one.at) for one in find(window))
        expected = [row for row in failures_of(shop.source.pk) if window.since < row[2] <= window.until]
    assert found == expected


@many
@given(world=worlds, first=hours, step=st.sampled_from([1, 2, 7]))
def test_how_history_is_cut_into_pieces_does_not_matter(db, world, first, step):
    whole = made_by(world, END)

    assert apart(made_by(world, first, END), whole) == []
    assert apart(made_by(world, END, END, step=timedelta(hours=step)), whole) == []


@many
@example(world=HALF_DATED, now=0)
@given(world=worlds, now=hours)
def test_nothing_is_known_before_its_time(db, world, now):
    full = made_by(world, now)

    assert apart(made_by(world.known_by(now), now), full) == []


@many
@given(world=worlds)
def test_the_columns_of_every_case_are_what_its_events_say(db, world):
    with undone():
        replay(world.make().source, hour(END))
        for case in Case.objects.all():
            assert fold(CaseEvent.objects.filter(case=case).order_by("seq")) == columns_of(case)


def test_a_replay_that_is_killed_half_way_goes_on_to_the_same_end(shop, monkeypatch):
    from makegood.recover.intake.services.replay import replay as run

    maria = shop.customer()
    for n in range(6):
        order = shop.order(maria, placed=n)
        shop.parcel(order, promised=10 * n + 5, delivered=10 * n + 9)
        shop.review(order, at=10 * n + 9.5)
    with transaction.atomic():
        run(shop.source, hour(100), step=timedelta(hours=8))
        whole = everything()
        transaction.set_rollback(True)

    import sys

    from makegood.recover.intake.services import acting

    module = sys.modules["makegood.recover.intake.services.replay"]
    calls = itertools.count()

    def die_in_the_third(happenings):
        result = acting.act(happenings)
        if next(calls) == 3:
            raise KeyboardInterrupt
        return result

    monkeypatch.setattr(module, "act", die_in_the_third)
    with pytest.raises(KeyboardInterrupt):
        run(shop.source, hour(100), step=timedelta(hours=8))
    assert 0 < Case.objects.count() < 6
    monkeypatch.undo()

    run(shop.source, hour(100), step=timedelta(hours=8))

    assert everything() == whole


def test_a_second_replay_does_nothing(shop):
    shop.parcel(shop.order(shop.customer()), promised=10)
    replay(shop.source, hour(20))
    before = everything()

    tally = replay(shop.source, hour(20))

    assert (tally.opened, tally.attached) == (0, 0)
    assert everything() == before
    assert Watermark.objects.get().looked_until == hour(20)


def test_a_replay_leaves_other_sources_alone(shop):
    from tests.recover.intake.conftest import Shop

    other = Shop("other")
    other.parcel(other.order(other.customer()), promised=10)
    replay(shop.source, hour(20))
    assert not Case.objects.exists()


def test_a_source_without_history_needs_no_replay(shop):
    tally = replay(shop.source, hour(20))

    assert tally.opened == 0


@pytest.mark.slow
def test_the_real_history_of_a_marketplace(transactional_db, shared_data):
    """Olist: what the rules find is what plain counting over the same tables finds."""
    from makegood.ground.retail.models import Source
    from makegood.ground.retail.services.importing import import_olist

    if not (shared_data / "olist").is_dir():
        pytest.skip(f"No Olist data in {shared_data}.")
    plant_defaults()
    import_olist(directory=shared_data / "olist", now=datetime(2026, 3, 5, tzinfo=UTC))
    source = Source.objects.get(slug="olist")

    now = datetime(2018, 3, 21, 3, tzinfo=UTC)

    tally = replay(source, now)

    found = dict(Failure.objects.values_list("kind").annotate(Count("pk")))
    assert found == FIGURES == dict(_counted_plainly(now))
    assert tally.opened == Case.objects.count() == sum(tally.by_reason.values())
    assert tally.opened + tally.attached == sum(FIGURES.values())
    assert tally.turned["delivery.late"] > 0.95 * FIGURES["late"]
    # Coverage of the phrasebook; bench/language.py measures whether it is right.
    assert tally.reviews_understood > 0.8 * tally.reviews_with_words > 5000
    assert not Case.objects.filter(opened_at__gt=now).exists()
    assert replay(source, now).opened == 0


def _counted_plainly(now):
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT 'overdue', count(*) FROM retail_shipment s JOIN retail_order o ON o.id = s.order_id
            WHERE s.promised_at <= %(now)s AND o.status NOT IN ('cancelled', 'unavailable')
              AND (s.delivered_at > s.promised_at OR (s.delivered_at IS NULL AND o.status <> 'delivered'))
            UNION ALL SELECT 'late', count(*) FROM retail_shipment s
            WHERE s.delivered_at > s.promised_at AND s.delivered_at <= %(now)s
            UNION ALL SELECT 'cancelled', count(*) FROM retail_order o
            WHERE o.cancelled_at <= %(now)s
              AND (o.paid_at <= o.cancelled_at OR EXISTS (
                SELECT FROM retail_payment p
                WHERE p.order_id = o.id AND p.amount > 0 AND coalesce(p.paid_at, o.placed_at) <= o.cancelled_at))
            UNION ALL SELECT 'review', count(*) FROM retail_review WHERE score <= 2 AND at <= %(now)s
            """,
            {"now": now},
        )
        return cursor.fetchall()
