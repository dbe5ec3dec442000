"""What can be done with a case. Every write is atomic, takes `now`, and leaves an event on the timeline."""

from makegood.recover.cases.services.contacts import add_note, log_call, receive_contact, reply
from makegood.recover.cases.services.escalating import HandOver, escalate_case
from makegood.recover.cases.services.family import link_case, unlink_case
from makegood.recover.cases.services.handling import (
    assign_case,
    change_reason,
    change_severity,
    change_status,
    reopen_case,
    resolve_case,
)
from makegood.recover.cases.services.links import link_for, revoke_link
from makegood.recover.cases.services.many import open_children, run_batch, start_batch, undo_batch
from makegood.recover.cases.services.merging import merge_cases, split_case, undo_merge, undo_split
from makegood.recover.cases.services.moving import move_case
from makegood.recover.cases.services.opening import FirstContact, NewCase, open_cases
from makegood.recover.cases.services.questions import answer, ask, close_question
from makegood.recover.cases.services.reasons import plant_defaults
from makegood.recover.cases.services.snoozing import snooze_case, wake_case, wake_due
from makegood.recover.cases.services.views import save_view
from makegood.recover.cases.services.watching import unwatch_case, watch_case

__all__ = [
    "FirstContact",
    "HandOver",
    "NewCase",
    "add_note",
    "answer",
    "ask",
    "assign_case",
    "change_reason",
    "change_severity",
    "change_status",
    "close_question",
    "escalate_case",
    "link_case",
    "link_for",
    "log_call",
    "merge_cases",
    "move_case",
    "open_cases",
    "open_children",
    "plant_defaults",
    "receive_contact",
    "reopen_case",
    "reply",
    "resolve_case",
    "revoke_link",
    "run_batch",
    "save_view",
    "snooze_case",
    "split_case",
    "start_batch",
    "undo_batch",
    "undo_merge",
    "undo_split",
    "unlink_case",
    "unwatch_case",
    "wake_case",
    "wake_due",
    "watch_case",
]
