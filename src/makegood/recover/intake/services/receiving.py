"""Taking in one contact at once, as the API and forms do."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction

from makegood.ground.retail.models import Place, Source
from makegood.ids import uuid7
from makegood.recover.cases import extensions
from makegood.recover.cases.models import Case, CaseEvent, Channel, Direction
from makegood.recover.cases.services.timeline import lock_case
from makegood.recover.intake import matching
from makegood.recover.intake.models import Arrival
from makegood.recover.intake.services.acting import act, gather, hold_intake


@dataclass(frozen=True)
class Receipt:
    """What became of a contact. `case_id` None: set aside, `why` says why."""

    arrival_id: UUID
    case_id: UUID | None
    number: int | None
    contact_id: UUID | None
    opened: bool
    why: str


@transaction.atomic
def receive(  # noqa: PLR0913  each part of a contact by its name
    *, channel: Channel | str, body: str, at: datetime, direction: Direction | str = Direction.IN, author: str = "",
    subject: str = "", language: str = "", customer_ref: str = "", order_ref: str = "", place: Place | None = None,
    source: Source | None = None, ref: str = "", case_number: int | None = None,
) -> Receipt:  # fmt: skip
    """Keep a contact as it came, match it to customer, order and case, and attach it or open a case.

    The same `source` and `ref` again makes no second contact: whoever comes second waits for the row of the first and
    gets its receipt. Contacts of one customer are decided one after the other (advisory lock). About 35 SQL queries.

    `ref` is the contact's own reference at its `source`, such as a Message-ID; the source is also where `customer_ref`
    and `order_ref` are looked for first. Without them the contact is ours and new. `case_number` is given where it is
    proven that the contact belongs to that case.
    """
    source = source or Source.objects.get_or_create(slug="makegood", defaults={"name": "Makegood"})[0]
    ref = ref or str(uuid7())
    Arrival.objects.bulk_create(
        [
            Arrival(
                source=source, ref=ref, channel=channel, direction=direction, author=author[:254],
                subject=subject[:300], body=body, language=language[:8], customer_ref=customer_ref,
                order_ref=order_ref, place=place, at=at, case_number=case_number,
            )
        ],
        ignore_conflicts=True,
    )  # fmt: skip
    hold_intake(alone=False)
    arrival = Arrival.objects.select_for_update(of=("self",)).get(source=source, ref=ref)
    if arrival.contact_id or arrival.set_aside:
        return _earlier(arrival)
    match = matching.match([arrival])
    who = match[0].account
    hold_intake(alone=False, people=[str(pk) for pk in (who.id, *match[0].others)] if who else [author.lower()])
    _, done = act(gather([], [arrival], match))
    result = done[f"arrival:{arrival.pk}"]
    case = result.case
    if case and result.contact_id:
        heard = CaseEvent.objects.filter(case=case, facts__contact=str(result.contact_id)).latest("seq")
        extensions.tell(lock_case(case.pk), heard, body)
    return Receipt(
        arrival.pk,
        case.pk if case else None,
        case.number if case else None,
        result.contact_id,
        result.opened,
        result.why,
    )


def _earlier(arrival: Arrival) -> Receipt:
    if arrival.contact_id is None:
        return Receipt(arrival.pk, None, None, None, opened=False, why=arrival.set_aside)
    case = Case.objects.defer("search").get(contacts=arrival.contact_id)
    return Receipt(
        arrival.pk, case.pk, case.number, arrival.contact_id, opened=False, why=f"Taken in before, as part of {case}."
    )
