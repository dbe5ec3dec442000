"""All commands in one list."""

import typer

from makegood.app.cli import output
from makegood.app.cli.commitments import commitments
from makegood.app.cli.demo import demo
from makegood.app.cli.detect import detecting
from makegood.app.cli.imports import imports, rejects
from makegood.app.cli.keeping import keeping
from makegood.app.cli.mail import mail
from makegood.app.cli.replay import replay
from makegood.app.cli.reports import report
from makegood.app.cli.running import running
from makegood.app.cli.staff import staff
from makegood.app.cli.start import CannotStart
from makegood.app.cli.triage import triage
from makegood.errors import MakegoodError

app = typer.Typer(
    name="makegood", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help="Put failed purchases right: cases, promises, patterns and proof for retailers.",
)  # fmt: skip
app.add_typer(running)
app.add_typer(demo)
app.add_typer(imports, name="import", help="Bring in a retailer's history.")
app.add_typer(mail, name="mail", help="Mailboxes: fetch now, or try them.")
app.add_typer(rejects, name="rejects", help="Rows that could not be read: list, correct, submit again.")
app.add_typer(replay, name="replay", help="Run history through intake as it happened.")
app.add_typer(report, name="report", help="What went wrong and what changed.")
app.add_typer(triage, name="triage", help="Learn from confirmed cases why customers write.")
app.add_typer(detecting)
app.add_typer(commitments)
app.add_typer(staff, name="staff", help="People who sign in.")
app.add_typer(keeping)


def run() -> int:
    """Run what the command line says; the exit code."""
    try:
        app()
    except (CannotStart, MakegoodError) as problem:
        output.stderr.print(f"[red]makegood:[/red] {problem}", highlight=False, soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        output.stderr.print("makegood: stopped.")
        return 130
    return 0
