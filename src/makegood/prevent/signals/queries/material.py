"""What the detector is given: purchases that could have failed, and cases, as Arrow tables.

History comes from the lake, what is new from the database. What is new is told by when it was *written* there, which
the identifiers say (UUIDv7): an order of yesterday that is imported tonight is new tonight, and nothing is read twice.
"""

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from django.db import connection

from makegood.engines.lake.read import Lake
from makegood.ground.retail.facts import EXPOSURES, MOMENT
from makegood.prevent import casing
from makegood.prevent.slices import DIMENSIONS

SETTLED_AFTER: Final = timedelta(days=2)
"""A purchase counts when something was sent, when it was made in a store, or after so long: until then nobody knows
what it will travel with, and it would count for no carrier."""

MARGIN: Final = timedelta(seconds=2)
"""Clocks of machines differ by less: what was written longer ago is surely seen."""


def of_purchases(dimensions: Sequence[str]) -> list[str]:
    """Those dimensions that purchases have."""
    return [name for name in dimensions if not DIMENSIONS[name].from_case]


def exposure_schema(dimensions: Sequence[str]) -> pa.Schema:
    return pa.schema({"at": MOMENT, **{name: pa.string() for name in of_purchases(dimensions)}})


def case_schema(dimensions: Sequence[str]) -> pa.Schema:
    first = {"case_id": pa.string(), "reported_at": MOMENT, "exposed_at": MOMENT}
    return pa.schema({**first, **{name: pa.string() for name in dimensions}, "corrected": pa.string()})


def surely_visible() -> datetime:
    """A moment before which everything that was written is visible to us: no transaction from before then is open.

    One SQL query.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT least(clock_timestamp(), (
                SELECT min(xact_start) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid())) - make_interval(secs => %s)
            """,
            [MARGIN.total_seconds()],
        )
        bound: datetime = cursor.fetchone()[0]
        return bound


def written_at(moment: datetime) -> uuid.UUID:
    """The smallest identifier that can have been given at a moment."""
    return uuid.UUID(int=int(moment.timestamp() * 1000) << 80)


# -- purchases


def past_exposures(
    lake: Lake, dimensions: Sequence[str], *, since: datetime, until: datetime, written_before: datetime
) -> pa.Table:
    """Purchases made in [since, until) that count, from the lake."""
    exposures = lake["exposures"]
    known = [exposures[name] != "" for name in ("carrier", "warehouse", "to_state", "store", "district")]
    settled = exposures["order_id"] < str(written_at(written_before - SETTLED_AFTER))
    chosen = exposures.filter(
        exposures["at"] >= since, exposures["at"] < until, exposures["order_id"] < str(written_at(written_before)),
        reduce(or_, known, settled),
    )  # fmt: skip
    found = lake.answer(chosen.select("at", *of_purchases(dimensions)).order_by("at"))
    return _unknown_as_null(found.cast(exposure_schema(dimensions)))


def fresh_exposures(dimensions: Sequence[str], *, written_since: datetime, written_before: datetime) -> pa.Table:
    """Purchases that count now and did not at the last look: written or sent meanwhile, or old enough now.

    One SQL query: index scans of the keys of orders and shipments.
    """
    lower, upper = written_at(written_since), written_at(written_before)
    names = ["at", *of_purchases(dimensions)]
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT {", ".join(names)} FROM (
                SELECT {EXPOSURES.columns} FROM {EXPOSURES.source}
                WHERE o.id = ANY(ARRAY(
                    SELECT id FROM retail_order WHERE id >= %(lower)s AND id < %(upper)s
                    UNION SELECT order_id FROM retail_shipment WHERE id >= %(lower)s AND id < %(upper)s
                    UNION SELECT id FROM retail_order WHERE id >= %(settled_lower)s AND id < %(settled_upper)s))
                AND {_COUNTS.format(bound="upper")} AND NOT {_COUNTS.format(bound="lower")}
            ) AS told ORDER BY at
            """,
            {"lower": lower, "upper": upper, "settled_lower": written_at(written_since - SETTLED_AFTER),
             "settled_upper": written_at(written_before - SETTLED_AFTER)},
        )  # fmt: skip
        return _unknown_as_null(_table(cursor.fetchall(), exposure_schema(dimensions)))


# Whether an order counts, seen from a bound.
_COUNTS: Final = """(o.id < %({bound})s AND (o.id < %(settled_{bound})s OR o.place_id IS NOT NULL OR EXISTS (
    SELECT FROM retail_shipment first WHERE first.order_id = o.id AND first.id < %({bound})s)))"""


# -- cases


def past(
    dimensions: Sequence[str], *, since: datetime, until: datetime, written_before: datetime
) -> Iterator[tuple[datetime, datetime, pa.Table]]:
    """Begin and end of each part of a stretch of time, and the cases told in it: as they opened, then again when
    their reason was corrected.

    One purchase that fails is one failure, however many cases tell of it: of each kind its first case counts. Of a case
    corrected more than once, what is known today is told at the last time; what came after `until` is not known.

    SQL queries: one per page of `casing.each_opened`, and two for each part.
    """
    bound = written_at(written_before)
    corrections: list[tuple[Any, ...]] = []
    for begins, ends in steps(since, until):
        opened = [it for it in casing.each_opened(begins, ends, as_opened=True) if it.id < bound and not it.again]
        rows = [
            (str(it.id), it.opened_at, it.exposed_at, *(it.dimensions.get(name) for name in dimensions), None)
            for it in opened
        ]
        when = {case: at for case, at in casing.corrected([it.id for it in opened]).items() if at < until}
        before = {it.id: it.dimensions for it in opened}
        for now in casing.of_cases(list(when)):
            corrections += _correction(now, when[now.id], before[now.id], dimensions)
        corrections.sort(key=lambda row: row[1])
        due = sum(at < ends for _, at, *_ in corrections)
        yield begins, ends, _table(rows + corrections[:due], case_schema(dimensions))
        del corrections[:due]


def _correction(
    now: casing.CaseInSlices, at: datetime, before: Mapping[str, str], dimensions: Sequence[str]
) -> list[tuple[Any, ...]]:
    """The row that tells a case again, if it is of other slices than it was told to be."""
    known = {name: now.dimensions.get(name) for name in dimensions}
    news = [name for name, value in known.items() if value and value != before.get(name)]
    return [(str(now.id), at, now.exposed_at, *known.values(), ",".join(news))] if news and not now.again else []


def fresh_cases(
    dimensions: Sequence[str], *, after: datetime, until: datetime, written_since: datetime, written_before: datetime
) -> pa.Table:
    """Cases written since the last look. What opened before it (an import of old mail) is reported now: nobody knew.

    As in `past_cases`, only the first case of a purchase and kind counts.

    One SQL query, an index scan of the key of cases.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT id::text, least(greatest(opened_at, %(after)s), %(until)s) AS reported_at, exposed_at,
                   {", ".join(dimensions)}, NULL
            FROM ({casing.SQL} WHERE c.id >= %(lower)s AND c.id < %(upper)s) AS told
            WHERE NOT again
            ORDER BY reported_at, id
            """,
            {"after": after + timedelta(microseconds=1), "until": until, "lower": written_at(written_since),
             "upper": written_at(written_before)},
        )  # fmt: skip
        return _table(cursor.fetchall(), case_schema(dimensions))


def fresh_corrections(
    dimensions: Sequence[str], *, after: datetime, until: datetime, written_since: datetime, written_before: datetime
) -> pa.Table:
    """Cases that were judged before and whose reason a person corrected since the last look.

    Two SQL queries: an index scan of the key of events, and the cases with what they were judged as.
    """
    bounds = [written_at(written_since), written_at(written_before)]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT case_id, max(changed.at), judged.dimensions
            FROM cases_caseevent changed JOIN signals_judgedcase judged USING (case_id)
            WHERE changed.id >= %s AND changed.id < %s AND changed.seq > 1 AND changed.actor_id IS NOT NULL
              AND changed.changes ? 'reason_id'
            GROUP BY case_id, judged.dimensions
            """,
            bounds,
        )
        judged = {case: (at, before) for case, at, before in cursor}
    rows: list[tuple[Any, ...]] = []
    for now in casing.of_cases(list(judged)):
        at, before = judged[now.id]
        at = min(max(at, after + timedelta(microseconds=1)), until)
        rows += _correction(now, at, before if isinstance(before, dict) else json.loads(before), dimensions)
    return _table(rows, case_schema(dimensions))


def steps(since: datetime, until: datetime, *, days: int = 14) -> Iterator[tuple[datetime, datetime]]:
    """A stretch of time in parts that fit into memory."""
    while since < until:
        following = min(since + timedelta(days=days), until)
        yield since, following
        since = following


def _table(rows: Sequence[Sequence[Any]], schema: pa.Schema) -> pa.Table:
    columns = list(zip(*rows, strict=True)) or [()] * len(schema)
    return pa.table([pa.array(column, kind) for column, kind in zip(columns, schema.types, strict=True)], schema=schema)


def _unknown_as_null(found: pa.Table) -> pa.Table:
    for n, field in enumerate(found.schema):
        if pa.types.is_string(field.type):
            column = found.column(n)
            found = found.set_column(n, field, pc.if_else(pc.equal(column, ""), None, column))
    return found
