"""Jobs of the cases room."""

from django.utils import timezone
from procrastinate.contrib.django import app

from makegood.recover.cases.service_levels.noticing import tell_due
from makegood.recover.cases.service_levels.retiming import retime_open


@app.periodic(cron="* * * * *")
@app.task(name="cases.tell_due", queueing_lock="cases.tell_due")
def tell_of_clocks(timestamp: int) -> None:  # noqa: ARG001  procrastinate passes it
    """Clocks that warn or have run out since the minute before, and what a killed worker left."""
    tell_due(now=timezone.now())


@app.task(name="cases.retime_open", lock="cases.retime_open")
def retime() -> None:
    """Service levels were edited: the clocks of open cases follow."""
    retime_open(now=timezone.now())
