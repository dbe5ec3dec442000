"""Jobs of incidents."""

from django.utils import timezone
from procrastinate.contrib.django import app

from makegood.prevent.incidents.services.joining import join_matching


@app.periodic(cron="* * * * *")
@app.task(name="incidents.join_matching", queueing_lock="incidents.join_matching")
def join_now(timestamp: int) -> None:  # noqa: ARG001  procrastinate passes it
    """Let cases that match join their incidents. Running twice at once is harmless."""
    join_matching(now=timezone.now())


@app.task(name="incidents.join")
def join() -> None:
    """The same at once, after an incident was declared or says anew what it is."""
    join_matching(now=timezone.now())
