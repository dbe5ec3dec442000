"""How a case is judged when it opens: severity and tier, with the reasons in words; and its rank in the order of work.

Pure: facts in, judgement out. The numbers stand in tables so that they can be read, argued about and changed.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from makegood.recover.cases.models import Severity, Tier

# The order of work is due time minus harm: how many hours earlier a case is treated than its clock alone says.
HARM_BY_SEVERITY = {1: timedelta(hours=48), 2: timedelta(hours=12), 3: timedelta(0), 4: timedelta(hours=-24)}
HARM_FOR_VALUED = timedelta(hours=4)
HARM_FOR_VALUE = timedelta(hours=4)

VALUED_TIERS = frozenset({"gold", "platinum", "diamond", "vip"})
HIGH_VALUE = Decimal(500)
HIGH_LIFETIME_VALUE = Decimal(2000)
VERY_LATE = timedelta(days=7)

DISTRESS = {
    "safety": "Somebody may be in danger",
    "legal": "Speaks of legal action",
    "chargeback": "Speaks of a chargeback",
    "repeated": "Says it happened before",
}


@dataclass(frozen=True)
class Facts:
    """What is known about the failure when it is judged."""

    reason: str
    base_severity: int
    loyalty_tier: str = ""
    value: Decimal | None = None
    currency: str = ""
    chain: tuple[int, str] = (0, "")  # what earlier failures make of it (chain.raised)
    late_by: timedelta | None = None
    distress: Sequence[tuple[str, str]] = field(default=())  # (kind, the very words)


@dataclass(frozen=True)
class Judgement:
    severity: int
    tier: str
    why: tuple[str, ...]


def judge(facts: Facts) -> Judgement:
    """Severity and tier of a new case, with the reasons in words."""
    why: list[str] = []
    severity = facts.base_severity
    for raise_by, sentence in _aggravations(facts):
        severity -= raise_by
        why.append(sentence)
    severity = max(Severity.CRITICAL, min(Severity.LOW, severity))
    tier = Tier.SPECIALIST if severity <= Severity.HIGH else Tier.FRONTLINE
    if any(kind in ("safety", "legal") for kind, _ in facts.distress):
        tier = Tier.MANAGER
    return Judgement(severity, tier, tuple(why))


def _aggravations(facts: Facts) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    for kind, words in facts.distress:
        found.append((2 if kind == "safety" else 1, f"{DISTRESS[kind]}: “{words}”."))
    if facts.loyalty_tier.lower() in VALUED_TIERS:
        found.append((1, f"{facts.loyalty_tier.capitalize()} customer."))
    if facts.chain[0]:
        found.append(facts.chain)
    if facts.value is not None and facts.value >= HIGH_VALUE:
        found.append((1, f"{facts.value:,.2f} {facts.currency} at stake.".replace("  ", " ")))
    if facts.late_by is not None and facts.late_by >= VERY_LATE:
        found.append((1, f"{facts.late_by.days} days late."))
    return found


def rank(due_at: datetime, severity: int, loyalty_tier: str, value: Decimal | None) -> datetime:
    """The moment that orders the queue: `due_at`, earlier the greater the harm."""
    return due_at - sum((shift for shift, _ in harm(severity, loyalty_tier, value)), timedelta(0))


def harm(severity: int, loyalty_tier: str, value: Decimal | None) -> list[tuple[timedelta, str]]:
    """What moves a case up or down against its due time, each with its name."""
    shifts = [(HARM_BY_SEVERITY[severity], f"{Severity(severity).label} severity")]
    if loyalty_tier.lower() in VALUED_TIERS:
        shifts.append((HARM_FOR_VALUED, f"{loyalty_tier.capitalize()} customer"))
    if value is not None and value >= HIGH_VALUE:
        shifts.append((HARM_FOR_VALUE, "High value"))
    return [(shift, name) for shift, name in shifts if shift]


def why_ranked(severity: int, loyalty_tier: str, value: Decimal | None) -> str:
    """Why a case stands where it stands, in one line for people."""
    return _why_ranked(severity, loyalty_tier, HIGH_VALUE if value is not None and value >= HIGH_VALUE else None)


@lru_cache(maxsize=512)
def _why_ranked(severity: int, loyalty_tier: str, value: Decimal | None) -> str:
    """Kept: for the order of a case only counts whether its value is high."""
    parts = [
        f"{name}: {abs(shift) // timedelta(hours=1)} h {'sooner' if shift > timedelta(0) else 'later'}"
        for shift, name in harm(severity, loyalty_tier, value)
    ]
    return "Ordered by when its clock runs out" + ("; " + "; ".join(parts) if parts else "") + "."
