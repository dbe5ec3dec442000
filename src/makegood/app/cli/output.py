"""How commands talk: a table for people or JSON for programs on stdout, progress and problems on stderr."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, Any, NoReturn

import typer
from django.core.serializers.json import DjangoJSONEncoder
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

stdout = Console()
stderr = Console(stderr=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def print_json(result: Any) -> None:
    """One JSON document on stdout, dates in ISO 8601, decimals as strings."""
    json.dump(result, sys.stdout, cls=DjangoJSONEncoder, ensure_ascii=False, indent=2)
    sys.stdout.write("\n")


def print_table(title: str, rows: list[Mapping[str, Any]]) -> None:
    """Rows that share their keys as a table; numbers to the right. Nothing for no rows."""
    if not rows:
        return
    table = Table(title=title, title_justify="left")
    for name, value in rows[0].items():
        table.add_column(name, justify="right" if isinstance(value, int | float) else "left")
    for row in rows:
        table.add_row(*(f"{value:,}" if isinstance(value, int) else str(value) for value in row.values()))
    stdout.print(table)


def fail(sentence: str) -> NoReturn:
    """Stop with one sentence that says what is wrong and what to do; exit code 1."""
    stderr.print(f"[red]makegood:[/red] {sentence}", highlight=False, markup=True, soft_wrap=True)
    raise typer.Exit(1)


@contextmanager
def progress() -> Iterator[Progress]:
    """A progress bar on a terminal, silence elsewhere."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=stderr, transient=True, disable=not stderr.is_terminal) as bar:
        yield bar
