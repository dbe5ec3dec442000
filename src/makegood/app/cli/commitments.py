"""`makegood commitments`: were promises kept, and what is open."""

from typing import Annotated, Any

import typer

from makegood.app.cli import output
from makegood.app.cli.start import set_up

commitments = typer.Typer()

ROWS = 12  # of each table on a terminal; --json has them all


@commitments.command("commitments")
def show_commitments(
    days: Annotated[int, typer.Option(min=1, max=3660, help="How far back.")] = 365,
    as_json: output.AsJson = False,
) -> None:
    """The promise-kept rate by person, team and kind, and how many promises are open, due today and overdue."""
    set_up()
    from django.utils import timezone

    from makegood.recover.commitments import api

    found = api.as_json(me=None, now=timezone.now(), days=days)
    if as_json:
        output.print_json(found)
        return
    say = output.stdout.print
    say(f"{found['open']:,} open, {found['due_today']:,} due today, {found['overdue']:,} overdue.", highlight=False)
    say(f"Kept on time in {days} days: {_words(found['ours'])}.", highlight=False)
    if found["partners"]["came_due"]:
        say(f"Kept by partners: {_words(found['partners'])}.", highlight=False)
    for title, name in (("By kind", "kinds"), ("By team", "teams"), ("By person", "people")):
        output.print_table(title, [
            {"": rate["name"] or "whole company", "kept on time": _share(rate["rate"]),
             "95 %": f"{_share(rate['low'])} to {_share(rate['high'])}" if rate["rate"] is not None else "",
             "came due": rate["came_due"]}
            for rate in found[name][:ROWS]
        ])  # fmt: skip


def _words(rate: dict[str, Any]) -> str:
    if rate["rate"] is None:
        return f"too few to say ({rate['kept']} of {rate['came_due']})"
    interval = f"{_share(rate['low'])} to {_share(rate['high'])}"
    return f"{_share(rate['rate'])} ({rate['kept']:,} of {rate['came_due']:,}; {interval})"


def _share(share: float | None) -> str:
    return "too few" if share is None else f"{share * 100:.1f} %"
