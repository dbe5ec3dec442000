"""What this room refuses, and how it says so."""

from makegood.errors import Conflict, NotFound


class CaseNotFound(NotFound):
    code = "case_not_found"

    def __init__(self, number: int | str) -> None:
        self.number = number
        super().__init__(f"There is no case {number}, or it lies outside the part of the company that you see.")


class CaseAlreadyResolved(Conflict):
    code = "case_already_resolved"

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"Case C-{number} is already resolved. Reopen it to work on it again.")


class CaseNotResolved(Conflict):
    code = "case_not_resolved"

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"Case C-{number} is open: there is nothing to reopen.")


class CaseChanged(Conflict):
    """Somebody wrote on it since this person read it."""

    code = "case_changed"

    def __init__(self, number: int, seen: int, version: int) -> None:
        self.number, self.seen, self.version = number, seen, version
        super().__init__(f"Case C-{number} was changed while you looked at it. Read what is new, then try again.")


class CaseExists(Conflict):
    """One open case per customer, order and reason."""

    code = "case_exists"

    def __init__(self, number: int, other: int) -> None:
        self.number, self.other = number, other
        super().__init__(f"C-{other} is already open for this customer, order and reason. Work on that one.")


class ReasonNotFound(NotFound):
    code = "reason_not_found"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"There is no reason code {reason}, or it is no longer used.")


class NoAddress(Conflict):
    code = "no_address"

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"We have no e-mail address for the customer of C-{number}. Call them and log the call.")


class NothingToSay(Conflict):
    code = "nothing_to_say"
    status = 422

    def __init__(self) -> None:
        super().__init__("The text is empty. Write something first.")


class PersonNotFound(NotFound):
    code = "person_not_found"

    def __init__(self, person: str) -> None:
        self.person = person
        super().__init__("There is nobody by that name who may work cases.")


class AttachmentNotFound(NotFound):
    code = "attachment_not_found"

    def __init__(self) -> None:
        super().__init__("This case has no such file.")


class AttachmentUnsafe(Conflict):
    """It is not there, was not looked at, or was found infected."""

    code = "attachment_unsafe"

    def __init__(self, name: str, why: str) -> None:
        self.name, self.why = name, why
        super().__init__(f"{name} cannot be opened: {why.rstrip('.').lower()}.")


class FileRefused(Conflict):
    code = "file_refused"
    status = 422

    def __init__(self, name: str, why: str) -> None:
        self.name, self.why = name, why
        super().__init__(f"{name} cannot be sent: {why[:1].lower()}{why[1:]} Nothing was sent.")


class LinkGone(NotFound):
    """Forged, unknown, expired or revoked: which of these is not said."""

    code = "link_gone"

    def __init__(self) -> None:
        super().__init__("This link no longer opens anything. Answer our last mail and we send you a new one.")
