"""The questions of the weekly report give what a plain loop gives, on small random tables."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import ibis
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from makegood.engines.lake import weekly as ask

pytestmark = pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")  # ibis 12 with duckdb 2

MONDAY = datetime(2018, 2, 5, tzinfo=UTC)
BOUNDS = tuple(MONDAY + timedelta(weeks=week) for week in range(4))
# Whole hours, so that moments often fall on a bound of a week and on one another.
hours = st.integers(-50, 4 * 168).map(lambda hour: MONDAY + timedelta(hours=hour))
maybe = st.none() | hours
known = hours.map(lambda moment: max(moment, MONDAY))

COMMON = {"source": st.sampled_from(["olist", "shop"]), "place_id": st.sampled_from([None, "a", "b"])}
orders = st.fixed_dictionaries({"due_at": hours, **COMMON})
shipments = st.fixed_dictionaries(
    {
        "promised_at": maybe, "delivered_at": maybe, "cancelled_at": maybe,
        "order_status": st.sampled_from(["shipped", "delivered"]),
        "from_state": st.sampled_from(["", "SP", "RJ"]), "to_state": st.sampled_from(["", "SP", "BA"]), **COMMON,
    }
)  # fmt: skip
cases = st.fixed_dictionaries(
    {"asked_at": maybe, "resolved_at": maybe, "reason": st.sampled_from(["late", "lost", "faulty"]), **COMMON}
)
MOMENT = "timestamp('UTC', 6)"
SCHEMAS = {
    "orders": {"due_at": MOMENT, "source": "string", "place_id": "string"},
    "shipments": {
        "promised_at": MOMENT, "delivered_at": MOMENT, "cancelled_at": MOMENT, "order_status": "string",
        "from_state": "string", "to_state": "string", "source": "string", "place_id": "string",
    },
    "cases": {"asked_at": MOMENT, "resolved_at": MOMENT, "reason": "string", "source": "string", "place_id": "string"},
}  # fmt: skip

weeks = ask.Weeks(BOUNDS)
many = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def engine():
    connection = ibis.duckdb.connect()
    yield connection
    connection.disconnect()


def table(name, rows):
    return ibis.memtable(rows, schema=SCHEMAS[name])


def week_of(moment):
    return next((w for w in range(3) if moment and BOUNDS[w] <= moment < BOUNDS[w + 1]), None)


def answer(engine, question):
    return engine.to_pyarrow(question).to_pylist()


@many
@given(rows=st.lists(orders, max_size=30), as_of=known)
def test_orders_due(engine, rows, as_of):
    found = answer(engine, ask.orders_due(table("orders", rows), weeks, as_of=as_of))
    counted = Counter(week_of(row["due_at"]) for row in rows if row["due_at"] <= as_of)
    assert {row["week"]: row["orders"] for row in found} == {week: n for week, n in counted.items() if week is not None}


@many
@given(rows=st.lists(cases, max_size=30), as_of=known)
def test_cases_opened(engine, rows, as_of):
    found = answer(engine, ask.cases_opened(table("cases", rows), weeks, as_of=as_of))
    counted = Counter(
        (week_of(row["asked_at"]), row["reason"])
        for row in rows
        if week_of(row["asked_at"]) is not None and row["asked_at"] <= as_of
    )
    assert {(row["week"], row["reason"]): row["cases"] for row in found} == counted


def due_and_late(row, as_of):
    """None: not a promise that came due; else whether it was late."""
    promised = row["promised_at"]
    if promised is None or promised > as_of or week_of(promised) is None:
        return None
    if row["cancelled_at"] is not None and row["cancelled_at"] <= promised:
        return None
    if row["delivered_at"] is None and row["order_status"] == "delivered":
        return None
    return row["delivered_at"] is None or row["delivered_at"] > promised


@many
@given(rows=st.lists(shipments, max_size=40), as_of=known)
def test_late_by_week_and_by_route(engine, rows, as_of):
    promises = ask.promises_due(table("shipments", rows), weeks, as_of=as_of)
    due, late, sliced = Counter(), Counter(), {}
    for row in rows:
        was_late = due_and_late(row, as_of)
        if was_late is None:
            continue
        week = week_of(row["promised_at"])
        due[week] += 1
        late[week] += was_late
        if row["from_state"] and row["to_state"]:
            cell = sliced.setdefault(f"{row['from_state']} → {row['to_state']}", Counter())
            for name, counts in (("", week == 2), ("_before", week == 0), ("_long", week >= 1)):
                cell[f"due{name}"] += counts
                cell[f"late{name}"] += counts and was_late

    assert {row["week"]: (row["due"], row["late"]) for row in answer(engine, ask.late_by_week(promises))} == {
        week: (due[week], late[week]) for week in due
    }
    found = answer(engine, ask.late_by_slice(promises, "route", this=2, baseline=[0], since=1))
    assert {row.pop("slice"): row for row in found} == sliced


@many
@given(rows=st.lists(cases, max_size=30), as_of=known)
def test_waits(engine, rows, as_of):
    found = answer(engine, ask.waits(table("cases", rows), weeks, until="resolved_at", as_of=as_of))
    expected = [
        (week_of(row["resolved_at"]), row["asked_at"], row["resolved_at"])
        for row in rows
        if week_of(row["resolved_at"]) is not None
        and row["resolved_at"] <= as_of
        and row["asked_at"]
        and row["asked_at"] <= row["resolved_at"]
    ]
    assert sorted((row["week"], row["asked_at"], row["ended_at"]) for row in found) == sorted(expected)


@many
@given(rows=st.lists(orders, max_size=20), places=st.none() | st.lists(st.sampled_from(["a", "b"]), unique=True))
def test_source_and_places_narrow(engine, rows, places):
    asked = ask.in_places(ask.of_source(table("orders", rows), "olist"), places)
    expected = [row for row in rows if row["source"] == "olist" and (places is None or row["place_id"] in places)]
    assert len(answer(engine, asked)) == len(expected)


@many
@given(rows=st.lists(orders, max_size=20), later=st.lists(orders, max_size=20), as_of=known)
def test_what_becomes_known_later_changes_nothing(engine, rows, later, as_of):
    later = [row for row in later if row["due_at"] > as_of]
    before = answer(engine, ask.orders_due(table("orders", rows), weeks, as_of=as_of))
    assert answer(engine, ask.orders_due(table("orders", rows + later), weeks, as_of=as_of)) == before


def test_no_baseline_is_a_baseline_without_shipments(engine):
    row = {
        "promised_at": BOUNDS[2], "delivered_at": None, "cancelled_at": None, "order_status": "shipped",
        "from_state": "SP", "to_state": "BA", "source": "olist", "place_id": None,
    }  # fmt: skip
    promises = ask.promises_due(table("shipments", [row]), weeks, as_of=BOUNDS[3])
    (found,) = answer(engine, ask.late_by_slice(promises, "to_state", this=2, baseline=[], since=0))
    assert (found["due"], found["late"], found["due_before"]) == (1, 1, 0)
