"""Questions among colleagues: what stands on somebody's desk."""

import uuid
from datetime import datetime
from typing import Final, NamedTuple

from django.db import connection

from makegood.ground.staff.models import User
from makegood.ground.staff.names import name_of
from makegood.ground.staff.scope import visible_places

SHOWN: Final = 30


class Waiting(NamedTuple):
    """A question that somebody has to answer, or an answer that they have to read. Columns come in SQL's order."""

    id: uuid.UUID
    number: int
    subject: str
    who: str  # asked, or answered last
    words: str  # the last that was said
    at: datetime
    is_mine: bool  # I asked
    queue: str  # asked of; empty: of me


def for_me(user: User, *, most: int = SHOWN) -> list[Waiting]:
    """Open questions to somebody, or to a queue in which they have open cases, and answers to what they asked: the
    oldest first. One SQL query of index scans of what waits.
    """
    with connection.cursor() as cursor:
        cursor.execute(_FOR_ME, {"me": user.pk, "places": visible_places(user), "most": most})
        return [Waiting(*row) for row in cursor.fetchall()]


_FOR_ME = f"""
WITH waiting AS (
    SELECT * FROM cases_question WHERE to_id = %(me)s AND state = 'open'
    UNION SELECT q.* FROM cases_question q WHERE q.state = 'open' AND q.asked_by_id <> %(me)s AND q.to_queue_id = ANY(
        ARRAY(SELECT DISTINCT queue_id FROM cases_case WHERE assignee_id = %(me)s AND resolved_at IS NULL))
    UNION SELECT * FROM cases_question WHERE asked_by_id = %(me)s AND state = 'answered'
)
SELECT q.id, c.number, c.subject, {name_of("u")}, left(w.body, 300), w.at, q.asked_by_id = %(me)s, coalesce(t.name, '')
FROM waiting q
JOIN cases_case h ON h.id = q.case_id
JOIN cases_case c ON c.id = coalesce(h.merged_into_id, h.id)
JOIN LATERAL (SELECT * FROM cases_questionword WHERE question_id = q.id ORDER BY id DESC LIMIT 1) w ON true
LEFT JOIN staff_user u ON u.id = w.by_id
LEFT JOIN cases_queue t ON t.id = q.to_queue_id
WHERE %(places)s::uuid[] IS NULL OR c.place_id = ANY(%(places)s::uuid[]) OR q.asked_by_id = %(me)s OR q.to_id = %(me)s
ORDER BY w.at, q.id LIMIT %(most)s
"""
