"""Identifiers: UUIDv7, so that rows made together lie together."""

import uuid

from uuid_utils.compat import uuid7 as _uuid7


def uuid7() -> uuid.UUID:
    """A new identifier. Sorts by the time it was made (RFC 9562)."""
    return _uuid7()


def read_uuid(text: str) -> uuid.UUID | None:
    """An identifier that somebody sent; None for whatever is none."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
