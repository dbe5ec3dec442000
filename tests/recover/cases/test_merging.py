"""Two cases become one, one becomes two, and both can be taken back."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from tests.recover.cases.test_timeline import assert_replays

from makegood.ground.retail.models import Customer
from makegood.recover.cases import extensions, services
from makegood.recover.cases.errors import (
    CaseAlreadyResolved,
    CaseChanged,
    CaseExists,
    CaseMerged,
    MergeWithItself,
    NothingToSplit,
    NotMerged,
    NotSplit,
    NotTheSameCustomer,
)
from makegood.recover.cases.models import Case, Contact, Outcome, Status
from makegood.recover.cases.queries.case import the_case, timeline
from makegood.recover.cases.queries.handling import kin
from makegood.recover.cases.replay import columns_of


@pytest.fixture
def pair(make_case, noon):
    """Two cases of Maria's: the second opened an hour later."""
    return make_case(), make_case(reason="product.damaged", at=noon + timedelta(hours=1))


def merge(duplicate, survivor, ana, now, **more):
    services.merge_cases(duplicate_id=duplicate.pk, survivor_id=survivor.pk, by=ana, now=now, **more)


def write(case, now, body="And now?"):
    return services.receive_contact(case_id=case.pk, channel="email", author="maria@example.com", body=body, at=now)


def words_on_the_page_of(case):
    shown = the_case(Case.objects.get(pk=case.pk).number, places=None)
    return [moment.body for moment in timeline(shown.id, merged=shown.merged) if moment.body]


def test_the_survivor_shows_the_words_of_both_in_order_of_time(pair, ana, noon):
    first, second = pair
    write(first, noon + timedelta(hours=2), "Two")
    services.add_note(case_id=second.pk, body="Three", by=ana, now=noon + timedelta(hours=3))
    merge(second, first, ana, noon + timedelta(hours=4))
    services.reply(case_id=first.pk, body="Five", by=ana, now=noon + timedelta(hours=5))
    assert words_on_the_page_of(first) == [
        "Five", "Three", "Two", "My parcel never arrived.", "My parcel never arrived."]  # fmt: skip
    second.refresh_from_db()
    assert (second.status, second.outcome, second.merged_into) == (Status.RESOLVED, Outcome.DUPLICATE, first)
    for case in pair:
        assert_replays(case.pk)


def test_pages_of_a_joined_timeline_tell_everything_once(pair, ana, noon):
    first, second = pair
    for n in range(6):
        write(pair[n % 2], noon + timedelta(hours=2, minutes=n), f"Word {n}")
    merge(second, first, ana, noon + timedelta(hours=4))
    shown = the_case(first.number, places=None)
    whole = timeline(shown.id, merged=shown.merged)
    paged, before = [], 2_000_000_000
    while page := timeline(shown.id, merged=shown.merged, before=before, limit=3):
        paged += page
        before = page[-1].position
    assert paged == whole
    assert len({moment.contact_id for moment in whole if moment.contact_id}) == 8


def test_the_last_word_of_both_sets_the_clock_of_the_survivor(pair, ana, noon):
    first, second = pair
    services.reply(case_id=first.pk, body="We look.", by=ana, now=noon + timedelta(minutes=5))
    write(second, noon + timedelta(hours=2))
    merge(second, first, ana, noon + timedelta(hours=3))
    first.refresh_from_db()
    assert (first.last_contact_by, first.last_contact_at) == ("customer", noon + timedelta(hours=2))


def test_what_the_customer_says_to_a_merged_case_arrives_at_the_survivor(pair, ana, noon):
    first, second = pair
    merge(second, first, ana, noon + timedelta(hours=2))
    assert write(second, noon + timedelta(hours=3)).case == first
    for act in (services.reply, services.log_call, services.add_note):
        with pytest.raises(CaseMerged, match=f"C-{first.number}"):
            act(case_id=second.pk, body="x", by=ana, now=noon)
    with pytest.raises(CaseMerged):
        services.reopen_case(case_id=second.pk, why="x", by=ana, now=noon)


def test_chains_collapse_and_come_apart_again(pair, make_case, ana, noon):
    first, second = pair
    third = make_case(reason="payment.refund", at=noon + timedelta(hours=2))
    merge(third, second, ana, noon + timedelta(hours=3))
    merge(second, first, ana, noon + timedelta(hours=4))
    assert set(Case.objects.filter(merged_into=first)) == {second, third}
    assert len(words_on_the_page_of(first)) == 3
    services.undo_merge(case_id=second.pk, by=ana, now=noon + timedelta(hours=5))
    third.refresh_from_db()
    assert third.merged_into == second
    assert (len(words_on_the_page_of(first)), len(words_on_the_page_of(second))) == (1, 2)
    for case in (first, second, third):
        assert_replays(case.pk)


def test_an_undone_merge_leaves_both_as_before(pair, ana, noon):
    first, second = pair
    services.assign_case(case_id=second.pk, to=ana, by=ana, now=noon)
    before = [columns_of(Case.objects.get(pk=case.pk)) for case in pair]
    merge(second, first, ana, noon + timedelta(hours=2))
    services.undo_merge(case_id=second.pk, by=ana, now=noon + timedelta(hours=3))
    assert [columns_of(Case.objects.get(pk=case.pk)) for case in pair] == before
    for case in pair:
        assert_replays(case.pk)


def test_what_was_said_since_a_merge_outlives_its_undoing(pair, ana, noon):
    first, second = pair
    merge(second, first, ana, noon + timedelta(hours=2))
    write(first, noon + timedelta(hours=3), "Since")
    services.undo_merge(case_id=second.pk, by=ana, now=noon + timedelta(hours=4))
    first.refresh_from_db()
    assert first.last_contact_at == noon + timedelta(hours=3)
    assert "Since" in words_on_the_page_of(first)


def test_a_merge_cannot_be_undone_into_a_second_open_case_about_the_same(pair, make_case, ana, noon):
    first, second = pair
    merge(second, first, ana, noon + timedelta(hours=2))
    make_case(reason="product.damaged", at=noon + timedelta(hours=3))
    with pytest.raises(CaseExists):
        services.undo_merge(case_id=second.pk, by=ana, now=noon + timedelta(hours=4))
    second.refresh_from_db()
    assert second.merged_into == first


def test_what_cannot_be_merged_is_refused_in_words(pair, make_case, shop, ana, noon):
    first, second = pair
    with pytest.raises(MergeWithItself):
        merge(first, first, ana, noon)
    with pytest.raises(CaseChanged):
        merge(second, first, ana, noon, seen_survivor=0)
    with pytest.raises(NotMerged):
        services.undo_merge(case_id=first.pk, by=ana, now=noon)
    tom = Customer.objects.create(source=shop, ref="K-2", name="Tom")
    with pytest.raises(NotTheSameCustomer):
        merge(make_case(customer_id=tom.pk, order_id=None), first, ana, noon)
    services.resolve_case(case_id=second.pk, outcome="lost", cause="", by=ana, now=noon)
    with pytest.raises(CaseAlreadyResolved):
        merge(first, second, ana, noon)


def test_the_database_refuses_circles(pair, make_case, ana, noon):
    first, second = pair
    third = make_case(reason="payment.refund")
    merge(second, first, ana, noon + timedelta(hours=2))
    services.resolve_case(case_id=third.pk, outcome="duplicate", cause="", by=ana, now=noon)
    for case, wrong in ((second, second), (third, second)):
        with pytest.raises(IntegrityError, match=r"case_not_its_own_kin|one deep"), transaction.atomic():
            Case.objects.filter(pk=case.pk).update(merged_into=wrong)
    services.resolve_case(case_id=first.pk, outcome="duplicate", cause="", by=ana, now=noon)
    with pytest.raises(IntegrityError, match="one deep"), transaction.atomic():
        Case.objects.filter(pk=first.pk).update(merged_into=third)
    with pytest.raises(IntegrityError, match="case_merged_is_duplicate"), transaction.atomic():
        Case.objects.filter(pk=make_case(reason="order").pk).update(merged_into=third)


def test_rooms_that_listen_move_what_hangs_on_a_duplicate_or_stop_the_merge(pair, ana, noon, monkeypatch):
    first, second = pair
    heard = []
    monkeypatch.setattr(extensions, "merging", [lambda *told: heard.append(told)])
    merge(second, first, ana, noon)
    assert heard == [(second, first, ana, noon)]
    services.undo_merge(case_id=second.pk, by=ana, now=noon)

    def refuse(duplicate, *_):
        raise NotSplit(duplicate.number)

    monkeypatch.setattr(extensions, "merging", [refuse])
    with pytest.raises(NotSplit):
        merge(second, first, ana, noon)
    second.refresh_from_db()
    assert second.resolved_at is None


# -- splitting


def test_contacts_about_something_else_start_a_case_of_their_own(make_case, ana, noon):
    case = make_case()
    contact = write(case, noon + timedelta(hours=1), "By the way, the lamp is broken.")
    new = services.split_case(
        case_id=case.pk, contacts=[contact.pk], reason="product.damaged", subject="Broken lamp", by=ana,
        now=noon + timedelta(hours=2),
    )  # fmt: skip
    assert (new.follows, new.subject, new.opened_at) == (case, "Broken lamp", contact.at)
    assert words_on_the_page_of(new) == ["By the way, the lamp is broken."]
    case.refresh_from_db()
    assert case.last_contact_at == noon
    assert {k.kind for k in kin(the_case(new.number, places=None), places=None)} == {"from"}
    for one in (case, new):
        assert_replays(one.pk)


def test_the_new_case_may_have_the_same_reason(make_case, ana, noon):
    case = make_case()
    contact = write(case, noon + timedelta(hours=1))
    new = services.split_case(
        case_id=case.pk, contacts=[contact.pk], reason=case.reason.code, subject="", by=ana, now=noon
    )
    assert (new.reason, new.resolved_at, case.resolved_at) == (case.reason, None, None)


def test_an_undone_split_brings_every_word_back(make_case, ana, noon):
    case = make_case()
    contact = write(case, noon + timedelta(hours=1), "The lamp")
    new = services.split_case(case_id=case.pk, contacts=[contact.pk], reason="product.damaged", subject="", by=ana,
                              now=noon + timedelta(hours=2))  # fmt: skip
    write(new, noon + timedelta(hours=3), "Said since")
    services.undo_split(case_id=new.pk, by=ana, now=noon + timedelta(hours=4))
    assert words_on_the_page_of(case) == ["Said since", "The lamp", "My parcel never arrived."]
    assert Contact.objects.get(pk=contact.pk).case == case
    for one in (case, new):
        assert_replays(one.pk)


def test_what_cannot_be_split_is_refused(make_case, ana, noon):
    case = make_case()
    with pytest.raises(NothingToSplit):
        services.split_case(case_id=case.pk, contacts=[], reason="order", subject="", by=ana, now=noon)
    with pytest.raises(NotSplit):
        services.undo_split(case_id=case.pk, by=ana, now=noon)


def test_open_cases_of_the_same_customer_are_offered_as_duplicates(pair, ana, noon, django_assert_num_queries):
    first, second = pair
    shown = the_case(first.number, places=None)
    with django_assert_num_queries(1):
        [alike] = kin(shown, places=None)
    assert (alike.kind, alike.number) == ("alike", second.number)
    assert kin(shown, places=[]) == []
