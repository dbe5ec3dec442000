"""Who leads the team of a place."""

import uuid
from collections.abc import Collection

from django.db import connection

from makegood.ground.staff.models import User

# Of each place asked for, whoever leads it, with how far above they do; nobody's place: the whole company.
_LEADS = """
WITH RECURSIVE up AS (
    SELECT id AS asked, id, parent_id, 0 AS far FROM retail_place WHERE id = ANY(%s::uuid[])
    UNION ALL
    SELECT up.asked, p.id, p.parent_id, up.far + 1 FROM up JOIN retail_place p ON p.id = up.parent_id WHERE up.far < 9
)
SELECT up.asked, m.user_id, up.far FROM staff_user u
JOIN staff_user_places m ON m.user_id = u.id JOIN up ON up.id = m.place_id
WHERE u.role = 'manager' AND u.is_active
UNION ALL
SELECT NULL, u.id, 0 FROM staff_user u
WHERE u.role = 'manager' AND u.is_active AND NOT EXISTS (SELECT FROM staff_user_places m WHERE m.user_id = u.id)
"""


def leads_of(places: Collection[uuid.UUID | None]) -> dict[uuid.UUID | None, list[User]]:
    """The managers of each place, or of the nearest above it that has some; else those of the whole company.

    None stands for what belongs to no place. Two SQL queries, however many places.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LEADS, [[place for place in places if place]])
        rows = cursor.fetchall()
    people = User.objects.in_bulk({user for _, user, _ in rows})
    nearest: dict[uuid.UUID | None, int] = {}
    for place, _, far in rows:
        nearest[place] = min(far, nearest.get(place, far))
    found: dict[uuid.UUID | None, list[User]] = {}
    for place, user, far in rows:
        if far == nearest[place]:
            found.setdefault(place, []).append(people[user])
    return {place: found.get(place) or found.get(None, []) for place in places}
