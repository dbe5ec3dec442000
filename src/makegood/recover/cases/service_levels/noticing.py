"""Telling people that a clock is about to run out, or has: each time once, whoever dies in between."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction
from django.utils.translation import gettext as _

from makegood.engines.clocks import Clock
from makegood.ground.messages.notices import Word, notify_many
from makegood.ground.staff.leads import leads_of
from makegood.ground.staff.models import User
from makegood.ground.web.formats import duration
from makegood.recover.cases.models import Case, CaseEvent, Severity
from makegood.recover.cases.service_levels.following import BREACH, TOLD_FOR, WARNING, moments_of
from makegood.recover.cases.service_levels.levels import Levels, load
from makegood.recover.cases.service_levels.models import Escalation
from makegood.recover.cases.services.bulk import Entry, write_entries

Deed = Escalation.Deed
AT_ONCE = 1000


class Due(NamedTuple):
    """One thing to be told of one case."""

    case: Case
    clock: Clock
    what: str  # warning or breach
    moment: datetime
    why: str

    @property
    def name(self) -> str:
        return f"{self.clock}.{self.what}"

    @property
    def key(self) -> str:
        """The same clock may run out again once it was given more time: that is another notice."""
        return f"clock:{self.case.pk}:{self.name}:{self.moment.isoformat()}"

    @property
    def text(self) -> str:
        """For the bell: which case, and what of it."""
        return _("C-%(number)s, %(reason)s: %(what)s") % {
            "number": self.case.number, "reason": self.case.reason.name, "what": self.why,
        }  # fmt: skip


def tell_due(*, now: datetime) -> int:
    """Tell of every clock that warns or has run out by now; returns how many things were told.

    Reads the index of what is due, a thousand cases at a time, each thousand in a transaction of its own: what is
    written on the timeline, whom it is told and what it escalates stand or fall together. Several may run at once:
    who finds a case locked leaves it to whoever holds it. Fifteen SQL queries a thousand, and those of the outbox.
    """
    told = 0
    while batch := _tell_some(now):
        told += batch
    return told


@transaction.atomic
def _tell_some(now: datetime) -> int:
    cases = list(
        Case.objects.select_for_update(of=("self",), skip_locked=True, no_key=True)
        .select_related("customer", "reason")
        .defer("search", "customer__search")
        .filter(notice_at__lte=now, notice_at__gt=now - TOLD_FOR)
        .order_by("notice_at", "pk")[:AT_ONCE]
    )
    if not cases:
        return 0
    levels = load({case.place_id for case in cases})
    dues: list[Due] = []
    entries: list[Entry] = []
    for case in cases:
        found, entry = _of(case, levels, now)
        dues += found
        entries.append(entry)
    rules = list(Escalation.objects.select_related("queue"))
    entries += [entry for due in dues for entry in _escalated(due, rules, now)]
    words = list(_words(dues, rules))
    write_entries(entries)
    notify_many(words, now=now)
    # At least one, so that cases whose moment had moved do not end the work for those behind them.
    return max(1, len(dues))


def _of(case: Case, levels: Levels, now: datetime) -> tuple[list[Due], Entry]:
    """What is to be told of a case now, and the event that says so."""
    moments = moments_of(case, levels)
    found: list[Due] = []
    noticed = list(case.noticed)
    for clock in Clock:
        for what in (BREACH, WARNING):  # whoever hears that it ran out need not be warned
            name = f"{clock}.{what}"
            if name in noticed or name not in moments or moments[name] > now:
                continue
            is_news = what == BREACH or f"{clock}.{BREACH}" not in noticed
            if is_news and moments[name] > now - TOLD_FOR:
                why = _said(clock, what, moments.get(f"{clock}.{BREACH}"), now)
                found.append(Due(case, clock, what, moments[name], why))
            noticed.append(name)
    ahead = [moment for name, moment in moments.items() if name not in noticed]
    entry = Entry(
        case=case, kind=CaseEvent.Kind.CLOCK, at=now, why=" ".join(due.why for due in found),
        changes={"noticed": noticed, "notice_at": min(ahead, default=None)},
        facts={"clocks": [due.name for due in found]},
    )  # fmt: skip
    return found, entry


def _said(clock: Clock, what: str, due_at: datetime | None, now: datetime) -> str:
    name = Escalation.Clock(clock).label
    if what == BREACH:
        return _("%(clock)s is overdue.") % {"clock": name}
    if due_at is None:
        return _("%(clock)s is due soon.") % {"clock": name}
    return _("%(clock)s is due in %(time)s.") % {"clock": name, "time": duration(due_at - now)}


def _escalated(due: Due, rules: Sequence[Escalation], now: datetime) -> Iterator[Entry]:
    """What the rules make of it, but for telling."""
    case = due.case
    for rule in rules:
        if (rule.clock, rule.when) != (due.clock, due.what):
            continue
        changes: dict[str, Any]
        if rule.deed == Deed.RAISE and case.severity > Severity.CRITICAL:
            higher = Severity(case.severity - 1)
            changes, did = {"severity": higher}, _("Severity raised to %(severity)s.") % {"severity": higher.label}
        elif rule.deed == Deed.MOVE and rule.queue and case.queue_id != rule.queue_id:
            changes, did = {"queue_id": rule.queue_id}, _("Moved to the queue %(queue)s.") % {"queue": rule.queue}
        else:
            continue
        yield Entry(case=case, kind=CaseEvent.Kind.ESCALATED, at=now, why=f"{due.why} {did}", changes=changes,
                    facts={"rule": rule.pk})  # fmt: skip


def _words(dues: Sequence[Due], rules: Sequence[Escalation]) -> Iterator[Word]:
    """Whom it is told: whoever has the case, and where a rule says so the lead of its team."""
    leads = leads_of({due.case.place_id for due in dues})
    people = User.objects.in_bulk({due.case.assignee_id for due in dues if due.case.assignee_id})
    told = {(rule.clock, rule.when) for rule in rules if rule.deed == Deed.TELL_LEAD}
    for due in dues:
        to = {due.case.assignee_id: people[due.case.assignee_id]} if due.case.assignee_id else {}
        if (due.clock, due.what) in told:
            to |= {lead.pk: lead for lead in leads[due.case.place_id]}
        for user in to.values():
            yield Word(
                to=user, key=due.key, text=due.text, link=f"/cases/C-{due.case.number}/", about=f"case:{due.case.pk}"
            )
