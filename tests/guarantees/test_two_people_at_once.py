"""Two people act on one case at once: one wins, the other is told what happened, nothing is half done."""

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections

from makegood.errors import Conflict
from makegood.recover.cases import services
from makegood.recover.cases.models import Case, CaseEvent, Contact, Note, Status
from makegood.recover.cases.replay import columns_of, replay
from tests.factories import NOON, OrderFactory, UserFactory, open_case

pytestmark = pytest.mark.django_db(transaction=True)
HAND_OVER = services.HandOver(happened="Lost.", promised="nothing", needed="A replacement.")
NOW = NOON + timedelta(hours=1)

Act = Callable[[Case, Case, Any], object]
# Everything that carries the version its writer saw, done by two people who saw the same.
ACTS: dict[str, Act] = {
    "assign": lambda case, _, who: services.assign_case(case_id=case.pk, to=who, by=who, now=NOW, seen=case.version),
    "reply": lambda case, _, who: services.reply(case_id=case.pk, body="Yes", by=who, now=NOW, seen=case.version),
    "reason": lambda case, _, who: services.change_reason(
        case_id=case.pk, reason="payment.refund", by=who, now=NOW, seen=case.version
    ),
    "status": lambda case, _, who: services.change_status(
        case_id=case.pk, status=Status.WAITING_PARTNER, by=who, now=NOW, seen=case.version
    ),
    "resolve": lambda case, _, who: services.resolve_case(
        case_id=case.pk, outcome="recovered", cause="", by=who, now=NOW, seen=case.version
    ),
    "escalate": lambda case, _, who: services.escalate_case(
        case_id=case.pk, hand_over=HAND_OVER, tier="manager", by=who, now=NOW, seen=case.version
    ),
    "snooze": lambda case, _, who: services.snooze_case(
        case_id=case.pk, until=NOW + timedelta(days=1), why="x", by=who, now=NOW, seen=case.version
    ),
    "merge": lambda case, other, who: services.merge_cases(
        duplicate_id=case.pk, survivor_id=other.pk, by=who, now=NOW, seen_duplicate=case.version
    ),
    "link": lambda case, other, who: services.link_case(
        case_id=case.pk, parent_id=other.pk, by=who, now=NOW, seen=case.version
    ),
    "split": lambda case, _, who: services.split_case(
        case_id=case.pk, contacts=[Contact.objects.filter(case=case).latest("at").pk], reason="payment.refund",
        subject="", by=who, now=NOW, seen=case.version,
    ),
}  # fmt: skip


def at_once(*acts: Callable[[], object]) -> list[object]:
    """What becomes of each when all start together: its answer, or its refusal."""
    ready, results = threading.Barrier(len(acts)), [None] * len(acts)

    def run(n: int, act: Callable[[], object]) -> None:
        try:
            ready.wait()
            results[n] = act()  # type: ignore[call-overload]
        except Conflict as refusal:
            results[n] = refusal  # type: ignore[call-overload]
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(n, act)) for n, act in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.fixture
def pair() -> tuple[Case, Case]:
    order = OrderFactory()
    return open_case(order=order), open_case(order=order, reason="product.damaged")


def assert_whole() -> None:
    for case in Case.objects.all():
        events = list(CaseEvent.objects.filter(case=case).order_by("seq"))
        assert [event.seq for event in events] == list(range(1, case.version + 1))
        assert replay(events) == columns_of(case)
    told = {event.facts["note"] for event in CaseEvent.objects.filter(facts__has_key="note")}
    assert told == {str(pk) for pk in Note.objects.values_list("pk", flat=True)}


@pytest.mark.parametrize("name", ACTS)
def test_one_wins_and_the_other_is_told(name, pair):
    case, other = pair
    first, second = UserFactory(), UserFactory()
    results = at_once(lambda: ACTS[name](case, other, first), lambda: ACTS[name](case, other, second))
    refusals = [result for result in results if isinstance(result, Conflict)]
    assert len(refusals) == 1, results
    assert f"C-{case.number}" in str(refusals[0])
    assert_whole()


@pytest.mark.parametrize(("one", "two"), [("resolve", "reply"), ("merge", "split"), ("escalate", "assign")])
def test_of_two_different_deeds_one_wins(one, two, pair):
    case, other = pair
    first, second = UserFactory(), UserFactory()
    results = at_once(lambda: ACTS[one](case, other, first), lambda: ACTS[two](case, other, second))
    assert sum(isinstance(result, Conflict) for result in results) == 1, results
    assert_whole()


@pytest.mark.parametrize("crosswise", ["merge", "link"])
def test_what_is_done_crosswise_ends_neither_in_a_circle_nor_in_a_deadlock(crosswise, pair):
    case, other = pair
    who = UserFactory()
    results = at_once(lambda: ACTS[crosswise](case, other, who), lambda: ACTS[crosswise](other, case, who))
    assert sum(isinstance(result, Conflict) for result in results) == 1, results
    assert_whole()


def test_a_word_from_the_customer_during_a_merge_arrives_at_the_survivor(pair):
    case, other = pair
    who = UserFactory()
    at_once(
        lambda: services.merge_cases(duplicate_id=case.pk, survivor_id=other.pk, by=who, now=NOW),
        lambda: services.receive_contact(case_id=case.pk, channel="email", author="Maria", body="And?", at=NOW),
    )
    contact = Contact.objects.get(body="And?")
    assert contact.case_id in (other.pk, case.pk)
    merged = Case.objects.get(pk=case.pk).merged_into_id
    assert other.pk in (contact.case_id, merged)  # said before the merge, shown by the survivor
    assert_whole()
