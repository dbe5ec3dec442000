"""What this room refuses, and how it says so."""

from makegood.errors import Conflict, NotFound


class ImprovementNotFound(NotFound):
    code = "improvement_not_found"

    def __init__(self, number: int | str) -> None:
        self.number = number
        super().__init__(f"There is no improvement {number}. The register shows all of them.")


class ImprovementSaysNothing(Conflict):
    """Something needed was left out, or names what there is not."""

    code = "improvement_incomplete"
    status = 422


class ImprovementMovedOn(Conflict):
    """What was asked does not fit the state it is in by now."""

    code = "improvement_moved_on"

    def __init__(self, number: int, state: str) -> None:
        self.number, self.state = number, state
        super().__init__(f"A-{number} is {state.lower()} by now: that cannot be done any more. Nothing was changed.")


class NoHypothesis(Conflict):
    code = "improvement_without_hypothesis"

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(
            f"A-{number} does not say yet which number should move: say that first, else nobody can tell if it did."
        )


class SeriesFileBad(Conflict):
    """A file of weeks that cannot be read; `lines` says what is wrong where."""

    code = "series_file_bad"
    status = 422

    def __init__(self, path: str, lines: list[str]) -> None:
        self.path, self.lines = path, lines
        super().__init__(f"{path} cannot be read: {'; '.join(lines[:20])}.")
