"""History, run through the very rules of every day, as it would have happened."""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import connection, transaction

from makegood.ground.retail.models import Source
from makegood.recover.intake import failures, matching
from makegood.recover.intake.models import Arrival, Watermark
from makegood.recover.intake.services.acting import Tally, act, gather, hold_intake, hold_source, tell

Progress = Callable[[datetime, datetime, datetime], None]
"""Told after each step: the first moment, the moment reached, the last."""

# A step grows while it finds little and shrinks while it finds much; what is found does not depend on it.
STEP = timedelta(days=7)
SHORTEST, LONGEST = timedelta(hours=6), timedelta(days=60)
FOUND_AT_ONCE = 2000


def replay(
    source: Source, until: datetime, *, since: datetime | None = None, step: timedelta | None = None,
    progress: Progress | None = None,
) -> Tally:  # fmt: skip
    """Run the history of a source through intake until a moment; a second run goes on where the first stopped.

    Nothing is known before its time, and every case opens when its failure happened. Each step is a transaction that
    also moves the mark, so a run that is killed loses its last step at most and the next run does it again. The first
    run may leave out what failed before `since`. A `step` of history holds, unless given, about two thousand
    happenings; `progress` is called after each.
    """
    mark = f"replay:{source.slug}"
    first = since or _first_moment(source)
    reached = Watermark.objects.filter(kind=mark).values_list("looked_until", flat=True).first() or first
    tally = Tally()
    if reached is None or first is None:
        return tally
    width = step or STEP
    while reached < until:
        upto = min(until, reached + width)
        done, found = _take(source, mark, reached, upto)
        tally += done
        reached = upto
        if progress:
            progress(first, reached, until)
        if step is None and found:
            width = min(LONGEST, max(SHORTEST, width * min(2.0, FOUND_AT_ONCE / found)))
        elif step is None:
            width = min(LONGEST, width * 2)
    return tally


@transaction.atomic
def _take(source: Source, mark: str, since: datetime, until: datetime) -> tuple[Tally, int]:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL plan_cache_mode = force_custom_plan")
        # A power cut may take the last steps with their mark; the next run does them again.
        cursor.execute("SET LOCAL synchronous_commit = off")
    hold_intake(alone=True)
    hold_source(source)
    found = failures.find(failures.Window(since=since, until=until, source_id=source.pk))
    waiting = Arrival.objects.select_for_update(of=("self",)).filter(
        contact=None, set_aside="", source=source, at__gt=since, at__lte=until
    )
    arrivals = list(waiting.order_by("at", "pk"))
    happenings = gather(found, arrivals, matching.match(arrivals) if arrivals else [])
    tally, done = act(happenings)
    tell(happenings, done)
    Watermark.objects.update_or_create(kind=mark, defaults={"looked_until": until})
    return tally, len(happenings)


def _first_moment(source: Source) -> datetime | None:
    """Just before anything could have failed. One SQL query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT least((SELECT min(placed_at) FROM retail_order WHERE source_id = %(source)s),
                         (SELECT min(at) FROM retail_review WHERE source_id = %(source)s),
                         (SELECT min(at) FROM intake_arrival WHERE source_id = %(source)s))
            """,
            {"source": source.pk},
        )
        first: datetime | None = cursor.fetchone()[0]
    return first - timedelta(seconds=1) if first else None
