"""`makegood demo`: a retailer with a year behind it, to look around in."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from makegood.app.cli import output
from makegood.app.cli.running import Host, Port, Workers
from makegood.app.cli.start import set_up

if TYPE_CHECKING:
    from makegood.app.demo.loading import Played, Progress
    from makegood.app.demo.year import Plan

demo = typer.Typer()


@demo.command("demo")
def play_demo(
    scale: Annotated[float, typer.Option(min=0.01, max=100, help="1 is about 30,000 orders.")] = 1.0,
    seed: Annotated[int, typer.Option(min=0, help="Another number, another year.")] = 7,
    end: Annotated[
        str, typer.Option(help="Day or moment at which the year ends, as 2026-03-05. Default: this hour.")
    ] = "",
    serve: Annotated[bool, typer.Option("--serve/--no-serve", help="Start the desk afterwards.")] = True,
    fresh: Annotated[bool, typer.Option("--fresh", help="Wipe the demo that is there and play anew.")] = False,
    json_: output.AsJson = False,
    host: Host = "127.0.0.1",
    port: Port = 8000,
    workers: Workers = 2,
) -> None:
    """Load the demo retailer and start the desk. A demo that is there is kept; anything else is left alone."""
    set_up()
    from django.utils import timezone

    from makegood.app.demo import loading
    from makegood.app.demo.year import Plan

    now = timezone.now()
    wanted = Plan(seed=seed, end=_end(end, now), scale=scale)
    with _on_a_bar() as progress:
        played = loading.play(plan=wanted, now=now, fresh=fresh, progress=progress)
    result = _result(played)
    if json_:
        output.print_json(result)
    else:
        _tell(played, result, wanted if end else Plan(seed=seed, end=played.plan.end, scale=scale))
    if serve:
        from makegood.app.cli.running import up

        up(host=host, port=port, workers=workers)


def _end(text: str, now: datetime) -> datetime:
    from makegood.app.demo.year import LONDON

    if not text:
        return now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        output.fail(f"{text!r} is neither a day nor a moment. Write 2026-03-05 or 2026-03-05T14:00.")
    moment = moment if moment.tzinfo else moment.replace(tzinfo=LONDON)
    if moment > now:
        output.fail(f"{text} lies ahead: the demo's year ends today at the latest.")
    if moment.date() < date(2000, 1, 1):
        output.fail(f"{text} is too long ago: choose an end from the year 2000 on.")
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


@contextmanager
def _on_a_bar() -> "Iterator[Progress]":
    with output.progress() as bar:
        tasks: dict[bool, Any] = {}

        def advance(what: str, done: int, of: int | None) -> None:
            known = of is not None
            if known not in tasks:
                tasks[known] = bar.add_task("", total=of)
            bar.update(tasks[known], description="Days played" if known else f"Rows: {what}", advance=done)

        yield advance


def _result(played: "Played") -> dict[str, Any]:
    from dataclasses import asdict

    from makegood.app.demo import findings

    imported = played.imported
    by_reason = findings.cases_by_reason()
    rises = findings.loudest_rises(played.plan.end)
    signals = findings.signals_found(played.plan.end)
    incident = findings.incident_owned(signals, played.plan.end)
    return {
        "seed": played.plan.seed,
        "scale": played.plan.scale,
        "end": played.plan.end,
        "kept": played.kept,
        "changed": imported.changed,
        "tables": {name: asdict(counts) for name, counts in imported.tables.items()},
        "rejects": imported.rejects,
        "seconds": {"import": round(imported.seconds, 2), **played.seconds},
        "cases": sum(row["cases"] for row in by_reason),
        "by_reason": by_reason,
        "open": asdict(findings.open_at(played.plan.end)),
        "rises": rises,
        "signals": [asdict(found) for found in signals],
        "incident": {"incident": str(incident), "title": incident.title} if incident else None,
    }


def _tell(played: "Played", result: dict[str, Any], wanted: "Plan") -> None:
    from makegood.app.demo.catalogue import RETAILER
    from makegood.app.demo.hidden import HIDDEN
    from makegood.app.demo.staff import PASSWORD, SIGN_IN
    from makegood.ground.web.formats import rounded

    say = output.stdout.print
    took = sum(result["seconds"].values()) - (0 if played.kept else result["seconds"]["import"])
    if played.kept:
        say(f"[bold]{RETAILER}[/bold] is here already (until {played.plan.end:%d %b %Y}): "
            f"{result['changed']:,} rows changed. {played.imported.seconds:.1f} s.", highlight=False)  # fmt: skip
        if played.plan != wanted:
            say(
                f"It was made with --seed {played.plan.seed} --scale {played.plan.scale:g}; --fresh makes it anew.",
                highlight=False,
            )
    else:
        output.print_table(f"{RETAILER}, a year until {played.plan.end:%d %b %Y}", [
            {"table": name, "rows": counts.read, "new": counts.new, "rejected": counts.rejected}
            for name, counts in played.imported.tables.items()
        ])  # fmt: skip
        say(f"{played.events:,} deeds of the staff on {result['cases']:,} cases. {took:.1f} s.", highlight=False)
    output.print_table("Cases by reason", [
        {"reason": row["reason"], "cases": row["cases"], "open": row["open"]} for row in result["by_reason"]
    ])  # fmt: skip
    still = result["open"]
    say(
        f"{still['total']:,} open, {still['overdue']:,} overdue, {still['due_today']:,} due within a day.",
        highlight=False,
    )
    output.print_table("Loudest rises of the last twelve weeks", result["rises"])
    output.print_table("Signals found, and what is hidden there", [
        {"signal": row["signal"], "hidden": row["hidden"], "what its cases share": row["words"],
         "found": f"{row['found_at']:%d %b}", "cases": row["observed"], "expected": rounded(row["expected"])}
        for row in result["signals"]
    ])  # fmt: skip
    found = {row["hidden"] for row in result["signals"]} - {""}
    say(f"{len(found)} of {len(HIDDEN)} hidden failures found; "
        f"{sum(not row['hidden'] for row in result['signals'])} other signals.", highlight=False)  # fmt: skip
    if owned := result["incident"]:
        say(f"{owned['incident']} was owned to its end: {owned['title']}.", highlight=False)
    say(f"Sign in as {', '.join(SIGN_IN)}; the password of each is [bold]{PASSWORD}[/bold].", highlight=False)
