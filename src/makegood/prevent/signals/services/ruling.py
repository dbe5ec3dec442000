"""Fixed rules: so many cases of the same kind in one slice within a window. For those who want them.

Rules know nothing of how many purchases there were, nor of what is usual. What that costs is measured and shown beside
each: how often it would have called in the past year, and how often without anything that the detection found.
"""

import json
import uuid
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from math import log
from typing import Any, Final, NamedTuple

import numpy as np
from django.db import IntegrityError, connection, transaction
from numpy.typing import ArrayLike, NDArray
from scipy.stats import chi2

from makegood.prevent.signals.errors import RuleNotClear, RuleNotFound
from makegood.prevent.signals.models import Rule, Signal, SignalEvent, State
from makegood.prevent.signals.services.keeping import active_acceptances, claim_cases, covers
from makegood.prevent.signals.services.telling import tell_new
from makegood.prevent.slices import DIMENSIONS

YEAR: Final = timedelta(days=365)
USUAL_OVER: Final = timedelta(days=90)


class Called(NamedTuple):
    """A slice in which a rule has enough cases."""

    slice: dict[str, str]
    observed: int
    cases: list[uuid.UUID]
    first: datetime


@transaction.atomic
def save_rule(
    *, rule_id: uuid.UUID | None, name: str, only: Mapping[str, str], alike: list[str], count: int, hours: int,
    active: bool, now: datetime,
) -> Rule:  # fmt: skip
    """Make a rule or change one, and measure what it would have done.

    Raises
    ------
    RuleNotClear
        It could not work: a dimension that there is not, nothing to count alike, or a name that is taken (the
        unique constraint decides).
    RuleNotFound
    """
    if unknown := (set(only) | set(alike)) - set(DIMENSIONS):
        raise RuleNotClear(f"There is no dimension {min(unknown)!r}.")
    alike = [name for name in DIMENSIONS if name in alike and name not in only]
    if not alike and not only:
        raise RuleNotClear("Say what the cases that are counted together have in common.")
    if not name.strip():
        raise RuleNotClear("Give the rule a name.")
    rule = Rule.objects.select_for_update().filter(pk=rule_id).first() if rule_id else Rule()
    if rule is None:
        raise RuleNotFound
    rule.name, rule.only, rule.alike = name.strip()[:80], dict(only), alike
    rule.count, rule.hours, rule.active = count, hours, active
    rule.measured, rule.measured_at = measure(rule, now=now), now
    try:
        with transaction.atomic():
            rule.save()
    except IntegrityError as problem:
        raise RuleNotClear(
            "A rule counts at least 2 cases within 1 hour to 92 days, and its name is its own. Nothing was saved."
        ) from problem
    return rule


@transaction.atomic
def remove_rule(*, rule_id: uuid.UUID, now: datetime) -> None:
    """Take a rule away. What it called stays, and is closed. Raises RuleNotFound."""
    rule = Rule.objects.select_for_update().filter(pk=rule_id).first()
    if rule is None:
        raise RuleNotFound
    _close(list(rule.signals.select_for_update().filter(closed_at=None).order_by("id")), now)
    rule.delete()


@transaction.atomic
def evaluate(*, now: datetime) -> list[Signal]:
    """Look at every active rule: call what has enough cases, go on with what has, close what has no longer.

    Rows of rules are locked, so that two who look wait for each other; `signal_of_rule_once` is behind that. One SQL
    query, three for each rule, and those of what it calls: an index scan of the cases within the window.
    """
    new = []
    accepted = active_acceptances(now)
    for rule in Rule.objects.select_for_update().filter(active=True).order_by("id"):
        found = {_key(it.slice): it for it in _calls(rule, now)}
        going_on = {_key(it.slice): it for it in rule.signals.select_for_update().filter(closed_at=None).order_by("id")}
        _close([signal for key, signal in going_on.items() if key not in found], now)
        claims = []
        for key, it in found.items():
            signal = going_on.get(key)
            if signal is None or signal.observed != it.observed:
                signal = _note(rule, signal, it, now)
                claims += [(str(case), signal.pk, now) for case in it.cases]
            if key not in going_on:
                by = next((one for one in accepted if covers(one.slice, signal.slice)), None)
                if by is not None:
                    signal.state, signal.accepted, signal.dismissed_because = State.DISMISSED, by, by.why
                    signal.save(update_fields=["state", "accepted", "dismissed_because"])
                new.append(signal)
        claim_cases(claims, again=False)
    tell_new([signal for signal in new if signal.state == State.NEW], now=now)
    return new


def measure_all(*, now: datetime) -> None:
    """Measure every rule anew. Two SQL queries a rule."""
    for rule in Rule.objects.all():
        Rule.objects.filter(pk=rule.pk).update(measured=measure(rule, now=now), measured_at=now)


def measure(rule: Rule, *, now: datetime) -> dict[str, Any]:
    """How often a rule would have called in the year before `now`: {"fired", "unshared", "days"}.

    `unshared` counts calls none of whose cases belongs to a signal of the detection: as far as anybody knows, false
    alarms. `days` is how long there were cases to count. One SQL query.
    """
    times: dict[tuple[str, ...], list[float]] = defaultdict(list)
    shared: dict[tuple[str, ...], list[bool]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT extract(epoch FROM j.at)::float8, s.detection_id IS NOT NULL {_values(rule.alike)}
            FROM signals_judgedcase j
            LEFT JOIN signals_signalcase sc ON sc.case_id = j.case_id
            LEFT JOIN signals_signal s ON s.id = sc.signal_id
            WHERE j.at > %(since)s AND j.at <= %(now)s AND {_LIKE}
            ORDER BY j.at, j.case_id
            """,
            {"since": now - YEAR, "now": now, "only": _json(rule.only), "alike": rule.alike},
        )
        for at, of_signal, *values in cursor:
            times[tuple(values)].append(at)
            shared[tuple(values)].append(of_signal)
        cursor.execute("SELECT min(at) FROM signals_judgedcase WHERE at > %s", [now - YEAR])
        first = cursor.fetchone()[0]
    fired = unshared = 0
    for key, moments in times.items():
        for begins, ends in firings(moments, count=rule.count, window=rule.hours * 3600.0):
            fired += 1
            unshared += not any(shared[key][begins:ends])
    return {"fired": fired, "unshared": unshared, "days": max((now - first).days, 1) if first else 0}


def firings(times: ArrayLike, *, count: int, window: float) -> NDArray[np.int64]:
    """When a rule "`count` cases within `window`" begins to hold, for the cases of one slice.

    It begins to hold with a case that is exactly the `count`-th within the window before it: with one more it held
    already, with one less it does not hold yet.

    Parameters
    ----------
    times : array-like of shape (n_cases,)
        Seconds, ascending.
    count : int
        At least 1.
    window : float
        Seconds. A case just this old counts no longer.

    Returns
    -------
    ndarray of shape (n_firings, 2), int64
        Of each the first of the cases that were counted, and the one after the last.
    """
    at = np.asarray(times, dtype=np.float64)
    begins = np.searchsorted(at, at - window, side="right")
    ends = np.arange(1, len(at) + 1)
    found: NDArray[np.int64] = np.column_stack([begins, ends])[ends - begins == count].astype(np.int64)
    return found


def _calls(rule: Rule, now: datetime) -> list[Called]:
    grouped = ", ".join(str(n + 1) for n in range(len(rule.alike)))
    values = _values(rule.alike).removeprefix(",")
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT {values + "," if values else ""} count(*), array_agg(j.case_id ORDER BY j.at, j.case_id), min(j.at)
            FROM signals_judgedcase j
            WHERE j.at > %(since)s AND j.at <= %(now)s AND {_LIKE}
            {"GROUP BY " + grouped if grouped else ""} HAVING count(*) >= %(count)s
            """,
            {"since": now - timedelta(hours=rule.hours), "now": now, "only": _json(rule.only), "alike": rule.alike,
             "count": rule.count},
        )  # fmt: skip
        return [
            Called({**rule.only, **dict(zip(rule.alike, row[:-3], strict=True))}, *row[-3:])
            for row in cursor.fetchall()
        ]


def _note(rule: Rule, signal: Signal | None, it: Called, now: datetime) -> Signal:
    """What is usual is the same slice over the months before: a rule knows no purchases."""
    kind = SignalEvent.Kind.UPDATED
    if signal is None:
        kind = SignalEvent.Kind.RAISED
        usual = _usual(it.slice, before=it.first) * timedelta(hours=rule.hours) / USUAL_OVER
        signal = Signal(rule=rule, found_by=rule.name, slice=it.slice, since=it.first, raised_at=now, expected=usual)
    signal.observed, signal.updated_at = it.observed, now
    signal.excess_low = float(chi2.ppf(0.025, 2 * it.observed) / 2) - signal.expected
    signal.excess_high = float(chi2.ppf(0.975, 2 * it.observed + 2) / 2) - signal.expected
    usual = max(signal.expected, 0.5)  # a slice that never had a case tells little
    signal.evidence = max(it.observed * log(it.observed / usual) - (it.observed - usual), 0.0)
    signal.save()
    SignalEvent.objects.create(signal=signal, kind=kind, at=now, facts={
        "slice": it.slice, "since": it.first.isoformat(), "observed": it.observed, "expected": signal.expected,
        "low": signal.excess_low, "high": signal.excess_high, "evidence": signal.evidence,
    })  # fmt: skip
    return signal


def _usual(slice_: Mapping[str, str], *, before: datetime) -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM signals_judgedcase WHERE at >= %s AND at < %s AND dimensions @> %s::jsonb",
            [before - USUAL_OVER, before, _json(slice_)],
        )
        return int(cursor.fetchone()[0])


def _close(signals: list[Signal], now: datetime) -> None:
    for signal in signals:
        signal.closed_at = signal.updated_at = now
        signal.save(update_fields=["closed_at", "updated_at"])
        SignalEvent.objects.create(signal=signal, kind=SignalEvent.Kind.CLOSED, at=now, facts={})


_LIKE: Final = "j.dimensions @> %(only)s::jsonb AND j.dimensions ?& %(alike)s::text[]"


def _values(alike: list[str]) -> str:
    # Names of DIMENSIONS: `save_rule` lets no others in.
    return "".join(f", j.dimensions ->> '{name}'" for name in alike if name in DIMENSIONS)


def _json(slice_: Mapping[str, str]) -> str:
    return json.dumps(dict(slice_))


def _key(slice_: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    return frozenset(slice_.items())
