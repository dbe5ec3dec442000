"""CSV for spreadsheets, streamed. What people typed is data: it must not become a formula on somebody's screen."""

import csv
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from django.http import StreamingHttpResponse

# What spreadsheets take for the beginning of a formula (OWASP, CSV Injection).
# The last four are the same signs as East Asian keyboards write them (U+FF1D, U+FF0B, U+FF0D, U+FF20).
FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def safe_cell(value: Any) -> Any:
    """A value that a spreadsheet shows and does not run: texts that begin like a formula get an apostrophe."""
    if isinstance(value, str) and value.lstrip(" ").startswith(FORMULA):
        return f"'{value}"
    return "" if value is None else value


class _Echo:
    """A file that gives each line back to who writes it."""

    def write(self, line: str) -> str:
        return line


def csv_response(name: str, header: Sequence[str], rows: Iterable[Sequence[Any]]) -> StreamingHttpResponse:
    """A download of these rows, in bounded memory. UTF-8 with a byte order mark, so that Excel reads accents."""
    response = StreamingHttpResponse(_lines(header, rows), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


def every(page: Callable[[uuid.UUID | None, int], Sequence[Mapping[str, Any]]]) -> Iterator[Mapping[str, Any]]:
    """All rows of a list that pages by `id`, for a file. One call of `page` (before, limit) per thousand.

    `page` gives one row more than `limit` where there are more, as lists do that know whether to offer a next page.
    """
    before = None
    while True:
        rows = page(before, _AT_ONCE)
        yield from rows[:_AT_ONCE]
        if len(rows) <= _AT_ONCE:
            return
        before = rows[_AT_ONCE - 1]["id"]


_AT_ONCE: Final = 1000


def _lines(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield "\ufeff"
    yield writer.writerow(header)
    for row in rows:
        yield writer.writerow([safe_cell(value) for value in row])
