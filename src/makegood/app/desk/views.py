"""The desk: my day, and the one search box."""

from datetime import datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from rules.permissions import has_perm

from makegood.app.desk import queries
from makegood.app.desk.overview import overview
from makegood.ground.messages import notices
from makegood.ground.staff.access import signed_in
from makegood.ground.staff.models import User
from makegood.ground.staff.scope import visible_places
from makegood.prevent.signals.queries import listing as signals
from makegood.prevent.slices_in_words import Names
from makegood.recover.cases.models import Severity, Status
from makegood.recover.cases.queries import queue
from makegood.recover.cases.queries.questions import for_me
from makegood.recover.cases.views.lines import lines
from makegood.recover.commitments.panel import WORDS
from makegood.recover.commitments.queries import listing

MINE_SHOWN = 60
PROMISED_SHOWN = 20
UNTAKEN_SHOWN = 15
SIGNALS_SHOWN = 5
DUE_SHOWN = 8
TOLD_SHOWN = 5
HITS_AS_YOU_TYPE = 6
HITS_ON_A_PAGE = 50


@signed_in
def desk(request: HttpRequest) -> HttpResponse:
    """What runs out today, then the rest. Six SQL queries: who asks, places, figures, mine, nobody's, questions.

    One more for whoever promised something until tonight, two where new signals touch what is theirs, three for those
    who lead (`overview`).
    """
    me: User = request.user  # type: ignore[assignment]  # nobody anonymous gets here
    now, places = timezone.now(), visible_places(me)
    morning, midnight = _today(now)
    mine = _mine(me, MINE_SHOWN)
    figures = queries.figures(me=me, places=places, now=now, today=morning, tonight=midnight)
    leads = has_perm("service_levels.see", me)  # type: ignore[no-untyped-call]  # rules has no types
    facts = {
        "figures": figures,
        "promised": _promised(me, now, midnight) if figures.promises_due else [],
        "overview": overview(me=me, now=now, tonight=midnight) if leads else None,
        "due": [row for row in mine if row.due_at and row.due_at < midnight],
        "later": [row for row in mine if not row.due_at or row.due_at >= midnight],
        "signals": _signals(me) if figures.signals else [],
        "untaken": _untaken(me, now), "questions": for_me(me),
        "now": now, "severities": dict(Severity.choices), "lines": lines,
        "count_up_to": queries.FIGURES_UP_TO,
    }  # fmt: skip
    return render(request, "desk/desk.html", facts | dict(WORDS))


@signed_in
def due(request: HttpRequest) -> HttpResponse:
    """What the bell shows: what I was told, and what of mine runs out next. Three SQL queries: who asks, told, mine."""
    me: User = request.user  # type: ignore[assignment]
    facts = {"told": notices.unread(me, limit=TOLD_SHOWN), "rows": _mine(me, DUE_SHOWN), "now": timezone.now()}
    return render(request, "desk/_due.html", facts)


@signed_in
def search(request: HttpRequest) -> HttpResponse:
    """Cases, customers and orders by words or by number. Five SQL queries: who asks, places, three kinds of hits."""
    me: User = request.user  # type: ignore[assignment]
    typing = bool(getattr(request, "htmx", False))
    text = request.GET.get("q", "").strip()[:200]
    hits = queries.find(text, places=visible_places(me), most=HITS_AS_YOU_TYPE if typing else HITS_ON_A_PAGE)
    facts = {"text": text, "hits": hits, "statuses": dict(Status.choices), "now": timezone.now()}
    return render(request, "desk/_hits.html" if typing else "desk/search.html", facts)


def _mine(me: User, most: int) -> list[queue.Row]:
    # Whatever is mine I see, wherever it happened.
    return queue.page(queue.Filters(assignee="me"), me=me, places=None, limit=most).rows


def _promised(me: User, now: datetime, tonight: datetime) -> list[listing.Row]:
    """What I promised until tonight, the overdue first."""
    return listing.page(listing.Filters(), me=me, now=now, tonight=tonight, limit=PROMISED_SHOWN).rows


def _signals(me: User) -> list[tuple[signals.Row, str]]:
    """New patterns that cases of mine belong to, with what they share in words. Two SQL queries."""
    if not has_perm("signals.see", me):  # type: ignore[no-untyped-call]  # rules has no types
        return []
    rows = signals.touching(me, limit=SIGNALS_SHOWN)
    names = Names.of(row.slice for row in rows)
    return [(row, names.of_slice(row.slice)) for row in rows]


def _untaken(me: User, now: datetime) -> list[queue.Row]:
    tiers = queries.TIERS.get(me.role, ())
    if not tiers:
        return []
    return queue.late_of_nobody(tiers=tiers, places=visible_places(me), now=now, limit=UNTAKEN_SHOWN)


def _today(now: datetime) -> tuple[datetime, datetime]:
    """When the reader's day began and when it ends."""
    morning = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    return morning, morning.replace(hour=23, minute=59, second=59)
