"""Who watches a case hears what happens to it, and nothing of what they did themselves."""

from datetime import timedelta

import pytest

from makegood.ground.messages.models import Notice
from makegood.ground.retail.models import Place
from makegood.recover.cases import services
from makegood.recover.cases.errors import CaseMerged, ColleagueCannotSee
from makegood.recover.cases.models import Watch
from makegood.recover.cases.queries import queue
from makegood.recover.cases.queries.case import the_case
from makegood.recover.commitments.services import break_commitment, promise

HAND_OVER = services.HandOver(happened="Lost.", promised="nothing", needed="A replacement.")


def heard(user) -> list[str]:
    return [notice.text.split(":")[0] for notice in Notice.objects.filter(to=user).order_by("pk")]


def watched(user) -> list[int]:
    return [row.number for row in queue.page(queue.Filters(assignee="watched"), me=user, places=None).rows]


def customer_writes(case, at):
    services.receive_contact(case_id=case.pk, channel="email", author="Maria", body="And now?", at=at)


def test_who_watches_is_told_of_what_happens_but_not_of_their_own_doing(make_case, ana, ben, noon):
    case = make_case()
    services.watch_case(case_id=case.pk, user=ben, by=ben, now=noon)
    customer_writes(case, noon)
    services.add_note(case_id=case.pk, body="Nothing to see", by=ana, now=noon)
    services.reply(case_id=case.pk, body="We look.", by=ana, now=noon)
    services.escalate_case(case_id=case.pk, hand_over=HAND_OVER, tier="manager", by=ana, now=noon)
    services.resolve_case(case_id=case.pk, outcome="lost", cause="", by=ana, now=noon)
    services.reopen_case(case_id=case.pk, why="x", by=ben, now=noon)
    services.resolve_case(case_id=case.pk, outcome="lost", cause="", by=ben, now=noon)
    assert heard(ben) == [f"The customer spoke in {case}", f"{case} was escalated", f"{case} was resolved"]
    assert not Notice.objects.exclude(to=ben).exists()


def test_a_broken_promise_is_told_and_a_made_one_is_not(make_case, ana, ben, noon):
    case = make_case()
    services.watch_case(case_id=case.pk, user=ben, by=ben, now=noon)
    made = promise(text="Call", kind="call", due_at=noon + timedelta(hours=1), owner=ana, by=ana, now=noon,
                   case_id=case.pk)  # fmt: skip
    assert heard(ben) == []
    break_commitment(commitment_id=made.pk, by=ana, now=noon + timedelta(hours=2))
    assert heard(ben) == [f"A promise was broken in {case}"]


def test_a_colleague_who_is_asked_to_watch_is_told_once_and_the_timeline_says_so(make_case, ana, ben, noon):
    case = make_case()
    for _ in range(2):
        services.watch_case(case_id=case.pk, user=ben, by=ana, now=noon)
    assert heard(ben) == [f"Ana asks you to watch {case}"]
    assert case.events.filter(kind="watched").get().facts == {"who": "Ben"}
    services.unwatch_case(case_id=case.pk, user=ben)
    customer_writes(case, noon)
    assert len(heard(ben)) == 1


def test_who_is_named_in_a_note_watches_from_then_on(make_case, ana, ben, noon):
    case = make_case()
    services.add_note(case_id=case.pk, body="@ben, look", by=ana, now=noon)
    customer_writes(case, noon)
    assert heard(ben)[-1] == f"The customer spoke in {case}"


def test_nobody_is_led_to_what_they_may_not_see(make_case, ana, ben, noon, shop):
    case = make_case()
    services.watch_case(case_id=case.pk, user=ben, by=ben, now=noon)
    ben.places.add(Place.objects.create(source=shop, ref="S-9", name="Elsewhere", kind="store"))
    customer_writes(case, noon)
    assert heard(ben) == []
    with pytest.raises(ColleagueCannotSee, match="Ben does not see"):
        services.watch_case(case_id=case.pk, user=type(ben).objects.get(pk=ben.pk), by=ana, now=noon)


def test_watchers_go_along_when_cases_are_merged_and_return_when_that_is_undone(make_case, ana, ben, noon):
    survivor, duplicate = make_case(), make_case(reason="delivery.late")
    services.watch_case(case_id=duplicate.pk, user=ben, by=ben, now=noon)
    assert watched(ben) == [duplicate.number]
    services.merge_cases(duplicate_id=duplicate.pk, survivor_id=survivor.pk, by=ana, now=noon)
    assert heard(ben) == [f"{duplicate} was merged into {survivor}"]
    assert watched(ben) == [survivor.number]
    assert the_case(survivor.number, places=None).watchers == [("Ben", ben.pk)]
    customer_writes(duplicate, noon)
    assert heard(ben)[-1] == f"The customer spoke in {survivor}"
    with pytest.raises(CaseMerged):
        services.watch_case(case_id=duplicate.pk, user=ana, by=ana, now=noon)

    services.undo_merge(case_id=duplicate.pk, by=ana, now=noon)
    assert watched(ben) == [duplicate.number]
    customer_writes(survivor, noon + timedelta(hours=1))
    assert len(heard(ben)) == 2


def test_who_watches_both_is_told_once_and_stops_for_both(make_case, ana, ben, noon):
    survivor, duplicate = make_case(), make_case(reason="delivery.late")
    for case in (survivor, duplicate):
        services.watch_case(case_id=case.pk, user=ben, by=ben, now=noon)
    services.merge_cases(duplicate_id=duplicate.pk, survivor_id=survivor.pk, by=ana, now=noon)
    assert heard(ben) == [f"{duplicate} was merged into {survivor}"]
    services.unwatch_case(case_id=survivor.pk, user=ben)
    assert not Watch.objects.exists()
