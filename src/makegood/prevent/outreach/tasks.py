"""Jobs of outreach."""

from uuid import UUID

from django.utils import timezone
from procrastinate.contrib.django import app

from makegood.prevent.outreach import services


@app.task(name="outreach.send_now")
def send_now() -> None:
    """Begin at once when somebody starts or resumes. Running twice at once is harmless."""
    services.send_due(now=timezone.now())


@app.task(name="outreach.draw")
def draw(outreach: str) -> None:
    """Work out who is told what, when somebody asked for it. Running twice at once draws once."""
    services.draw_what_was_asked(outreach_id=UUID(outreach), now=timezone.now())


@app.periodic(cron="* * * * *")
@app.task(name="outreach.take_up_draws", queueing_lock="outreach.take_up_draws")
def take_up_draws(timestamp: int) -> None:  # noqa: ARG001  procrastinate passes it
    """Whatever a killed worker left."""
    services.take_up_draws(now=timezone.now())


@app.periodic(cron="* * * * * */5")
@app.task(name="outreach.send", queueing_lock="outreach.send")
def send(timestamp: int) -> None:  # noqa: ARG001  procrastinate passes it
    """The next messages of what runs, and what became of the last. Every five seconds, so that nothing piles up."""
    services.send_due(now=timezone.now())
