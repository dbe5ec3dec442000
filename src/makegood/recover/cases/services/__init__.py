"""What can be done with a case. Every write is atomic, takes `now`, and leaves an event on the timeline."""

from makegood.recover.cases.services.contacts import add_note, log_call, receive_contact, reply
from makegood.recover.cases.services.handling import (
    assign_case,
    change_reason,
    change_status,
    reopen_case,
    resolve_case,
)
from makegood.recover.cases.services.links import link_for, revoke_link
from makegood.recover.cases.services.opening import FirstContact, NewCase, open_cases
from makegood.recover.cases.services.reasons import plant_defaults

__all__ = [
    "FirstContact",
    "NewCase",
    "add_note",
    "assign_case",
    "change_reason",
    "change_status",
    "link_for",
    "log_call",
    "open_cases",
    "plant_defaults",
    "receive_contact",
    "reopen_case",
    "reply",
    "resolve_case",
    "revoke_link",
]
