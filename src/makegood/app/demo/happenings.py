"""What customers said about their orders: contacts and reviews, each from what really happened to the order."""

# ruff: noqa: PLR2004  the chances and hours of an invented company; a name for each would not say more

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from makegood.app.demo.catalogue import CARRIERS, PRODUCTS, STORES
from makegood.app.demo.customers import Customers, Ints
from makegood.app.demo.hidden import HIDDEN, SUNDAYS
from makegood.app.demo.orders import FAILURE, FAILURES, NEVER, PENCE, SOUND, STORE_REFS, Chunk, wall_window
from makegood.app.demo.voices import Slots, Writer
from makegood.app.demo.year import DAY, HOUR, PICKUP, STORE, Floats, Plan, Seconds

# Reasons under which the customer's words are kept; the tree knows two of them by another name.
TREE = {"delivery.dnr": "delivery.not_received", "product.heating": "product.faulty"}

# Who writes to us at all, when something went wrong. The others stay silent, or tell it in a review.
_WRITES: dict[str, float] = {
    "delivery.not_received": 0.72, "delivery.dnr": 0.95, "delivery.late": 0.3, "delivery": 0.8, "product.quality": 0.6,
    "payment.refund": 0.75, "order.cancelled": 0.5, "order.unavailable": 0.5, "store.checkout": 0.8,
}  # fmt: skip
_USUALLY_WRITES = 0.82
_REVIEWS_BAD, _REVIEWS_SOUND = 0.2, 0.15
_WRITES_AGAIN = 0.16

_ONLINE_CHANNELS = (("email", 0.52), ("web", 0.14), ("phone", 0.15), ("chat", 0.13), ("social", 0.06))
_STORE_CHANNELS = (("store", 0.42), ("phone", 0.2), ("email", 0.22), ("social", 0.08), ("web", 0.08))
_HOURS = np.array([1, 0, 0, 0, 0, 0, 1, 3, 6, 8, 9, 9, 9, 8, 7, 7, 7, 8, 8, 8, 7, 6, 4, 2], dtype=float)
_SECTIONS = {"Electronics": "the electronics section", "Appliances": "the appliances section", "Homeware": "homeware"}


@dataclass(frozen=True)
class Said:
    """One contact as the feed has it. `reason` is what it is really about: kept for the staff, never delivered."""

    ref: str
    channel: str
    author: str
    customer: str
    order: str
    place: str
    subject: str
    body: str
    at: int  # wall time
    reason: str


@dataclass(frozen=True)
class Rated:
    ref: str
    customer: str
    order: str
    place: str
    score: int
    title: str
    body: str
    at: int  # wall time


def contacts(plan: Plan, customers: Customers, chunk: Chunk, number: int) -> Iterator[Said]:
    """What customers wrote, told and posted about the orders of a chunk."""
    random = plan.random(4, number)
    writer = Writer(plan.random(5, number))
    writes = np.array([_WRITES.get(name, _USUALLY_WRITES) for name in FAILURES])
    writes[SOUND] = 0
    who = np.flatnonzero(random.random(len(chunk)) < writes[chunk.failure])
    at, reasons = _when(random, chunk, who)
    at = _by_day(random, at, _HOURS)
    again = random.random(len(who)) < _WRITES_AGAIN
    for n, (order, moment) in enumerate(zip(who.tolist(), at.tolist(), strict=True)):
        reason = reasons[n]
        in_store = chunk.channel[order] >= PICKUP
        channel = _channel(writer.chance(), _STORE_CHANNELS if in_store else _ONLINE_CHANNELS)
        slots = _slots(writer, customers, chunk, order, _days_since(chunk, order, moment))
        subject, body = writer.complaint(reason, channel, slots)
        said = _said(chunk, customers, order, f"T{chunk.first + order + 1:07}", channel, subject, body, moment,
                     TREE.get(reason, reason), writer)  # fmt: skip
        yield said
        if again[n] and channel != "store":
            later = moment + round((1 + 3 * writer.chance()) * DAY)
            answered = f"Re: {subject}" if subject else ""
            body = writer.again(channel, slots)
            yield replace(said, ref=f"{said.ref}-2", subject=answered, body=body, at=later)
    if number == plan.chunks - 1:
        yield from _sunday_visitors(plan, customers)


def reviews(plan: Plan, customers: Customers, chunk: Chunk, number: int) -> Iterator[Rated]:
    """What customers said in public, about orders that went wrong and about those that did not."""
    random = plan.random(6, number)
    writer = Writer(plan.random(7, number))
    had = np.where(chunk.channel == STORE, chunk.placed, chunk.delivered)
    ended = np.where(had > NEVER, had, np.where(chunk.cancelled > NEVER, chunk.cancelled, chunk.promised + 2 * DAY))
    share = np.where(chunk.failure == SOUND, _REVIEWS_SOUND * (had > NEVER), _REVIEWS_BAD)
    who = np.flatnonzero(random.random(len(chunk)) < share)
    after = np.where(
        chunk.failure[who] >= FAILURE["product.faulty"],
        1 + random.exponential(12, len(who)),
        1 + random.exponential(4, len(who)),
    )
    at = _by_day(random, ended[who] + (after * DAY).astype(np.int64), _HOURS)
    sound = random.choice([5, 4, 3, 2, 1], len(who), p=[0.60, 0.27, 0.09, 0.025, 0.015])
    spoilt = random.choice([5, 4, 3, 2, 1], len(who), p=[0.03, 0.07, 0.15, 0.3, 0.45])
    score = np.where(chunk.failure[who] == SOUND, sound, spoilt)
    for order, stars, moment in zip(who.tolist(), score.tolist(), at.tolist(), strict=True):
        reason = FAILURES[chunk.failure[order]] if stars <= 2 else ""
        if not (chunk.cancelled[order] > 0) and chunk.delivered[order] == NEVER and chunk.channel[order] < PICKUP:
            reason = "delivery.not_received"
        slots = _slots(writer, customers, chunk, order, _days_since(chunk, order, moment))
        title, body = (
            writer.review(stars, reason, slots) if writer.chance() < (0.85 if stars <= 2 else 0.5) else ("", "")
        )
        place = STORE_REFS[chunk.store[order]] if chunk.store[order] >= 0 else ""
        who_said = customers.ref(int(chunk.customer[order]))
        yield Rated(
            f"V{chunk.first + order + 1:07}", who_said, order_ref(chunk, order), place, stars, title, body, moment
        )  # fmt: skip


def order_ref(chunk: Chunk, order: int) -> str:
    return f"B{chunk.first + order + 1:07}"


def _when(random: np.random.Generator, chunk: Chunk, who: Ints) -> tuple[Seconds, list[str]]:
    """When each of `who` writes, and what it is about as they know it then."""
    u, v = random.random(len(who)), random.exponential(1.0, len(who))
    had = np.where(chunk.channel == STORE, chunk.placed, chunk.delivered)[who]
    # Who has not fetched a pick-up order yet complains all the same.
    had = np.where(had > NEVER, had, chunk.promised[who])
    failure = chunk.failure[who]
    at = had + ((0.1 + 1.2 * v) * DAY).astype(np.int64)

    def set_where(name: str, moment: Seconds) -> None:
        at[failure == FAILURE[name]] = moment[failure == FAILURE[name]]

    promised, placed = chunk.promised[who], chunk.placed[who]
    set_where("delivery.not_received", promised + ((0.2 + 3 * u) * DAY).astype(np.int64))
    set_where("delivery.dnr", had + ((0.1 + 1.5 * u) * DAY).astype(np.int64))
    # Of the late ones half complain while they wait.
    waiting = u < 0.5
    set_where(
        "delivery.late",
        np.where(waiting, promised + ((had - promised) * 2 * u).astype(np.int64), had + (v * DAY).astype(np.int64)),
    )
    set_where("product.faulty", had + ((3 + 80 * u) * DAY).astype(np.int64))
    set_where("product.heating", had + ((4 + 38 * u) * DAY).astype(np.int64))
    set_where("product.quality", had + ((1 + 20 * u) * DAY).astype(np.int64))
    set_where("return", had + ((1 + 10 * u) * DAY).astype(np.int64))
    for name in ("order.cancelled", "order.unavailable"):
        set_where(name, chunk.cancelled[who] + ((0.05 + 1.5 * u) * DAY).astype(np.int64))
    # A refund is missed two weeks after the goods went back, when it has not come by then.
    set_where(
        "payment.refund",
        np.minimum(
            chunk.return_received[who] + ((14 + 6 * u) * DAY).astype(np.int64), chunk.return_refunded[who] - HOUR
        ),
    )
    set_where("return.handling", chunk.return_requested[who] + ((3 + 7 * u) * DAY).astype(np.int64))
    set_where("payment.charge", placed + ((0.3 + 5 * u) * DAY).astype(np.int64))
    set_where("order", placed + (0.3 + 12 * u * HOUR).astype(np.int64))
    set_where("delivery.pickup", promised + ((0.05 + u) * DAY).astype(np.int64))
    for name in ("store.no_staff", "store.price", "store.checkout", "store.conduct"):
        set_where(name, np.maximum(had, placed) + ((0.02 + 2 * u * u) * DAY).astype(np.int64))
    reasons = [FAILURES[code] for code in failure.tolist()]
    for n in np.flatnonzero((failure == FAILURE["delivery.late"]) & waiting).tolist():
        reasons[n] = "delivery.overdue"
    return at, reasons


def _by_day(random: np.random.Generator, at: Seconds, hours: Floats) -> Seconds:
    """Move each moment to an hour at which people write, never earlier."""
    hour = random.choice(24, len(at), p=hours / hours.sum())
    moved = at // DAY * DAY + hour * HOUR + random.integers(0, HOUR, len(at))
    return np.where(moved >= at, moved, moved + DAY)


def _said(
    chunk: Chunk, customers: Customers, order: int, ref: str, channel: str, subject: str, body: str, at: int,
    reason: str, writer: Writer,
) -> Said:  # fmt: skip
    who = int(chunk.customer[order])
    name = customers.name(who)
    author = {"email": customers.email(who), "social": "@" + name.lower().replace(" ", "_")}.get(channel, name)
    # The desk and the phone ask for the account; the web form and the chat know it; a mail has its address.
    known = channel in ("web", "chat") or (channel in ("phone", "store") and writer.chance() < 0.9)
    given = writer.chance() < {"web": 0.95, "store": 0.8, "phone": 0.7, "chat": 0.6, "social": 0.1}.get(channel, 0.0)
    place = STORE_REFS[chunk.store[order]] if chunk.store[order] >= 0 else ""
    customer, order_given = customers.ref(who) if known else "", order_ref(chunk, order) if given else ""
    return Said(ref, channel, author, customer, order_given, place, subject, body, at, reason)


def _sunday_visitors(plan: Plan, customers: Customers) -> Iterator[Said]:
    """People who came to the empty section and left without buying."""
    random = plan.random(8)
    writer = Writer(plan.random(9))
    hidden = HIDDEN[SUNDAYS]
    since, until = wall_window(plan, SUNDAYS)
    store = STORES[STORE_REFS.index(hidden.where["place_ref"])]
    number = 0
    for day in range(since // DAY, until // DAY + 1):
        if (day + 3) % 7 != 6:
            continue
        for _ in range(int(random.poisson(hidden.rate * plan.scale))):
            number += 1
            who = int(random.integers(0, len(customers)))
            channel = _channel(writer.chance(), _STORE_CHANNELS)
            slots = {
                "item": "television", "order": "", "store": store.name, "city": store.city, "days": "2", "amount": "20",
                "other": "", "carrier": "", "section": _SECTIONS["Electronics"], "name": customers.name(who),
            }  # fmt: skip
            subject, body = writer.complaint("store.no_staff", channel, slots)
            moment = day * DAY + round((12.5 + 5 * writer.chance()) * HOUR)
            author = {"email": customers.email(who)}.get(channel, customers.name(who))
            known = channel != "social" and writer.chance() < 0.7
            yield Said(f"TS{number:05}", channel, author, customers.ref(who) if known else "", "", store.ref, subject,
                       body, moment, "store.no_staff")  # fmt: skip


def _slots(writer: Writer, customers: Customers, chunk: Chunk, order: int, days: int) -> Slots:
    line = int(chunk.failed_line[order])
    product = PRODUCTS[chunk.line_product[line]]
    store = STORES[max(0, int(chunk.store[order]))]
    carrier = int(chunk.carrier[order])
    pence = int(PENCE[chunk.line_product[line]])
    other = PRODUCTS[int(writer.chance() * len(PRODUCTS))]
    return {
        "item": product.name if writer.chance() < 0.35 else nickname(product.name),
        "order": order_ref(chunk, order),
        "store": store.name,
        "city": store.city,
        "days": str(max(2, days)),
        "amount": f"{pence / 100:.2f}",
        "other": ("an " if nickname(other.name)[0].lower() in "aeiou" else "a ") + nickname(other.name),
        "carrier": CARRIERS[carrier].name if carrier >= 0 else "the courier",
        "section": _SECTIONS[product.category],
        "name": customers.name(int(chunk.customer[order])),
    }


def _days_since(chunk: Chunk, order: int, moment: int) -> int:
    """How many days a customer would speak of: since it came, or since it should have."""
    had = int(chunk.delivered[order]) or int(chunk.promised[order]) or int(chunk.placed[order])
    if chunk.failure[order] == FAILURE["delivery.late"]:
        had = int(chunk.promised[order])
        moment = min(moment, int(chunk.delivered[order]))
    return (moment - had) // DAY


_BRANDS = re.compile(r"^(Norwick|Ostrey|Velmora|Brunfell|Tarnlight|Ciphrane|Holmcroft|Pellworth) ")


def nickname(name: str) -> str:
    """What people call a product: without brand, sizes and packs.

    >>> nickname("Norwick AirCrisp 5.5 L air fryer")
    'AirCrisp air fryer'
    """
    words = [word for word in _BRANDS.sub("", name).split(",")[0].split() if not re.search(r"\d", word)]
    short = " ".join(word for word in words if word not in ("L", "kg", "kW", "W", "cm", "GB", "tog", "x", "m", "K"))
    return short.split(" with ")[0] or name


def _channel(u: float, shares: tuple[tuple[str, float], ...]) -> str:
    for channel, share in shares:
        u -= share
        if u < 0:
            return channel
    return shares[0][0]
