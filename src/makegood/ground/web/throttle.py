"""A limit on how often strangers may try something, the same for all web processes."""

from datetime import datetime, timedelta

from django.db import connection
from django.http import HttpRequest
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext as _

from makegood.errors import MakegoodError
from makegood.ground.web.models import Throttle


class TooOften(MakegoodError):
    status = 429
    code = "too_often"

    def __init__(self, per: timedelta) -> None:
        self.per = per
        super().__init__(_("That was too often. Try again in a while."))


def spend(what: str, who: str, *, limit: int, per: timedelta, now: datetime) -> None:
    """Count one try of `who` at `what`; after `limit` tries within `per` refuse. One SQL statement.

    `who` is kept only as a keyed hash. One INSERT .. ON CONFLICT counts, so many at once cannot slip through.

    Raises
    ------
    TooOften
        The tries are used up until the period is over.
    """
    key = salted_hmac(f"makegood.throttle.{what}", who, algorithm="sha256").hexdigest()
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO web_throttle (key, used, resets_at) VALUES (%(key)s, 1, %(resets_at)s)
            ON CONFLICT (key) DO UPDATE SET
                used = CASE WHEN web_throttle.resets_at <= %(now)s THEN 1
                            ELSE least(web_throttle.used, %(limit)s) + 1 END,
                resets_at = CASE WHEN web_throttle.resets_at <= %(now)s THEN excluded.resets_at
                                 ELSE web_throttle.resets_at END
            RETURNING used
            """,
            {"key": key, "now": now, "resets_at": now + per, "limit": limit},
        )
        used: int = cursor.fetchone()[0]
    if used > limit:
        raise TooOften(per)


def address(request: HttpRequest) -> str:
    """Where a request comes from, as far as the server in front tells."""
    return str(request.META.get("REMOTE_ADDR", ""))


def forget(*, now: datetime) -> int:
    """Drop what is over; returns how many. Run daily."""
    return Throttle.objects.filter(resets_at__lte=now).delete()[0]
