"""`makegood detect` on files from elsewhere."""

import json
from datetime import datetime, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from makegood.app.cli.commands import app

START = datetime(2026, 1, 1)  # noqa: DTZ001  files often come without a zone
DAYS = 110
run = CliRunner()


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """110 days of parcels; from day 90 on one carrier breaks them in the north."""
    folder, dice = tmp_path_factory.mktemp("files"), np.random.default_rng(5)
    n = 12_000
    minutes = np.sort(dice.integers(0, DAYS * 1440, n))
    carrier, region = dice.integers(0, 3, n), dice.integers(0, 4, n)
    broken = (carrier == 1) & (region == 2) & (minutes > 90 * 1440)
    failed = dice.random(n) < np.where(broken, 0.3, 0.03)
    reported = minutes + dice.gamma(2.0, 1440, n).astype(int)
    order = np.flatnonzero(failed & (reported < DAYS * 1440))
    exposures = pa.table(
        {
            "exposure_id": np.arange(n), "at": [START + timedelta(minutes=int(m)) for m in minutes],
            "carrier": [f"carrier {c}" for c in carrier], "region": [f"region {r}" for r in region],
        }
    )  # fmt: skip
    cases = pa.table(
        {
            "case_id": order, "exposure_id": order,
            "reported_at": [START + timedelta(minutes=int(m)) for m in reported[order]],
            "reason": ["broken" if broken[i] or dice.random() < 0.3 else "late" for i in order],
        }
    )  # fmt: skip
    pq.write_table(exposures, folder / "exposures.parquet")
    pq.write_table(cases, folder / "cases.parquet")
    pa.csv.write_csv(exposures, folder / "exposures.csv")
    pa.csv.write_csv(cases, folder / "cases.csv")
    return folder


def detect(folder, *more, exposures="exposures.parquet", cases="cases.parquet", dimensions="reason,carrier,region"):
    return run.invoke(
        app, ["detect", "--exposures", str(folder / exposures), "--cases", str(folder / cases),
              "--dimensions", dimensions, *more],
    )  # fmt: skip


def lines(result):
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_one_line_of_json_for_each_event_in_order_of_time(files):
    found = lines(detect(files, "--one-false-alarm-in", "60d", "--json"))

    assert [row["at"] for row in found] == sorted(row["at"] for row in found)
    raised = [row for row in found if row["event"] == "raised"]
    assert {"reason": "broken", "carrier": "carrier 1", "region": "region 2"} in [row["slice"] for row in raised]
    known = set(pq.read_table(files / "cases.parquet")["case_id"].to_pylist())
    for row in found:
        assert row["excess"] == pytest.approx(row["observed"] - row["expected"], abs=2e-3)
        assert set(row["cases"]) <= known
        assert len(row["cases"]) == row["observed"]
        assert row["since"] <= row["at"]


def test_csv_says_the_same(files):
    parquet = detect(files, "--one-false-alarm-in", "60", "--json")
    csv = detect(files, "--one-false-alarm-in", "60", "--json", exposures="exposures.csv", cases="cases.csv")
    assert lines(csv) == lines(parquet)


def test_nothing_later_than_until_is_known(files):
    until = START + timedelta(days=100)
    short = lines(detect(files, "--until", until.isoformat(), "--json"))
    whole = lines(detect(files, "--json"))
    assert short == [row for row in whole if row["at"] <= f"{until:%Y-%m-%dT%H:%M:%S}Z"]


def test_people_get_a_table(files):
    result = detect(files)
    assert result.exit_code == 0
    assert "Signals raised" in result.stdout
    assert "carrier 1" in result.stdout


def test_rows_that_cannot_count_are_said_and_the_others_count(files, tmp_path):
    cases = pq.read_table(files / "cases.parquet")
    times = [None, *cases["reported_at"].to_pylist()[1:]]
    owner = [10**9 if i == 1 else it for i, it in enumerate(cases["exposure_id"].to_pylist())]
    cases = cases.set_column(2, "reported_at", pa.array(times)).set_column(1, "exposure_id", pa.array(owner))
    pq.write_table(pa.concat_tables([cases, cases.slice(5, 1)]), tmp_path / "cases.parquet")
    pq.write_table(pq.read_table(files / "exposures.parquet"), tmp_path / "exposures.parquet")

    result = detect(tmp_path, "--json")

    assert lines(result)
    said = " ".join(result.stderr.split())
    assert "1 rows have no time in `reported_at`" in said
    assert "1 rows name no exposure that is there" in said
    assert "1 rows repeat a case_id" in said


@pytest.mark.parametrize(
    ("more", "changed", "sentence"),
    [
        ((), {"cases": "none.parquet"}, "is not there"),
        ((), {"cases": "cases.xlsx"}, "give a .parquet or a .csv file"),
        ((), {"dimensions": "reason,colour"}, "Neither file has the column colour"),
        ((), {"dimensions": ""}, "Files need all three"),
        ((), {"dimensions": "reason,reason"}, "each once"),
        ((), {"cases": "exposures.parquet"}, "has no column case_id, reported_at"),
        (("--one-false-alarm-in", "often"), {}, "is not a number of days"),
        (("--one-false-alarm-in", "0d"), {}, "is not a number of days"),
        (("--until", "someday"), {}, "is not a moment"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(files, more, changed, sentence):
    result = detect(files, *more, **changed)
    assert result.exit_code == 1
    assert sentence in " ".join(result.stderr.split())


def test_a_file_that_is_not_what_it_is_called(files, tmp_path):
    (tmp_path / "exposures.parquet").write_text("hello")
    (tmp_path / "cases.parquet").write_text("")
    result = detect(tmp_path)
    assert result.exit_code == 1
    assert "cannot be read" in result.stderr


def test_no_cases_at_all_is_no_error(files, tmp_path):
    pq.write_table(pq.read_table(files / "cases.parquet").slice(0, 0), tmp_path / "cases.parquet")
    pq.write_table(pq.read_table(files / "exposures.parquet"), tmp_path / "exposures.parquet")
    assert lines(detect(tmp_path, "--json")) == []
