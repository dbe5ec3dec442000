"""Whose contact is it, and about what? From the words and references of a contact to customer and order.

Careful on purpose: a contact is never put down to somebody because a number in its text happens to be theirs. Every
conclusion comes with the sentence that goes on the case's timeline.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parseaddr
from typing import NamedTuple, TypeVar
from uuid import UUID

from django.db import connection

from makegood.engines.language import Distress, Finding, detect_language, find_distress, find_reason
from makegood.ground.retail.queries.people import people_of
from makegood.recover.intake.models import Arrival
from makegood.recover.intake.opinions import Opinion

# How far back somebody who names no order can be meant to speak of one.
SPEAKS_OF = timedelta(days=180)
RECENT = 20
_NUMBERS_AT_MOST = 20
_CASE_NUMBER = re.compile(r"\bC-(\d{1,12})\b", re.IGNORECASE)
_TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_/-]{3,79}")
_READ_AT_MOST = 10_000


class Account(NamedTuple):
    id: UUID
    source_id: int
    ref: str
    name: str
    email: str
    tier: str

    @property
    def called(self) -> str:
        return self.name or self.ref


class Purchase(NamedTuple):
    """An order that a contact may be about, as known when the contact came."""

    id: UUID
    ref: str
    customer_id: UUID
    placed_at: datetime
    cancelled: bool
    delivered: bool
    late: bool
    overdue: bool


@dataclass(frozen=True)
class Reading:
    """What the words of a contact or review say."""

    language: str
    finding: Finding | None
    distress: tuple[Distress, ...]
    opinion: Opinion | None = None

    @property
    def tells(self) -> Finding | None:
        """The reason that the words tell: the learned one where it is sure, else the phrasebook's."""
        if self.opinion and self.opinion.sure:
            return Finding(self.opinion.reason, self.opinion.probability, self.opinion.words, self.language)
        return self.finding


@dataclass(frozen=True)
class Match:
    """Whom and what a contact concerns, and why we think so."""

    reading: Reading
    account: Account | None
    others: frozenset[UUID]  # further accounts with the same address or of the same person
    order: UUID | None
    order_is_sure: bool  # given or named, not guessed
    case_numbers: tuple[int, ...]
    said: tuple[str, ...] = field(default=())


def read(text: str, language: str) -> Reading:
    """What a text says: its language if not given, a reason, signs of distress."""
    language = language or detect_language(text)
    return Reading(language, find_reason(text, language=language), find_distress(text, language=language))


def match(arrivals: Sequence[Arrival]) -> list[Match]:
    """Customer and order of each contact, from what was known when it came. Seven SQL queries, however many."""
    addresses = [parseaddr(a.author)[1].lower() if "@" in a.author else "" for a in arrivals]
    by_ref = _accounts_by_ref({a.customer_ref for a in arrivals if a.customer_ref})
    by_address = _accounts_by_address({address for address in addresses if address})
    orders_by_ref = _orders_by_ref({a.order_ref for a in arrivals if a.order_ref})
    drafts = [
        _who(arrival, address, by_ref, by_address, orders_by_ref)
        for arrival, address in zip(arrivals, addresses, strict=True)
    ]
    _with_their_other_accounts(drafts)
    recent = _recent_orders(
        [(n, account.id, arrivals[n].at) for n, draft in enumerate(drafts) for account in draft.theirs]
    )
    tokens = [_tokens(f"{a.subject} {a.body}"[:_READ_AT_MOST]) for a in arrivals]
    named = _orders_by_ref({t for n, found in enumerate(tokens) if drafts[n].accounts for t in found})
    return [_settle(arrival, drafts[n], recent.get(n, []), tokens[n], named) for n, arrival in enumerate(arrivals)]


# -- who


@dataclass
class _Draft:
    accounts: list[Account]
    how: str
    order: "_OrderRef | None"
    said: list[str]
    linked: list[Account] = field(default_factory=list)  # of the same person, by whatever address

    @property
    def theirs(self) -> list[Account]:
        return [*self.accounts, *self.linked]


def _with_their_other_accounts(drafts: Sequence[_Draft]) -> None:
    """Accounts that are one person with those found; an order that was given must be of one of them."""
    people = people_of(account.id for draft in drafts for account in draft.accounts)
    known = _accounts_by_id({pk for person in people.values() if len(person) > 1 for pk in person})
    for draft in drafts:
        found = {account.id for account in draft.accounts}
        ids = {pk for account in draft.accounts for pk in people[account.id]} - found
        draft.linked = [known[pk] for pk in sorted(ids)]
        if draft.order and draft.order.owner.id not in {account.id for account in draft.theirs}:
            draft.said.append(f"Order {draft.order.ref} belongs to somebody else: not linked.")
            draft.order = None


class _OrderRef(NamedTuple):
    id: UUID
    source_id: int
    ref: str
    placed_at: datetime
    owner: Account


def _who(
    arrival: Arrival,
    address: str,
    by_ref: dict[str, list[Account]],
    by_address: dict[str, list[Account]],
    orders: dict[str, list[_OrderRef]],
) -> _Draft:
    said: list[str] = []
    given = [o for o in orders.get(arrival.order_ref, []) if o.placed_at <= arrival.at]
    order = _of_source(given, arrival.source_id)
    if arrival.order_ref and order is None:
        said.append(
            f"The order reference {arrival.order_ref} fits {len(given)} orders." if given
            else f"No order has the reference {arrival.order_ref}."
        )  # fmt: skip
    accounts: list[Account] = []
    how = ""
    if arrival.customer_ref:
        account = _of_source(by_ref.get(arrival.customer_ref, []), arrival.source_id)
        if account:
            accounts, how = [account], "by customer reference"
        else:
            said.append(f"No single customer has the reference {arrival.customer_ref}.")
    if not accounts and address in by_address:
        accounts, how = by_address[address], "by e-mail address"
    if not accounts and order:
        if address and order.owner.email and address != order.owner.email.lower():
            said.append(f"Order {order.ref} is given, but its customer has another e-mail address: not linked.")
            order = None
        else:
            accounts, how = [order.owner], f"as the customer of order {order.ref}"
    return _Draft(accounts, how, order, said)


_Known = TypeVar("_Known", Account, _OrderRef)


def _of_source(found: list[_Known], source_id: int) -> _Known | None:
    """The one of the same source, else the only one."""
    same = [one for one in found if one.source_id == source_id]
    if len(same) == 1:
        return same[0]
    return found[0] if len(found) == 1 else None


# -- about what


def _settle(
    arrival: Arrival,
    draft: _Draft,
    recent: list[Purchase],
    tokens: list[str],
    named: dict[str, list[_OrderRef]],
) -> Match:
    # The subject of an answer is that of the thread: it says nothing new.
    text = arrival.body if arrival.case_number else f"{arrival.subject}\n{arrival.body}"
    reading = read(text, arrival.language)
    numbers = tuple(dict.fromkeys(int(n) for n in _CASE_NUMBER.findall(text[:_READ_AT_MOST])))[:_NUMBERS_AT_MOST]
    accounts = {account.id: account for account in draft.theirs}
    order_id, owner, sentence, sure = None, None, "", True
    if draft.order:
        order_id, owner, sentence = draft.order.id, draft.order.owner.id, f"Order {draft.order.ref} was given."
    elif found := _named(tokens, named, recent, accounts.keys(), arrival.at):
        order_id, ref, owner = found
        sentence = f"Order {ref} is named in the text."
    elif guess := _guess(recent, reading, arrival.at):
        purchase, because = guess
        order_id, owner, sure = purchase.id, purchase.customer_id, False
        sentence = f"No order is named; taken to be {purchase.ref}, {because}."
    if owner is None and recent:
        owner = recent[0].customer_id
    account = accounts[owner] if owner else next(iter(accounts.values()), None)
    who = [f"Matched to {account.called} {draft.how}."] if account else ["No customer of ours could be found."]
    if len(draft.accounts) > 1:
        who.append(f"{len(draft.accounts)} accounts share the address.")
    if draft.linked:
        who.append(f"They have {len(accounts)} accounts with us.")
    said = (*who, *draft.said, *([sentence] if sentence else []))
    others = frozenset(accounts.keys() - {account.id}) if account else frozenset()
    return Match(reading, account, others, order_id, sure, numbers, said)


def _tokens(text: str) -> list[str]:
    """What in a text may be an order's reference: words with a digit, in the spellings they may be kept in."""
    words = [word.strip("-_/") for word in _TOKEN.findall(text) if any(c.isdigit() for c in word)]
    return list(dict.fromkeys(spelling for word in words for spelling in (word, word.upper(), word.lower())))[:60]


def _named(
    tokens: list[str],
    named: dict[str, list[_OrderRef]],
    recent: list[Purchase],
    accounts: Collection[UUID],
    at: datetime,
) -> tuple[UUID, str, UUID] | None:
    """The order of these customers that a text names: by its reference, else by the digits at its reference's end."""
    for token in tokens:
        for order in named.get(token, []):
            if order.owner.id in accounts and order.placed_at <= at:
                return order.id, order.ref, order.owner.id
    for token in tokens:
        if token.isdigit():
            fits = [
                p for p in recent if (tail := re.search(r"\d+$", p.ref)) and tail[0].lstrip("0") == token.lstrip("0")
            ]
            if len(fits) == 1:
                return fits[0].id, fits[0].ref, fits[0].customer_id
    return None


def _guess(recent: list[Purchase], reading: Reading, at: datetime) -> tuple[Purchase, str] | None:
    """The order somebody means who names none: one that failed, else one that fits what they say, else the latest."""
    recent = [p for p in recent if p.placed_at > at - SPEAKS_OF]
    branch = reading.finding.reason.partition(".")[0] if reading.finding else ""
    if branch in ("store", "service"):
        branch = ""
    wishes: list[tuple[str, list[Purchase]]] = []
    if branch in ("delivery", ""):
        wishes = [
            ("the latest that is overdue", [p for p in recent if p.overdue and not p.cancelled]),
            ("the latest that is under way", [p for p in recent if not p.delivered and not p.cancelled]),
            ("the latest that came late", [p for p in recent if p.late]),
        ]
    elif branch in ("order", "payment"):
        wishes = [("the latest that was called off", [p for p in recent if p.cancelled])]
    elif branch in ("product", "return"):
        wishes = [("the latest that was delivered", [p for p in recent if p.delivered])]
    for because, fits in (*wishes, ("the latest", recent)):
        if fits:
            return fits[0], because
    return None


# -- what the database knows


def _accounts_by_ref(refs: set[str]) -> dict[str, list[Account]]:
    return _accounts("k.ref", "k.ref = ANY(%s)", refs)


def _accounts_by_address(addresses: set[str]) -> dict[str, list[Account]]:
    return _accounts("lower(k.email)", "lower(k.email) = ANY(%s) AND k.email > ''", addresses)


def _accounts_by_id(ids: set[UUID]) -> dict[UUID, Account]:
    found = _accounts("k.id::text", "k.id = ANY(%s::uuid[])", {str(pk) for pk in ids})
    return {account.id: account for accounts in found.values() for account in accounts}


def _accounts(key: str, where: str, values: set[str]) -> dict[str, list[Account]]:
    found: dict[str, list[Account]] = defaultdict(list)
    if values:
        with connection.cursor() as cursor:
            cursor.execute(
                f"""SELECT {key}, k.id, k.source_id, k.ref, k.name, k.email, k.loyalty_tier
                    FROM retail_customer k WHERE {where} ORDER BY k.id""",
                [list(values)],
            )
            for value, *account in cursor.fetchall():
                found[value].append(Account(*account))
    return found


def _orders_by_ref(refs: set[str]) -> dict[str, list[_OrderRef]]:
    found: dict[str, list[_OrderRef]] = defaultdict(list)
    if refs:
        with connection.cursor() as cursor:
            cursor.execute(
                """SELECT o.id, o.source_id, o.ref, o.placed_at,
                          k.id, k.source_id, k.ref, k.name, k.email, k.loyalty_tier
                   FROM retail_order o JOIN retail_customer k ON k.id = o.customer_id WHERE o.ref = ANY(%s)
                   ORDER BY o.id""",
                [list(refs)],
            )
            for pk, source_id, ref, placed_at, *owner in cursor.fetchall():
                found[ref].append(_OrderRef(pk, source_id, ref, placed_at, Account(*owner)))
    return found


def _recent_orders(asked: list[tuple[int, UUID, datetime]]) -> dict[int, list[Purchase]]:
    """The latest orders of each contact's customers, the latest first."""
    found: dict[int, list[Purchase]] = defaultdict(list)
    if asked:
        with connection.cursor() as cursor:
            cursor.execute(
                _RECENT, [[n for n, _, _ in asked], [who for _, who, _ in asked], [at for _, _, at in asked], RECENT]
            )
            for n, *purchase in cursor.fetchall():
                found[n].append(Purchase(*purchase))
    return found


_RECENT = """
    SELECT a.n, o.id, o.ref, o.customer_id, o.placed_at,
           coalesce(o.cancelled_at <= a.at, o.status IN ('cancelled', 'unavailable') AND o.changed_at <= a.at),
           coalesce(s.delivered, o.channel = 'store'), coalesce(s.late, false),
           coalesce(s.overdue, o.promised_at <= a.at AND o.channel <> 'store', false)
    FROM unnest(%s::integer[], %s::uuid[], %s::timestamptz[]) AS a (n, customer_id, at)
    JOIN LATERAL (
        SELECT * FROM retail_order o WHERE o.customer_id = a.customer_id AND o.placed_at <= a.at
        ORDER BY o.placed_at DESC LIMIT %s
    ) o ON true
    LEFT JOIN LATERAL (
        SELECT bool_and(coalesce(s.delivered_at <= a.at, false)) AS delivered,
               bool_or(coalesce(s.delivered_at <= a.at AND s.delivered_at > s.promised_at, false)) AS late,
               bool_or(coalesce(s.promised_at <= a.at, false) AND NOT coalesce(s.delivered_at <= a.at, false))
               AS overdue
        FROM retail_shipment s WHERE s.order_id = o.id
    ) s ON true
    ORDER BY a.n, o.placed_at DESC, o.id
"""
