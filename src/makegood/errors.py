"""The three kinds of refusal. Rooms derive their own from these; anything else that is raised is a bug.

Each instance carries its facts as attributes, a stable `code` for programs and one sentence for people.
"""

from typing import ClassVar


class MakegoodError(Exception):
    """A refusal that is part of the vocabulary."""

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 400


class NotFound(MakegoodError):
    """What was asked for does not exist, or not for this person."""

    code = "not_found"
    status = 404


class NotPermitted(MakegoodError):
    """The person may not do that."""

    code = "not_permitted"
    status = 403


class Conflict(MakegoodError):
    """The world is no longer as the request assumes. Nothing was written."""

    code = "conflict"
    status = 409
