"""The failure chain of one person, said in words, and what it makes of severity.

Pure: what failed in a year goes in; sentences, kinds and numbers come out. The tables can be read, argued about and
changed. A *failing* is one thing that went wrong with one order: the parcel that came late and the case about it are
one failing, the parcel and the faulty thing in it are two.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy


class Kind(StrEnum):
    """What failed, as somebody would say it. The order is that of harm within a family."""

    LOST = "lost"
    LATE = "late"
    PARTIAL = "partial"
    PICKUP = "pickup"
    WRONG = "wrong"
    DAMAGED = "damaged"
    FAULTY = "faulty"
    QUALITY = "quality"
    CANCELLED = "cancelled"
    REFUND = "refund"
    CHARGE = "charge"
    RETURN = "return"
    OTHER = "other"


# Of one order, failings of one family are one: a parcel is not lost and late.
FAMILIES: Final[dict[Kind, str]] = {
    Kind.LOST: "parcel", Kind.LATE: "parcel", Kind.PARTIAL: "content", Kind.PICKUP: "parcel", Kind.WRONG: "content",
    Kind.DAMAGED: "content", Kind.FAULTY: "content", Kind.QUALITY: "content", Kind.CANCELLED: "parcel",
    Kind.REFUND: "money", Kind.CHARGE: "money", Kind.RETURN: "money", Kind.OTHER: "",
}  # fmt: skip
KIND_OF_REASON: Final[dict[str, Kind]] = {
    "delivery.not_received": Kind.LOST, "delivery.overdue": Kind.LATE, "delivery.late": Kind.LATE,
    "delivery": Kind.LATE, "delivery.partial": Kind.PARTIAL, "delivery.wrong_item": Kind.WRONG,
    "delivery.pickup": Kind.PICKUP, "product.damaged": Kind.DAMAGED, "product.faulty": Kind.FAULTY,
    "product": Kind.QUALITY, "order": Kind.CANCELLED, "payment.refund": Kind.REFUND, "payment": Kind.CHARGE,
    "return": Kind.RETURN,
}  # fmt: skip
NOUNS: Final = {
    Kind.LOST: gettext_lazy("lost parcel"), Kind.LATE: gettext_lazy("late parcel"),
    Kind.PARTIAL: gettext_lazy("incomplete order"), Kind.PICKUP: gettext_lazy("pick-up not ready"),
    Kind.WRONG: gettext_lazy("wrong item"), Kind.DAMAGED: gettext_lazy("damaged item"),
    Kind.FAULTY: gettext_lazy("fault"), Kind.QUALITY: gettext_lazy("disappointing item"),
    Kind.CANCELLED: gettext_lazy("cancelled order"), Kind.REFUND: gettext_lazy("missing refund"),
    Kind.CHARGE: gettext_lazy("wrong charge"), Kind.RETURN: gettext_lazy("return gone wrong"),
    Kind.OTHER: gettext_lazy("failure"),
}  # fmt: skip
# What can happen parcel after parcel.
IN_A_ROW: Final = {Kind.LOST: gettext_lazy("Lost"), Kind.LATE: gettext_lazy("Late")}
TIMES: Final = (gettext_lazy("twice"), gettext_lazy("three times"), gettext_lazy("four times"),
                gettext_lazy("five times"))  # fmt: skip
NTHS: Final = (
    gettext_lazy("First"), gettext_lazy("Second"), gettext_lazy("Third"), gettext_lazy("Fourth"),
    gettext_lazy("Fifth"), gettext_lazy("Sixth"), gettext_lazy("Seventh"), gettext_lazy("Eighth"),
    gettext_lazy("Ninth"), gettext_lazy("Tenth"),
)  # fmt: skip


class Pattern(StrEnum):
    """What repeats. The first that holds is what is said."""

    ROW = "row"  # consecutive parcels
    SELLER = "seller"  # the same thing with the same seller
    KIND = "kind"  # the same thing
    ANY = "any"  # anything


# By how much severity rises: from so many on, of this pattern and kind (None: of any). The greatest counts. Two parcels
# lost one after the other is no chance at any carrier's rate; a third failure of whatever kind has been one level since
# the first version, and by then most customers leave.
RAISES: Final[tuple[tuple[Pattern, Kind | None, int, int], ...]] = (
    (Pattern.ROW, Kind.LOST, 2, 1),
    (Pattern.ROW, Kind.LOST, 3, 2),
    (Pattern.ROW, None, 3, 1),
    (Pattern.SELLER, None, 3, 1),
    (Pattern.KIND, None, 3, 1),
    (Pattern.ANY, None, 3, 1),
)


@dataclass(frozen=True, kw_only=True)
class Failing:
    """One thing that went wrong."""

    kind: Kind
    at: datetime
    account: UUID | None = None
    order: UUID | None = None
    turn: int | None = None  # number of its order among those that were sent and whose fate is known
    seller: str = ""
    carrier: str = ""
    warehouse: str = ""
    case: int | None = None  # number of its latest case; None: nobody has one
    hidden: bool = False  # outside the reader's places: counted, not told


@dataclass(frozen=True)
class Said:
    """What a chain amounts to."""

    sentence: str
    pattern: Pattern
    kind: Kind
    n: int


def kind_of(reason: str) -> Kind:
    """The kind of failure that a reason code tells of: its own, else that of its branch."""
    return KIND_OF_REASON.get(reason) or KIND_OF_REASON.get(reason.partition(".")[0], Kind.OTHER)


def chain_of(failings: Iterable[Failing]) -> list[Failing]:
    """Failings without those that tell of the same thing twice, by time.

    Of one order and family the gravest kind counts, from when it first failed, with the latest case. What is of no kind
    in particular joins whatever else failed with its order.
    """
    found: dict[object, Failing] = {}
    for one in sorted(failings, key=lambda it: (it.kind is Kind.OTHER, it.at)):
        family = FAMILIES[one.kind]
        key: object = (one.order, family) if one.order else object()
        if one.order and not family:
            key = next((other for other in found if isinstance(other, tuple) and other[0] == one.order), key)
        same = found.get(key)
        found[key] = _joined(same, one) if same else one
    return sorted(found.values(), key=lambda it: it.at)


def failing_in(chain: Sequence[Failing], *, kind: Kind, at: datetime, order: UUID | None) -> Failing | None:
    """The failing of a chain that something of this kind, time and order became part of; None: it is not in it."""
    if order is None:
        return next((it for it in chain if it.order is None and (it.kind, it.at) == (kind, at)), None)
    of_order = [it for it in chain if it.order == order]
    alike = (it for it in of_order if FAMILIES[it.kind] == FAMILIES[kind])
    return next(alike, of_order[0] if of_order and not FAMILIES[kind] else None)


def _joined(one: Failing, other: Failing) -> Failing:
    known = list(Kind)
    return replace(
        one,
        kind=min(one.kind, other.kind, key=known.index),
        at=min(one.at, other.at),
        turn=one.turn if one.turn is not None else other.turn,
        seller=one.seller or other.seller,
        carrier=one.carrier or other.carrier,
        warehouse=one.warehouse or other.warehouse,
        case=max(filter(None, (one.case, other.case)), default=None),
        hidden=one.hidden and other.hidden,
    )


def said(chain: Sequence[Failing], about: Failing | None = None) -> Said | None:
    """What a chain (of `chain_of`, a year long) amounts to as seen from one of its failings, the latest unless given.

    None: nothing failed.
    """
    held = patterns(chain, about)
    return held[0] if held else None


def raised(chain: Sequence[Failing], about: Failing | None = None) -> tuple[int, str]:
    """By how much a chain raises severity, and the sentence that says why; (0, "") where it does not."""
    best = (0, "")
    for it in patterns(chain, about):
        by = max((by for pattern, kind, n, by in RAISES
                  if pattern == it.pattern and kind in (None, it.kind) and it.n >= n), default=0)  # fmt: skip
        if by > best[0]:
            best = (by, f"{it.sentence}.")
    return best


def patterns(chain: Sequence[Failing], about: Failing | None = None) -> list[Said]:
    """All patterns that hold, the most telling first; the last one counts whatever failed."""
    if not chain:
        return []
    about = about or chain[-1]
    alike = [it for it in chain if it.kind == about.kind]
    held: list[Said] = []
    row = _row(alike, about)
    if row > 1 and about.kind in IN_A_ROW:
        held.append(Said(_in_a_row(about.kind, row), Pattern.ROW, about.kind, row))
    with_seller = [it for it in alike if it.seller and it.seller == about.seller]
    if about.kind is not Kind.OTHER:
        if len(with_seller) > 1 and len(with_seller) == len(alike):
            sentence = _("%(nth)s with %(seller)s") % {"nth": _nth(len(alike), about.kind), "seller": about.seller}
            held.append(Said(sentence, Pattern.SELLER, about.kind, len(alike)))
        elif len(alike) > 1:
            sentence = _("%(nth)s in 12 months") % {"nth": _nth(len(alike), about.kind)}
            held.append(Said(sentence + _over(alike), Pattern.KIND, about.kind, len(alike)))
    sentence = _("%(nth)s in 12 months") % {"nth": _nth(len(chain), Kind.OTHER)}
    held.append(Said(sentence + _over(chain), Pattern.ANY, about.kind, len(chain)))
    return held


def _row(alike: Sequence[Failing], about: Failing) -> int:
    """How many consecutive parcels failed alike, the one in question among them."""
    turns = {it.turn for it in alike if it.turn is not None}
    if about.turn is None or about.turn not in turns:
        return 0
    first = last = about.turn
    while first - 1 in turns:
        first -= 1
    while last + 1 in turns:
        last += 1
    return last - first + 1


def _in_a_row(kind: Kind, n: int) -> str:
    times = TIMES[n - 2] if n - 2 < len(TIMES) else _("%(n)s times") % {"n": n}
    return _("%(lost)s %(times)s in a row") % {"lost": IN_A_ROW[kind], "times": times}


def _nth(n: int, kind: Kind) -> str:
    nth = NTHS[n - 1] if n <= len(NTHS) else f"{n}."
    return _("%(nth)s %(what)s") % {"nth": nth, "what": NOUNS[kind]}


def _over(failings: Sequence[Failing]) -> str:
    accounts = len({it.account for it in failings if it.account})
    return _(", over %(n)s accounts") % {"n": _("two") if accounts == 2 else accounts} if accounts > 1 else ""  # noqa: PLR2004  the word
