"""What the detector is given: purchases that could have failed, and cases, as Arrow tables.

History comes from the lake, what is new from the database. What is new is told by when it was *written* there, which
the identifiers say (UUIDv7): an order of yesterday that is imported tonight is new tonight, and nothing is read twice.
"""

import uuid
from collections.abc import Iterator, Sequence
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
    return pa.schema({**first, **{name: pa.string() for name in dimensions}})


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


def past_cases(
    dimensions: Sequence[str], *, since: datetime, until: datetime, written_before: datetime, as_opened: bool = False
) -> pa.Table:
    """Cases opened in [since, until), in that order. `as_opened`: as they were then, so that a reason which was
    corrected later is not known. One SQL query per page of `casing.each_opened`.

    One purchase that fails is one failure, however many cases tell of it: of each kind its first case counts.
    """
    bound = written_at(written_before)
    rows = [
        (str(it.id), it.opened_at, it.exposed_at, *(it.dimensions.get(name) for name in dimensions))
        for it in casing.each_opened(since, until, as_opened=as_opened)
        if it.id < bound and not it.again
    ]
    return _table(rows, case_schema(dimensions))


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
                   {", ".join(dimensions)}
            FROM ({casing.SQL} WHERE c.id >= %(lower)s AND c.id < %(upper)s) AS told
            WHERE NOT again
            ORDER BY reported_at, id
            """,
            {"after": after + timedelta(microseconds=1), "until": until, "lower": written_at(written_since),
             "upper": written_at(written_before)},
        )  # fmt: skip
        return _table(cursor.fetchall(), case_schema(dimensions))


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
