"""What is wrong in the demo retailer on purpose. The generator reads this table, and whoever looks for patterns is
measured against it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from makegood.app.demo.catalogue import FAULTY_PRODUCT, STORES

LANE, BATCH, SUNDAYS, LABELS = "lost_lane", "faulty_batch", "empty_sundays", "price_labels"


@dataclass(frozen=True)
class Hidden:
    """One failure with a cause.

    Attributes
    ----------
    where : mapping of column to reference
        The slice of orders it hits, in the words of the feed.
    since, until : time before the end of the demo year; `until` zero: it goes on.
    rate : the share of the slice that it hits.
    reason : the reason code that its cases should carry.
    """

    name: str
    what: str
    where: Mapping[str, str]
    since: timedelta
    until: timedelta
    rate: float
    reason: str
    effect: str

    def window(self, end: datetime) -> tuple[datetime, datetime]:
        """From when and until when, for a year that ends at `end`."""
        return end - self.since, end - self.until


HIDDEN: dict[str, Hidden] = {
    row.name: row
    for row in (
        Hidden(
            name=LANE,
            what="Marlbeck Parcels loses parcels between the Swindon warehouse and the North West.",
            where={"carrier_ref": "C-MARL", "warehouse_ref": "W-SWI", "to_state": "North West"},
            since=timedelta(weeks=7), until=timedelta(0), rate=0.35, reason="delivery.not_received",
            effect="35% of the parcels of this lane never arrive (elsewhere under 1%); the scans stop after the hub.",
        ),
        Hidden(
            name=BATCH,
            what="A batch of the Norwick AirCrisp air fryer stops heating.",
            where={"product_ref": FAULTY_PRODUCT.ref, "batch": "NA55-K3"},
            since=timedelta(weeks=17), until=timedelta(weeks=8), rate=0.3, reason="product.faulty",
            effect="30% of the fryers of this batch fail within six weeks (other batches and appliances: about 1%).",
        ),
        Hidden(
            name=SUNDAYS,
            what="Nobody works in the electronics section of one store on Sunday afternoons.",
            where={"place_ref": next(row.ref for row in STORES if row.name == "Sheffield Riverside"),
                   "category": "Electronics"},
            since=timedelta(weeks=12), until=timedelta(0), rate=3.0, reason="store.no_staff",
            effect="About 3 visitors a Sunday say that nobody was there; electronics sales of these hours halve.",
        ),
        Hidden(
            name=LABELS,
            what="For a week the shelf labels of one district show the prices of an offer that has ended.",
            where={"district_ref": "D-MD"},
            since=timedelta(weeks=10), until=timedelta(weeks=9), rate=0.55, reason="store.price",
            effect="55% of the store purchases of that week are priced wrong at the till (elsewhere 0.4%).",
        ),
    )
}  # fmt: skip
