from makegood.errors import Conflict


class MessageNotStuck(Conflict):
    code = "message_not_stuck"

    def __init__(self) -> None:
        super().__init__("This message is on its way or was sent. There is nothing to repeat.")
