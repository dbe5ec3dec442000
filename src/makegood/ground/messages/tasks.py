"""Jobs of the outbox."""

from django.utils import timezone
from procrastinate.contrib.django import app

from makegood.ground.messages import services


@app.task(name="messages.deliver")
def deliver() -> None:
    """Hand over everything that is due. Enqueued with each message; running twice at once is harmless."""
    services.deliver_due(now=timezone.now())


@app.periodic(cron="* * * * *")
@app.task(name="messages.deliver_every_minute", queueing_lock="messages.deliver_every_minute")
def deliver_every_minute(timestamp: int) -> None:  # noqa: ARG001  procrastinate passes it
    """Retries that came due, and whatever a killed worker left behind."""
    services.deliver_due(now=timezone.now())
