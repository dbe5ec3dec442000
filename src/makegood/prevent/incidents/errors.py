"""What this room refuses, and how it says so."""

from makegood.errors import Conflict, NotFound


class IncidentNotFound(NotFound):
    code = "incident_not_found"

    def __init__(self, number: int | str) -> None:
        self.number = number
        super().__init__(f"There is no incident I-{number}.")


class IncidentChanged(Conflict):
    """Somebody wrote since this person looked."""

    code = "incident_changed"

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"Somebody changed I-{number} meanwhile. Look at what is new, then try again.")


class IncidentIsOver(Conflict):
    """It is resolved or merged."""

    code = "incident_is_over"

    def __init__(self, number: int, goes_on: int | None = None) -> None:
        self.number, self.goes_on = number, goes_on
        where = f" It goes on in I-{goes_on}." if goes_on else " Reopen it first."
        super().__init__(f"I-{number} is over.{where}")


class IncidentGoesOn(Conflict):
    code = "incident_goes_on"

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"I-{number} is not over: there is nothing to reopen.")


class SignalDeclared(Conflict):
    """Somebody declared the same signal first."""

    code = "signal_declared"

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"This signal is an incident already: I-{number}.")


class SayTheCause(Conflict):
    code = "incident_needs_cause"
    status = 422

    def __init__(self) -> None:
        super().__init__("Say what the cause was, or that it was not found and why.")


class SayHow(Conflict):
    """Something is missing that people have to read later."""

    code = "incident_says_nothing"
    status = 422


class CannotMerge(Conflict):
    code = "incident_cannot_merge"


class CaseOfAnother(Conflict):
    """A case belongs to one incident at most."""

    code = "case_of_another_incident"

    def __init__(self, cases: list[int], incident: int) -> None:
        self.cases, self.incident = cases, incident
        named = ", ".join(f"C-{number}" for number in cases[:5])
        super().__init__(f"{named} belongs to I-{incident} already. Take it out there first.")


class UnknownDimension(Conflict):
    code = "unknown_dimension"
    status = 422

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"There is no dimension called {name}.")


class CannotLead(Conflict):
    code = "incident_needs_commander"
    status = 422

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"{name} cannot lead an incident: choose a manager, an analyst or an administrator.")
