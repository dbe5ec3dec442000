"""Warnings before, breach after, escalation by rule: each told once, to whom it concerns."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import connection, transaction
from tests.factories import PlaceFactory

from makegood.ground.messages.models import Notice
from makegood.ground.staff.leads import leads_of
from makegood.ground.staff.models import Role, User
from makegood.recover.cases import services
from makegood.recover.cases.models import Case, CaseEvent, Queue, Severity, Status
from makegood.recover.cases.replay import columns_of, replay
from makegood.recover.cases.service_levels.following import TOLD_FOR
from makegood.recover.cases.service_levels.models import Escalation, Target
from makegood.recover.cases.service_levels.noticing import tell_due
from makegood.recover.cases.service_levels.retiming import retime_open

MakeCase = Callable[..., Case]
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def mia(db: None) -> User:
    return User.objects.create_user("mia", role=Role.MANAGER)


def told(user: User) -> list[str]:
    return list(Notice.objects.filter(to=user).order_by("id").values_list("text", flat=True))


def clock_events(case: Case) -> list[str]:
    return list(CaseEvent.objects.filter(case=case, kind="clock").order_by("seq").values_list("why", flat=True))


def assert_replays(case: Case) -> None:
    assert replay(CaseEvent.objects.filter(case=case).order_by("seq")) == columns_of(Case.objects.get(pk=case.pk))


@pytest.fixture
def mine(make_case: MakeCase, ana: User, noon: datetime) -> Case:
    """A case of high severity that Ana has: four hours to the first answer, two days to the end."""
    case = make_case()
    return services.assign_case(case_id=case.pk, to=ana, by=ana, now=noon)


def test_nothing_is_told_before_its_time(mine: Case, noon: datetime):
    assert tell_due(now=noon + 3 * HOUR - MINUTE) == 0


def test_a_warning_and_then_the_breach_are_told_once(mine: Case, ana: User, mia: User, noon: datetime):
    assert tell_due(now=noon + 3 * HOUR) == 1
    assert tell_due(now=noon + 3 * HOUR + MINUTE) == 0
    assert told(ana) == [f"C-{mine.number}, Not received: First answer is due in 1 h."]
    assert told(mia) == []
    assert tell_due(now=noon + 4 * HOUR) == 1
    assert tell_due(now=noon + 5 * HOUR) == 0
    assert told(ana)[1:] == told(mia) == [f"C-{mine.number}, Not received: First answer is overdue."]
    assert clock_events(mine) == ["First answer is due in 1 h.", "First answer is overdue."]
    assert_replays(mine)


def test_whoever_was_away_is_told_the_breach_not_the_warning(mine: Case, ana: User, noon: datetime):
    assert tell_due(now=noon + 6 * HOUR) == 1
    assert told(ana) == [f"C-{mine.number}, Not received: First answer is overdue."]


def test_an_answer_in_time_leaves_nothing_to_tell_but_the_resolution(mine: Case, ana: User, noon: datetime):
    services.log_call(case_id=mine.pk, body="On it.", by=ana, now=noon + HOUR)
    assert tell_due(now=noon + 30 * HOUR) == 0
    assert tell_due(now=noon + 36 * HOUR) == 1
    assert told(ana) == [f"C-{mine.number}, Not received: Resolution is due in 12 h."]


def test_while_it_waits_on_the_customer_nobody_is_told(mine: Case, ana: User, noon: datetime):
    services.log_call(case_id=mine.pk, body="Which colour?", by=ana, now=noon + HOUR, wait=True)
    assert Case.objects.get(pk=mine.pk).notice_at is None
    assert tell_due(now=noon + 100 * HOUR) == 0


def test_a_resolved_case_is_silent(mine: Case, ana: User, noon: datetime):
    services.resolve_case(case_id=mine.pk, outcome="recovered", cause="", by=ana, now=noon + HOUR)
    assert tell_due(now=noon + 100 * HOUR) == 0


def test_the_next_answer_has_a_warning_of_its_own(mine: Case, ana: User, noon: datetime):
    tell_due(now=noon + 3 * HOUR)
    services.log_call(case_id=mine.pk, body="On it.", by=ana, now=noon + 3 * HOUR)
    services.receive_contact(case_id=mine.pk, channel="email", author="maria", body="And?", at=noon + 5 * HOUR)
    assert tell_due(now=noon + 8 * HOUR) == 1
    services.log_call(case_id=mine.pk, body="Soon.", by=ana, now=noon + 8 * HOUR)
    services.receive_contact(case_id=mine.pk, channel="email", author="maria", body="And?", at=noon + 9 * HOUR)
    assert tell_due(now=noon + 12 * HOUR) == 1
    assert [text.partition(": ")[2] for text in told(ana)] == [
        "First answer is due in 1 h.", "Next answer is due in 1 h.", "Next answer is due in 1 h."]  # fmt: skip
    assert_replays(mine)


def test_a_clock_with_more_time_may_run_out_again(mine: Case, ana: User, noon: datetime):
    tell_due(now=noon + 4 * HOUR)
    Target.objects.filter(severity=2, channel="").update(first_minutes=10 * 60)
    assert retime_open(now=noon + 5 * HOUR) == 1
    assert retime_open(now=noon + 5 * HOUR) == 0
    assert tell_due(now=noon + 10 * HOUR) == 1
    assert len(told(ana)) == 2  # after four hours, and again after ten
    assert_replays(mine)


def test_a_breach_raises_severity_where_a_rule_says_so(mine: Case, noon: datetime):
    Escalation.objects.create(when="breach", clock="first", deed="raise")
    tell_due(now=noon + 4 * HOUR)
    mine.refresh_from_db()
    assert mine.severity == Severity.CRITICAL
    assert mine.resolve_due_at == noon + 24 * HOUR
    event = CaseEvent.objects.get(case=mine, kind="escalated")
    assert event.why == "First answer is overdue. Severity raised to Critical."
    assert tell_due(now=noon + 5 * HOUR) == 0  # the first answer ran out once
    assert_replays(mine)


def test_what_is_critical_already_is_not_raised(mine: Case, noon: datetime):
    Escalation.objects.create(when="breach", clock="first", deed="raise")
    for _ in range(3):
        tell_due(now=noon + 4 * HOUR)
    services.reply(case_id=mine.pk, body="On it.", by=mine.assignee, now=noon + 4 * HOUR)
    Escalation.objects.create(when="breach", clock="resolution", deed="raise")
    tell_due(now=noon + 48 * HOUR)
    assert CaseEvent.objects.filter(case=mine, kind="escalated").count() == 1


def test_a_warning_moves_a_case_where_a_rule_says_so(mine: Case, noon: datetime):
    other = Queue.objects.exclude(pk=mine.queue_id).first()
    Escalation.objects.create(when="warning", clock="first", deed="move", queue=other)
    tell_due(now=noon + 3 * HOUR)
    mine.refresh_from_db()
    assert mine.queue == other
    assert_replays(mine)


def test_history_is_not_told(make_case: MakeCase, mia: User, noon: datetime):
    make_case()
    assert tell_due(now=noon + TOLD_FOR + 4 * HOUR) == 0
    assert told(mia) == []


def test_what_follows_an_old_breach_is_told_all_the_same(mine: Case, ana: User, noon: datetime):
    late = noon + TOLD_FOR + 48 * HOUR
    services.receive_contact(case_id=mine.pk, channel="email", author="maria", body="And?", at=late)
    services.log_call(case_id=mine.pk, body="On it.", by=ana, now=late)
    services.receive_contact(case_id=mine.pk, channel="email", author="maria", body="And?", at=late + HOUR)
    assert tell_due(now=late + 4 * HOUR) == 1


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_dies_leaves_nothing_half_done(mine: Case, ana: User, noon: datetime):
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        tell_due(now=noon + 4 * HOUR)
        raise ZeroDivisionError
    assert (told(ana), clock_events(mine)) == ([], [])
    assert tell_due(now=noon + 4 * HOUR) == 1
    assert len(told(ana)) == 1


def test_what_is_not_due_costs_nothing(make_case: MakeCase, noon: datetime):
    make_case()
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            "EXPLAIN SELECT id FROM cases_case WHERE notice_at <= now() AND notice_at > now() - interval '7 days'"
            " ORDER BY notice_at LIMIT 1000"
        )
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "case_notice" in plan


def test_many_are_told_in_as_many_statements_as_one(
    make_case: MakeCase, ana: User, noon: datetime, django_assert_max_num_queries
):
    cases = [make_case(customer_id=None, order_id=None) for _ in range(12)]
    Case.objects.filter(pk__in=[case.pk for case in cases]).update(assignee=ana)
    with django_assert_max_num_queries(16):
        assert tell_due(now=noon + 4 * HOUR) == 12
    assert len(told(ana)) == 12


def test_the_nearest_manager_leads_and_else_those_of_the_company(mia: User):
    region = PlaceFactory(kind="region")
    district = PlaceFactory(kind="district", parent=region)
    store, other = PlaceFactory(parent=district), PlaceFactory(parent=region)
    far, near = (User.objects.create_user(name, role=Role.MANAGER) for name in ("far", "near"))
    far.places.add(region)
    near.places.add(district)
    User.objects.create_user("ana", role=Role.SPECIALIST).places.add(store)
    elsewhere = PlaceFactory()
    assert leads_of({store.pk, other.pk, elsewhere.pk, None}) == {
        store.pk: [near], other.pk: [far], elsewhere.pk: [mia], None: [mia]}  # fmt: skip


def test_the_database_refuses_an_open_case_without_a_clock(make_case: MakeCase):
    from django.db import IntegrityError

    case = make_case()
    with pytest.raises(IntegrityError, match="case_due_unless_waiting"), transaction.atomic():
        Case.objects.filter(pk=case.pk).update(due_at=None)
    Case.objects.filter(pk=case.pk).update(due_at=None, status=Status.WAITING_CUSTOMER)
