"""Whom an incident touched: looked at before it is decided, and written down."""

import json
import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta, tzinfo
from decimal import Decimal
from io import BytesIO
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from django.db import connection, transaction
from django.db.models import Exists, Max, OuterRef
from pyarrow import csv

from makegood.ground.staff.models import User
from makegood.prevent.incidents.cutting import merged_in, predicates_of
from makegood.prevent.incidents.errors import CannotCut, UnknownDimension
from makegood.prevent.incidents.models import AffectedOrder, Incident, IncidentEvent, Snapshot, State
from makegood.prevent.incidents.services.leading import set_window
from makegood.prevent.incidents.services.timeline import lock_incident, record
from makegood.prevent.lake import exposures
from makegood.prevent.slices import DIMENSIONS, Predicate

if TYPE_CHECKING:
    import ibis.expr.types as ir

    from makegood.engines.lake.read import Lake

LEFT_AFTER: Final = timedelta(minutes=10)
AT_ONCE: Final = 50_000  # rows written in one transaction
VALUES_AT_MOST: Final = 500  # of one dimension
LOCK: Final = 7267340  # with the incident, the advisory lock of who writes its affected orders down
MOST: Final = 5
SHOWN_BY: Final = ("product", "store", "carrier", "to_state")


@dataclass(frozen=True, kw_only=True)
class Most:
    """A value of a dimension that many affected orders share."""

    dimension: str
    value: str
    orders: int


@dataclass(frozen=True, kw_only=True)
class Preview:
    """What a predicate would cut out, before anything is written."""

    orders: int
    customers: int
    value: Sequence[tuple[str, int, Decimal]]  # currency, orders, value
    days: Sequence[tuple[date, int]]
    most: Sequence[Most]
    unknown: int = 0  # orders that fit but for their batch, which nobody knows: they may be affected as well


NOTHING: Final = Preview(orders=0, customers=0, value=(), days=(), most=())


def of_purchases(predicate: Predicate) -> dict[str, Sequence[str]]:
    """What of a predicate purchases can be told apart by."""
    return {name: values for name, values in predicate.any_of.items() if not DIMENSIONS[name].from_case}


def preview(predicate: Predicate, *, now: datetime, zone: tzinfo) -> Preview:
    """What a predicate cuts out of all purchases, those of this minute among them. Three SQL queries; the lake does it.

    Raises
    ------
    UnknownDimension, CannotCut
        As `check`.
    """
    check(predicate)
    if not of_purchases(predicate):
        return NOTHING
    from makegood.engines.lake import affected as ask  # noqa: PLC0415  Ibis: most pages never ask

    with _hits([predicate], now=now) as (lake, hits):
        [total] = lake.answer(ask.totals(hits)).to_pylist()
        days: Counter[date] = Counter()
        for row in lake.answer(ask.orders_by_quarter(hits)).to_pylist():
            days[datetime.fromtimestamp(row["quarter"] * ask.QUARTER, UTC).astimezone(zone).date()] += row["orders"]
        return Preview(
            orders=total["orders"],
            customers=total["customers"],
            value=[(row["currency"], row["orders"], row["value"])
                   for row in lake.answer(ask.value_by_currency(hits)).to_pylist()],
            days=sorted(days.items()),
            most=[
                Most(dimension=name, value=row["value_of"], orders=row["orders"])
                for name in SHOWN_BY
                for row in lake.answer(ask.most_hit(hits, name, limit=MOST)).to_pylist()
            ],
            unknown=_of_unknown_batch(predicate, total["orders"], now=now),
        )  # fmt: skip


def _of_unknown_batch(predicate: Predicate, known: int, *, now: datetime) -> int:
    """How many more orders there were if whatever is of no known batch were of these. Asked only where something else
    is named, too: else that would be everything ever sold without one.
    """
    named = of_purchases(predicate)
    if "batch" not in named or len(named) == 1:
        return 0
    from makegood.engines.lake import affected as ask  # noqa: PLC0415  as in `preview`

    with _hits([predicate, replace(predicate, any_of={**predicate.any_of, "batch": [""]})], now=now) as (lake, hits):
        [total] = lake.answer(ask.totals(hits)).to_pylist()
        return int(total["orders"]) - known


def check(predicate: Predicate) -> None:
    """Raises UnknownDimension, and CannotCut where the window ends before it begins or too much is named."""
    for name, values in predicate.any_of.items():
        if name not in DIMENSIONS:
            raise UnknownDimension(name)
        if not values or len(values) > VALUES_AT_MOST:
            raise CannotCut(f"Name between 1 and {VALUES_AT_MOST} values of one dimension.")
    if predicate.since and predicate.until and predicate.since >= predicate.until:
        raise CannotCut("The window ends before it begins.")


@transaction.atomic
def cut_anew(
    *, incident_id: uuid.UUID, predicate: Predicate, by: User, now: datetime, seen: int | None = None
) -> Snapshot:
    """Change what an incident cuts out of cases and purchases, and look for the affected orders.

    Raises
    ------
    UnknownDimension, CannotCut
        As `check`; or it names nothing, which would be everybody.
    IncidentNotFound, IncidentChanged, IncidentIsOver
        As `set_window`.
    """
    check(predicate)
    if not predicate.any_of:
        raise CannotCut("Name at least one thing that the cases have in common.")
    return look(set_window(incident_id=incident_id, predicate=predicate, by=by, now=now, seen=seen), by=by, now=now)


@transaction.atomic
def look(incident: Incident, *, by: User | None, now: datetime) -> Snapshot:
    """Have the affected orders of an incident, and of what was merged into it, written down as it is now: a job
    enqueued with the transaction.

    Whoever changes what is meant holds the row of the incident, and the last look counts: it is never dated before
    another one, whatever the clocks of two machines say.
    """
    last = Snapshot.objects.filter(incident=incident).aggregate(at=Max("at"))["at"]
    made = Snapshot.objects.create(
        incident=incident, any_of=incident.any_of, since=incident.since, until=incident.until,
        also=merged_in(incident), by=by, at=max(now, last + timedelta(microseconds=1)) if last else now,
    )  # fmt: skip
    _have_written_down(incident.pk)
    return made


def _have_written_down(incident_id: uuid.UUID) -> None:
    from makegood.prevent.incidents.affected_tasks import snapshot  # noqa: PLC0415  it imports this module

    snapshot.defer(incident=str(incident_id))


def look_again(*, now: datetime) -> int:
    """Look again for whatever goes on and was looked at before, so that who bought since is found. The number of looks.

    Incidents whose window is over are left alone once a look was finished after its end, and after that of whatever was
    merged into them; what waits is not asked twice.
    """
    looks = Snapshot.objects.filter(incident=OuterRef("pk"))
    of_survivor = Snapshot.objects.filter(incident=OuterRef("merged_into"))
    merged = Incident.objects.exclude(any_of={}).filter(merged_into=OuterRef("pk"))
    may_grow = ~Exists(looks.filter(at__gt=OuterRef("until"))) | Exists(
        merged.filter(~Exists(of_survivor.filter(at__gt=OuterRef("until"))))
    )
    going_on = Incident.objects.exclude(state=State.RESOLVED).filter(
        Exists(looks), ~Exists(looks.filter(finished_at=None)), may_grow
    )
    return len([look(incident, by=None, now=now) for incident in going_on])


def take_up(*, now: datetime) -> int:
    """Have looks carried out that a killed worker left: those that wait for longer than `LEFT_AFTER`. Their number."""
    left = Snapshot.objects.filter(finished_at=None, at__lt=now - LEFT_AFTER)
    incidents = set(left.values_list("incident", flat=True))
    for incident in incidents:
        _have_written_down(incident)
    return len(incidents)


def write_down(*, incident_id: uuid.UUID, now: datetime) -> Snapshot | None:
    """Carry out the last look that waits: its orders are in the table when this returns, others are marked as left.

    Rows go in many at a time, each lot in a transaction; dying in between and running again gives the same rows, as an
    order is of an incident once. What was found before keeps its time; what the predicate names no longer is marked,
    not deleted, as somebody may have been told. Two at once: the second waits (an advisory lock), then finds nothing to
    do. None: nothing waited.
    """
    with _alone(incident_id):
        waiting = Snapshot.objects.filter(incident=incident_id, finished_at=None)
        snapshot = waiting.select_related("incident").order_by("-at", "-id").first()
        if snapshot is None:
            return None
        with _found(predicates_of(snapshot), now=now) as rows:
            for first in range(0, rows, AT_ONCE):
                _take_in(snapshot, first)
            left = _leave(snapshot, now=now)
        return _finish(snapshot, left=left, now=now)


def _take_in(snapshot: Snapshot, first: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO incidents_affectedorder AS known
                (id, incident_id, order_id, customer_id, value, currency, lines, found_at)
            SELECT makegood_uuid7(), %s, o.id, o.customer_id, f.value, f.currency, f.lines, %s
            FROM affected_found f JOIN retail_order o ON o.id = f.order_id
            WHERE f.n > %s AND f.n <= %s
            ORDER BY o.id
            ON CONFLICT (incident_id, order_id) DO UPDATE
            SET value = excluded.value, currency = excluded.currency, lines = excluded.lines,
                customer_id = excluded.customer_id, left_at = NULL
            WHERE (known.value, known.currency, known.lines, known.customer_id, known.left_at)
                  IS DISTINCT FROM (excluded.value, excluded.currency, excluded.lines, excluded.customer_id, NULL)
            """,
            [snapshot.incident_id, snapshot.at, first, first + AT_ONCE],
        )


def _leave(snapshot: Snapshot, *, now: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE incidents_affectedorder a SET left_at = %s WHERE a.incident_id = %s AND a.left_at IS NULL
            AND NOT EXISTS (SELECT FROM affected_found f WHERE f.order_id = a.order_id)
            """,
            [now, snapshot.incident_id],
        )
        return int(cursor.rowcount)


@transaction.atomic
def _finish(snapshot: Snapshot, *, left: int, now: datetime) -> Snapshot:
    incident = lock_incident(snapshot.incident_id)
    snapshot.finished_at = now
    count_up(snapshot)
    # Looks that were asked for before this one are answered by it.
    Snapshot.objects.filter(incident=incident, finished_at=None, at__lte=snapshot.at).delete()
    first = not Snapshot.objects.filter(incident=incident, finished_at__isnull=False, at__lt=snapshot.at).exists()
    rows = AffectedOrder.objects.filter(incident=incident)
    added = 0 if first else rows.filter(found_at=snapshot.at, left_at=None).count()
    if first or snapshot.by or added or left:
        facts = {"orders": snapshot.orders, "customers": snapshot.customers, "added": added, "left": left}
        record(incident, IncidentEvent.Kind.AFFECTED, at=now, by=snapshot.by, facts=facts)
    return snapshot


def count_up(snapshot: Snapshot) -> None:
    """Count the affected orders of an incident as they are, and keep the numbers with a look that is finished.

    They change with looks alone, so that nobody who reads has to count a million rows. Two SQL queries.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            WITH first_look AS (
                SELECT min(at) AS at FROM incidents_snapshot
                WHERE incident_id = %(incident)s AND (finished_at IS NOT NULL OR id = %(this)s)
            ), by_currency AS (
                SELECT currency, count(*) AS orders, sum(value) AS value,
                    count(*) FILTER (WHERE a.found_at > f.at) AS added
                FROM incidents_affectedorder a CROSS JOIN first_look f
                WHERE incident_id = %(incident)s AND left_at IS NULL GROUP BY currency
            ) SELECT coalesce(sum(orders), 0)::bigint, coalesce(sum(added), 0)::bigint,
                coalesce(jsonb_agg(jsonb_build_array(currency, value::text) ORDER BY currency), '[]')::text,
                (SELECT count(DISTINCT customer_id) FROM incidents_affectedorder
                 WHERE incident_id = %(incident)s AND left_at IS NULL),
                (SELECT count(*) FROM incidents_affectedorder WHERE incident_id = %(incident)s AND left_at IS NOT NULL)
            FROM by_currency
            """,
            {"incident": snapshot.incident_id, "this": snapshot.pk},
        )
        snapshot.orders, snapshot.added, worth, snapshot.customers, snapshot.left = cursor.fetchone()
    snapshot.worth = json.loads(worth)
    snapshot.save()


@contextmanager
def _alone(incident_id: uuid.UUID) -> Iterator[None]:
    key = [LOCK, incident_id.int & 0x7FFFFFFF]
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", key)
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", key)


@contextmanager
def _found(predicates: Sequence[Predicate], *, now: datetime) -> Iterator[int]:
    """What the lake finds as the table `affected_found` of this connection; how many rows it has."""
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE TEMP TABLE affected_found (n bigint GENERATED ALWAYS AS IDENTITY, order_id uuid PRIMARY KEY, "
            "currency varchar(3), value numeric(14, 2), lines int)"
        )
        try:
            if any(map(of_purchases, predicates)):
                _copy(cursor, predicates, now=now)
            cursor.execute("ANALYZE affected_found")
            cursor.execute("SELECT count(*) FROM affected_found")
            yield cursor.fetchone()[0]
        finally:
            if not connection.needs_rollback:
                cursor.execute("DROP TABLE affected_found")


def _copy(cursor: Any, predicates: Sequence[Predicate], *, now: datetime) -> None:
    from makegood.engines.lake import affected as ask  # noqa: PLC0415  as in `preview`

    columns = ["order_id", "currency", "value", "lines"]
    with (
        _hits(predicates, now=now) as (lake, hits),
        cursor.copy(f"COPY affected_found ({', '.join(columns)}) FROM STDIN (FORMAT csv)") as copy,
    ):
        found = lake.answer(ask.affected_orders(hits).select(*columns))
        for batch in found.to_batches(max_chunksize=AT_ONCE):
            sink = BytesIO()
            at_most = pa.scalar(Decimal("999999999999.99"), batch["value"].type)
            value = pc.cast(pc.min_element_wise(batch["value"], at_most), pa.string())
            batch = batch.set_column(2, "value", value)  # noqa: PLW2901
            csv.write_csv(batch, sink, csv.WriteOptions(include_header=False))
            copy.write(sink.getvalue())


@contextmanager
def _hits(predicates: Sequence[Predicate], *, now: datetime) -> Iterator[tuple["Lake", "ir.Table"]]:
    from makegood.engines.lake import affected as ask  # noqa: PLC0415  as in `preview`

    cuts = [ask.Cut(of_purchases(it), it.since, it.until) for it in predicates]
    with exposures(now=now) as (lake, old, fresh):
        yield lake, lake.keep("hits", ask.hit_with_fresh(old, fresh, cuts))
