"""Promises as a list, as a calendar and as a rate; handing them over."""

import uuid
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_safe

from makegood.errors import Conflict
from makegood.ground.staff.access import needs
from makegood.ground.staff.http import StaffRequest
from makegood.ground.staff.models import User
from makegood.ground.web.exports import csv_response
from makegood.ground.web.formats import DAYS
from makegood.recover.cases.queries.case import assignable
from makegood.recover.cases.queries.queue import Cursor
from makegood.recover.commitments import services
from makegood.recover.commitments.errors import NotYours
from makegood.recover.commitments.models import Kind
from makegood.recover.commitments.panel import WORDS
from makegood.recover.commitments.queries import listing
from makegood.recover.commitments.queries.calendar import Entry, between
from makegood.recover.commitments.queries.kept import TOO_FEW, Rate, kept_rates, standing

PERIODS = {"28": 28, "90": 90, "365": 365}
SPANS = ("week", "month")
SHOWN_A_DAY = {"week": 14, "month": 4}


@require_safe
@needs("cases.see")
def commitments(request: StaffRequest) -> HttpResponse:
    """One page. At most six SQL queries: who asks, their places, rows, their number, findings of mine, colleagues."""
    me, now = request.user, timezone.now()
    filters = listing.Filters.read(request.GET)
    after = Cursor.read(request.GET.get("after", ""))
    asked: dict[str, Any] = {"me": me, "now": now, "tonight": _tonight(now)}
    rows, following = listing.page(filters, after=after, **asked)
    number = listing.count(filters, **asked) if after or following else len(rows)
    facts = {
        "rows": rows, "filters": filters, "after": after, "following": following, "now": now,
        "number": f"{listing.COUNT_UP_TO:,}+" if number > listing.COUNT_UP_TO else f"{number:,}",
        "found": listing.waiting_suggestions(me) if filters.whose == "me" and not after else [],
        "owners": listing.owners(me),
    }  # fmt: skip
    return render(request, "commitments/list.html", facts | dict(WORDS))


@require_safe
@needs("cases.export")
def export(request: StaffRequest) -> HttpResponseBase:
    """The list as a file, with the filters of the page. Two SQL queries and one per thousand rows."""
    now = timezone.now()
    rows = listing.every(listing.Filters.read(request.GET), me=request.user, now=now, tonight=_tonight(now))
    return csv_response("commitments.csv", _HEAD, (_line(row) for row in rows))


_HEAD = ("promise", "state", "due_at", "first_due_at", "made_at", "ended_at", "kind", "to", "text", "owner", "case",
         "customer", "agreed_by")  # fmt: skip


def _line(row: listing.Row) -> tuple[object, ...]:
    return (f"P-{row.number}", row.state, row.due_at, row.first_due_at, row.made_at, row.ended_at, row.kind, row.to,
            row.text, row.owner, f"C-{row.case}" if row.case else "", row.customer, row.agreed_by)  # fmt: skip


# -- calendar


class Day(NamedTuple):
    """A day of the calendar, with the promises that come due on it."""

    date: date
    shown: list[Entry]
    total: int
    overdue: bool
    is_today: bool
    outside: bool  # of the month that is shown


@require_safe
@needs("cases.see")
def calendar(request: StaffRequest) -> HttpResponse:
    """What comes due in a week or a month, in the reader's time zone. Three SQL queries: who asks, places, promises."""
    span = request.GET.get("span", "")
    span = span if span in SPANS else "week"
    whose = request.GET.get("whose", "")
    whose = whose if whose in ("team", "all") else "me"
    now = timezone.now()
    today = timezone.localtime(now).date()
    asked = _date(request.GET.get("from", "")) or today
    first, days = _span(asked, span)
    zone = timezone.get_current_timezone()
    begins, ends = (datetime.combine(day, time(), zone) for day in (first, first + timedelta(days=days)))
    found: dict[date, list[Entry]] = {}
    for entry in between(begins, ends, me=request.user, whose=whose):
        found.setdefault(timezone.localtime(entry.due_at).date(), []).append(entry)
    shown = [_day(first + timedelta(days=n), found, span, asked, today, now) for n in range(days)]

    def at(day: date) -> str:
        return urlencode({"span": span, "whose": whose, "from": day.isoformat()})

    earlier, later = _neighbours(asked, span)
    facts = {
        "weeks": [shown[n : n + 7] for n in range(0, days, 7)], "day_names": [_(name) for name in DAYS], "span": span,
        "whose": whose, "now": now, "asked": asked.isoformat(), "earlier": at(earlier), "later": at(later),
        "at_today": at(today),
        "heading": f"{asked:%B %Y}" if span == "month" else _("Week from %(day)s") % {"day": f"{first:%d %b %Y}"},
    }  # fmt: skip
    return render(request, "commitments/calendar.html", facts | dict(WORDS))


def _day(on: date, found: dict[date, list[Entry]], span: str, asked: date, today: date, now: datetime) -> Day:
    entries = found.get(on, [])
    late = any(entry.state == "open" and entry.due_at < now for entry in entries)
    outside = span == "month" and on.month != asked.month
    return Day(on, entries[: SHOWN_A_DAY[span]], len(entries), late, on == today, outside)


def _span(asked: date, span: str) -> tuple[date, int]:
    """The Monday that is shown first, and how many days."""
    if span == "week":
        return asked - timedelta(days=asked.weekday()), 7
    first = asked.replace(day=1)
    monday = first - timedelta(days=first.weekday())
    following = (first + timedelta(days=31)).replace(day=1)
    return monday, -(-(following - monday).days // 7) * 7


def _neighbours(asked: date, span: str) -> tuple[date, date]:
    if span == "week":
        return asked - timedelta(days=7), asked + timedelta(days=7)
    return (asked.replace(day=1) - timedelta(days=1)).replace(day=1), (
        asked.replace(day=1) + timedelta(days=31)
    ).replace(day=1)


def _date(text: str) -> date | None:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if 2000 <= found.year < 2200 else None  # noqa: PLR2004  what a calendar of promises can need


# -- the rate


@require_safe
@needs("cases.see")
def kept(request: StaffRequest) -> HttpResponse:
    """How much was kept, by person, team and kind. Four SQL queries: who asks, places, rates, how it stands."""
    days = request.GET.get("days", "")
    days = days if days in PERIODS else "90"
    me, now = request.user, timezone.now()
    rates = kept_rates(me=me, since=now - timedelta(days=PERIODS[days]), until=now)
    facts = {
        "rates_": rates._replace(teams=[_named(it, it.name or _("Whole company")) for it in rates.teams]),
        "kinds": [_named(it, str(Kind(it.name).label)) for it in rates.kinds],
        "standing": standing(me=me, now=now, tonight=_tonight(now)), "days": days, "too_few": TOO_FEW,
    }  # fmt: skip
    return render(request, "commitments/kept.html", facts | dict(WORDS))


def _named(rate: Rate, name: str) -> Rate:
    return rate._replace(name=name)


# -- handing over


@needs("cases.work")
def hand_over(request: StaffRequest) -> HttpResponse:
    """Give open promises to somebody else: one's own, or as a manager anybody's."""
    me, now = request.user, timezone.now()
    may_move_all = me.has_perm("commitments.hand_over")
    said = request.POST if request.method == "POST" else request.GET
    username = str(said.get("from", "")).replace("\0", "")
    owner = User.objects.filter(username=username).first() if username and username != me.username else me
    owner = owner or me
    if owner != me and not may_move_all:
        raise NotYours
    filters = listing.Filters(show="open", whose=owner.username)
    rows = listing.page(filters, me=me, now=now, tonight=_tonight(now), limit=200).rows
    problem, status = "", 200
    if request.method == "POST":
        to = assignable(str(request.POST.get("to", "")).replace("\0", ""))
        if to is None:
            problem, status = _("Choose who takes them. Nothing was changed."), 422
        else:
            theirs = {row.id for row in rows}
            chosen = [pk for pk in _ids(request.POST.getlist("commitment")) if pk in theirs]
            try:
                moved = services.hand_over(
                    commitment_ids=chosen, to=to, by=me, now=now, why=request.POST.get("why", "").replace("\0", "")
                )
            except Conflict as why:
                problem, status = str(why), why.status
            else:
                says = ngettext(
                    "%(count)d promise is now %(who)s's.", "%(count)d promises are now %(who)s's.", len(moved)
                )
                messages.success(request, says % {"count": len(moved), "who": to.display_name})
                return redirect("commitments:list")
    colleagues = [(name, label) for name, label in listing.owners(me) if name != owner.username]
    facts = {
        "owner": owner, "rows": rows, "now": now, "problem": problem,
        "everybody": listing.owners(me) if may_move_all else [],
        "colleagues": colleagues if owner == me else [(me.username, me.display_name), *colleagues],
    }  # fmt: skip
    return render(request, "commitments/hand_over.html", facts | dict(WORDS), status=status)


def _ids(said: list[str]) -> list[uuid.UUID]:
    ids = []
    for text in said[:200]:
        try:
            ids.append(uuid.UUID(text))
        except ValueError:
            continue
    return ids


def _tonight(now: datetime) -> datetime:
    """When the reader's day ends."""
    return timezone.localtime(now).replace(hour=23, minute=59, second=59, microsecond=999_999)
