"""Two cases about one problem become one, one case about two problems becomes two; both can be undone.

Nothing is copied and nothing moves between timelines: a survivor's page shows the words of both. A duplicate ends as
one, points to the survivor for good (never through another duplicate), and what arrives for it arrives there.
"""

import uuid
from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import transaction

from makegood.ground.retail.queries.people import accounts_of
from makegood.ground.staff.models import User
from makegood.recover.cases import extensions
from makegood.recover.cases.errors import (
    CaseChanged,
    MergeWithItself,
    NothingToSplit,
    NotMerged,
    NotSplit,
    NotTheSameCustomer,
    ReasonNotFound,
)
from makegood.recover.cases.models import Case, CaseEvent, Contact, Direction, Outcome, Reason
from makegood.recover.cases.services.contacts import facts_of, heard, told
from makegood.recover.cases.services.handling import ended, one_open_case, open_case, require_open
from makegood.recover.cases.services.opening import NewCase, index_cases, open_cases
from makegood.recover.cases.services.timeline import before, lock_many, record, require_seen, set_since

Kind = CaseEvent.Kind


@transaction.atomic
def merge_cases(
    *, duplicate_id: uuid.UUID, survivor_id: uuid.UUID, by: User | None, now: datetime,
    seen_duplicate: int | None = None, seen_survivor: int | None = None, why: str = "",
) -> Case:  # fmt: skip
    """Say that an open case is a duplicate of another open one, which goes on for both; returns the survivor.

    What had been merged into the duplicate points to the survivor from now on. The last word of both is the
    survivor's, and so is its clock. Rows of all are held in order; of two who merge at once one wins.

    Raises
    ------
    MergeWithItself, NotTheSameCustomer, CaseAlreadyResolved, CaseMerged, CaseChanged
        Nothing is written.
    """
    brought = _merged_into(duplicate_id)
    held = lock_many({duplicate_id, survivor_id, *brought})
    duplicate, survivor = held[duplicate_id], held[survivor_id]
    if duplicate.pk == survivor.pk:
        raise MergeWithItself(duplicate.number)
    require_seen(duplicate, seen_duplicate)
    require_seen(survivor, seen_survivor)
    if _merged_into(duplicate_id) != brought:
        raise CaseChanged(duplicate.number, duplicate.version, duplicate.version)
    require_open(duplicate)
    require_open(survivor)
    if not _same_person(duplicate, survivor):
        raise NotTheSameCustomer(duplicate.number, survivor.number)
    for listen in extensions.merging:
        listen(duplicate, survivor, by, now)
    for pk in brought:
        record(held[pk], Kind.MERGED, at=now, by=by, changes={"merged_into_id": survivor.pk},
               facts={"case": survivor.number})  # fmt: skip
    end = ended(duplicate, Outcome.DUPLICATE, "", by.pk if by else None, now, "")
    record(
        duplicate, Kind.MERGED, at=now, by=by, changes=end | {"merged_into_id": survivor.pk}, why=why,
        facts={"case": survivor.number, "brought": [str(pk) for pk in brought]},
    )  # fmt: skip
    record(
        survivor, Kind.MERGED, at=now, by=by, changes=_last_word(survivor, duplicate), why=why,
        facts={"case": duplicate.number, "of": duplicate.pk},
    )  # fmt: skip
    return survivor


@transaction.atomic
def undo_merge(*, case_id: uuid.UUID, by: User | None, now: datetime) -> Case:
    """Take a merge back: the duplicate is as it was before, and so is what was merged into it; returns the duplicate.

    The survivor gets its last word back unless somebody has spoken since.

    Raises
    ------
    NotMerged, CaseChanged
        It is not merged (any more). Nothing is written.
    CaseExists
        Another case was opened for the same meanwhile. Nothing is written.
    """
    merge = CaseEvent.objects.filter(case=case_id, kind=Kind.MERGED, changes__has_key="resolved_at").last()
    survivor_id = Case.objects.filter(pk=case_id).values_list("merged_into_id", flat=True).first()
    brought = [uuid.UUID(pk) for pk in merge.facts.get("brought", ())] if merge else []
    held = lock_many({case_id, *([survivor_id] if survivor_id else []), *brought})
    duplicate = held[case_id]
    if merge is None or survivor_id is None:
        raise NotMerged(duplicate.number)
    if duplicate.merged_into_id != survivor_id:
        raise CaseChanged(duplicate.number, duplicate.version, duplicate.version)
    survivor = held[survivor_id]
    with one_open_case(duplicate, Reason.objects.get(pk=duplicate.reason_id)):
        record(duplicate, Kind.MERGED, at=now, by=by, changes=before(duplicate, merge),
               facts={"case": survivor.number, "undone": True})  # fmt: skip
    for listen in extensions.parting:
        listen(duplicate, survivor, by, now)
    for pk in brought:
        if held[pk].merged_into_id == survivor.pk:
            record(held[pk], Kind.MERGED, at=now, by=by, changes={"merged_into_id": duplicate.pk},
                   facts={"case": duplicate.number})  # fmt: skip
    joined = CaseEvent.objects.filter(case=survivor, kind=Kind.MERGED, facts__of=str(duplicate.pk)).last()
    changes: dict[str, Any] = {}
    if joined and survivor.resolved_at is None:
        since = set_since(survivor, joined)
        changes = {column: value for column, value in before(survivor, joined).items() if column not in since}
    record(survivor, Kind.MERGED, at=now, by=by, changes=changes, facts={"case": duplicate.number, "undone": True})
    return duplicate


@transaction.atomic
def split_case(
    *, case_id: uuid.UUID, contacts: Collection[uuid.UUID], reason: str, subject: str, by: User, now: datetime,
    seen: int | None = None,
) -> Case:  # fmt: skip
    """Open a case of its own for contacts that are about something else; both timelines say so. Returns the new case.

    Its clock runs from the first of these contacts. The row lock decides between two who split at once.

    Raises
    ------
    NothingToSplit
        None of the contacts is this case's. Nothing is written.
    ReasonNotFound, CaseAlreadyResolved, CaseMerged, CaseChanged
        Nothing is written.
    """
    case = open_case(case_id, seen)
    moved = list(Contact.objects.filter(case=case, pk__in=contacts).order_by("at", "pk"))
    if not moved:
        raise NothingToSplit(case.number)
    if not Reason.objects.filter(code=reason, active=True).exists():
        raise ReasonNotFound(reason)
    one = NewCase(
        reason=reason, subject=subject.strip() or case.subject, at=moved[0].at, why=f"Split off C-{case.number}.",
        customer_id=case.customer_id, order_id=case.order_id, shipment_id=case.shipment_id, place_id=case.place_id,
        loyalty_tier=case.customer.loyalty_tier if case.customer else "", failed=case.failed, value=case.value,
        currency=case.currency, follows_id=case.pk, facts={"case": case.number, "contacts": [str(c.pk) for c in moved]},
    )  # fmt: skip
    object.__setattr__(one, "split_key", str(one.id))
    open_cases([one])
    new = lock_many([one.id])[one.id]
    Contact.objects.filter(pk__in=[contact.pk for contact in moved]).update(case=new)
    for contact in moved:
        says = _word(new, contact)
        record(new, Kind.CONTACT, at=contact.at, by=contact.staff, changes=says, facts=facts_of(contact))
    record(new, Kind.SPLIT, at=now, by=by, facts={"case": case.number, "off": True})
    index_cases([new.pk])
    record(case, Kind.SPLIT, at=now, by=by, changes=_remaining_word(case),
           facts={"case": new.number, "of": new.pk, "contacts": one.facts["contacts"]})  # fmt: skip
    return new


@transaction.atomic
def undo_split(*, case_id: uuid.UUID, by: User, now: datetime) -> Case:
    """Take a split back: its contacts are where they were, and what was said since is read there too.

    Returns the case that it had been split off.

    Raises
    ------
    NotSplit
        It was not split off another case. Nothing is written.
    CaseAlreadyResolved, CaseMerged
        One of both is closed: nothing can go on there. Nothing is written.
    """
    origin_id = Case.objects.filter(pk=case_id).values_list("follows_id", flat=True).first()
    held = lock_many({case_id, *([origin_id] if origin_id else [])})
    case = held[case_id]
    if not case.split_key or case.follows_id is None or case.follows_id not in held:
        raise NotSplit(case.number)
    opened = CaseEvent.objects.get(case=case, seq=1)
    survivor = merge_cases(
        duplicate_id=case.pk, survivor_id=case.follows_id, by=by, now=now, why="The split was taken back."
    )
    Contact.objects.filter(case=case, pk__in=opened.facts.get("contacts", ())).update(case=survivor)
    return survivor


def _merged_into(case_id: uuid.UUID) -> list[uuid.UUID]:
    return list(Case.objects.filter(merged_into=case_id).order_by("pk").values_list("pk", flat=True))


def _same_person(one: Case, other: Case) -> bool:
    """Whether both belong to one person, as far as anybody knows: a case without a customer may be anybody's."""
    if one.customer is None or other.customer is None or one.customer_id == other.customer_id:
        return True
    a, b = one.customer, other.customer
    return bool(a.email and a.email.lower() == b.email.lower()) or b.pk in accounts_of(a.pk)


def _last_word(survivor: Case, duplicate: Case) -> dict[str, Any]:
    """What the survivor takes over: the last word, if it was said in the duplicate."""
    at = duplicate.last_contact_at
    if at is None or (survivor.last_contact_at and survivor.last_contact_at >= at):
        return {}
    if duplicate.last_contact_by == "customer":
        return heard(survivor, duplicate.channel, at)
    return told(survivor, at)


def _remaining_word(case: Case) -> dict[str, Any]:
    """The last word among the contacts that a case still has."""
    last = Contact.objects.filter(case=case).exclude(direction=Direction.PARTNER).order_by("-at", "-pk").first()
    if last is None:
        return {"last_contact_at": None, "last_contact_by": ""}
    if last.at == case.last_contact_at:
        return {}
    return _word(case, last)


def _word(case: Case, contact: Contact) -> dict[str, Any]:
    """What a word changes on a case; a partner's, nothing."""
    if contact.direction == Direction.PARTNER:
        return {}
    return heard(case, contact.channel, contact.at) if contact.direction == Direction.IN else told(case, contact.at)
