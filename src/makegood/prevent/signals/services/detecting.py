"""Detection on live data: what is new goes to the detector, what it finds is kept.

The detector's state is a file, its place in time a row (`Detection`), and both move together: the new state is written
under a name of its own, then one transaction keeps what was found and names that file. A worker that dies before has
changed nothing; one that dies after has lost nothing. A state may be large: while nothing is found it is written every
few minutes only, and whoever goes on after a crash reads again what came since.
"""

import os
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import pyarrow as pa
import structlog
from django.conf import settings
from django.db import connection, transaction

from makegood.engines.statistics.detection import Detector, Finding
from makegood.prevent import lake as facts
from makegood.prevent.signals.errors import DetectionBusy
from makegood.prevent.signals.models import Detection, Signal, SignalEvent
from makegood.prevent.signals.queries import material
from makegood.prevent.signals.services import judging, keeping, ruling

log = structlog.get_logger(__name__)

HISTORY: Final = timedelta(days=365)
SAVE_EVERY: Final = timedelta(minutes=10)
LOCK: Final = 7267322
"""The advisory lock of whoever detects."""

Progress = Callable[[int, int], None]  # days of history behind us, of all


@dataclass(kw_only=True)
class Working:
    """A detector in the memory of this process, which may be ahead of the state that was kept last."""

    state: str
    detector: Detector
    until: datetime
    seen: datetime
    cases: int = 0  # judged since
    corrected: list[pa.Table] = field(default_factory=list)  # since; noted with the state, for whoever reads it anew


@dataclass(frozen=True, kw_only=True)
class Ran:
    """What a look brought."""

    until: datetime
    began: bool  # with the history, as there was no detector at work
    exposures: int
    cases: int
    findings: list[Finding] = field(default_factory=list)
    signals: list[Signal] = field(default_factory=list)  # those that the findings speak of


def tick(now: datetime, *, progress: Progress | None = None) -> Ran:
    """Judge what is new, wake what was snoozed, look at the rules. Call outside transactions.

    Where no detector is at work, or its settings or its file are no longer the same, a new one reads the history first.
    One at a time: a session's advisory lock, which PostgreSQL releases when a worker dies.

    Raises
    ------
    DetectionBusy
        Somebody else is at it. Nothing was done.
    """
    with _alone():
        found = _go_on(now) or _begin(now, progress)
    keeping.wake(now=now)
    judging.reopen_expired(now=now)
    ruling.evaluate(now=now)
    return found


def in_the_past(*, since: datetime, until: datetime) -> Iterator[Finding]:
    """What a detector would have found from `since` to `until`, knowing nothing later. Keeps nothing, tells nobody.

    Everything is read in the order in which it happened: cases as they opened and what became known of them when it
    did, purchases as they are known today.
    """
    detector = _new_detector()
    bound = material.surely_visible()
    facts.refresh_lake(now=until)
    with facts.facts() as lake:
        dimensions = settings.MAKEGOOD_DETECT_BY
        for begins, ends, cases in material.past(dimensions, since=since, until=until, written_before=bound):
            exposures = material.past_exposures(lake, dimensions, since=begins, until=ends, written_before=bound)
            yield from detector.advance(exposures, cases, ends)


def _go_on(now: datetime) -> Ran | None:
    """From where the last look ended; None: there is no detector to go on with."""
    detection = Detection.objects.filter(ended_at=None).first()
    if detection is None or not _as_set(detection):
        return None
    working = _take(detection)
    if working is None:
        return None
    bound = material.surely_visible()
    if now <= working.until or bound <= working.seen:
        _WORKING.append(working)
        return Ran(until=working.until, began=False, exposures=0, cases=0)
    seen = {"written_since": working.seen, "written_before": bound}
    exposures = material.fresh_exposures(detection.dimensions, **seen)
    cases = material.fresh_cases(detection.dimensions, after=working.until, until=now, **seen)
    corrected = material.fresh_corrections(detection.dimensions, after=working.until, until=now, **seen)
    findings = working.detector.advance(exposures, pa.concat_tables([cases, corrected]), now)
    working.until, working.seen = now, bound
    working.cases += cases.num_rows
    working.corrected.append(corrected)
    signals: list[Signal] = []
    if findings or now - detection.until >= SAVE_EVERY:
        detection.until, detection.seen = now, bound
        signals = _move(detection, working.detector, findings, [cases, *working.corrected], working.cases, now)
    else:
        keeping.note_judged(cases)
        _WORKING.append(working)
    return Ran(until=now, began=False, exposures=exposures.num_rows, cases=cases.num_rows, findings=findings,
               signals=signals)  # fmt: skip


def _begin(now: datetime, progress: Progress | None) -> Ran:
    """A new detector, from the past year. Only what still goes on at its end is told of."""
    dimensions, since = settings.MAKEGOOD_DETECT_BY, now - HISTORY
    detector, bound = _new_detector(), material.surely_visible()
    facts.refresh_lake(now=now)
    findings, purchases, judged = [], 0, []
    with facts.facts() as lake:
        for begins, ends, cases in material.past(dimensions, since=since, until=now, written_before=bound):
            exposures = material.past_exposures(lake, dimensions, since=begins, until=ends, written_before=bound)
            findings += detector.advance(exposures, cases, ends)
            purchases += exposures.num_rows
            judged.append(cases)
            if progress:
                progress((ends - since).days, HISTORY.days)
    detection = Detection(
        dimensions=dimensions, one_false_alarm_in=settings.MAKEGOOD_ONE_FALSE_ALARM_IN, since=since, until=now,
        seen=bound, began_at=now,
    )  # fmt: skip
    signals = _move(detection, detector, findings, judged, sum(cases.num_rows for cases in judged), now)
    log.info("detection began", cases=detection.cases, exposures=purchases, signals=len(signals))
    return Ran(until=now, began=True, exposures=purchases, cases=detection.cases, findings=findings, signals=signals)


def _move(
    detection: Detection, detector: Detector, findings: list[Finding], judged: Sequence[pa.Table], count: int,
    now: datetime,
) -> list[Signal]:  # fmt: skip
    """Keep state, findings and place in time as one; `count` cases were judged since the state before."""
    detection.cases += count
    detection.state = f"{detection.pk}-{uuid.uuid4().hex[:12]}.state"
    path = _folder() / detection.state
    detector.save(path)
    _to_disk(path)
    with transaction.atomic():
        if detection._state.adding:  # noqa: SLF001  documented
            Detection.objects.filter(ended_at=None).update(ended_at=now)
        detection.save()
        for cases in judged:
            keeping.note_judged(cases)
        signals = keeping.keep(findings, detection=detection, now=now)
        _close_what_is_left(detection, now)
    _WORKING[:] = [Working(state=detection.state, detector=detector, until=detection.until, seen=detection.seen)]
    for other in path.parent.glob("*.state"):
        if other != path:
            other.unlink(missing_ok=True)
    return signals


def _close_what_is_left(detection: Detection, now: datetime) -> None:
    """What an earlier detection had raised and this one does not see, with its settings and all that it knows."""
    left = Signal.objects.filter(detection__ended_at__isnull=False, closed_at=None).exclude(detection=detection)
    for signal in left.select_for_update(of=("self",)).order_by("id"):
        Signal.objects.filter(pk=signal.pk).update(closed_at=now, updated_at=now)
        SignalEvent.objects.create(
            signal=signal, kind=SignalEvent.Kind.CLOSED, at=now, facts={"not_seen_by": str(detection.pk)}
        )


_WORKING: list[Working] = []
"""The detector of this process, so that a look of every minute reads no file; none, while somebody uses it."""


def _take(detection: Detection) -> Working | None:
    """The detector with the state that was kept last, or ahead of it. What goes wrong with it is forgotten with it."""
    known = _WORKING.pop() if _WORKING else None
    if known is not None and known.state == detection.state:
        return known
    path = _folder() / detection.state
    if not path.exists():
        log.warning("state of the detector not found, beginning with the history", state=detection.state)
        return None
    try:
        detector = Detector.load(path)
    except ValueError as problem:
        log.warning("state of the detector is of another version, beginning with the history", problem=str(problem))
        return None
    return Working(state=detection.state, detector=detector, until=detection.until, seen=detection.seen)


def _as_set(detection: Detection) -> bool:
    return (
        detection.dimensions == settings.MAKEGOOD_DETECT_BY
        and detection.one_false_alarm_in == settings.MAKEGOOD_ONE_FALSE_ALARM_IN
    )


def _new_detector() -> Detector:
    return Detector(settings.MAKEGOOD_DETECT_BY, one_false_alarm_in=settings.MAKEGOOD_ONE_FALSE_ALARM_IN)


def _folder() -> Path:
    folder = Path(settings.MAKEGOOD_DETECTION)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _to_disk(path: Path) -> None:
    """Before the database says that it is there."""
    with path.open("rb") as written:
        os.fsync(written.fileno())


@contextmanager
def _alone() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK])
        if not cursor.fetchone()[0]:
            raise DetectionBusy
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
