"""What scorecards refuse."""

from makegood.errors import MakegoodError, NotFound


class BadWeek(MakegoodError):
    code = "bad_week"
    status = 422

    def __init__(self, given: str) -> None:
        self.given = given
        super().__init__(f'"{given}" is not a week. Write the year and the ISO week, for example 2018-W09.')


class SourceNotFound(NotFound):
    code = "source_not_found"

    def __init__(self, slug: str, known: list[str]) -> None:
        self.slug, self.known = slug, known
        there = f"There are: {', '.join(known)}." if known else "None has been imported yet."
        super().__init__(f'There is no source "{slug}". {there}')


class BadPeriod(MakegoodError):
    code = "bad_period"
    status = 422

    def __init__(self, given: str) -> None:
        self.given = given
        super().__init__(
            f'"{given}" is not a period. Write days such as 2018-02-26..2018-03-04, a week such as 2018-W09 or a month '
            "such as 2018-02."
        )


class PeriodsMeet(MakegoodError):
    code = "periods_meet"
    status = 422

    def __init__(self) -> None:
        super().__init__("The two periods have days in common. Choose two that do not.")


class NumberUnknown(NotFound):
    code = "number_unknown"

    def __init__(self, given: str, known: list[str]) -> None:
        self.given, self.known = given, known
        super().__init__(f'"{given}" is no number that can be compared. There are: {", ".join(known)}.')
