"""How often somebody may come to a door that is open to the world."""

from datetime import datetime, timedelta

from django.db import connection
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from makegood.recover.intake.errors import TooOften
from makegood.recover.intake.models import Knock

_KEPT = timedelta(days=1)


def knock(door: str, request: HttpRequest, *, most: int, within: timedelta, now: datetime) -> None:
    """Count a visit; more than `most` in a span of `within` are refused. Holds across processes. One SQL query.

    Who comes is remembered as a keyed hash of their address, for a day.

    Raises
    ------
    TooOften
        This span is used up.
    """
    seconds = int(within.total_seconds())
    since = datetime.fromtimestamp(int(now.timestamp()) // seconds * seconds, tz=now.tzinfo)
    who = f"{door}:{salted_hmac('makegood.intake.limits', request.META.get('REMOTE_ADDR', '')).hexdigest()[:24]}"
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO intake_knock (who, since, times) VALUES (%s, %s, 1)
            ON CONFLICT ON CONSTRAINT knock_once_a_span DO UPDATE SET times = intake_knock.times + 1
            RETURNING times
            """,
            [who, since],
        )
        row = cursor.fetchone()
    if row and row[0] > most:
        raise TooOften


def sweep(now: datetime) -> None:
    """Forget who came."""
    Knock.objects.filter(since__lt=now - _KEPT).delete()
