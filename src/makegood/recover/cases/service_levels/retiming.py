"""After service levels were edited, or customers rose or fell in tier: the clocks of open cases as they are now."""

import uuid
from datetime import datetime

from django.db import transaction

from makegood.recover.cases.models import Case, CaseEvent
from makegood.recover.cases.service_levels.following import retimed
from makegood.recover.cases.service_levels.levels import load
from makegood.recover.cases.services.bulk import Entry, write_entries

AT_ONCE = 1000


def retime_open(*, now: datetime, customers_since: datetime | None = None) -> int:
    """Work out the clocks and the rank of open cases anew; returns how many changed.

    Of all, or of those whose customer was changed by an import since a moment. A thousand cases a transaction, in the
    order of their identifiers; a run that is killed is simply run again. Five SQL queries a thousand.
    """
    changed, after = 0, uuid.UUID(int=0)
    while True:
        done, last = _some(after, now, customers_since)
        changed += done
        if last is None:
            return changed
        after = last


@transaction.atomic
def _some(after: uuid.UUID, now: datetime, customers_since: datetime | None) -> tuple[int, uuid.UUID | None]:
    which = {"customer__changed_at__gte": customers_since} if customers_since else {}
    cases = list(
        Case.objects.select_for_update(of=("self",), no_key=True)
        .select_related("customer")
        .defer("search", "customer__search")
        .filter(resolved_at=None, pk__gt=after, **which)
        .order_by("pk")[:AT_ONCE]
    )
    if not cases:
        return 0, None
    levels = load({case.place_id for case in cases})
    entries: list[Entry] = []
    for case in cases:
        anew = retimed(case, now, levels)
        if any(getattr(case, column) != value for column, value in anew.items()):
            entries.append(Entry(case=case, kind=CaseEvent.Kind.CLOCK, at=now, changes=anew))
    write_entries(entries)
    return len(entries), cases[-1].pk
