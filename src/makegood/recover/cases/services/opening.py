"""How cases open: many at a time, each judged, numbered and explained."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.db.models.functions import Now

from makegood.ids import uuid7
from makegood.recover.cases import chain, triage
from makegood.recover.cases.chain import kind_of
from makegood.recover.cases.errors import ReasonNotFound
from makegood.recover.cases.models import Case, CaseEvent, Channel, Contact, Direction, Reason, Status
from makegood.recover.cases.queries.failings import Ask, chains_until
from makegood.recover.cases.replay import columns_of, to_json
from makegood.recover.cases.service_levels.following import opened
from makegood.recover.cases.service_levels.levels import Levels, Traits, load
from makegood.recover.cases.services.assigning import assign_by_rule

Kind = CaseEvent.Kind
CLOCKS = ("answer_due_at", "resolve_due_at", "due_at", "rank_at", "notice_at")


@dataclass(frozen=True, kw_only=True)
class FirstContact:
    """What the customer said, where a contact opened the case."""

    channel: Channel | str
    author: str = ""
    subject: str = ""
    body: str = ""
    language: str = ""
    id: uuid.UUID = field(default_factory=uuid7)


@dataclass(frozen=True, kw_only=True)
class NewCase:
    """Everything intake knows about a failure that deserves a case."""

    reason: str
    subject: str
    why: str  # in words: what opened it and how the reason was found
    at: datetime
    origin: str = ""
    customer_id: uuid.UUID | None = None
    order_id: uuid.UUID | None = None
    shipment_id: uuid.UUID | None = None
    place_id: uuid.UUID | None = None
    loyalty_tier: str = ""
    failed: str = ""
    locus: str = ""
    value: Decimal | None = None
    currency: str = ""
    late_by: timedelta | None = None
    distress: Sequence[tuple[str, str]] = ()
    contact: FirstContact | None = None
    follows_id: uuid.UUID | None = None  # the case that this one follows up or was split off
    split_key: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    id: uuid.UUID = field(default_factory=uuid7)


@transaction.atomic
def open_cases(new: Sequence[NewCase]) -> list[Case]:
    """Open a case for each failure that has none yet; return those that opened, with their numbers.

    Races are decided by the constraints `case_origin_once` and `case_open_once`: whoever comes second opens nothing.
    Where rules of assignment exist, each case that one fits is given to somebody. Eleven SQL queries, however many
    cases; three more and two a case that is given where rules exist.

    Raises
    ------
    ReasonNotFound
        A reason code is unknown. Nothing is written.
    """
    if not new:
        return []
    reasons = {reason.code: reason for reason in Reason.objects.all()}
    unknown = {one.reason for one in new} - set(reasons)
    if unknown:
        raise ReasonNotFound(min(unknown))
    raises = _raised_by_chains(new)
    levels = load({one.place_id for one in new})
    drafts = {one.id: _draft(one, reasons[one.reason], raises.get(one.id, (0, "")), levels) for one in new}
    Case.objects.bulk_create([case for case, _ in drafts.values()], ignore_conflicts=True, batch_size=1000)
    numbers = {
        pk: (number, changed_at)
        for pk, number, changed_at in Case.objects.filter(pk__in=list(drafts)).values_list("pk", "number", "changed_at")
    }

    fresh: list[Case] = []
    events: list[CaseEvent] = []
    contacts: list[Contact] = []
    for one in new:
        if one.id not in numbers:
            continue
        case, judgement = drafts[one.id]
        case.number, case.changed_at = numbers[one.id]
        fresh.append(case)
        contact = _first_contact(one)
        if contact:
            contacts.append(contact)
        events += _opening_events(one, case, judgement, contact, raises.get(one.id, (0, ""))[0])
    Contact.objects.bulk_create(contacts, batch_size=1000)
    CaseEvent.objects.bulk_create(events, batch_size=1000)
    assign_by_rule(fresh, at=max(one.at for one in new))
    index_cases([case.pk for case in fresh])
    return fresh


def _draft(one: NewCase, reason: Reason, chain: tuple[int, str], levels: Levels) -> tuple[Case, triage.Judgement]:
    judgement = triage.judge(
        triage.Facts(
            reason=one.reason, base_severity=reason.severity, loyalty_tier=one.loyalty_tier, value=one.value,
            currency=one.currency, chain=chain,
            late_by=one.late_by, distress=one.distress,
        )
    )  # fmt: skip
    channel = str(one.contact.channel) if one.contact else ""
    traits = Traits(judgement.severity, judgement.tier, channel, one.loyalty_tier, reason.queue_id, one.place_id)
    case = Case(
        id=one.id, origin=one.origin, customer_id=one.customer_id, order_id=one.order_id,
        shipment_id=one.shipment_id, place_id=one.place_id, subject=one.subject[:200], failed=one.failed[:200],
        channel=channel, reason=reason, locus=one.locus or reason.locus,
        severity=judgement.severity, tier=judgement.tier, queue_id=reason.queue_id, status=Status.NEW,
        value=one.value, currency=one.currency, opened_at=one.at, follows_id=one.follows_id, split_key=one.split_key,
        last_contact_at=one.at if one.contact else None, last_contact_by="customer" if one.contact else "",
        version=2 if one.contact is None else 3, changed_at=Now(),
        **opened(one.at, traits, levels, value=one.value),
    )  # fmt: skip
    return case, judgement


def _first_contact(one: NewCase) -> Contact | None:
    if one.contact is None:
        return None
    said = one.contact
    return Contact(
        id=said.id, case_id=one.id, channel=said.channel, direction=Direction.IN, author=said.author[:200],
        subject=said.subject[:300], body=said.body, language=said.language, at=one.at,
    )  # fmt: skip


def _opening_events(
    one: NewCase, case: Case, judgement: triage.Judgement, contact: Contact | None, raised: int
) -> list[CaseEvent]:
    columns = {column: to_json(value) for column, value in columns_of(case).items()}
    judged = {name: columns.pop(name) for name in ("severity", "tier", "queue_id", *CLOCKS)}
    heard = {name: columns.pop(name) for name in ("last_contact_at", "last_contact_by")}
    blank = {"last_contact_at": None, "last_contact_by": ""}
    why = " ".join((f"{case.get_severity_display()} severity.", *judgement.why))
    events = [
        CaseEvent(case_id=case.pk, seq=1, kind=Kind.OPENED, at=one.at, why=one.why, changes=columns | blank,
                  facts={name: to_json(value) for name, value in one.facts.items()}),
        CaseEvent(case_id=case.pk, seq=2, kind=Kind.TRIAGED, at=one.at, why=why, changes=judged,
                  facts={"chain_raised": raised} if raised else {}),
    ]  # fmt: skip
    if contact:
        events.append(
            CaseEvent(case_id=case.pk, seq=3, kind=Kind.CONTACT, at=one.at, changes=heard,
                      facts={"contact": str(contact.pk), "channel": str(contact.channel), "direction": "in"})
        )  # fmt: skip
    return events


def _raised_by_chains(new: Sequence[NewCase]) -> dict[uuid.UUID, tuple[int, str]]:
    """By how much what failed before makes each new case worse, and why. One SQL query."""
    asked = {one.id: Ask(one.customer_id, one.at, one.order_id, kind_of(one.reason)) for one in new if one.customer_id}
    found = chains_until(list(asked.values()))
    return {pk: chain.raised(*failed) for pk, failed in zip(asked, found, strict=True)}


def index_cases(case_ids: Sequence[uuid.UUID]) -> None:
    """Make cases findable by their words: number, subject, what failed, customer, order, contacts. One SQL query."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE cases_case c SET search =
                setweight(
                    to_tsvector('simple', concat_ws(' ', 'C-' || c.number, c.number, o.ref, k.name, k.email)), 'A')
                || setweight(to_tsvector('simple', concat_ws(' ', c.subject, c.failed)), 'B')
                || to_tsvector('simple', coalesce((
                    SELECT left(string_agg(t.body, ' '), 100000) FROM cases_contact t WHERE t.case_id = c.id), ''))
            FROM cases_case same
            LEFT JOIN retail_order o ON o.id = same.order_id
            LEFT JOIN retail_customer k ON k.id = same.customer_id
            WHERE same.id = c.id AND c.id = ANY(%s::uuid[])
            """,
            [list(case_ids)],
        )
