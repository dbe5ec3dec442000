"""Which part of the company a person sees."""

import uuid

from django.db import connection

from makegood.ground.staff.models import User

_BELOW = """
WITH RECURSIVE mine AS (
    SELECT place_id AS id FROM staff_user_places WHERE user_id = %s
    UNION
    SELECT p.id FROM retail_place p JOIN mine ON p.parent_id = mine.id
)
SELECT id FROM mine
"""


def visible_places(user: User) -> list[uuid.UUID] | None:
    """Places whose cases this person sees, own and all below; None means the whole company. One SQL query, once."""
    if not hasattr(user, "_visible_places"):
        with connection.cursor() as cursor:
            cursor.execute(_BELOW, [user.pk])
            places = [row[0] for row in cursor.fetchall()]
        user._visible_places = places or None  # type: ignore[attr-defined]  # noqa: SLF001  kept for the request
    return user._visible_places  # type: ignore[attr-defined,no-any-return]  # noqa: SLF001


def sees(user: User, place_id: uuid.UUID | None) -> bool:
    """Whether this person sees what happens at a place (None: what belongs to none). One SQL query, once."""
    places = visible_places(user)
    return places is None or place_id in places
