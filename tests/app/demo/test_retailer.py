"""The demo retailer as rows of the feed: reproducible, consistent, and wrong exactly where it should be."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from makegood.app.demo import year
from makegood.app.demo.catalogue import PLACES
from makegood.app.demo.happenings import nickname
from makegood.app.demo.hidden import BATCH, HIDDEN, LABELS, LANE, SUNDAYS
from makegood.app.demo.tables import Retailer
from makegood.app.demo.year import LONDON, Plan
from makegood.engines.language.reasons import find_reason
from makegood.recover.cases.reasons import DEFAULT_REASONS

END = datetime(2026, 3, 1, 8, tzinfo=UTC)


def tables(plan: Plan) -> dict[str, pa.Table]:
    return {name: pa.Table.from_batches(batches) for name, batches in Retailer(plan).tables().items()}


@pytest.fixture(scope="module")
def plan():
    return Plan(seed=7, end=END, scale=0.5)


@pytest.fixture(scope="module")
def retailer(plan):
    return tables(plan)


@pytest.fixture(scope="module")
def reasons(plan):
    return Retailer(plan).reasons()


def test_the_same_seed_and_end_give_the_same_rows():
    plan = Plan(seed=3, end=END, scale=0.02)

    assert tables(plan) == tables(Plan(seed=3, end=END, scale=0.02))


def test_another_seed_gives_another_year():
    one, other = (tables(Plan(seed=seed, end=END, scale=0.02)) for seed in (3, 4))

    assert one["orders"] != other["orders"]
    assert one["orders"].num_rows == other["orders"].num_rows == 600


def test_a_year_made_in_parts_is_whole(monkeypatch):
    monkeypatch.setattr(year, "CHUNK", 250)
    made = tables(Plan(seed=3, end=END, scale=0.05))

    refs = made["orders"]["ref"].to_pylist()
    assert len(refs) == len(set(refs)) == 1500
    assert made["orders"]["placed_at"].to_pylist()[0] < made["orders"]["placed_at"].to_pylist()[-1]
    assert set(made["order_lines"]["order"].to_pylist()) == set(refs)


def test_nothing_is_known_before_it_happens(retailer):
    promises = {"promised_at", "handover_due_at"}
    for name, table in retailer.items():
        for column in table.column_names:
            if pa.types.is_timestamp(table.schema.field(column).type) and column not in promises:
                latest = pc.max(table[column]).as_py()
                assert latest is None or latest <= END, (name, column)
                earliest = pc.min(table[column]).as_py()
                assert earliest is None or earliest >= END - timedelta(days=366), (name, column)


def test_every_reference_leads_somewhere(retailer):
    parents = {
        "orders": {"customer": "customers", "place": "places"},
        "shipments": {"order": "orders", "carrier": "vendors", "seller": "vendors", "warehouse": "places"},
        "order_lines": {"order": "orders", "product": "products", "seller": "vendors"},
        "payments": {"order": "orders"},
        "tracking_events": {"shipment": "shipments"},
        "returns": {"order": "orders", "line": "order_lines"},
        "reviews": {"customer": "customers", "order": "orders", "place": "places"},
        "contacts": {"customer_ref": "customers", "order_ref": "orders", "place": "places"},
    }
    for name, fields in parents.items():
        for field, parent in fields.items():
            assert set(retailer[name][field].to_pylist()) <= {"", *retailer[parent]["ref"].to_pylist()}, (name, field)


def test_references_are_unique(retailer):
    for name, table in retailer.items():
        assert pc.count_distinct(table["ref"]).as_py() == table.num_rows, name


def test_what_is_paid_is_what_is_bought(retailer):
    lines = retailer["order_lines"]
    totals: dict[str, int] = {}
    for order, quantity, price, freight in zip(
        *(lines[c].to_pylist() for c in ("order", "quantity", "unit_price", "freight")), strict=True
    ):
        totals[order] = totals.get(order, 0) + quantity * price + freight
    orders = dict(zip(retailer["orders"]["ref"].to_pylist(), retailer["orders"]["total"].to_pylist(), strict=True))
    assert orders == totals
    paid = retailer["payments"].to_pylist()
    assert all(orders[row["order"]] == row["amount"] for row in paid)
    twice = [row for row in paid if row["ref"].endswith("-2")]
    assert len(paid) == len(orders) + len(twice)


def test_a_parcel_is_scanned_in_the_order_of_its_journey(retailer):
    delivered = dict(
        zip(retailer["shipments"]["ref"].to_pylist(), retailer["shipments"]["delivered_at"].to_pylist(), strict=True)
    )
    for row in retailer["tracking_events"].to_pylist():
        if row["kind"] == "delivered":
            assert row["at"] == delivered[row["shipment"]]
        elif delivered[row["shipment"]] and row["kind"] in ("accepted", "ready", "out_for_delivery"):
            assert row["at"] < delivered[row["shipment"]]


def test_nobody_in_it_is_real(retailer):
    addresses = [a for name in ("customers", "vendors") for a in retailer[name]["email"].to_pylist()]
    addresses += [a for a in retailer["contacts"]["author"].to_pylist() if "@" in a[1:]]
    assert all(re.search(r"@[a-z.]*\bexample\.(com|org|net)$", address) for address in addresses)
    assert len(set(retailer["customers"]["email"].to_pylist())) == retailer["customers"].num_rows
    # The range that Ofcom keeps for drama, and letters that no postcode ends in.
    assert all(re.fullmatch(r"07700 900\d{3}", phone) for phone in retailer["customers"]["phone"].to_pylist())
    assert all(re.search(r"\d[CIKMOV]{2}$", code) for code in retailer["customers"]["postal_code"].to_pylist())


def test_some_customers_have_two_accounts_under_one_name(retailer):
    by_person: dict[str, set[str]] = {}
    for row in retailer["customers"].to_pylist():
        if row["person_ref"]:
            by_person.setdefault(row["person_ref"], set()).add(row["name"])
    assert by_person
    assert all(len(names) == 1 for names in by_person.values())


def test_christmas_evenings_and_sundays_show(retailer):
    moments, channels = (retailer["orders"][name].to_pylist() for name in ("placed_at", "channel"))
    placed = [(moment.astimezone(LONDON), channel) for moment, channel in zip(moments, channels, strict=True)]
    december = sum(1 for m, _ in placed if (m.month, m.day) >= (12, 1) and (m.month, m.day) <= (12, 20))
    june = sum(1 for m, _ in placed if m.month == 6 and m.day <= 20)
    assert december > 1.3 * june
    online = [m.hour for m, channel in placed if channel == "online"]
    assert sum(19 <= h <= 21 for h in online) > 2 * sum(5 <= h <= 7 for h in online)
    shops = [m for m, channel in placed if channel == "store"]
    assert all(9 <= m.hour < 20 for m in shops)
    assert all(11 <= m.hour < 16 for m in shops if m.weekday() == 6)


# -- what is hidden


def rate(failing: int, exposed: int) -> float:
    return failing / max(exposed, 1)


def test_one_lane_loses_parcels(retailer, reasons):
    hidden = HIDDEN[LANE]
    since, _ = hidden.window(END)
    placed = dict(zip(retailer["orders"]["ref"].to_pylist(), retailer["orders"]["placed_at"].to_pylist(), strict=True))
    counts = {True: [0, 0], False: [0, 0]}
    for row in retailer["shipments"].to_pylist():
        if row["promised_at"] > END or not row["carrier"]:
            continue
        inside = (
            row["carrier"] == hidden.where["carrier_ref"] and row["warehouse"] == hidden.where["warehouse_ref"]
            and row["to_state"] == hidden.where["to_state"] and placed[row["order"]] >= since
        )  # fmt: skip
        counts[inside][0] += row["delivered_at"] is None and reasons.get(row["order"]) == hidden.reason
        counts[inside][1] += 1
    assert counts[True][1] >= 20
    assert rate(*counts[True]) > 0.08
    assert rate(*counts[False]) < 0.015


def test_one_batch_stops_heating(retailer, reasons):
    hidden = HIDDEN[BATCH]
    bad = {r["order"] for r in retailer["order_lines"].to_pylist() if r["batch"] == hidden.where["batch"]}
    other = {
        r["order"] for r in retailer["order_lines"].to_pylist() if r["product"] == hidden.where["product_ref"]
    } - bad
    assert rate(sum(reasons.get(o) == hidden.reason for o in bad), len(bad)) > 0.15
    assert rate(sum(reasons.get(o) == hidden.reason for o in other), len(other)) < 0.05
    placed = dict(zip(retailer["orders"]["ref"].to_pylist(), retailer["orders"]["placed_at"].to_pylist(), strict=True))
    since, until = hidden.window(END)
    assert all(since <= placed[order] <= until for order in bad)


def test_on_sundays_nobody_is_in_one_section(retailer, reasons):
    hidden = HIDDEN[SUNDAYS]
    since, _ = hidden.window(END)
    found = [
        row for row in retailer["contacts"].to_pylist()
        if reasons.get(row["ref"]) == hidden.reason and row["place"] == hidden.where["place_ref"] and row["at"] >= since
    ]  # fmt: skip
    assert len(found) >= 8
    assert sum(row["at"].astimezone(LONDON).weekday() == 6 for row in found) >= 0.8 * len(found)


def test_one_week_of_labels_is_wrong_in_one_district(retailer, reasons):
    hidden = HIDDEN[LABELS]
    since, until = hidden.window(END)
    stores = {row.ref for row in PLACES if row.parent_ref == hidden.where["district_ref"]}
    counts = {True: [0, 0], False: [0, 0]}
    for row in retailer["orders"].to_pylist():
        if row["channel"] == "store":
            inside = row["place"] in stores and since <= row["placed_at"] < until
            counts[inside][0] += reasons.get(row["ref"]) == hidden.reason
            counts[inside][1] += 1
    assert rate(*counts[True]) > 0.12
    assert rate(*counts[False]) < 0.01


def test_what_is_hidden_is_documented():
    page = (Path(__file__).parents[3] / "docs/tutorial/demo.md").read_text(encoding="utf-8")
    for hidden in HIDDEN.values():
        assert f"`{hidden.name}`" in page
        for column, value in hidden.where.items():
            assert value.lower() in page.lower(), (hidden.name, column)


def test_everything_else_goes_wrong_a_little_too(reasons):
    leaves = {row.code for row in DEFAULT_REASONS if "." in row.code}
    # An overdue parcel is a late one that has not come yet.
    assert leaves - {"delivery.overdue"} <= set(reasons.values())


def test_what_customers_write_is_mostly_understood(retailer, reasons):
    first = [row for row in retailer["contacts"].to_pylist() if not row["ref"].endswith("-2")]
    known = [row for row in first if reasons[row["ref"]] != "other.unclear"]
    right = 0
    for row in known:
        found = find_reason(f"{row['subject']}\n{row['body']}", language="en")
        right += found is not None and found.reason == reasons[row["ref"]]
    assert 0.8 < right / len(known) < 1


def test_who_bought_nothing_speaks_of_no_order_and_no_receipt(retailer):
    visitors = [row["body"] for row in retailer["contacts"].to_pylist() if row["ref"].startswith("TS")]
    assert len(visitors) > 10
    assert not [body for body in visitors if "order :" in body or "receipt" in body]


def test_texts_vary(retailer):
    bodies = retailer["contacts"]["body"].to_pylist()
    assert len(set(bodies)) > 0.85 * len(bodies)
    assert not any("{" in body or "  " in body for body in bodies)


@pytest.mark.parametrize(
    ("name", "short"),
    [("Norwick 1.7 L glass kettle", "glass kettle"), ("Holmcroft stoneware mugs, set of 6", "stoneware mugs"),
     ("Oak bedside table", "Oak bedside table")],
)  # fmt: skip
def test_people_shorten_the_names_of_products(name, short):
    assert nickname(name) == short
