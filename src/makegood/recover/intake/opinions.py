"""What later rooms think a contact is about. Intake asks; who has learned something answers.

A room registers once, in the `ready()` of its `AppConfig`: `opinions.judges.append(judge)`. Intake works without any.
The facts that are told beside the words are made here, once, for judging and for learning alike.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from makegood.engines.language.features import Told

if TYPE_CHECKING:
    from makegood.recover.intake.knowledge import Known
    from makegood.recover.intake.matching import Reading

OVERDUE, LATE, PICKUP = "delivery.overdue", "delivery.late", "delivery.pickup"
CANCELLED, UNAVAILABLE = "order.cancelled", "order.unavailable"

_DAYS = ((1, "0"), (3, "1 to 2"), (7, "3 to 6"), (14, "7 to 13"))
_VALUES = ((20, "under 20"), (50, "20 to 50"), (100, "50 to 100"), (500, "100 to 500"))
_DAYS_MORE, _VALUE_MORE = "14 or more", "500 or more"


@dataclass(frozen=True)
class Opinion:
    """A reason with its probability, and whether that is enough to act on it."""

    model: int
    reason: str
    probability: float
    sure: bool
    choices: tuple[tuple[str, float], ...]  # the likeliest reasons, the first is `reason`
    words: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]


# Called with what customers told, many at once; an opinion on each or None. Writes nothing. At most one SQL query.
judges: list[Callable[[Sequence[Told]], Sequence[Opinion | None]]] = []


def ask(tellings: Sequence[Told]) -> list[Opinion | None]:
    """The first opinion that somebody has on each telling; none on silence."""
    found: list[Opinion | None] = [None] * len(tellings)
    for judge in judges:
        open_ = [n for n, told in enumerate(tellings) if found[n] is None and told.text.strip()]
        if open_:
            for n, opinion in zip(open_, judge([tellings[n] for n in open_]), strict=True):
                found[n] = opinion
    return found


def words(subject: str, body: str) -> str:
    """What is read of a contact or review."""
    return f"{subject}\n{body}"


def telling(text: str, reading: "Reading", known: "Known | None", *, channel: str) -> Told:
    """What is told beside the words: how they came and how the order stood when they did."""
    facts = {"channel": channel, "language": reading.language or "not known", "order": _order(known)}
    if known:
        facts |= {"sold": known.channel, "value": _band(known.total, _VALUES, _VALUE_MORE)}
        if known.promised_at and (known.is_late or known.is_overdue):
            late = ((known.delivered_at or known.at) - known.promised_at) // timedelta(days=1)
            facts["days late"] = _band(late, _DAYS, _DAYS_MORE)
        if known.category:
            facts["category"] = known.category
        if known.trouble:
            facts["carrier reports"] = known.trouble
    return Told(text, facts, reading.finding)


def of_order(known: "Known | None") -> str:
    """The reason that an order tells by itself; empty: none."""
    if known and known.cancelled_at:
        return UNAVAILABLE if known.unavailable else CANCELLED
    if known and known.is_late and known.channel != "pickup":
        return LATE
    if known and known.is_overdue:
        return PICKUP if known.channel == "pickup" else OVERDUE
    return ""


def facts_of(opinion: Opinion) -> dict[str, Any]:
    """An opinion as plain facts of an event, for the case page and for whoever counts later."""
    return {
        "opinion": {
            "model": opinion.model, "sure": opinion.sure, "words": list(opinion.words),
            "choices": [[code, round(share, 3)] for code, share in opinion.choices],
            "facts": [list(fact) for fact in opinion.facts],
        }
    }  # fmt: skip


def _order(known: "Known | None") -> str:
    if known is None:
        return "not known"
    if known.cancelled_at:
        return "out of stock" if known.unavailable else "cancelled"
    if known.delivered_at:
        return "delivered late" if known.is_late else "delivered in time"
    return "overdue" if known.is_overdue else "under way"


def _band(amount: Decimal | int, bands: Sequence[tuple[int, str]], more: str) -> str:
    return next((name for below, name in bands if amount < below), more)
