"""Mailboxes that take no password: signing in with a token, renewing it, and what is said when it is refused."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from tests.imap import serving
from tests.imap_oauth import Provider, guarding, providing

from makegood.ground.messages.brands import Brand, brands
from makegood.recover.intake.errors import MailboxUnreachable
from makegood.recover.intake.models import Mail, Mailbox
from makegood.recover.intake.services import fetching, oauth

pytestmark = pytest.mark.django_db
NOW = timezone.now()


@pytest.fixture(scope="module")
def gate() -> Iterator[tuple[int, Provider]]:
    with serving() as mailbox, providing() as provider, guarding(mailbox, provider) as port:
        mailbox.put(b"From: maria@example.com\r\nSubject: Where is it?\r\n\r\nIt never came.\r\n")
        yield port, provider


@pytest.fixture
def provider(gate: tuple[int, Provider]) -> Provider:
    provider = gate[1]
    provider.asked.clear()
    provider.says = (200, {"access_token": "token-1", "expires_in": 3600})
    provider.good = {"token-1"}
    oauth._kept.clear()
    return provider


@pytest.fixture
def brand(gate: tuple[int, Provider], provider: Provider, settings: Any, tmp_path: Path) -> Brand:
    settings.MAKEGOOD_HOME = tmp_path
    settings.MAKEGOOD_MAILBOX = f"imap://care@127.0.0.1:{gate[0]}/INBOX"
    settings.MAKEGOOD_MAIL_OAUTH = {
        "name": "MAKEGOOD_MAIL_OAUTH", "token_url": provider.url, "client": "our-client", "secret": "cl1ent-secret",
        "refresh_token": "r3fresh-1", "scope": "",
    }  # fmt: skip
    return brands()[0]


def test_mail_is_fetched_with_a_token_that_is_asked_for_once_an_hour(brand: Brand, provider: Provider):
    assert fetching.fetch(brand, now=NOW).new > 0
    fetching.fetch(brand, now=NOW + timedelta(minutes=50))
    assert Mail.objects.count() > 0
    assert provider.asked == [
        {"client_id": "our-client", "client_secret": "cl1ent-secret", "grant_type": "refresh_token",
         "refresh_token": "r3fresh-1"},
    ]  # fmt: skip
    fetching.check(brand, now=NOW + timedelta(minutes=56))  # four minutes before it ends
    assert len(provider.asked) == 2


def test_a_refresh_token_that_the_provider_renews_is_used_from_then_on(brand: Brand, provider: Provider, settings: Any):
    provider.says = (200, {"access_token": "token-1", "expires_in": "60", "refresh_token": "r3fresh-2"})
    fetching.check(brand, now=NOW)
    fetching.check(brand, now=NOW)
    assert [asked["refresh_token"] for asked in provider.asked] == ["r3fresh-1", "r3fresh-2"]
    [file] = (settings.MAKEGOOD_HOME / "mail-tokens").iterdir()
    assert (file.read_text(), file.stat().st_mode & 0o077) == ("r3fresh-2", 0)


def test_a_client_may_sign_in_as_itself(brand: Brand, provider: Provider):
    itself = brand._replace(oauth=brand.oauth._replace(refresh_token="", scope="https://x/.default"))  # type: ignore[union-attr]
    fetching.check(itself, now=NOW)
    assert (provider.asked[0]["grant_type"], provider.asked[0]["scope"]) == ("client_credentials", "https://x/.default")


@pytest.mark.parametrize(
    ("status", "told", "says"),
    [
        (400, {"error": "invalid_grant", "error_description": "r3fresh-1 is bad"},
         "has ended or was revoked. Make a new one and set it as MAKEGOOD_MAIL_OAUTH_REFRESH_TOKEN."),
        (401, {"error": "invalid_client"}, "invalid_client: the client is unknown or its secret is wrong"),
        (500, {}, "it answers 500."), (200, {"token_type": "Bearer"}, "it answers 200."),
    ],
)  # fmt: skip
def test_a_refusal_is_one_sentence_without_secrets(brand: Brand, provider: Provider, status: int, told, says: str):
    provider.says = (status, told)
    with pytest.raises(MailboxUnreachable) as refused:
        fetching.check(brand, now=NOW)
    assert says in str(refused.value)
    assert str(refused.value).startswith(
        "The mailbox care@127.0.0.1/INBOX cannot be read: 127.0.0.1 gives no access token"
    )
    assert not [secret for secret in ("r3fresh", "cl1ent", "token-1") if secret in str(refused.value)]


def test_a_provider_that_does_not_answer_is_said(brand: Brand):
    nobody = brand._replace(oauth=brand.oauth._replace(token_url="http://127.0.0.1:1/token"))  # type: ignore[union-attr]
    with pytest.raises(MailboxUnreachable, match="cannot be asked for an access token \\(ConnectError\\)"):
        fetching.check(nobody, now=NOW)


def test_a_token_that_the_mailbox_refuses_is_thrown_away(brand: Brand, provider: Provider):
    provider.good = set()
    with pytest.raises(MailboxUnreachable, match="refuses the access token. May our-client read mail of care by IMAP"):
        fetching.check(brand, now=NOW)
    provider.good = {"token-1"}
    fetching.check(brand, now=NOW)
    assert len(provider.asked) == 2


def test_the_page_says_how_each_mailbox_fares_and_since_when(
    brand: Brand, provider: Provider, ana, client: Client, django_assert_max_num_queries
):
    fetching.fetch_and_note(brand, now=NOW)
    client.force_login(ana, "django.contrib.auth.backends.ModelBackend")
    assert "care@127.0.0.1/INBOX: read" in client.get("/mail/").content.decode()

    oauth._kept.clear()
    provider.says = (400, {"error": "invalid_grant"})
    for minutes in (1, 2):
        with pytest.raises(MailboxUnreachable):
            fetching.fetch_and_note(brand, now=NOW + timedelta(minutes=minutes))
    box = Mailbox.objects.get()
    assert (box.read_at, box.since) == (NOW, NOW + timedelta(minutes=1))
    page = client.get("/mail/").content.decode()
    assert "the refresh token has ended or was revoked" in page
    assert "No mail of it has come in since" in page

    provider.says = (200, {"access_token": "token-1"})
    fetching.fetch_and_note(brand, now=NOW + timedelta(minutes=3))
    box.refresh_from_db()
    assert (box.problem, box.since) == ("", None)


@pytest.mark.parametrize(
    ("given", "url", "scope"),
    [
        ("google", "https://oauth2.googleapis.com/token", ""),
        ("microsoft", "https://login.microsoftonline.com/organizations/oauth2/v2.0/token", ""),
        ("microsoft/acme", "https://login.microsoftonline.com/acme/oauth2/v2.0/token", ""),
        ("https://id.example/token", "https://id.example/token", ""),
    ],
)
def test_what_is_set_by_name_or_address(monkeypatch, tmp_path: Path, given: str, url: str, scope: str):
    import subprocess
    import sys

    secret = tmp_path / "refresh"
    secret.write_text("from-a-file")
    script = "from makegood.app.config import settings; print(settings.MAKEGOOD_MAIL_OAUTH)"
    told = {
        "MAKEGOOD_MAIL_OAUTH": given, "MAKEGOOD_MAIL_OAUTH_CLIENT": "c",
        "MAKEGOOD_MAIL_OAUTH_REFRESH_TOKEN_FILE": str(secret),
    }  # fmt: skip
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert f"'token_url': '{url}'" in done.stdout
    assert "'refresh_token': 'from-a-file'" in done.stdout
    assert f"'scope': '{scope}'" in done.stdout
