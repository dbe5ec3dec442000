"""The timeline is the truth: append-only, complete, and equal to the columns."""

import uuid
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from makegood.engines.clocks import Clock, Clocks, Fact, Targets, fold
from makegood.engines.clocks.course import begun
from makegood.ground.staff.models import User
from makegood.recover.cases import services
from makegood.recover.cases.errors import CaseAlreadyResolved, CaseChanged, CaseExists, CaseNotResolved
from makegood.recover.cases.models import Case, CaseEvent, Outcome, Queue, Status
from makegood.recover.cases.replay import columns_of, replay
from makegood.recover.cases.service_levels.levels import Traits, load
from makegood.recover.cases.service_levels.models import Calendar, CalendarUse, Target
from makegood.recover.cases.services.timeline import lock_case, record

MakeCase = Callable[..., Case]


def assert_replays(case_id: object) -> None:
    case = Case.objects.get(pk=case_id)
    events = list(CaseEvent.objects.filter(case_id=case_id).order_by("seq"))
    assert [event.seq for event in events] == list(range(1, case.version + 1))
    assert replay(events) == columns_of(case)


def test_a_new_case_says_why_in_words(make_case: MakeCase):
    case = make_case()
    opened, triaged, contact = CaseEvent.objects.filter(case=case).order_by("seq")
    assert opened.why == "Maria wrote."
    assert "High severity." in triaged.why
    assert contact.facts["direction"] == "in"
    assert_replays(case.pk)


def test_events_refuse_update_and_delete(make_case: MakeCase):
    event = CaseEvent.objects.filter(case=make_case()).first()
    assert event
    for attempt in (
        lambda: CaseEvent.objects.filter(pk=event.pk).update(why="otherwise"),
        lambda: CaseEvent.objects.filter(pk=event.pk).delete(),
        lambda: connection.cursor().execute("DELETE FROM cases_caseevent"),
    ):
        with pytest.raises(ProgrammingError, match="Cannot"), transaction.atomic():
            attempt()


def assert_clocks_follow_the_timeline(case_id: object, now: datetime) -> None:
    """What the case says of its clocks, against what the events alone tell of them."""
    case = Case.objects.select_related("customer").get(pk=case_id)
    opened, *rest = CaseEvent.objects.filter(case_id=case_id).order_by("seq")
    course, status = begun(opened.at, spoke=bool(opened.changes["channel"])), opened.changes["status"]
    for event in rest:
        if event.kind == "contact" and event.facts["contact"] == first_words(case):
            continue  # these opened it
        after = event.changes.get("status", status)
        course, status = fold(course, facts_in(event, status, after)), after
    traits = Traits(case.severity, case.tier, case.channel, "", case.queue_id, None)
    levels = load([])
    aims = {clock: levels.aim(clock, traits) for clock in Clock}
    targets = Targets(
        *(aims[clock].target for clock in Clock),
        stops_for_partner=frozenset(clock for clock in Clock if aims[clock].stops_for_partner),
    )
    clocks = Clocks.read(course, levels.calendar(traits), targets, now)
    answer = clocks.next or (clocks.first if course.answer_from else None)
    if case.resolved_at:
        assert (case.answer_due_at, case.notice_at) == (None, None)
        return
    assert case.answer_due_at == (answer.due if answer else None)
    assert case.resolve_due_at == clocks.resolution.due
    assert case.due_at == min(filter(None, [case.answer_due_at, case.resolve_due_at]), default=None)


WAITS = {"waiting_customer": "customer", "waiting_partner": "partner"}


def first_words(case: Case) -> str:
    """The contact that opened the case, where one did."""
    first = case.contacts.filter(at=case.opened_at, direction="in").values_list("pk", flat=True).first()
    return str(first)


def facts_in(event: CaseEvent, before: str, after: str) -> list[Fact]:
    """An event as clocks see it."""
    found = [Fact("reopened", event.at)] if before == "resolved" != after else []
    if event.kind == "contact":
        found.append(Fact("spoke" if event.facts["direction"] == "in" else "answered", event.at))
    if after != before and after == "resolved":
        found.append(Fact("resolved", event.at))
    elif after != before and after in WAITS:
        found.append(Fact("waits", event.at, WAITS[after]))
    elif after != before and before in WAITS:
        found.append(Fact("goes_on", event.at))
    return found


def raise_severity(case_id: uuid.UUID, now: datetime) -> None:
    case = lock_case(case_id)
    record(case, CaseEvent.Kind.ESCALATED, at=now, changes={"severity": max(1, case.severity - 1)})


STEPS = st.lists(
    st.sampled_from(["assign", "unassign", "note", "reply", "wait", "call", "contact", "faulty", "late", "wait_partner",
                     "wait_customer", "go_on", "raise", "resolve", "reopen"]),
    max_size=12,
)  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS, minutes=st.sampled_from([7, 700]), silent=st.booleans(), stops=st.booleans(), office=st.booleans())
def test_any_sequence_of_work_replays_to_the_same_columns_and_clocks(
    steps: list[str], minutes: int, silent: bool, stops: bool, office: bool, make_case: MakeCase, ana: User,
    noon: datetime,
):  # fmt: skip
    with transaction.atomic():
        Target.objects.filter(severity=2).update(stops_for_partner=stops)
        if office:
            CalendarUse.objects.create(
                calendar=Calendar.objects.get(name="Weekdays 9 to 17"), queue=Queue.objects.get(slug="delivery")
            )
        case_id = make_case(**({"contact": None} if silent else {})).pk
        now = noon
        for step in steps:
            now += timedelta(minutes=minutes)
            act = {
                "assign": lambda: services.assign_case(case_id=case_id, to=ana, by=ana, now=now),
                "unassign": lambda: services.assign_case(case_id=case_id, to=None, by=ana, now=now),
                "note": lambda: services.add_note(case_id=case_id, body="Looked into it.", by=ana, now=now),
                "reply": lambda: services.reply(case_id=case_id, body="On it.", by=ana, now=now),
                "wait": lambda: services.reply(case_id=case_id, body="Which colour?", by=ana, now=now, wait=True),
                "call": lambda: services.log_call(case_id=case_id, body="Told her.", by=ana, now=now),
                "contact": lambda: services.receive_contact(
                    case_id=case_id, channel="email", author="maria@example.com", body="And?", at=now
                ),
                "faulty": lambda: services.change_reason(case_id=case_id, reason="product.faulty", by=ana, now=now),
                "late": lambda: services.change_reason(case_id=case_id, reason="delivery.late", by=ana, now=now),
                "wait_partner": lambda: services.change_status(
                    case_id=case_id, status=Status.WAITING_PARTNER, by=ana, now=now
                ),
                "wait_customer": lambda: services.change_status(
                    case_id=case_id, status=Status.WAITING_CUSTOMER, by=ana, now=now
                ),
                "go_on": lambda: services.change_status(case_id=case_id, status=Status.OPEN, by=ana, now=now),
                "raise": lambda: raise_severity(case_id, now),
                "resolve": lambda: services.resolve_case(
                    case_id=case_id, outcome=Outcome.RECOVERED, cause="Lost in the depot", by=ana, now=now
                ),
                "reopen": lambda: services.reopen_case(case_id=case_id, why="She wrote again.", by=ana, now=now),
            }[step]
            try:
                act()
            except (CaseAlreadyResolved, CaseNotResolved):
                pass
            assert_clocks_follow_the_timeline(case_id, now)
        assert_replays(case_id)
        transaction.set_rollback(True)


def test_a_second_resolve_is_refused_and_changes_nothing(make_case: MakeCase, noon: datetime, ana: User):
    case = make_case()
    services.resolve_case(case_id=case.pk, outcome=Outcome.RECOVERED, cause="", by=ana, now=noon)
    with pytest.raises(CaseAlreadyResolved):
        services.resolve_case(case_id=case.pk, outcome=Outcome.LOST, cause="", by=ana, now=noon)
    case.refresh_from_db()
    assert case.outcome == Outcome.RECOVERED


def test_a_write_on_an_old_version_is_refused(make_case: MakeCase, noon: datetime, ana: User, ben: User):
    case = make_case()
    services.assign_case(case_id=case.pk, to=ana, by=ana, now=noon, seen=case.version)
    with pytest.raises(CaseChanged):
        services.assign_case(case_id=case.pk, to=ben, by=ben, now=noon, seen=case.version)
    case.refresh_from_db()
    assert case.assignee == ana


def test_the_database_refuses_a_resolved_case_without_outcome(make_case: MakeCase, noon: datetime):
    with pytest.raises(IntegrityError, match="case_resolved_has_outcome"), transaction.atomic():
        Case.objects.filter(pk=make_case().pk).update(resolved_at=noon)


def test_one_open_case_per_customer_order_and_reason(make_case: MakeCase):
    make_case()
    with pytest.raises(ValueError, match="not enough values"):
        make_case()
    assert Case.objects.count() == 1


def test_a_reason_that_another_open_case_has_is_refused(make_case: MakeCase, noon: datetime, ana: User):
    first, second = make_case(), make_case(reason="product.damaged")
    with pytest.raises(CaseExists, match=f"C-{first.number}"):
        services.change_reason(case_id=second.pk, reason="delivery.not_received", by=ana, now=noon)
    assert_replays(second.pk)


def test_a_thank_you_does_not_reopen(make_case: MakeCase, noon: datetime, ana: User):
    case = make_case()
    services.resolve_case(case_id=case.pk, outcome=Outcome.RECOVERED, cause="", by=ana, now=noon)
    services.receive_contact(case_id=case.pk, channel="email", author="maria@example.com", body="Thank you!", at=noon)
    case.refresh_from_db()
    assert case.status == Status.RESOLVED


def test_opening_costs_the_same_number_of_queries_for_one_and_for_many(
    make_case, shop, noon, django_assert_max_num_queries
):
    from makegood.ground.retail.models import Customer

    make_case()
    people = Customer.objects.bulk_create(
        [Customer(source=shop, ref=f"K-{n}", name=f"Customer {n}") for n in range(50, 90)]
    )
    new = [
        services.NewCase(reason="delivery.late", subject="Late", why="It came late.", at=noon, customer_id=p.pk,
                         contact=services.FirstContact(channel="review", body="late"))
        for p in people
    ]  # fmt: skip
    with django_assert_max_num_queries(11):
        assert len(services.open_cases(new)) == 40


def test_severity_follows_the_facts_and_says_so(make_case: MakeCase):
    case = make_case(
        reason="delivery.late", loyalty_tier="gold", late_by=timedelta(days=9), distress=[("chargeback", "my bank")]
    )
    why = CaseEvent.objects.get(case=case, kind="triaged").why
    assert case.severity == 1
    assert "Gold customer." in why
    assert "9 days late." in why
    assert "“my bank”" in why
