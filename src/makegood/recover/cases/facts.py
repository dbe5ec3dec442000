"""What the lake keeps of cases: one row a case, by the month it was opened. No names, no words of people."""

from datetime import datetime

import pyarrow as pa

from makegood.engines.lake.export import FactTable
from makegood.recover.cases.unasked import ASKED_AT

MOMENT = pa.timestamp("us", tz="UTC")
MONEY = pa.decimal128(14, 2)


def _cases_changed(since: datetime) -> str:
    # Every change of a case writes an event, and events are numbered by the clock on the wall. `changed_at` would not
    # do: a case that is replayed from history carries the time of its story.
    milliseconds = f"{int(since.timestamp() * 1000):012x}"
    first = f"{milliseconds[:8]}-{milliseconds[8:]}-7000-8000-000000000000"
    return f"SELECT case_id FROM cases_caseevent WHERE id >= '{first}'::uuid"


CASES = FactTable(
    name="cases",
    schema=pa.schema(
        {
            "case_id": pa.string(), "number": pa.int64(), "source": pa.string(), "reason": pa.string(),
            "locus": pa.string(), "severity": pa.int16(), "queue": pa.string(), "channel": pa.string(),
            "opened_at": MOMENT, "asked_at": MOMENT, "first_response_at": MOMENT, "resolved_at": MOMENT,
            "outcome": pa.string(), "place_id": pa.string(), "order_id": pa.string(), "value": MONEY,
            "currency": pa.string(),
        }
    ),
    columns=f"""
        c.id::text, c.number, coalesce(of_order.slug, of_customer.slug, ''), r.code, c.locus, c.severity, q.slug,
        c.channel, c.opened_at, {ASKED_AT.format("c")}, c.first_response_at, c.resolved_at, c.outcome, c.place_id::text,
        c.order_id::text, c.value, c.currency
    """,
    source="""
        cases_case c
        JOIN cases_reason r ON r.id = c.reason_id
        JOIN cases_queue q ON q.id = c.queue_id
        LEFT JOIN retail_order o ON o.id = c.order_id
        LEFT JOIN retail_source of_order ON of_order.id = o.source_id
        LEFT JOIN retail_customer k ON k.id = c.customer_id
        LEFT JOIN retail_source of_customer ON of_customer.id = k.source_id
    """,
    key="c.id",
    month="c.opened_at",
    changed=_cases_changed,
    month_moves=False,
)  # fmt: skip
