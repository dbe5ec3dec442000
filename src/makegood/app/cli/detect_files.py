"""`makegood detect` on files from elsewhere: no database, nothing kept."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from makegood.app.cli import output
from makegood.app.cli.findings import print_line

if TYPE_CHECKING:
    import duckdb

    from makegood.engines.statistics.detection import Finding

AT_ONCE: Final = timedelta(days=28)  # of exposures and cases held in memory
READERS: Final = {".parquet": "read_parquet", ".csv": "read_csv"}


def run(
    *, exposures: Path, cases: Path, dimensions: Sequence[str], one_false_alarm_in: float, until: datetime | None,
    as_json: bool,
) -> None:  # fmt: skip
    """Look for patterns in two files and print every event, in order of time."""
    import duckdb

    with duckdb.connect(config={"autoinstall_known_extensions": "false"}) as database:
        database.execute("SET TimeZone = 'UTC'")
        try:
            whole = _views(database, exposures, cases, dimensions)
            found = _detect(database, dimensions, one_false_alarm_in, until)
            if as_json:
                for finding in found:
                    ids = [int(case) for case in finding.cases] if whole else finding.cases
                    print_line(finding, finding.signal, ids)
            else:
                _print([finding for finding in found if finding.event == "raised"])
        except duckdb.Error as problem:
            output.fail(f"The files cannot be read: {str(problem).splitlines()[0]}")


def days(text: str) -> float:
    """The days of "30d" or "30".

    Raises
    ------
    ValueError
        It is not a number of days above 0.
    """
    number = float(text.strip().lower().removesuffix("d"))
    if not 0 < number < float("inf"):
        raise ValueError(text)
    return number


def _views(database: "duckdb.DuckDBPyConnection", exposures: Path, cases: Path, dimensions: Sequence[str]) -> bool:
    """Make `seen` (exposures) and `told` (cases with what their exposures know); whether ids of cases are numbers.

    Rows that cannot count are said on stderr, with how many there are and why.
    """
    columns = {}
    for name, path in (("exposures", exposures), ("cases", cases)):
        reader = READERS.get(path.suffix.lower())
        if reader is None:
            output.fail(f"{path}: give a .parquet or a .csv file.")
        if not path.is_file():
            output.fail(f"{path} is not there. Check the path.")
        quoted = str(path).replace("'", "''")
        database.execute(f"CREATE VIEW {name} AS SELECT * FROM {reader}('{quoted}')")
        described = database.execute(f"DESCRIBE {name}").fetchall()
        columns[name] = {row[0]: row[1] for row in described}
    _need(exposures, columns["exposures"], ["exposure_id", "at"])
    _need(cases, columns["cases"], ["case_id", "exposure_id", "reported_at"])
    unknown = [d for d in dimensions if d not in columns["exposures"] and d not in columns["cases"]]
    if unknown:
        output.fail(f"Neither file has the column {', '.join(unknown)}. --dimensions names columns of the two files.")
    exposed = [d for d in dimensions if d in columns["exposures"]]
    database.execute(
        f"""
        CREATE VIEW seen AS
        SELECT TRY_CAST("at" AS TIMESTAMP) AS "at"{"".join(f", {_text(d)} AS {_name(d)}" for d in exposed)}
        FROM exposures
        """
    )
    of_case = [
        f"coalesce({_text(d, 'c')}, {_text(d, 'e')})" if d in exposed and d in columns["cases"]
        else _text(d, "e" if d in exposed else "c")
        for d in dimensions
    ]  # fmt: skip
    database.execute(
        f"""
        CREATE TEMP TABLE told AS
        SELECT CAST(c.case_id AS VARCHAR) AS case_id, TRY_CAST(c.reported_at AS TIMESTAMP) AS reported_at,
               TRY_CAST(e."at" AS TIMESTAMP) AS exposed_at,
               c.exposure_id IS NOT NULL AND e.exposure_id IS NULL AS lost
               {"".join(f", {expression} AS {_name(d)}" for d, expression in zip(dimensions, of_case, strict=True))}
        FROM cases c LEFT JOIN exposures e ON e.exposure_id = c.exposure_id
        QUALIFY row_number() OVER (PARTITION BY c.case_id ORDER BY c.reported_at, e."at") = 1
        """
    )
    _say_what_cannot_count(database, exposures, cases)
    return "INT" in columns["cases"]["case_id"]


def _say_what_cannot_count(database: "duckdb.DuckDBPyConnection", exposures: Path, cases: Path) -> None:
    for path, sentence, query in (
        (exposures, "have no time in `at` and do not count", 'SELECT count(*) FROM seen WHERE "at" IS NULL'),
        (cases, "have no time in `reported_at` and do not count",
         "SELECT count(*) FROM told WHERE reported_at IS NULL"),
        (cases, "name no exposure that is there: their own columns count", "SELECT count(*) FROM told WHERE lost"),
        (cases, "repeat a case_id: the first report counts",
         "SELECT (SELECT count(*) FROM cases) - (SELECT count(*) FROM told)"),
    ):  # fmt: skip
        (row,) = database.execute(query).fetchall()
        if row[0]:
            output.stderr.print(f"{path}: {row[0]:,} rows {sentence}.", highlight=False, soft_wrap=True)


def _detect(
    database: "duckdb.DuckDBPyConnection", dimensions: Sequence[str], one_false_alarm_in: float, until: datetime | None
) -> Iterator["Finding"]:
    from makegood.engines.statistics.detection import Detector

    (row,) = database.execute(
        """
        SELECT least((SELECT min("at") FROM seen), (SELECT min(reported_at) FROM told)),
               (SELECT max(reported_at) FROM told) + INTERVAL 2 MINUTE
        """
    ).fetchall()
    if row[1] is None:
        return
    first, end = row[0], row[1] if until is None else until.replace(tzinfo=None)
    detector = Detector(dimensions, one_false_alarm_in=one_false_alarm_in)
    with output.progress() as bar:
        task = bar.add_task("Days", total=(end - first).days)
        while first < end:
            stop = min(first + AT_ONCE, end)
            window = [first, stop]
            seen = database.sql('SELECT * FROM seen WHERE "at" >= ? AND "at" < ?', params=window).to_arrow_table()
            told = database.sql(
                "SELECT * EXCLUDE lost FROM told WHERE reported_at >= ? AND reported_at < ?", params=window
            ).to_arrow_table()
            yield from detector.advance(seen, told, stop)
            bar.advance(task, (stop - first).days)
            first = stop


def _need(path: Path, columns: dict[str, str], names: Sequence[str]) -> None:
    missing = [name for name in names if name not in columns]
    if missing:
        output.fail(f"{path} has no column {', '.join(missing)}. It needs {', '.join(names)}.")


def _name(dimension: str) -> str:
    return '"' + dimension.replace('"', '""') + '"'


def _text(dimension: str, table: str = "") -> str:
    return f"CAST({table + '.' if table else ''}{_name(dimension)} AS VARCHAR)"


def _print(raised: Sequence["Finding"]) -> None:
    output.print_table("Signals raised", [
        {"found": f"{it.at:%Y-%m-%d %H:%M}", "since": f"{it.since:%Y-%m-%d}",
         "what its cases share": ", ".join(f"{name} {value}" for name, value in it.slice.items()),
         "cases": it.observed, "expected": f"{it.expected:.1f}", "more than chance": f"{it.low:+.1f} to {it.high:+.1f}"}
        for it in raised
    ])  # fmt: skip
    if not raised:
        output.stderr.print("Nothing stands out.", highlight=False)
