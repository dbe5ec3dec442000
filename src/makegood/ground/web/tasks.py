"""Housekeeping of the web."""

from django.utils import timezone
from procrastinate.contrib.django import app

from makegood.ground.web import throttle


@app.periodic(cron="17 3 * * *")
@app.task(name="web.forget_throttles", queueing_lock="web.forget_throttles")
def forget_throttles(timestamp: int) -> None:  # noqa: ARG001  procrastinate passes it
    throttle.forget(now=timezone.now())
