"""What the outbox refuses, and how it says so."""

from makegood.errors import Conflict


class MessageNotStuck(Conflict):
    code = "message_not_stuck"

    def __init__(self) -> None:
        super().__init__("This message is on its way or was sent. There is nothing to repeat.")


class TakenBack(Exception):
    """A message was withdrawn while it was being handed over, before the relay had accepted it."""
