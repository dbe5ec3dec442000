"""Telling those who watch a case what happens to it, in the transaction in which it happens."""

from collections.abc import Iterable
from typing import Final

from django.db.models import Q
from django.utils.translation import gettext as _

from makegood.ground.messages.notices import Word, notify_many
from makegood.ground.staff.models import User
from makegood.ground.staff.scope import sees
from makegood.recover.cases import extensions
from makegood.recover.cases.models import Case, CaseEvent, Watch

Kind = CaseEvent.Kind
_TOLD: Final = frozenset({Kind.CONTACT, Kind.ESCALATED, Kind.MERGED, Kind.RESOLVED})


def tell_watchers(happened: Iterable[tuple[Case, CaseEvent]]) -> None:
    """Tell whoever watches these cases, or one merged into them, what happened; nobody of their own doing.

    Who no longer sees a case is not told of it. No SQL query for what is not worth telling, else one where nobody
    watches, three where somebody does, and one for the places of each of them.
    """
    news = [(case, event, said) for case, event in happened if (said := _said(case, event))]
    if not news:
        return
    ids = {case.pk for case, _event, _said_of_it in news}
    watching = Watch.objects.filter(Q(case__in=ids) | Q(case__merged_into__in=ids), user__is_active=True)
    rows = list(watching.values_list("case_id", "case__merged_into_id", "user_id"))
    if not rows:
        return
    people: dict[object, User] = dict(User.objects.in_bulk({user for _case, _into, user in rows}))
    words = []
    for case, event, said in news:
        for who in {user for of, into, user in rows if case.pk in (of, into)}:
            user = people[who]
            if who != event.actor_id and sees(user, case.place_id):
                link, about = f"/cases/C-{case.number}/", f"case:{case.pk}"
                words.append(Word(to=user, key=f"watch:{event.pk}", text=said, link=link, about=about))
    if words:
        notify_many(words, now=max(event.at for _case, event, _said_of_it in news))


def _said(case: Case, event: CaseEvent) -> str:
    """An event as those who watch are told of it; empty: they are not."""
    facts, named = event.facts, {"number": case.number, "subject": case.subject, "other": event.facts.get("case")}
    if event.kind in extensions.news:
        return extensions.news[event.kind](case, event)
    if event.kind not in _TOLD:
        return ""
    if event.kind == Kind.CONTACT:
        return _("The customer spoke in C-%(number)s: %(subject)s") % named if facts.get("direction") == "in" else ""
    if event.kind == Kind.MERGED:  # told where it goes on, once
        is_news = "of" in facts and not facts.get("undone")
        return _("C-%(other)s was merged into C-%(number)s: %(subject)s") % named if is_news else ""
    if event.kind == Kind.ESCALATED:
        return _("C-%(number)s was escalated: %(subject)s") % named
    return _("C-%(number)s was resolved: %(subject)s") % named
