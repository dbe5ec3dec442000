"""Accounts of one person: as their source says, as colleagues say, and what survives the next import."""

import itertools
import uuid

import pytest
from django.db import IntegrityError, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from makegood.ground.retail.errors import AlreadyOnePerson, CustomerNotFound, NotOnePerson, SameAccount
from makegood.ground.retail.models import Customer, PersonLink, Source
from makegood.ground.retail.queries.people import accounts_of, likely_same, links_of, people_of
from makegood.ground.retail.services.people import join_accounts, keep_apart, part_accounts
from tests.factories import NOON, CustomerFactory, colleague

pytestmark = pytest.mark.django_db


def join(one, other):
    join_accounts(one=one.pk, other=other.pk, by=colleague("ana"), now=NOON)


def part(one, other):
    part_accounts(one=one.pk, other=other.pk, by=colleague("ana"), now=NOON)


def same(*customers):
    return {frozenset(accounts_of(one.pk)) for one in customers} == {frozenset(one.pk for one in customers)}


def test_joined_accounts_are_one_person_from_either_side_with_whoever_their_source_joins():
    shop, market = CustomerFactory(person_ref="P-1"), CustomerFactory()
    second = CustomerFactory(person_ref="P-1")
    join(shop, market)
    assert same(shop, market, second)


def test_the_next_import_changes_nothing_and_a_new_account_of_the_person_comes_along():
    shop, market = CustomerFactory(), CustomerFactory()
    join(shop, market)
    Customer.objects.filter(pk=market.pk).update(person_ref="P-7")
    late = CustomerFactory(person_ref="P-7")
    assert same(shop, market, late)


def test_parting_takes_back_one_link_and_leaves_the_others():
    a, b, c, d = (CustomerFactory() for _ in range(4))
    join(a, b)
    join(b, c)
    join(c, d)
    part(b, c)
    assert same(a, b)
    assert same(c, d)
    assert PersonLink.objects.filter(ended_by=colleague("ana")).count() == 1


def test_an_account_that_its_source_links_wrongly_stands_alone_until_it_is_joined_again():
    a, b, c = (CustomerFactory(person_ref="P-1") for _ in range(3))
    part(a, c)
    assert same(a, b)
    assert same(c)
    stranger = CustomerFactory()
    join(c, stranger)  # what is said of others leaves it as it is
    assert same(a, b)
    part(c, stranger)
    join(c, a)
    assert same(a, b, c)
    assert not PersonLink.objects.filter(ended_at=None).exists()


def test_parting_accounts_that_hang_together_by_a_third_takes_all_links_of_the_one():
    a, b, c = (CustomerFactory() for _ in range(3))
    join(a, b)
    join(b, c)
    part(a, c)
    assert same(a, b)
    assert same(c)


def test_refusals():
    a, b = CustomerFactory(), CustomerFactory()
    with pytest.raises(NotOnePerson):
        part(a, b)
    with pytest.raises(SameAccount):
        join(a, a)
    with pytest.raises(CustomerNotFound):
        join_accounts(one=a.pk, other=uuid.uuid4(), by=colleague("ana"), now=NOON)
    join(a, b)
    with pytest.raises(AlreadyOnePerson):
        join(b, a)
    with pytest.raises(AlreadyOnePerson):
        keep_apart(one=a.pk, other=b.pk, by=colleague("ana"), now=NOON)


def test_the_database_keeps_links_whole_and_single():
    a, b = sorted((CustomerFactory().pk, CustomerFactory().pk))
    said = {"a_id": a, "b_id": b, "same": True, "by": colleague("ana"), "at": NOON}
    PersonLink.objects.create(**said)
    for wrong, name in (
        (said, "personlink_said_once"),
        (said | {"a_id": b, "b_id": a}, "personlink_two_or_alone"),
        (said | {"b_id": None}, "personlink_two_or_alone"),
        (said | {"ended_at": NOON}, "personlink_end_is_whole"),
    ):
        with pytest.raises(IntegrityError, match=name), transaction.atomic():
            PersonLink.objects.create(**wrong)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    refs=st.lists(st.sampled_from(["", "", "P-1", "P-2", "P-3"]), min_size=2, max_size=7),
    alone=st.sets(st.integers(0, 6), max_size=2),
    links=st.sets(st.tuples(st.integers(0, 6), st.integers(0, 6)), max_size=5),
)
def test_who_belongs_together_is_what_a_walk_over_all_links_finds(refs, alone, links, django_db_blocker):
    with django_db_blocker.unblock(), transaction.atomic():
        people = sorted((CustomerFactory(person_ref=ref) for ref in refs), key=lambda one: one.pk)
        n = len(people)
        alone, links = {x for x in alone if x < n}, {(x, y) for x, y in links if x < y < n}
        said = {"by": colleague("ana"), "at": NOON}
        for x in alone:
            PersonLink.objects.create(a=people[x], b=None, same=False, **said)
        for x, y in links:
            PersonLink.objects.create(a=people[x], b=people[y], same=True, **said)

        group = list(range(n))  # the slow twin: join until nothing changes
        for _, x, y in itertools.product(range(n), range(n), range(n)):
            by_ref = people[x].person_ref and people[x].person_ref == people[y].person_ref and not {x, y} & alone
            if by_ref or (x, y) in links:
                old, new = group[y], group[x]
                group = [new if g == old else g for g in group]
        found = people_of(one.pk for one in people)
        for x in range(n):
            assert found[people[x].pk] == {people[y].pk for y in range(n) if group[y] == group[x]}
        transaction.set_rollback(True)


def test_links_say_who_made_them():
    a, b, c = CustomerFactory(person_ref="P-1"), CustomerFactory(person_ref="P-1"), CustomerFactory()
    join_accounts(one=a.pk, other=c.pk, by=colleague("ana"), now=NOON, why="Said so on the phone")
    by = {link.id: (link.linked_by, link.why) for link in links_of(a.pk)}
    assert by == {b.pk: ("", ""), c.pk: ("Ana Moreira", "Said so on the phone")}


def test_likely_the_same_are_found_by_address_telephone_and_door():
    me = CustomerFactory(email="Maria@Example.com", phone="+44 7700 900123", name="Maria Silva", postal_code="LS1 4AB")
    mail = CustomerFactory(email="maria@example.com", phone="", postal_code="")
    phone = CustomerFactory(phone="07700 900 123")
    door = CustomerFactory(phone="", name="maria silva", postal_code="ls14ab")
    CustomerFactory(phone="", name="Jo Silva", postal_code="LS1 4AB")
    found = {it.id: it.same for it in likely_same(me.pk)}
    assert found == {mail.pk: ["email"], phone.pk: ["phone"], door.pk: ["home"]}


def test_what_many_share_names_nobody_and_what_was_judged_is_not_asked_again():
    me = CustomerFactory(phone="0000000000", email="me@example.com")
    CustomerFactory.create_batch(6, phone="0000000000")
    twin, other = CustomerFactory(email="ME@example.com"), CustomerFactory(email="me@Example.com")
    assert {it.id for it in likely_same(me.pk)} == {twin.pk, other.pk}
    keep_apart(one=me.pk, other=twin.pk, by=colleague("ana"), now=NOON)
    keep_apart(one=me.pk, other=twin.pk, by=colleague("ana"), now=NOON)
    join(me, other)
    assert likely_same(me.pk) == []
    join(me, twin)
    assert same(me, twin, other)


def test_a_reference_of_another_source_is_another_person():
    other = Source.objects.create(slug="market", name="Market")
    a, b = CustomerFactory(person_ref="P-1"), CustomerFactory(person_ref="P-1", source=other)
    assert same(a)
    assert same(b)
