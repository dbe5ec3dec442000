"""Jobs of intake."""

from django.utils import timezone
from procrastinate.contrib.django import app

from makegood.recover.intake import services


@app.periodic(cron="* * * * *")
@app.task(name="intake.tick", queueing_lock="intake.tick")
def tick(timestamp: int) -> None:  # noqa: ARG001  procrastinate passes it
    """Take in what arrived and look for failures. Running twice at once is harmless."""
    services.tick(timezone.now())
