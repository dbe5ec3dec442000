"""What this room refuses, and how it says so."""

from makegood.errors import Conflict, NotFound, NotPermitted


class CommitmentNotFound(NotFound):
    code = "commitment_not_found"

    def __init__(self, number: int | str) -> None:
        self.number = number
        super().__init__(f"There is no promise {number}, or it lies outside the part of the company that you see.")


class CommitmentEnded(Conflict):
    """Somebody was first."""

    code = "commitment_ended"

    def __init__(self, number: int, state: str) -> None:
        self.number, self.state = number, state
        super().__init__(f"P-{number} has ended already: {state.lower()}. Nothing was changed.")


class CannotUndo(Conflict):
    code = "commitment_cannot_undo"

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(
            f"P-{number} cannot be undone any more. Make a new promise instead: the old one stays on file as it is."
        )


class CaseIsResolved(Conflict):
    code = "commitment_on_resolved_case"

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"C-{number} is resolved: nobody would keep a promise there. Reopen it first.")


class NobodyOwnsIt(Conflict):
    code = "commitment_needs_owner"

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"{name} does not work here any more and cannot own a promise. Choose somebody else.")


class WhenNotUnderstood(Conflict):
    """Until when could not be read from the words."""

    code = "commitment_when_unclear"
    status = 422


class SayWhoAgreed(Conflict):
    code = "commitment_who_agreed"
    status = 422

    def __init__(self) -> None:
        super().__init__("Say who agreed to let us off this promise, for example the customer, by phone.")


class NothingPromised(Conflict):
    code = "commitment_says_nothing"
    status = 422

    def __init__(self) -> None:
        super().__init__("Say what was promised.")


class KeptInTheFuture(Conflict):
    code = "commitment_kept_when"
    status = 422

    def __init__(self) -> None:
        super().__init__("It can be kept neither before it was made nor in the future.")


class SuggestionSettled(Conflict):
    code = "suggestion_settled"

    def __init__(self) -> None:
        super().__init__("Somebody confirmed or dismissed this already. Nothing was changed.")


class SuggestionNotFound(NotFound):
    code = "suggestion_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such found promise, or it lies outside the part of the company that you see.")


class NotYours(NotPermitted):
    code = "commitment_not_yours"

    def __init__(self) -> None:
        super().__init__("Only managers move promises between colleagues; you may hand over your own.")
