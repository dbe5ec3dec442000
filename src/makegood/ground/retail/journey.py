"""The way of a parcel as people follow it, and the step where it failed. Pure: facts in, steps out."""

from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

from django.utils.translation import gettext as _

from makegood.ground.retail.models import TrackingEvent
from makegood.ground.retail.queries.orders import Parcel, Purchase, Scan
from makegood.ground.web.formats import duration

Kind = TrackingEvent.Kind
PROBLEMS = frozenset({Kind.EXCEPTION, Kind.ATTEMPTED, Kind.LOST, Kind.RETURNED})
# Runs of ordinary scans longer than this are told in one line.
SCANS_TOLD = 3


class Step(NamedTuple):
    """One step: *done*, *failed* or still *coming*; `place` is the small print under its name."""

    label: str
    at: datetime | None
    state: str
    place: str = ""


class Journey(NamedTuple):
    steps: list[Step]
    verdict: str  # where it failed, in words; empty: nothing failed so far


def journey(order: Purchase, parcel: Parcel | None, now: datetime) -> Journey:
    """All steps in the order in which they happen, and a sentence on the first that failed."""
    steps = [Step(_("Ordered"), order.placed_at, "done", order.place or "")]
    steps += _payment(order)
    if order.cancelled_at or order.status in ("cancelled", "unavailable"):
        word = _("Out of stock after payment") if order.status == "unavailable" else _("Cancelled")
        steps.append(Step(word, order.cancelled_at, "failed"))
    if parcel:
        steps += [*_handover(parcel, now), *_scans(parcel), *_arrival(parcel.promised_at, parcel.delivered_at, now)]
    elif not order.cancelled_at and order.channel != "store":
        steps += _arrival(order.promised_at, None, now)
    # As it happened; what is still to come stays behind, in its own order.
    steps.sort(key=lambda step: (1, order.placed_at) if step.state == "coming" else (0, step.at or order.placed_at))
    return Journey(steps, _verdict(steps))


def _payment(order: Purchase) -> Iterator[Step]:
    paid_at = order.paid_at or next((p.at for p in order.payments if p.at), None)
    if paid_at or order.payments:
        yield Step(_("Paid"), paid_at, "done")


def _handover(parcel: Parcel, now: datetime) -> Iterator[Step]:
    who = parcel.carrier or _("the carrier")
    origin = parcel.warehouse or parcel.seller or parcel.from_state
    due, done = parcel.handover_due_at, parcel.handed_over_at
    if done and due and done > due:
        facts = {"time": duration(done - due), "who": who, "origin": origin}
        told = _("%(time)s late, from %(origin)s to %(who)s") if origin else _("%(time)s late to %(who)s")
        yield Step(_("Handed over late"), done, "failed", told % facts)
    elif done:
        yield Step(_("Handed to %(who)s") % {"who": who}, done, "done", origin)
    elif parcel.delivered_at is None and due and due < now:
        yield Step(
            _("Not handed to %(who)s") % {"who": who},
            due,
            "failed",
            _("%(time)s overdue") % {"time": duration(now - due)},
        )
    elif parcel.delivered_at is None:
        yield Step(_("To be handed to %(who)s") % {"who": who}, due, "coming", origin)


def _scans(parcel: Parcel) -> Iterator[Step]:
    """Every problem, and of ordinary scans the first and the last of a run."""
    told = {str(Kind.DELIVERED)} | ({str(Kind.ACCEPTED)} if parcel.handed_over_at else set())
    run: list[Scan] = []
    for scan in parcel.scans:
        if scan.kind in told:
            continue  # by the arrival, by the handover
        if scan.kind in PROBLEMS:
            yield from _run(run)
            run = []
            yield _scan(scan)
        else:
            run.append(scan)
    yield from _run(run)


def _run(run: list[Scan]) -> Iterator[Step]:
    if len(run) <= SCANS_TOLD:
        yield from map(_scan, run)
        return
    yield _scan(run[0])
    yield Step(_("%(count)s more scans") % {"count": len(run) - 2}, run[-2].at, "done")
    yield _scan(run[-1])


def _scan(scan: Scan) -> Step:
    detail = " · ".join(part for part in (scan.location, scan.description) if part)
    return Step(Kind(scan.kind).label, scan.at, "failed" if scan.kind in PROBLEMS else "done", detail)


def _arrival(promised: datetime | None, delivered: datetime | None, now: datetime) -> Iterator[Step]:
    if delivered and promised and delivered > promised:
        yield Step(_("Promised date passed"), promised, "failed")
        yield Step(_("Delivered"), delivered, "done", _("%(time)s late") % {"time": duration(delivered - promised)})
    elif delivered:
        yield Step(_("Delivered"), delivered, "done")
    elif promised and promised < now:
        yield Step(
            _("Promised date passed"), promised, "failed", _("%(time)s overdue") % {"time": duration(now - promised)}
        )
        yield Step(_("Delivery"), None, "coming")
    else:
        yield Step(_("Delivery promised"), promised, "coming")


def _verdict(steps: list[Step]) -> str:
    first = next((step for step in steps if step.state == "failed"), None)
    if first is None:
        return ""
    return f"{first.label}: {first.place}" if first.place else first.label
