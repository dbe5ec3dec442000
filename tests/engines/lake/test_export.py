"""Refreshing the lake from a real PostgreSQL: complete, incremental, safe against being killed or doubled."""

import threading
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from makegood.engines.lake import export
from makegood.engines.lake.export import FactTable, refresh
from makegood.engines.lake.read import open_lake
from makegood.engines.lake.store import LakeBusy, Store
from makegood.prevent.lake import dsn

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:fetch_arrow_table:DeprecationWarning"),  # ibis 12 with duckdb 2
]
NOW = datetime(2018, 3, 20, tzinfo=UTC)
MARCH, APRIL = datetime(2018, 3, 5, tzinfo=UTC), datetime(2018, 4, 5, tzinfo=UTC)


def changed(since):
    return f"SELECT id FROM parcel WHERE changed_at >= '{since.isoformat()}'::timestamptz"


PARCELS = FactTable(
    name="parcels",
    schema=pa.schema(
        {"id": pa.string(), "at": pa.timestamp("us", tz="UTC"), "price": pa.decimal128(14, 2), "late": pa.bool_()}
    ),
    columns="p.id::text, p.at, p.price, p.late",
    source="parcel p",
    key="p.id",
    month="p.at",
    changed=changed,
)


@pytest.fixture
def database():
    """A table of our own, and a connection that commits."""
    with psycopg.connect(dsn(), autocommit=True) as ours:
        ours.execute(
            "CREATE TABLE parcel (id int PRIMARY KEY, at timestamptz, price numeric(12, 2), late bool, "
            "changed_at timestamptz)"
        )
        yield ours
        ours.execute("DROP TABLE parcel")


@pytest.fixture
def put(database):
    def put(number, at, price="1.50", late=None, changed_at=None):
        database.execute(
            "INSERT INTO parcel VALUES (%s, %s, %s, %s, coalesce(%s, clock_timestamp())) ON CONFLICT (id) DO UPDATE "
            "SET at = excluded.at, price = excluded.price, late = excluded.late, changed_at = excluded.changed_at",
            [number, at, price, late, changed_at],
        )

    return put


@pytest.fixture
def go(tmp_path):
    def go(table=PARCELS, **options):
        (result,) = refresh(dsn(), [table], str(tmp_path / "lake"), now=NOW, **options)
        return result

    return go


@pytest.fixture
def rows(tmp_path):
    def rows():
        with open_lake(str(tmp_path / "lake"), [PARCELS]) as lake:
            return sorted(
                lake.answer(lake["parcels"].select("id", "at", "price", "late")).to_pylist(), key=lambda r: int(r["id"])
            )

    return rows


@pytest.fixture
def without_margin(monkeypatch):
    """Rows written a moment ago count as old, so that a test need not wait a minute."""
    monkeypatch.setattr(export, "MARGIN", timedelta(0))


def test_everything_is_copied_exactly_into_one_file_a_month(put, go, rows, tmp_path):
    put(1, MARCH, "0.10", late=True)
    put(2, APRIL, "999999999.99")
    put(3, datetime(2018, 3, 31, 23, 30, tzinfo=UTC) - timedelta(hours=3), late=False)

    result = go()

    assert (result.rows, result.copied, result.months) == (3, 3, ["2018-03", "2018-04"])
    assert [row["price"] for row in rows()] == [Decimal("0.10"), Decimal("999999999.99"), Decimal("1.50")]
    assert [row["late"] for row in rows()] == [True, None, False]
    assert rows()[0]["at"] == MARCH
    assert sorted(p.relative_to(tmp_path / "lake").as_posix() for p in tmp_path.glob("lake/*/*/*")) == [
        "parcels/month=2018-03/part.parquet",
        "parcels/month=2018-04/part.parquet",
    ]


def test_months_are_cut_in_utc_whatever_the_zone_of_the_session(database, put, go):
    database.execute("ALTER DATABASE " + database.info.dbname + " SET timezone = 'America/Sao_Paulo'")
    try:
        put(1, datetime(2018, 4, 1, 1, 0, tzinfo=UTC))  # still March in Brazil
        assert go().months == ["2018-04"]
    finally:
        database.execute("ALTER DATABASE " + database.info.dbname + " RESET timezone")


@pytest.mark.usefixtures("without_margin")
def test_only_months_in_which_something_changed_are_written_again(put, go, rows, tmp_path):
    put(1, MARCH)
    put(2, APRIL)
    go()
    untouched = (tmp_path / "lake/parcels/month=2018-03/part.parquet").stat().st_ino

    assert go().months == []  # nothing happened
    put(2, APRIL, "7.00")
    result = go()

    assert (result.copied, result.months) == (1, ["2018-04"])
    assert [row["price"] for row in rows()] == [Decimal("1.50"), Decimal("7.00")]
    assert (tmp_path / "lake/parcels/month=2018-03/part.parquet").stat().st_ino == untouched


@pytest.mark.usefixtures("without_margin")
def test_a_row_that_moves_to_another_month_leaves_the_old_one(put, go, rows, tmp_path):
    put(1, MARCH)
    put(2, APRIL)
    go()
    put(1, APRIL)

    assert go().months == ["2018-03", "2018-04"]
    assert [row["at"] for row in rows()] == [APRIL, APRIL]
    assert not (tmp_path / "lake/parcels/month=2018-03").exists()  # nothing is left in it


@pytest.mark.usefixtures("without_margin")
def test_a_row_committed_late_is_not_missed(database, put, go, rows):
    """Stamped when its transaction began, seen when it ended: a refresh in between must not skip it."""
    put(1, MARCH, changed_at=NOW)
    with psycopg.connect(dsn()) as slow:
        slow.execute("SET TIME ZONE 'UTC'")
        slow.execute("INSERT INTO parcel VALUES (2, %s, 1, false, now())", [MARCH])
        go()
        slow.commit()
    go()
    assert [row["id"] for row in rows()] == ["1", "2"]


@pytest.mark.usefixtures("without_margin")
def test_many_changes_at_once_are_streamed_anew(put, go, rows, monkeypatch):
    put(1, MARCH)
    go()
    monkeypatch.setattr(export, "AT_ONCE", 1)
    for number in (2, 3, 4):
        put(number, APRIL)
    assert go().copied == 4
    assert len(rows()) == 4


@pytest.mark.usefixtures("without_margin")
def test_rows_deleted_leave_with_a_full_refresh(database, put, go, rows):
    put(1, MARCH)
    put(2, APRIL)
    go()
    database.execute("DELETE FROM parcel WHERE id = 2")

    go()
    assert len(rows()) == 2
    go(full=True)
    assert len(rows()) == 1


@pytest.mark.usefixtures("without_margin")
def test_a_refresh_that_dies_leaves_a_lake_that_can_be_read_and_the_next_one_completes_it(put, go, rows, monkeypatch):
    put(1, MARCH)
    put(2, APRIL)
    go()
    put(1, MARCH, "9.00")
    put(2, APRIL, "9.00")
    publish, published = Store.publish, []

    def die_at_the_second(self, path):
        if published:
            raise KeyboardInterrupt
        published.append(path)
        publish(self, path)

    monkeypatch.setattr(Store, "publish", die_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        go()
    assert [row["price"] for row in rows()] == [Decimal("9.00"), Decimal("1.50")]
    monkeypatch.setattr(Store, "publish", publish)

    go()
    assert [row["price"] for row in rows()] == [Decimal("9.00"), Decimal("9.00")]


@pytest.mark.usefixtures("without_margin")
@pytest.mark.parametrize("harm", ["truncated", "gone", "state"])
def test_files_that_are_not_as_they_were_written_are_written_again(put, go, rows, tmp_path, harm):
    put(1, MARCH)
    go()
    part = tmp_path / "lake/parcels/month=2018-03/part.parquet"
    if harm == "truncated":
        part.write_bytes(part.read_bytes()[:50])
    elif harm == "gone":
        part.unlink()
    else:
        (tmp_path / "lake/refresh.json").write_text("{")

    assert go().copied == 1
    assert len(rows()) == 1


@pytest.mark.usefixtures("without_margin")
def test_a_fact_told_in_another_way_is_copied_anew(put, go):
    put(1, MARCH)
    go()
    other = FactTable(**{**PARCELS.__dict__, "columns": "p.id::text, p.at, p.price * 2, p.late"})
    assert go(other).copied == 1


def test_two_at_once_the_second_waits_or_says_so(put, go, rows, tmp_path):
    put(1, MARCH)
    store = Store(str(tmp_path / "lake"))
    with store.locked():
        with pytest.raises(LakeBusy):
            go(wait=False)
        second = threading.Thread(target=go)
        second.start()
        second.join(0.3)
        assert second.is_alive()
    second.join(20)
    assert len(rows()) == 1


def test_a_lake_that_was_never_filled_is_empty(rows):
    assert rows() == []


def test_another_address_scheme_goes_through_arrow(put, tmp_path):
    put(1, MARCH)
    refresh(dsn(), [PARCELS], f"file://{tmp_path}/remote", now=NOW)
    assert pq.read_table(tmp_path / "remote/parcels/month=2018-03/part.parquet").num_rows == 1


def test_memory_is_bounded_by_the_batch_not_by_the_table(database, go, monkeypatch):
    database.execute(
        "INSERT INTO parcel SELECT n, '2018-03-01'::timestamptz + n * interval '1 minute', 1, false, now() "
        "FROM generate_series(1, 150000) n"
    )
    sizes = []
    write = pq.ParquetWriter.write_batch
    monkeypatch.setattr(
        pq.ParquetWriter, "write_batch", lambda self, batch: (sizes.append(batch.nbytes), write(self, batch))[1]
    )
    assert go().rows == 150_000
    assert max(sizes) < 20_000_000
