"""The year as the tables of the feed: Arrow batches, made when they are asked for, in the order the feed wants."""

# ruff: noqa: PLR2004  the chances and hours of an invented company; a name for each would not say more

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property, lru_cache

import numpy as np
import pyarrow as pa

from makegood.app.demo.catalogue import PLACES, PRODUCTS, STORES, VENDORS
from makegood.app.demo.customers import Customers, Ints, make_customers
from makegood.app.demo.happenings import Rated, Said, contacts, reviews
from makegood.app.demo.hidden import BATCH, HIDDEN
from makegood.app.demo.orders import (
    CARRIER_REFS,
    CATEGORY,
    FAILURE,
    FAILURES,
    NEVER,
    PENCE,
    SELLER_STATES,
    SELLERS,
    STORE_REFS,
    WAREHOUSE_REFS,
    WAREHOUSE_STATES,
    Bools,
    Chunk,
    make_chunk,
)
from makegood.app.demo.people import AREAS
from makegood.app.demo.year import CHANNELS, DAY, HOUR, MARKETPLACE, PICKUP, STORE, Plan, Seconds

TIME = pa.timestamp("us", "UTC")
MONEY = pa.decimal128(14, 2)
_SHARED_ROWS = 50_000  # customers made at once
_METHODS = ("card", "card", "card", "wallet", "paylater", "gift_card")
_NO_REASON = "Changed my mind"
_RETURN_REASONS = {
    "delivery.wrong_item": "Wrong item", "product.damaged": "Arrived damaged",
    "product.faulty": "Faulty", "product.heating": "Does not heat", "product.quality": "Quality",
    "product.not_as_described": "Not as described",
}  # fmt: skip
_HUBS = tuple(f"{row.city} hub" for row in VENDORS if row.kind == "carrier")


class Retailer:
    """The demo retailer of one plan.

    `tables` are what the feed importer takes; `reasons` what the contacts and failures are really about, which nobody
    in the played company is told and the played staff find out case by case.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._chunk: Callable[[int], Chunk] = lru_cache(maxsize=1)(lambda n: make_chunk(plan, self.customers, n))

    @cached_property
    def customers(self) -> Customers:
        return make_customers(self.plan)

    def tables(self) -> dict[str, Iterator[pa.RecordBatch]]:
        """Every table of the feed with its rows, made while they are read, once.

        Read one table after the other: then memory is bounded by a chunk of orders, whatever the scale.
        """
        per_chunk = {
            "orders": self._orders, "shipments": self._shipments, "order_lines": self._lines,
            "payments": self._payments, "tracking_events": self._tracking, "returns": self._returns,
            "reviews": self._reviews, "contacts": self._contacts,
        }  # fmt: skip
        return {
            "places": iter([_places()]),
            "vendors": iter([_vendors()]),
            "products": iter([_products()]),
            "customers": self._customers(),
            **{name: map(make, range(self.plan.chunks)) for name, make in per_chunk.items()},
        }

    def reasons(self) -> dict[str, str]:
        """What really went wrong, by order reference and by contact reference."""
        found: dict[str, str] = {}
        for number in range(self.plan.chunks):
            chunk = self._chunk(number)
            for order in np.flatnonzero(chunk.failure).tolist():
                name = FAILURES[chunk.failure[order]]
                found[_ref("B", chunk, order)] = _TRUE_NAMES.get(name, name)
            found |= {said.ref: said.reason for said in self._said(number)}
        return found

    # -- a table each

    def _customers(self) -> Iterator[pa.RecordBatch]:
        for start in range(0, len(self.customers), _SHARED_ROWS):
            columns = self.customers.columns(start, start + _SHARED_ROWS)
            yield pa.RecordBatch.from_pydict({name: pa.array(values, pa.string()) for name, values in columns.items()})

    def _orders(self, number: int) -> pa.RecordBatch:
        chunk = self._chunk(number)
        return self._batch({
            "ref": _order_refs(chunk),
            "customer": [self.customers.ref(who) for who in chunk.customer.tolist()],
            "place": _choose(STORE_REFS, chunk.store),
            "channel": _choose(CHANNELS, chunk.channel),
            "status": self._status(chunk),
            "placed_at": self._time(chunk.placed),
            "paid_at": self._time(chunk.paid),
            "promised_at": self._time(chunk.promised, ahead=True),
            "cancelled_at": self._time(chunk.cancelled),
            "total": _money(chunk.total),
        })  # fmt: skip

    def _shipments(self, number: int) -> pa.RecordBatch:
        chunk = self._chunk(number)
        which = np.flatnonzero(chunk.ships)
        area = self.customers.area[chunk.customer[which]]
        store_area = np.array([[a.name for a in AREAS].index(row.state) for row in STORES])[chunk.store[which]]
        pickup = chunk.channel[which] == PICKUP
        names = [row.name for row in AREAS]
        sent_from = np.where(
            chunk.seller[which] >= 0, np.array(SELLER_STATES)[chunk.seller[which]],
            np.where(pickup, np.array(names)[store_area], np.array(WAREHOUSE_STATES)[chunk.warehouse[which]]),
        )  # fmt: skip
        return self._batch({
            "ref": _refs("H", chunk, which),
            "order": _refs("B", chunk, which),
            "carrier": _choose(CARRIER_REFS, chunk.carrier[which]),
            "seller": _choose(SELLERS, chunk.seller[which]),
            "warehouse": _choose(WAREHOUSE_REFS, chunk.warehouse[which]),
            "tracking_number": [
                "" if carrier < 0 else f"{CARRIER_REFS[carrier][2:4]}{(chunk.first + order) * 7919 % 10**9:09}GB"
                for order, carrier in zip(which.tolist(), chunk.carrier[which].tolist(), strict=True)
            ],
            "from_state": sent_from.tolist(),
            "to_state": np.array(names)[np.where(pickup, store_area, area)].tolist(),
            "handover_due_at": self._time(np.where(pickup, NEVER, chunk.handover_due[which]), ahead=True),
            "handed_over_at": self._time(np.where(pickup, NEVER, chunk.handed_over[which])),
            "promised_at": self._time(chunk.promised[which], ahead=True),
            "delivered_at": self._time(chunk.delivered[which]),
        })  # fmt: skip

    def _lines(self, number: int) -> pa.RecordBatch:
        chunk = self._chunk(number)
        orders, positions = chunk.line_order.tolist(), chunk.line_position.tolist()
        first = chunk.line_position == 1
        codes, prefix = chunk.line_batch.tolist(), _batch_prefixes()
        return self._batch({
            "ref": [f"{_ref('B', chunk, o)}-{p}" for o, p in zip(orders, positions, strict=True)],
            "order": [_ref("B", chunk, o) for o in orders],
            "product": _choose([row.ref for row in PRODUCTS], chunk.line_product),
            "seller": _choose(SELLERS, chunk.seller[chunk.line_order]),
            "position": pa.array(chunk.line_position),
            "quantity": pa.array(chunk.line_quantity),
            "unit_price": _money(PENCE[chunk.line_product]),
            "freight": _money(np.where(first, chunk.freight[chunk.line_order], 0)),
            "batch": [
                "" if code == -2 else HIDDEN[BATCH].where["batch"] if code == -1 else f"{prefix[product]}-{code:03}"
                for code, product in zip(codes, chunk.line_product.tolist(), strict=True)
            ],
        })  # fmt: skip

    def _payments(self, number: int) -> pa.RecordBatch:
        chunk = self._chunk(number)
        random = self.plan.random(20, number)
        method = random.integers(0, len(_METHODS), len(chunk))
        twice = np.flatnonzero((chunk.failure == FAILURE["payment.charge"]) & (random.random(len(chunk)) < 0.8))
        which = np.concatenate([np.arange(len(chunk)), twice])
        return self._batch({
            "ref": [*_refs("Y", chunk, np.arange(len(chunk))), *(f"{ref}-2" for ref in _refs("Y", chunk, twice))],
            "order": _refs("B", chunk, which),
            "method": _choose(_METHODS, method[which]),
            "amount": _money(chunk.total[which]),
            "paid_at": self._time(chunk.paid[which] + np.where(np.arange(len(which)) < len(chunk), 0, 40)),
        })  # fmt: skip

    def _tracking(self, number: int) -> pa.RecordBatch:
        chunk = self._chunk(number)
        order, at, kind, place = _scans(self.plan.random(21, number), chunk).up_to(self._end)
        first = np.searchsorted(order, order)  # where each one's parcel begins
        nth = np.arange(len(order)) - first
        towns: list[str] = [STORES[s].name if s >= 0 else "" for s in chunk.store.tolist()]
        carrier: list[int] = chunk.carrier.tolist()
        areas: list[str] = [AREAS[a].name for a in self.customers.area[chunk.customer].tolist()]

        def location(place: int, order: int) -> str:
            if place == _AT_HUB:
                return _HUBS[carrier[order]]
            return f"{areas[order]} depot" if place == _AT_DEPOT else towns[order]

        return self._batch({
            "ref": [f"{_ref('H', chunk, o)}-{n + 1}" for o, n in zip(order.tolist(), nth.tolist(), strict=True)],
            "shipment": _refs("H", chunk, order),
            "at": self._time(at),
            "kind": [_KINDS[code][0] for code in kind.tolist()],
            "location": [location(p, o) for p, o in zip(place.tolist(), order.tolist(), strict=True)],
            "description": [_KINDS[code][1] for code in kind.tolist()],
        })  # fmt: skip

    def _returns(self, number: int) -> pa.RecordBatch:
        chunk = self._chunk(number)
        which = np.flatnonzero(self._has_been(chunk.return_requested))
        received = self._has_been(chunk.return_received[which])
        refunded = self._has_been(chunk.return_refunded[which])
        line = chunk.failed_line[which]
        refs = _refs("B", chunk, which)
        return self._batch({
            "ref": _refs("R", chunk, which),
            "order": refs,
            "line": [f"{ref}-{p}" for ref, p in zip(refs, chunk.line_position[line].tolist(), strict=True)],
            "status": np.where(refunded, "refunded", np.where(received, "received", "requested")).tolist(),
            "reason": [_RETURN_REASONS.get(FAILURES[code], _NO_REASON) for code in chunk.failure[which].tolist()],
            "requested_at": self._time(chunk.return_requested[which]),
            "received_at": self._time(chunk.return_received[which]),
            "refunded_at": self._time(chunk.return_refunded[which]),
            "amount": _money(PENCE[chunk.line_product[line]] * chunk.line_quantity[line]),
        })  # fmt: skip

    def _reviews(self, number: int) -> pa.RecordBatch:
        rows = [row for row in reviews(self.plan, self.customers, self._chunk(number), number) if row.at <= self._end]
        names = [name for name in Rated.__dataclass_fields__ if name not in ("at", "score")]
        return self._batch({
            **{name: [getattr(row, name) for row in rows] for name in names},
            "score": pa.array([row.score for row in rows], pa.int64()),
            "language": ["en" if row.body else "" for row in rows],
            "at": self._time(np.array([row.at for row in rows], dtype=np.int64)),
        })  # fmt: skip

    def _contacts(self, number: int) -> pa.RecordBatch:
        rows = self._said(number)
        names = {"customer_ref": "customer", "order_ref": "order"}
        kept = ("ref", "channel", "author", "place", "subject", "body")
        return self._batch({
            **{name: [getattr(row, name) for row in rows] for name in kept},
            **{name: [getattr(row, ours) for row in rows] for name, ours in names.items()},
            "direction": ["in" for _ in rows],
            "language": ["en" for _ in rows],
            "at": self._time(np.array([row.at for row in rows], dtype=np.int64)),
        })  # fmt: skip

    def _said(self, number: int) -> list[Said]:
        said = contacts(self.plan, self.customers, self._chunk(number), number)
        return sorted((row for row in said if row.at <= self._end), key=lambda row: (row.at, row.ref))

    # -- time: nothing is known before it happens

    @cached_property
    def _end(self) -> int:
        return int(self.plan.clock.wall(np.array([int(self.plan.end.timestamp())]))[0])

    def _has_been(self, wall: Seconds) -> Bools:
        return np.asarray((wall > NEVER) & (wall <= self._end))

    def _time(self, wall: Seconds, *, ahead: bool = False) -> pa.Array:
        """Moments as the feed has them; those that have not come are absent, unless they are promises."""
        there = wall > NEVER if ahead else self._has_been(wall)
        utc = self.plan.clock.utc(np.where(there, wall, self._end))
        return pa.array(utc * 1_000_000, pa.int64(), mask=~there).cast(TIME)

    def _status(self, chunk: Chunk) -> list[str]:
        back = self._has_been(chunk.return_received)
        delivered = self._has_been(chunk.delivered) | (chunk.channel == STORE)
        handed_over = self._has_been(chunk.handed_over)
        called_off = self._has_been(chunk.cancelled)
        out = np.where(chunk.failure == FAILURE["order.unavailable"], "unavailable", "cancelled")
        under_way = np.where(handed_over, np.where(chunk.channel == PICKUP, "ready", "shipped"), "paid")
        sold = np.where(delivered, np.where(back, "returned", "delivered"), under_way)
        return np.where(called_off, out, sold).tolist()  # type: ignore[no-any-return]

    @staticmethod
    def _batch(columns: dict[str, Sequence[str] | pa.Array]) -> pa.RecordBatch:
        arrays = {name: v if isinstance(v, pa.Array) else pa.array(v, pa.string()) for name, v in columns.items()}
        return pa.RecordBatch.from_pydict(arrays)


_TRUE_NAMES = {"delivery.dnr": "delivery.not_received", "product.heating": "product.faulty"}
_AT_HUB, _AT_DEPOT, _AT_STORE = range(3)
_KINDS = (
    ("accepted", "Collected from the sender"),
    ("in_transit", "Sorted"),
    ("in_transit", "Arrived at the local depot"),
    ("exception", "Delayed: we are sorry"),
    ("out_for_delivery", "Out for delivery"),
    ("attempted", "Nobody in, we will try again"),
    ("delivered", "Delivered"),
    ("exception", "Parcel cannot be located"),
    ("lost", "Declared lost"),
    ("ready", "Ready for collection"),
    ("delivered", "Collected"),
)
_ACCEPTED, _SORTED, _DEPOT, _DELAYED, _OUT, _ATTEMPTED, _DELIVERED, _UNFOUND, _LOST, _READY, _FETCHED = range(
    len(_KINDS)
)


class _Scans:
    """Scans of all shipments of a chunk, in no particular order."""

    def __init__(self) -> None:
        self._parts: list[tuple[Ints, Seconds, Ints, Ints]] = []

    def add(self, which: Ints, at: Seconds, kind: int, place: int) -> None:
        self._parts.append((which, at, np.full(len(which), kind), np.full(len(which), place)))

    def up_to(self, end: int) -> tuple[Ints, Seconds, Ints, Ints]:
        """Order, time, kind and place of each scan that has been made by `end`, parcel by parcel in order of time."""
        order, at, kind, place = (np.concatenate(columns) for columns in zip(*self._parts, strict=True))
        made = np.flatnonzero(at <= end)
        sequence = made[np.lexsort((at[made], order[made]))]
        return order[sequence], at[sequence], kind[sequence], place[sequence]


def _scans(random: np.random.Generator, chunk: Chunk) -> _Scans:
    scans = _Scans()
    ships, pickup = chunk.ships, chunk.channel == PICKUP
    sent = np.flatnonzero(ships & (chunk.channel <= MARKETPLACE))
    scans.add(sent, chunk.handed_over[sent], _ACCEPTED, _AT_HUB)
    scans.add(sent, chunk.handed_over[sent] + random.integers(3 * HOUR, 9 * HOUR, len(sent)), _SORTED, _AT_HUB)

    came = np.flatnonzero(ships & ~pickup & (chunk.delivered > NEVER))
    delivered = chunk.delivered[came]
    # A scan never comes before the parcel was handed over.
    scans.add(came, np.maximum(delivered - 7 * HOUR, chunk.handed_over[came] + HOUR), _DEPOT, _AT_DEPOT)
    scans.add(came, delivered - random.integers(HOUR, 3 * HOUR, len(came)), _OUT, _AT_DEPOT)
    scans.add(came, delivered, _DELIVERED, _AT_DEPOT)
    late = came[delivered > chunk.promised[came]]
    scans.add(late, chunk.promised[late] - random.integers(0, 20 * HOUR, len(late)), _DELAYED, _AT_HUB)
    missed = came[(random.random(len(came)) < 0.05) & (chunk.delivered[came] - chunk.handed_over[came] > 2 * DAY)]
    scans.add(missed, chunk.delivered[missed] - DAY, _ATTEMPTED, _AT_DEPOT)

    lost = np.flatnonzero(ships & ~pickup & (chunk.delivered == NEVER))
    unfound = lost[random.random(len(lost)) < 0.5]
    scans.add(unfound, chunk.handed_over[unfound] + random.integers(3 * DAY, 6 * DAY, len(unfound)), _UNFOUND, _AT_HUB)
    declared = lost[random.random(len(lost)) < 0.65]
    scans.add(
        declared, chunk.handed_over[declared] + random.integers(10 * DAY, 16 * DAY, len(declared)), _LOST, _AT_HUB
    )

    ready = np.flatnonzero(ships & pickup)
    scans.add(ready, chunk.handed_over[ready], _READY, _AT_STORE)
    scans.add(ready, chunk.delivered[ready], _FETCHED, _AT_STORE)
    return scans


def _places() -> pa.RecordBatch:
    # Regions before districts before stores: a parent is known when its children come.
    return pa.RecordBatch.from_pylist([
        {"ref": row.ref, "kind": row.kind, "name": row.name, "parent": row.parent_ref, "time_zone": "Europe/London",
         "city": row.city, "state": row.state, "country": "GB"}
        for row in PLACES
    ])  # fmt: skip


def _vendors() -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([
        {"ref": row.ref, "kind": row.kind, "name": row.name, "city": row.city, "state": row.state, "country": "GB",
         "email": f"service@{row.name.split()[0].lower()}.example.com"}
        for row in VENDORS
    ])  # fmt: skip


def _products() -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([
        {"ref": row.ref, "name": row.name, "category": row.category, "manufacturer": row.manufacturer_ref,
         "warranty_months": row.warranty_months}
        for row in PRODUCTS
    ])  # fmt: skip


def _batch_prefixes() -> list[str]:
    return [
        f"{row.manufacturer_ref[2:4]}{number:02}" if CATEGORY[number] == 1 else ""
        for number, row in enumerate(PRODUCTS)
    ]


def _ref(prefix: str, chunk: Chunk, order: int) -> str:
    return f"{prefix}{chunk.first + order + 1:07}"


def _refs(prefix: str, chunk: Chunk, which: Ints) -> list[str]:
    return [f"{prefix}{number:07}" for number in (which + chunk.first + 1).tolist()]


def _order_refs(chunk: Chunk) -> list[str]:
    return _refs("B", chunk, np.arange(len(chunk)))


def _choose(names: Sequence[str], which: Ints) -> list[str]:
    """Names by number; negative numbers are absent."""
    return [names[number] if number >= 0 else "" for number in which.tolist()]


def _money(pence: Ints) -> pa.Array:
    """Pence as decimals of two places: a 128-bit integer whose upper half is empty."""
    halves = np.zeros((len(pence), 2), dtype="<i8")
    halves[:, 0] = pence
    return pa.Array.from_buffers(MONEY, len(pence), [None, pa.py_buffer(halves.tobytes())])
