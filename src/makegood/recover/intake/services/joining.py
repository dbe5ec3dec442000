"""Which case a contact goes on with: one that it provably answers, else an open one of the same person and matter.

Careful both ways. A second mail about the same trouble must not become a second case; another matter must not vanish in
the first. So what attaches is: the same order, named or the only one that is meant; the same subject line; or the one
open case that the words follow from. What is clearly about something else stays apart, and where that is in doubt the
new case names the one that it may belong to. A person takes either back in one step. Pure: reads and writes nothing.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple
from uuid import UUID

from makegood.engines.language import Finding
from makegood.recover.cases.models import Case, Direction
from makegood.recover.intake.matching import Match, Reading
from makegood.recover.intake.models import Arrival

# Later, who names neither case nor order may well mean something new.
GOES_ON_FOR: Final = timedelta(days=30)
# Below this a reason that words tell is a guess, and no ground to part what belongs together.
CLEAR: Final = 0.6
# What one and the same trouble makes people speak of next, by branch of the case's reason.
LEADS_TO: Final = {
    "delivery": ("order", "return", "payment.refund", "product.damaged"),
    "product": ("return", "payment.refund"),
    "order": ("delivery", "payment", "return"),
    "payment": ("order", "return"),
    "return": ("payment.refund", "product"),
    "store": ("payment", "return"),
}
_VAGUE: Final = ("service", "other")

_BEFORE_SUBJECT = re.compile(
    r"^(?:\s*(?:(?:re|aw|antw|sv|res|ref|fwd?|wg|enc)\s*:|\[[^\]]{0,40}\]))+\s*", re.IGNORECASE
)
_WORD = re.compile(r"\w+")
_ALIKE: Final = 0.6  # of all words of two subjects, how many they must share
_WORDS_AT_LEAST: Final = 2  # "Help" is everybody's subject


class Joined(NamedTuple):
    """The case that a contact goes to, and why; or None, and the one that it may belong to all the same."""

    case: Case | None
    because: str
    perhaps: Case | None = None
    proven: bool = False  # it answers a mail of ours, or names the number of a case of theirs


class Desk:
    """The cases that a happening may belong to."""

    def __init__(
        self, cases: Sequence[Case], authors: dict[UUID, set[str]], strangers: Mapping[str, Collection[int]]
    ) -> None:
        by_id = {case.pk: case for case in cases}
        self.authors = authors
        self._strangers = strangers
        self.goes_on_in = {case.pk: by_id[case.merged_into_id] for case in cases if case.merged_into_id}
        # A case goes on for those merged into it: it is about what they were about.
        self._about: dict[UUID, set[str]] = {case.pk: {case.reason.code} for case in cases}
        for merged, home in self.goes_on_in.items():
            self._about[home.pk].add(by_id[merged].reason.code)
        self.by_number = {case.number: case for case in cases}
        self.by_order: dict[UUID, list[Case]] = {}
        self.open_of: dict[UUID, list[Case]] = {}
        for case in sorted(
            cases, key=lambda case: (case.opened_at, str(case.order_id), case.reason.code), reverse=True
        ):
            if case.order_id:
                self.by_order.setdefault(case.order_id, []).append(case)
            if case.customer_id and case.resolved_at is None:
                self.open_of.setdefault(case.customer_id, []).append(case)

    def of_stranger(self, arrival: Arrival) -> list[Case]:
        """Open cases that somebody unknown opened by mail from the same address, the latest first."""
        numbers = self._strangers.get(arrival.author.lower(), ())
        cases = [self.by_number[number] for number in sorted(numbers, reverse=True) if number in self.by_number]
        return [case for case in cases if case.resolved_at is None and case.customer_id is None]

    def is_another(self, case: Case, tells: Finding | None) -> bool:
        """Whether words tell of something else than a case and all that was merged into it."""
        return all(clearly_another(code, tells) for code in self._about[case.pk])

    def home(self, case: Case) -> Case:
        """The case itself, or the one that goes on in its place."""
        return self.goes_on_in.get(case.pk, case)

    def open_about(self, order_id: UUID | None) -> list[Case]:
        """Open cases of an order, or in which one of it goes on, the latest first."""
        homes = dict.fromkeys(self.home(case) for case in self.by_order.get(order_id, [])) if order_id else {}
        return [case for case in homes if case.resolved_at is None]

    def resolved_about(self, order_id: UUID | None) -> list[Case]:
        """Resolved cases of an order, the last to be resolved first."""
        resolved = [case for case in self.by_order.get(order_id, []) if case.resolved_at] if order_id else []
        return sorted(resolved, key=lambda case: case.resolved_at or case.opened_at, reverse=True)

    def open_alike(self, customer_id: UUID | None, order_id: UUID | None, reason: str) -> Case | None:
        """The open case that another one of this customer, order and reason would double."""
        if customer_id is None:
            return None
        alike = (c for c in self.open_of.get(customer_id, []) if c.order_id == order_id and c.reason.code == reason)
        return next(alike, None)


def case_for(*, arrival: Arrival, match: Match, reading: Reading, reason: str, at: datetime, desk: Desk) -> Joined:
    """The case that a contact belongs to, and why. Never one of another person."""
    theirs = {match.account.id, *match.others} if match.account else set()
    if quoted := _quoted(arrival, match, theirs, desk):
        says = "This answers" if quoted.number == arrival.case_number else "It names"
        return Joined(quoted, f"{says} C-{quoted.number}.", proven=True)
    # What we wrote ourselves speaks of remedies, not of what failed.
    tells = reading.tells if arrival.direction == Direction.IN else None
    of_order = [case for case in desk.open_about(match.order) if case.customer_id in theirs]
    going_on = [case for case in of_order if not desk.is_another(case, tells)]
    twin = desk.open_alike(match.account.id, match.order, reason) if match.account else None
    sure = bool(match.order and match.order_is_sure)
    if sure and of_order:
        if case := closest(going_on, reading) if going_on else twin:
            return Joined(case, "A case about this order is open.")
        return _apart(of_order[0], "about the same order")
    open_cases = [case for customer in sorted(theirs) for case in desk.open_of.get(customer, [])]
    lately = [case for case in open_cases or desk.of_stranger(arrival) if at - _last_word(case) <= GOES_ON_FOR]
    same_matter = [case for case in lately if not desk.is_another(case, tells)]
    if sure:  # a case about another order is not the one, but one about no order may be
        meant = _by_subject(arrival, [case for case in same_matter if case.order_id is None], reading)
    else:
        meant = _by_subject(arrival, same_matter, reading) or _meant(lately, same_matter, of_order, reading, reason)
    if meant:
        return meant
    if twin:
        return Joined(twin, "A case about the same is open.")
    return _apart(lately[0], "of the same customer") if lately and not sure else Joined(None, "")


def _by_subject(arrival: Arrival, same_matter: Sequence[Case], reading: Reading) -> Joined | None:
    """The case with the same subject line, as an answer has whose references were lost."""
    same = [case for case in same_matter if alike(arrival.subject, case.subject)]
    return Joined(case := closest(same, reading), f"It has the same subject as C-{case.number}.") if same else None


def _meant(
    lately: Sequence[Case], same_matter: Sequence[Case], of_order: Sequence[Case], reading: Reading, reason: str
) -> Joined | None:
    """The case that somebody means who names neither case nor order."""
    if fitting := [case for case in same_matter if case in of_order]:
        return Joined(closest(fitting, reading), "A case about this order is open, and the text tells of nothing else.")
    same = [case for case in lately if case.reason.code == reason]
    if len(same) == 1:
        return Joined(same[0], f"It is the customer's only open case about this ({same[0].reason.name}).")
    if len(lately) == len(same_matter) == 1:
        says = "what the text tells of follows from it" if reading.tells else "the text tells of nothing else"
        return Joined(same_matter[0], f"It is the customer's only open case, and {says}.")
    return None


def _last_word(case: Case) -> datetime:
    return case.last_contact_at or case.opened_at


def clearly_another(reason: str, tells: Finding | None) -> bool:
    """Whether words tell of a matter that a case of this reason does not lead to. What is vague on either side
    tells nothing apart.
    """
    if tells is None or tells.confidence < CLEAR:
        return False
    new, old = tells.reason.partition(".")[0], reason.partition(".")[0]
    if new == old or new in _VAGUE or old in _VAGUE:
        return False
    return not {new, tells.reason} & {*LEADS_TO.get(old, ())}


def alike(subject: str, other: str) -> bool:
    """Whether two subject lines are the same but for "Re:", our number, or a word or two."""
    one, two = _words(subject), _words(other)
    if min(len(one), len(two)) < _WORDS_AT_LEAST:
        return False
    return len(one & two) >= _ALIKE * len(one | two)


def _words(subject: str) -> set[str]:
    return set(_WORD.findall(_BEFORE_SUBJECT.sub("", subject).casefold()))


def _apart(case: Case, what: str) -> Joined:
    because = f"C-{case.number} ({case.reason.name}) {what} is open: merge the two if they are one matter."
    return Joined(None, because, perhaps=case)


def _quoted(arrival: Arrival, match: Match, theirs: set[UUID], desk: Desk) -> Case | None:
    """The case that a contact provably answers, or names if it is the writer's: by customer, else by address."""
    if answered := desk.by_number.get(arrival.case_number or 0):
        return desk.home(answered)
    for number in match.case_numbers:
        case = desk.by_number.get(number)
        if case and case.customer_id in theirs:
            return desk.home(case)
        if case and not case.customer_id and arrival.author.lower() in desk.authors.get(case.pk, ()):
            return desk.home(case)
    return None


def closest(cases: Sequence[Case], reading: Reading) -> Case:
    """Of several open cases the one about what the text tells, else the latest."""
    if reading.tells:
        code = reading.tells.reason
        for same in (
            [case for case in cases if case.reason.code == code],
            [case for case in cases if case.reason.code.partition(".")[0] == code.partition(".")[0]],
        ):
            if same:
                return same[0]
    return cases[0]
