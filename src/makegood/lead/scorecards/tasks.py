"""Jobs of the scorecards."""

from django.utils import timezone
from procrastinate.contrib.django import app

from makegood.prevent.lake import refresh_lake


@app.periodic(cron="7 * * * *")
@app.task(name="scorecards.refresh", queueing_lock="scorecards.refresh")
def refresh(timestamp: int) -> None:  # noqa: ARG001  procrastinate passes it
    """Bring the lake up to date, at a minute when little else starts. A second refresh waits for the first."""
    refresh_lake(now=timezone.now())
