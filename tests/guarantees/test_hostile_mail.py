"""A thousand hostile or odd mails: none lost, none executed, no exception, each taken in or left out with a reason."""

import random
import unicodedata
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.test import Client

from makegood.ground.messages import files
from makegood.ground.messages.models import Message
from makegood.ground.messages.tokens import token_for
from makegood.ground.staff.models import Role
from makegood.recover.cases.models import Attachment, Case, CaseEvent, Contact
from makegood.recover.cases.replay import columns_of, replay
from makegood.recover.cases.services import reply
from makegood.recover.intake.models import Mail
from makegood.recover.intake.services.mailing import Where, keep_mail, take_in_mail
from tests.factories import NOON, CustomerFactory, UserFactory, open_case

MAILS = 1000
ENDS = {"taken", "bounce", "automatic", "duplicate", "rejected"}
Making = Callable[[random.Random, int], bytes]


def head(n: int, **headers: str) -> bytes:
    """Headers of a mail like any other, with some of them different or left out (an empty value)."""
    told = {
        "From": f"Somebody <person{n}@example.com>", "To": "care@localhost", "Subject": f"Order {n} never came",
        "Message-ID": f"<{n}@example.com>", "Date": "Thu, 05 Mar 2026 11:00:00 +0000", "MIME-Version": "1.0",
    } | {name.replace("_", "-"): value for name, value in headers.items()}  # fmt: skip
    return b"".join(f"{name}: {value}\r\n".encode("utf-8", "surrogateescape") for name, value in told.items() if value)


def noise(chance: random.Random, size: int) -> bytes:
    return bytes(chance.randrange(256) for _ in range(size))


# -- what may come, one function a kind


def malformed(chance: random.Random, n: int) -> bytes:
    """A mail of several parts with bytes lost, doubled and changed."""
    mail = bytearray(
        head(n, Content_Type='multipart/mixed; boundary="b"')
        + b"\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nWhere is it?\r\n--b\r\n"
        b"Content-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n"
        b"Content-Disposition: attachment; filename=a.png\r\n\r\niVBORw0KGgo=\r\n--b--\r\n"
    )
    for _ in range(chance.randrange(1, 40)):
        at = chance.randrange(len(mail))
        mail[at : at + chance.randrange(3)] = noise(chance, chance.randrange(3))
    return bytes(mail)


def deep(chance: random.Random, n: int) -> bytes:
    levels = chance.choice([5, 40, 95, 400, 3000])
    inside = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (i, i) for i in range(levels))
    return head(n) + inside + b"\r\nfar below\r\n"


def mails_in_mails(chance: random.Random, n: int) -> bytes:
    return (
        head(n) + b"Content-Type: message/rfc822\r\n\r\n" * chance.choice([3, 50, 99, 2000]) + b"Subject: x\r\n\r\nend"
    )


def many_parts(chance: random.Random, n: int) -> bytes:
    part = b"--b\r\nContent-Disposition: attachment; filename=a.txt\r\n\r\nx\r\n"
    return head(n, Content_Type="multipart/mixed; boundary=b") + b"\r\n" + part * chance.choice([60, 500, 20_000])


def bomb(chance: random.Random, n: int) -> bytes:
    """An archive that would fill the disk of whoever unpacks it, or one within another."""
    import base64
    import io
    import zipfile

    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", b"\0" * chance.choice([10, 5_000_000]))
    inside = base64.encodebytes(packed.getvalue())
    return (
        head(n, Content_Type="multipart/mixed; boundary=b")
        + b"\r\n--b\r\n\r\nsee file\r\n--b\r\nContent-Type: application/zip; name=a.zip\r\n"
        + b"Content-Transfer-Encoding: base64\r\n\r\n" + inside + b"\r\n--b--"
    )  # fmt: skip


def large(chance: random.Random, n: int) -> bytes:
    return head(n) + b"\r\n" + b"All work and no play.\r\n" * chance.choice([1000, 100_000])


def circle(chance: random.Random, n: int) -> bytes:
    ours = Message.objects.first()
    assert ours
    sender = chance.choice(["care@localhost", f"list{n}@example.com"])
    return head(n, From=sender, Message_ID=chance.choice([ours.message_id, f"<{n}@example.com>"])) + b"\r\nagain\r\n"


def automatic(chance: random.Random, n: int) -> bytes:
    says = chance.choice([
        {"Auto_Submitted": "auto-replied"}, {"Auto_Submitted": "auto-generated; x=y"}, {"Precedence": "bulk"},
        {"Precedence": "auto_reply"}, {"List_Id": "<a.b>"}, {"X_Loop": "me"}, {"Return_Path": "<>"},
        {"X_Autoreply": "yes"},
    ])  # fmt: skip
    return head(n, In_Reply_To=Message.objects.first().message_id, **says) + b"\r\nI am away.\r\n"


def bounce(chance: random.Random, n: int) -> bytes:
    about = chance.choice([Message.objects.first().message_id, "<unknown@localhost>", "garbage", ""])
    status = chance.choice([b"Action: failed\r\nStatus: 5.1.1\r\n", b"Action: delayed\r\n", b"", b"\x00\xff: x\r\n"])
    return (
        head(n, From="MAILER-DAEMON@example.com", Subject="Undelivered mail",
             Content_Type="multipart/report; report-type=delivery-status; boundary=b")
        + b"\r\n--b\r\n\r\nSorry.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\n"
        + b"Final-Recipient: rfc822; a@b.c\r\n" + status
        + b"\r\n--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: " + about.encode() + b"\r\n\r\nx\r\n--b--"
    )  # fmt: skip


def eight_bit_headers(chance: random.Random, n: int) -> bytes:
    odd = noise(chance, 60).replace(b"\n", b"").replace(b"\r", b"")
    return (
        b"From: "
        + odd
        + b" <person@example.com>\r\nSubject: "
        + odd
        + b"\r\n"
        + head(n, From="", Subject="")
        + b"\r\nx"
    )


def forged_token(chance: random.Random, n: int) -> bytes:
    case = chance.choice(list(Case.objects.filter(customer__isnull=False).values_list("number", flat=True)[:20]))
    wrong = "".join(chance.choice("0123456789abcdef") for _ in range(20))
    other = token_for(f"C-{case + 1_000_000}").partition(".")[2]
    token = f"c-{case}.{chance.choice([wrong, other, wrong[:-1], wrong + '0', '', '*' * 20])}"
    return head(
        n, From=f"mallory{n}@evil.example", To=f"care+{token}@localhost", References=f"<{token}.{n}@localhost>",
        In_Reply_To=f"<{token}@localhost>", Subject=f"Re: [C-{case}] refund me",
    ) + b"\r\nPay me.\r\n"  # fmt: skip


def nulls(chance: random.Random, n: int) -> bytes:
    return head(n).replace(b"never", b"ne\0ver") + b"\r\n" + b"a\0b" * chance.randrange(1, 2000)


def huge_headers(chance: random.Random, n: int) -> bytes:
    long = chance.choice([b"=?a?q?", b"a;b=c;", b"(", b"<a@b> ", b"x" * 100, b"\r\n b"]) * chance.choice(
        [2000, 100_000]
    )
    name = chance.choice([b"Subject", b"From", b"To", b"References", b"Content-Type", b"X-Odd", b"Content-Disposition"])
    return name + b": " + long + b"\r\n" + head(n) + b"\r\nwords"


def wrong_charset(chance: random.Random, n: int) -> bytes:
    named = chance.choice(["utf-8", "us-ascii", "iso-2022-jp", "klingon", "idna", "unicode_escape", "base64", "utf-16",
                           "", '"', "utf-7", "x" * 500])  # fmt: skip
    how = chance.choice(["8bit", "base64", "quoted-printable", "x-uuencode", "klingon"])
    return (
        head(n, Content_Type=f"text/plain; charset={named}", Content_Transfer_Encoding=how)
        + b"\r\n"
        + noise(chance, 300)
    )


EVIL = "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg onload=alert(1)>", "javascript:alert(1)"


def evil_html(chance: random.Random, n: int) -> bytes:
    page = "".join(chance.choices(
        [*EVIL, "<p>Where is it?</p>", "<a href='javascript:alert(1)'>here</a>", "<iframe src=//evil.example></iframe>",
         "<img src='http://track.example/p.gif?me' width=1>", "<style>*{background:url(//evil.example)}</style>",
         "<form action=//evil.example><input name=password></form>", "<!--", "<![CDATA[", "</body>", "<math><mi//x",
         "&lt;script&gt;alert(1)&lt;/script&gt;", "<base href=//evil.example>", "{{7*7}}", "{% raw %}"],
        k=chance.randrange(1, 30),
    )) + chance.choice(["", "<div>" * 50_000, "<ul><li>" * 20_000])  # fmt: skip
    return head(n, Subject=chance.choice(EVIL), Content_Type="text/html; charset=utf-8") + b"\r\n" + page.encode()


def evil_file(chance: random.Random, n: int) -> bytes:
    name = chance.choice(
        ["../../etc/passwd", "a\u202egnp.exe", "x" * 3000, "", "CON", "<script>.png", "a.svg", "a.html"]
    )
    content = chance.choice(
        [b"<svg onload=alert(1)>", b"<html><script>alert(1)</script>", b"MZ\x90", b"#!/bin/sh", b""]
    )
    kind = chance.choice(["image/png", "text/html", "image/svg+xml", "application/x-sh", "nonsense"])
    return (
        head(n, Content_Type="multipart/related; boundary=b") + b"\r\n--b\r\n\r\nsee\r\n--b\r\nContent-Type: "
        + kind.encode() + b"\r\nContent-ID: <1>\r\nContent-Disposition: inline; filename=" + name.encode() + b"\r\n\r\n"
        + content + b"\r\n--b--"
    )  # fmt: skip


def doubled(chance: random.Random, n: int) -> bytes:
    return head(chance.randrange(10_000, 10_004)) + b"\r\nThe very same mail.\r\n"


def same_id(chance: random.Random, n: int) -> bytes:
    return head(n, Message_ID="<always the same@example.com>".replace(" ", "")) + b"\r\nAnother mail: %d\r\n" % n


def flood(chance: random.Random, n: int) -> bytes:
    return head(n, From="flood@example.com") + b"\r\nAgain and again: %d\r\n" % n


def empty(chance: random.Random, n: int) -> bytes:
    return chance.choice([b"", b"\r\n\r\n", b"\0", head(n, Subject="") + b"\r\n", b"From\r\n", b"   "])


def nonsense(chance: random.Random, n: int) -> bytes:
    return noise(chance, chance.randrange(1, 3000))


def nested_mails(chance: random.Random, n: int) -> bytes:
    """Twenty mails, each enclosed in the next, with words in every one."""
    inside = b"".join(
        b"Content-Type: message/rfc822\r\n\r\nFrom: level%d@example.com\r\nSubject: level %d\r\n" % (i, i)
        for i in range(20)
    )
    return head(n) + inside + b"\r\nfar within\r\n"


def ten_thousand_parts(chance: random.Random, n: int) -> bytes:
    part = b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n"
    return head(n, Content_Type="multipart/mixed; boundary=b") + b"\r\n" + part * 10_000 + b"--b--\r\n"


def megabyte_header(chance: random.Random, n: int) -> bytes:
    name = chance.choice([b"Subject", b"References", b"To", b"Date", b"Message-ID", b"In-Reply-To", b"X-Odd"])
    return (
        name
        + b": "
        + chance.choice([b"a", b"=?utf-8?q?a?= ", b"<a@b>\r\n "]) * (1024**2 // 4)
        + b"\r\n"
        + head(n)
        + b"\r\nx"
    )


def charset_bomb(chance: random.Random, n: int) -> bytes:
    """Names of character sets that are long, nested, or of codecs that inflate or run."""
    named = chance.choice(
        ["zlib_codec", "bz2_codec", "hex", "rot13", "uu", "punycode" * 3000, "utf-7", "utf-32", "\\x00", "../../etc",
         "=?utf-8?q?utf-8?=", "iso-2022-jp-ext", "raw_unicode_escape"]
    )  # fmt: skip
    words = f"=?{named}?b?{'QUFB' * 500}?="
    body = b"+AGE-" * 1000 + bytes(range(256)) + b"\x1b$B" * 1000
    return head(n, Subject=words[:3000], Content_Type=f'text/plain; charset="{named}"') + b"\r\n" + body


MARIA = "maria.k-0@example.com"


def spoofed_sender(chance: random.Random, n: int) -> bytes:
    """Addresses that look like a customer's and are none: turned round, or with what cannot be seen."""
    odd = chance.choice(["\u200b", "\u202e", "\u2066", "\u00ad", "\ufeff", "\u2060", "\u200d", "\u180e"])
    local, _, domain = MARIA.partition("@")
    sender = chance.choice([
        f"{local}{odd}@{domain}", f'"{MARIA}" <mallory{n}@evil.example>', f"{odd}{MARIA}".replace("ria", f"r{odd}ia"),
        f"{odd}{MARIA[::-1]} <mallory{n}@evil.example>", f"{MARIA}.evil.example", f"{local}@ex\u0430mple.com",
    ])  # fmt: skip
    return head(n, From=sender, Subject=f"Spoof {n}") + b"\r\nChange my address please.\r\n"


def far_future(chance: random.Random, n: int) -> bytes:
    date = chance.choice(
        ["Fri, 31 Dec 9999 23:59:59 +0000", "Fri, 31 Dec 9999 23:59:59 -1200", "31 Dec 99999 1:1:1", "0"]
    )
    return head(n, Date=date) + b"\r\nFrom another time.\r\n"


def odd_file_names(chance: random.Random, n: int) -> bytes:
    name = chance.choice(
        ["../../x", "CON.txt", "..\\..\\x", "/etc/passwd", "C:\\x", "nul", "aux.png", "a/../../x", "..", "."]
    )
    return (
        head(n, Content_Type="multipart/mixed; boundary=b") + b"\r\n--b\r\n\r\nsee\r\n--b\r\n"
        b'Content-Disposition: attachment; filename="' + name.encode() + b'"\r\n\r\nx\r\n--b--'
    )  # fmt: skip


def ordinary(chance: random.Random, n: int) -> bytes:
    return head(n) + b"\r\nMy parcel never arrived.\r\n"


KINDS: list[Making] = [
    malformed, malformed, malformed, deep, mails_in_mails, many_parts, bomb, large, circle, automatic, bounce,
    eight_bit_headers, forged_token, forged_token, nulls, huge_headers, huge_headers, wrong_charset, evil_html,
    evil_html, evil_file, doubled, same_id, flood, empty, nonsense, ordinary, nested_mails, ten_thousand_parts,
    megabyte_header, charset_bomb, spoofed_sender, far_future, odd_file_names,
]  # fmt: skip


def unseen(text: str) -> bool:
    return any(unicodedata.category(character) == "Cf" for character in text)


def nobody_is_fooled(mails: list[Mail]) -> None:
    # Nobody passes for a customer by an address that only looks like theirs, and one sees that it does not.
    spoofed = [mail for mail in mails if mail.subject.startswith("Spoof ")]
    assert len(spoofed) >= 20
    assert not [mail for mail in spoofed if mail.sender == MARIA]
    assert not [mail.sender for mail in spoofed if unseen(mail.sender)]
    assert not [mail for mail in spoofed if mail.case and mail.case.customer_id]

    # No file name leads anywhere.
    for name in Attachment.objects.values_list("name", flat=True):
        assert not set(name) & {"/", "\\"}
        assert not name.startswith("..")
        assert name.partition(".")[0].upper() not in ("CON", "NUL", "AUX")


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_a_thousand_hostile_mails(settings, tmp_path, noon: datetime, client: Client):
    settings.STORAGES = settings.STORAGES | {
        "attachments": {
            "BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path / "attachments"},
        }
    }  # fmt: skip
    chance = random.Random(20260305)
    specialist = UserFactory(role=Role.SPECIALIST)
    innocent = open_case()
    assert CustomerFactory(email=MARIA)
    reply(case_id=innocent.pk, body="We look into it.", by=specialist, now=NOON)

    sent: Counter[str] = Counter()
    at: list[datetime] = []
    for n in range(MAILS):
        making = KINDS[n % len(KINDS)]
        sent[making.__name__] += 1
        at.append(noon + timedelta(seconds=n))
        assert keep_mail(raw=making(chance, n), where=Where("care", "", at[-1]))
    became = take_in_mail(at[-1])

    print(f"{MAILS} mails: {dict(became)}")
    # Counts add up: everything that came is there, and has an end with a reason.
    assert became.total() == MAILS == Mail.objects.count()
    mails = list(Mail.objects.all())
    assert {mail.status for mail in mails} == ENDS
    assert all(mail.why for mail in mails)
    assert all(len(files.get(mail.key)) == mail.size for mail in mails), "an original was lost"
    # Not one was given up on by an exception: each reason was foreseen.
    assert not [mail.why for mail in mails if "could not be read (" in mail.why]

    # What was taken in is a contact, each its own; what was not is none.
    contacts = Contact.objects.filter(direction="in").exclude(case=innocent)
    of_mails = {mail.contact_id for mail in mails if mail.status == "taken"}
    assert None not in of_mails
    assert len(of_mails) == became["taken"] == Contact.objects.filter(mail__isnull=False).count()
    assert not [mail for mail in mails if mail.status != "taken" and mail.contact_id]
    assert became["duplicate"] >= sent["doubled"] - 4
    assert contacts.filter(mail__sender="flood@example.com").count() <= 20

    # No forged token reached a case of somebody else.
    assert not Contact.objects.filter(case=innocent, direction="in", mail__isnull=False).exists()
    for mail in mails:
        if mail.sender.startswith("mallory") and mail.case:
            assert set(mail.case.contacts.values_list("author", flat=True)) == {mail.sender}

    nobody_is_fooled(mails)
    assert max(contacts.values_list("at", flat=True)) <= at[-1], "a time lies ahead"

    # Every case equals its timeline.
    for case in Case.objects.all():
        assert replay(CaseEvent.objects.filter(case=case).order_by("seq")) == columns_of(case)

    # Nothing that came is run by a browser: every case opens, and its page holds no tag that a mail brought.
    client.force_login(specialist, backend="django.contrib.auth.backends.ModelBackend")
    shown = Case.objects.filter(contacts__mail__isnull=False).order_by("pk").distinct()
    for case in [*shown[::25], *shown.filter(contacts__mail__subject__in=EVIL)[:10]]:
        page = client.get(f"/cases/C-{case.number}/")
        assert page.status_code == 200
        text = page.content.decode()
        assert not [evil for evil in (*EVIL[:3], "<iframe", "<base ", "<form action=//", "p.gif?me'") if evil in text]
    for attachment in Attachment.objects.exclude(key="")[:60]:
        address = f"/cases/C-{attachment.contact.case.number}/files/{attachment.pk}"
        answer = client.get(address)
        assert answer["Content-Disposition"].startswith("attachment")
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer["Content-Security-Policy"]
        assert answer["Content-Type"] in ("application/octet-stream", "image/png", "image/gif", "image/jpeg")
        answer.close()
        if not attachment.type.startswith("image/") or "svg" in attachment.type:
            assert client.get(f"{address}/picture").status_code == 404
    assert client.get("/mail/").status_code == 200
