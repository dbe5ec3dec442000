"""Series from files: read whole, or refused with the lines that are wrong; and the command."""

import json
from datetime import date, timedelta

import pytest
from typer.testing import CliRunner

from makegood.app.cli.commands import app
from makegood.prevent.improvements.errors import SeriesFileBad
from makegood.prevent.improvements.files import read_series

MONDAY = date(2025, 1, 6)
START = MONDAY + timedelta(weeks=30)


@pytest.fixture
def file(tmp_path):
    def write(lines, head="period,cases,exposure"):
        path = tmp_path / "series.csv"
        path.write_text("\n".join([head, *lines]), encoding="utf-8")
        return path

    return write


def lines(n=40, before=30, *, cases=(20, 10), group=None, step=7):
    return [
        f"{MONDAY + timedelta(days=step * i)},{cases[i >= before] + i % 3},1000{',' + group if group else ''}"
        for i in range(n)
    ]  # fmt: skip


def test_a_series_is_read_in_any_order_with_its_comparison(file):
    path = file(
        [*lines(group="treated")[::-1], *lines(group="comparison", cases=(50, 50))], "period,cases,exposure,group"
    )
    told = read_series(path, start=START)
    assert (told.start, told.days, told.series.counts[0], told.comparison.counts[0]) == (30, 7, 20, 50)


def test_a_week_that_the_start_cuts_in_two_says_nothing(file):
    told = read_series(file(lines()), start=START + timedelta(days=2))
    assert told.start == 31
    assert (told.series.counts[30], told.series.exposure[30]) == (0, 0)


def test_days_are_days_and_missing_ones_say_nothing(file):
    told = read_series(file([line for n, line in enumerate(lines(step=1)) if n != 4]), start=MONDAY)
    assert (told.days, told.series.exposure[4], told.series.counts.size) == (1, 0, 40)


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("monday,3,100", "line 3: period 'monday' is no day"),
        ("2025-01-13,many,100", "line 3: cases 'many' is no number"),
        ("2025-01-13,3,-1", "line 3: exposure -1 is negative"),
        ("2025-01-13,nan,100", "line 3: cases nan is negative or not finite"),
        ("2025-01-13,2.5,100", "line 3: cases 2.5 is no whole number"),
        ("2025-01-13,3,0", "line 3: cases without exposure"),
        ("2025-01-06,3,100", "line 3: period 2025-01-06 stands twice"),
        ("2025-01-13", "line 3: cases '' is no number"),
    ],
)
def test_a_row_that_cannot_be_read_is_named_with_its_line(file, bad, said):
    with pytest.raises(SeriesFileBad) as refused:
        read_series(file(["2025-01-06,3,100", bad, "2025-01-20,1,100"]), start=MONDAY)
    assert refused.value.lines[0].startswith(said)


@pytest.mark.parametrize(
    ("content", "head", "said"),
    [
        ([], "week,cases", "no column period"),
        (["2025-01-06,3,100"], "period,cases,exposure", "two periods"),
        (["2025-01-06,3,100", "2025-02-06,3,100"], "period,cases,exposure", "31 days apart"),
        (["2025-01-06,3,9", "2025-01-13,3,9", "2025-01-21,3,9"], "period,cases,exposure", "whole number of weeks"),
        (["2005-01-03,3,9", "2005-01-10,3,9", "2025-01-06,3,9"], "period,cases,exposure", "ten years"),
        (["2025-01-06,3,9,x"], "period,cases,exposure,group", "group 'x'"),
    ],
)
def test_a_file_that_makes_no_series_is_refused(file, content, head, said):
    with pytest.raises(SeriesFileBad, match=said):
        read_series(file(content, head), start=MONDAY)


def test_what_is_no_file_is_refused(tmp_path):
    with pytest.raises(SeriesFileBad, match="No such file"):
        read_series(tmp_path / "none.csv", start=MONDAY)
    binary = tmp_path / "b.csv"
    binary.write_bytes(b"\xff\xfe\x00period")
    with pytest.raises(SeriesFileBad, match="UTF-8"):
        read_series(binary, start=MONDAY)


def test_the_command_measures_a_file(file):
    told = CliRunner().invoke(
        app, ["improvements", "effect", "--series", str(file(lines())), "--start", str(START), "--json"]
    )
    assert told.exit_code == 0, told.output
    found = json.loads(told.stdout)
    assert found["ratio"][0] == pytest.approx(11 / 21, abs=0.02)
    assert found["always"][1] < found["ratio"][1] < found["ratio"][2] < found["always"][2] < 1
    assert found["avoided"][0] == pytest.approx(100, abs=5)


@pytest.mark.parametrize(
    ("more", "said"),
    [(["--start", "soon"], "first day"), (["--start", "2020-01-01"], "no before and after"),
     (["--start", "2025-01-20"], "periods before")],
)  # fmt: skip
def test_the_command_refuses_in_one_sentence(file, more, said):
    told = CliRunner().invoke(app, ["improvements", "effect", "--series", str(file(lines())), *more])
    assert told.exit_code == 1
    assert said in told.output
