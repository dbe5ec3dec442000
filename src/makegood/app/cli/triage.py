"""`makegood triage`: learn from confirmed cases, see how good it is, go back."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from makegood.app.cli import output
from makegood.app.cli.start import set_up

if TYPE_CHECKING:
    from makegood.recover.triage.models import TrainedModel

triage = typer.Typer(no_args_is_help=True)


@triage.command()
def train(
    until: Annotated[str, typer.Option(help="As if trained then, for example 2018-03-02T12:00+00:00.")] = "",
    precision: Annotated[
        float, typer.Option(min=0.5, max=0.99, help="The share of its answers that should be right.")
    ] = 0.85,
    seed: Annotated[int, typer.Option(help="The same cases and seed give the same model.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Put it to use even if it did no better.")] = False,
    as_json: output.AsJson = False,
) -> None:
    """Learn from confirmed cases; put it to use if it does better on the newest of them."""
    set_up()
    from django.utils import timezone

    from makegood.recover.triage.queries import row_json
    from makegood.recover.triage.services import train as learn

    with output.progress() as bar:
        bar.add_task("Learning", total=None)
        made = learn(now=timezone.now(), until=_moment(until), precision=precision, seed=seed, force=force)
    if as_json:
        output.print_json(row_json(made.model))
    else:
        _print(made.model)


@triage.command()
def report(as_json: output.AsJson = False) -> None:
    """The model in use and the last trainings, with their figures."""
    set_up()
    from makegood.recover.triage.queries import report as read

    found = read()
    if as_json:
        output.print_json(found.as_json())
        return
    if found.active is None:
        output.stdout.print("The phrasebook alone is in use.")
    for row in [found.active] if found.active else found.trainings[:1]:
        _print(row)


@triage.command()
def back(as_json: output.AsJson = False) -> None:
    """Put to use again what the model in use replaced: the model before it, or the phrasebook alone."""
    set_up()
    from makegood.recover.triage.services import go_back

    now = go_back()
    if as_json:
        output.print_json({"in_use": now.pk if now else None})
    else:
        output.stdout.print(f"Model {now.pk} is in use." if now else "The phrasebook alone is in use.", highlight=False)


def _moment(text: str) -> datetime | None:
    from django.utils import timezone

    if not text:
        return None
    try:
        given = datetime.fromisoformat(text)
    except ValueError:
        output.fail(f'"{text}" is not a moment. Write for example 2018-03-02 or 2018-03-02T12:00+00:00.')
    return given if given.tzinfo else timezone.make_aware(given)


def _print(row: "TrainedModel") -> None:
    figures: dict[str, Any] = row.figures
    output.stdout.print(
        f"Model {row.pk}: learned from {figures['learned']:,} confirmed cases, asked about the {figures['asked']:,} "
        f"newest of them. {figures['verdict']}",
        highlight=False, soft_wrap=True,
    )  # fmt: skip
    output.print_table("Answers on cases that it had not seen", [
        {"": name, **{key: f"{figures['scores'][of][key]:.3f}" for key in ("coverage", "accuracy", "macro_f1")}}
        for name, of in (("with this model", "new"), ("of these, the model alone", "alone"),
                         ("in use before", "in_use"),
                         ("phrasebook and order", "phrasebook"), ("commonest reason", "majority"))
    ])  # fmt: skip
    output.stdout.print(
        f"Calibration error {figures['calibration_error']:.3f}, "
        f"before calibration {figures['calibration_error_uncalibrated']:.3f}.",
        highlight=False,
    )
