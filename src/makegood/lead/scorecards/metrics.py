"""Every metric, declared once: what is divided by what, and what is left out.

Below its minimum n a metric is shown as "too few", not as a number.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Better(StrEnum):
    """Which way is good."""

    LOWER = "lower"
    HIGHER = "higher"
    NEITHER = "neither"


@dataclass(frozen=True, kw_only=True)
class Metric:
    slug: str
    name: str
    unit: str
    better: Better
    numerator: str
    denominator: str
    exclusions: str = ""
    minimum_n: int = 1

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


OURS = "A case that we opened by writing first (outreach) counts from when the customer answered, or never."

CASES_PER_ORDER = Metric(
    slug="cases_per_order",
    name="Cases per order due",
    unit="cases per order",
    better=Better.LOWER,
    numerator="Cases opened in the week, by the reason they have now.",
    exclusions=OURS,
    denominator=(
        "Orders due in the week: delivered, promised or called off, whichever comes first; purchases without delivery "
        "when they are made."
    ),
    minimum_n=5,  # cases: three sigma of a handful is passed by chance far too often
)
LATE_RATE = Metric(
    slug="late_rate",
    name="Late deliveries",
    unit="share of shipments",
    better=Better.LOWER,
    numerator="Shipments that had not arrived when their promise passed.",
    denominator="Shipments whose promise passed in the week.",
    exclusions="No promise; called off before it passed; marked delivered without a time.",
    minimum_n=20,
)
FIRST_RESPONSE = Metric(
    slug="first_response",
    name="First response",
    unit="seconds, calendar time",
    better=Better.LOWER,
    numerator="Time from opening to the first public human reply, of cases that got theirs in the week.",
    denominator="Cases that got their first reply in the week.",
    exclusions="Cases without a reply yet; cases that we opened by writing first.",
    minimum_n=10,
)
RESOLUTION = Metric(
    slug="resolution",
    name="Resolution",
    unit="seconds, calendar time",
    better=Better.LOWER,
    numerator="Time from opening to resolution, of cases resolved in the week.",
    denominator="Cases resolved in the week and not open again since.",
    exclusions="Cases still open. " + OURS,
    minimum_n=10,
)

WEEKLY = (CASES_PER_ORDER, LATE_RATE, FIRST_RESPONSE, RESOLUTION)

# What is compared between two periods, by name. Nothing has a minimum: chance is judged slice by slice.
CHANGED: Mapping[str, Metric] = {
    metric.slug: metric
    for metric in (
        Metric(
            slug="cases",
            name="Cases",
            unit="cases",
            better=Better.LOWER,
            numerator="Cases opened in the period, by the reason they have now.",
            denominator="Orders due in the period.",
            exclusions=OURS,
        ),
        Metric(
            slug="late",
            name="Late deliveries",
            unit="shipments",
            better=Better.LOWER,
            numerator="Shipments that had not arrived when their promise passed.",
            denominator="Shipments whose promise passed in the period.",
            exclusions=LATE_RATE.exclusions,
        ),
        Metric(
            slug="cancelled",
            name="Orders called off",
            unit="orders",
            better=Better.LOWER,
            numerator="Orders due in the period that were called off before they were delivered or promised to be.",
            denominator="Orders due in the period.",
        ),
    )
}
