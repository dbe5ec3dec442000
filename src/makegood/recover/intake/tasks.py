"""Jobs of intake."""

from contextlib import suppress

import structlog
from django.utils import timezone
from procrastinate.contrib.django import app
from procrastinate.exceptions import AlreadyEnqueued

from makegood.ground.messages.brands import brand_called
from makegood.recover.intake import services
from makegood.recover.intake.errors import MailboxBadAddress, MailboxUnreachable
from makegood.recover.intake.services import fetching
from makegood.recover.intake.services.mailing import take_in_mail

log = structlog.get_logger(__name__)


@app.periodic(cron="* * * * *")
@app.task(name="intake.tick", queueing_lock="intake.tick")
def tick(timestamp: int) -> None:  # noqa: ARG001  procrastinate passes it
    """Take in what arrived and look for failures. Running twice at once is harmless."""
    services.tick(timezone.now())


@app.periodic(cron="* * * * *")
@app.task(name="intake.look_for_mail", queueing_lock="intake.look_for_mail")
def look_for_mail(timestamp: int) -> None:  # noqa: ARG001  procrastinate passes it
    """A job for each mailbox, so that one which does not answer keeps no other waiting."""
    for brand in fetching.with_mailbox():
        _fetch_soon(brand.slug)
    take_in_mail(timezone.now())


@app.task(name="intake.fetch_mail")
def fetch_mail(brand: str) -> None:
    """Fetch the new mail of a mailbox and take it in. Running twice at once is harmless."""
    try:
        fetched = fetching.fetch_and_note(brand_called(brand), now=timezone.now())
    except (MailboxUnreachable, MailboxBadAddress) as problem:
        log.warning("mailbox not read", brand=brand, problem=type(problem).__name__)
        return
    take_in_mail(timezone.now())
    if fetched.more:
        _fetch_soon(brand)


@app.task(name="intake.take_in_mail")
def take_in() -> None:
    """Understand what was handed in. Running twice at once is harmless."""
    take_in_mail(timezone.now())


def _fetch_soon(brand: str) -> None:
    with suppress(AlreadyEnqueued):
        fetch_mail.configure(queueing_lock=f"intake.fetch_mail:{brand}").defer(brand=brand)
