"""Watching a case: being told of what happens to it without having it.

A watch stays with the case that it was put on. While that one is merged into another it counts there, so nothing moves
at a merge and nothing has to return at its undo.
"""

import uuid
from datetime import datetime

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from makegood.ground.messages.notices import notify
from makegood.ground.staff.models import User
from makegood.ground.staff.scope import sees
from makegood.recover.cases.errors import ColleagueCannotSee
from makegood.recover.cases.models import Case, CaseEvent, Watch
from makegood.recover.cases.services.handling import require_not_merged
from makegood.recover.cases.services.timeline import lock_case, record


@transaction.atomic
def watch_case(*, case_id: uuid.UUID, user: User, by: User, now: datetime) -> Case:
    """Let somebody hear what happens to a case, also a resolved one. Watching twice is watching once.

    Who is made to watch by a colleague is told so, and the timeline says it; what one watches oneself is one's own
    business. The constraint `watch_once` decides between two who do the same.

    Raises
    ------
    ColleagueCannotSee
        The case lies outside their part of the company. Nothing is written.
    CaseMerged
        Nothing is written.
    """
    case = lock_case(case_id)
    require_not_merged(case)
    if not sees(user, case.place_id):
        raise ColleagueCannotSee(case.number, user.display_name)
    if _of(case, user).exists():
        return case
    start_watching(case, [user], now=now)
    if user != by:
        event = record(case, CaseEvent.Kind.WATCHED, at=now, by=by, facts={"who": user.display_name})
        text = _("%(who)s asks you to watch C-%(number)s: %(subject)s") % {
            "who": by.display_name, "number": case.number, "subject": case.subject,
        }  # fmt: skip
        notify(to=[user], key=f"watch:{event.pk}", text=text, link=f"/cases/C-{case.number}/",
               about=f"case:{case.pk}", now=now)  # fmt: skip
    return case


@transaction.atomic
def unwatch_case(*, case_id: uuid.UUID, user: User) -> Case:
    """Let somebody hear no more of a case. Nothing happens where they do not watch it."""
    case = lock_case(case_id)
    _of(case, user).delete()
    return case


def start_watching(case: Case, users: list[User], *, now: datetime) -> None:
    """Let colleagues who were named in a case hear of it. One SQL query; none without them."""
    if users:
        Watch.objects.bulk_create([Watch(case=case, user=user, since=now) for user in users], ignore_conflicts=True)


def _of(case: Case, user: User) -> QuerySet[Watch]:
    return Watch.objects.filter(Q(case=case) | Q(case__merged_into=case), user=user)
