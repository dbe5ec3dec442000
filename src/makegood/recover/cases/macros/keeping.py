"""Keeping macros: who may edit which, and what belongs to one."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from django.db import transaction
from django.db.models import F

from makegood.ground.messages import files as storage
from makegood.ground.staff.models import User
from makegood.recover.cases.errors import FileRefused, MacroNotFound, NotYourMacro, QueueNotFound
from makegood.recover.cases.macros.actions import checked
from makegood.recover.cases.macros.using import usable
from makegood.recover.cases.models import Macro, MacroFile, Queue
from makegood.recover.cases.services.attachments import Given, refuse_unfit, sniff

FILES_AT_MOST: Final = 10


def may_edit(user: User, macro: Macro) -> bool:
    """One's own, and shared ones that one made or as somebody who directs cases."""
    return user.pk in (macro.owner_id, macro.made_by_id) or (macro.owner_id is None and user.has_perm("cases.direct"))


def macro_to_edit(macro_id: uuid.UUID, user: User) -> Macro:
    """A macro that somebody may edit, held until the transaction ends. Raises MacroNotFound, NotYourMacro."""
    macro = usable(user).select_for_update(of=("self",)).filter(pk=macro_id).first()
    if macro is None:
        raise MacroNotFound
    if not may_edit(user, macro):
        raise NotYourMacro(macro.name)
    return macro


@transaction.atomic
def keep_macro(
    *, by: User, name: str, kind: str, body: str, audience: str, actions: Iterable[Mapping[str, Any]],
    wait: bool = False, files: Sequence[Given] = (), without: Iterable[uuid.UUID] = (),
    macro_id: uuid.UUID | None = None,
) -> Macro:  # fmt: skip
    """Keep a new macro, or another version of one; whoever has chosen an older version chooses anew.

    Parameters
    ----------
    audience
        `me`, `all`, or the slug of a queue.
    files, without
        What is added, and which of its files leave.

    Raises
    ------
    MacroNotFound, NotYourMacro, ActionUnfit, QueueNotFound, FileRefused
        Nothing is written.
    """
    refuse_unfit(files)
    macro = macro_to_edit(macro_id, by) if macro_id else Macro(made_by=by)
    macro.name, macro.kind, macro.body, macro.wait, macro.actions = name, kind, body, wait, checked(actions)
    macro.owner = by if audience == "me" else None
    macro.queue = None if audience in ("me", "all") else Queue.objects.filter(slug=audience).first()
    if audience not in ("me", "all") and macro.queue is None:
        raise QueueNotFound(audience)
    macro.save()
    if macro_id:
        Macro.objects.filter(pk=macro.pk).update(version=F("version") + 1)
        MacroFile.objects.filter(macro=macro, pk__in=list(without)).delete()
    if len(files) + MacroFile.objects.filter(macro=macro).count() > FILES_AT_MOST:
        raise FileRefused(files[-1].name, f"A macro has at most {FILES_AT_MOST} files.")
    MacroFile.objects.bulk_create(
        MacroFile(macro=macro, name=one.name[:200], type=sniff(one.content or b""), size=len(one.content or b""),
                  key=storage.put(one.content or b"").key)
        for one in files
    )  # fmt: skip
    macro.refresh_from_db()
    return macro


@transaction.atomic
def remove_macro(*, macro_id: uuid.UUID, by: User) -> None:
    """Remove a macro for all who have it. Raises MacroNotFound, NotYourMacro."""
    macro_to_edit(macro_id, by).delete()
