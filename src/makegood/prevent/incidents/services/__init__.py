"""What can be done with incidents. Every write is atomic, takes `now`, and leaves an event on the timeline."""

from makegood.prevent.incidents.services.declaring import Declared, declare
from makegood.prevent.incidents.services.ending import reopen, resolve
from makegood.prevent.incidents.services.joining import join_matching, link_cases, take_out
from makegood.prevent.incidents.services.leading import (
    change,
    contain,
    give_task,
    hand_over,
    say_cause,
    say_review,
    say_status,
    set_severity,
    set_window,
    update,
)
from makegood.prevent.incidents.services.merging import merge, part

__all__ = [
    "Declared",
    "change",
    "contain",
    "declare",
    "give_task",
    "hand_over",
    "join_matching",
    "link_cases",
    "merge",
    "part",
    "reopen",
    "resolve",
    "say_cause",
    "say_review",
    "say_status",
    "set_severity",
    "set_window",
    "take_out",
    "update",
]
