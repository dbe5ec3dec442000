"""The timeline is the truth: append-only, complete, and equal to the columns."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import IntegrityError, ProgrammingError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from makegood.ground.staff.models import User
from makegood.recover.cases import services
from makegood.recover.cases.errors import CaseAlreadyResolved, CaseChanged, CaseExists, CaseNotResolved
from makegood.recover.cases.models import Case, CaseEvent, Outcome, Status
from makegood.recover.cases.replay import columns_of, replay

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


STEPS = st.lists(
    st.sampled_from(["assign", "unassign", "note", "reply", "wait", "call", "contact", "faulty", "late", "wait_partner",
                     "resolve", "reopen"]),
    max_size=12,
)  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_any_sequence_of_work_replays_to_the_same_columns(
    steps: list[str], make_case: MakeCase, ana: User, noon: datetime
):
    with transaction.atomic():
        case_id = make_case().pk
        now = noon
        for step in steps:
            now += timedelta(minutes=7)
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
                "resolve": lambda: services.resolve_case(
                    case_id=case_id, outcome=Outcome.RECOVERED, cause="Lost in the depot", by=ana, now=now
                ),
                "reopen": lambda: services.reopen_case(case_id=case_id, why="She wrote again.", by=ana, now=now),
            }[step]
            try:
                act()
            except (CaseAlreadyResolved, CaseNotResolved):
                pass
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
    with django_assert_max_num_queries(10):
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
