"""Which part of the company a person sees."""

import uuid

from django.db import connection

from makegood.ground.staff.models import User

PLACES = """ARRAY(
    WITH RECURSIVE mine AS (
        SELECT place_id AS id FROM staff_user_places WHERE user_id = staff_user.id
        UNION
        SELECT p.id FROM retail_place p JOIN mine ON p.parent_id = mine.id
    )
    SELECT id FROM mine
)"""
"""In SQL, of a row of `staff_user`: its own places and all below."""


def visible_places(user: User) -> list[uuid.UUID] | None:
    """Places whose cases this person sees, own and all below; None means the whole company.

    No SQL query for whoever signed in: they came with the person (`messages.notices.StaffBackend`); else one, once.
    """
    if not hasattr(user, "_visible_places"):
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {PLACES} FROM staff_user WHERE id = %s", [user.pk])
            row = cursor.fetchone()
        note_places(user, row[0] if row else [])
    return user._visible_places  # type: ignore[attr-defined,no-any-return]  # noqa: SLF001


def sees(user: User, place_id: uuid.UUID | None) -> bool:
    """Whether this person sees what happens at a place (None: what belongs to none). One SQL query, once."""
    places = visible_places(user)
    return places is None or place_id in places


def note_places(user: User, places: list[uuid.UUID]) -> None:
    """Keep for the request what `PLACES` gave."""
    user._visible_places = places or None  # type: ignore[attr-defined]  # noqa: SLF001  kept on the person for the request
