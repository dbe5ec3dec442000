"""Exposures in the lake are what plain loops over orders, lines and parcels give, also as these change."""

import random

import pytest

from makegood.engines.lake import export
from makegood.ground.retail.facts import EXPOSURES
from makegood.ground.retail.models import Order
from makegood.prevent.lake import facts, refresh_lake
from makegood.prevent.slices import DIMENSIONS
from tests.prevent.purchases import Retailer

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning"),  # ibis 12 with duckdb 2
]


@pytest.fixture
def go(tmp_path, settings, noon, monkeypatch):
    """Bring the lake up to date; the rows of the fact and how many orders' rows were copied."""
    monkeypatch.setattr(export, "MARGIN", export.MARGIN * 0)
    settings.MAKEGOOD_LAKE = str(tmp_path / "lake")

    def go():
        summary = refresh_lake(now=noon)
        with facts() as lake:
            rows = lake.answer(lake["exposures"].select(*EXPOSURES.schema.names)).to_pylist()
        return ordered(rows), {fact.fact: fact.copied for fact in summary.facts}["exposures"]

    return go


def ordered(rows):
    return sorted(rows, key=lambda row: row["exposure_id"])


def test_every_line_is_an_exposure_with_all_that_failures_can_have_in_common(go):
    shop = Retailer(random.Random(4))
    shop.buy(120)
    rows, _copied = go()
    assert rows == ordered(shop.exposures())
    assert len(rows) > 120
    assert set(EXPOSURES.schema.names) > {name for name in DIMENSIONS if name != "reason"}


def test_what_changes_is_copied_again_and_nothing_else(go):
    shop = Retailer(random.Random(5))
    shop.buy(40)
    go()
    assert go()[1] == 0

    bare, parcelled = (
        next(order for order in Order.objects.all() if test(order))
        for test in (lambda order: not order.lines.exists(), lambda order: order.shipments.exists())
    )
    shop.add_line(bare, 0)  # its own exposure goes, its line's comes
    parcelled.shipments.update(to_state="Wales", changed_at=parcelled.changed_at.now(parcelled.changed_at.tzinfo))
    rows, copied = go()
    assert rows == ordered(shop.exposures())
    assert copied == 1 + max(1, parcelled.lines.count())
