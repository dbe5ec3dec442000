"""One failure behind many cases, and one thing done to many of them."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from tests.recover.cases.test_timeline import assert_replays

from makegood.ground.messages.models import Message
from makegood.ground.retail.models import Customer
from makegood.recover.cases import services
from makegood.recover.cases.errors import BatchNotFound, NotAParent, NotLinked
from makegood.recover.cases.models import Batch, BatchItem, Case, CaseEvent
from makegood.recover.cases.queries.many import progress
from makegood.recover.cases.replay import columns_of
from makegood.recover.cases.services import many


@pytest.fixture
def family(make_case, shop, ana, noon):
    """A parent and three children; the last one's customer has no address."""
    parent = make_case(subject="The Leeds depot burned", customer_id=None, order_id=None)
    children = []
    for n, email in enumerate(["a@example.com", "b@example.com", ""]):
        customer = Customer.objects.create(source=shop, ref=f"F-{n}", name=f"Customer {n}", email=email)
        child = make_case(customer_id=customer.pk, order_id=None, failed="Kettle")
        services.link_case(case_id=child.pk, parent_id=parent.pk, by=ana, now=noon)
        children.append(child)
    return parent, children


def batch(action, cases, ana, noon, **asked):
    started = services.start_batch(action=action, cases=[case.pk for case in cases], asked=asked, by=ana, now=noon)
    services.run_batch(batch_id=started.pk, now=noon)
    return progress(started.pk, of=ana)


RESOLVED = {"outcome": "recovered", "cause": "Fire", "locus": "carrier", "prevention": "Sprinklers"}
DEEDS = {
    "reason": {"reason": "delivery.late"},
    "escalate": {"happened": "x", "promised": "nothing", "needed": "y", "tier": "manager", "queue": ""},
    "snooze": {"why": "The depot looks.", "until": ""},
    "resolve": RESOLVED,
}


def test_each_child_gets_a_message_of_its_own(family, ana, noon):
    parent, children = family
    started = services.start_batch(
        action="answer", cases=services.open_children(parent.pk), by=ana, now=noon, parent_id=parent.pk,
        asked={"body": "Dear {name}, about your {item} ({case}).", "wait": True},
    )  # fmt: skip
    services.run_batch(batch_id=started.pk, now=noon)
    assert sorted(Message.objects.values_list("recipient", "body")) == [
        (f"{'ab'[n]}@example.com", f"Dear Customer {n}, about your Kettle (C-{children[n].number}).") for n in (0, 1)
    ]
    told = progress(started.pk, of=ana)
    assert (told.done, told.refused, told.parent, told.can_undo) == (2, 1, parent.number, False)
    assert told.said[0][0] == children[2].number
    assert "no e-mail address" in told.said[0][1]
    for child in children:
        assert_replays(child.pk)


def test_a_field_that_a_case_cannot_fill_sends_nothing(family, ana, noon):
    told = batch("answer", family[1], ana, noon, body="About order {order}", wait=False)
    assert (told.done, told.refused, Message.objects.count()) == (0, 3, 0)


def test_a_batch_that_stopped_half_way_goes_on_and_does_nothing_twice(family, ana, noon, monkeypatch):
    _parent, children = family
    started = services.start_batch(
        action="answer", cases=[c.pk for c in children], asked={"body": "Hello", "wait": False}, by=ana, now=noon
    )
    real, calls = many.reply, []

    def dies_in_the_second(**said):
        calls.append(said)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return real(**said)

    monkeypatch.setattr(many, "reply", dies_in_the_second)
    with pytest.raises(KeyboardInterrupt):
        services.run_batch(batch_id=started.pk, now=noon)
    assert many.waiting_batches() == [started.pk]
    services.run_batch(batch_id=started.pk, now=noon)
    assert many.waiting_batches() == []
    assert sorted(Message.objects.values_list("recipient", flat=True)) == ["a@example.com", "b@example.com"]


@pytest.mark.parametrize("action", DEEDS)
def test_what_was_done_to_many_can_be_taken_back(family, ana, noon, action):
    children = family[1]
    before = [columns_of(Case.objects.get(pk=child.pk)) for child in children]
    told = batch(action, children, ana, noon, **DEEDS[action] | ({"until": (noon + timedelta(days=1)).isoformat()}))
    assert (told.done, told.refused, told.can_undo) == (3, 0, True)
    assert [columns_of(Case.objects.get(pk=child.pk)) for child in children] != before
    services.undo_batch(batch_id=told.id, by=ana, now=noon + timedelta(minutes=1))
    assert progress(told.id, of=ana).undone == 3
    assert [columns_of(Case.objects.get(pk=child.pk)) for child in children] == before
    for child in children:
        assert_replays(child.pk)


def test_what_somebody_built_on_stays(family, ana, ben, noon):
    children = family[1]
    told = batch("assign", children, ana, noon, to=str(ana.pk))
    services.assign_case(case_id=children[0].pk, to=ben, by=ben, now=noon)
    services.undo_batch(batch_id=told.id, by=ana, now=noon)
    told = progress(told.id, of=ana)
    [(number, why)] = told.said
    assert (told.undone, number) == (2, children[0].number)
    assert "was worked on since" in why
    assert [Case.objects.get(pk=child.pk).assignee for child in children] == [ben, None, None]


def test_only_who_started_a_batch_reads_it_and_takes_it_back(family, ana, ben, noon):
    told = batch("assign", family[1], ana, noon, to="ben")
    for act in (lambda: progress(told.id, of=ben), lambda: services.undo_batch(batch_id=told.id, by=ben, now=noon)):
        with pytest.raises(BatchNotFound):
            act()


def test_what_cannot_be_done_to_one_is_said_and_the_rest_is_done(family, ana, noon):
    children = family[1]
    services.resolve_case(case_id=children[1].pk, outcome="lost", cause="", by=ana, now=noon)
    told = batch("resolve", children, ana, noon, **RESOLVED)
    assert (told.done, told.refused) == (2, 1)
    assert "already resolved" in told.said[0][1]
    assert BatchItem.objects.filter(state="waiting").count() == 0


def test_families_are_one_deep(family, make_case, ana, noon):
    parent, children = family
    other = make_case()
    for case, wrong in ((parent, parent), (other, children[0]), (parent, other)):
        with pytest.raises(NotAParent):
            services.link_case(case_id=case.pk, parent_id=wrong.pk, by=ana, now=noon)
        with pytest.raises(IntegrityError, match=r"one deep|case_not_its_own_kin"), transaction.atomic():
            Case.objects.filter(pk=case.pk).update(parent=wrong)
    services.unlink_case(case_id=children[0].pk, by=ana, now=noon)
    with pytest.raises(NotLinked):
        services.unlink_case(case_id=children[0].pk, by=ana, now=noon)
    assert services.open_children(parent.pk) == [child.pk for child in children[1:]]
    assert_replays(children[0].pk)


def test_linking_twice_says_it_once(family, ana, noon):
    parent, children = family
    services.link_case(case_id=children[0].pk, parent_id=parent.pk, by=ana, now=noon)
    assert CaseEvent.objects.filter(case=children[0], kind="linked").count() == 1


def test_the_job_comes_with_the_batch(family, ana, noon):
    from procrastinate.contrib.django.models import ProcrastinateJob

    with transaction.atomic():
        services.start_batch(action="assign", cases=[], asked={}, by=ana, now=noon, in_the_background=True)
        transaction.set_rollback(True)
    assert not ProcrastinateJob.objects.filter(task_name="cases.batch").exists()
    services.start_batch(action="assign", cases=[], asked={}, by=ana, now=noon, in_the_background=True)
    assert ProcrastinateJob.objects.filter(task_name="cases.batch").count() == 1
    assert Batch.objects.count() == 1
