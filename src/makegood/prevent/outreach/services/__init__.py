"""What can be done with an outreach."""

from makegood.prevent.outreach.services.answering import accept_or_decline, no_more
from makegood.prevent.outreach.services.drafting import change, make, remove_segment, save_segment
from makegood.prevent.outreach.services.drawing import ask_to_draw, draw, draw_what_was_asked, take_up_draws
from makegood.prevent.outreach.services.running import (
    Left,
    add_found,
    approve,
    ask_approval,
    end,
    resume,
    send_back,
    start,
    stop,
)
from makegood.prevent.outreach.services.sending import send_due
from makegood.prevent.outreach.services.settling import settle

__all__ = [
    "Left",
    "accept_or_decline",
    "add_found",
    "approve",
    "ask_approval",
    "ask_to_draw",
    "change",
    "draw",
    "draw_what_was_asked",
    "end",
    "make",
    "no_more",
    "remove_segment",
    "resume",
    "save_segment",
    "send_back",
    "send_due",
    "settle",
    "start",
    "stop",
    "take_up_draws",
]
