"""The demo retailer in the database: delivered, replayed, worked, and nothing beyond that."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.contrib.auth.hashers import check_password
from django.db.models import F, Window
from django.db.models.functions import Lag

from makegood.app.demo import findings, loading
from makegood.app.demo.staff import CAST, PASSWORD, SIGN_IN
from makegood.app.demo.work import Crew, Handling, working_time
from makegood.app.demo.year import LONDON, Plan
from makegood.ground.messages.models import Message
from makegood.ground.retail.models import Order, Reject, Source
from makegood.ground.staff.models import Role, User
from makegood.recover.cases.models import Case, CaseEvent, Contact, Queue, Reason, Status
from makegood.recover.cases.replay import COLUMNS, replay
from makegood.recover.cases.services import (
    FirstContact,
    NewCase,
    add_note,
    assign_case,
    change_reason,
    log_call,
    open_cases,
    plant_defaults,
    reopen_case,
    resolve_case,
)
from makegood.recover.cases.services.bulk import write_entries
from makegood.recover.cases.services.handling import ended, given, taken_up, turned
from makegood.recover.commitments.models import Commitment

END = datetime(2026, 3, 1, 8, tzinfo=UTC)
PLAN = Plan(seed=7, end=END, scale=0.05)


def the_year():
    """Everything that happened, in the words and numbers that anybody sees: no identifiers."""
    events = CaseEvent.objects.order_by("case__number", "seq").values_list(
        "case__number", "case__order__ref", "case__customer__ref", "case__reason__code", "seq", "kind", "at",
        "actor__username", "why",
    )  # fmt: skip
    contacts = Contact.objects.order_by("case__number", "at", "body", "author")
    promises = Commitment.objects.order_by("number")
    return (
        list(events),
        list(contacts.values_list("case__number", "at", "channel", "author", "body")),
        list(promises.values_list("number", "case__number", "kind", "text", "made_at", "due_at", "state", "ended_at")),
    )


@pytest.fixture(scope="module")
def twice(django_db_setup, django_db_blocker):
    """The same year played twice, the second time from nothing: what came of each. The second is there to be looked at.

    The importer writes through connections of its own: what it reads must have been committed.
    """
    with django_db_blocker.unblock():
        planted = Reason.objects.exists()
        now = END + timedelta(hours=1)
        loading.play(plan=PLAN, now=now)
        first = the_year()
        played = loading.play(plan=PLAN, now=now, fresh=True)
        yield first, the_year(), played
        loading.wipe()
        if not planted:
            Reason.objects.all().delete()
            Queue.objects.all().delete()


@pytest.fixture(scope="module")
def played(twice):
    return twice[-1]


pytestmark = pytest.mark.django_db


def test_one_seed_is_one_year(twice):
    first, second, _ = twice
    assert all(len(part) > 50 for part in first)
    assert first == second


def test_every_row_is_in(played):
    assert played.imported.rejects == 0
    assert not Reject.objects.exists()
    for counts in played.imported.tables.values():
        assert counts.read == counts.new == counts.new + counts.changed + counts.same + counts.rejected
    assert Order.objects.count() == PLAN.orders


def test_every_contact_has_found_a_case(played):
    heard = played.imported.tables["contacts"].read
    assert Contact.objects.filter(arrival__isnull=False).count() == heard
    assert played.tally.opened == Case.objects.count() > 100


def test_the_columns_of_each_case_equal_its_replayed_events(played):
    for case in Case.objects.defer("search"):
        assert replay(case.events.all()) == {column: getattr(case, column) for column in COLUMNS}


def test_things_happen_one_after_the_other_and_none_in_the_future(played):
    before = Window(Lag("at"), partition_by=F("case_id"), order_by="seq")
    events = CaseEvent.objects.annotate(before=before).values_list("at", "before")
    assert all(last is None or at >= last for at, last in events)
    assert CaseEvent.objects.order_by("-at").values_list("at", flat=True)[0] <= END


def test_nothing_is_handed_to_the_outbox(played):
    assert Contact.objects.filter(direction="out").count() > 100
    assert not Message.objects.exists()


def test_old_cases_are_resolved_and_some_are_open(played):
    old = Case.objects.filter(opened_at__lt=END - timedelta(days=60))
    assert old.filter(resolved_at=None).count() <= 0.02 * old.count()
    still = findings.open_at(END)
    assert 0 < still.overdue < still.total < 0.2 * Case.objects.count()
    assert CaseEvent.objects.filter(kind=CaseEvent.Kind.REOPENED).exists()
    assert {Status.RESOLVED, Status.OPEN} <= set(Case.objects.values_list("status", flat=True))


def test_graver_cases_are_answered_sooner(played):
    def median_wait(severity):
        rows = Case.objects.filter(severity=severity, first_response_at__isnull=False, channel__gt="")
        waits = sorted(at - opened for at, opened in rows.values_list("first_response_at", "opened_at"))
        return waits[len(waits) // 2]

    assert median_wait(2) < median_wait(3)


def test_forty_people_work_there_and_five_may_be_signed_in_as(played):
    assert User.objects.count() == len(CAST) == 40
    can = {user.username for user in User.objects.all() if user.has_usable_password()}
    assert can == set(SIGN_IN) == set(Role.values)
    assert check_password(PASSWORD, User.objects.get(username="analyst").password)
    assert all(user.email.endswith("example.com") for user in User.objects.all())


def test_only_who_may_work_cases_has_some(played):
    roles = set(Case.objects.filter(assignee__isnull=False).values_list("assignee__role", flat=True))
    assert roles <= {Role.ASSOCIATE, Role.SPECIALIST, Role.MANAGER}


def test_what_is_found_can_be_told(played):
    rows = findings.cases_by_reason()
    assert sum(row["cases"] for row in rows) == Case.objects.count()
    assert sum(row["open"] for row in rows) == findings.open_at(END).total


def test_a_database_with_another_source_is_refused(played):
    Source.objects.create(slug="shop", name="A real shop")

    with pytest.raises(loading.NotADemoDatabase, match="A real shop"):
        loading.play(plan=PLAN, now=END, fresh=True)
    assert Order.objects.exists()


def test_a_database_with_another_user_is_refused(played):
    User.objects.create(username="grace")

    with pytest.raises(loading.NotADemoDatabase, match="grace"):
        loading.play(plan=PLAN, now=END, fresh=True)


def test_a_demo_beside_which_something_was_imported_is_kept_as_it_is(played):
    Source.objects.create(slug="olist", name="Olist")

    again = loading.play(plan=PLAN, now=END)
    assert again.kept
    assert again.imported.changed == 0


def test_the_demo_remembers_by_what_plan_it_was_made(played):
    assert loading.played_plan() == PLAN


def test_deeds_in_bulk_leave_what_the_services_leave(played):
    """The same story told twice: once by the services, once as the crew writes it."""
    plant_defaults()
    ana = User.objects.get(username="specialist")
    first, second = open_cases([
        NewCase(reason="product.damaged", subject="Broken", why="Said so.", at=END,
                contact=FirstContact(channel="phone", body="It is broken"))
        for _ in range(2)
    ])  # fmt: skip
    damaged, faulty = Reason.objects.get(code="product.damaged"), Reason.objects.get(code="product.faulty")
    times = [END + timedelta(hours=n) for n in range(1, 7)]

    assign_case(case_id=first.pk, to=ana, by=ana, now=times[0])
    change_reason(case_id=first.pk, reason="product.faulty", by=ana, now=times[1])
    add_note(case_id=first.pk, body="Photo is in.", by=ana, now=times[2])
    log_call(case_id=first.pk, body="A new one is coming.", by=ana, now=times[3], wait=True)
    resolve_case(case_id=first.pk, outcome="recovered", cause="Defect", by=ana, now=times[4])
    reopen_case(case_id=first.pk, why="Again.", by=ana, now=times[5])

    crew = Crew(PLAN, {})
    stored = Case.objects.select_related("customer", "order", "shipment").get(pk=second.pk)
    hands = Handling(stored, Case.objects.select_related("customer").get(pk=second.pk), END)
    draft, kind = hands.draft, CaseEvent.Kind
    crew._record(hands, kind.ASSIGNED, times[0], ana.pk, changes=given(draft, ana.pk))
    crew._record(
        hands,
        kind.REASON,
        times[1],
        ana.pk,
        why=f"From {damaged.name} to {faulty.name}.",
        changes=turned(draft, damaged, faulty),
    )
    crew._note(hands, times[2], ana.pk)
    crew._tell(hands, times[3], ana.pk, "A new one is coming.", wait=True)
    crew._record(
        hands, kind.RESOLVED, times[4], ana.pk, changes=ended(draft, "recovered", "Defect", ana.pk, times[4], "")
    )
    crew._record(hands, kind.REOPENED, times[5], ana.pk, why="Again.", changes=taken_up())
    write_entries(crew._entries)

    def told_by(case):
        return [(e.seq, e.kind, e.at, e.actor_id, e.why, e.changes, sorted(e.facts)) for e in case.events.all()[3:]]

    assert told_by(second) == told_by(first)
    for case in (first, second):
        case.refresh_from_db()
    assert {c: getattr(first, c) for c in COLUMNS} == {c: getattr(second, c) for c in COLUMNS}


@pytest.mark.parametrize(
    ("at", "begins"),
    [
        (datetime(2026, 2, 27, 14, 5, tzinfo=LONDON), datetime(2026, 2, 27, 14, 5, tzinfo=LONDON)),
        (datetime(2026, 2, 27, 21, 0, tzinfo=LONDON), datetime(2026, 2, 28, 8, 0, tzinfo=LONDON)),
        (datetime(2026, 2, 28, 23, 0, tzinfo=LONDON), datetime(2026, 3, 1, 10, 0, tzinfo=LONDON)),
        (datetime(2026, 3, 1, 7, 0, tzinfo=LONDON), datetime(2026, 3, 1, 10, 0, tzinfo=LONDON)),
    ],
)
def test_desks_are_staffed_by_day(at, begins):
    assert working_time(at, 0.0) == begins


@pytest.mark.slow
def test_the_command_plays_once_and_keeps_what_is_there(tmp_path):
    environment = {**os.environ, "MAKEGOOD_HOME": str(tmp_path / "home")}
    for name in ("DATABASE_URL", "MAKEGOOD_LAKE"):
        environment.pop(name, None)

    def demo(*more: str) -> subprocess.CompletedProcess[str]:
        command = [
            sys.executable,
            "-m",
            "makegood",
            "demo",
            "--no-serve",
            "--json",
            "--scale",
            "0.02",
            "--end",
            "2026-03-01",
            *more,
        ]
        environment["PYTHONPATH"] = str(Path(loading.__file__).parents[3])
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)

    first = demo()
    assert first.returncode == 0, first.stderr
    said = json.loads(first.stdout)
    assert said["tables"]["orders"]["new"] == 600
    assert said["rejects"] == 0
    assert said["cases"] == sum(row["cases"] for row in said["by_reason"])

    second = demo()
    assert second.returncode == 0, second.stderr
    said = json.loads(second.stdout)
    assert (said["changed"], said["kept"]) == (0, True)

    ahead = demo("--end", "2999-01-01", "--fresh")
    assert ahead.returncode == 1
    assert "lies ahead" in ahead.stderr
