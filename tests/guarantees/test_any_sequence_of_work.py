"""Whatever people do to cases in whatever order: columns replay, nobody's words are lost, nothing is without a home."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from makegood.errors import MakegoodError
from makegood.ground.messages.models import Message, Notice
from makegood.ground.staff.models import Role
from makegood.recover.cases import services
from makegood.recover.cases.macros.using import say_and_do
from makegood.recover.cases.models import (
    AssignmentRule,
    Case,
    CaseEvent,
    Contact,
    Macro,
    Note,
    Question,
    QuestionWord,
    Watch,
)
from makegood.recover.cases.queries.case import the_case, timeline
from makegood.recover.cases.replay import columns_of, replay
from tests.factories import NOON, OrderFactory, UserFactory, open_case

WHICH = st.integers(0, 5)
HAND_OVER = services.HandOver(happened="It was lost.", promised="nothing", needed="A replacement.")
SHARED: dict[str, str] = {"happened": "It was lost.", "promised": "nothing", "needed": "A replacement."}
ACTIONS: tuple[dict[str, str], ...] = (
    {"do": "assign", "to": "me"}, {"do": "assign", "to": "nobody"}, {"do": "move", "queue": "money", "why": "Invoice"},
    {"do": "reason", "reason": "product.damaged"}, {"do": "severity", "severity": "1"},
    {"do": "wait", "whom": "customer"}, {"do": "snooze", "days": "2", "why": "The depot looks"},
    {"do": "escalate", "tier": "specialist", "queue": "", **SHARED}, {"do": "watch", "who": "me"},
    {"do": "note", "body": "For {customer}"}, {"do": "resolve", "outcome": "recovered", "cause": ""},
    {"do": "promise", "kind": "call", "due": "in two business days", "text": ""},
)  # fmt: skip
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
        alone = (services.receive_contact, services.unwatch_case)
        by = {} if service in alone else {"by": self.people[which % 3], "now": self.now}
        before = self.everything()
        try:
            with transaction.atomic():
                return service(**by, **said)
        except MakegoodError:
            assert self.everything() == before
            return None

    def case(self, which: int) -> Any:
        return self.cases[which % len(self.cases)]

    @staticmethod
    def everything() -> tuple[Any, ...]:
        return (*sorted(Case.objects.values_list("pk", "version")), *(
            kind.objects.count() for kind in (Contact, Note, Question, QuestionWord, Watch, Notice, Message)
        ), sorted(Question.objects.values_list("pk", "state")))  # fmt: skip

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

    @rule(which=WHICH, queue=st.sampled_from(["money", "delivery"]))
    def move(self, which: int, queue: str) -> None:
        self.act(services.move_case, which, case_id=self.case(which), queue=queue, why="It belongs there")

    @rule(which=WHICH, who=st.integers(0, 2))
    def watch(self, which: int, who: int) -> None:
        self.act(services.watch_case, which, case_id=self.case(which), user=self.people[who])

    @rule(which=WHICH, who=st.integers(0, 2))
    def stop_watching(self, which: int, who: int) -> None:
        self.act(services.unwatch_case, which, case_id=self.case(which), user=self.people[who])

    @rule(which=WHICH, to=st.sampled_from([0, 1, 2, None]))
    def ask(self, which: int, to: int | None) -> None:
        whom = {"queue": "money"} if to is None else {"to": self.people[to]}
        self.act(services.ask, which, case_id=self.case(which), body="Yours?", **whom)

    @rule(which=WHICH, end=st.booleans())
    def answer_or_close(self, which: int, end: bool) -> None:
        asked = Question.objects.order_by("pk")
        if found := asked[which % (asked.count() or 1) :][:1]:
            what = {} if end else {"body": "Not ours."}
            self.act(services.close_question if end else services.answer, which, question_id=found[0].pk, **what)

    @rule(which=WHICH, kind=st.sampled_from(["reply", "note", "call"]), body=st.sampled_from(["We look.", ""]),
          actions=st.lists(st.lists(st.sampled_from(ACTIONS), max_size=3), min_size=1, max_size=2))  # fmt: skip
    def use_macros(self, which: int, kind: str, body: str, actions: list[list[dict[str, str]]]) -> None:
        macros = [Macro.objects.create(name="x", body="", kind=kind, actions=rows) for rows in actions]
        case = Case.objects.get(pk=self.case(which))
        known = set(Contact.objects.values_list("pk", flat=True))
        self.act(say_and_do, which, case=the_case(case.number, places=None), macros=macros, kind=kind, body=body)
        self.words |= set(Contact.objects.values_list("pk", flat=True)) - known

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
        for question in Question.objects.select_related("case__merged_into"):
            home = question.case.merged_into or question.case
            assert home.resolved_at is None or question.state == Question.State.CLOSED, "it ends with its case"
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
