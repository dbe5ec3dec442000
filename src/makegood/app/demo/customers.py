"""The customers: who they are, where they live, how much they buy."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from makegood.app.demo.people import AREAS, FIRST_NAMES, LAST_NAMES, MAIL_DOMAINS, NEVER_IN_POSTCODES
from makegood.app.demo.year import Floats, Plan

TIERS = ("", "silver", "gold", "platinum")  # two in three are in no programme
_TIER_SHARES = (0.66, 0.23, 0.09, 0.02)
_BUYS = np.array([1.0, 1.6, 2.4, 3.5])
_SPENT = np.array([320.0, 900.0, 2400.0, 6500.0])
SECOND_ACCOUNTS = 0.04

Ints = NDArray[np.int64]
_TOWNS = [(town, prefix, area) for area in AREAS for town, prefix in area.towns]


@dataclass(frozen=True)
class Customers:
    """Columns of numbers; words are put together when they are asked for."""

    first: Ints
    last: Ints
    namesake: Ints  # how many before have the same name
    tier: Ints
    town: Ints
    area: Ints
    person: Ints  # number of the person's first account
    accounts: Ints  # how many a person has
    code: Ints
    spent: Floats
    picks: Floats  # cumulative: who buys next

    def __len__(self) -> int:
        return len(self.first)

    def ref(self, which: int) -> str:
        return f"K{which + 1:06}"

    def name(self, which: int) -> str:
        return f"{FIRST_NAMES[self.first[which]]} {LAST_NAMES[self.last[which]]}"

    def email(self, which: int) -> str:
        number = int(self.namesake[which])
        name = f"{FIRST_NAMES[self.first[which]]}.{LAST_NAMES[self.last[which]]}".lower()
        return f"{name}{number or ''}@{MAIL_DOMAINS[self.code[which] % len(MAIL_DOMAINS)]}"

    def columns(self, start: int, stop: int) -> dict[str, list[object]]:
        """The rows from `start` to `stop` as the feed has them."""
        which = range(start, min(stop, len(self)))
        towns = [_TOWNS[self.town[i]] for i in which]
        return {
            "ref": [self.ref(i) for i in which],
            "name": [self.name(i) for i in which],
            "email": [self.email(i) for i in which],
            "phone": [f"07700 900{self.code[i] % 1000:03}" for i in which],
            "language": ["en" for _ in which],
            "loyalty_tier": [TIERS[self.tier[i]] for i in which],
            "lifetime_value": [f"{self.spent[i]:.2f}" for i in which],
            "person_ref": [f"H{self.person[i] + 1:06}" if self.accounts[self.person[i]] > 1 else "" for i in which],
            "city": [town for town, _, _ in towns],
            "state": [area.name for _, _, area in towns],
            "postal_code": [
                _postcode(prefix, int(self.code[i])) for i, (_, prefix, _) in zip(which, towns, strict=True)
            ],
            "country": ["GB" for _ in which],
        }


def make_customers(plan: Plan) -> Customers:
    """All customers of the plan; a few have a second account under the same name."""
    random, count = plan.random(2), plan.customers
    first = random.integers(0, len(FIRST_NAMES), count)
    last = random.integers(0, len(LAST_NAMES), count)
    person = np.arange(count)
    second = np.flatnonzero((random.random(count) < SECOND_ACCOUNTS) & (person > 0))
    person[second] = (random.random(len(second)) * second).astype(np.int64)
    person = person[person]  # a second account of a second account is a third of the same person
    first, last = first[person], last[person]
    area = random.choice(len(AREAS), count, p=[area.share for area in AREAS])[person]
    per_area = np.array([len(area.towns) for area in AREAS])
    before = np.concatenate([[0], np.cumsum(per_area)[:-1]])
    town = before[area] + (random.random(count)[person] * per_area[area]).astype(np.int64)
    tier = random.choice(len(TIERS), count, p=_TIER_SHARES)
    picks = np.cumsum(random.gamma(0.9, 1.0, count) * _BUYS[tier])
    return Customers(
        first=first, last=last, namesake=_earlier_equals(first * len(LAST_NAMES) + last), tier=tier, town=town,
        area=area, person=person, accounts=np.bincount(person, minlength=count),
        code=random.integers(0, 1_000_000, count),
        spent=random.lognormal(0, 0.6, count) * _SPENT[tier], picks=picks / picks[-1],
    )  # fmt: skip


def _earlier_equals(keys: Ints) -> Ints:
    """For each key, how many equal ones come before it: addresses differ by it, whatever their domain."""
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    lengths = np.diff(np.concatenate([starts, [len(keys)]]))
    counts = np.empty(len(keys), dtype=np.int64)
    counts[order] = np.arange(len(keys)) - np.repeat(starts, lengths)
    return counts


def _postcode(prefix: str, code: int) -> str:
    letter = NEVER_IN_POSTCODES[code % len(NEVER_IN_POSTCODES)]
    other = NEVER_IN_POSTCODES[code // 7 % len(NEVER_IN_POSTCODES)]
    return f"{prefix}{code % 20 + 1} {code // 20 % 9 + 1}{letter}{other}"
