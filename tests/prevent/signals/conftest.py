"""Findings as the detector would tell them, and somebody to keep them for."""

from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from makegood.engines.statistics.detection import Finding, Neighbour
from makegood.prevent.signals.models import Detection
from makegood.prevent.signals.services.keeping import keep
from tests.factories import NOON, colleague, open_case

LOST = {"reason": "delivery.not_received", "to_state": "North West"}
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def finding(signal=1, event="raised", *, at=NOON, slice_=None, observed=7, expected=1.5, cases=(), **more) -> Finding:
    told = {"since": min(at, NOON) - 3 * DAY, "low": 2.0, "high": 9.5, "evidence": 8.4}
    return Finding(event=event, signal=signal, at=at, slice=LOST if slice_ is None else slice_, observed=observed,
                   expected=expected, cases=tuple(str(it.pk) for it in cases), **told | more)  # fmt: skip


BROADER = Neighbour(slice={"reason": "delivery.not_received"}, observed=20, expected=14.0, evidence=1.2, why="broader")


@pytest.fixture
def detection(db) -> Detection:
    return Detection.objects.create(
        dimensions=["reason", "to_state"], one_false_alarm_in=30.0, since=NOON - 365 * DAY, until=NOON, seen=NOON,
        state="none.state", began_at=NOON,
    )  # fmt: skip


@pytest.fixture
def found(detection):
    """Keep what is found; without anything, one signal that was raised now."""

    def tell(*findings, now=NOON):
        return keep(findings or [finding(at=now)], detection=detection, now=now)

    return tell


@pytest.fixture
def judges(db):
    """Whoever may judge: a manager and an analyst; and a specialist who may look."""
    return [colleague(name) for name in ("mia", "dev", "ana")]


@pytest.fixture
def complaints(db):
    """Open so many cases, each of a customer of its own."""
    numbers = count()

    def open_some(many, *, at=NOON, **details):
        return [open_case(at=at + next(numbers) * timedelta(seconds=1), **details) for _ in range(many)]

    return open_some


def moment(*parts) -> datetime:
    return datetime(*parts, tzinfo=UTC)
