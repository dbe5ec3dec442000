"""Jobs of the cases room."""

import uuid
from contextlib import suppress
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from makegood.recover.cases.models import Presence
from makegood.recover.cases.service_levels.noticing import tell_due
from makegood.recover.cases.service_levels.retiming import retime_open
from makegood.recover.cases.services.attachments import scan_waiting
from makegood.recover.cases.services.many import run_batch, waiting_batches
from makegood.recover.cases.services.snoozing import AT_ONCE, wake_due
from makegood.recover.cases.services.usual import measure_usual


@app.periodic(cron="* * * * *")
@app.task(name="cases.wake", queueing_lock="cases.wake")
def wake(timestamp: int) -> None:  # noqa: ARG001  procrastinate passes it
    """Put back into the queue what was put off until now. Running twice at once is harmless."""
    while wake_due(timezone.now()) == AT_ONCE:
        pass


@app.task(name="cases.batch")
def batch(batch_id: str) -> None:
    """Do one thing to many cases. Enqueued with the batch; running twice at once is harmless."""
    run_batch(batch_id=uuid.UUID(batch_id), now=timezone.now())


@app.periodic(cron="* * * * *")
@app.task(name="cases.batches", queueing_lock="cases.batches")
def batches(timestamp: int) -> None:  # noqa: ARG001  procrastinate passes it
    """Go on with whatever a killed worker left."""
    for batch_id in waiting_batches():
        run_batch(batch_id=batch_id, now=timezone.now())


@app.periodic(cron="* * * * *")
@app.task(name="cases.tell_due", queueing_lock="cases.tell_due")
def tell_of_clocks(timestamp: int) -> None:  # noqa: ARG001  procrastinate passes it
    """Clocks that warn or have run out since the minute before, and what a killed worker left."""
    tell_due(now=timezone.now())


@app.periodic(cron="29 3 * * *")
@app.task(name="cases.forget_presence", queueing_lock="cases.forget_presence")
def forget_presence(timestamp: int) -> None:  # noqa: ARG001  procrastinate passes it
    """Who looked at what is nobody's business the day after."""
    Presence.objects.filter(seen_at__lt=timezone.now() - timedelta(days=1)).delete()


@app.task(name="cases.retime_open", lock="cases.retime_open")
def retime() -> None:
    """Service levels were edited: the clocks of open cases follow."""
    retime_open(now=timezone.now())


@app.task(name="cases.retime_changed", lock="cases.retime_open")
def retime_changed(since: str) -> None:
    """An import changed customers: clocks and rank of their open cases follow their tier."""
    retime_open(now=timezone.now(), customers_since=datetime.fromisoformat(since))


def after_import(began: datetime) -> None:
    """Have the cases of changed customers follow, and measure anew what is usual."""
    retime_changed.defer(since=began.isoformat())
    with suppress(AlreadyEnqueued), transaction.atomic():  # a refusal must not end a transaction around it
        measure.configure(queueing_lock="cases.measure_usual").defer(timestamp=0)


@app.periodic(cron="41 3 * * *")
@app.task(name="cases.measure_usual", queueing_lock="cases.measure_usual")
def measure(timestamp: int) -> None:  # noqa: ARG001  procrastinate passes it
    """What is usual among customers. Running twice at once is harmless."""
    measure_usual(now=timezone.now())


@app.task(name="cases.scan")
def scan() -> None:
    """Show new files to the virus scanner. Running twice at once is harmless."""
    scan_waiting()


@app.periodic(cron="*/5 * * * *")
@app.task(name="cases.scan_again", queueing_lock="cases.scan_again")
def scan_again(timestamp: int) -> None:  # noqa: ARG001  procrastinate passes it
    """What waits because the scanner failed, or because there was none when it came."""
    scan_waiting()
