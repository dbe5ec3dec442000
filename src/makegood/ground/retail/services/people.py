"""Which accounts are one person: said by hand, beside what their source says, and taken back."""

import uuid
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Q

from makegood.ground.retail.errors import AlreadyOnePerson, CustomerNotFound, NotOnePerson, SameAccount
from makegood.ground.retail.models import Customer, PersonLink
from makegood.ground.retail.queries.people import accounts_of
from makegood.ground.staff.models import User


@transaction.atomic
def join_accounts(*, one: uuid.UUID, other: uuid.UUID, by: User, now: datetime, why: str = "") -> None:
    """Say that two accounts belong to one person. Nothing moves: whoever asks for one sees both from now on.

    What had been said against it ends. Of two who join the same accounts one wins, by `personlink_said_once`.

    Raises
    ------
    SameAccount, CustomerNotFound, AlreadyOnePerson
        Nothing is written.
    """
    a, b = _pair(one, other)
    if b in accounts_of(a):
        raise AlreadyOnePerson
    _end(Q(a=a, b=b), by=by, now=now)
    if _of_one_source(a, b):
        _end(Q(a__in=[a, b], b=None), by=by, now=now)
    if b not in accounts_of(a):
        _say(PersonLink(a_id=a, b_id=b, same=True, by=by, at=now, why=why.strip()[:300]))


@transaction.atomic
def part_accounts(*, one: uuid.UUID, other: uuid.UUID, by: User, now: datetime) -> None:
    """Take `other` away from the person that `one` belongs to.

    The link between the two ends; where they are still connected, by way of a third account, all links of `other` end;
    and where only their source connects them, `other` stands alone from now on. Can be undone by joining them.

    Raises
    ------
    SameAccount, CustomerNotFound, NotOnePerson
        Nothing is written.
    """
    a, b = _pair(one, other)
    if b not in accounts_of(a):
        raise NotOnePerson
    for which in (Q(a=a, b=b), Q(a=other, same=True) | Q(b=other, same=True)):
        _end(which, by=by, now=now)
        if b not in accounts_of(a):
            return
    _say(PersonLink(a_id=other, b=None, same=False, by=by, at=now))


@transaction.atomic
def keep_apart(*, one: uuid.UUID, other: uuid.UUID, by: User, now: datetime) -> None:
    """Say that two accounts are two people, so that nobody is asked again. Saying it twice changes nothing.

    Raises
    ------
    SameAccount, CustomerNotFound
        Nothing is written.
    AlreadyOnePerson
        They are linked: part them first. Nothing is written.
    """
    a, b = _pair(one, other)
    if b in accounts_of(a):
        raise AlreadyOnePerson
    if not PersonLink.objects.filter(a=a, b=b, ended_at=None).exists():
        _say(PersonLink(a_id=a, b_id=b, same=False, by=by, at=now))


def _pair(one: uuid.UUID, other: uuid.UUID) -> tuple[uuid.UUID, uuid.UUID]:
    if one == other:
        raise SameAccount
    if Customer.objects.filter(pk__in=[one, other]).count() < 2:  # noqa: PLR2004  one and other
        raise CustomerNotFound
    return min(one, other), max(one, other)


def _of_one_source(a: uuid.UUID, b: uuid.UUID) -> bool:
    """Whether their source says that they are one person."""
    said = Customer.objects.filter(pk__in=[a, b], person_ref__gt="").values_list("source", "person_ref")
    return len(said) == 2 and len(set(said)) == 1  # noqa: PLR2004  a and b


def _end(which: Q, *, by: User, now: datetime) -> None:
    PersonLink.objects.filter(which, ended_at=None).update(ended_at=now, ended_by=by)


def _say(link: PersonLink) -> None:
    try:
        with transaction.atomic():
            link.save(force_insert=True)
    except IntegrityError as problem:
        if "personlink_said_once" not in str(problem):
            raise
        raise (AlreadyOnePerson if link.same else NotOnePerson) from problem
