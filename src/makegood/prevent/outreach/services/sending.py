"""Telling people: a batch at a time, each with a case that answers come back to."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from django.conf import settings
from django.db import connection, transaction

from makegood.ground.messages.brands import brand_selling
from makegood.ground.messages.services import Letter, enqueue_many, send_after_all
from makegood.ids import uuid7
from makegood.prevent.incidents.models import Incident, IncidentCase, TakenOut
from makegood.prevent.incidents.services.timeline import lock_incident
from makegood.prevent.outreach.deciding import awake
from makegood.prevent.outreach.models import Entry, Outreach, Recipient, Segment, State
from makegood.prevent.outreach.services.drawing import SUPPRESSED
from makegood.prevent.outreach.services.settling import say_on_cases, settle
from makegood.prevent.outreach.services.standing import note
from makegood.prevent.outreach.tokens import addresses
from makegood.prevent.outreach.wording import Filling, Words, language_for, words_for
from makegood.recover.cases.models import Case, CaseEvent, Channel, Contact, Direction, Status
from makegood.recover.cases.services.bulk import Entry as CaseEntry
from makegood.recover.cases.services.bulk import lock_cases, write_entries
from makegood.recover.cases.services.contacts import facts_of
from makegood.recover.cases.services.opening import NewCase, open_cases
from makegood.recover.cases.unasked import UNASKED

BATCH: Final = 200
# More than that never waits in the outbox for one outreach: a stop takes back all of it at once.
MOST_UNSENT: Final = 1000


def send_due(*, now: datetime) -> int:
    """Hand over to the outbox what may leave now; returns how many messages. Many may run at once.

    A batch is one transaction: the row of the outreach is held (one that somebody else holds is passed over), then that
    of its incident, its people get a case and a message, and the throttle is counted. A worker that dies leaves the
    batch as it was. Stopping takes the same row, so once it is committed no further batch begins. What is not running
    costs nothing (index `outreach_running`). Call outside transactions.
    """
    settle(now=now)
    sent = 0
    for pk in Outreach.objects.filter(state=State.RUNNING).order_by("pk").values_list("pk", flat=True):
        while batch := _send_a_batch(pk, now):
            sent += batch
    return sent


@transaction.atomic
def _send_a_batch(outreach_id: uuid.UUID, now: datetime) -> int:
    rows = Outreach.objects.select_for_update(of=("self",), skip_locked=True).select_related("incident", "reason")
    outreach = rows.filter(pk=outreach_id, state=State.RUNNING).first()
    if outreach is None:
        return 0
    minute = now.replace(second=0, microsecond=0)
    in_minute = outreach.in_minute if outreach.minute == minute else 0
    people = Recipient.objects.filter(outreach=outreach)
    unsent = people.filter(state=Recipient.State.QUEUED).count()
    room = min(BATCH, outreach.per_minute - in_minute, MOST_UNSENT - unsent)
    zones = outreach.zones if outreach.is_recall else awake(outreach.zones, now, settings.MAKEGOOD_QUIET_HOURS)
    if room <= 0 or not zones:
        return 0
    due = list(
        people.filter(state=Recipient.State.WAITING, zone__in=zones).order_by("pk").values_list("pk", flat=True)[:room]
    )
    if not due:
        if not unsent and not people.filter(state=Recipient.State.WAITING).exists():
            outreach.state, outreach.ended_at = State.ENDED, now
            outreach.save(update_fields=["state", "ended_at"])
            note(outreach, Entry.Kind.ENDED, at=now)
        return 0
    # A merge comes before or after the whole batch: nobody is told by both, and cases go where they belong.
    outreach.incident = lock_incident(outreach.incident_id)
    left_out = _leave_out(due)
    due = [pk for pk in due if pk not in left_out]
    again = _send_again(due, now)
    told = _tell([pk for pk in due if pk not in again], outreach, now)
    outreach.minute, outreach.in_minute = minute, in_minute + len(again) + told
    outreach.save(update_fields=["minute", "in_minute"])
    return len(left_out) + len(again) + told


def _leave_out(recipients: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    """Leave out those whom something speaks against since they were drawn. They keep their arm. One SQL query."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            UPDATE outreach_recipient r SET state = 'left_out', why = found.why FROM (
                SELECT r.id, {SUPPRESSED} AS why
                FROM outreach_recipient r JOIN outreach_outreach o ON o.id = r.outreach_id
                JOIN incidents_incident i ON i.id = o.incident_id
                WHERE r.id = ANY(%s::uuid[])
            ) AS found WHERE found.id = r.id AND found.why IS NOT NULL
            RETURNING r.id
            """,
            [list(recipients)],
        )
        return {pk for (pk,) in cursor.fetchall()}


def _send_again(recipients: Sequence[uuid.UUID], now: datetime) -> set[uuid.UUID]:
    """Let messages leave that a stop had taken back: the same ones, not new ones."""
    held = Recipient.objects.filter(pk__in=recipients, message__isnull=False)
    messages = dict(held.values_list("pk", "message_id"))
    if messages:
        send_after_all([pk for pk in messages.values() if pk], now=now)
        held.filter(pk__in=list(messages)).update(state=Recipient.State.QUEUED)
        say_on_cases(list(messages), now=now, why="The outreach went on: the message leaves after all.")
    return set(messages)


@dataclass(frozen=True, kw_only=True)
class Person:
    """Whom a batch tells, with what the words and the case need."""

    id: uuid.UUID
    accounts: list[uuid.UUID]
    customer_id: uuid.UUID
    orders: list[uuid.UUID]
    value: Decimal
    currency: str
    amount: Decimal
    language: str
    segment_id: uuid.UUID
    name: str
    email: str
    tier: str
    source: str
    place_id: uuid.UUID | None
    refs: list[str]
    item: str


_PEOPLE: Final = """
SELECT r.id, r.accounts, r.customer_id, r.orders, r.value, r.currency, r.amount, r.language, r.segment_id,
    k.name, k.email, k.loyalty_tier AS tier, s.slug AS source, o.place_id,
    ARRAY(SELECT x.ref FROM unnest(r.orders) WITH ORDINALITY AS t (id, nth) JOIN retail_order x ON x.id = t.id
          ORDER BY t.nth) AS refs,
    coalesce((SELECT p.name FROM retail_orderline l JOIN retail_product p ON p.id = l.product_id
              WHERE l.order_id = r.order_id ORDER BY l.position LIMIT 1), '') AS item
FROM outreach_recipient r
JOIN retail_customer k ON k.id = r.customer_id
JOIN retail_source s ON s.id = k.source_id
JOIN retail_order o ON o.id = r.order_id
WHERE r.id = ANY(%s::uuid[]) ORDER BY r.id
"""


def people(recipients: Sequence[uuid.UUID]) -> list[Person]:
    """What is needed to write to people, as things stand. One SQL query."""
    with connection.cursor() as cursor:
        cursor.execute(_PEOPLE, [list(recipients)])
        names = [column[0] for column in cursor.description]
        return [Person(**dict(zip(names, row, strict=True))) for row in cursor.fetchall()]


def words_to(person: Person, segment: Segment, case: str) -> Words:
    """The exact words that somebody gets."""
    offer, no_more = addresses(person.id)
    return words_for(segment, person.language, Filling(
        customer=person.name, orders=person.refs, item=person.item, amount=person.amount, currency=person.currency,
        case=case, offer_url=offer, stop_url=no_more,
    ))  # fmt: skip


def _tell(recipients: Sequence[uuid.UUID], outreach: Outreach, now: datetime) -> int:
    """Give each a case and a message; returns how many. Some forty SQL queries, however many people."""
    segments = {segment.pk: segment for segment in outreach.segments.all()}
    batch = people(recipients)
    cases, opened = _cases_for(batch, outreach, segments, now)
    # For whom a case opened at this very moment elsewhere is told in the next batch, and joins it.
    batch = [person for person in batch if person.id in cases]
    by_hand = set(
        TakenOut.objects.filter(incident__in=_same(outreach.incident), case__in=list(cases.values())).values_list(
            "case", flat=True
        )
    )
    merged = outreach.incident.merged_into
    IncidentCase.objects.bulk_create(
        [
            IncidentCase(
                case_id=case.pk,
                incident=merged or outreach.incident,
                joined_at=now,
                came_with=outreach.incident if merged else None,
            )
            for case in cases.values()
            if case.pk not in by_hand
        ],
        ignore_conflicts=True,
    )
    entries, letters = [], []
    for person in batch:
        case, segment = cases[person.id], segments[person.segment_id]
        words = words_to(person, segment, str(case))
        contact = Contact(
            id=person.id, case=case, channel=Channel.EMAIL, direction=Direction.OUT, author=settings.MAKEGOOD_NAME,
            subject=words.subject[:300], body=words.body, language=language_for(segment, person.language), at=now,
        )  # fmt: skip
        facts = facts_of(contact) | {"outreach": str(outreach), "amount": person.amount, "remedy": segment.remedy}
        entries.append(
            CaseEntry(
                case=case, kind=CaseEvent.Kind.CONTACT, at=now, contact=contact, facts=facts,
                why=f"Outreach {outreach} of incident {outreach.incident}.",
                changes=_told(case, now) if person.id in opened else {},
            )
        )  # fmt: skip
        letters.append(
            Letter(
                id=uuid7(), key=f"reply:{person.id}", about=f"case:{case.pk}", recipient=person.email,
                subject=words.subject, body=words.body, thread=str(case), place_id=person.place_id,
                brand=brand_selling(person.source),
            )
        )  # fmt: skip
    write_entries(entries)
    enqueue_many(letters, now=now)
    told = [
        (person.id, cases[person.id].pk, letter.id, person.id in opened)
        for person, letter in zip(batch, letters, strict=True)
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE outreach_recipient r SET state = 'queued', case_id = t.case_id, message_id = t.message_id,
                opened = t.opened
            FROM unnest(%s::uuid[], %s::uuid[], %s::uuid[], %s::boolean[]) AS t (id, case_id, message_id, opened)
            WHERE r.id = t.id
            """,
            [list(column) for column in zip(*told, strict=True)] if told else [[], [], [], []],
        )
    return len(told)


def _same(incident: Incident) -> list[uuid.UUID]:
    """The incident, and the one that it goes on in."""
    return [pk for pk in (incident.pk, incident.merged_into_id) if pk]


def _told(case: Case, now: datetime) -> dict[str, Any]:
    """What our message makes of a case that opened with it: answered, and the ball is with the customer.

    On a case that was open already it changes nothing: whoever waits for an answer of ours still does.
    """
    return {
        "last_contact_at": now, "last_contact_by": "us", "first_response_at": case.first_response_at or now,
        "status": Status.WAITING_CUSTOMER,
    }  # fmt: skip


def _cases_for(
    batch: Sequence[Person], outreach: Outreach, segments: Mapping[uuid.UUID, Segment], now: datetime
) -> tuple[dict[uuid.UUID, Case], set[uuid.UUID]]:
    """The case of each person, locked: the open one about an affected order, else a new one; and who got a new one."""
    orders = {order: person.id for person in batch for order in person.orders}
    known = lock_cases(customers=(), orders=list(orders))
    of_incident = set(
        IncidentCase.objects.filter(incident__in=_same(outreach.incident), case__in=[case.pk for case in known])
        .values_list("case_id", flat=True)
    )  # fmt: skip
    cases: dict[uuid.UUID, Case] = {}
    for case in known:
        fits = case.reason_id == outreach.reason_id or case.pk in of_incident
        if fits and case.resolved_at is None and case.order_id in orders:
            cases.setdefault(orders[case.order_id], case)
    fresh = {
        f"{UNASKED}{person.id}": person.id
        for person in batch
        if person.id not in cases
    }  # fmt: skip
    opened = open_cases(
        [
            NewCase(
                reason=outreach.reason.code, at=now, origin=f"{UNASKED}{person.id}",
                subject=words_to(person, segments[person.segment_id], "").subject,
                why=f"Outreach {outreach}: affected by incident {outreach.incident}, written to before they asked.",
                customer_id=person.customer_id, order_id=person.orders[0], place_id=person.place_id,
                loyalty_tier=person.tier, value=person.value, currency=person.currency, failed=person.item,
                facts={"incident": str(outreach.incident), "segment": segments[person.segment_id].name},
            )
            for person in batch
            if person.id not in cases
        ]
    )  # fmt: skip
    new = {fresh[case.origin] for case in opened}
    for case in lock_cases(customers=(), numbers=[case.number for case in opened]) if opened else ():
        cases[fresh[case.origin]] = case
    return cases, new
