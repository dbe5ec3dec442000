"""`makegood detect`: look for patterns now, or see what would have been found in the past."""

import sys
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from makegood.app.cli import output
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
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document per line and event.")] = False,
) -> None:
    """Judge what is new and print which signals were raised, updated or closed."""
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


def _print(findings: "Iterable[Finding]", *, as_json: bool, numbers: dict[int | None, str]) -> None:
    if as_json:
        for finding in findings:
            sys.stdout.write(msgspec.json.encode(as_line(finding, numbers)).decode() + "\n")
        return
    from makegood.prevent.slices_in_words import Names

    raised = [finding for finding in findings if finding.event == "raised"]
    names = Names.of(finding.slice for finding in raised)
    output.print_table("Signals raised", [
        {"signal": numbers.get(it.signal, str(it.signal)), "found": f"{it.at:%Y-%m-%d %H:%M}",
         "since": f"{it.since:%Y-%m-%d}", "what its cases share": names.of_slice(it.slice), "cases": it.observed,
         "expected": f"{it.expected:.1f}"}
        for it in raised
    ])  # fmt: skip
    if not raised:
        _say("Nothing stands out.")


def as_line(finding: "Finding", numbers: dict[int | None, str]) -> dict[str, Any]:
    """A finding as one line of JSON says it; `signal` is its number in the list of signals where it has one."""
    return {
        "event": finding.event, "signal": numbers.get(finding.signal, finding.signal), "at": finding.at,
        "since": finding.since, "slice": dict(finding.slice), "observed": finding.observed,
        "expected": finding.expected, "excess": finding.observed - finding.expected, "low": finding.low,
        "high": finding.high, "evidence": finding.evidence, "cases": finding.cases,
    }  # fmt: skip


def _say(sentence: str) -> None:
    output.stderr.print(sentence, highlight=False, soft_wrap=True)


def _moment(text: str) -> datetime:
    from django.utils import timezone

    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        output.fail(f'"{text}" is not a moment. Write for example 2018-03-02 or 2018-03-02T12:00+00:00.')
    return given if given.tzinfo else timezone.make_aware(given)
