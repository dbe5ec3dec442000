"""E-mail comes in: what it answers, what it is, and that none is lost or doubled."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest
from tests.imap import Mailbox, serving

from makegood.ground.messages import files
from makegood.ground.messages.brands import brands
from makegood.ground.messages.models import Message
from makegood.ground.messages.tokens import token_for
from makegood.recover.cases import services as cases
from makegood.recover.cases.models import Attachment, Case, CaseEvent, Contact, Envelope, Outcome, Status
from makegood.recover.cases.services import attachments
from makegood.recover.intake.errors import MailboxUnreachable
from makegood.recover.intake.models import Mail
from makegood.recover.intake.services import fetching, mailing
from makegood.recover.intake.services.mailing import Where, keep_mail, take_in_anyway, take_in_mail

pytestmark = pytest.mark.django_db
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 100


def mail(body: str = "My parcel never arrived.", **headers: str) -> EmailMessage:
    made = EmailMessage()
    told = {
        "From": "Maria Silva <maria@example.com>", "To": "care@shop.example", "Subject": "Where is my parcel?",
        "Message-ID": "<first@example.com>", "Date": "Thu, 05 Mar 2026 11:58:00 +0000",
    } | {name.replace("_", "-"): value for name, value in headers.items()}  # fmt: skip
    for name, value in told.items():
        if value:
            made[name] = value
    made.set_content(body)
    return made


def come(now: datetime, *mails: EmailMessage | bytes) -> Mail:
    """Mails come in and are understood; the last of them."""
    for one in mails:
        keep_mail(raw=one if isinstance(one, bytes) else one.as_bytes(), where=Where("care", "", now))
        take_in_mail(now)
    return Mail.objects.latest("pk")


@pytest.fixture
def answered(make_case, ana, noon: datetime) -> Message:
    """Maria's case, answered by Ana."""
    case = make_case()
    contact = cases.reply(case_id=case.pk, body="Which address?", by=ana, now=noon, wait=True)
    return Message.objects.get(idempotency_key=f"reply:{contact.pk}")


def test_a_mail_opens_a_case_and_what_it_quotes_is_kept_apart(tree, order, noon: datetime):
    words = "It never came.\n\nOn Thu, 5 Mar 2026 at 10:00, Shop <news@shop.example> wrote:\n> It is on its way"
    came = come(noon, mail(words))
    assert came.status == Mail.Status.TAKEN
    contact = came.contact
    assert contact.body == "It never came."
    assert contact.envelope.quoted.endswith("> It is on its way")
    assert contact.case.customer.email == "maria@example.com"
    assert files.get(came.key) == mail(words).as_bytes()


# -- what a mail answers


def test_an_answer_to_the_reply_address_comes_back_to_its_case(answered, noon: datetime):
    came = come(noon, mail("The red house.", From="tom@elsewhere.example", To=answered.reply_to, Subject="Re: it"))
    assert f"case:{came.case_id}" == answered.about
    case = Case.objects.get()
    assert case.status == Status.OPEN


def test_an_answer_comes_back_by_its_thread_when_the_address_was_changed(answered, noon: datetime):
    came = come(noon, mail("The red house.", From="tom@elsewhere.example", In_Reply_To=answered.message_id))
    assert f"case:{came.case_id}" == answered.about


def test_a_case_folded_reply_address_still_counts(answered, noon: datetime):
    came = come(noon, mail("Hello", From="tom@elsewhere.example", To=answered.reply_to.upper()))
    assert f"case:{came.case_id}" == answered.about


def test_a_forged_token_attaches_to_nothing(answered, noon: datetime):
    case = Case.objects.get()
    signature = token_for(str(case)).partition(".")[2]
    wrong = signature[:-1] + ("0" if signature[-1] != "0" else "1")
    forged = mail(
        "Send me the refund.", From="mallory@evil.example", To=f"care+c-{case.number}.{wrong}@shop.example",
        References=f"<c-{case.number}.{wrong}.abc@shop.example>", Subject=f"Re: [C-{case.number}] Where is my parcel",
    )  # fmt: skip
    came = come(noon, forged)
    assert came.status == Mail.Status.TAKEN
    assert came.case_id != case.pk
    assert "not made by us" in came.why
    assert case.contacts.count() == 2


def test_a_token_of_another_case_is_no_token_of_this(answered, noon: datetime):
    case = Case.objects.get()
    signature = token_for(f"C-{case.number + 1}").partition(".")[2]
    came = come(noon, mail(From="mallory@evil.example", To=f"care+c-{case.number}.{signature}@shop.example"))
    assert came.case_id != case.pk


def test_a_bare_number_counts_only_for_the_cases_customer(answered, noon: datetime):
    case = Case.objects.get()
    stranger = come(noon, mail(From="mallory@evil.example", Subject=f"Re: [C-{case.number}] x", Message_ID="<a@x>"))
    assert stranger.case_id != case.pk
    hers = come(noon, mail("More about it", Subject=f"Re: [C-{case.number}] x", Message_ID="<b@x>"))
    assert hers.case_id == case.pk


def test_somebody_elses_reference_to_a_customers_mail_counts_for_nothing(tree, order, noon: datetime):
    first = come(noon, mail())
    other = come(noon, mail(From="mallory@evil.example", References="<first@example.com>", Message_ID="<2@x>"))
    assert other.case_id != first.case_id
    hers = come(noon, mail("And?", Subject="And?", References="<first@example.com>", Message_ID="<3@x>"))
    assert hers.case_id == first.case_id


# -- what a mail is


def test_the_same_mail_twice_is_one_contact(tree, order, noon: datetime):
    again = mail()
    again["Received"] = "by another way"
    copy = come(noon, mail(), again)
    assert copy.status == Mail.Status.DUPLICATE
    assert Contact.objects.count() == 1


def test_another_mail_under_a_used_message_id_is_not_lost(tree, order, noon: datetime):
    come(noon, mail(), mail("Quite another matter: I want my money back."))
    assert Contact.objects.count() == 2


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"}, {"Precedence": "bulk"}, {"List_Id": "<news.example>"}, {"X_Loop": "yes"},
        {"From": "MAILER-DAEMON@example.com", "Subject": "Hello"}, {"From": "care@shop.example"}, {"Return_Path": "<>"},
    ],
)  # fmt: skip
def test_programs_open_no_case(tree, order, noon: datetime, headers: dict[str, str]):
    came = come(noon, mail(**headers))
    assert (came.status, came.contact) == (Mail.Status.AUTOMATIC, None)
    assert came.why
    assert not Case.objects.exists()


def test_our_own_mail_coming_back_is_a_circle(answered, noon: datetime):
    came = come(noon, mail(From="list@elsewhere.example", Message_ID=answered.message_id))
    assert came.status == Mail.Status.AUTOMATIC


def test_an_absence_note_is_told_on_the_case_and_starts_no_clock(answered, noon: datetime):
    before = Case.objects.get()
    note = mail("I am away until Monday.", Auto_Submitted="auto-replied", In_Reply_To=answered.message_id)
    came = come(noon, note, mail("Away!", Auto_Submitted="auto-replied", In_Reply_To=answered.message_id))
    after = Case.objects.get()
    assert (after.status, after.due_at) == (Status.WAITING_CUSTOMER, before.due_at)
    assert CaseEvent.objects.filter(case=after, why__contains="answered by itself").count() == 1
    assert came.status == Mail.Status.AUTOMATIC


def test_a_sender_who_never_stops_is_set_aside_and_can_be_taken_in_by_hand(tree, order, noon: datetime):
    many = [mail(f"Hello {n}", Message_ID=f"<{n}@x>") for n in range(mailing.A_SENDER_IN_AN_HOUR + 1)]
    last = come(noon, *many)
    assert last.status == Mail.Status.AUTOMATIC
    assert Contact.objects.count() == mailing.A_SENDER_IN_AN_HOUR
    assert take_in_anyway(mail=last, now=noon).contact is not None
    an_hour_later = come(noon + timedelta(hours=2), mail("Hello again", Message_ID="<again@x>"))
    assert an_hour_later.status == Mail.Status.TAKEN


BOUNCE = """\
From: Mail Delivery System <MAILER-DAEMON@relay.example>
To: care@shop.example
Subject: Undelivered Mail Returned to Sender
Message-ID: <bounce@relay.example>
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b

This is the mail system.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; relay.example

Final-Recipient: rfc822; maria@example.com
Action: {action}
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 No such person
--b
Content-Type: text/rfc822-headers

Message-ID: {message_id}
Subject: Re: Where is my parcel
--b--
"""


def returned(message_id: str, action: str = "failed") -> bytes:
    return BOUNCE.format(message_id=message_id, action=action).encode()


def test_a_mail_that_came_back_is_told_once_and_nobody_waits_for_its_answer(answered, noon: datetime):
    Message.objects.filter(pk=answered.pk).update(status="sent", sent_at=noon)
    came = come(noon, returned(answered.message_id), returned(answered.message_id).replace(b"bounce@", b"again@"))
    answered.refresh_from_db()
    assert answered.bounced_at == noon
    assert "No such person" in answered.bounce
    assert (came.status, came.message) == (Mail.Status.BOUNCE, answered)
    case = Case.objects.get()
    assert case.status == Status.OPEN
    assert CaseEvent.objects.filter(case=case, why__contains="came back").count() == 1


def test_a_mail_that_is_late_did_not_come_back(answered, noon: datetime):
    come(noon, returned(answered.message_id, "delayed"))
    answered.refresh_from_db()
    assert answered.bounced_at is None
    assert Case.objects.get().status == Status.WAITING_CUSTOMER


def test_a_report_about_somebody_elses_mail_touches_nothing(answered, noon: datetime):
    came = come(noon, returned("<unknown@shop.example>"))
    assert (came.status, came.message, came.case) == (Mail.Status.BOUNCE, None, None)


# -- files


def test_files_are_kept_once_by_content_and_typed_by_what_they_are(tree, order, noon: datetime):
    with_files = mail("See the pictures.")
    with_files.add_attachment(PNG, maintype="text", subtype="html", filename="../../etc/box.html")
    with_files.add_attachment(PNG, maintype="image", subtype="png", filename="box.png")
    with_files.add_attachment(b"MZ" + b"0" * 90, maintype="application", subtype="pdf", filename="invoice.pdf")
    contact = come(noon, with_files).contact
    kept = list(Attachment.objects.filter(contact=contact).order_by("pk"))
    assert [one.name for one in kept] == ["box.html", "box.png", "invoice.pdf"]
    assert [one.type for one in kept[:2]] == ["image/png", "image/png"]
    assert kept[0].key == kept[1].key
    assert (kept[2].key, kept[2].left_out) == ("", "It is a program.")


@pytest.mark.parametrize(("command", "state"), [("true", "clean"), ("false", "infected"), ("test -z", "infected")])
def test_nothing_is_handed_out_before_the_scanner_saw_it(
    tree, order, noon: datetime, settings, command: str, state: str
):
    settings.MAKEGOOD_SCAN = command
    with_file = mail()
    with_file.add_attachment(PNG, maintype="image", subtype="png", filename="box.png")
    one = Attachment.objects.get(contact=come(noon, with_file).contact)
    assert not attachments.is_safe(one)
    assert attachments.scan_waiting() == 1
    one.refresh_from_db()
    assert one.scan == state
    assert attachments.is_safe(one) is (state == "clean")


def test_a_scanner_that_fails_says_nothing_about_a_file(tree, order, noon: datetime, settings):
    settings.MAKEGOOD_SCAN = "no-such-scanner --really"
    with_file = mail()
    with_file.add_attachment(PNG, maintype="image", subtype="png", filename="box.png")
    one = Attachment.objects.get(contact=come(noon, with_file).contact)
    assert attachments.scan_waiting() == 0
    assert not attachments.is_safe(one)


def test_a_half_written_file_is_written_anew(noon: datetime):
    stored = files.put(b"whole content")
    Path(files.storage().path(stored.key)).write_bytes(b"who")
    assert files.get(files.put(b"whole content").key) == b"whole content"


# -- what we send


def test_a_reply_stands_in_the_thread_that_the_customer_knows(tree, order, ana, noon: datetime):
    came = come(noon, mail(References="<older@example.com>"))
    contact = cases.reply(case_id=came.case_id, body="Tomorrow.", by=ana, now=noon)
    message = Message.objects.get(idempotency_key=f"reply:{contact.pk}")
    assert message.subject == "Re: Where is my parcel?"
    assert message.in_reply_to == "<first@example.com>"
    assert message.references == "<older@example.com> <first@example.com>"
    assert message.message_id.endswith("@shop.example>")
    assert not message.automatic


def test_each_brand_answers_under_its_own_address(tree, order, ana, noon: datetime, settings):
    settings.MAKEGOOD_BRANDS = {"home": {"sender": "Home <hello@home.example>", "mailbox": "", "sources": ["shop"]}}
    came = come(noon, mail(To="hello@home.example"))
    message = _reply(came.case_id, ana, noon)
    assert message.sender == "Home <hello@home.example>"
    assert message.reply_to.startswith("hello+c-")
    first = come(noon, mail("Another thing entirely", To="care@shop.example", Message_ID="<b@x>", Subject="Refund"))
    assert _reply(first.case_id, ana, noon).sender == brands()[0].sender


def test_a_case_nobody_wrote_about_belongs_to_the_brand_that_sold_it(make_case, ana, noon: datetime, settings):
    settings.MAKEGOOD_BRANDS = {"home": {"sender": "Home <hello@home.example>", "mailbox": "", "sources": ["shop"]}}
    message = _reply(make_case(contact=None).pk, ana, noon)
    assert message.sender == "Home <hello@home.example>"


def _reply(case_id, by, now: datetime) -> Message:
    contact = cases.reply(case_id=case_id, body="Hello", by=by, now=now)
    return Message.objects.get(idempotency_key=f"reply:{contact.pk}")


def test_a_thank_you_to_a_resolved_case_reaches_it(answered, ana, noon: datetime):
    case = Case.objects.get()
    cases.resolve_case(case_id=case.pk, outcome=Outcome.RECOVERED, cause="", by=ana, now=noon)
    came = come(noon, mail("Thank you!", To=answered.reply_to))
    assert came.case_id == case.pk


# -- getting it


@pytest.fixture(scope="module")
def imap() -> Iterator[Mailbox]:
    with serving() as mailbox:
        yield mailbox


@pytest.fixture
def brand(imap: Mailbox, settings):
    settings.MAKEGOOD_MAILBOX = imap.url
    return brands()[0]


def test_a_mailbox_is_read_by_uid_each_mail_once(db, tree, order, brand, imap: Mailbox, settings):
    from django.utils import timezone

    now = timezone.now()
    fetching.fetch(brand, now=now)  # what the server began with
    before = Mail.objects.count()
    imap.put(mail().as_bytes(), mail("Second", Message_ID="<2@x>").as_bytes())
    settings.MAKEGOOD_MAIL_LARGEST = 5000
    imap.put(mail("x" * 6000, Message_ID="<3@x>").as_bytes())
    assert fetching.check(brand, now=now).new == 3
    fetched = fetching.fetch(brand, now=now)
    assert (fetched.new, fetched.too_large) == (2, 1)
    assert (fetching.fetch(brand, now=now).new, fetching.check(brand, now=now).new) == (0, 0)
    assert Mail.objects.count() == before + 3
    refused = Mail.objects.get(status=Mail.Status.REJECTED)
    assert (refused.sender, refused.key) == ("maria@example.com", "")
    done = take_in_mail(now)
    assert Envelope.objects.filter(message_id__in=["<first@example.com>", "<2@x>"]).count() == 2
    assert done["taken"] >= 2


def test_a_crash_between_keeping_and_marking_loses_and_doubles_nothing(
    db, tree, order, brand, imap: Mailbox, monkeypatch
):
    from django.utils import timezone
    from imap_tools import BaseMailBox

    now = timezone.now()
    fetching.fetch(brand, now=now)
    take_in_mail(now)
    before, seen = Mail.objects.count(), imap.seen()
    imap.put(*(mail(f"No {n}", Message_ID=f"<crash{n}@x>").as_bytes() for n in range(3)))

    def die(*_: object, **__: object) -> None:
        raise OSError("the machine went dark")

    with monkeypatch.context() as dark:
        dark.setattr(BaseMailBox, "flag", die)
        with pytest.raises(MailboxUnreachable):
            fetching.fetch(brand, now=now)
    fetching.fetch(brand, now=now)
    assert Mail.objects.count() == before + 3
    assert imap.seen() >= seen + 2
    take_in_mail(now)
    assert Envelope.objects.filter(message_id__startswith="<crash").count() == 3


@pytest.mark.parametrize("when", [b"31-Dec-9999 23:59:59 -1200", b"31-Dec-9999 23:59:59 +0000", b"00-Nix-0000 1", b""])
def test_a_server_that_tells_an_odd_time_stops_nothing(noon: datetime, when: bytes):
    assert fetching.came_at(b'1 (RFC822.SIZE 9 INTERNALDATE "' + when + b'")', noon) == noon


def test_a_wrong_password_is_said_without_the_password(db, imap: Mailbox, noon: datetime, settings):
    settings.MAKEGOOD_MAILBOX = imap.url.replace("right%20horse", "wr0ng-horse")
    with pytest.raises(MailboxUnreachable) as refused:
        fetching.check(brands()[0], now=noon)
    assert "wr0ng-horse" not in str(refused.value)
