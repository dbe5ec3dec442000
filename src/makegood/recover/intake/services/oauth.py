"""Signing in to a mailbox without a password (OAuth 2, XOAUTH2): Microsoft 365 and Google take nothing else.

The access token lives for an hour, in the memory of the process that asked for it, and is renewed before it ends. Where
the provider hands out a new refresh token with it, that one is kept in a file of this machine, readable by its owner
alone, like the secret key: never in the database, and so in no backup.
"""

import hashlib
import os
import threading
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, NamedTuple

import httpx
from django.conf import settings

from makegood.ground.messages.brands import OAuth
from makegood.recover.intake.errors import MailboxUnreachable

_PATIENCE: Final = 15  # seconds that a provider may stay silent
# Renewed when this little is left, so that it does not end while mail is fetched.
BEFORE_ITS_END: Final = timedelta(minutes=5)
_AN_HOUR: Final = 3600
# What providers answer (RFC 6749, section 5.2), and what to do about it.
_MEANS: Final = {
    "invalid_grant": "the refresh token has ended or was revoked. Make a new one and set it as {name}_REFRESH_TOKEN.",
    "invalid_client": "the client is unknown or its secret is wrong or has ended. Look at {name}_CLIENT and _SECRET.",
    "unauthorized_client": "the client may not do this. Give it the right to read mail by IMAP.",
    "invalid_scope": "the scope is not known there. Look at {name}_SCOPE.",
}


class _Access(NamedTuple):
    token: str
    until: datetime


_kept: dict[tuple[str, OAuth], _Access] = {}
_one_at_a_time = threading.Lock()


def access_token(mailbox: str, oauth: OAuth, *, now: datetime) -> str:
    """A token that opens a mailbox now and for a few minutes more.

    Raises
    ------
    MailboxUnreachable
        The provider refuses or does not answer; the sentence says what to do and repeats no secret.
    """
    with _one_at_a_time:
        access = _kept.get((mailbox, oauth))
        if access is None or access.until - BEFORE_ITS_END <= now:
            access = _kept[mailbox, oauth] = _ask(mailbox, oauth, now)
        return access.token


def forget(mailbox: str, oauth: OAuth) -> None:
    """After a mailbox refused a token: the next look asks for another."""
    _kept.pop((mailbox, oauth), None)


def _ask(mailbox: str, oauth: OAuth, now: datetime) -> _Access:
    file = _file_of(oauth)
    kept = file.read_text().strip() if file.is_file() else ""
    for refresh in (
        dict.fromkeys((kept, oauth.refresh_token)) if oauth.refresh_token and kept else (oauth.refresh_token,)
    ):
        answer = _post(mailbox, oauth, refresh)
        said = _as_json(answer)
        if answer.is_success and isinstance(said.get("access_token"), str):
            renewed = said.get("refresh_token")
            if refresh and isinstance(renewed, str) and renewed and renewed != refresh:
                _keep(file, renewed)
            lasts = str(said.get("expires_in"))
            seconds = int(lasts) if lasts.isdecimal() else _AN_HOUR
            return _Access(str(said["access_token"]), now + timedelta(seconds=seconds))
    code = str(said.get("error", ""))
    means = _MEANS.get(code, "").format(name=oauth.name)
    why = f"{code[:60]}: {means}" if means else f"it answers {answer.status_code} {code[:60]}".rstrip() + "."
    raise MailboxUnreachable(mailbox, f"{httpx.URL(oauth.token_url).host} gives no access token, {why}")


def _post(mailbox: str, oauth: OAuth, refresh: str) -> httpx.Response:
    grant = (
        {"grant_type": "refresh_token", "refresh_token": refresh} if refresh else {"grant_type": "client_credentials"}
    )
    told = {"client_id": oauth.client, "client_secret": oauth.secret, "scope": oauth.scope} | grant
    try:
        return httpx.post(oauth.token_url, data={k: v for k, v in told.items() if v}, timeout=_PATIENCE)
    except (httpx.HTTPError, httpx.InvalidURL) as problem:
        why = f"its provider cannot be asked for an access token ({type(problem).__name__})."
        raise MailboxUnreachable(mailbox, why) from problem


def _as_json(answer: httpx.Response) -> dict[str, Any]:
    try:
        said = answer.json()
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _file_of(oauth: OAuth) -> Path:
    """Where the latest refresh token is kept; a token newly set in the settings has a place of its own."""
    name = hashlib.sha256(f"{oauth.token_url} {oauth.client} {oauth.refresh_token}".encode()).hexdigest()[:32]
    return Path(settings.MAKEGOOD_HOME) / "mail-tokens" / name


def _keep(file: Path, token: str) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = file.with_suffix(f".{os.getpid()}")
    fresh.touch(0o600)
    fresh.write_text(token)
    fresh.replace(file)  # whole or not at all
