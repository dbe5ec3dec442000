"""Keeping what the detection says: signals, their cases and their history, each finding once."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

import pyarrow as pa
from django.db import connection, transaction
from django.db.models import F, Q

from makegood.engines.statistics.detection.findings import Finding, Neighbour
from makegood.prevent.signals.models import Acceptance, Detection, Signal, SignalEvent, State
from makegood.prevent.signals.services.telling import tell_new, tell_woken


@transaction.atomic
def keep(findings: Iterable[Finding], *, detection: Detection, now: datetime) -> list[Signal]:
    """Keep what a detector found and tell people of what is new and still goes on; returns the signals it spoke of.

    Keeping the same again changes nothing and tells nobody: signals are known by the detector's number
    (`signal_once_per_detection`), findings by what they say (`signal_learned_once`), notices by their key. Rows of
    signals are locked, so that whoever judges one meanwhile waits. What a detection that has ended found in the same
    slice at the same time goes on as this one's: nothing that people made of it is lost, and nothing is there twice.

    Seven SQL queries, one for each signal, and those of notices.
    """
    told = sorted(findings, key=lambda it: it.signal)
    if not told:
        return []
    by_ref = {ref: sorted(of, key=lambda it: it.at) for ref, of in groupby(told, key=lambda it: it.signal)}
    kept = Signal.objects.select_for_update(of=("self",)).select_related("accepted")
    known = {it.ref: it for it in kept.filter(detection=detection, ref__in=by_ref).order_by("id")}
    left = _left_behind(detection, [said for ref, said in by_ref.items() if ref not in known])
    accepted = active_acceptances(now)
    written, events, claims = [], [], []
    for ref, said in sorted(by_ref.items(), key=lambda pair: (pair[1][0].at, pair[0])):
        signal = known.get(ref) or _take_over(left, said)
        if signal is None and said[0].event != "raised":
            continue  # of a signal that was never raised: there is nothing to add to
        signal = signal or Signal(raised_at=said[0].at, since=said[0].since)
        signal.detection, signal.ref = detection, ref
        was = None if signal._state.adding else signal.updated_at  # noqa: SLF001
        events += [SignalEvent(signal=signal, kind=it.event, at=it.at, facts=_figures(it)) for it in said]
        if was is None or said[-1].at >= was:
            _learn(signal, said[-1], raised_at=signal.raised_at)
            events += _weigh(signal, accepted, fresh=was is None)
        signal.save()
        claims += [(case, signal.pk, said[-1].at) for case in next((it.cases for it in reversed(said) if it.cases), ())]
        written.append(signal)
    SignalEvent.objects.bulk_create(events, ignore_conflicts=True)
    claim_cases(claims, again=True)
    tell_new([it for it in written if it.state == State.NEW and it.closed_at is None], now=now)
    return written


@transaction.atomic
def wake(*, now: datetime) -> int:
    """Bring back what was snoozed until now, or until its cases grew beyond a number. Two SQL queries at least."""
    due = Q(snoozed_until__lte=now) | Q(snoozed_above__isnull=False, observed__gt=F("snoozed_above"))
    woken = list(Signal.objects.select_for_update().filter(due, state=State.SNOOZED, closed_at=None).order_by("id"))
    for signal in woken:
        signal.state, signal.snoozed_until, signal.snoozed_above = State.NEW, None, None
        signal.save(update_fields=["state", "snoozed_until", "snoozed_above"])
    SignalEvent.objects.bulk_create(
        SignalEvent(signal=signal, kind=SignalEvent.Kind.WOKEN, at=now, facts={}) for signal in woken
    )
    tell_woken(woken, now=now)
    return len(woken)


def note_judged(cases: pa.Table) -> None:
    """Write down as what cases were judged, the last time that they were told. One SQL query."""
    if not cases.num_rows:
        return
    known = [name for name in cases.column_names if name not in ("case_id", "reported_at", "exposed_at", "corrected")]
    last = {row["case_id"]: row for row in cases.sort_by("reported_at").to_pylist()}
    told = [json.dumps({name: row[name] for name in known if row[name] is not None}) for row in last.values()]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO signals_judgedcase (case_id, at, dimensions)
            SELECT * FROM unnest(%s::uuid[], %s::timestamptz[], %s::jsonb[])
            ON CONFLICT (case_id) DO UPDATE SET at = excluded.at, dimensions = excluded.dimensions
            """,
            [list(last), [row["reported_at"] for row in last.values()], told],
        )


def active_acceptances(now: datetime) -> list[Acceptance]:
    """What is known and accepted now. One SQL query."""
    return list(Acceptance.objects.filter(Q(until=None) | Q(until__gt=now), at__lte=now).order_by("at", "id"))


def covers(wide: Mapping[str, str], narrow: Mapping[str, str]) -> bool:
    """Whether all that is in the narrow slice is in the wide one."""
    return wide.items() <= narrow.items()


def _left_behind(detection: Detection, new: Sequence[Sequence[Finding]]) -> list[Signal]:
    """Signals of detections that have ended: those that go on, and what a detection that has just begun found anew."""
    if not new:
        return []
    which = Q(closed_at=None)
    if anew := [said[-1].since for said in new if said[-1].at <= detection.began_at]:
        which |= Q(closed_at__gte=min(anew))
    found = Signal.objects.select_for_update(of=("self",)).select_related("accepted")
    ended = found.filter(which, detection__ended_at__isnull=False).exclude(detection=detection)
    return list(ended.order_by("closed_at", "raised_at", "id"))


def _take_over(left: list[Signal], said: Sequence[Finding]) -> Signal | None:
    """The first of them in the slice and the time of what is said now; it is not left any more."""
    last = said[-1]
    for it in left:
        meets = it.since <= last.at and (it.closed_at is None or it.closed_at >= last.since)
        if meets and it.slice == dict(last.slice):
            left.remove(it)
            return it
    return None


def _learn(signal: Signal, it: Finding, *, raised_at: datetime) -> None:
    signal.slice, signal.updated_at, signal.since = dict(it.slice), it.at, min(it.since, raised_at)
    signal.observed, signal.expected, signal.evidence = it.observed, it.expected, it.evidence
    signal.excess_low, signal.excess_high = it.low, it.high
    signal.closed_at = it.at if it.event == "closed" else None
    signal.neighbours = [_neighbour(one) for one in it.neighbours] or signal.neighbours


def _weigh(signal: Signal, accepted: Sequence[Acceptance], *, fresh: bool) -> list[SignalEvent]:
    """Mark a new signal that lies in what is accepted; one that outgrew it is new again."""
    if fresh:
        by = next((it for it in accepted if covers(it.slice, signal.slice)), None)
        if by is None:
            return []
        signal.state, signal.accepted, signal.dismissed_because = State.DISMISSED, by, by.why
        return [SignalEvent(signal=signal, kind=SignalEvent.Kind.ACCEPTED, at=signal.raised_at, why=by.why)]
    if signal.accepted is None or covers(signal.accepted.slice, signal.slice):
        return []
    signal.state, signal.accepted, signal.dismissed_because = State.NEW, None, ""
    return [SignalEvent(signal=signal, kind=SignalEvent.Kind.REOPENED, at=signal.updated_at)]


def claim_cases(claims: Sequence[tuple[str, Any, datetime]], *, again: bool) -> None:
    """Give cases to signals. What claims again takes them from whoever had them; else the first one keeps them."""
    if not claims:
        return
    cases, signals, moments = map(list, zip(*claims, strict=True))
    conflict = "UPDATE SET signal_id = excluded.signal_id" if again else "NOTHING"
    only = " WHERE signals_signalcase.signal_id <> excluded.signal_id" if again else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO signals_signalcase (case_id, signal_id, at)
            SELECT DISTINCT ON (claimed.id) claimed.id, claimed.signal, claimed.at
            FROM unnest(%s::uuid[], %s::uuid[], %s::timestamptz[]) AS claimed (id, signal, at)
            JOIN cases_case c ON c.id = claimed.id
            ORDER BY claimed.id, claimed.at DESC
            ON CONFLICT (case_id) DO {conflict}{only}
            """,
            [cases, signals, moments],
        )


def _figures(it: Finding) -> dict[str, Any]:
    return {
        "slice": dict(it.slice), "since": it.since.isoformat(), "observed": it.observed, "expected": it.expected,
        "low": it.low, "high": it.high, "evidence": it.evidence,
    }  # fmt: skip


def _neighbour(one: Neighbour) -> dict[str, Any]:
    return {"slice": dict(one.slice), "observed": one.observed, "expected": one.expected, "evidence": one.evidence,
            "why": one.why}  # fmt: skip
