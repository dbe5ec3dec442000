"""A side word to a colleague: `@ben` in a note tells Ben, and leads him to it."""

import re
from datetime import datetime

from django.db.models.functions import Lower
from django.utils.translation import gettext as _

from makegood.ground.messages.notices import notify
from makegood.ground.staff.models import User
from makegood.ground.staff.scope import sees
from makegood.recover.cases.models import Case, Note

# Not within a word: ana@example.com mentions nobody.
_MENTION = re.compile(r"(?<![\w.])@([\w.+-]{1,150})")
AT_MOST = 20


def mentioned(body: str) -> list[str]:
    """Whom a note speaks to, as it is written, without what ends a sentence."""
    return list(dict.fromkeys(name.rstrip(".-").lower() for name in _MENTION.findall(body)))[:AT_MOST]


def tell_mentioned(case: Case, note: Note, *, by: User, now: datetime) -> list[User]:
    """Tell colleagues whom a note names, each once; returns them. Who may not see the case is not told of it.

    No SQL query where nobody is named, else two and one for each person.
    """
    names = mentioned(note.body)
    if not names:
        return []
    known = User.objects.annotate(called=Lower("username")).filter(
        called__in=names, is_active=True, is_integration=False
    )  # fmt: skip
    told: list[User] = [user for user in known if user != by and sees(user, case.place_id)]
    words = " ".join(note.body.split())
    facts = {"who": by.display_name, "number": case.number, "words": words[:200]}
    notify(
        to=told,
        key=f"mention:{note.pk}",
        text=lambda: _("%(who)s in C-%(number)s: %(words)s") % facts,
        link=f"/cases/C-{case.number}/",
        about=f"case:{case.pk}",
        now=now,
    )
    return told
