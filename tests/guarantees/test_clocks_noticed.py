"""No clock runs out unnoticed: 10,000 run out while workers are killed without warning; each is told exactly once."""

import os
import random
import signal
import statistics
import subprocess
import sys
import time
from collections import Counter
from datetime import datetime, timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from makegood.ground.messages.models import Notice
from makegood.recover.cases.models import Case, CaseEvent
from makegood.recover.cases.replay import columns_of, replay
from makegood.recover.cases.service_levels.models import Target
from makegood.recover.cases.services import NewCase, open_cases, plant_defaults
from makegood.recover.cases.services.bulk import Entry, lock_cases, write_entries
from tests.factories import colleague
from tests.guarantees.test_messages_once import database_url, wait_until

CLOCKS = 10_000
KILLS = 5
SPREAD = timedelta(seconds=40)  # within which they run out, while the workers run
FIRST_WORD = timedelta(hours=8)  # until a failure of high severity that nobody has told us of yet is spoken of

# A worker that looks all the time instead of once a minute, so that the kills fall into its work.
WORKER = """
import time
from makegood.app.cli.start import set_up
set_up()
from django.utils import timezone
from makegood.recover.cases.service_levels.noticing import tell_due
while True:
    tell_due(now=timezone.now())
    time.sleep(0.05)
"""


def open_many(count: int, *, first_due: datetime) -> None:
    """Cases of Ana's whose clocks run out one after the other, each warning of it shortly before."""
    plant_defaults()
    Target.objects.update(warn_percent=99)
    begin = first_due - FIRST_WORD
    with transaction.atomic():
        open_cases([
            NewCase(reason="delivery.not_received", subject=f"Parcel {n}", why="It is late.",
                    at=begin + SPREAD * n / count)
            for n in range(count)
        ])  # fmt: skip
        ana = colleague("ana")
        held = lock_cases(customers=[], numbers=list(Case.objects.values_list("number", flat=True)))
        write_entries([
            Entry(case=case, kind=CaseEvent.Kind.ASSIGNED, at=case.opened_at, changes={"assignee_id": ana.pk})
            for case in held
        ])  # fmt: skip


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_killed_workers_miss_no_clock_and_tell_of_none_twice():
    colleague("mia")  # leads the company: is told of every clock that ran out
    began = time.monotonic()
    open_many(200, first_due=timezone.now() + timedelta(days=2))  # how long that takes here
    lead = timedelta(seconds=10 + 2 * (time.monotonic() - began) * CLOCKS / 200)
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE cases_case, outbox_notice CASCADE")
    open_many(CLOCKS, first_due=timezone.now() + lead)
    assert Case.objects.filter(answer_due_at__gt=timezone.now()).count() == CLOCKS, "made too slowly to be watched"

    environment = {**os.environ, "DATABASE_URL": database_url()}
    workers: list[subprocess.Popen[bytes]] = []

    def hire() -> None:
        workers.append(subprocess.Popen([sys.executable, "-c", WORKER], env=environment))

    told = Notice.objects.filter(key__contains=":first.breach:")
    chance = random.Random(5)
    hire()
    hire()
    try:
        for kill in range(KILLS):
            goal = 2 * CLOCKS * (kill + 1) // (KILLS + 2)
            wait_until(lambda goal=goal: told.count() >= goal, 300)
            time.sleep(chance.random() * 0.05)
            victim = workers.pop(chance.randrange(len(workers)))
            os.kill(victim.pid, signal.SIGKILL)
            victim.wait()
            hire()
        wait_until(lambda: told.count() >= 2 * CLOCKS, 300)
        time.sleep(1)  # in which nothing more may come
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()

    counts = Counter(told.values_list("about", "to__username"))
    assert len(counts) == 2 * CLOCKS, "a notice is missing"
    assert set(counts.values()) == {1}, "somebody was told twice"
    said = Counter(
        CaseEvent.objects.filter(kind="clock", facts__clocks__contains=["first.breach"]).values_list("case", flat=True)
    )
    assert len(said) == CLOCKS
    assert set(said.values()) == {1}, "the timeline says it twice"
    due_at = {f"case:{pk}": at for pk, at in Case.objects.values_list("pk", "answer_due_at")}
    delays = [(at - due_at[about]).total_seconds() for about, at in told.values_list("about", "at")]
    assert min(delays) >= 0, "a notice came before its time"
    for case in Case.objects.order_by("?")[:50]:
        assert replay(CaseEvent.objects.filter(case=case).order_by("seq")) == columns_of(case)
    print(f"median delay of {len(delays):,} notices: {statistics.median(delays):.2f} s, longest {max(delays):.2f} s")
