"""A line of the queue in words. What is the same for a whole page is asked once: a page has fifty lines."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from makegood.ground.web.formats import brief, day_time, due, in_full, initials, money
from makegood.recover.cases.models import Status
from makegood.recover.cases.queries.queue import Row
from makegood.recover.cases.triage import why_ranked


class Line(NamedTuple):
    """What `_queue_row.html` writes, in this order."""

    id: str
    label: str
    severity: int
    state: str  # of the clock: later, soon or late; empty: it stands, as the case is resolved
    due_at: str
    due_title: str
    due: str
    customer: str
    tier: str
    reason: str
    failed: str
    order_ref: str
    urges: bool  # the customer spoke last
    told: str
    told_at: str
    told_ago: str
    stake: str
    assignee: str
    face: str


def lines(rows: Iterable[Row], now: datetime) -> list[Line]:
    """Each row as people read it, in the reader's language and time zone."""
    zone, language = timezone.get_current_timezone(), get_language()
    words = {Status.RESOLVED.value: _("Resolved"), Status.WAITING_PARTNER.value: _("Partner has it"), "": _("Not yet told"),
             "customer": _("Waits for us"), "us": _("We wrote")}  # fmt: skip
    told: list[Line] = []
    for row in rows:
        resolved = row.status == Status.RESOLVED.value
        state, left, title = "", "", ""
        if resolved:
            left = day_time(row.opened_at, now=now)
        else:
            state, left = due(row.due_at, now, language=language)
            title = f"{in_full(row.due_at.astimezone(zone))}. {why_ranked(row.severity, row.tier, row.value)}"
        silent = resolved or row.status == Status.WAITING_PARTNER.value
        at = None if silent else row.last_contact_at
        word = row.status if silent else "" if at is None else "customer" if row.last_contact_by == "customer" else "us"
        told.append(
            Line(
                str(row.id), f"C-{row.number}", row.severity, state, row.due_at.isoformat(), title, left, row.customer,
                row.tier, row.reason, row.failed or row.subject, row.order_ref,
                row.last_contact_by == "customer" and row.status in _OURS, words[word], at.isoformat() if at else "",
                brief(now - at) if at else "", money(row.value, row.currency, language=language), row.assignee, initials(row.assignee),
            )
        )  # fmt: skip
    return told


_OURS = (Status.NEW.value, Status.OPEN.value)
