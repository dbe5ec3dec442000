"""One thing done to many cases: each by itself, each with what became of it, most of it to be taken back.

A batch is written down first and then worked case by case, each in a transaction of its own together with its mark. A
worker that dies in between leaves the rest waiting, and the next one goes on: nothing is done twice or forgotten.
"""

import re
import uuid
from collections.abc import Callable, Collection
from datetime import datetime
from typing import Any

from django.db import transaction

from makegood.errors import MakegoodError
from makegood.ground.staff.models import User
from makegood.recover.cases.errors import BatchNotFound, ChangedSince, FieldEmpty, PersonNotFound
from makegood.recover.cases.models import Batch, BatchItem, Case, CaseEvent, Outcome, Reason
from makegood.recover.cases.queries.case import assignable
from makegood.recover.cases.services.contacts import reply
from makegood.recover.cases.services.escalating import HandOver, escalate_case
from makegood.recover.cases.services.family import link_case
from makegood.recover.cases.services.handling import assign_case, change_reason, one_open_case, resolve_case
from makegood.recover.cases.services.snoozing import snooze_case
from makegood.recover.cases.services.timeline import before, lock_case, record, set_since

Action = Batch.Action
State = BatchItem.State
Kind = CaseEvent.Kind
FIELDS = ("name", "order", "item", "case")
_FIELD = re.compile(r"\{(" + "|".join(FIELDS) + r")\}")


@transaction.atomic
def start_batch(
    *, action: Action | str, cases: Collection[uuid.UUID], asked: dict[str, Any], by: User, now: datetime,
    parent_id: uuid.UUID | None = None, in_the_background: bool = False,
) -> Batch:  # fmt: skip
    """Write down what is to be done to which cases. `run_batch` does it: called by the caller, or by a job that is
    enqueued in the same transaction.
    """
    batch = Batch.objects.create(action=action, asked=asked, parent_id=parent_id, by=by, at=now)
    BatchItem.objects.bulk_create([BatchItem(batch=batch, case_id=pk) for pk in dict.fromkeys(cases)], batch_size=1000)
    if in_the_background:
        from makegood.recover.cases import tasks  # noqa: PLC0415  tasks call this module

        tasks.batch.defer(batch_id=str(batch.pk))
    return batch


def open_children(parent_id: uuid.UUID) -> list[uuid.UUID]:
    """The open children of a case. One SQL query."""
    return list(Case.objects.filter(parent=parent_id, resolved_at=None).order_by("number").values_list("pk", flat=True))


def run_batch(*, batch_id: uuid.UUID, now: datetime) -> None:
    """Do what is still to be done of a batch. Many may run at once: each takes a case that nobody else has.

    Call outside transactions.
    """
    batch = Batch.objects.select_related("by").get(pk=batch_id)
    while _do_next(batch, now):
        pass


def waiting_batches() -> list[uuid.UUID]:
    """Batches that are not through, by an index of what waits. One SQL query."""
    waiting = BatchItem.objects.filter(state=State.WAITING).order_by("batch").values_list("batch", flat=True)
    return list(waiting.distinct())


@transaction.atomic
def _do_next(batch: Batch, now: datetime) -> bool:
    waiting = BatchItem.objects.select_for_update(skip_locked=True).filter(batch=batch, state=State.WAITING)
    item = waiting.order_by("pk").first()
    if item is None:
        return False
    try:
        with transaction.atomic():
            held = lock_case(item.case_id)
            case = _ACTIONS[Action(batch.action)](held, batch, now)
    except MakegoodError as why:
        item.state, item.said = State.REFUSED, str(why)[:300]
    else:
        item.state, item.seq = State.DONE, held.version + 1 if case.version > held.version else 0
    item.save(update_fields=["state", "seq", "said"])
    return True


# -- what can be done


def _assign(case: Case, batch: Batch, now: datetime) -> Case:
    person = batch.asked.get("to") or ""
    to = assignable(person) if person else None
    if person and to is None:
        raise PersonNotFound(person)
    return assign_case(case_id=case.pk, to=to, by=batch.by, now=now)


def _reason(case: Case, batch: Batch, now: datetime) -> Case:
    return change_reason(case_id=case.pk, reason=batch.asked["reason"], by=batch.by, now=now)


def _escalate(case: Case, batch: Batch, now: datetime) -> Case:
    asked = batch.asked
    hand_over = HandOver(happened=asked["happened"], promised=asked["promised"], needed=asked["needed"])
    return escalate_case(
        case_id=case.pk, hand_over=hand_over, tier=asked["tier"], queue=asked["queue"], by=batch.by, now=now
    )


def _link(case: Case, batch: Batch, now: datetime) -> Case:
    return link_case(case_id=case.pk, parent_id=uuid.UUID(batch.asked["parent"]), by=batch.by, now=now)


def _snooze(case: Case, batch: Batch, now: datetime) -> Case:
    until = datetime.fromisoformat(batch.asked["until"])
    return snooze_case(case_id=case.pk, until=until, why=batch.asked["why"], by=batch.by, now=now)


def _resolve(case: Case, batch: Batch, now: datetime) -> Case:
    asked = batch.asked
    return resolve_case(
        case_id=case.pk, outcome=Outcome(asked["outcome"]), cause=asked["cause"], locus=asked["locus"],
        prevention=asked["prevention"], by=batch.by, now=now,
    )  # fmt: skip


def _answer(case: Case, batch: Batch, now: datetime) -> Case:
    body = fill(batch.asked["body"], case)
    return reply(case_id=case.pk, body=body, by=batch.by, now=now, wait=bool(batch.asked["wait"])).case


_ACTIONS: dict[Action, Callable[[Case, Batch, datetime], Case]] = {
    Action.ASSIGN: _assign, Action.REASON: _reason, Action.ESCALATE: _escalate, Action.LINK: _link,
    Action.SNOOZE: _snooze, Action.RESOLVE: _resolve, Action.ANSWER: _answer,
}  # fmt: skip


def fill(text: str, case: Case) -> str:
    """A text for many with this case's own words in place of {name}, {order}, {item} and {case}.

    Raises
    ------
    FieldEmpty
        The text names one that the case has nothing for.
    """
    words = {
        "name": case.customer.name if case.customer else "", "order": case.order.ref if case.order else "",
        "item": case.failed, "case": f"C-{case.number}",
    }  # fmt: skip

    def word(found: re.Match[str]) -> str:
        if not words[found[1]]:
            raise FieldEmpty(case.number, found[1])
        return words[found[1]]

    return _FIELD.sub(word, text)


# -- and taken back


def undo_batch(*, batch_id: uuid.UUID, by: User, now: datetime) -> Batch:
    """Take back what a batch did, wherever nobody has built on it since. Answers that were sent stay sent.

    Call outside transactions.

    Raises
    ------
    BatchNotFound
        There is none, somebody else started it, or it sent answers.
    """
    batch = Batch.objects.filter(pk=batch_id, by=by).exclude(action=Action.ANSWER).first()
    if batch is None:
        raise BatchNotFound
    done = BatchItem.objects.filter(batch=batch, state=State.DONE, seq__gt=0).order_by("pk")
    for item_id in done.values_list("pk", flat=True):
        _take_back(item_id, by, now)
    return batch


@transaction.atomic
def _take_back(item_id: int, by: User, now: datetime) -> None:
    item = BatchItem.objects.select_for_update().get(pk=item_id)
    if item.state != State.DONE:
        return  # somebody was faster
    try:
        with transaction.atomic():
            undo_event(case_id=item.case_id, seq=item.seq, by=by, now=now)
    except MakegoodError as why:
        item.said = str(why)[:300]
    else:
        item.state = State.UNDONE
    item.save(update_fields=["state", "said"])


@transaction.atomic
def undo_event(*, case_id: uuid.UUID, seq: int, by: User, now: datetime) -> Case:
    """Give the columns that an event set what they said before it. The timeline keeps both.

    Raises
    ------
    ChangedSince
        One of them was set anew since. Nothing is written.
    CaseExists
        It would be open again, and another one about the same is. Nothing is written.
    """
    case = lock_case(case_id)
    event = CaseEvent.objects.get(case=case, seq=seq)
    if set_since(case, event) & set(event.changes):
        raise ChangedSince(case.number)
    kind = Kind.REOPENED if event.kind == Kind.RESOLVED else Kind(event.kind)
    facts = {"undone": True} | ({"case": event.facts["case"]} if "case" in event.facts else {})
    with one_open_case(case, Reason.objects.get(pk=case.reason_id)):
        record(case, kind, at=now, by=by, changes=before(case, event), facts=facts, why="Taken back.")
    return case
