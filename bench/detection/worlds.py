"""Worlds of which everything is known: real purchases, simulated cases, and incidents planted among them.

Purchases are lines of real orders with what these share, so values are as uneven and as entangled as they are in shops:
a seller sends from one state, sells few categories, comes and goes; sales grow tenfold. Which of them fail is drawn:

- a usual rate for every value of every dimension, and for each reason again where it goes with a category, a seller or
  a destination;
- days that are worse than others, for all and for single destinations (gamma), a level that wanders from week to week,
  and a season for each reason: more than chance explains;
- a time until the customer tells, which each reason has its own of (log-normal);
- incidents: a reason (mostly) and one or two further values, taken from a purchase of that time. A *burst* lasts up to
  four days, a *sustained* one three weeks, a *growing* one four with more each day, a *slow* one three months.

All depends on the seed only.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import duckdb
import numpy as np

DAY: Final = 24.0
WARM_UP: Final = 60  # days without incidents
REASONS: Final = np.array([0.35, 0.25, 0.15, 0.12, 0.08, 0.05])
TELLS_AFTER: Final = np.array([14.0, 20, 30, 48, 72, 120])  # hours, median, by reason
KINDS: Final = {"burst": (0.3, 1.5, 4), "sustained": (0.35, 6, 21), "growing": (0.2, 14, 28), "slow": (0.15, 60, 90)}
DEPTHS: Final = (0.15, 0.45, 0.40)  # how often an incident has one, two, three dimensions
MODELS: Final = {"as-generated": (1, 1), "half": (0.5, 1), "double": (2, 1), "shocks": (1, 4)}  # rate, variance of days


class Traffic(NamedTuple):
    """Purchases in order of time.

    Attributes
    ----------
    names : of dimensions; the first is the reason, which purchases do not have.
    values : of each dimension but the reason.
    at : hours since `origin`.
    codes : (n, len(values)), places in `values`.
    weights : how often an incident is of a dimension; `spread` how much rates of its values differ (log).
    rate : share of purchases that usually fail.
    """

    origin: np.datetime64
    names: tuple[str, ...]
    values: list[np.ndarray]
    at: np.ndarray
    codes: np.ndarray
    weights: np.ndarray
    spread: np.ndarray
    rate: float


class World(NamedTuple):
    """Cases in order of report: `codes` has the reason first; `incident` is -1 for what is usual."""

    traffic: Traffic
    purchase: np.ndarray
    codes: np.ndarray
    told: np.ndarray
    incident: np.ndarray
    incidents: list[dict]


def olist(folder: Path) -> Traffic:
    """Lines of orders of the Olist marketplace, 2017-01 to 2018-08."""
    dimensions = {
        # name: SQL, how often an incident is of it, how much its values differ
        "seller": ("i.seller_id", 0.22, 0.4),
        "from_state": ("s.seller_state", 0.08, 0.1),
        "to_state": ("c.customer_state", 0.24, 0.25),
        "category": ("coalesce(p.product_category_name, '')", 0.24, 0.3),
        "payment": ("coalesce(paid.payment_type, '')", 0.12, 0.1),
        "how": ("strftime(placed, '%a ') || hour(placed) // 6", 0.1, 0.1),
    }  # fmt: skip
    with duckdb.connect() as db:
        for name in ("orders", "order_items", "order_payments", "customers", "sellers", "products"):
            path = folder / f"olist_{name}_dataset.csv.gz"
            db.execute(f"CREATE VIEW {name} AS SELECT * FROM read_csv('{path}', all_varchar = true)")
        rows = db.execute(
            f"""
            SELECT order_purchase_timestamp::TIMESTAMP AS placed, {", ".join(sql for sql, _, _ in dimensions.values())}
            FROM order_items i JOIN orders o USING (order_id) JOIN customers c USING (customer_id)
            JOIN sellers s USING (seller_id) LEFT JOIN products p USING (product_id)
            LEFT JOIN (SELECT order_id, first(payment_type ORDER BY payment_sequential::INTEGER) AS payment_type
                       FROM order_payments GROUP BY order_id) paid USING (order_id)
            WHERE placed >= '2017-01-01' AND placed < '2018-08-27' ORDER BY placed, order_id, order_item_id::INTEGER
            """
        ).fetchnumpy()
    at, *columns = (np.asarray(column) for column in rows.values())
    origin = np.datetime64("2017-01-01T00:00:00")
    values, codes = zip(*(np.unique(column.astype(str), return_inverse=True) for column in columns), strict=True)
    return Traffic(
        origin=origin, names=("reason", *dimensions), values=list(values),
        at=(at.astype("datetime64[s]") - origin).astype(float) / 3600, codes=np.stack(codes, axis=1).astype(np.int32),
        weights=np.array([weight for _, weight, _ in dimensions.values()]),
        spread=np.array([spread for _, _, spread in dimensions.values()]), rate=0.05,
    )  # fmt: skip


def make(
    traffic: Traffic, seed: int, *, incidents: bool, model: str = "as-generated", nightly: bool = False
) -> World:  # fmt: skip
    """A world; `incidents`: twenty a year, else none. The usual cases of a seed are the same either way.

    `nightly`: cases of the commonest reason are not told by customers but noticed, all at midnight of a working day, as
    when promises pass or a file comes once a day.
    """
    dice = np.random.default_rng(seed)
    n, days = len(traffic.at), int(traffic.at[-1] // DAY) + 1
    day = (traffic.at // DAY).astype(int)
    faster, rougher = MODELS[model]
    log = sum(
        dice.normal(0, spread, len(values))[column]
        for spread, values, column in zip(traffic.spread, traffic.values, traffic.codes.T, strict=True)
    )
    place = traffic.names.index("to_state") - 1
    shocks = _gamma(dice, 40 / rougher, (days, 1)) * _gamma(dice, 15 / rougher, (days, len(traffic.values[place])))
    wanders = np.exp(np.cumsum(dice.normal(0, 0.03, days // 7 + 1)))[day // 7]
    usual = np.exp(log) / np.exp(log).mean() * traffic.rate * faster * wanders * shocks[day, traffic.codes[:, place]]
    purchase, reason = [], []
    for r, share in enumerate(REASONS):
        own = 0.2 * np.sin(2 * np.pi * (day / 365 + dice.random()))
        for name in ("category", "seller", "to_state"):
            d = traffic.names.index(name) - 1
            own = own + dice.normal(0, 0.25, len(traffic.values[d]))[traffic.codes[:, d]]
        hit = np.flatnonzero(dice.random(n) < usual * share * np.exp(own - 0.09))
        purchase.append(hit)
        reason.append(np.full(len(hit), r))
    planted = _plant(traffic, np.random.default_rng([seed, 1]), usual, days) if incidents else []
    source = [np.full(len(hit), -1) for hit in purchase]
    for number, one in enumerate(planted):
        purchase.append(one.pop("hit"))
        reason.append(one.pop("reasons"))
        source.append(np.full(len(purchase[-1]), number))
    purchase, reason, source = (np.concatenate(parts) for parts in (purchase, reason, source))
    dice = np.random.default_rng([seed, 2])
    told = traffic.at[purchase] + TELLS_AFTER[reason] * np.exp(dice.normal(0, 0.9, len(purchase)))
    if nightly:
        seen = np.ceil(told / DAY)
        weekday = (seen + traffic.origin.astype("datetime64[D]").astype(int) + 3) % 7  # 0: Monday; 1970-01-01: Thursday
        seen += np.where(weekday == 6, 2, np.where(weekday == 0, 1, 0))  # of Saturday and Sunday: as Monday ends
        told = np.where(reason == 0, seen * DAY, told)
    order = np.argsort(told, kind="stable")
    order = order[told[order] < days * DAY]
    purchase = purchase[order]
    codes = np.column_stack([reason[order], traffic.codes[purchase]]).astype(np.int32)
    return World(traffic, purchase, codes, told[order], source[order], planted)


def within(codes: np.ndarray, slice_: dict[int, int]) -> np.ndarray:
    """Which rows have these values."""
    inside = np.ones(len(codes), bool)
    for d, value in slice_.items():
        inside &= codes[:, d] == value
    return inside


def _plant(traffic: Traffic, dice: np.random.Generator, usual: np.ndarray, days: int) -> list[dict]:
    """Incidents that were possible: enough purchases, and no fewer cases than three quarters of what is usual there."""
    found: list[dict] = []
    wanted = round(20 * (days - WARM_UP) / 365)
    for _ in range(20_000):
        if len(found) == wanted:
            break
        kind = str(dice.choice(list(KINDS), p=[share for share, _, _ in KINDS.values()]))
        lasts = dice.uniform(*KINDS[kind][1:])
        begins = dice.uniform(WARM_UP + 1, days - lasts - 10)
        first, last = np.searchsorted(traffic.at, [begins * DAY, (begins + lasts) * DAY])
        if last - first < 10:
            continue
        one_of_them = traffic.codes[dice.integers(first, last)]
        dimensions = _dimensions(traffic, dice)
        slice_ = {d: int(dice.choice(len(REASONS), p=REASONS) if d == 0 else one_of_them[d - 1]) for d in dimensions}
        exposed = first + np.flatnonzero(
            within(traffic.codes[first:last], {d - 1: value for d, value in slice_.items() if d})
        )
        cases = round(np.exp(dice.uniform(np.log(5), np.log(60))))
        base = usual[exposed].sum() * (REASONS[slice_[0]] if 0 in slice_ else 1)
        if len(exposed) < 1.6 * cases or cases < 0.75 * base or any(one["slice"] == slice_ for one in found):
            continue
        chance = traffic.at[exposed] - begins * DAY + 1 if kind == "growing" else np.ones(len(exposed))
        hit = dice.choice(exposed, cases, replace=False, p=chance / chance.sum())
        reasons = np.full(cases, slice_[0]) if 0 in slice_ else dice.choice(len(REASONS), cases, p=REASONS)
        found.append({
            "kind": kind, "slice": slice_, "begins": begins * DAY, "ends": (begins + lasts) * DAY, "cases": cases,
            "usual": float(base), "hit": hit, "reasons": reasons,
        })  # fmt: skip
    return found


def _dimensions(traffic: Traffic, dice: np.random.Generator) -> list[int]:
    """One to three, mostly with the reason; never two of which one says the other."""
    depth = dice.choice([1, 2, 3], p=DEPTHS)
    with_reason = dice.random() < 0.85
    drawn = 1 + dice.choice(len(traffic.weights), len(traffic.weights), replace=False, p=traffic.weights)
    chosen = [0] if with_reason else []
    for d in drawn:
        if len(chosen) < depth and not any(says_other(traffic, int(d), other) for other in chosen if other):
            chosen.append(int(d))
    return sorted(chosen)


_KNOWN: dict[tuple[int, tuple[int, int]], bool] = {}


def says_other(traffic: Traffic, a: int, b: int) -> bool:
    """Whether one of two dimensions of purchases always says the other, as a seller does its state."""
    key = (id(traffic.codes), (min(a, b), max(a, b)))
    if key not in _KNOWN:
        pairs = np.unique(traffic.codes[:, [a - 1, b - 1]], axis=0)
        _KNOWN[key] = len(pairs) in (len(np.unique(pairs[:, 0])), len(np.unique(pairs[:, 1])))
    return _KNOWN[key]


def _gamma(dice: np.random.Generator, shape: float, size: Sequence[int]) -> np.ndarray:
    return dice.gamma(shape, 1 / shape, tuple(size))


TRAFFIC: Final = {"olist": olist}
