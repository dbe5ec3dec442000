"""Orders and what became of them, a chunk of the year at a time, as columns of numbers (times: London's wall time)."""

# ruff: noqa: PLR2004  the chances and hours of an invented company; a name for each would not say more

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from makegood.app.demo.catalogue import (
    APPLIANCES,
    BULKY_FROM_PENCE,
    CARRIERS,
    ELECTRONICS,
    FAULTY_PRODUCT,
    HOMEWARE,
    PRODUCTS,
    STORES,
    VENDORS,
)
from makegood.app.demo.customers import Customers, Ints
from makegood.app.demo.hidden import BATCH, HIDDEN, LABELS, LANE, SUNDAYS
from makegood.app.demo.people import AREAS
from makegood.app.demo.year import DAY, HOUR, MARKETPLACE, ONLINE, PICKUP, STORE, Floats, Plan, Seconds

Bools = NDArray[np.bool_]
NEVER = np.int64(0)  # a time that has not come

# What goes wrong in the usual run of things, per hundred orders: online, marketplace, pick-up, store.
USUAL: dict[str, tuple[float, float, float, float]] = {
    "delivery.not_received": (0.54, 0.81, 0, 0),
    "delivery.dnr": (0.54, 0.68, 0, 0),
    "delivery.late": (7, 9, 0, 0),
    "delivery.partial": (0.81, 0.94, 0.41, 0),
    "delivery.wrong_item": (0.94, 1.22, 0.54, 0),
    "delivery.pickup": (0, 0, 6.08, 0),
    "delivery": (0.54, 0.54, 0, 0),
    "product.damaged": (1.62, 2.16, 0.54, 0.41),
    "product.faulty": (1.22, 0.94, 1.08, 1.08),
    "product.not_as_described": (0.68, 1.89, 0.41, 0.14),
    "product.quality": (0.81, 2.03, 0.54, 0.54),
    "order.cancelled": (0.94, 1.62, 0.68, 0),
    "order.unavailable": (0.81, 1.35, 1.35, 0),
    "order": (0.54, 0.54, 0.41, 0),
    "payment.refund": (0.68, 0.94, 0.54, 0.41),
    "payment.charge": (0.68, 0.54, 0.54, 0.41),
    "return.handling": (0.68, 0.81, 0.54, 0.41),
    "return": (0.54, 0.68, 0.41, 0.27),
    "store.no_staff": (0, 0, 0.27, 0.41),
    "store.price": (0, 0, 0.14, 0.41),
    "store.checkout": (0, 0, 0.27, 0.54),
    "store.conduct": (0, 0, 0.41, 0.41),
    "service.no_answer": (0.27, 0.41, 0.14, 0.07),
    "other.unclear": (0.41, 0.41, 0.27, 0.27),
}
FAILURES = ("", *USUAL, "product.heating")
FAILURE = {name: number for number, name in enumerate(FAILURES)}
SOUND = 0
_RATES = np.cumsum(np.array(list(USUAL.values())).T / 100, axis=1)
# These send the goods back more often than not.
SENT_BACK = [FAILURE[name] for name in ("delivery.wrong_item", "product.damaged", "product.faulty", "product.heating",
                                        "product.not_as_described", "product.quality")]  # fmt: skip
RETURNED = [FAILURE["payment.refund"], FAILURE["return.handling"]]
CALLED_OFF = [FAILURE["order.cancelled"], FAILURE["order.unavailable"]]

CARRIER_REFS = [row.ref for row in CARRIERS]
_MARLBECK, _QUILLON, _TIDEPOST, _HEFTWAY = range(4)
DONCASTER, SWINDON = 0, 1
WAREHOUSE_REFS, WAREHOUSE_STATES = ("W-DON", "W-SWI"), ("Yorkshire", "South West")
SELLERS = [row.ref for row in VENDORS if row.kind == "seller"]
SELLER_STATES = [row.state for row in VENDORS if row.kind == "seller"]
PENCE = np.array([row.pence for row in PRODUCTS])
CATEGORY = np.array([(ELECTRONICS, APPLIANCES, HOMEWARE).index(row.category) for row in PRODUCTS])
_POPULAR = np.array([row.popularity for row in PRODUCTS])
_SELLER_OF: Ints = np.array([SELLERS.index(row.seller_ref) if row.seller_ref else -1 for row in PRODUCTS])
FRYER = PRODUCTS.index(FAULTY_PRODUCT)
STORE_REFS = [row.ref for row in STORES]
_DISTRICT_OF_STORE = [row.parent_ref for row in STORES]
_AREA_STORES = [[n for n, row in enumerate(STORES) if row.state == area.name] for area in AREAS]


@dataclass
class Chunk:
    """Orders of the year from number `first` on. Where an order has no such thing: -1, and times are NEVER."""

    first: int
    placed: Seconds
    channel: Ints
    customer: Ints
    store: Ints
    failure: Ints
    paid: Seconds
    promised: Seconds
    cancelled: Seconds
    total: Ints  # pence
    # one per order that travels or waits to be picked up
    ships: Bools
    carrier: Ints
    warehouse: Ints
    seller: Ints
    handover_due: Seconds
    handed_over: Seconds
    delivered: Seconds
    # one per line
    line_order: Ints
    line_position: Ints
    line_product: Ints
    line_quantity: Ints
    line_batch: Ints  # a month of production; -1: the batch that is faulty; -2: none
    freight: Ints  # per order, charged on its first line
    first_line: Ints  # per order
    failed_line: Ints  # per order
    # one per order that comes back
    return_requested: Seconds
    return_received: Seconds
    return_refunded: Seconds

    def __len__(self) -> int:
        return len(self.placed)


def make_chunk(plan: Plan, customers: Customers, number: int) -> Chunk:
    """The orders of one part of the year."""
    random = plan.random(3, number)
    first, last = plan.orders * number // plan.chunks, plan.orders * (number + 1) // plan.chunks
    placed, channel = plan.calendar.purchases(random, first, last, plan.orders)
    count = last - first
    customer = np.searchsorted(customers.picks, random.random(count), side="right").clip(max=len(customers) - 1)
    area = customers.area[customer]
    store = _stores(random, area, channel)
    seller = np.where(channel == MARKETPLACE, random.integers(0, len(SELLERS), count), -1)
    lines = _lines(random, plan, placed, channel, store, seller)
    line_order, line_position, product, quantity, first_line = lines

    bulky = np.zeros(count, dtype=bool)
    np.logical_or.at(bulky, line_order, (PENCE[product] >= BULKY_FROM_PENCE) & (CATEGORY[product] != 2))
    ships = channel != STORE
    warehouse = np.where(channel == ONLINE, (random.random(count) < 0.5).astype(np.int64), -1)
    carrier = _carriers(random, channel, warehouse, bulky)

    failure = _usual_failures(random, plan, placed, channel)
    batch = _batches(random, plan, placed, product, line_order)
    failed_line = _hide(random, plan, failure, placed, channel, store, area, carrier, warehouse, first_line,
                        line_order, batch)  # fmt: skip

    called_off = np.isin(failure, CALLED_OFF)
    ships &= ~called_off
    cancelled = np.where(called_off, placed + 6 * HOUR + (random.random(count) * 3 * DAY).astype(np.int64), NEVER)
    paid = np.where(channel == STORE, placed, placed + random.integers(20, 900, count))
    promised, handover_due, handed_over, delivered = _journey(random, placed, channel, bulky, failure, ships)

    goods = np.bincount(line_order, PENCE[product] * quantity, count).astype(np.int64)
    freight = np.where((channel <= MARKETPLACE) & (goods < 5000), 499, 0)
    returns = _returns(random, failure, np.where(channel == STORE, placed, delivered))
    return Chunk(
        first=first, placed=placed, channel=channel, customer=customer, store=store, failure=failure, paid=paid,
        promised=promised, cancelled=cancelled, total=goods + freight, ships=ships, carrier=carrier,
        warehouse=warehouse, seller=seller, handover_due=handover_due, handed_over=handed_over, delivered=delivered,
        line_order=line_order, line_position=line_position, line_product=product, line_quantity=quantity,
        line_batch=batch, freight=freight, first_line=first_line, failed_line=failed_line,
        return_requested=returns[0], return_received=returns[1], return_refunded=returns[2],
    )  # fmt: skip


def wall_window(plan: Plan, name: str) -> tuple[int, int]:
    """When a hidden failure begins and ends, in wall time."""
    since, until = HIDDEN[name].window(plan.end)
    both = plan.clock.wall(np.array([_seconds(since), _seconds(until)]))
    return int(both[0]), int(both[1])


def _seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def _stores(random: np.random.Generator, area: Ints, channel: Ints) -> Ints:
    """One of the stores near where the customer lives; larger ones (first in the list) more often."""
    pick = (random.random(len(area)) ** 1.3 * 6).astype(np.int64)
    near = np.array(_AREA_STORES)[area, pick]
    return np.where(channel >= PICKUP, near, -1)


def _lines(
    random: np.random.Generator, plan: Plan, placed: Seconds, channel: Ints, store: Ints, seller: Ints
) -> tuple[Ints, Ints, Ints, Ints, Ints]:
    per_order = 1 + np.minimum(random.poisson(0.45, len(placed)), 4)
    line_order = np.repeat(np.arange(len(placed)), per_order)
    first_line = np.concatenate([[0], np.cumsum(per_order)[:-1]])
    position = np.arange(len(line_order)) - first_line[line_order] + 1
    product = np.zeros(len(line_order), dtype=np.int64)
    sold_by = seller[line_order]
    for number in range(-1, len(SELLERS)):
        mine = np.flatnonzero(sold_by == number)
        product[mine] = _choose(random, len(mine), np.equal(_SELLER_OF, number))
    quantity = np.where(PENCE[product] < 6000, 1 + (random.random(len(product)) < 0.12), 1)
    # Nobody to ask, nothing bought: on the hidden Sundays half of the electronics stay on the shelf.
    hour, since = placed // HOUR % 24, wall_window(plan, SUNDAYS)[0]
    empty = (channel == STORE) & (store == STORE_REFS.index(HIDDEN[SUNDAYS].where["place_ref"]))
    empty &= ((placed // DAY + 3) % 7 == 6) & (hour >= 12) & (placed >= since)
    lost = np.flatnonzero(empty[line_order] & (CATEGORY[product] == 0) & (random.random(len(product)) < 0.5))
    product[lost] = _choose(random, len(lost), (_SELLER_OF == -1) & (CATEGORY == 2))
    return line_order, position, product, quantity, first_line


def _choose(random: np.random.Generator, count: int, among: Bools) -> Ints:
    weights = np.cumsum(_POPULAR * among)
    chosen = np.searchsorted(weights, random.random(count) * weights[-1], side="right")
    return np.asarray(chosen, dtype=np.int64)


def _carriers(random: np.random.Generator, channel: Ints, warehouse: Ints, bulky: Bools) -> Ints:
    """Marlbeck mostly from Swindon, Quillon mostly from Doncaster, Tidepost from both, Heftway what needs two."""
    u = random.random(len(channel))
    swindon = np.where(u < 0.45, _MARLBECK, np.where(u < 0.65, _QUILLON, _TIDEPOST))
    doncaster = np.where(u < 0.2, _MARLBECK, np.where(u < 0.65, _QUILLON, _TIDEPOST))
    carrier = np.where(warehouse == SWINDON, swindon, doncaster)
    carrier = np.where(bulky, _HEFTWAY, carrier)
    return np.where(channel <= MARKETPLACE, carrier, -1)


def _usual_failures(random: np.random.Generator, plan: Plan, placed: Seconds, channel: Ints) -> Ints:
    # A busy week goes wrong a little more often than its volume explains.
    strain = 1 + 0.5 * (plan.calendar.busy(placed) - 1).clip(0)
    u = random.random(len(placed)) / strain
    failure = (u[:, None] > _RATES[channel]).sum(axis=1) + 1
    return np.where(failure > len(USUAL), SOUND, failure)


def _batches(random: np.random.Generator, plan: Plan, placed: Seconds, product: Ints, line_order: Ints) -> Ints:
    """Appliances carry the month they were made in; of the air fryer one batch came in and went out again."""
    at = placed[line_order]
    batch = np.where(CATEGORY[product] == 1, at // (30 * DAY) % 1000, -2)
    since, until = wall_window(plan, BATCH)
    mine = (product == FRYER) & (at >= since) & (at < until) & (random.random(len(product)) < 0.85)
    return np.where(mine, -1, batch)


def _hide(
    random: np.random.Generator, plan: Plan, failure: Ints, placed: Seconds, channel: Ints, store: Ints, area: Ints,
    carrier: Ints, warehouse: Ints, first_line: Ints, line_order: Ints, batch: Ints,
) -> Ints:  # fmt: skip
    """Write the hidden failures over the usual ones; returns which line of each order failed."""
    failed_line = first_line.copy()

    since, _ = wall_window(plan, LANE)
    lane = (carrier == _MARLBECK) & (warehouse == SWINDON) & (placed >= since)
    lane &= area == [row.name for row in AREAS].index(HIDDEN[LANE].where["to_state"])
    failure[lane & (random.random(len(failure)) < HIDDEN[LANE].rate)] = FAILURE["delivery.not_received"]

    bad = np.flatnonzero((batch == -1) & (random.random(len(batch)) < HIDDEN[BATCH].rate))
    failure[line_order[bad]] = FAILURE["product.heating"]
    failed_line[line_order[bad]] = bad

    since, until = wall_window(plan, LABELS)
    district = np.array([ref == HIDDEN[LABELS].where["district_ref"] for ref in _DISTRICT_OF_STORE])
    labels = (channel == STORE) & district[store] & (placed >= since) & (placed < until)
    failure[labels & (random.random(len(failure)) < HIDDEN[LABELS].rate)] = FAILURE["store.price"]
    return failed_line


def _journey(
    random: np.random.Generator, placed: Seconds, channel: Ints, bulky: Bools, failure: Ints, ships: Bools
) -> tuple[Seconds, Seconds, Seconds, Seconds]:
    """Promised, due at the carrier, handed over, delivered (or picked up)."""
    count, day = len(placed), placed // DAY
    lead = np.where(channel == MARKETPLACE, 5, np.where(bulky, 6, 3))
    due_day = day + lead
    due_day += (due_day + 3) % 7 == 6  # nobody delivers on Sundays
    late = failure == FAILURE["delivery.late"]
    lost = failure == FAILURE["delivery.not_received"]
    slow_warehouse = late & (random.random(count) < 0.35)
    ready_in = np.where(channel == MARKETPLACE, random.integers(1, 3, count), 1)
    handover_due = (day + ready_in) * DAY + 18 * HOUR
    handed_over = (
        handover_due - random.integers(0, 6 * HOUR, count) + slow_warehouse * random.integers(1, 4, count) * DAY
    )

    on_time = np.minimum(handed_over // DAY + random.integers(1, np.maximum(lead, 2), count), due_day)
    too_late = due_day + np.minimum(random.geometric(0.38, count), 14)
    arrives = np.where(late, too_late, on_time)
    delivered = arrives * DAY + 8 * HOUR + random.integers(0, 11 * HOUR, count)
    delivered = np.maximum(delivered, handed_over + 5 * HOUR)

    # A pick-up order is ready within hours; the customer comes when it suits.
    pickup = channel == PICKUP
    ready = placed + random.integers(1 * HOUR, 4 * HOUR, count)
    night = ready // HOUR % 24
    ready = np.where((night >= 20) | (night < 9), (ready // DAY + (night >= 20)) * DAY + 9 * HOUR + HOUR // 2, ready)
    ready_by = np.maximum(ready, placed + 4 * HOUR)
    not_ready = failure == FAILURE["delivery.pickup"]
    handed_over = np.where(pickup, ready + not_ready * random.integers(1, 4, count) * DAY, handed_over)
    fetched = (handed_over // DAY + random.geometric(0.5, count).clip(max=6)) * DAY
    fetched += 10 * HOUR + random.integers(0, 8 * HOUR, count)

    delivered = np.where(ships & ~lost, np.where(pickup, fetched, delivered), NEVER)
    promised = np.where(pickup, ready_by, due_day * DAY + 21 * HOUR)
    return (
        np.where(channel == STORE, NEVER, promised),
        np.where(pickup, ready_by, handover_due) * ships,
        handed_over * ships,
        delivered,
    )


def _returns(random: np.random.Generator, failure: Ints, had: Seconds) -> tuple[Seconds, Seconds, Seconds]:
    count = len(failure)
    share: Floats = np.where(failure == SOUND, 0.035, 0.0)
    share[np.isin(failure, SENT_BACK)] = 0.55
    share[np.isin(failure, RETURNED)] = 1.0
    comes_back = (had > NEVER) & (random.random(count) < share)
    requested = had + ((1 + random.exponential(6, count)).clip(max=28) * DAY).astype(np.int64)
    received = requested + ((2 + random.exponential(2, count)) * DAY).astype(np.int64)
    days = np.where(
        failure == FAILURE["payment.refund"], 18 + random.exponential(8, count), 1 + random.exponential(2, count)
    )
    refunded = received + (days * DAY).astype(np.int64)
    stuck = failure == FAILURE["return.handling"]
    return (
        np.where(comes_back, requested, NEVER),
        np.where(comes_back & ~stuck, received, NEVER),
        np.where(comes_back & ~stuck, refunded, NEVER),
    )
