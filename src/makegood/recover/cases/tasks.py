"""Jobs of cases."""

import uuid

from django.utils import timezone
from procrastinate.contrib.django import app

from makegood.recover.cases.services.many import run_batch, waiting_batches
from makegood.recover.cases.services.snoozing import AT_ONCE, wake_due


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
