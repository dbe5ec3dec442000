"""`makegood improvements`: what changes brought."""

from datetime import date
from pathlib import Path
from typing import Annotated, Any

import typer

from makegood.app.cli import output
from makegood.app.cli.start import set_up

improvements = typer.Typer(no_args_is_help=True)
LONGEST = 15  # digits of a number


@improvements.callback()
def topic() -> None:
    """What changes brought."""


@improvements.command()
def effect(
    number: Annotated[str, typer.Argument(help="Such as A-12; without it all that began.")] = "",
    series: Annotated[
        Path | None, typer.Option(help="CSV from elsewhere: period,cases,exposure[,group]; group: treated, comparison.")
    ] = None,
    start: Annotated[str, typer.Option(help="With --series: the first day with the change, such as 2026-03-02.")] = "",
    hoped: Annotated[int, typer.Option(min=1, max=99, help="With --series: percent fewer that were hoped for.")] = 30,
    as_json: output.AsJson = False,
) -> None:
    """Measure what a change did to a rate, now: counted, compared with what was to be expected, with intervals."""
    set_up(database=series is None, migrate=series is None)
    found = [_of_file(series, start, hoped)] if series else _of_register(number)
    if as_json:
        output.print_json(found[0] if series or number else found)
        return
    if not found:
        output.stdout.print("No improvement has begun yet.")
    for one in found:
        output.stdout.print(one["sentence"], soft_wrap=True)
        rows = [{"": name, "value": value[0], "from": value[1], "to": value[2]}
                for name, value in one.items() if isinstance(value, list) and value and name != "weeks"]  # fmt: skip
        output.print_table(one["title"], [{name: _short(value) for name, value in row.items()} for row in rows])


def _short(value: Any) -> str:
    return value if isinstance(value, str) else "no limit" if value is None else f"{value:,.2f}"


def _of_register(number: str) -> list[dict[str, Any]]:
    from django.utils import timezone

    from makegood.prevent.improvements import queries, services
    from makegood.prevent.improvements.api import effect_of
    from makegood.prevent.improvements.errors import ImprovementNotFound, NoHypothesis
    from makegood.prevent.improvements.models import Improvement
    from makegood.prevent.lake import refresh_lake

    digits = number.upper().removeprefix("A-")
    if number and not (digits.isascii() and digits.isdigit() and len(digits) <= LONGEST):
        raise ImprovementNotFound(number)
    if digits:
        wanted = [queries.one(int(digits)).improvement]
        if not wanted[0].hypotheses.exists():
            raise NoHypothesis(wanted[0].number)
    else:
        wanted = list(Improvement.objects.filter(started_on__isnull=False).order_by("number"))
    found = []
    refresh_lake(now=timezone.now())
    with output.progress() as bar:
        for it in bar.track(wanted, description="Measuring"):
            services.look(improvement_id=it.pk, now=timezone.now())
            found.append(effect_of(queries.one(it.number)))
    return found


def _of_file(path: Path, start: str, hoped: int) -> dict[str, Any]:
    from makegood.engines.statistics import CannotTell
    from makegood.engines.statistics import effect as measure
    from makegood.prevent.improvements.effects import percent, three
    from makegood.prevent.improvements.files import WEEK, read_series

    try:
        day = date.fromisoformat(start)
    except ValueError:
        output.fail("--start is the first day with the change, such as 2026-03-02.")
    told = read_series(path, start=day)
    season = {} if told.days == WEEK else {"year": 365.25, "cycle": 7}
    if told.start <= 0 or told.start >= len(told.series.counts):
        output.fail(f"{start} lies outside the periods of {path}: there is no before and after.")
    try:
        found = measure(
            told.series,
            start=told.start,
            comparison=told.comparison,
            hoped=1 - hoped / 100,
            **season,  # type: ignore[arg-type]  # one dict of two kinds of value
        )
    except CannotTell as why:
        output.fail(str(why))
    ratio = three(found.ratio)
    return {
        "title": f"{path.name} from {start}", "periods_before": found.before, "periods_after": found.after,
        "sentence": f"{percent(ratio[0])} ({percent(ratio[1])} to {percent(ratio[2])}) against what to expect.",
        "ratio": list(ratio), "always": list(three(found.always)), "avoided": list(three(found.avoided)),
        "avoided_per_period": list(three(found.avoided_per_period)), "dispersion": found.dispersion,
        "autocorrelation": found.autocorrelation, "season_told_apart": found.seasonal,
    }  # fmt: skip
