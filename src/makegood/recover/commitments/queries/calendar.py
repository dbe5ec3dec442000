"""What comes due between two moments, for a picture of a week or a month."""

import uuid
from datetime import datetime
from typing import Final, NamedTuple

from django.db import connection
from django.utils import timezone

from makegood.ground.staff.models import User
from makegood.ground.staff.names import name_of
from makegood.ground.staff.scope import visible_places
from makegood.recover.commitments.queries.listing import owned, scope

MOST: Final = 2000


class Entry(NamedTuple):
    """A promise on the calendar."""

    id: uuid.UUID
    number: int
    kind: str
    text: str
    due_at: datetime
    state: str
    owner: str
    case: int | None
    customer: str

    @property
    def time(self) -> str:
        return f"{timezone.localtime(self.due_at):%H:%M}"


def between(begins: datetime, ends: datetime, *, me: User, whose: str) -> list[Entry]:
    """Promises that are due in [begins, ends), in order; superseded ones are left out. One SQL query."""
    places = visible_places(me)
    condition, values = scope(me, places)
    owner, of_owner = owned(whose, me, places)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT p.id, p.number, p.kind, p.text, p.due_at, p.state,
                   {name_of("u")}, c.number,
                   coalesce(nullif(k.name, ''), k.email, k.ref, '')
            FROM commitments_commitment p
            JOIN staff_user u ON u.id = p.owner_id
            LEFT JOIN cases_case c ON c.id = p.case_id
            LEFT JOIN retail_customer k ON k.id = c.customer_id
            WHERE p.due_at >= %s AND p.due_at < %s AND p.state <> 'superseded' AND {condition} AND {owner}
            ORDER BY p.due_at, p.id LIMIT {MOST}
            """,
            [begins, ends, *values, *of_owner],
        )
        return [Entry(*row) for row in cursor.fetchall()]
