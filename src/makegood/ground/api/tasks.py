"""Housekeeping of the API."""

from django.utils import timezone
from procrastinate.contrib.django import app

from makegood.ground.api import once


@app.periodic(cron="23 3 * * *")
@app.task(name="api.forget_answers", queueing_lock="api.forget_answers")
def forget_answers(timestamp: int) -> None:  # noqa: ARG001  procrastinate passes it
    once.forget(now=timezone.now())
