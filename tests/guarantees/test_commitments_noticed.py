"""No commitment slips unnoticed: 10,000 come due while workers are killed without warning; each notice exactly once."""

import os
import random
import signal
import statistics
import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta

import pytest
from django.utils import timezone

from makegood.ground.messages.models import Notice
from makegood.recover.commitments.models import Commitment, NoticeKind
from makegood.recover.commitments.queries.people import Leaders
from makegood.recover.commitments.services import noticing
from tests.factories import colleague, open_case
from tests.guarantees.test_messages_once import database_url, wait_until

PROMISES = 10_000
KILLS = 4
SPREAD = timedelta(seconds=20)  # within which they come due, while the workers run

# A worker that looks all the time instead of once a minute, so that the kills fall into its work.
WORKER = """
import time
from makegood.app.cli.start import set_up
set_up()
from django.utils import timezone
from makegood.recover.commitments.services import tell_what_is_due
while True:
    tell_what_is_due(now=timezone.now())
    time.sleep(0.05)
"""


def make_many(count: int, *, first_due, spread: timedelta, notice: str = NoticeKind.DUE) -> None:
    ana, case = colleague("ana"), open_case()
    now = first_due - timedelta(days=1)
    due = [first_due + spread * n / count for n in range(count)]
    Commitment.objects.bulk_create(
        [
            Commitment(
                kind="call", text=f"Call {n}", due_at=at, first_due_at=at, owner=ana, case=case, made_at=now,
                made_by=ana, next_notice=notice, next_notice_at=at,
            )
            for n, at in enumerate(due)
        ],
        batch_size=2000,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_killed_workers_forget_no_commitment_and_tell_of_none_twice():
    colleague("mia")  # leads the company: is told too
    make_many(PROMISES, first_due=timezone.now() + timedelta(seconds=4), spread=SPREAD)
    environment = {**os.environ, "DATABASE_URL": database_url()}
    workers: list[subprocess.Popen[bytes]] = []

    def hire() -> None:
        workers.append(subprocess.Popen([sys.executable, "-c", WORKER], env=environment))

    told = Notice.objects.filter(key__startswith="commitment:")
    chance = random.Random(11)
    hire()
    hire()
    try:
        for kill in range(KILLS):
            goal = 2 * PROMISES * (kill + 1) // (KILLS + 2)
            wait_until(lambda goal=goal: told.count() >= goal, 180)
            time.sleep(chance.random() * 0.05)
            victim = workers.pop(chance.randrange(len(workers)))
            os.kill(victim.pid, signal.SIGKILL)
            victim.wait()
            hire()
        wait_until(lambda: not Commitment.objects.filter(next_notice=NoticeKind.DUE).exists(), 180)
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()

    counts = Counter(told.values_list("about", "to__username"))
    assert len(counts) == 2 * PROMISES, "a notice is missing"
    assert set(counts.values()) == {1}, "somebody was told twice"
    due_at = {f"commitment:{pk}": at for pk, at in Commitment.objects.values_list("pk", "due_at")}
    delays = [(at - due_at[about]).total_seconds() for about, at in told.values_list("about", "at")]
    assert min(delays) >= 0, "a notice came before its time"
    print(f"median delay of {len(delays):,} notices: {statistics.median(delays):.2f} s, longest {max(delays):.2f} s")


@pytest.mark.django_db
def test_what_is_not_due_costs_nothing(django_assert_num_queries):
    from django.db import connection

    now = timezone.now()
    make_many(3000, first_due=now + timedelta(hours=1), spread=timedelta(days=1))
    make_many(5, first_due=now - timedelta(minutes=1), spread=timedelta(seconds=1))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE commitments_commitment")
        cursor.execute(
            "EXPLAIN SELECT FROM commitments_commitment WHERE next_notice_at <= now() ORDER BY next_notice_at LIMIT 9"
        )
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "commitment_notice" in plan
    assert noticing.tell_what_is_due(now=now) == 5
    with django_assert_num_queries(3):  # one look, between the two ends of its transaction
        assert noticing._tell_a_batch(now, Leaders({}, (), {})) == 0


@pytest.mark.django_db
def test_a_reminder_before_a_notice_at_the_moment_an_escalation_after():
    mia = colleague("mia")
    now = timezone.now()
    make_many(1, first_due=now + timedelta(hours=5), spread=timedelta(0), notice=NoticeKind.REMINDER)
    it = Commitment.objects.get()
    Commitment.objects.update(next_notice_at=now + timedelta(hours=1))
    heard: dict[float, list[str]] = {}
    for hours in (0.5, 1, 2, 5, 5.5, 6, 7):
        before = set(Notice.objects.values_list("pk", flat=True))
        noticing.tell_what_is_due(now=now + timedelta(hours=hours, seconds=1))
        fresh = Notice.objects.exclude(pk__in=before)
        heard[hours] = sorted(f"{n.to.username}: {n.text.split(',')[0].split(' ')[0]}" for n in fresh)
    assert {hours: words for hours, words in heard.items() if words} == {
        1: ["ana: Promised"], 5: ["ana: Due", "mia: Due"], 6: ["mia: Overdue"],
    }  # fmt: skip
    it.refresh_from_db()
    assert it.next_notice == NoticeKind.NONE
    assert Notice.objects.filter(to=mia).first().link == f"/cases/C-{it.case.number}/"


@pytest.mark.django_db
def test_after_a_long_silence_nobody_is_reminded_of_what_is_due_already():
    now = timezone.now()
    make_many(1, first_due=now - timedelta(minutes=10), spread=timedelta(0), notice=NoticeKind.REMINDER)
    noticing.tell_what_is_due(now=now)
    assert [notice.text[:7] for notice in Notice.objects.all()] == ["Due now"]
