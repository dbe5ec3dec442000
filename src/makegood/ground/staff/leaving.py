"""Where later rooms have a say before a colleague's account is closed.

A room registers once, in the `ready()` of its `AppConfig`: `leaving.before.append(what_is_left)`.
"""

from collections.abc import Callable

from makegood.ground.staff.models import User

# Called with who is about to leave; a sentence says what stands in the way and what to do, empty says nothing does.
before: list[Callable[[User], str]] = []


def obstacles(user: User) -> list[str]:
    """What stands in the way of closing this account, in words."""
    return [sentence for ask in before if (sentence := ask(user))]
