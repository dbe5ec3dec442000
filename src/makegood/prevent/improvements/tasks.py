"""Jobs of the register of improvements."""

from django.utils import timezone
from procrastinate.contrib.django import app

from makegood.prevent.improvements import services


@app.periodic(cron="*/10 * * * *")
@app.task(name="improvements.look", queueing_lock="improvements.look")
def look(timestamp: int) -> None:  # noqa: ARG001  procrastinate passes it
    """Weekly looks that are due. Running twice at once is harmless."""
    services.look_at_what_is_due(now=timezone.now())
