"""A case that is put off leaves the queue, keeps its dates, and comes back."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from tests.recover.cases.test_timeline import assert_replays

from makegood.errors import MakegoodError
from makegood.recover.cases import services
from makegood.recover.cases.errors import CaseChanged, NothingToSay, NotInTheFuture, NotSnoozed
from makegood.recover.cases.models import Case
from makegood.recover.cases.queries import queue
from makegood.recover.cases.queries.case import timeline
from makegood.recover.cases.views.telling import tell


def snooze(case, ana, noon, **more):
    told = {"until": noon + timedelta(days=2), "why": "The depot looks for it.", "by": ana, "now": noon}
    services.snooze_case(case_id=case.pk, **told | more)


def in_the_queue(ana, **filters):
    return [row.id for row in queue.page(queue.Filters(**filters), me=ana, places=None).rows]


def test_it_leaves_the_queue_and_keeps_its_dates(make_case, ana, noon):
    case = make_case()
    snooze(case, ana, noon)
    assert in_the_queue(ana) == []
    assert in_the_queue(ana, waiting="later") == [case.pk]
    assert in_the_queue(ana, q="parcel") == [case.pk]
    due_at = case.due_at
    case.refresh_from_db()
    assert case.due_at == due_at
    told = tell(timeline(case.pk)[0])
    assert "put it off until" in told.head
    assert told.why == "The depot looks for it."
    assert_replays(case.pk)


def test_it_comes_back_when_its_time_has_come_and_not_before(make_case, ana, noon):
    case, other = make_case(), make_case(reason="product.damaged")
    snooze(case, ana, noon)
    snooze(other, ana, noon, until=noon + timedelta(days=9))
    assert services.wake_due(noon + timedelta(days=1)) == 0
    assert services.wake_due(noon + timedelta(days=2)) == 1
    assert services.wake_due(noon + timedelta(days=2)) == 0
    assert in_the_queue(ana) == [case.pk]
    assert_replays(case.pk)


def test_it_comes_back_when_the_customer_speaks(make_case, ana, noon):
    case = make_case()
    snooze(case, ana, noon)
    services.receive_contact(case_id=case.pk, channel="email", author="Maria", body="And?", at=noon)
    assert in_the_queue(ana) == [case.pk]
    assert_replays(case.pk)


def test_it_can_be_taken_up_before_its_time_once(make_case, ana, noon):
    case = make_case()
    snooze(case, ana, noon)
    services.wake_case(case_id=case.pk, by=ana, now=noon)
    with pytest.raises(NotSnoozed):
        services.wake_case(case_id=case.pk, by=ana, now=noon)
    assert_replays(case.pk)


def test_a_resolved_case_is_not_put_off(make_case, ana, noon):
    case = make_case()
    snooze(case, ana, noon)
    services.resolve_case(case_id=case.pk, outcome="lost", cause="", by=ana, now=noon)
    case.refresh_from_db()
    assert case.snoozed_until is None
    assert_replays(case.pk)
    with pytest.raises(IntegrityError, match="case_resolved_not_snoozed"), transaction.atomic():
        Case.objects.filter(pk=case.pk).update(snoozed_until=noon)


@pytest.mark.parametrize(
    ("wrong", "refusal"),
    [({"why": " "}, NothingToSay), ({"until": None}, NotInTheFuture), ({"seen": 1}, CaseChanged)],
)
def test_what_makes_no_sense_is_refused(make_case, ana, noon, wrong, refusal):
    case = make_case()
    with pytest.raises(refusal) as said:
        snooze(case, ana, noon, **{name: value or noon for name, value in wrong.items()})
    assert isinstance(said.value, MakegoodError)
    case.refresh_from_db()
    assert case.snoozed_until is None


def test_the_look_of_every_minute_reads_only_what_is_due(make_case, ana, noon):
    snooze(make_case(), ana, noon)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT id FROM cases_case WHERE snoozed_until <= now() ORDER BY snoozed_until LIMIT 500"
        )
        assert "case_snoozed" in str(cursor.fetchall())
