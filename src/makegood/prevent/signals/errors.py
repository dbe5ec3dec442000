"""What this room refuses, and how it says so."""

from makegood.errors import Conflict, NotFound


class SignalNotFound(NotFound):
    code = "signal_not_found"

    def __init__(self, number: int | str) -> None:
        self.number = number
        super().__init__(f"There is no signal S-{number}.")


class RuleNotFound(NotFound):
    code = "signal_rule_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such rule. Somebody may have removed it.")


class AcceptanceNotFound(NotFound):
    code = "signal_acceptance_not_found"

    def __init__(self) -> None:
        super().__init__("Nothing like this is accepted any more.")


class SignalIsDeclared(Conflict):
    """An incident stands on it."""

    code = "signal_is_declared"

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"S-{number} was declared an incident: what becomes of it is decided there.")


class CannotUndoSignal(Conflict):
    code = "signal_cannot_undo"

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"S-{number} has changed since, or there is nothing to take back. Nothing was changed.")


class SayWhy(Conflict):
    code = "signal_say_why"
    status = 422

    def __init__(self) -> None:
        super().__init__("Say why, so that whoever meets this pattern again knows.")


class SnoozeInThePast(Conflict):
    code = "signal_snooze_past"
    status = 422

    def __init__(self) -> None:
        super().__init__("Choose a time to come, or until its cases double.")


class NobodyJudges(Conflict):
    code = "signal_owner_unknown"
    status = 422

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"{name} cannot own a signal. Choose somebody who works here and may judge signals.")


class RuleNotClear(Conflict):
    """A rule that could not work; the sentence says why."""

    code = "signal_rule_unclear"
    status = 422


class DetectionBusy(Conflict):
    code = "detection_busy"

    def __init__(self) -> None:
        super().__init__("Detection is running at this moment. Try again in a minute.")
