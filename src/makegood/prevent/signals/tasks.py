"""Jobs of the signals room."""

from contextlib import suppress

from django.utils import timezone
from procrastinate.contrib.django import app

from makegood.prevent.signals.errors import DetectionBusy
from makegood.prevent.signals.services.ruling import measure_all


@app.periodic(cron="* * * * *")
@app.task(name="signals.detect", queueing_lock="signals.detect", lock="signals.detect")
def detect(timestamp: int) -> None:  # noqa: ARG001  procrastinate passes it
    """Judge what is new. One at a time; what a killed worker left, the next one does."""
    from makegood.prevent.signals.services.detecting import tick  # noqa: PLC0415  the detector is heavy to import

    with suppress(DetectionBusy):
        tick(timezone.now())


@app.periodic(cron="17 4 * * *")
@app.task(name="signals.measure_rules", queueing_lock="signals.measure_rules")
def measure_rules(timestamp: int) -> None:  # noqa: ARG001  procrastinate passes it
    """How often each fixed rule would have called in the past year. Running twice at once is harmless."""
    measure_all(now=timezone.now())
