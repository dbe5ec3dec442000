"""Taking macros into a case: their words as somebody edited them, their files, and what they do, all or nothing."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import transaction
from django.db.models import F, Q, QuerySet

from makegood.errors import MakegoodError
from makegood.ground.messages import files as storage
from makegood.ground.retail.queries.orders import purchase
from makegood.ground.staff.models import User
from makegood.recover.cases import services
from makegood.recover.cases.errors import ActionsRefused, MacroChanged, MacroNotFound, NothingToSay
from makegood.recover.cases.extensions import Doing
from makegood.recover.cases.macros.actions import Labels, known, merged, says
from makegood.recover.cases.macros.fields import fill
from makegood.recover.cases.models import Channel, Macro, MacroFile
from makegood.recover.cases.queries.case import CaseDetail
from makegood.recover.cases.services.attachments import Given
from makegood.recover.cases.services.handling import open_case

Kind = Macro.Kind


class Chosen(NamedTuple):
    """A macro that somebody took, as it was when they saw what it does (None: whatever it is now)."""

    id: uuid.UUID
    version: int | None = None


def usable(user: User) -> QuerySet[Macro]:
    """The macros that somebody may use: their own, those of queues and everybody's."""
    return Macro.objects.filter(Q(owner=None) | Q(owner=user))


class Offer(NamedTuple):
    """A macro as it would be used on a case."""

    macro: Macro
    text: str
    does: list[tuple[str, str]]  # (icon, words)
    files: list[MacroFile]


def offers(case: CaseDetail, user: User) -> list[Offer]:
    """The macros for a case, those that are used most on top, filled in. Three SQL queries, and one for each list that
    their actions choose from, however many macros.
    """
    labels = Labels()
    order = purchase(case.order_id) if case.order_id else None
    here = usable(user).filter(Q(queue=None) | Q(queue=case.queue_id)).prefetch_related("files")
    return [
        Offer(macro, fill(macro.body, case, order, user), says(macro.actions, labels), list(macro.files.all()))
        for macro in here.order_by("-used", "name")
    ]


def chosen_by(user: User, chosen: Iterable[Chosen]) -> list[Macro]:
    """The macros that somebody took, in their order, each once. Two SQL queries.

    Raises
    ------
    MacroNotFound
        One of them is gone, or somebody else's own.
    MacroChanged
        One of them was edited since it was taken.
    """
    wanted = {one.id: one.version for one in chosen}
    found = {macro.pk: macro for macro in usable(user).filter(pk__in=wanted).prefetch_related("files")}
    for pk, version in wanted.items():
        if pk not in found:
            raise MacroNotFound
        if version not in (None, found[pk].version):
            raise MacroChanged(found[pk].name)
    return [found[pk] for pk in wanted]


@transaction.atomic
def say_and_do(
    *, case: CaseDetail, macros: Sequence[Macro], kind: Kind | str, body: str, by: User, now: datetime,
    wait: bool = False, seen: int | None = None, files: Sequence[Given] = (), channel: Channel = Channel.PHONE,
) -> None:  # fmt: skip
    """Write a reply, a note or a call and do what the macros do, in one transaction: all of it or nothing.

    Files of the macros leave with a reply. Without words only the actions are done. Each macro counts as used once.

    Raises
    ------
    NothingToSay
        Neither words nor actions. Nothing is written.
    ActionsRefused
        Something that a macro does cannot be done to this case; it names each and why. Nothing is written or sent.
    NoAddress, CaseAlreadyResolved, CaseMerged, CaseChanged, FileRefused
        Nothing is written or sent.
    """
    actions = merged(macro.actions for macro in macros)
    if body.strip():
        theirs = [Given(file.name, storage.get(file.key)) for macro in macros for file in macro.files.all()]
        _say(case.id, kind, body, by=by, now=now, wait=wait, seen=seen, files=[*files, *theirs], channel=channel)
    elif actions:
        open_case(case.id, seen)
    else:
        raise NothingToSay
    order = purchase(case.order_id) if case.order_id else None
    doing = Doing(case.id, by, now, lambda text: fill(text, case, order, by))
    refused = []
    for row, (_icon, words) in zip(actions, says(actions), strict=True):
        try:
            with transaction.atomic():
                action = known().get(row["do"])
                if action is None:
                    raise MacroNotFound
                action.do(doing, row)
        except MakegoodError as why:
            refused.append((words, str(why)))
    if refused:
        raise ActionsRefused(refused)
    for pk in sorted(macro.pk for macro in macros):  # in order, so that two who take the same two do not deadlock
        Macro.objects.filter(pk=pk).update(used=F("used") + 1, used_at=now)


def _say(
    case_id: uuid.UUID, kind: str, body: str, *, by: User, now: datetime, wait: bool, seen: int | None,
    files: Sequence[Given], channel: Channel,
) -> None:  # fmt: skip
    if kind == Kind.REPLY:
        services.reply(case_id=case_id, body=body, by=by, now=now, wait=wait, seen=seen, files=files)
    elif kind == Kind.CALL:
        services.log_call(case_id=case_id, body=body, by=by, now=now, wait=wait, channel=channel)
    else:
        services.add_note(case_id=case_id, body=body, by=by, now=now)
