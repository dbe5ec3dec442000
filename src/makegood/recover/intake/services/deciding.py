"""What becomes of a happening: a new case, or a line on the timeline of an open one. Pure: reads and writes nothing."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from django.conf import settings

from makegood.engines.language import only_thanks
from makegood.recover.cases import triage
from makegood.recover.cases.models import Case, CaseEvent, Channel, Contact, Direction, Reason
from makegood.recover.cases.reasons import UNCLEAR
from makegood.recover.cases.services.bulk import Entry
from makegood.recover.cases.services.contacts import facts_of, heard, told
from makegood.recover.cases.services.handling import taken_up, turned
from makegood.recover.cases.services.opening import FirstContact, NewCase
from makegood.recover.intake import opinions, telling
from makegood.recover.intake.knowledge import Known
from makegood.recover.intake.matching import Match, Reading
from makegood.recover.intake.models import Arrival, Failure
from makegood.recover.intake.opinions import CANCELLED, LATE, OVERDUE, PICKUP, UNAVAILABLE
from makegood.recover.intake.services.joining import Desk, case_for, closest

if TYPE_CHECKING:
    from makegood.recover.intake.services.acting import Happening

Kind = Failure.Kind
Event = CaseEvent.Kind

# What a new failure of an order makes of an open case about an earlier one.
TURNS_INTO = {
    OVERDUE: {UNCLEAR},
    PICKUP: {UNCLEAR},
    LATE: {OVERDUE, UNCLEAR},
    CANCELLED: {OVERDUE, PICKUP, UNCLEAR},
    UNAVAILABLE: {OVERDUE, PICKUP, UNCLEAR},
}
SUBJECT_WORDS = 60


class SetAside(NamedTuple):
    """Nothing to be done, and why."""

    why: str


def decide(happening: "Happening", desk: Desk, reasons: dict[str, Reason]) -> NewCase | SetAside | list[Entry]:
    """A case to open, or entries for a case that is there; the first tells of the happening."""
    if happening.arrival and happening.match:
        decision = _contact(happening, happening.arrival, happening.match, desk, reasons)
    elif happening.review:
        decision = _review(happening, desk, reasons)
    else:
        decision = _silent(happening, desk, reasons)
    return [decision] if isinstance(decision, Entry) else decision


# -- failures nobody told us of


def _silent(happening: "Happening", desk: Desk, reasons: dict[str, Reason]) -> NewCase | Entry:
    found, known = happening.found, happening.known
    assert found
    assert known
    reason, subject, why, locus = _describe(found.kind, known)
    case = _same_trouble(reason, found.kind, happening, desk)
    if case is None:
        return NewCase(
            reason=reason, subject=subject, why=why, at=happening.at, locus=locus,
            late_by=telling.days_late(known) if known.is_late else None,
            **_common(happening), facts={"happened_at": found.happened_at},
        )  # fmt: skip
    facts = {"failure": found.origin}
    doubled = desk.open_alike(case.customer_id, case.order_id, reason)
    if case.resolved_at is None and case.reason.code in TURNS_INTO[reason] and not doubled:
        new = reasons[reason]
        very_late = known.is_late and telling.days_late(known) >= triage.VERY_LATE
        changes = turned(case, case.reason, new, worse_by=int(very_late))
        if case.origin and not case.origin.startswith(Kind.REVIEW):
            changes["subject"] = subject  # no words of the customer's
        if locus:
            changes["locus"] = locus
        if found.kind == Kind.LATE and known.delivered_at:
            why = f"It arrived on {telling.date(known.delivered_at, known.zone)}, {telling.late_by(known)} late."
        why = f"{why} From {case.reason.name} to {new.name}."
        return Entry(
            case=case, kind=Event.REASON, at=happening.at, why=why, changes=changes, facts=facts, reason=new
        )  # fmt: skip
    changes = {"locus": locus} if locus and not case.locus and case.resolved_at is None else {}
    return Entry(case=case, kind=Event.FACT, at=happening.at, why=why, changes=changes, facts=facts)


def _same_trouble(reason: str, kind: Kind, happening: "Happening", desk: Desk) -> Case | None:
    """The case that this failure belongs to: of the same parcel, else an open one of its order about the same."""
    cases = desk.by_order.get(happening.order_id, []) if happening.order_id else []
    if kind == Kind.LATE and happening.found:
        for case in cases:
            if case.origin == f"{Kind.OVERDUE}:{happening.found.shipment_id}":
                return desk.home(case)
    cases = desk.open_about(happening.order_id)
    branches = {code.partition(".")[0] for code in (reason, *TURNS_INTO[reason]) if code != UNCLEAR}
    about_it = [case for case in cases if case.reason.code.partition(".")[0] in branches]
    return next(iter([*about_it, *(case for case in cases if case.reason.code == UNCLEAR)]), None)


def _describe(kind: Kind, known: Known) -> tuple[str, str, str, str]:
    """Reason, subject, why and fault locus of a failure."""
    if kind == Kind.CANCELLED:
        locus = ("seller" if known.seller and not known.warehouse else "warehouse") if known.unavailable else ""
        reason = UNAVAILABLE if known.unavailable else CANCELLED
        subject = "Out of stock after payment" if known.unavailable else "Cancelled after payment"
        return reason, subject, f"{telling.called_off(known)} It had been paid.", locus
    promised = telling.date(known.promised_at, known.zone) if known.promised_at else ""
    if kind == Kind.PICKUP or (kind == Kind.UNSHIPPED and known.channel == "pickup"):
        where = f" at {known.place}" if known.place else ""
        return PICKUP, f"Pick-up not ready by {promised}", f"Promised by {promised}, not ready for pick-up{where}.", ""
    locus, sentence = telling.blame(known)
    why = f"{telling.promise(known)} {sentence}".strip()
    if kind == Kind.LATE:
        return LATE, f"Delivered {telling.late_by(known)} late", why, locus
    return OVERDUE, f"Not delivered by {promised}", why, locus


# -- bad reviews


def _review(happening: "Happening", desk: Desk, reasons: dict[str, Reason]) -> NewCase | Entry:
    review, reading = happening.review, happening.reading
    assert review
    assert reading
    stars = f"{review.score} star" if review.score == 1 else f"{review.score} stars"
    open_cases = desk.open_about(happening.order_id)
    facts: dict[str, Any] = {"review": review.pk, "score": review.score}
    title = review.title.strip() or f"Review of {stars}"
    author = happening.known.customer if happening.known else ""
    reason, how = _reason(reading, happening.known, reasons, wrote="The review")
    case = closest(open_cases, reading) if open_cases else desk.open_alike(happening.customer_id, None, reason)
    if case:
        contact = Contact(
            case_id=case.pk, channel=Channel.REVIEW, direction=Direction.IN, author=author[:200], subject=title,
            body=review.body, language=reading.language[:8], at=happening.at,
        )  # fmt: skip
        return _attached(case, contact, f"Review of {stars}.", reading, reasons, facts)
    return NewCase(
        reason=reason, subject=_subject(review.title, review.body) or f"Review of {stars}, without words",
        why=f"Review of {stars}. {how}{_standing(happening.known, reason)}", at=happening.at,
        locus=_locus(happening.known, reason), late_by=_late_by(happening.known, reason),
        distress=_distress(reading),
        contact=FirstContact(channel=Channel.REVIEW, author=author, subject=title, body=review.body,
                             language=reading.language[:8]),
        **_common(happening), facts=facts | _evidence(reading),
    )  # fmt: skip


# -- contacts


def _contact(
    happening: "Happening", arrival: Arrival, match: Match, desk: Desk, reasons: dict[str, Reason]
) -> NewCase | SetAside | Entry | list[Entry]:
    reading = happening.reading or match.reading
    told_of, how = _reason(reading, happening.known, reasons, wrote="The text")
    case, because, perhaps, is_proven = case_for(
        arrival=arrival, match=match, reading=reading, reason=told_of, at=happening.at, desk=desk
    )
    who = " ".join(match.said)
    inbound = arrival.direction == Direction.IN
    thanks = inbound and only_thanks(arrival.body)
    follows: dict[str, Any] = {}
    if case is None and thanks:
        case, because = _resolved_lately(happening, match, desk)
    elif case and inbound and case.resolved_at and not thanks:
        late = too_long_ago(case, happening.at)
        twin = desk.open_alike(case.customer_id, case.order_id, case.reason.code)
        if late and twin is None and match.account:  # what would open about this may be open
            twin = desk.open_alike(match.account.id, match.order, told_of)
        if twin:
            because = f"{because} That case is resolved, but C-{twin.number} about the same matter is open."
            case = twin
        elif late:
            because = f"{because} {_resolved_ago(case, happening.at)} This came later: a new case, which follows it."
            follows = {"follows_id": case.pk}
            case = None
    if case:
        known = because if _is_their_answer(arrival, match, case) else f"{who} {because}"
        contact = Contact(
            case_id=case.pk, channel=arrival.channel, direction=arrival.direction, author=arrival.author[:200],
            subject=arrival.subject, body=arrival.body, language=reading.language[:8], at=happening.at,
        )  # fmt: skip
        if thanks:
            why = f"{known} It only says thank you: nothing reopens and no date moves."
            return Entry(case=case, kind=Event.CONTACT, at=happening.at, why=why, facts=facts_of(contact),
                         contact=contact)  # fmt: skip
        if inbound:
            # A guess, not an answer or a number: whoever reads it may take it out again (`taking_out.py`).
            guessed = {"guessed": True} if case.resolved_at is None and not is_proven else {}
            said = _attached(case, contact, known, reading, reasons, guessed)
            return said if case.resolved_at is None else [said, _reopened(case, happening.at)]
        return Entry(case=case, kind=Event.CONTACT, at=happening.at, why=known,
                      changes=told(case, happening.at), facts=facts_of(contact), contact=contact)  # fmt: skip
    if not inbound:
        return SetAside("Sent to a customer, but there is no case that it belongs to.")
    reason = told_of
    beside = because if follows or perhaps else ""
    return NewCase(
        reason=reason,
        subject=_subject(arrival.subject, arrival.body) or f"{Channel(arrival.channel).label} without words",
        why=f"{who} {beside} {how}{_standing(happening.known, reason)}".replace("  ", " "),
        at=happening.at, **follows,
        locus=_locus(happening.known, reason), late_by=_late_by(happening.known, reason), distress=_distress(reading),
        contact=FirstContact(channel=arrival.channel, author=arrival.author, subject=arrival.subject, body=arrival.body,
                             language=reading.language[:8]),
        **(_common(happening) | _of_account(match) | ({"place_id": arrival.place_id} if arrival.place_id else {})),
        facts=_evidence(reading) | ({"perhaps": perhaps.number} if perhaps else {}),
    )  # fmt: skip


def _is_their_answer(arrival: Arrival, match: Match, case: Case) -> bool:
    """The customer answers us: no need to say how we know whose it is, or to guess an order."""
    return bool(case.number == arrival.case_number and match.account and match.account.id == case.customer_id)


def too_long_ago(case: Case, at: datetime) -> bool:
    """Whether a case was resolved so long ago that what comes now is another matter."""
    return case.resolved_at is not None and at - case.resolved_at > timedelta(days=settings.MAKEGOOD_REOPEN_WITHIN_DAYS)


def _resolved_ago(case: Case, at: datetime) -> str:
    days = (at - case.resolved_at).days if case.resolved_at else 0
    when = f"{days} days ago" if days > 1 else "a day ago" if days else "today"
    return f"It was resolved {when}; answers reopen it for {settings.MAKEGOOD_REOPEN_WITHIN_DAYS} days."


def _resolved_lately(happening: "Happening", match: Match, desk: Desk) -> tuple[Case | None, str]:
    """The case that a thank you is about which names none: of this customer and order, resolved within the window."""
    for case in desk.resolved_about(match.order):
        if match.account and case.customer_id == match.account.id and not too_long_ago(case, happening.at):
            return desk.home(case), "The case about this order was resolved lately."
    return None, ""


def _reopened(case: Case, at: datetime) -> Entry:
    why = f"The customer wrote again. {_resolved_ago(case, at)}"
    return Entry(case=case, kind=Event.REOPENED, at=at, why=why, changes=taken_up())


# -- what they share


def _attached(
    case: Case, contact: Contact, because: str, reading: Reading, reasons: dict[str, Reason], facts: dict[str, Any]
) -> Entry:
    said = [because]
    tells = reading.tells
    if tells and tells.reason in reasons:
        told_of = reasons[tells.reason]
        if told_of.code != case.reason.code:
            words = telling.quoted(tells.evidence)
            before = " The case had opened before the customer spoke." if not case.channel else ""
            said.append(f"The words {words} tell of: {told_of.name}.{before}")
    said += [f"{triage.DISTRESS[kind]}: “{words}”." for kind, words in _distress(reading)]
    return Entry(
        case=case, kind=Event.CONTACT, at=contact.at, why=" ".join(said),
        changes=heard(case, str(contact.channel), contact.at), facts=facts_of(contact) | facts | _evidence(reading),
        contact=contact,
    )  # fmt: skip


def _reason(reading: Reading, known: Known | None, reasons: dict[str, Reason], *, wrote: str) -> tuple[str, str]:
    """The reason of what was written, and how it was found: by its words, else by the facts."""
    opinion, finding = reading.opinion, reading.finding
    if opinion and opinion.sure and opinion.reason in reasons and reasons[opinion.reason].active:
        return opinion.reason, telling.learned(opinion, finding, reasons)
    unsure = telling.unsure(opinion, reasons) if opinion and not opinion.sure else ""
    if finding and finding.reason in reasons and reasons[finding.reason].active:
        words = telling.quoted(finding.evidence)
        return finding.reason, f"{reasons[finding.reason].name}, from the words {words} ({finding.reason}).{unsure}"
    if code := opinions.of_order(known):
        return code, f"{wrote} does not say why; the order does ({code}).{unsure}"
    return UNCLEAR, f"{wrote} does not say why.{unsure}"


def _standing(known: Known | None, reason: str) -> str:
    """How the order stands, where the reason is about its delivery or end."""
    if known is None or reason.partition(".")[0] not in ("delivery", "order", "service"):
        return ""
    said = [telling.called_off(known), telling.promise(known)]
    if said[1] and known.channel != "pickup":
        said.append(telling.blame(known).sentence)
    return "".join(f" {sentence}" for sentence in said if sentence)


def _locus(known: Known | None, reason: str) -> str:
    """Where it failed, for reasons that the parcel's way can explain."""
    if (
        known is None
        or reason not in (OVERDUE, LATE, "delivery.not_received")
        or not (known.is_late or known.is_overdue)
    ):
        return ""
    return telling.blame(known).locus


def _late_by(known: Known | None, reason: str) -> timedelta | None:
    if known is None or not reason.startswith("delivery.") or not (known.is_late or known.is_overdue):
        return None
    return telling.days_late(known)


def _distress(reading: Reading) -> list[tuple[str, str]]:
    """The first sign of each kind that triage knows."""
    signs: dict[str, str] = {}
    for kind, words in reading.distress:
        if kind in triage.DISTRESS:
            signs.setdefault(kind, words)
    return list(signs.items())


def _evidence(reading: Reading) -> dict[str, Any]:
    found = opinions.facts_of(reading.opinion) if reading.opinion else {}
    if reading.tells:
        tells = reading.tells
        found |= {"reason_words": list(tells.evidence), "reason_found": tells.reason, "confidence": tells.confidence}
    return found


def _subject(title: str, body: str) -> str:
    words = " ".join((title.strip() or body).split())
    if len(words) <= SUBJECT_WORDS:
        return words
    return words[:SUBJECT_WORDS].rsplit(" ", 1)[0].rstrip(" ,.;:") + " …"


def _common(happening: "Happening") -> dict[str, Any]:
    """What a case takes from its order."""
    known = happening.known
    origin = {"origin": happening.origin} if happening.found else {}
    if known is None:
        place = {"place_id": happening.review.place_id} if happening.review else {}
        return {"customer_id": happening.customer_id, **place, **origin}
    return {
        "customer_id": happening.customer_id, "order_id": known.order_id, "shipment_id": known.shipment_id,
        "place_id": known.place_id, "loyalty_tier": known.loyalty_tier, "failed": telling.what_failed(known),
        "value": known.total, "currency": known.currency, **origin,
    }  # fmt: skip


def _of_account(match: Match) -> dict[str, Any]:
    return {"customer_id": match.account.id, "loyalty_tier": match.account.tier} if match.account else {}
