"""Jobs that look for affected orders."""

from uuid import UUID

from django.utils import timezone
from procrastinate.contrib.django import app

from makegood.prevent.incidents.services import affecting


@app.task(name="incidents.snapshot")
def snapshot(incident: str) -> None:
    """Write down the affected orders of an incident. Enqueued with each look; running twice at once is harmless."""
    affecting.write_down(incident_id=UUID(incident), now=timezone.now())


@app.periodic(cron="*/5 * * * *")
@app.task(name="incidents.take_up_snapshots", queueing_lock="incidents.take_up_snapshots")
def take_up(timestamp: int) -> None:  # noqa: ARG001  procrastinate passes it
    """Whatever a killed worker left."""
    affecting.take_up(now=timezone.now())


@app.periodic(cron="17 * * * *")
@app.task(name="incidents.look_again", queueing_lock="incidents.look_again")
def look_again(timestamp: int) -> None:  # noqa: ARG001  procrastinate passes it
    """Who bought since: after the hour's refresh of the lake."""
    affecting.look_again(now=timezone.now())
