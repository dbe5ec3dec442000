"""Hostile and broken files: the good rows are in, the rest are rejects with a reason, and the counts add up."""

import gzip
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from makegood.ground.retail.models import Customer, Order, Reject, Review
from makegood.ground.retail.services.importing import NothingToImport, import_feed
from makegood.ground.web.exports import safe_cell
from tests.ground.retail.conftest import adds_up, as_csv, as_ndjson, customer, order

pytestmark = pytest.mark.django_db

GOOD = b"ref,name,city\nK1,Ann,Leeds\nK2,Bob,York\n"


def rejects() -> list[tuple[int | None, str]]:
    return list(Reject.objects.order_by("line", "pk").values_list("line", "reason"))


def test_a_truncated_archive_gives_what_it_holds_and_says_how_far(deliver):
    rows = as_csv([customer(f"K{i}", city=f"{i * 7919 % 1000}") for i in range(5000)])
    packed = gzip.compress(rows)
    imported = deliver({"customers.csv.gz": packed[: len(packed) // 2]})

    assert adds_up(imported)
    counts = imported.tables["customers"]
    assert 1000 < counts.new < 4000
    assert counts.rejected == 1
    assert Customer.objects.count() == counts.new
    ((line, reason),) = rejects()
    assert line == counts.new + 2
    assert reason == (
        f"customers.csv.gz cannot be read further: the archive ends too early; the rows before row {line:,} are in."
    )


def test_a_truncated_archive_of_json_lines_as_well(deliver):
    packed = gzip.compress(as_ndjson([customer(f"K{i}", city=f"{i * 7919 % 1000}") for i in range(5000)]))
    imported = deliver({"customers.ndjson.gz": packed[: len(packed) // 2]})
    assert adds_up(imported)
    assert 1000 < imported.tables["customers"].new < 4000
    assert "the archive ends too early" in rejects()[0][1]


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("customers.csv", b"", "customers.csv is empty."),
        ("customers.csv", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "customers.csv is not a CSV file in UTF-8: its first line cannot be read."),  # noqa: E501
        ("customers.csv", b"\x7fELF\x02\x01\x01\x00\x00\n\x00", "customers.csv is not a CSV file: its first line is not a line of text."),  # noqa: E501
        ("customers.csv", "ref,name\nK1,Ann\n".encode("utf-16"), "customers.csv is UTF-16 text. Save it as UTF-8."),
        ("customers.csv", b"name,city\nAnn,Leeds\n", "customers.csv has no column ref (nothing else stands there in its place). Name the columns as the feed does."),  # noqa: E501
        ("orders.csv", b"ref,custmer,status,placed_at\n1,K1,paid,2026-01-01\n", "orders.csv has no column customer (it has custmer). Name the columns as the feed does."),  # noqa: E501
        ("customers.csv", b"ref,name,name\nK1,Ann,Bob\n", "customers.csv has the column name twice."),
        ("customers.csv.gz", b"ref,name\nK1,Ann\n", "customers.csv.gz cannot be read: the archive is damaged, or not gzip at all."),  # noqa: E501
        ("customers.parquet", b"no such thing", "customers.parquet is not a Parquet file, or a damaged one."),
        ("customers.parquet.gz", b"x", "customers.parquet.gz: Parquet is compressed inside; deliver it without .gz."),
    ],
)  # fmt: skip
def test_a_file_that_cannot_be_read_is_one_reject_with_one_sentence(deliver, name, content, sentence):
    imported = deliver({name: content, "vendors.csv": [{"ref": "V1", "kind": "carrier", "name": "Swift"}]})
    assert adds_up(imported)
    assert rejects() == [(None, sentence)]
    assert imported.tables["vendors"].new == 1


def test_a_directory_in_place_of_a_file(deliver, tmp_path, noon):
    (tmp_path / "orders.csv").mkdir()
    imported = import_feed(directory=tmp_path, source="shop", now=noon)
    assert adds_up(imported)
    assert rejects() == [(None, "orders.csv is a directory, not a file.")]


def test_directories_without_a_feed_are_refused(tmp_path, noon):
    with pytest.raises(NothingToImport, match="is not a directory"):
        import_feed(directory=tmp_path / "nowhere", source="shop", now=noon)
    (tmp_path / "photo.jpg").write_bytes(b"x")
    with pytest.raises(NothingToImport, match="holds no table of the feed"):
        import_feed(directory=tmp_path, source="shop", now=noon)


def test_unknown_files_and_columns_are_named(deliver):
    imported = deliver(
        {
            "customers.csv": b"ref,nmae\nK1,Ann\n",
            "vendors.ndjson": b'{"ref":"V","kind":"carrier","name":"S","colour":"red"}\n',
            "notes.txt": b"hello",
        }
    )
    assert imported.notes == [
        "notes.txt is not a table of the feed and was left alone.",
        "vendors.ndjson: colour is not a field of vendors and was left out.",
        "customers.csv: nmae is not a field of customers and was left out. Was name meant?",
    ]


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("placed_at", "01/02/2026", "placed_at is 01/02/2026, which is not a time such as 2026-03-05T14:00:00+01:00."),
        ("placed_at", "2026-02-30", "placed_at is 2026-02-30, which is not a time such as 2026-03-05T14:00:00+01:00."),
        ("placed_at", "0001-01-01", "placed_at is 0001-01-01, which lies outside the years 1970 to 2199."),
        ("placed_at", "", "placed_at is missing."),
        ("total", "-3.00", "total is negative: -3.00."),
        ("total", "3.005", "total is 3.005, which has more than 2 decimals."),
        ("total", "3,50", "total is 3,50, which is not a number such as 1234.50."),
        ("total", "9999999999999", "total is too large."),
        ("currency", "pounds", "currency is longer than 3 characters."),
        ("currency", "gbp", "currency is gbp, which is not like [A-Z]{3}."),
        ("status", "lost", "status is lost, which is not one of placed, paid, shipped, ready, delivered, cancelled, unavailable, returned."),  # noqa: E501
        ("customer", "K9", "customer K9 is not known: deliver it in customers, then submit this row again."),
        ("ref", " ", "ref is missing."),
        ("ref", "x" * 201, "ref is longer than 200 characters."),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["csv", "ndjson"])
def test_a_wrong_value_is_a_reject_that_says_what_is_expected(deliver, kind, field, value, reason):
    rows = [order("O1"), order("O2") | {field: value}, order("O3")]
    rows[0].setdefault("currency", "GBP")
    imported = deliver({"customers.csv": [customer()], f"orders.{kind}": rows})

    assert adds_up(imported)
    assert imported.tables["orders"].new == 2
    reject = Reject.objects.get()
    assert reject.reason == reason
    assert reject.line == (3 if kind == "csv" else 2)
    assert reject.file == f"orders.{kind}"
    assert json.loads(reject.payload).get(field, "") == value


def test_rows_with_too_few_or_too_many_fields(deliver):
    imported = deliver({"customers.csv": b"ref,name,city\nK1,Ann,Leeds\nK2,Bob\nK3,Eve,York,UK\nK4,Dan,Hull\n"})
    assert adds_up(imported)
    assert rejects() == [(3, "The row has 2 fields, the header has 3."), (4, "The row has 4 fields, the header has 3.")]
    assert set(Customer.objects.values_list("ref", flat=True)) == {"K1", "K4"}
    assert Reject.objects.get(line=3).payload == "K2,Bob"


def test_a_quote_that_is_never_closed_costs_one_row(deliver):
    content = (
        b'ref,name,city\nK1,Ann,Leeds\nK2,"Bob,York\nK3,"Eve ""E"" Low",York\nK4,"two\nlines",Hull\nK5,12" pipe,Hull\n'
    )
    imported = deliver({"customers.csv": content})
    assert adds_up(imported)
    assert rejects() == [(3, "A quote is opened and not closed where the field ends.")]
    assert dict(Customer.objects.values_list("ref", "name")) == {
        "K1": "Ann", "K3": 'Eve "E" Low', "K4": "two\nlines", "K5": '12" pipe',
    }  # fmt: skip


def test_latin_1_text_is_kept_to_be_looked_at(deliver):
    imported = deliver({"customers.csv": GOOD + "K3,José,São Paulo\n".encode("latin-1")})
    assert adds_up(imported)
    assert imported.tables["customers"].new == 2
    reject = Reject.objects.get()
    assert reject.line == 4
    assert reject.reason.startswith("The row is not UTF-8 text.")
    assert json.loads(reject.payload) == {"ref": "K3", "name": "José", "city": "São Paulo"}


def test_nul_bytes_are_named(deliver):
    imported = deliver(
        {
            "customers.csv": GOOD + b"K3,A\0nn,Leeds\n",
            "vendors.ndjson": b'{"ref":"V","kind":"carrier","name":"S\\u0000"}\n',
        }
    )
    assert adds_up(imported)
    assert sorted(reason for _, reason in rejects()) == ["name contains a NUL byte."] * 2
    assert "\0" not in "".join(Reject.objects.values_list("payload", flat=True))


@pytest.mark.parametrize("name", ["customers.csv", "customers.ndjson"])
def test_a_line_of_50_megabytes_is_one_reject_and_does_not_fill_the_memory(deliver, name):
    monster = b"x" * 50_000_000
    if name.endswith("csv"):
        content = GOOD + b"K3," + monster + b",Hull\nK4,Eve,Hull\n"
    else:
        content = b'{"ref":"K1"}\n{"ref":"K2"}\n{"ref":"' + monster + b'"}\n{"ref":"K4"}\n'
    imported = deliver({name: content})
    assert adds_up(imported)
    assert set(Customer.objects.values_list("ref", flat=True)) == {"K1", "K2", "K4"}
    assert [reason for _, reason in rejects()] == ["The row is longer than 1 MB."]
    assert len(Reject.objects.get().payload) <= 4000


def test_lines_that_are_no_json_object(deliver):
    imported = deliver({"customers.ndjson": b'{"ref":"K1"}\n{"ref":\n[1,2]\n"text"\n\n{"ref":"K2"}\n'})
    assert adds_up(imported)
    assert imported.tables["customers"].new == 2
    assert rejects() == [(line, "The row is not a JSON object.") for line in (2, 3, 4)]


def test_html_and_formulas_are_stored_as_given(deliver):
    evil = '=HYPERLINK("http://x")<script>alert(1)</script>'
    deliver({"customers.csv": [customer("K1", name=evil)]})
    assert Customer.objects.get().name == evil


@pytest.mark.parametrize("value", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "\uff1d1"])
def test_exports_do_not_carry_formulas(value):
    assert safe_cell(value) == "'" + value


def test_exports_leave_the_rest_alone():
    assert [safe_cell(value) for value in ("Ann", 'a "b"', -3, None)] == ["Ann", 'a "b"', -3, ""]


def test_parquet_with_its_own_types(deliver, tmp_path):
    file = tmp_path / "made.parquet"
    table = pa.table({
        "ref": ["R1", "R2"], "customer": ["K1", "K1"], "score": pa.array([1, 9], pa.int8()), "body": ["bad", "good"],
        "at": pa.array([1_700_000_000_000_000, 1_700_000_000_000_000], pa.timestamp("us", tz="UTC")),
    })  # fmt: skip
    pq.write_table(table, file)
    imported = deliver({"customers.csv": [customer()], "reviews.parquet": file.read_bytes()})
    assert adds_up(imported)
    assert Review.objects.get().at.year == 2023
    assert rejects() == [(2, "score is above 5: 9.")]


def test_semicolons_byte_order_marks_and_windows_line_ends(deliver):
    deliver({"customers.csv": b'\xef\xbb\xbfref;name\r\nK1;Ann, the first\r\n\r\nK2;"Bob; the second"\r\n'})
    assert set(Customer.objects.values_list("name", flat=True)) == {"Ann, the first", "Bob; the second"}


def test_blank_values_take_the_default_of_the_field(deliver):
    deliver({"customers.csv": [customer()], "orders.ndjson": [order(channel="", total="", currency=None)]})
    one = Order.objects.get()
    assert (one.channel, one.total, one.currency) == ("online", 0, "GBP")
