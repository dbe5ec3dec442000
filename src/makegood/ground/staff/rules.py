"""What each role may do. One table; pages, API and templates ask by permission name."""

from rules.permissions import add_perm
from rules.predicates import Predicate

from makegood.ground.staff.models import Role, User

ASSOCIATE, SPECIALIST, MANAGER = Role.ASSOCIATE, Role.SPECIALIST, Role.MANAGER
ANALYST, ADMINISTRATOR = Role.ANALYST, Role.ADMINISTRATOR

PERMISSIONS: dict[str, frozenset[Role]] = {
    "cases.see": frozenset(Role),
    "cases.work": frozenset({ASSOCIATE, SPECIALIST, MANAGER, ADMINISTRATOR}),
    "cases.export": frozenset({SPECIALIST, MANAGER, ANALYST, ADMINISTRATOR}),
    "cases.direct": frozenset({MANAGER, ADMINISTRATOR}),
    "commitments.hand_over": frozenset({MANAGER, ADMINISTRATOR}),
    "retail.see": frozenset(Role),
    "customers.merge": frozenset({SPECIALIST, MANAGER, ADMINISTRATOR}),
    "indicators.see": frozenset({SPECIALIST, MANAGER, ADMINISTRATOR}),
    "retail.settle_rejects": frozenset({MANAGER, ANALYST, ADMINISTRATOR}),
    "messages.see": frozenset({SPECIALIST, MANAGER, ADMINISTRATOR}),
    "messages.resend": frozenset({MANAGER, ADMINISTRATOR}),
    "scorecards.see": frozenset({SPECIALIST, MANAGER, ANALYST, ADMINISTRATOR}),
    "incidents.see": frozenset(Role),
    "incidents.lead": frozenset({MANAGER, ANALYST, ADMINISTRATOR}),
    "triage.see": frozenset({ANALYST, ADMINISTRATOR}),
    "service_levels.see": frozenset({MANAGER, ANALYST, ADMINISTRATOR}),
    "service_levels.set": frozenset({ADMINISTRATOR}),
    "signals.see": frozenset({SPECIALIST, MANAGER, ANALYST, ADMINISTRATOR}),
    "signals.judge": frozenset({MANAGER, ANALYST, ADMINISTRATOR}),
    "staff.administer": frozenset({ADMINISTRATOR}),
}


def _has_role(allowed: frozenset[Role]) -> Predicate:
    def has_role(user: User) -> bool:
        return bool(user.is_authenticated and user.is_active and user.role in allowed)

    return Predicate(has_role)


for _name, _roles in PERMISSIONS.items():
    add_perm(_name, _has_role(_roles))  # type: ignore[no-untyped-call]  # rules ships no types
