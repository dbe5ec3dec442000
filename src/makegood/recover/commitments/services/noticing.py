"""Telling people what comes due: a reminder before, a notice at the moment, an escalation after. Each exactly once."""

import uuid
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, tzinfo
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from makegood.ground.messages.notices import Word, notify_many
from makegood.ground.staff.models import User
from makegood.recover.commitments.models import Commitment, Kind, NoticeKind
from makegood.recover.commitments.queries.people import Leaders
from makegood.recover.commitments.services.register import following_notice
from makegood.recover.commitments.when import day

BATCH: Final = 500


def tell_what_is_due(*, now: datetime) -> int:
    """Write every notice that is due; returns how many promises were told of. Many may run at once.

    A batch is one transaction: its promises are held (rows that another worker holds are passed over), the notices are
    written under keys that exist once, and the promises move on to their next notice. A worker that dies leaves the
    batch as it was. Five SQL queries a batch at most, and those of the outbox where somebody wants mail; what is not
    due costs nothing, because the index `commitment_notice` begins with what is. Call outside transactions.
    """
    told = 0
    leaders = Leaders.read()
    while batch := _tell_a_batch(now, leaders):
        told += batch
    return told


@transaction.atomic
def _tell_a_batch(now: datetime, leaders: Leaders) -> int:
    due = list(
        Commitment.objects.select_for_update(of=("self",), skip_locked=True)
        .select_related("owner", "case__customer")
        .defer("case__search", "case__customer__search")
        .filter(next_notice_at__lte=now)
        .order_by("next_notice_at")[:BATCH]
    )
    told: list[Word] = []
    told_of: dict[str, list[uuid.UUID]] = defaultdict(list)
    for commitment in due:
        notice = commitment.next_notice
        if notice == NoticeKind.REMINDER and commitment.due_at <= now:
            notice = NoticeKind.DUE  # nobody worked for a while: a reminder of what is due already helps nobody
        place_id = commitment.case.place_id if commitment.case else None
        to = {commitment.owner_id: commitment.owner}
        if notice == NoticeKind.DUE:
            to |= {user.pk: user for user in leaders.nearest(place_id)}
        elif notice == NoticeKind.ESCALATION:
            to = {user.pk: user for user in leaders.all_above(place_id)} or to
        told += _words(commitment, notice, to.values())
        told_of[notice].append(commitment.pk)
    if told:
        notify_many(told, now=now)
    for notice, ids in told_of.items():
        Commitment.objects.filter(pk__in=ids).update(**following_notice(notice, F("due_at")))
    return len(due)


def _words(commitment: Commitment, notice: str, to: Iterable[User]) -> list[Word]:
    # The due time is part of the key: a promise that is open again after an undo is not told of twice.
    key = f"commitment:{commitment.pk}:{notice}:{commitment.due_at.timestamp():.0f}"
    link, about = address(commitment), f"commitment:{commitment.pk}"
    return [Word(to=user, key=key, text=partial(words, commitment, notice), link=link, about=about) for user in to]


def words(commitment: Commitment, notice: str) -> str:
    """A notice in one sentence, in the zone of whoever owns the promise."""
    case = commitment.case
    facts = {
        "what": str(Kind(commitment.kind).label), "number": commitment.number, "owner": commitment.owner.display_name,
        "who": _whom(commitment), "at": _moment(commitment.due_at, _zone(commitment.owner)),
        "case": f", C-{case.number}" if case else "",
    }  # fmt: skip
    if notice == NoticeKind.REMINDER:
        return _("Promised %(who)s by %(at)s: %(what)s (P-%(number)s%(case)s).") % facts
    if notice == NoticeKind.DUE:
        return _("Due now, promised by %(owner)s %(who)s: %(what)s (P-%(number)s%(case)s).") % facts
    return _("Overdue since %(at)s, promised by %(owner)s %(who)s: %(what)s (P-%(number)s%(case)s).") % facts


def address(commitment: Commitment) -> str:
    """Where a promise is kept: on its case, else in the list."""
    return (
        f"/cases/C-{commitment.case.number}/" if commitment.case else f"/commitments/?show=open&q=P-{commitment.number}"
    )


def _whom(commitment: Commitment) -> str:
    if commitment.to == "colleague":
        return _("to a colleague")
    if commitment.to == "partner":
        return _("from a partner")
    customer = commitment.case.customer if commitment.case else None
    return _("to %(name)s") % {"name": customer.name} if customer and customer.name else _("to the customer")


def _zone(user: User) -> tzinfo:
    return ZoneInfo(user.time_zone or settings.TIME_ZONE)


def _moment(at: datetime, zone: tzinfo) -> str:
    local = at.astimezone(zone)
    return f"{day(local)} {local:%H:%M}"
