"""The look of every minute: what arrived, and which failures became visible since the last look."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction

from makegood.recover.intake import failures, matching
from makegood.recover.intake.models import Arrival, Watermark
from makegood.recover.intake.services.acting import SOURCE_LOCK, Tally, act, gather, hold_intake, tell

# Clocks of several machines differ a little, and a second look costs nothing.
OVERLAP = timedelta(minutes=5)
ARRIVALS_AT_ONCE = 500
_KIND = "failures"


def tick(now: datetime) -> Tally:
    """Take in what arrived, then look for failures. Safe to run twice, also at once.

    Contacts come first, so that what a customer wrote about a parcel is the case to which its failure is added.
    """
    tally = process_arrivals(now)
    tally += look_for_failures(now)
    return tally


@transaction.atomic
def look_for_failures(now: datetime) -> Tally:
    """Find the failures that became visible since the last look and see that each has a case.

    The first look goes back `MAKEGOOD_LOOKBACK_DAYS`; what failed before that opens no case by itself, so that
    bringing in years of history does not. A source that is being written is left for the next look: half an import
    shows failures that the other half explains. An advisory lock lets one look at a time work. Fifteen SQL queries
    when there is nothing to do.
    """
    _custom_plans()
    hold_intake(alone=True)
    oldest = now - timedelta(days=settings.MAKEGOOD_LOOKBACK_DAYS)
    mark = Watermark.objects.filter(kind=_KIND).first()
    since = max(oldest, mark.looked_until - OVERLAP) if mark else oldest
    window = failures.Window(since=since, until=now, told_since=since, oldest=oldest)
    until = _everything_known_until(now)
    busy = _sources_being_written()
    found = failures.find(window)
    busy |= _sources_being_written()
    tally, _ = act(gather([one for one in found if one.source_id not in busy], [], []))
    if not busy and (mark is None or until > mark.looked_until):
        Watermark.objects.update_or_create(kind=_KIND, defaults={"looked_until": until})
    return tally


def process_arrivals(now: datetime, limit: int | None = None) -> Tally:
    """Make contacts of what arrived, in the order of its time; at most `limit`. Each batch is a transaction."""
    tally = Tally()
    left = limit
    while left is None or left > 0:
        taken, done = _process_some(now, min(ARRIVALS_AT_ONCE, left) if left is not None else ARRIVALS_AT_ONCE)
        tally += done
        if not taken:
            break
        left = left - taken if left is not None else None
    return tally


@transaction.atomic
def _process_some(now: datetime, limit: int) -> tuple[int, Tally]:
    hold_intake(alone=True)
    waiting = Arrival.objects.select_for_update(of=("self",)).filter(contact=None, set_aside="", at__lte=now)
    arrivals = list(waiting.exclude(source__in=_sources_being_written()).order_by("at", "pk")[:limit])
    if not arrivals:
        return 0, Tally()
    happenings = gather([], arrivals, matching.match(arrivals))
    tally, done = act(happenings)
    tell(happenings, done)
    return len(arrivals), tally


def _everything_known_until(now: datetime) -> datetime:
    """Up to when every change has been seen: a transaction still running will show rows as of its start."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT min(xact_start) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
            """
        )
        oldest: datetime | None = cursor.fetchone()[0]
    return min(now, oldest) if oldest else now


def _sources_being_written() -> set[int]:
    """Sources whose import runs elsewhere, by the lock it holds."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT objid::integer FROM pg_locks
            WHERE locktype = 'advisory' AND classid = %s::oid AND objsubid = 2 AND granted AND pid <> pg_backend_pid()
              AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
            """,
            [SOURCE_LOCK],
        )
        return {source_id for (source_id,) in cursor.fetchall()}


def _custom_plans() -> None:
    # A plan for any window would scan what exists; a plan for this window knows that it is short.
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL plan_cache_mode = force_custom_plan")
