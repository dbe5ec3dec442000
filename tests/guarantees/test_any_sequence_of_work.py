"""Whatever people do to cases in whatever order: columns replay, nobody's words are lost, nothing is without a home."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from makegood.errors import Conflict
from makegood.ground.staff.models import Role
from makegood.recover.cases import services
from makegood.recover.cases.models import AssignmentRule, Case, CaseEvent, Contact, Note
from makegood.recover.cases.queries.case import the_case, timeline
from makegood.recover.cases.replay import columns_of, replay
from tests.factories import NOON, OrderFactory, UserFactory, open_case

WHICH = st.integers(0, 5)
HAND_OVER = services.HandOver(happened="It was lost.", promised="nothing", needed="A replacement.")
REASONS = ("delivery.not_received", "product.damaged", "payment.refund", "delivery.late")


class Desk(RuleBasedStateMachine):
    """Two colleagues, one customer, and everything that can be done to her cases. A refusal must change nothing."""

    @initialize()
    def open_the_desk(self) -> None:
        self.transaction = transaction.atomic()
        self.transaction.__enter__()
        self.now = NOON
        self.order = OrderFactory(customer__name="Maria Silva")
        self.people = [UserFactory(role=Role.SPECIALIST) for _ in range(3)]
        self.cases = [open_case(order=self.order, at=self.now).pk]
        AssignmentRule.objects.create(name="All")
        services.assign_case(case_id=self.cases[0], to=self.people[0], by=self.people[0], now=self.now)
        self.words = set(Contact.objects.filter(case=self.cases[0]).values_list("pk", flat=True))

    def teardown(self) -> None:
        if not hasattr(self, "transaction"):
            return
        try:
            self.nothing_is_wrong()
        finally:
            transaction.set_rollback(True)
            self.transaction.__exit__(None, None, None)

    def act(self, service: Any, which: int, **said: Any) -> Any:
        self.now += timedelta(minutes=7)
        by = {} if service is services.receive_contact else {"by": self.people[which % 3], "now": self.now}
        before = self.everything()
        try:
            with transaction.atomic():
                return service(**by, **said)
        except Conflict:
            assert self.everything() == before
            return None

    def case(self, which: int) -> Any:
        return self.cases[which % len(self.cases)]

    @staticmethod
    def everything() -> tuple[Any, ...]:
        return (*sorted(Case.objects.values_list("pk", "version")), Contact.objects.count(), Note.objects.count())

    @rule(reason=st.sampled_from(REASONS))
    @precondition(lambda self: len(self.cases) < 6)
    def another_case(self, reason: str) -> None:
        try:
            case = open_case(order=self.order, at=self.now, reason=reason)
        except ValueError:  # one about the same is open
            return
        self.cases.append(case.pk)
        self.words |= set(Contact.objects.filter(case=case).values_list("pk", flat=True))

    @rule(which=WHICH)
    def customer_writes(self, which: int) -> None:
        said = self.act(services.receive_contact, which, case_id=self.case(which), channel="email", author="Maria",
                        body="And now?", at=self.now)  # fmt: skip
        self.words.add(said.pk)

    @rule(which=WHICH, wait=st.booleans())
    def answer(self, which: int, wait: bool) -> None:
        said = self.act(services.reply, which, case_id=self.case(which), body="We look.", wait=wait)
        self.words |= {said.pk} if said else set()

    @rule(which=WHICH)
    def note(self, which: int) -> None:
        self.act(services.add_note, which, case_id=self.case(which), body="Looked into it.")

    @rule(which=WHICH, to=st.sampled_from([0, 1, 2, None]))
    def assign(self, which: int, to: int | None) -> None:
        person = None if to is None else self.people[to]
        self.act(services.assign_case, which, case_id=self.case(which), to=person)

    @rule(which=WHICH, reason=st.sampled_from(REASONS))
    def reason(self, which: int, reason: str) -> None:
        self.act(services.change_reason, which, case_id=self.case(which), reason=reason)

    @rule(which=WHICH, tier=st.sampled_from(["specialist", "manager", ""]), queue=st.sampled_from(["money", ""]))
    def escalate(self, which: int, tier: str, queue: str) -> None:
        self.act(services.escalate_case, which, case_id=self.case(which), hand_over=HAND_OVER, tier=tier, queue=queue)

    @rule(which=WHICH, days=st.integers(-1, 9))
    def put_off(self, which: int, days: int) -> None:
        self.act(services.snooze_case, which, case_id=self.case(which), until=self.now + timedelta(days=days), why="x")

    @rule(which=WHICH)
    def take_up(self, which: int) -> None:
        self.act(services.wake_case, which, case_id=self.case(which))

    @rule(days=st.integers(0, 5))
    def time_passes(self, days: int) -> None:
        self.now += timedelta(days=days)
        services.wake_due(self.now)

    @rule(which=WHICH)
    def resolve(self, which: int) -> None:
        self.act(services.resolve_case, which, case_id=self.case(which), outcome="recovered", cause="Lost")

    @rule(which=WHICH)
    def reopen(self, which: int) -> None:
        self.act(services.reopen_case, which, case_id=self.case(which), why="Not settled")

    @rule(which=WHICH, into=WHICH)
    def merge(self, which: int, into: int) -> None:
        self.act(services.merge_cases, which, duplicate_id=self.case(which), survivor_id=self.case(into))

    @rule(which=WHICH)
    def unmerge(self, which: int) -> None:
        self.act(services.undo_merge, which, case_id=self.case(which))

    @rule(which=WHICH, reason=st.sampled_from(REASONS), data=st.data())
    def split(self, which: int, reason: str, data: st.DataObject) -> None:
        theirs = list(Contact.objects.filter(case=self.case(which)).order_by("at", "pk").values_list("pk", flat=True))
        chosen = [pk for pk in theirs if data.draw(st.booleans())]
        new = self.act(services.split_case, which, case_id=self.case(which), contacts=chosen, reason=reason, subject="")
        if new:
            self.cases.append(new.pk)

    @rule(which=WHICH)
    def unsplit(self, which: int) -> None:
        self.act(services.undo_split, which, case_id=self.case(which))

    @rule(which=WHICH, to=WHICH)
    def link(self, which: int, to: int) -> None:
        self.act(services.link_case, which, case_id=self.case(which), parent_id=self.case(to))

    @rule(which=WHICH)
    def unlink(self, which: int) -> None:
        self.act(services.unlink_case, which, case_id=self.case(which))

    def nothing_is_wrong(self) -> None:
        shown: set[Any] = set()
        for case in Case.objects.filter(pk__in=self.cases):
            events = list(CaseEvent.objects.filter(case=case).order_by("seq"))
            assert [event.seq for event in events] == list(range(1, case.version + 1))
            assert replay(events) == columns_of(case)
            assert case.queue_id
            assert case.resolved_at or case.assignee_id, "the rule that fits every case gives it to somebody"
            if case.merged_into_id is None:
                page = the_case(case.number, places=None)
                told = [m.contact_id for m in timeline(page.id, merged=page.merged, limit=1000) if m.contact_id]
                assert len(told) == len(set(told)), "told once"
                shown |= set(told)
        assert shown >= self.words, "every word of the customer's is on the page of a case that is worked"


@pytest.mark.django_db
def test_any_sequence_of_work_keeps_every_promise():
    open_case(order=OrderFactory())  # plants queues and reasons once
    run_state_machine_as_test(
        Desk,
        settings=settings(
            max_examples=40, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
