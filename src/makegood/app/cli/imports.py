"""`makegood import` and `makegood rejects`: a retailer's history comes in, and what could not be read is put right."""

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from makegood.app.cli import output
from makegood.app.cli.start import set_up

if TYPE_CHECKING:
    from makegood.ground.retail.loading.loader import Progress
    from makegood.ground.retail.services.importing import Imported

imports = typer.Typer(no_args_is_help=True)
rejects = typer.Typer(no_args_is_help=True)

Directory = Annotated[Path, typer.Argument(metavar="DIR", help="The directory that holds the files.")]


@imports.command()
def olist(directory: Directory, json_: output.AsJson = False) -> None:
    """The Olist marketplace: its nine tables, plain or gzip."""
    set_up()
    from django.utils import timezone

    from makegood.ground.retail.services.importing import import_olist

    with _rows_on_a_bar() as progress:
        imported = import_olist(directory=directory, now=timezone.now(), progress=progress)
    _tell(imported, as_json=json_)


@imports.command()
def feed(
    directory: Directory,
    source: Annotated[str, typer.Option(help="Which outside system it comes from.")] = "feed",
    time_zone: Annotated[str, typer.Option(help="Of a new source: zone of times that come without one.")] = "UTC",
    currency: Annotated[str, typer.Option(help="Of a new source: currency of orders that name none.")] = "EUR",
    json_: output.AsJson = False,
) -> None:
    """Your own data as files of the documented feed: NDJSON, CSV or Parquet, one per table."""
    set_up()
    from django.utils import timezone

    from makegood.ground.retail.services.importing import import_feed

    with _rows_on_a_bar() as progress:
        imported = import_feed(
            directory=directory, source=source, now=timezone.now(), time_zone=time_zone,
            currency=currency, progress=progress,
        )  # fmt: skip
    _tell(imported, as_json=json_)


@imports.command()
def chats(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="One conversation a line, as JSON (NDJSON).")],
    source: Annotated[str, typer.Option(help="Which outside system it comes from.")] = "chat",
    json_: output.AsJson = False,
) -> None:
    """Chat transcripts: each conversation becomes a contact, matched to customer, order and case."""
    set_up()
    from dataclasses import asdict

    from django.utils import timezone

    from makegood.recover.intake.services.chats import import_chats

    done = import_chats(file=file, source=source, now=timezone.now())
    if json_:
        output.print_json(asdict(done))
        return
    left = f" {done.rejected:,} could not be read: makegood rejects list." if done.rejected else ""
    output.stdout.print(
        f"{done.read:,} {'conversation' if done.read == 1 else 'conversations'}:"
        f" {done.new:,} new, {done.same:,} there before.{left}",
        highlight=False,
    )


@imports.command()
def schema(
    directory: Annotated[Path, typer.Argument(help="Where to put it.")] = Path(),
    json_: output.AsJson = False,
) -> None:
    """Write down the feed: a page, and a JSON Schema for each table."""
    set_up(database=False)
    from makegood.ground.retail.schema import write_reference

    try:
        written = [str(path) for path in write_reference(directory)]
    except OSError as problem:
        output.fail(f"{directory} cannot be written: {problem.strerror}.")
    if json_:
        output.print_json({"written": written})
    else:
        output.stdout.print(f"{len(written)} files written to {directory}.", highlight=False)


@contextmanager
def _rows_on_a_bar() -> "Iterator[Progress]":
    with output.progress() as bar:
        task = bar.add_task("rows", total=None)

        def advance(table: str, rows: int) -> None:
            bar.update(task, description=table, advance=rows)

        yield advance


def _tell(imported: "Imported", *, as_json: bool) -> None:
    if as_json:
        output.print_json(imported.as_dict())
        return
    counts: list[Mapping[str, Any]] = [
        {"table": name, "read": c.read, "new": c.new, "changed": c.changed, "same": c.same, "rejected": c.rejected}
        for name, c in imported.tables.items()
    ]
    output.print_table(f"Imported from {imported.source}", counts)
    for note in imported.notes:
        output.stdout.print(note, highlight=False, markup=False)
    changed = f"{imported.changed:,} rows are new or changed." if imported.changed else "Nothing has changed."
    left = f" {imported.rejects:,} could not be read: makegood rejects list." if imported.rejects else ""
    output.stdout.print(f"{changed}{left} {imported.seconds:.1f} s.", highlight=False)


@rejects.command("list")
def list_(
    run: Annotated[uuid.UUID | None, typer.Option(help="Only those of this import.")] = None,
    table: Annotated[str, typer.Option(help="Only those of this table.")] = "",
    status: Annotated[str, typer.Option(help="open, corrected, dismissed or all.")] = "open",
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 50,
    json_: output.AsJson = False,
) -> None:
    """What could not be read, newest first."""
    set_up()
    from makegood.ground.retail.models import Reject
    from makegood.ground.retail.queries.rejects import RejectFilter, count_rejects, list_rejects

    if status not in (*Reject.Status.values, "all"):
        output.fail(f"{status!r} is no status: use open, corrected, dismissed or all.")
    wanted = RejectFilter(run=run, table=table, status="" if status == "all" else status)
    rows = [row._asdict() for row in list_rejects(wanted=wanted, limit=limit)]
    total = count_rejects(wanted=wanted)
    if json_:
        output.print_json({"total": total, "rejects": rows})
        return
    # Lines, not a table: the identifier is there to be copied, and a table would cut it.
    for row in rows:
        where = f"{row['file']}:{row['line']}" if row["line"] is not None else row["file"]
        output.stdout.print(f"{row['id']}  {where}  {row['reason']}", highlight=False, markup=False, soft_wrap=True)
    if total > len(rows):
        output.stdout.print(f"{len(rows)} of {total:,}. See more with --limit.", highlight=False)
    if not rows:
        output.stdout.print("No rejects: every row could be read.")


@rejects.command()
def show(reject: uuid.UUID, json_: output.AsJson = False) -> None:
    """One reject with the row as it came."""
    set_up()
    from makegood.ground.retail.queries.rejects import get_reject

    found = get_reject(reject)
    facts = {
        "id": found.pk, "table": found.table, "file": found.file, "line": found.line, "reason": found.reason,
        "status": found.status, "payload": found.payload,
    }  # fmt: skip
    if json_:
        output.print_json(facts)
        return
    for name, value in facts.items():
        output.stdout.print(f"{name:8} {value}", highlight=False, markup=False)


@rejects.command()
def correct(
    reject: uuid.UUID,
    fields: Annotated[list[str], typer.Argument(metavar="FIELD=VALUE...", help="What to change before submitting.")],
    json_: output.AsJson = False,
) -> None:
    """Change fields of a row and submit it again."""
    set_up()
    from django.utils import timezone

    from makegood.ground.retail.queries.rejects import fields_of, get_reject
    from makegood.ground.retail.services.rejects import correct_reject

    found = get_reject(reject)
    payload = fields_of(found)
    for given in fields:
        name, equals, value = given.partition("=")
        if not equals:
            output.fail(f"{given!r} is not like FIELD=VALUE.")
        payload[name] = value
    corrected = correct_reject(reject=found, payload=payload, now=timezone.now())
    if json_:
        output.print_json({"id": reject, "status": corrected.status, "reason": corrected.reason})
    elif corrected.status == "open":
        output.fail(f"Still not right: {corrected.reason}")
    else:
        output.stdout.print("The row is in.")


@rejects.command()
def dismiss(reject: uuid.UUID, json_: output.AsJson = False) -> None:
    """Leave a row out for good."""
    set_up()
    from django.utils import timezone

    from makegood.ground.retail.queries.rejects import get_reject
    from makegood.ground.retail.services.rejects import dismiss_reject

    dismissed = dismiss_reject(reject=get_reject(reject), now=timezone.now())
    if json_:
        output.print_json({"id": reject, "status": dismissed.status})
    else:
        output.stdout.print("Dismissed.")


@rejects.command()
def retry(
    run: Annotated[uuid.UUID, typer.Argument(help="The import whose open rejects are submitted again.")],
    json_: output.AsJson = False,
) -> None:
    """Submit all open rejects of an import again, unchanged: their parents may have arrived since."""
    set_up()
    from django.utils import timezone

    from makegood.ground.retail.queries.rejects import get_run
    from makegood.ground.retail.services.rejects import retry_all

    outcome = retry_all(run=get_run(run), now=timezone.now())
    if json_:
        output.print_json(outcome._asdict())
    else:
        output.stdout.print(f"{outcome.corrected:,} rows are in, {outcome.open:,} are still not right.")
