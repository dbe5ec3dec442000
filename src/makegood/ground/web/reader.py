"""In which language and time zone a page is being written, and which day it is there.

Django keeps both where asking takes 3 to 5 microseconds; a page asks four hundred times. While a page is written they
do not change, so they are asked once.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, tzinfo
from typing import Final, NamedTuple

from django.utils import timezone
from django.utils.translation import get_language


class Reader(NamedTuple):
    language: str | None
    zone: tzinfo
    today: date


_reader: Final[ContextVar[Reader | None]] = ContextVar("reader", default=None)


def reader() -> Reader:
    """For whom something is written now."""
    known = _reader.get()
    if known is not None:
        return known
    zone = timezone.get_current_timezone()
    return Reader(get_language(), zone, timezone.now().astimezone(zone).date())


def language() -> str | None:
    """The reader's language."""
    known = _reader.get()
    return known.language if known is not None else get_language()


def zone() -> tzinfo:
    """The reader's time zone."""
    known = _reader.get()
    return known.zone if known is not None else timezone.get_current_timezone()


@contextmanager
def one_reader() -> Iterator[None]:
    """Within it the reader does not change: nothing inside may activate another language or time zone."""
    token = _reader.set(reader())
    try:
        yield
    finally:
        _reader.reset(token)
