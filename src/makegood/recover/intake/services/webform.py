"""What comes by the public form."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction

from makegood.ground.retail.models import Source
from makegood.ids import uuid7
from makegood.recover.cases.models import Channel
from makegood.recover.cases.services import attachments
from makegood.recover.intake.models import Arrival
from makegood.recover.intake.services.receiving import receive


@transaction.atomic
def receive_form(
    told: dict[str, Any], files: Sequence[attachments.Given], *, is_trap: bool, now: datetime
) -> None:  # fmt: skip
    """Take in what somebody wrote in the form; the address they give is matched as the sender of a mail would be.

    What a program wrote (it filled in the field that people do not see) is kept and set aside.
    """
    told = {name: value.replace("\0", "") for name, value in told.items()}
    if is_trap:
        source, _ = Source.objects.get_or_create(slug="makegood", defaults={"name": "Makegood"})
        Arrival.objects.create(
            source=source, ref=str(uuid7()), channel=Channel.WEB, at=now, set_aside="A program filled in the form.",
            **told,
        )  # fmt: skip
        return
    receipt = receive(channel=Channel.WEB, at=now, **told)
    if receipt.contact_id:
        attachments.keep(receipt.contact_id, files)
