"""Promises of the demo retailer's staff: made when somebody is answered, kept on time by most and not by all.

They have a chance of their own, so that the rest of the year is the same with them and without. The register and the
timeline come out as real work would have left them.
"""

# ruff: noqa: PLR2004  the chances of an invented company; a name for each would not say more

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection

from makegood.app.demo.year import LONDON, Plan
from makegood.recover.cases.models import Case, CaseEvent, Reason
from makegood.recover.commitments.models import Commitment, NoticeKind, State
from makegood.recover.commitments.services.register import SILENCE, first_notice

HOUR = timedelta(hours=1)

# What is promised by what went wrong: kind and words.
_PROMISES: Final[dict[str, tuple[tuple[str, str], ...]]] = {
    "delivery": (
        ("call", "Call as soon as the courier has answered"), ("answer", "Write what the trace has found"),
        ("delivery", "The parcel arrives, or a new one leaves"),
    ),
    "product": (
        ("replacement", "Send a replacement"), ("repair", "Have it collected for repair"),
        ("answer", "Say what can be done"),
    ),
    "order": (("answer", "Say whether it can still be sent"), ("refund", "Pay back what was cancelled")),
    "payment": (("refund", "Pay the money back"), ("answer", "Say where the payment is")),
    "return": (("refund", "Refund the return"), ("answer", "Confirm that the return arrived")),
    "store": (("call", "Call back after speaking to the store"), ("credit", "Send the voucher")),
    "": (("answer", "Answer the question"), ("call", "Call back")),
}  # fmt: skip
_SHARE = 0.34  # of answers that name a date
_SHARE_LATELY = 0.8
_UNTIL_HOUR = (11, 12, 14, 16, 17, 18)
_RELEASED_BY = ("The customer, by phone", "The customer, by e-mail", "The customer: it had come meanwhile")

# Called with the case, the kind of event, when, who, and its facts.
Record = Callable[[Case, CaseEvent.Kind, datetime, uuid.UUID | None, str, dict[str, Any]], None]


@dataclass
class Promised:
    """A promise in somebody's hands, and what will come of it."""

    row: Commitment
    ends_at: datetime | None  # None: forgotten
    fate: str
    stored: bool = False


@dataclass
class Promises:
    """All promises of the year that is played."""

    plan: Plan
    record: Record
    reasons: dict[int, Reason]
    open: dict[uuid.UUID, list[Promised]] = field(default_factory=dict)
    made: list[Promised] = field(default_factory=list)
    ended: list[Promised] = field(default_factory=list)
    number: int = 0

    def __post_init__(self) -> None:
        self.random = self.plan.random(32)
        self._reliable: dict[uuid.UUID, float] = {}

    def maybe(self, case: Case, at: datetime, by_id: uuid.UUID, load: float) -> None:
        """Perhaps promise something while a customer is answered; the busier it is, the later it is kept."""
        # Whoever looks around finds some that are open.
        share = _SHARE_LATELY if at > self.plan.end - 4 * 24 * HOUR else _SHARE
        if self.random.random() > share or len(self.open.get(case.pk, ())) > 1:
            return
        kinds = _PROMISES.get(self.reasons[case.reason_id].code.partition(".")[0], _PROMISES[""])
        kind, text = kinds[int(self.random.integers(len(kinds)))]
        if any(it.row.kind == kind for it in self.open.get(case.pk, ())):
            return
        due_at = self._due(at)
        self.number += 1
        row = Commitment(
            number=self.number, kind=kind, text=text, due_at=due_at, first_due_at=due_at, owner_id=by_id,
            case_id=case.pk, made_at=at, made_by_id=by_id, **first_notice(kind, due_at, at),
        )  # fmt: skip
        promised = Promised(row, *self._fate(row, by_id, load))
        self.open.setdefault(case.pk, []).append(promised)
        self.made.append(promised)
        self._say(case, row, "made", at, by_id)

    def settle(self, case: Case, at: datetime, *, not_before: datetime, last: bool = False) -> None:
        """End what has ended by now; `last`: all of it, the case is resolved at `at`."""
        left = []
        for it in self.open.get(case.pk, ()):
            ends_at = it.ends_at if it.ends_at and it.ends_at <= at else at if last else None
            if ends_at is None:
                left.append(it)
            else:
                self._end(case, it, max(ends_at, not_before, it.row.made_at))
        if left:
            self.open[case.pk] = left
        else:
            self.open.pop(case.pk, None)

    def due_to_end(self, now: datetime) -> Iterator[uuid.UUID]:
        """Cases with a promise that has ended by now."""
        yield from [pk for pk, them in self.open.items() if any(it.ends_at and it.ends_at <= now for it in them)]

    def write_ended(self) -> None:
        """What ended, before its cases may be resolved. Three SQL queries at most."""
        stored = [it.row for it in self.ended if it.stored]
        Commitment.objects.bulk_update(stored, ["state", "ended_at", "ended_by", "agreed_by", *SILENCE], batch_size=500)
        self._insert([it for it in self.made if it.row.state != State.OPEN])
        self.ended = []

    def write_open(self) -> None:
        """What is open, after its cases were written. Two SQL queries."""
        fresh = [it for it in self.made if it.row.state == State.OPEN]
        self._insert(fresh)
        self.made = []
        with connection.cursor() as cursor:
            cursor.execute("SELECT setval('commitment_number', %s)", [max(1, self.number)])

    def _insert(self, them: list[Promised]) -> None:
        Commitment.objects.bulk_create([it.row for it in them], batch_size=1000)
        for it in them:
            it.stored = True

    def _due(self, at: datetime) -> datetime:
        day = at.astimezone(LONDON).date() + timedelta(days=int(self.random.integers(1, 5)))
        if day.weekday() > 4:
            day += timedelta(days=7 - day.weekday())
        hour = _UNTIL_HOUR[int(self.random.integers(len(_UNTIL_HOUR)))]
        return datetime(day.year, day.month, day.day, hour, tzinfo=LONDON)

    def _fate(self, row: Commitment, by_id: uuid.UUID, load: float) -> tuple[datetime | None, str]:
        # Some people keep nearly all they promise, some three of four.
        reliable = self._reliable.setdefault(by_id, 0.72 + 0.26 * float(self.random.random()))
        late = (1 - reliable) * load
        u, spread = float(self.random.random()), float(self.random.random())
        if u < 0.03:
            return row.made_at + (row.due_at - row.made_at) * spread, State.RELEASED
        if u < 0.03 + 0.62 * late:
            return row.due_at + HOUR * (1 + 40 * spread), State.KEPT_LATE
        if u < 0.03 + 0.85 * late:
            return row.due_at + 24 * HOUR * (1 + 2 * spread), State.BROKEN
        if u < 0.03 + late:
            return None, State.BROKEN  # forgotten until the case ends
        return row.due_at - (row.due_at - row.made_at) * (0.02 + 0.6 * spread), State.KEPT

    def _end(self, case: Case, it: Promised, at: datetime) -> None:
        row, why = it.row, ""
        state = it.fate
        if state in (State.KEPT, State.KEPT_LATE) or (state == State.BROKEN and at < row.due_at):
            state = State.KEPT if at <= row.due_at else State.KEPT_LATE
        row.state, row.ended_at, row.ended_by_id = state, at, row.owner_id
        row.next_notice, row.next_notice_at = NoticeKind.NONE, None
        if state == State.RELEASED:
            why = row.agreed_by = _RELEASED_BY[int(self.random.integers(len(_RELEASED_BY)))]
        self.ended.append(it)
        self._say(case, row, str(state), at, row.owner_id, why)

    def _say(self, case: Case, row: Commitment, did: str, at: datetime, by_id: uuid.UUID | None, why: str = "") -> None:
        self.record(
            case, CaseEvent.Kind.COMMITMENT, at, by_id, why,
            {"commitment": row.pk, "number": row.number, "did": did, "kind": str(row.kind), "to": str(row.to),
             "due_at": row.due_at},
        )  # fmt: skip
