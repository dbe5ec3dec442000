"""`makegood affected`: everybody whom an incident touched."""

import csv
import re
import sys
from typing import Annotated

import typer

from makegood.app.cli import output
from makegood.app.cli.start import set_up

affected = typer.Typer()


@affected.command(name="affected")
def of_incident(
    incident: Annotated[str, typer.Argument(help="Its number, such as I-31 or 31.")],
    as_csv: Annotated[bool, typer.Option("--csv", help="Print the orders as CSV.")] = False,
    as_json: output.AsJson = False,
) -> None:
    """Look for the affected orders of an incident, now; say how they stand, or print all of them."""
    found = re.fullmatch(r"(?:[Ii]-?)?0*([1-9]\d{0,17})", incident.strip())
    if found is None:
        output.fail(f'"{incident}" is no number of an incident. Write for example I-31.')
    if as_csv and as_json:
        output.fail("Ask for --csv or for --json, not for both.")
    set_up()
    from dataclasses import asdict

    from django.utils import timezone

    from makegood.ground.web.exports import safe_cell
    from makegood.prevent.incidents.models import State
    from makegood.prevent.incidents.queries import affected as queries
    from makegood.prevent.incidents.queries.listing import find_incident
    from makegood.prevent.incidents.services import affecting
    from makegood.prevent.incidents.views.affected import HEAD, line

    it, now = find_incident(int(found[1])), timezone.now()
    if it.state != State.RESOLVED:
        affecting.look(it, by=None, now=now)
        affecting.write_down(incident_id=it.pk, now=now)
    counts = queries.counts(it)
    rows = (line(row) for row in queries.every(it, which="", places=None))
    if as_csv:
        writer = csv.writer(sys.stdout)
        writer.writerow(HEAD)
        writer.writerows([safe_cell(value) for value in row] for row in rows)
    elif as_json:
        told = asdict(counts) | {"value": [{"currency": currency, "value": value} for currency, value in counts.value]}
        output.print_json(
            {
                "incident": str(it),
                "title": it.title,
                **told,
                "affected": [dict(zip(HEAD, row, strict=True)) for row in rows],
            }
        )
    else:
        output.stdout.print(
            f"{it} {it.title}: {counts.orders:,} orders of {counts.customers:,} customers, {counts.silent:,} silent, "
            f"{counts.wrote:,} wrote, {counts.compensated:,} put right already, {counts.disputed:,} with the payment "
            f"taken back. --csv or --json prints them.",
            highlight=False, markup=False, soft_wrap=True,
        )  # fmt: skip
