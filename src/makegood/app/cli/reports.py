"""`makegood report`: what went wrong, was it more than chance, what changed."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from makegood.app.cli import output
from makegood.app.cli.start import set_up

if TYPE_CHECKING:
    from makegood.lead.scorecards.changed import WhatChanged
    from makegood.lead.scorecards.report import WeeklyReport

report = typer.Typer()

ROWS = 8  # of each table on a terminal; --json has them all


@report.command()
def weekly(
    week: Annotated[
        str, typer.Option(help="ISO week, for example 2018-W09. Without it: the last one that is over.")
    ] = "",
    source: Annotated[str, typer.Option(help="Only what came from this source.")] = "",
    as_of: Annotated[
        str, typer.Option(help="As it was known then, for example 2018-03-02T12:00. Never later than now.")
    ] = "",
    svg: Annotated[Path | None, typer.Option(help="Also write the charts to this file.")] = None,
    as_json: output.AsJson = False,
) -> None:
    """Cases by reason, late deliveries and what changed in one week, from facts brought up to date first."""
    set_up()
    from django.utils import timezone

    from makegood.lead.scorecards.services.weekly import time_zone, weekly_report
    from makegood.lead.scorecards.weeks import Week

    now = timezone.now()
    if week:
        Week.parse(week)  # before any work
    _refresh(now)
    moment = _moment(as_of, time_zone(source)) if as_of else None
    made = weekly_report(week=week, now=now, as_of=moment, source=source)
    if svg:
        _write_charts(made, svg)
    if as_json:
        output.print_json(made.as_json())
    else:
        _print(made)


@report.command()
def changed(
    of: Annotated[str, typer.Option(help="What is compared: cases, late or cancelled.")] = "cases",
    period: Annotated[
        str, typer.Option(help="2018-02-26..2018-03-04, 2018-W09 or 2018-02. Without it: the last week that is over.")
    ] = "",
    against: Annotated[
        str, typer.Option(help="What it is compared with. Without it: the period before, equally long.")
    ] = "",
    source: Annotated[str, typer.Option(help="Only what came from this source.")] = "",
    as_json: output.AsJson = False,
) -> None:
    """Which carriers, sellers, places, reasons and so on differ from what an earlier period leads to expect."""
    set_up()
    from django.utils import timezone

    from makegood.lead.scorecards.periods import read_span
    from makegood.lead.scorecards.services.changed import what_changed

    now = timezone.now()
    for given in filter(None, (period, against)):
        read_span(given)  # before any work
    _refresh(now)
    told = what_changed(of=of, period=period, against=against, now=now, source=source)
    if as_json:
        output.print_json(told.as_json())
    else:
        _print_changed(told)


def _print_changed(told: "WhatChanged") -> None:
    from makegood.lead.scorecards import sentences

    say = output.stdout.print
    say(f"[bold]{told.name}[/bold]  {told.period} against {told.against}, {told.time_zone}", highlight=False)
    for line in (told.reading, *told.notes):
        say(line, highlight=False, markup=False, soft_wrap=True)
    if not told.causes:
        return
    say()
    rest = {"slice": "everything else", "before": "", "observed": "", "expected": "",
            "excess": sentences.signed(told.rest)}  # fmt: skip
    output.print_table("What stands out", [
        {"slice": row.words, "before": row.before, "observed": row.observed,
         "expected": sentences.number(row.expected), "excess": sentences.signed(row.excess)}
        for row in told.causes
    ] + [rest])  # fmt: skip


def _refresh(now: datetime) -> None:
    import adbc_driver_manager
    from django.conf import settings

    from makegood.prevent.lake import refresh_lake

    with output.progress() as bar:
        tasks: dict[str, Any] = {}

        def advance(fact: str, rows: int) -> None:
            task = tasks.setdefault(fact, None)
            if task is None:
                task = tasks[fact] = bar.add_task(f"Facts: {fact}", total=None)
            bar.update(task, completed=rows)

        try:
            refresh_lake(now=now, progress=advance)
        except OSError as problem:
            output.fail(
                f"The lake at {settings.MAKEGOOD_LAKE} cannot be written ({problem.strerror or problem}). "
                "Set MAKEGOOD_LAKE to a directory that this account may write to."
            )
        except adbc_driver_manager.Error as problem:
            output.fail(f"The facts cannot be read from the database: {str(problem).splitlines()[0]}")


def _moment(text: str, zone: Any) -> datetime:
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        output.fail(f'"{text}" is not a moment. Write for example 2018-03-02 or 2018-03-02T12:00+00:00.')
    return given if given.tzinfo else given.replace(tzinfo=zone)


def _write_charts(made: "WeeklyReport", path: Path) -> None:
    from makegood.ground.web import charts as web
    from makegood.lead.scorecards import charts

    try:
        path.write_text(web.svg(charts.whole(made)), encoding="utf-8")
    except OSError as problem:
        output.fail(f"{path} cannot be written ({problem.strerror}).")


def _print(made: "WeeklyReport") -> None:
    from makegood.lead.scorecards import sentences
    from makegood.lead.scorecards.charts import reading_of_cases, reading_of_late

    say = output.stdout.print
    say(
        f"[bold]{made.week}[/bold]  {made.starts:%a %d %b %Y} to {made.ends:%a %d %b %Y, %H:%M} {made.time_zone}",
        highlight=False,
    )
    for line in (made.headline, *made.notes):
        say(line, highlight=False, markup=False, soft_wrap=True)
    if made.empty:
        return
    say()
    output.print_table("Cases by reason", [
        {"reason": row.name, "cases": row.cases, "last week": row.last_week, "mean of 8": row.mean,
         "expected": _range(row.lower, row.upper), "": row.outside}
        for row in [made.cases, *made.reasons]
    ])  # fmt: skip
    for part in [made.changed, *made.changed_by_reason[:ROWS]]:
        say(part.sentence, highlight=False, markup=False, soft_wrap=True)
    for ranking in made.late_by:
        say()
        output.print_table(f"Late deliveries: {ranking.by}", [
            {"": row.name, "due": row.due, "late": row.late, "rate": sentences.percent(row.rate),
             "expected": "" if row.expected is None else sentences.number(row.expected),
             "excess": "" if row.excess is None else f"{row.excess:+.1f}", " ": "above" if row.outside else ""}
            for row in ranking.rows[:ROWS]
        ])  # fmt: skip
        few, parcels = ranking.too_few, ranking.too_few_due
        left_out = f"{few} with fewer than {ranking.minimum_due} shipments due are left out ({parcels} shipments)."
        worst = ", ".join(f"{row.name} {sentences.percent(row.rate)} of {row.due:,}" for row in ranking.over_trend[:3])
        say(
            f"{left_out} Most over 26 weeks: {worst}." if worst else left_out,
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
    say()
    say(reading_of_cases(made), highlight=False, soft_wrap=True)
    say(reading_of_late(made), highlight=False, soft_wrap=True)
    for wait in made.waits:
        say(sentences.waited(wait), highlight=False)


def _range(lower: float | None, upper: float | None) -> str:
    return "" if lower is None or upper is None else f"{lower:,.0f} to {upper:,.0f}"
