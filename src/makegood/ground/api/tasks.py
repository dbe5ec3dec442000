"""Jobs of the API: webhooks, and forgetting what nobody will ask for again."""

from django.utils import timezone
from procrastinate.contrib.django import app

from makegood.ground.api import once, webhooks


@app.periodic(cron="* * * * * */5")
@app.task(name="api.deliver_webhooks", queueing_lock="api.deliver_webhooks")
def deliver_webhooks(timestamp: int) -> None:  # noqa: ARG001  procrastinate passes it
    """What happened in the last seconds, retries that came due, and what a killed worker left behind."""
    webhooks.deliver_due(clock=timezone.now)


@app.periodic(cron="23 3 * * *")
@app.task(name="api.forget", queueing_lock="api.forget")
def forget(timestamp: int) -> None:  # noqa: ARG001  procrastinate passes it
    now = timezone.now()
    once.forget(now=now)
    webhooks.forget(now=now)
