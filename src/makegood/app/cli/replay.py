"""`makegood replay`: history runs through intake as it would have happened."""

import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from makegood.app.cli import output
from makegood.app.cli.start import set_up

if TYPE_CHECKING:
    from makegood.ground.retail.models import Source
    from makegood.recover.intake.services.replay import Progress

replay = typer.Typer(no_args_is_help=True)

Until = Annotated[str, typer.Option(metavar="DATE", help="The last day, such as 2018-03-20; default: today.")]
Since = Annotated[str, typer.Option(metavar="DATE", help="Leave out what failed before this day.")]


@replay.command()
def olist(
    directory: Annotated[Path, typer.Argument(help="The directory of the nine tables.")],
    until: Until = "",
    since: Since = "",
    json_: output.AsJson = False,
) -> None:
    """The Olist marketplace; it is imported first if it is not there yet."""
    set_up()
    from django.utils import timezone

    if not _imported("olist"):
        from makegood.ground.retail.services.importing import import_olist

        with _rows_on_a_bar() as progress:
            import_olist(directory=directory, now=timezone.now(), progress=progress)
    _replay("olist", since=since, until=until, as_json=json_)


@replay.command()
def feed(
    directory: Annotated[Path, typer.Argument(help="The directory of the feed.")],
    source: Annotated[str, typer.Option(help="Which outside system it comes from.")] = "feed",
    until: Until = "",
    since: Since = "",
    json_: output.AsJson = False,
) -> None:
    """Your own feed; it is imported first if nothing of its source is there yet."""
    set_up()
    from django.utils import timezone

    if not _imported(source):
        from makegood.ground.retail.feed import TABLES
        from makegood.ground.retail.services.importing import import_feed
        from makegood.recover.intake.feed import CONTACTS

        with _rows_on_a_bar() as progress:
            import_feed(
                directory=directory, source=source, now=timezone.now(), tables=(*TABLES, CONTACTS), progress=progress
            )
    _replay(source, since=since, until=until, as_json=json_)


@replay.command("source")
def source_(
    slug: Annotated[str, typer.Argument(help="Name of the source, as given to makegood import.")],
    until: Until = "",
    since: Since = "",
    json_: output.AsJson = False,
) -> None:
    """What was imported already."""
    set_up()
    if not _imported(slug):
        from makegood.ground.retail.models import Source

        known = ", ".join(Source.objects.exclude(imported_at=None).order_by("slug").values_list("slug", flat=True))
        output.fail(f"Nothing was imported from {slug!r}. There is: {known or 'nothing yet; see makegood import'}.")
    _replay(slug, since=since, until=until, as_json=json_)


def _imported(slug: str) -> bool:
    from makegood.ground.retail.models import Source

    return Source.objects.filter(slug=slug, imported_at__isnull=False).exists()


def _replay(slug: str, *, since: str, until: str, as_json: bool) -> None:
    from django.utils import timezone

    from makegood.ground.retail.models import Order, Source
    from makegood.recover.intake import services

    source = Source.objects.get(slug=slug)
    last = min(_day(until, source) + timedelta(days=1), timezone.now()) if until else timezone.now()
    first = _day(since, source) if since else None
    started = time.monotonic()
    with _days_on_a_bar() as progress:
        tally = services.replay(source, last, since=first, progress=progress)
    seconds = time.monotonic() - started
    result: dict[str, Any] = {
        "source": slug,
        "until": last,
        "orders": Order.objects.filter(source=source, placed_at__lte=last).count(),
        "opened": tally.opened,
        "attached": tally.attached,
        "by_reason": dict(tally.by_reason.most_common()),
        "turned": dict(tally.turned.most_common()),
        "reviews": {
            "bad": tally.reviews, "with_words": tally.reviews_with_words, "understood": tally.reviews_understood,
        },
        "seconds": round(seconds, 1),
        "peak_memory_mb": _peak_memory_mb(),
    }  # fmt: skip
    if as_json:
        output.print_json(result)
        return
    output.print_table(
        f"Cases opened until {last.astimezone(ZoneInfo(source.time_zone)):%Y-%m-%d %H:%M}",
        [
            {"reason": reason, "cases": count, "turned into it later": tally.turned[reason]}
            for reason, count in [*tally.by_reason.most_common()]
        ],
    )
    output.stdout.print(
        f"{result['orders']:,} orders: {tally.opened:,} cases opened, "
        f"{tally.attached:,} happenings added to open cases, "
        f"{seconds:.1f} s, {result['peak_memory_mb']:,} MB.",
        highlight=False,
    )


def _day(text: str, source: "Source") -> datetime:
    try:
        day = datetime.fromisoformat(text)
    except ValueError:
        output.fail(f"{text!r} is not a date. Write it as 2018-03-20.")
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(source.time_zone)).astimezone(UTC)


def _peak_memory_mb() -> int:
    # Kilobytes on Linux, bytes on macOS.
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // unit


@contextmanager
def _days_on_a_bar() -> "Iterator[Progress]":
    with output.progress() as bar:
        task = bar.add_task("replay", total=None)

        def reached(first: datetime, now: datetime, last: datetime) -> None:
            bar.update(task, description=f"{now:%Y-%m-%d}", completed=(now - first).days, total=(last - first).days)

        yield reached


@contextmanager
def _rows_on_a_bar() -> "Iterator[Any]":
    with output.progress() as bar:
        task = bar.add_task("import", total=None)
        yield lambda table, rows: bar.update(task, description=table, advance=rows)
