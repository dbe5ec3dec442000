"""What became of a thing done to many cases."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from makegood.ground.staff.models import User
from makegood.recover.cases.errors import BatchNotFound
from makegood.recover.cases.models import Batch, BatchItem

REFUSALS_SHOWN = 50
State = BatchItem.State


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a batch is."""

    id: uuid.UUID
    action: str
    at: datetime
    parent: int | None
    who: str  # to whom cases were given; empty: to nobody
    total: int
    waiting: int
    done: int
    undone: int
    can_undo: bool
    said: list[tuple[int, str]]  # (case number, why it was not done or not taken back)
    refused: int

    @property
    def through(self) -> bool:
        return self.waiting == 0


def progress(batch_id: uuid.UUID, *, of: User) -> Progress:
    """How far a batch is that somebody started. Two SQL queries.

    Raises
    ------
    BatchNotFound
        There is none, or somebody else started it.
    """
    batch = Batch.objects.select_related("parent").defer("parent__search").filter(pk=batch_id, by=of).first()
    if batch is None:
        raise BatchNotFound
    items = list(
        BatchItem.objects.filter(batch=batch).order_by("pk").values_list("case__number", "state", "said", "seq")
    )
    states = [state for _, state, _, _ in items]
    said = [(number, why) for number, _, why, _ in items if why]
    return Progress(
        id=batch.pk, action=batch.action, at=batch.at, parent=batch.parent.number if batch.parent else None,
        who=batch.asked.get("who", ""), total=len(items), waiting=states.count(State.WAITING),
        done=states.count(State.DONE), undone=states.count(State.UNDONE), said=said[:REFUSALS_SHOWN], refused=len(said),
        can_undo=batch.action != Batch.Action.ANSWER
        and any(state == State.DONE and seq and not why for _, state, why, seq in items),
    )  # fmt: skip
