"""Jobs of the promise register."""

from django.utils import timezone
from procrastinate.contrib.django import app

from makegood.recover.commitments import services


@app.periodic(cron="* * * * *")
@app.task(name="commitments.tell_what_is_due", queueing_lock="commitments.tell_what_is_due")
def tell_what_is_due(timestamp: int) -> None:  # noqa: ARG001  procrastinate passes it
    """Reminders, notices and escalations that are due. Running twice at once is harmless."""
    services.tell_what_is_due(now=timezone.now())
