"""What each role may promise to customers without asking, until policies say it."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, NamedTuple

from makegood.ground.staff.models import Role


class Limit(NamedTuple):
    """In units of whatever currency the outreach has."""

    each: Decimal  # for one customer
    total: Decimal  # for all of an outreach together, should everybody accept

    def covers(self, each: Decimal, total: Decimal) -> bool:
        return each <= self.each and total <= self.total


NONE: Final = Limit(Decimal(0), Decimal(0))
LIMITS: Final[Mapping[str, Limit]] = {
    Role.MANAGER: Limit(Decimal(50), Decimal(10_000)),
    Role.ADMINISTRATOR: Limit(Decimal(500), Decimal(250_000)),
}


def limit_of(role: str) -> Limit:
    return LIMITS.get(role, NONE)


def somebody_may(each: Decimal, total: Decimal) -> bool:
    return any(limit.covers(each, total) for limit in LIMITS.values())
