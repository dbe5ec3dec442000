"""What triage refuses."""

from makegood.errors import Conflict


class TooFewCases(Conflict):
    """There is not enough to learn from, or nothing to measure it on."""

    code = "triage_too_few_cases"

    def __init__(self, cases: int, why: str) -> None:
        self.cases = cases
        super().__init__(f"{cases:,} cases have a reason that somebody confirmed. {why}")


class NothingLearned(Conflict):
    """The phrasebook is alone: there is nothing to report or to go back from."""

    code = "triage_nothing_learned"

    def __init__(self) -> None:
        super().__init__("No trained model is in use. Train one with makegood triage train.")
