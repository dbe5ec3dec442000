"""Telling colleagues: what they should know without looking for it, each notice once."""

import uuid
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from allauth.account.auth_backends import AuthenticationBackend
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connection, transaction

from makegood.ground.binary import binary_cursor
from makegood.ground.messages.models import Notice
from makegood.ground.messages.services import enqueue
from makegood.ground.staff.models import User
from makegood.ground.staff.scope import PLACES, note_places
from makegood.ground.web.language import speaking
from makegood.ids import uuid7

PAGE = 50
COUNT_UP_TO = 99


@dataclass(frozen=True, kw_only=True)
class Word:
    """What is told to one colleague. The same key to the same person again is the same notice."""

    to: User
    key: str
    text: str | Callable[[], str]  # what is called is said in the language of whoever is told
    link: str  # a path of ours
    about: str  # as kind:id (case:0190...)


def notify(*, to: Iterable[User], key: str, text: str | Callable[[], str], link: str, about: str, now: datetime) -> int:
    """Tell each of some colleagues something, in the caller's transaction; returns how many had not heard it yet.

    The constraint `notice_once` decides between two who tell the same. Whoever wants mail gets it through the outbox.
    One SQL query, and those of the outbox for each mail.
    """
    return notify_many([Word(to=user, key=key, text=text, link=link, about=about) for user in to], now=now)


@transaction.atomic
def notify_many(words: Sequence[Word], *, now: datetime) -> int:
    """Tell many colleagues many things at once; otherwise as `notify`."""
    people = {word.to.pk: word.to for word in words if word.to.is_active}
    fresh = _insert([word for word in words if word.to.pk in people], now)
    for to_id, key, text, link, about in fresh:
        user = people[to_id]
        if user.notices_by_mail and user.email:
            body = f"{text}\n\n{_address(link)}\n" if link else text
            enqueue(key=f"notice:{to_id}:{key}", about=about, recipient=user.email, subject=text, body=body, now=now)
    return len(fresh)


def _insert(words: Sequence[Word], now: datetime) -> list[tuple[uuid.UUID, str, str, str, str]]:
    if not words:
        return []
    rows = [(uuid7(), w.to.pk, w.key[:200], _said_to(w)[:300], w.link[:200], w.about[:100]) for w in words]
    with connection.cursor() as cursor:
        # In the order of (person, key): two who tell many at once wait for each other instead of deadlocking.
        cursor.execute(
            """
            INSERT INTO outbox_notice (id, to_id, key, text, link, about, at)
            SELECT id, person, key, text, link, about, %s
            FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::text[], %s::text[], %s::text[])
                AS told (id, person, key, text, link, about)
            ORDER BY person, key
            ON CONFLICT ON CONSTRAINT notice_once DO NOTHING
            RETURNING to_id, key, text, link, about
            """,
            [now, *map(list, zip(*rows, strict=True))],
        )
        fresh: list[tuple[uuid.UUID, str, str, str, str]] = cursor.fetchall()
        return fresh


def _said_to(word: Word) -> str:
    if isinstance(word.text, str):
        return word.text
    with speaking(word.to.language):
        return word.text()


def _address(link: str) -> str:
    """The whole address of one of our paths, where the deployment says what it is called."""
    origins: list[str] = settings.CSRF_TRUSTED_ORIGINS
    return (origins[0].rstrip("/") if origins else "") + link


# -- reading


def notices(user: User, *, before: uuid.UUID | None = None, limit: int = PAGE) -> list[Notice]:
    """What somebody was told, newest first, one more than `limit` (the caller then knows of a next page). One query."""
    found = Notice.objects.filter(to=user).order_by("-id")
    return list((found.filter(pk__lt=before) if before else found)[: limit + 1])


def unread(user: User, *, limit: int) -> list[Notice]:
    """The newest that somebody has not read. One SQL query."""
    return list(Notice.objects.filter(to=user, read_at=None).order_by("-id")[:limit])


def count_unread(user: User) -> int:
    """How many notices somebody has not read, counted to one more than COUNT_UP_TO.

    No SQL query for whoever signed in: it came with the person (`StaffBackend`); else one.
    """
    if not hasattr(user, "_unread_notices"):
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {_UNREAD} FROM staff_user WHERE id = %s", [user.pk])
            row = cursor.fetchone()
        user._unread_notices = row[0] if row else 0  # type: ignore[attr-defined]  # noqa: SLF001  kept for the request
    return user._unread_notices  # type: ignore[attr-defined,no-any-return]  # noqa: SLF001


_UNREAD = f"""(SELECT count(*) FROM (
    SELECT FROM outbox_notice n WHERE n.to_id = staff_user.id AND n.read_at IS NULL LIMIT {COUNT_UP_TO + 1}) AS few)"""


class StaffBackend(AuthenticationBackend):  # type: ignore[misc]  # allauth ships no types
    """Sign-in as allauth does it. Whoever asks comes with the number on their bell and the places they see: no
    statements of their own for these.
    """

    def get_user(self, user_id: uuid.UUID) -> User | None:
        """The person of a session, or None. One SQL query."""
        statement, columns = _who()
        with binary_cursor() as cursor:
            cursor.execute(statement, [user_id])
            row = cursor.fetchone()
        if row is None:
            return None
        *values, places, unread = row
        user = User.from_db(DEFAULT_DB_ALIAS, columns, values)
        user._unread_notices = unread  # type: ignore[attr-defined]  # noqa: SLF001  kept for the request
        note_places(user, places)
        return user if self.user_can_authenticate(user) else None


@cache
def _who() -> tuple[str, list[str]]:
    """Who asks, as SQL and columns. Written once: building it anew took the ORM a sixth of every request."""
    columns = [field.attname for field in User._meta.concrete_fields]  # noqa: SLF001  documented
    names = ", ".join(f"staff_user.{column}" for column in columns)
    return f"SELECT {names}, {PLACES}, {_UNREAD} FROM staff_user WHERE id = %s", columns


# -- writing


def read_one(*, notice_id: uuid.UUID, user: User, now: datetime) -> Notice | None:
    """Mark a notice of this person as read and return it; None: there is none. The first reading counts."""
    mine = Notice.objects.filter(pk=notice_id, to=user)
    mine.filter(read_at=None).update(read_at=now)
    return mine.first()


def read_all(*, user: User, until: uuid.UUID, now: datetime) -> int:
    """Mark as read what somebody was told up to the notice they saw last; what came since stays unread."""
    return Notice.objects.filter(to=user, read_at=None, pk__lte=until).update(read_at=now)
