"""What the page of a signal shows beside its row: its days, example cases, its history."""

import json
import uuid
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Final, NamedTuple

from django.db import connection
from django.db.models import Min
from scipy.stats import poisson

from makegood.ground.asking import Question
from makegood.prevent.signals.models import Signal, SignalEvent
from makegood.recover.cases.queries.queue import Places

RUN_UP: Final = timedelta(days=56)
BY_DAY: Final = (2, 150)  # at least so many cases a day, over at most so many days: else the picture is by week
EXAMPLES: Final = 8


class Span(NamedTuple):
    """A day, or a week, of a slice."""

    begins: date
    observed: int
    expected: float
    lower: float
    upper: float


class Series(NamedTuple):
    """The cases of a slice over time, and what was to be expected."""

    spans: list[Span]
    days: int  # of each span: 1 or 7

    @property
    def is_empty(self) -> bool:
        return not any(span.observed for span in self.spans)


def series(signal: Signal, *, now: datetime, zone: str) -> Series:
    """The slice of a signal from eight weeks before its onset on. One SQL query, an index scan of `judged_in_slice`.

    Cases count as they were when they were judged, on the day in `zone` on which they were reported. Expected is what
    the detection expected since the onset, spread evenly; the band holds 95 of 100 such days if cases come one by one.
    """
    begins, ends = signal.since - RUN_UP, min(now, (signal.closed_at or now) + timedelta(days=14))
    watched = max((signal.updated_at - signal.since) / timedelta(days=1), 1.0)
    least, longest = BY_DAY
    days = 1 if signal.observed >= least * watched and (ends - begins).days <= longest else 7
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT (at AT TIME ZONE %s)::date, count(*) FROM signals_judgedcase
            WHERE dimensions @> %s::jsonb AND at >= %s AND at <= %s GROUP BY 1
            """,
            [zone, json.dumps(signal.slice), begins, ends],
        )
        counted: dict[date, int] = dict(cursor.fetchall())
    usual = signal.expected / watched * days
    lower, upper = (float(it) for it in poisson.ppf([0.025, 0.975], usual)) if usual else (0.0, 0.0)
    first, last = begins.astimezone(UTC).date(), ends.astimezone(UTC).date()
    spans = []
    while first <= last:
        observed = sum(counted.get(first + timedelta(days=n), 0) for n in range(days))
        spans.append(Span(first, observed, usual, lower, upper))
        first += timedelta(days=days)
    return Series(spans, days)


class Example(NamedTuple):
    """A claimed case that the reader may see."""

    number: int
    subject: str
    failed: str
    customer: str
    opened_at: datetime
    status: str


def examples(signal_id: uuid.UUID, *, places: Places) -> tuple[list[Example], int, int]:
    """The latest claimed cases within `places`; how many there are within, and in all. One SQL query."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            WITH claimed AS MATERIALIZED (
                SELECT c.id, %(places)s::uuid[] IS NULL OR coalesce(c.place_id = ANY(%(places)s::uuid[]), false) AS mine
                FROM signals_signalcase sc JOIN cases_case c ON c.id = sc.case_id WHERE sc.signal_id = %(signal)s
            ), counted AS (SELECT count(*) FILTER (WHERE mine) AS within, count(*) AS all FROM claimed)
            SELECT few.*, counted.within, counted.all
            FROM counted LEFT JOIN LATERAL (
                SELECT c.number, c.subject, c.failed, coalesce(nullif(k.name, ''), k.email, k.ref, ''), c.opened_at,
                       c.status
                FROM claimed JOIN cases_case c USING (id) LEFT JOIN retail_customer k ON k.id = c.customer_id
                WHERE mine ORDER BY c.opened_at DESC, c.id LIMIT {EXAMPLES}
            ) few ON true
            """,
            {"signal": signal_id, "places": places},
        )
        rows = cursor.fetchall()
    return [Example(*row[:-2]) for row in rows if row[0]], *rows[0][-2:]


def history(signal_id: uuid.UUID) -> tuple[list[SignalEvent], int]:
    """What became of a signal, the latest first; of what was learned only where the slice changed. One SQL query.

    With how many further findings that leaves out.
    """
    events = list(SignalEvent.objects.filter(signal=signal_id).select_related("by").order_by("at", "id"))
    shown: list[SignalEvent] = []
    slice_: Mapping[str, str] = {}
    for event in events:
        told = event.facts.get("slice", slice_)
        if event.kind != SignalEvent.Kind.UPDATED or told != slice_:
            shown.append(event)
        slice_ = told
    return shown[::-1], len(events) - len(shown)


def begins(signal: Signal) -> datetime:
    """The first purchase that it may have hit: of its cases', and not after its onset. One SQL query.

    The onset is when more was reported than usual; what then failed had been bought before.
    """
    first: datetime | None = signal.claimed.aggregate(at=Min("case__order__placed_at"))["at"]
    return min(first, signal.since) if first else signal.since


class Claim(NamedTuple):
    """The signal that a case belongs to."""

    number: int
    slice: dict[str, str]
    observed: int
    expected: float
    since: datetime
    state: str
    closed: bool
    names: Mapping[str, str]


def claim_of(case_id: uuid.UUID) -> "Question[Claim | None]":
    """Which signal claims a case, to be asked with others."""
    return Question(
        """
        SELECT json_build_array(s.number, s.slice, s.observed, s.expected, s.since, s.state, s.closed_at IS NOT NULL, (
            SELECT json_object_agg(v.value, coalesce(r.name, vendor.name, place.name, product.name, v.value))
            FROM jsonb_each_text(s.slice) v
            CROSS JOIN LATERAL (SELECT CASE WHEN v.value ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
                                       THEN v.value::uuid END AS id) known
            LEFT JOIN cases_reason r ON v.key = 'reason' AND r.code = v.value
            LEFT JOIN retail_vendor vendor ON vendor.id = known.id
            LEFT JOIN retail_place place ON place.id = known.id
            LEFT JOIN retail_product product ON product.id = known.id))::text
        FROM signals_signalcase sc JOIN signals_signal s ON s.id = sc.signal_id WHERE sc.case_id = %(case)s
        """,
        _claim,
        {"case": case_id},
    )


def _claim(text: str | None) -> Claim | None:
    if text is None:
        return None
    number, slice_, observed, expected, since, state, closed, names = json.loads(text)
    return Claim(number, slice_, observed, expected, datetime.fromisoformat(since), state, closed, names or {})
