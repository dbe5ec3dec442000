"""Affected orders equal a plain loop over all rows, and are the same on DuckDB and on Spark."""

import random
import shutil
import warnings
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import ibis
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from makegood.engines.lake import affected as ask
from makegood.ground.retail.facts import EXPOSURES

pytestmark = pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning")  # ibis 12 with duckdb 2

START = datetime(2026, 3, 27, tzinfo=UTC)
# What has ever broken a quoting, a comparison of texts or a cast.
VALUES = [
    "",
    None,
    "a",
    "A",
    "a ",
    "ä",
    "a\u0308",
    "ключ",
    "日本",
    "it's",
    'say "x"',
    "a\\nb",
    "50%_",
    "NULL",
    "\U0001f4e6",
    "1",
]
DIMENSIONS = EXPOSURES.schema.names[5:-2]
CUT = ("carrier", "product", "batch", "to_state", "how")


def rows(dice, count):
    """Lines of orders, many of them at one moment, some a microsecond apart, through the night clocks go forward."""
    for number in range(count):
        order = f"o{dice.randrange(max(1, count // 2))}"
        steady = random.Random(order)  # what all lines of one order share
        at = START + timedelta(hours=steady.randrange(96), microseconds=steady.choice([0, 0, 1, 999_999]))
        yield {
            "order_id": order, "exposure_id": str(number), "customer_id": f"k{steady.randrange(20)}", "source": "shop",
            "at": at, "value": Decimal(dice.randrange(100_000)) / 100, "currency": steady.choice(["GBP", "EUR"]),
            **{name: dice.choice(VALUES) if name in CUT else "" for name in DIMENSIONS},
        }  # fmt: skip


class World:
    """Rows as the lake has them, newer ones beside, and the predicates to ask."""

    def __init__(self, seed, folder):
        dice = random.Random(seed)
        self.old, self.fresh = list(rows(dice, 900)), list(rows(dice, 60))
        self.paths = {}
        for name, told in (("old", self.old), ("fresh", self.fresh)):
            self.paths[name] = str(folder / f"{name}.parquet")
            pq.write_table(pa.Table.from_pylist(told, schema=EXPOSURES.schema), self.paths[name])

    def predicates(self, seed, count):
        dice = random.Random(seed)
        moments = sorted({row["at"] for row in self.old})
        for _ in range(count):
            yield [self.cut(dice, moments) for _ in range(dice.choice([1, 1, 2, 3]))]

    def cut(self, dice, moments):
        since, until = sorted(dice.sample(moments, 2))
        any_of = {
            name: dice.sample([value for value in VALUES if value is not None], dice.randrange(0, 6))
            for name in dice.sample(CUT, dice.randrange(3))
        }
        return {"any_of": any_of, "since": dice.choice([None, since]), "until": dice.choice([None, until])}

    def loop(self, predicate):
        """What was hit by one or more of its cuts, row by row."""
        newer = {row["order_id"] for row in self.fresh}
        for row in [row for row in self.old if row["order_id"] not in newer] + self.fresh:
            if any(is_hit(row, **cut) for cut in predicate):
                yield row

    def expected(self, predicate):
        hits = list(self.loop(predicate))
        orders, quarters, currencies, products = {}, defaultdict(set), defaultdict(set), defaultdict(set)
        worth = Counter()
        for row in hits:
            key = row["order_id"], row["customer_id"], row["currency"]
            at, value, lines = orders.get(key, (row["at"], Decimal(0), 0))
            orders[key] = min(at, row["at"]), value + row["value"], lines + 1
            quarters[int(row["at"].timestamp()) // 900].add(row["order_id"])
            currencies[row["currency"]].add(row["order_id"])
            worth[row["currency"]] += row["value"]
            if row["product"]:
                products[row["product"]].add(row["order_id"])
        return {
            "orders": orders,
            "totals": (len({row["order_id"] for row in hits}), len({row["customer_id"] for row in hits})),
            "quarters": {quarter: len(found) for quarter, found in quarters.items()},
            "currencies": {name: (len(found), worth[name]) for name, found in currencies.items()},
            "most": sorted((len(found) for found in products.values()), reverse=True)[:3],
        }  # fmt: skip


def is_hit(row, any_of, since, until):
    return (
        bool(any_of)
        and all(row[name] is not None and row[name] in values for name, values in any_of.items())
        and (since is None or row["at"] >= since)
        and (until is None or row["at"] < until)
    )


def answers(engine, tables, predicate):
    """What an engine says."""
    hits = ask.hit_with_fresh(*tables, [ask.Cut(**cut) for cut in predicate])
    get = lambda table: engine.to_pyarrow(table).to_pylist()  # noqa: E731
    [total] = get(ask.totals(hits))
    return {
        "orders": {
            (row["order_id"], row["customer_id"], row["currency"]): (row["at"], row["value"], row["lines"])
            for row in get(ask.affected_orders(hits))
        },
        "totals": (total["orders"], total["customers"]),
        "quarters": {row["quarter"]: row["orders"] for row in get(ask.orders_by_quarter(hits))},
        "currencies": {row["currency"]: (row["orders"], row["value"]) for row in get(ask.value_by_currency(hits))},
        "most": [row["orders"] for row in get(ask.most_hit(hits, "product", limit=3))],
    }


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    return World(3, tmp_path_factory.mktemp("exposures"))


@pytest.fixture(scope="module")
def duckdb(world):
    engine = ibis.duckdb.connect()
    yield engine, [engine.read_parquet(world.paths[name], table_name=name) for name in ("old", "fresh")]
    engine.disconnect()


@pytest.fixture(scope="module")
def spark(world):
    pytest.importorskip("pyspark", reason="Spark is not installed: `pip install makegood[spark]`.")
    if not shutil.which("java"):
        pytest.skip("Spark needs Java, and there is none here.")
    from pyspark.sql import SparkSession

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        session = (
            SparkSession.builder.master("local[1]").appName("makegood")
            .config("spark.ui.enabled", "false").config("spark.sql.shuffle.partitions", "1")
            .config("spark.driver.bindAddress", "127.0.0.1").config("spark.driver.host", "127.0.0.1")
            .config("spark.sql.session.timeZone", "America/Sao_Paulo")  # whatever a cluster is set to
            .getOrCreate()
        )  # fmt: skip
        engine = ibis.pyspark.connect(session)
        yield engine, [engine.read_parquet(world.paths[name], table_name=name) for name in ("old", "fresh")]
        session.stop()


def test_duckdb_finds_what_a_loop_over_all_rows_finds(world, duckdb):
    found = 0
    for predicate in world.predicates(1, 60):
        expected = world.expected(predicate)
        assert answers(*duckdb, predicate) == expected, predicate
        found += expected["totals"][0]
    assert found > 300  # not all of it about nothing


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # of Spark about pandas
@pytest.mark.enable_socket
def test_spark_finds_the_same(world, spark):
    for predicate in world.predicates(2, 6):
        assert answers(*spark, predicate) == world.expected(predicate), predicate
