"""Keys of other systems: made, rotated, revoked, and recognised on each request."""

import hashlib
import secrets
import uuid
from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import F, Q
from django.utils.text import slugify

from makegood.errors import Conflict, MakegoodError, NotFound
from makegood.ground.staff.models import ApiKey, Role, User
from makegood.ground.staff.rules import PERMISSIONS

PREFIX: Final = "mg_"
FORMER_WORKS_FOR: Final = timedelta(hours=24)
# A key's last use is written at most this often: reading must not turn into writing.
USE_NOTED_EVERY: Final = timedelta(minutes=1)
# What an integration may never do, whatever its role.
NOT_FOR_KEYS: Final = frozenset({"staff.administer"})


class KeyRefused(MakegoodError):
    """Unknown, expired or revoked: which of these is not said."""

    code, status = "key_refused", 401

    def __init__(self) -> None:
        super().__init__("This API key is not valid. Ask an administrator for a new one.")


class ScopeNotHeld(Conflict):
    code, status = "scope_not_held", 422

    def __init__(self, scopes: Collection[str], role: str) -> None:
        self.scopes = sorted(scopes)
        super().__init__(
            f"The role {role} does not hold {', '.join(self.scopes)}. Choose another role or fewer scopes."
        )


class KeyNotFound(NotFound):
    code = "key_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such API key, or it was revoked.")


def scopes_of(role: str) -> list[str]:
    """The permissions that a key of this role may have."""
    return [name for name, roles in PERMISSIONS.items() if role in roles and name not in NOT_FOR_KEYS]


@transaction.atomic
def make_key(
    *, name: str, role: Role | str, scopes: Collection[str], by: User, now: datetime, expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """An account for another system and its key; the key itself is returned once and kept nowhere.

    Raises
    ------
    ScopeNotHeld
        The role does not hold one of the scopes. Nothing is written.
    """
    if missing := set(scopes) - set(scopes_of(role)):
        raise ScopeNotHeld(missing, str(role))
    account = User(
        username=f"{slugify(name)[:100] or 'system'}-{secrets.token_hex(3)}", first_name=name[:150], role=role,
        is_integration=True,
    )  # fmt: skip
    account.set_unusable_password()
    account.save()
    secret = _new_secret()
    key = ApiKey.objects.create(
        user=account, scopes=sorted(scopes), digest=_digest(secret), created_at=now, created_by=by,
        expires_at=expires_at,
    )  # fmt: skip
    return key, secret


def rotate_key(*, key_id: uuid.UUID, now: datetime) -> str:
    """A new secret for a key; the former one works for another day. One conditional UPDATE decides races.

    Raises
    ------
    KeyNotFound
        Unknown or revoked.
    """
    secret = _new_secret()
    changed = ApiKey.objects.filter(pk=key_id, revoked_at=None).update(
        former_digest=F("digest"), former_until=now + FORMER_WORKS_FOR, digest=_digest(secret)
    )
    if not changed:
        raise KeyNotFound
    return secret


@transaction.atomic
def revoke_key(*, key_id: uuid.UUID, now: datetime) -> None:
    """End a key and its former secret at once, and the account with it. Twice is harmless. Raises KeyNotFound."""
    key = ApiKey.objects.select_for_update().filter(pk=key_id).first()
    if key is None:
        raise KeyNotFound
    if key.revoked_at is None:
        key.revoked_at = now
        key.save(update_fields=["revoked_at"])
        User.objects.filter(pk=key.user_id).update(is_active=False)


def recognise(secret: str, *, now: datetime) -> ApiKey:
    """The key that a secret belongs to, with its account. One SQL query, and a second once a minute.

    Raises
    ------
    KeyRefused
        Unknown, expired or revoked.
    """
    digest = _digest(secret)
    key = (
        ApiKey.objects.select_related("user")
        .filter(Q(digest=digest) | Q(former_digest=digest, former_until__gt=now), revoked_at=None, user__is_active=True)
        .exclude(expires_at__lte=now)
        .first()
    )
    if key is None:
        raise KeyRefused
    if key.used_at is None or key.used_at < now - USE_NOTED_EVERY:
        ApiKey.objects.filter(pk=key.pk).update(used_at=now)
    return key


def _new_secret() -> str:
    return PREFIX + secrets.token_urlsafe(32)


def _digest(secret: str) -> str:
    """A plain hash suffices: 256 random bits cannot be guessed, and looking one up stays an index scan."""
    return hashlib.sha256(secret.encode()).hexdigest()
