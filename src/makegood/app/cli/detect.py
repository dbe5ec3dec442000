"""`makegood detect`: look for patterns now, or see what would have been found in the past."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from makegood.app.cli import output
from makegood.app.cli.findings import print_line
from makegood.app.cli.start import set_up

if TYPE_CHECKING:
    from makegood.engines.statistics.detection import Finding

detecting = typer.Typer()


@detecting.command()
def detect(
    until: Annotated[
        str, typer.Option(help="As if it were then, for example 2018-03-02: prints, keeps nothing, tells nobody.")
    ] = "",
    since: Annotated[str, typer.Option(help="With --until: where the history begins. Default: a year before.")] = "",
    exposures: Annotated[
        Path | None,
        typer.Option(help="Data from elsewhere: a Parquet or CSV file with exposure_id, at and dimensions."),
    ] = None,
    cases: Annotated[
        Path | None, typer.Option(help="And its cases: case_id, exposure_id, reported_at, further dimensions.")
    ] = None,
    dimensions: Annotated[str, typer.Option(help="With files: their columns to look at, by commas.")] = "",
    one_false_alarm_in: Annotated[
        str, typer.Option(help="With files: days in which a quiet world raises one signal at most.")
    ] = "30d",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document per line and event.")] = False,
) -> None:
    """Judge what is new and print which signals were raised, updated or closed."""
    if exposures or cases:
        _files(exposures, cases, dimensions, one_false_alarm_in, until, as_json=as_json)
        return
    set_up()
    from django.utils import timezone

    from makegood.prevent.signals.services.detecting import HISTORY, in_the_past, tick

    now = timezone.now()
    if not until:
        if since:
            output.fail("--since goes with --until.")
        with output.progress() as bar:
            task = bar.add_task("Days of history", total=None)
            ran = tick(now, progress=lambda done, of: bar.update(task, completed=done, total=of))
        numbers = {signal.ref: f"S-{signal.number}" for signal in ran.signals}
        _print(ran.findings, as_json=as_json, numbers=numbers)
        _say(f"Judged {ran.cases:,} cases against {ran.exposures:,} purchases, up to {ran.until:%Y-%m-%d %H:%M} UTC.")
        return
    ends = _moment(until)
    if ends > now:
        output.fail(f"{until} lies ahead. Leave --until away to look now.")
    begins = _moment(since) if since else ends - HISTORY
    if begins > ends - timedelta(days=1):
        output.fail("--since must be a day before --until, or earlier.")
    _print(in_the_past(since=begins, until=ends), as_json=as_json, numbers={})


def _files(
    exposures: Path | None, cases: Path | None, dimensions: str, within: str, until: str, *, as_json: bool
) -> None:  # fmt: skip
    from makegood.app.cli import detect_files

    names = [name.strip() for name in dimensions.split(",") if name.strip()]
    if not exposures or not cases or not names or len(set(names)) < len(names):
        output.fail("Files need all three: --exposures, --cases and --dimensions (columns, each once).")
    try:
        days = detect_files.days(within)
    except ValueError:
        output.fail(f'"{within}" is not a number of days above 0. Write for example --one-false-alarm-in 30d.')
    detect_files.run(
        exposures=exposures, cases=cases, dimensions=names, one_false_alarm_in=days,
        until=_moment_utc(until) if until else None, as_json=as_json,
    )  # fmt: skip


def _print(findings: "Iterable[Finding]", *, as_json: bool, numbers: dict[int | None, str]) -> None:
    if as_json:
        for finding in findings:
            print_line(finding, numbers.get(finding.signal, finding.signal), finding.cases)
        return
    from makegood.ground.web.formats import rounded
    from makegood.prevent.slices_in_words import Names

    raised = [finding for finding in findings if finding.event == "raised"]
    names = Names.of(finding.slice for finding in raised)
    output.print_table("Signals raised", [
        {"signal": numbers.get(it.signal, str(it.signal)), "found": f"{it.at:%Y-%m-%d %H:%M}",
         "since": f"{it.since:%Y-%m-%d}", "what its cases share": names.of_slice(it.slice), "cases": it.observed,
         "expected": rounded(it.expected)}
        for it in raised
    ])  # fmt: skip
    if not raised:
        _say("Nothing stands out.")


def _say(sentence: str) -> None:
    output.stderr.print(sentence, highlight=False, soft_wrap=True)


def _moment(text: str) -> datetime:
    from django.utils import timezone

    given = _given(text)
    return given if given.tzinfo else timezone.make_aware(given)


def _moment_utc(text: str) -> datetime:
    given = _given(text)
    return given.astimezone(UTC) if given.tzinfo else given.replace(tzinfo=UTC)


def _given(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        output.fail(f'"{text}" is not a moment. Write for example 2018-03-02 or 2018-03-02T12:00+00:00.')
