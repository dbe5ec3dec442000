"""Every route says who may use it; a route that says nothing is closed to everybody.

@needs("cases.see")
def queue(request): ...
"""

from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeVar

View = TypeVar("View", bound=Callable[..., Any])


class Access(NamedTuple):
    """Who may use a route: everybody, anybody signed in, or holders of a permission."""

    public: bool = False
    permission: str = ""
    secret: bool = False  # public, and the view itself asks for a secret


PUBLIC: Final = Access(public=True)
SIGNED_IN: Final = Access()
BY_SECRET: Final = Access(public=True, secret=True)


def public(view: View) -> View:
    """Open to the world."""
    view.access = PUBLIC  # type: ignore[attr-defined]
    return view


def by_secret(view: View) -> View:
    """Open to programs that prove themselves to the view by a secret or a signature."""
    view.access = BY_SECRET  # type: ignore[attr-defined]
    return view


def signed_in(view: View) -> View:
    """Open to all staff."""
    view.access = SIGNED_IN  # type: ignore[attr-defined]
    return view


def needs(permission: str) -> Callable[[View], View]:
    """Open to staff whose role holds the permission (see `rules.py`)."""

    def declare(view: View) -> View:
        view.access = Access(permission=permission)  # type: ignore[attr-defined]
        return view

    return declare
