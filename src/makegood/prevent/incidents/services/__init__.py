"""What can be done with incidents. Every write is atomic, takes `now`, and leaves an event on the timeline."""

from makegood.prevent.incidents.services.affecting import cut_anew
from makegood.prevent.incidents.services.declaring import Declared, declare
from makegood.prevent.incidents.services.ending import reopen, resolve
from makegood.prevent.incidents.services.joining import join_matching, link_cases, take_out
from makegood.prevent.incidents.services.leading import (
    TEXTS,
    change,
    contain,
    give_task,
    hand_over,
    say_cause,
    say_review,
    say_status,
    set_severity,
    update,
)
from makegood.prevent.incidents.services.merging import merge, part

__all__ = [
    "TEXTS",
    "Declared",
    "change",
    "contain",
    "cut_anew",
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
    "take_out",
    "update",
]
