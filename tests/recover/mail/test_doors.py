"""The other ways in and out: providers, the public form, transcripts, files on the page, the mail that leaves."""

import base64
import hashlib
import hmac
import io
import json
from datetime import datetime, timedelta
from email import message_from_bytes, policy
from types import SimpleNamespace
from urllib.parse import urlencode

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from hypothesis import given
from hypothesis import strategies as st
from tests.relay import Relay, listening

from makegood.ground.messages import files
from makegood.ground.messages import services as outbox
from makegood.ground.messages.models import Message
from makegood.ground.retail.models import Place, Reject
from makegood.recover.cases import services as cases
from makegood.recover.cases.errors import FileRefused
from makegood.recover.cases.models import Attachment, Case, Contact
from makegood.recover.cases.services.attachments import Given
from makegood.recover.intake.mail_handed_in import _FieldAsFile
from makegood.recover.intake.models import Arrival, Mail
from makegood.recover.intake.services import process_arrivals
from makegood.recover.intake.services.chats import import_chats
from makegood.recover.intake.services.mailing import take_in_mail

pytestmark = pytest.mark.django_db
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 100
SIGN_IN = "django.contrib.auth.backends.ModelBackend"


@pytest.fixture
def visitor(client: Client) -> Client:
    client.raise_request_exception = False
    return client


# -- providers

POSTMARK = {
    "FromFull": {"Email": "maria@example.com", "Name": "Maria"}, "From": "maria@example.com",
    "To": "care@shop.example", "ToFull": [{"Email": "care@shop.example", "Name": ""}], "CcFull": [], "BccFull": [],
    "Subject": "Where is my parcel?", "MessageID": "x", "TextBody": "It never came.", "HtmlBody": "",
    "Headers": [{"Name": "Message-ID", "Value": "<pm@example.com>"}],
    "Attachments": [{"Name": "box.png", "Content": base64.b64encode(PNG).decode(), "ContentType": "image/png"}],
}  # fmt: skip


def hand_in(visitor: Client, told: object, secret: str = "us:right", provider: str = "postmark"):
    proof = base64.b64encode(secret.encode()).decode()
    return visitor.post(
        f"/mail/in/{provider}", json.dumps(told), "application/json", headers={"Authorization": f"Basic {proof}"}
    )


@pytest.fixture
def by_provider(settings) -> None:
    settings.MAKEGOOD_MAIL_SECRET = "us:right"
    settings.ANYMAIL = {"WEBHOOK_SECRET": "us:right"}


def test_a_provider_hands_in_a_mail_once_however_often_it_tries(tree, order, by_provider, visitor, noon: datetime):
    assert hand_in(visitor, POSTMARK).status_code == 200
    assert hand_in(visitor, POSTMARK).status_code == 200
    done = take_in_mail(noon.replace(year=2100))
    assert done == {"taken": 1, "duplicate": 1}
    contact = Contact.objects.get()
    assert contact.body == "It never came."
    assert contact.case.customer.email == "maria@example.com"
    assert [one.type for one in contact.attachments.all()] == ["image/png"]


def test_without_the_secret_nothing_is_kept_and_guessing_ends(by_provider, visitor):
    answers = [hand_in(visitor, POSTMARK, "us:wrong").status_code for _ in range(22)]
    assert answers == [401] * 20 + [429] * 2
    assert not Mail.objects.exists()


def test_a_door_without_a_secret_is_closed(visitor):
    assert hand_in(visitor, POSTMARK).status_code == 404


def test_what_a_provider_garbles_is_kept_as_a_reject(by_provider, visitor):
    assert hand_in(visitor, ["no", "mail"]).status_code == 200
    assert Mail.objects.get().status == Mail.Status.REJECTED


@pytest.mark.parametrize("length", ["abc", "\uff11\uff12", "-5", "", "1e3"])
def test_a_length_that_is_none_is_no_error_of_ours(by_provider, visitor, length: str):
    proof = base64.b64encode(b"us:right").decode()
    answer = visitor.post(
        "/mail/in/postmark", json.dumps(POSTMARK), "application/json",
        headers={"Authorization": f"Basic {proof}"}, CONTENT_LENGTH=length,
    )  # fmt: skip
    # Django reads nothing without a length: what the provider said is kept as a reject.
    assert answer.status_code == 200
    assert Mail.objects.get().status == Mail.Status.REJECTED


MB = 1024**2
BEGIN = b"From: maria@example.com\r\nTo: care@shop.example\r\nSubject: Photos\r\nMessage-ID: <mg@x>\r\n\r\n"


def signed(mime: bytes, key: str = "right") -> dict[str, object]:
    token, stamp = "t" * 50, "1772712000"
    proof = hmac.new(key.encode(), f"{stamp}{token}".encode(), hashlib.sha256).hexdigest()
    return {
        "token": token,
        "timestamp": stamp,
        "signature": proof,
        "sender": "m@x",
        "body-mime": mime.decode("latin-1"),
    }


@pytest.fixture
def by_mailgun(settings) -> None:
    settings.MAKEGOOD_MAIL_SECRET = "us:right"
    settings.ANYMAIL = {"MAILGUN_WEBHOOK_SIGNING_KEY": "right", "WEBHOOK_SECRET": "us:right"}
    settings.MAKEGOOD_MAIL_LARGEST = 10 * MB


def mailgun(visitor: Client, told: dict[str, object], how: str = "multipart"):
    proof = {"Authorization": f"Basic {base64.b64encode(b'us:right').decode()}"}
    if how == "multipart":
        return visitor.post("/mail/in/mailgun/mime", told, headers=proof)
    form = "application/x-www-form-urlencoded"
    return visitor.post("/mail/in/mailgun", urlencode(told), content_type=form, headers=proof)


@pytest.mark.parametrize("how", ["multipart", "urlencoded"])
def test_a_whole_mail_of_ten_megabytes_comes_in_a_form_byte_by_byte(tree, by_mailgun, visitor, how: str):
    mime = BEGIN + b"See the photos.\r\n" * ((10 * MB - 200) // 17)
    answer = mailgun(visitor, signed(mime), how)
    assert answer.status_code == 200
    mail = Mail.objects.get()
    assert mail.size == len(mime) > 9.9 * MB
    assert mail.sender == "maria@example.com"
    assert files.get(mail.key) == mime


def test_a_larger_one_is_refused_in_one_sentence_and_people_keep_djangos_limit(by_mailgun, visitor, settings):
    answer = mailgun(visitor, signed(BEGIN + b"x" * (11 * MB)))
    assert answer.status_code == 413
    assert "A mail may have 10 MB" in answer.content.decode()
    assert mailgun(visitor, signed(BEGIN + b"x" * (10 * MB))).status_code == 413  # within the form's room, not a mail's
    assert not Mail.objects.exists()
    assert visitor.post("/contact", {"words": "x" * (3 * MB)}).status_code == 400


def test_other_fields_of_the_form_stay_small(by_mailgun, visitor):
    answer = mailgun(visitor, signed(BEGIN) | {"stripped-text": "x" * (3 * MB)})
    assert answer.status_code == 413
    assert not Mail.objects.exists()


def test_a_form_without_the_secret_is_not_read(by_mailgun, visitor):
    assert visitor.post("/mail/in/mailgun", signed(BEGIN)).status_code == 401
    assert mailgun(visitor, signed(BEGIN, "wrong")).status_code == 401
    assert not Mail.objects.exists()


@given(pieces=st.lists(st.integers(1, 40), min_size=1, max_size=30), before=st.binary(max_size=60), twice=st.booleans())
def test_the_field_is_found_however_the_form_is_cut(pieces: list[int], before: bytes, twice: bool):
    name = b'name="body-mime"\r\n'
    form = before + name + b"mail" + (name if twice else b"") + b"end"
    stream, cut = io.BytesIO(form), iter(pieces * 100)
    reader = _FieldAsFile(SimpleNamespace(read=lambda _: stream.read(next(cut))), "body-mime")
    read = b"".join(iter(lambda: reader.read(8), b""))
    assert read == form.replace(name, b'name="body-mime"; filename="body-mime"\r\n', 1)


# -- the public form


def test_the_form_opens_a_case_and_tells_a_guesser_nothing(tree, order, visitor):
    told = {"email": "maria@example.com", "order": "1001", "words": "It never came.", "website": ""}
    picture = SimpleUploadedFile("box.png", PNG, "image/png")
    known = visitor.post("/contact", told | {"uploads": [picture]}, follow=True)
    unknown = visitor.post("/contact", told | {"email": "nobody@example.com", "order": "9"}, follow=True)
    assert known.content == unknown.content
    case = Case.objects.get(customer__email="maria@example.com")
    assert case.order.ref == "1001"
    assert case.contacts.get().attachments.get().name == "box.png"


def test_the_form_says_what_is_missing(visitor):
    answer = visitor.post("/contact", {"email": "x", "words": ""})
    assert answer.status_code == 422
    assert b"Tell us what went wrong." in answer.content


def test_what_a_program_fills_in_is_set_aside_and_kept(tree, visitor):
    visitor.post("/contact", {"email": "bot@example.com", "words": "Buy!", "website": "http://buy.example"})
    assert Arrival.objects.get().set_aside
    assert not Case.objects.exists()


def test_the_form_takes_ten_an_hour_from_one_address(tree, visitor):
    told = {"email": "bot@example.com", "words": "Again", "website": ""}
    assert [visitor.post("/contact", told).status_code for _ in range(11)] == [302] * 10 + [429]


# -- transcripts


def test_transcripts_become_contacts_and_what_cannot_be_read_says_why(tree, order, tmp_path, noon: datetime):
    said = [
        {"at": "2026-03-05T13:00:00Z", "by": "customer", "text": "My parcel never arrived.", "name": "Maria"},
        {"at": "2026-03-05T13:01:00Z", "by": "agent", "text": "I will look."},
    ]
    lines = [
        {"ref": "1", "email": "maria@example.com", "order_ref": "1001", "messages": said},
        {"ref": "2", "messages": []},
        {"ref": "3", "messages": [said[0] | {"at": "2026-03-05T13:00:00"}]},
        {"ref": "4", "messages": [said[0] | {"by": "nobody"}]},
    ]
    later = noon + timedelta(hours=2)
    file = tmp_path / "chats.ndjson"
    file.write_text("\n".join(map(json.dumps, lines)) + "\nnot json\n\n" + json.dumps(lines[0]) + "\n")
    done = import_chats(file=file, source="chat", now=later)
    assert (done.read, done.new, done.same, done.rejected) == (6, 1, 1, 4)
    assert sorted(Reject.objects.values_list("line", flat=True)) == [2, 3, 4, 5]
    process_arrivals(later)
    contact = Contact.objects.get()
    assert contact.case.order == order
    assert contact.body.split("\n") == ["13:00 Maria: My parcel never arrived.", "13:01 Agent: I will look."]
    again = import_chats(file=file, source="chat", now=later)
    assert (again.new, again.same) == (0, 2)


# -- files on the page


@pytest.fixture
def picture(make_case, ana, noon: datetime) -> Attachment:
    case = make_case()
    page = b"<html><script>alert(1)</script></html>"
    contact = cases.reply(
        case_id=case.pk, body="See the label.", by=ana, now=noon,
        files=[Given("label.png", PNG), Given("terms.html", page)],
    )  # fmt: skip
    return contact.attachments.get(name="label.png")


def address(file: Attachment) -> str:
    return f"/cases/C-{file.contact.case.number}/files/{file.pk}"


def test_a_picture_shows_on_the_timeline_and_a_page_never_does(picture: Attachment, ana, client: Client):
    client.force_login(ana, SIGN_IN)
    page = client.get(f"/cases/C-{picture.contact.case.number}/").content.decode()
    assert f'src="{address(picture)}/picture"' in page
    other = Attachment.objects.get(name="terms.html")
    assert f"{address(other)}/picture" not in page
    assert client.get(f"{address(other)}/picture").status_code == 404
    answer = client.get(address(other))
    assert answer["Content-Disposition"] == 'attachment; filename="terms.html"'
    assert answer["Content-Type"] == "application/octet-stream"
    assert "sandbox" in answer["Content-Security-Policy"]
    assert b"".join(answer.streaming_content).startswith(b"<html>")


def test_files_are_for_those_who_see_the_case(picture: Attachment, ben, shop, client: Client):
    ben.places.add(Place.objects.create(source=shop, ref="s", kind="store", name="Store"))
    client.force_login(ben, SIGN_IN)
    assert client.get(address(picture)).status_code == 404
    assert client.get(f"{address(picture)}/picture").status_code == 404


def test_a_file_opens_only_as_part_of_its_own_case(picture: Attachment, make_case, ana, client: Client):
    other = make_case(order_id=None, reason="product.faulty")
    client.force_login(ana, SIGN_IN)
    assert client.get(f"/cases/C-{other.number}/files/{picture.pk}").status_code == 404


def test_an_infected_file_opens_for_nobody_and_says_why(picture: Attachment, ana, client: Client):
    Attachment.objects.filter(pk=picture.pk).update(scan="infected")
    client.force_login(ana, SIGN_IN)
    assert client.get(address(picture)).status_code == 409
    assert "Virus found" in client.get(f"/cases/C-{picture.contact.case.number}/").content.decode()


def test_a_program_is_not_sent(make_case, ana, noon: datetime):
    with pytest.raises(FileRefused):
        cases.reply(case_id=make_case().pk, body="Run it", by=ana, now=noon, files=[Given("tool.exe", b"MZ")])
    assert not Message.objects.exists()


def test_files_travel_from_the_composer(make_case, ana, client: Client):
    case = make_case()
    client.force_login(ana, SIGN_IN)
    told = {"kind": "reply", "reply": "See the label.", "seen": case.version, "note": "", "call": ""}
    client.post(
        f"/cases/C-{case.number}/say",
        told | {"uploads": [SimpleUploadedFile("a.png", PNG), SimpleUploadedFile("b.txt", b"hello")]},
    )
    assert [file["name"] for file in Message.objects.get().files] == ["a.png", "b.txt"]


def test_the_pages_of_mail(tree, order, by_provider, visitor, ana, noon: datetime):
    hand_in(visitor, POSTMARK)
    hand_in(visitor, ["garbled"])
    take_in_mail(noon.replace(year=2100))
    visitor.force_login(ana, SIGN_IN)
    page = visitor.get("/mail/").content.decode()
    assert "maria@example.com" in page
    assert "could not be read" in page
    taken = Mail.objects.get(status=Mail.Status.TAKEN)
    original = visitor.get(f"/mail/{taken.pk}/original")
    assert original["Content-Disposition"].startswith("attachment")
    assert b"Subject: Where is my parcel?" in b"".join(original.streaming_content)
    assert visitor.post(f"/mail/{taken.pk}/take-in").status_code == 409
    lines = b"".join(visitor.get("/mail/export.csv?status=taken").streaming_content).decode().splitlines()
    assert len(lines) == 2
    assert "maria@example.com" in lines[1]


# -- the mail that leaves


@pytest.mark.django_db(transaction=True)
def test_a_reply_leaves_as_text_and_html_with_its_files_and_an_address_to_answer_to(
    make_case, ana, noon: datetime, settings
):
    case = make_case()
    cases.reply(
        case_id=case.pk, body="It <b>is</b> here: https://shop.example/t\n\nAna", by=ana, now=noon,
        files=[Given("label.png", PNG)],
    )  # fmt: skip
    outbox.enqueue(key="auto", about="case:x", recipient="maria@example.com", subject="A", body="B", now=noon)
    with listening(Relay()) as relay:
        settings.EMAIL_BACKEND = "makegood.ground.messages.smtp.SmtpBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", relay.port
        assert outbox.deliver_due(now=noon) == 2
    reply, automatic = (message_from_bytes(raw, policy=policy.default) for raw in relay.mails)
    assert reply["From"] == "Shop Care <care@shop.example>"
    assert reply["Reply-To"].startswith(f"care+c-{case.number}.")
    assert reply["Auto-Submitted"] is None
    assert automatic["Auto-Submitted"] == "auto-generated"
    assert "It <b>is</b> here" in reply.get_body(("plain",)).get_content()
    page = reply.get_body(("html",)).get_content()
    assert "&lt;b&gt;is&lt;/b&gt;" in page
    assert 'href="https://shop.example/t"' in page
    assert [part.get_content() for part in reply.iter_attachments()] == [PNG]
