"""The promise register: made, kept, let go, handed over, and never in the way of the truth."""

import json
from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from makegood.ground.staff.models import Role, User
from makegood.recover.cases.errors import CommitmentStillOpen
from makegood.recover.cases.models import Case, CaseEvent, Outcome
from makegood.recover.cases.replay import columns_of, replay
from makegood.recover.cases.services import resolve_case
from makegood.recover.cases.services.bulk import Entry, lock_cases, write_entries
from makegood.recover.cases.services.handling import ended
from makegood.recover.commitments import services
from makegood.recover.commitments.errors import (
    CannotUndo,
    CaseIsResolved,
    CommitmentEnded,
    KeptInTheFuture,
    NobodyOwnsIt,
    NothingPromised,
    SayWhoAgreed,
    WhenNotUnderstood,
)
from makegood.recover.commitments.models import Commitment, NoticeKind, State, To

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


@pytest.fixture
def case(make_case) -> Case:
    return make_case()


@pytest.fixture
def make(case, ana, noon):
    def promised(**details):
        told = {"text": "Call her about the parcel", "kind": "call", "due_at": noon + DAY, "owner": ana, "by": ana,
                "now": noon, "case_id": case.pk}  # fmt: skip
        return services.promise(**told | details)

    return promised


def resolve(case, ana, now):
    return resolve_case(case_id=case.pk, outcome=Outcome.RECOVERED, cause="", by=ana, now=now)


def done(case) -> list[str]:
    return [e.facts["did"] for e in CaseEvent.objects.filter(case=case, kind="commitment").order_by("seq")]


# -- made


def test_a_promise_has_a_number_an_owner_and_an_event(make, case, ana, noon):
    made = make(said_as="tomorrow noon")
    made.refresh_from_db()
    assert (made.state, made.owner, made.first_due_at) == (State.OPEN, ana, made.due_at)
    event = CaseEvent.objects.get(case=case, kind="commitment")
    assert event.facts["number"] == made.number
    assert event.facts["did"] == "made"
    assert "parcel" not in json.dumps(event.facts)  # words of people stay out of events


def test_a_promise_needs_words_and_a_time_ahead(make, noon):
    with pytest.raises(NothingPromised):
        make(text="  ")
    with pytest.raises(WhenNotUnderstood, match="passed"):
        make(due_at=noon)
    assert not Commitment.objects.exists()


def test_only_a_promise_to_a_colleague_may_stand_alone(make, noon):
    make(case_id=None, to=To.COLLEAGUE)
    with pytest.raises(IntegrityError, match="commitment_without_case_is_for_colleagues"), transaction.atomic():
        make(case_id=None)


# -- ended


def test_kept_in_time_late_and_noted_afterwards(make, ana, noon):
    early, late, noted = make(), make(kind="answer"), make(kind="refund")
    assert services.keep(commitment_id=early.pk, by=ana, now=noon + HOUR).state == State.KEPT
    assert services.keep(commitment_id=late.pk, by=ana, now=noon + 2 * DAY).state == State.KEPT_LATE
    # Noted late, but the money left in time.
    assert services.keep(commitment_id=noted.pk, by=ana, now=noon + 3 * DAY, at=noon + HOUR).state == State.KEPT


@pytest.mark.parametrize("hours", [-1, 3])
def test_it_is_kept_neither_before_it_was_made_nor_in_the_future(make, ana, noon, hours):
    with pytest.raises(KeptInTheFuture):
        services.keep(commitment_id=make().pk, by=ana, now=noon + 2 * HOUR, at=noon + hours * HOUR)


def test_release_needs_somebody_who_agreed(make, ana, noon):
    made = make()
    with pytest.raises(SayWhoAgreed):
        services.release(commitment_id=made.pk, agreed_by=" ", by=ana, now=noon)
    released = services.release(commitment_id=made.pk, agreed_by="Maria, by phone", by=ana, now=noon + HOUR)
    assert (released.state, released.agreed_by) == (State.RELEASED, "Maria, by phone")


def test_who_comes_second_is_told(make, ana, ben, noon):
    made = make()
    services.break_commitment(commitment_id=made.pk, by=ben, now=noon + HOUR, why="No parts.")
    with pytest.raises(CommitmentEnded, match="broken"):
        services.keep(commitment_id=made.pk, by=ana, now=noon + HOUR)
    assert Commitment.objects.get().state == State.BROKEN


def test_the_chain_stays_visible_and_the_first_date_counts(make, case, ana, noon):
    first = make()
    second = services.supersede(
        commitment_id=first.pk, text="Call her on Monday", kind="call", due_at=noon + 4 * DAY, by=ana, now=noon + HOUR
    )
    third = services.supersede(
        commitment_id=second.pk, text="Call her on Tuesday", kind="call", due_at=noon + 5 * DAY, by=ana, now=noon + HOUR
    )
    first.refresh_from_db()
    assert (first.state, first.superseded_by, third.supersedes) == (State.SUPERSEDED, second, second)
    assert third.first_due_at == first.due_at
    assert done(case) == ["made", "superseded", "superseded"]


# -- undone


def test_a_wrong_click_is_taken_back_and_both_stay_on_the_timeline(make, case, ana, noon):
    made = make()
    services.keep(commitment_id=made.pk, by=ana, now=noon + HOUR)
    services.undo(commitment_id=made.pk, by=ana, now=noon + HOUR)
    made.refresh_from_db()
    assert (made.state, made.ended_at, made.next_notice) == (State.OPEN, None, NoticeKind.REMINDER)
    assert done(case) == ["made", "kept", "undone"]


def test_taking_back_another_date_opens_the_first_again(make, ana, noon):
    first = make()
    second = services.supersede(
        commitment_id=first.pk, text="Later", kind="call", due_at=noon + 4 * DAY, by=ana, now=noon
    )
    assert services.undo(commitment_id=second.pk, by=ana, now=noon).pk == first.pk
    assert [c.state for c in Commitment.objects.order_by("number")] == [State.OPEN, State.RELEASED]


def test_what_was_promised_is_not_undone_by_others_or_later(make, ana, ben, noon):
    made = make()
    for who, when in ((ben, noon), (ana, noon + HOUR)):
        with pytest.raises(CannotUndo):
            services.undo(commitment_id=made.pk, by=who, now=when)


# -- cases


def test_a_case_with_an_open_promise_is_not_resolved(make, case, ana, noon):
    made = make()
    with pytest.raises(CommitmentStillOpen, match=f"Call her about the parcel \\(P-{made.number}, Ana\\)"):
        resolve(case, ana, noon)
    assert Case.objects.get(pk=case.pk).resolved_at is None
    services.keep(commitment_id=made.pk, by=ana, now=noon + HOUR)
    assert resolve(case, ana, noon + HOUR).resolved_at


def test_neither_many_at_once_nor_raw_sql_resolve_it(make, case, ana, noon):
    make()
    with transaction.atomic():
        [held] = lock_cases(customers=[], numbers=[case.number])
        end = Entry(
            case=held, kind=CaseEvent.Kind.RESOLVED, at=noon, changes=ended(held, "recovered", "", ana.pk, noon, "")
        )
        with pytest.raises(CommitmentStillOpen), transaction.atomic():
            write_entries([end])
    with pytest.raises(IntegrityError, match="open promise"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE cases_case SET resolved_at = now(), outcome = 'lost', status = 'resolved'")


def test_nothing_is_promised_on_a_resolved_case(make, case, ana, noon):
    made = make()
    services.keep(commitment_id=made.pk, by=ana, now=noon)
    resolve(case, ana, noon)
    with pytest.raises(CaseIsResolved):
        make()
    with pytest.raises(CaseIsResolved):
        services.undo(commitment_id=made.pk, by=ana, now=noon)
    with pytest.raises(IntegrityError, match="resolved case"), transaction.atomic():
        Commitment.objects.filter(pk=made.pk).update(state=State.OPEN, ended_at=None, ended_by=None)


def test_columns_still_equal_the_replayed_events(make, case, ana, noon):
    made = make()
    services.keep(commitment_id=made.pk, by=ana, now=noon)
    resolve(case, ana, noon)
    fresh = Case.objects.get(pk=case.pk)
    assert replay(CaseEvent.objects.filter(case=case).order_by("seq")) == columns_of(fresh)


# -- owners


def test_an_open_promise_always_has_an_owner_who_works_here(make, ana, ben, case, noon):
    made = make()
    with pytest.raises(IntegrityError, match="cannot leave"), transaction.atomic():
        User.objects.filter(pk=ana.pk).update(is_active=False)
    assert services.hand_over(commitment_ids=[made.pk], to=ben, by=ana, now=noon, why="I leave.") == [made]
    User.objects.filter(pk=ana.pk).update(is_active=False)
    ana.refresh_from_db()
    with pytest.raises(NobodyOwnsIt):
        services.hand_over(commitment_ids=[made.pk], to=ana, by=ben, now=noon)
    with pytest.raises(NobodyOwnsIt):
        make(owner=ana)
    assert done(case) == ["made", "moved"]


def test_the_administration_says_what_stands_in_the_way_of_leaving(make, client, ana):
    make()
    admin = User.objects.create_superuser("ada", "ada@example.com", "x", role=Role.ADMINISTRATOR)
    client.force_login(admin, backend="django.contrib.auth.backends.ModelBackend")
    page = f"/admin/staff/user/{ana.pk}/change/"
    answer = client.post(page, {"username": "ana", "role": "specialist", "email": "", "places": []})
    assert answer.status_code == 200
    assert b"Ana still owns 1 open promise" in answer.content
    ana.refresh_from_db()
    assert ana.is_active


def test_promises_are_kept_on_file(make):
    from django.db import ProgrammingError

    with pytest.raises(ProgrammingError, match="Cannot delete"), transaction.atomic():
        Commitment.objects.filter(pk=make().pk).delete()
