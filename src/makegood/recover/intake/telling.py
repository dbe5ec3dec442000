"""How intake says what it found: where it failed, why it thinks so, in words with dates. Pure: facts in, words out."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from makegood.engines.language import Finding
from makegood.recover.cases.models import Locus, Reason
from makegood.recover.intake.knowledge import Known
from makegood.recover.intake.opinions import Opinion


class Blame(NamedTuple):
    """Where it failed, as far as the data shows it, and the sentence that says so."""

    locus: str
    sentence: str


def blame(known: Known) -> Blame:
    """Who held a parcel up that missed its promise: who sends it, who carries it, or not to be told from the data."""
    day = known.zone
    sender = Locus.SELLER if known.seller and not known.warehouse else Locus.WAREHOUSE
    with_sender = (
        f"the delay is with {known.seller or 'the seller'}" if sender == Locus.SELLER else "the delay is with us"
    )
    due, handed = known.handover_due_at, known.handed_over_at
    if known.trouble_at:
        word = "lost" if known.trouble == "lost" else "delayed by a problem"
        return Blame(Locus.CARRIER, f"The carrier reported it {word} on {date(known.trouble_at, day)}.")
    if handed is None:
        if known.delivered_at:
            return Blame("", "")
        was_due = f", which was due on {date(due, day)}" if due and due <= known.at else ""
        return Blame(sender, f"Not yet handed to the carrier{was_due}: {with_sender}.")
    if due is None:
        return Blame("", f"Handed to the carrier on {date(handed, day)}.")
    if handed > due:
        return Blame(
            sender,
            f"Handed to the carrier on {date(handed, day)}, {between(due, handed, day)} after it was due: "
            f"{with_sender}.",
        )
    return Blame(
        Locus.CARRIER, f"Handed to the carrier on {date(handed, day)}, in time: the delay is with the carrier."
    )


def what_failed(known: Known) -> str:
    """Item, carrier and way, as far as known: "Kettle, with Parcelwise, SP to RJ"."""
    way = f"{known.from_state} to {known.to_state}" if known.from_state and known.to_state else ""
    return ", ".join(part for part in (known.item, f"with {known.carrier}" if known.carrier else "", way) if part)


def called_off(known: Known) -> str:
    """When an order was called off, in a sentence; empty: it was not."""
    if known.cancelled_at is None:
        return ""
    word = "Found to be out of stock" if known.unavailable else "Cancelled"
    return f"{word} on {date(known.cancelled_at, known.zone)}."


def promise(known: Known) -> str:
    """How an order stands against its promise, in a sentence; empty: kept, not yet due or no longer owed."""
    if known.promised_at is None:
        return ""
    by = f"Promised by {date(known.promised_at, known.zone)}"
    if known.is_late and known.delivered_at:
        return f"{by}, delivered on {date(known.delivered_at, known.zone)}, {late_by(known)} late."
    return f"{by}, not delivered." if known.is_overdue else ""


def late_by(known: Known) -> str:
    """How late a delivery was: "5 days"."""
    if known.delivered_at is None or known.promised_at is None:
        return ""
    return between(known.promised_at, known.delivered_at, known.zone)


def days_late(known: Known) -> timedelta:
    """How many calendar days after its promise an order came, or is still waited for."""
    if known.promised_at is None:
        return timedelta(0)
    until = known.delivered_at or known.at
    return until.astimezone(known.zone).date() - known.promised_at.astimezone(known.zone).date()


def between(earlier: datetime, later: datetime, zone: ZoneInfo) -> str:
    """The time between two moments as people say it: calendar days, within one day the hours."""
    days = (later.astimezone(zone).date() - earlier.astimezone(zone).date()).days
    count, unit = (days, "day") if days else (max(1, (later - earlier) // timedelta(hours=1)), "hour")
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


def date(moment: datetime, zone: ZoneInfo) -> str:
    """A day where it happened: "Thu 5 Mar 2026"."""
    local = moment.astimezone(zone)
    return f"{local:%a} {local.day} {local:%b %Y}"


def quoted(words: tuple[str, ...]) -> str:
    """Somebody's own words: “never arrived”, “nobody answers”."""
    return ", ".join(f"“{word}”" for word in words)


def learned(opinion: Opinion, finding: Finding | None, reasons: Mapping[str, Reason]) -> str:
    """A reason from what was learned: how likely, by which words and facts, and what the phrasebook says instead."""
    by = [f"the words {quoted(opinion.words)}"] if opinion.words else []
    by += [fact(name, value) for name, value in opinion.facts if name != "phrasebook"]
    because = f", by {', '.join(by)}" if by else ""
    said = (
        f"{reasons[opinion.reason].name}, {100 * opinion.probability:.0f} % likely "
        f"from what model {opinion.model} learned{because} ({opinion.reason})."
    )
    if finding and finding.reason != opinion.reason and finding.reason in reasons:
        other = reasons[finding.reason].name
        said += f" The phrasebook would have said: {other}, from the words {quoted(finding.evidence)}."
    return said


def unsure(opinion: Opinion, reasons: Mapping[str, Reason]) -> str:
    """That what was learned does not suffice, and what it leans to; empty where none of it is a reason of ours."""
    leans = [f"{reasons[code].name} {100 * share:.0f} %" for code, share in opinion.choices[:2] if code in reasons]
    return f" Model {opinion.model} is not sure: {' or '.join(leans)}." if leans else ""


def fact(name: str, value: str) -> str:
    """A fact that counted, in words: "order delivered late"."""
    return f"{name} {value}"
