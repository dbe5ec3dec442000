"""E-mail comes in: kept as it is first, understood afterwards; no crash between the two loses or doubles any."""

import uuid
from collections import Counter
from datetime import datetime, timedelta
from typing import NamedTuple

import structlog
from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import Q

from makegood.ground.messages import files
from makegood.ground.messages.brands import brand_addressed, brands
from makegood.ground.messages.models import Message
from makegood.ground.messages.services import mark_bounced
from makegood.ground.messages.tokens import forged, genuine
from makegood.recover.cases.models import Case, Channel, Envelope
from makegood.recover.cases.services import attachments
from makegood.recover.cases.services.contacts import note_automatic, note_returned
from makegood.recover.intake.errors import MailSettled
from makegood.recover.intake.mail.kinds import Kind
from makegood.recover.intake.mail.reading import Said, Unreadable, read, sender_and_subject
from makegood.recover.intake.models import Mail
from makegood.recover.intake.services.partners import cases_meant, partner_at, take_from_partner
from makegood.recover.intake.services.receiving import receive

log = structlog.get_logger(__name__)
Status = Mail.Status

# More within an hour is a program, or somebody whom a person must look at; it is kept and can be taken in by hand.
A_SENDER_IN_AN_HOUR = 20
_HOUR = timedelta(hours=1)


# -- kept as it is


class Where(NamedTuple):
    """Where a mail came from, and when."""

    mailbox: str
    brand: str
    came_at: datetime
    uidvalidity: int | None = None
    uid: int | None = None


def keep_mail(*, raw: bytes, where: Where) -> bool:
    """Keep a mail as it came; whether it is new. Once this is committed its source may forget it.

    The same UID of the same mailbox is kept once, whoever fetches it (constraint `mail_fetched_once`).
    """
    sender, subject = _from(raw)
    return _insert(Mail(**where._asdict(), size=len(raw), key=files.put(raw).key, sender=sender, subject=subject))


def refuse_mail(*, size: int, headers: bytes, why: str, where: Where) -> bool:
    """List a mail that is too large to be kept. It stays where it is."""
    sender, subject = _from(headers)
    return _insert(
        Mail(**where._asdict(), size=size, status=Status.REJECTED, why=why[:500], sender=sender, subject=subject)
    )


def _insert(mail: Mail) -> bool:
    Mail.objects.bulk_create([mail], ignore_conflicts=True)
    return Mail.objects.filter(pk=mail.pk).exists()


def _from(raw: bytes) -> tuple[str, str]:
    try:
        return sender_and_subject(raw)
    except Exception:  # noqa: BLE001  it is read again with care; here it only must not be lost
        return "", ""


# -- understood


def take_in_mail(now: datetime, *, limit: int | None = None) -> Counter[str]:
    """Understand the mails that wait, the oldest first, each in a transaction of its own; how many became what.

    Several may run at once: each mail's row is locked by whoever reads it (SKIP LOCKED). A mail that nobody can read is
    rejected with the reason; a database that fails leaves it waiting.
    """
    done: Counter[str] = Counter()
    while limit is None or done.total() < limit:
        mail_id: uuid.UUID | None = None
        try:
            with transaction.atomic():
                waiting = Mail.objects.select_for_update(skip_locked=True).filter(status=Status.WAITING)
                mail = waiting.order_by("pk").first()
                if mail is None:
                    break
                mail_id = mail.pk
                _take(mail, now)
            done[mail.status] += 1
        except DatabaseError:
            raise
        except Exception as problem:
            log.exception("mail not read", mail=str(mail_id))
            why = f"It could not be read ({type(problem).__name__}). The original is kept."
            Mail.objects.filter(pk__in=[mail_id]).update(status=Status.REJECTED, why=why)
            done[Status.REJECTED] += 1
    return done


@transaction.atomic
def take_in_anyway(*, mail: Mail, now: datetime) -> Mail:
    """A person decides that a mail which was left out is one to answer. Raises MailSettled.

    Two who decide at once are told apart by the row's lock.
    """
    mail = Mail.objects.select_for_update(of=("self",)).get(pk=mail.pk)
    if mail.contact_id or mail.status == Status.WAITING or not mail.key:
        raise MailSettled
    try:
        said = read(files.get(mail.key))
    except Unreadable as why:
        raise MailSettled from why
    _receive(mail, said, now)
    mail.save()
    return mail


def _take(mail: Mail, now: datetime) -> None:
    try:
        said = read(files.get(mail.key))
    except Unreadable as why:
        mail.status, mail.why = Status.REJECTED, str(why)
        mail.save()
        return
    mail.sender, mail.subject = said.sender, said.subject
    brand = brand_addressed(said.recipients)
    if brand:
        mail.brand = brand.slug
    if _is_a_copy(mail, said):
        mail.status, mail.why = Status.DUPLICATE, "The same mail came before."
    elif _is_ours(said):
        mail.status, mail.why = Status.AUTOMATIC, "It is our own mail, which came back to us."
    elif said.report:
        _take_report(mail, said, now)
    elif said.kind == Kind.AUTOMATIC:
        _take_automatic(mail, said, now)
    elif not (said.subject or said.words or said.quoted or said.files):
        mail.status, mail.why = Status.REJECTED, "It says nothing: no subject, no words, no files."
    elif _too_many(mail):
        mail.status = Status.AUTOMATIC
        mail.why = f"{A_SENDER_IN_AN_HOUR} mails of this sender came within an hour: it may be a program."
    else:
        _receive(mail, said, now)
    mail.save()


def _is_a_copy(mail: Mail, said: Said) -> bool:
    """Claim the fingerprint: whoever comes second is the copy (constraint `mail_taken_once`)."""
    try:
        with transaction.atomic():
            Mail.objects.filter(pk=mail.pk).update(fingerprint=said.fingerprint)
    except IntegrityError:
        return True
    mail.fingerprint = said.fingerprint
    return False


def _is_ours(said: Said) -> bool:
    if said.sender in {brand.address for brand in brands()}:
        return True
    if not said.message_id:
        return False
    return any(genuine(said.message_id)) or Message.objects.filter(message_id=said.message_id).exists()


def _too_many(mail: Mail) -> bool:
    if not mail.sender:
        return False
    window = Q(came_at__gt=mail.came_at - _HOUR, came_at__lte=mail.came_at)
    taken = Mail.objects.filter(window, sender=mail.sender, status=Status.TAKEN)
    return taken[:A_SENDER_IN_AN_HOUR].count() >= A_SENDER_IN_AN_HOUR


def _receive(mail: Mail, said: Said, now: datetime) -> None:
    number, how = _answers(said)
    at = min(mail.came_at, now)
    partner = partner_at(said.sender)
    if partner and (cases := cases_meant(said, number, now=at)):
        contact, why = take_from_partner(partner, said, cases, at=at)
        _file(mail, said, contact.pk, contact.case_id, [why])
        return
    receipt = receive(
        channel=Channel.EMAIL, body=said.words, at=at, author=said.sender, subject=said.subject, ref=f"mail:{mail.pk}",
        case_number=number,
    )  # fmt: skip
    if receipt.contact_id is None:
        mail.status, mail.why = Status.REJECTED, receipt.why
        return
    notes = [how or receipt.why]
    if partner:
        notes.append(f"{partner.name}, a partner, named no case and no parcel that a case is open about.")
    _file(mail, said, receipt.contact_id, receipt.case_id, notes)


def _file(mail: Mail, said: Said, contact_id: uuid.UUID, case_id: uuid.UUID | None, notes: list[str]) -> None:
    """Keep what a mail had beside its words, and say what became of it."""
    Envelope.objects.create(
        contact_id=contact_id, message_id=said.message_id, references=said.references, brand=mail.brand,
        quoted=said.quoted,
    )  # fmt: skip
    attachments.keep(contact_id, [attachments.Given(f.name, f.content, f.inline) for f in said.files])
    mail.status, mail.case_id, mail.contact_id = Status.TAKEN, case_id, contact_id
    if said.shortened:
        notes.append("It is longer than what is shown.")
    if forged(" ".join(said.recipients)):
        notes.append("Its reply address was not made by us, so it was not followed.")
    mail.why = " ".join(notes)[:500]


# -- what it answers


def _answers(said: Said) -> tuple[int | None, str]:
    """The case that a mail answers, where that is proven, and by what.

    A token that we signed proves it, in the address written to or among the mails referred to; so does the Message-ID
    of a mail of ours, which only its recipient knows. A reference to the customer's own earlier mail counts for that
    customer. Everything else is for matching to decide.
    """
    for where, text in (
        ("it was sent to the reply address of that case", " ".join(said.recipients)),
        ("it stands in the thread of that case", said.references),
    ):
        numbers = [int(number.removeprefix("C-")) for number in genuine(text)]
        known = set(Case.objects.filter(number__in=numbers).values_list("number", flat=True)) if numbers else set()
        if found := next((number for number in numbers if number in known), None):
            return found, f"It answers C-{found}: {where}."
    ids = said.references.split()
    if not ids:
        return None, ""
    message = Message.objects.filter(message_id__in=ids, about__startswith="case:").order_by("-pk").first()
    if message and (case := _case_of(message)):
        return case.number, f"It answers C-{case.number}: it stands in the thread of that case."
    theirs = Envelope.objects.filter(message_id__in=ids).filter(
        Q(contact__author__iexact=said.sender) | Q(contact__case__customer__email__iexact=said.sender)
    )
    number = theirs.order_by("-contact__at").values_list("contact__case__number", flat=True).first()
    return (number, f"It follows an earlier mail of theirs in C-{number}.") if number else (None, "")


def _case_of(message: Message) -> Case | None:
    kind, _, key = message.about.partition(":")
    return Case.objects.filter(pk=key).defer("search").first() if kind == "case" else None


def _take_report(mail: Mail, said: Said, now: datetime) -> None:
    assert said.report
    mail.status = Status.BOUNCE
    ids = said.report.message_ids.split()
    message = Message.objects.filter(message_id__in=ids).order_by("-pk").first() if ids else None
    if message is None:
        mail.why = "It reports on a mail that is not known here."
        return
    mail.message = message
    failed = said.report.for_good
    why = (
        f"Our e-mail to {message.recipient} came back: {said.report.why}"
        if failed
        else f"Our e-mail to {message.recipient} is late: {said.report.why}"
    )
    mail.why = why[:500]
    case = _case_of(message)
    fresh = mark_bounced(message_id=message.pk, why=said.report.why, now=now) if failed else True
    if case:
        mail.case = case
        if fresh:
            note_returned(
                case_id=case.pk, message_id=message.pk, for_good=failed, why=why, at=max(now, message.created_at)
            )


def _take_automatic(mail: Mail, said: Said, now: datetime) -> None:
    mail.status, mail.why = Status.AUTOMATIC, said.because
    number, _ = _answers(said)
    if number is None or _told_lately(mail, number):
        return
    case = Case.objects.defer("search").get(number=number)
    mail.case = case
    words = " ".join((said.words or said.subject).split())
    note_automatic(case_id=case.pk, words=words[:200], at=now)


def _told_lately(mail: Mail, number: int) -> bool:
    """A mailbox that answers every mail by itself is told of once an hour."""
    lately = Mail.objects.filter(sender=mail.sender, came_at__gt=mail.came_at - _HOUR, status=Status.AUTOMATIC)
    return lately.filter(case__number=number).exists()
