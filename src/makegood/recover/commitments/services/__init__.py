"""What can be done with promises. Every write is atomic, takes `now`, and leaves an event on the case's timeline."""

from makegood.recover.commitments.services.ending import break_commitment, keep, release, undo
from makegood.recover.commitments.services.finding import confirm, dismiss
from makegood.recover.commitments.services.making import promise, supersede
from makegood.recover.commitments.services.moving import hand_over
from makegood.recover.commitments.services.noticing import tell_what_is_due

__all__ = [
    "break_commitment",
    "confirm",
    "dismiss",
    "hand_over",
    "keep",
    "promise",
    "release",
    "supersede",
    "tell_what_is_due",
    "undo",
]
