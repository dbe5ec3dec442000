"""`makegood mail`: fetch now, and try whether mailboxes can be read."""

from typing import Any

import typer

from makegood.app.cli import output
from makegood.app.cli.start import set_up

mail = typer.Typer(no_args_is_help=True)


@mail.command()
def fetch(json_: output.AsJson = False) -> None:
    """Fetch the new mail of every mailbox and take it in, as the worker does each minute."""
    set_up()
    from django.utils import timezone

    from makegood.errors import MakegoodError
    from makegood.recover.intake.services.fetching import fetch_and_note as fetch_mailbox
    from makegood.recover.intake.services.fetching import with_mailbox
    from makegood.recover.intake.services.mailing import take_in_mail

    _require_some(with_mailbox())
    rows: list[dict[str, Any]] = []
    problems: list[str] = []
    for brand in with_mailbox():
        try:
            fetched = fetch_mailbox(brand, now=timezone.now(), at_most=1_000_000)
        except MakegoodError as problem:
            problems.append(str(problem))
        else:
            rows.append(
                {
                    "mailbox": fetched.mailbox, "new": fetched.new, "too_large": fetched.too_large,
                    "read_by_another": fetched.busy,
                }
            )  # fmt: skip
    became = dict(take_in_mail(timezone.now()))
    if json_:
        output.print_json({"mailboxes": rows, "became": became, "problems": problems})
    else:
        output.print_table("Fetched", rows)  # type: ignore[arg-type]
        told = ", ".join(f"{count} {status}" for status, count in became.items()) or "nothing was waiting"
        output.stdout.print(f"Taken in: {told}.", highlight=False)
    if problems:
        output.fail(" ".join(problems))


@mail.command()
def check(json_: output.AsJson = False) -> None:
    """Open every mailbox and say what is in it. Nothing is fetched and nothing is changed."""
    set_up()
    from django.utils import timezone

    from makegood.errors import MakegoodError
    from makegood.recover.intake.services.fetching import check as look
    from makegood.recover.intake.services.fetching import with_mailbox

    _require_some(with_mailbox())
    rows: list[dict[str, Any]] = []
    problems: list[str] = []
    for brand in with_mailbox():
        try:
            rows.append({"brand": brand.sender, **look(brand, now=timezone.now())._asdict()})
        except MakegoodError as problem:
            problems.append(str(problem))
    if json_:
        output.print_json({"mailboxes": rows, "problems": problems})
    else:
        output.print_table("Mailboxes", rows)  # type: ignore[arg-type]
    if problems:
        output.fail(" ".join(problems))


def _require_some(found: list[Any]) -> None:
    if not found:
        output.fail("No mailbox is set. Set MAKEGOOD_MAILBOX=imaps://user:password@host/INBOX, then try again.")
