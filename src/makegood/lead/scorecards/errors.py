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
