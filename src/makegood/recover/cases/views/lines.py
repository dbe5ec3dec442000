"""A line of the queue in words. What is the same for a whole page is asked once: a page has fifty lines."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from django.utils import timezone
from django.utils.translation import get_language

from makegood.ground.web.formats import brief, day_time, due, in_full, initials, money
from makegood.ground.web.language import translated as _
from makegood.recover.cases.models import Status
from makegood.recover.cases.queries.queue import Row
from makegood.recover.cases.triage import why_ranked

# As plain text: members of an enumeration hash and compare in Python.
RESOLVED, PARTNER = Status.RESOLVED.value, Status.WAITING_PARTNER.value
OURS = (Status.NEW.value, Status.OPEN.value)


class Line(NamedTuple):
    """What `_queue_row.html` writes, in this order."""

    id: str
    label: str
    severity: int
    state: str  # of the clock: later, soon or late; empty: it stands, as the case is resolved or waits
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
    questions: int
    mark: str


def lines(rows: Iterable[Row], now: datetime) -> list[Line]:
    """Each row as people read it, in the reader's language and time zone."""
    zone, language = timezone.get_current_timezone(), get_language()
    words = {
        RESOLVED: _("Resolved"), PARTNER: _("Partner has it"), "": _("Not yet told"), "paused": _("Paused"),
        "customer": _("Waits for us"), "us": _("Waits for them"),
    }  # fmt: skip

    def clock(row: Row) -> tuple[str, str, str, str]:
        """State, moment, title and text; of a resolved case when it was opened; of a waiting one, pause."""
        if row.status == RESOLVED:
            return "", "", "", day_time(row.opened_at, now=now)
        if row.due_at is None:
            return "", "", "", words["paused"]
        state, text = due(row.due_at, now, language=language)
        why = why_ranked(row.severity, row.tier, row.value)
        return state, row.due_at.isoformat(), f"{in_full(row.due_at.astimezone(zone))}. {why}", text

    def last_word(row: Row) -> tuple[str, str, str]:
        """Who spoke, when, and how long ago that is."""
        if row.status in (RESOLVED, PARTNER):
            return words[row.status], "", ""
        if row.last_contact_at is None:
            return words[""], "", ""
        word = words["customer" if row.last_contact_by == "customer" else "us"]
        return word, row.last_contact_at.isoformat(), brief(now - row.last_contact_at)

    return [
        Line(
            str(row.id), f"C-{row.number}", row.severity, *clock(row), row.customer, row.tier, row.reason,
            row.failed or row.subject, row.order_ref, row.last_contact_by == "customer" and row.status in OURS,
            *last_word(row), money(row.value, row.currency, language=language), row.assignee, initials(row.assignee),
            row.questions, row.mark,
        )
        for row in rows
    ]  # fmt: skip
