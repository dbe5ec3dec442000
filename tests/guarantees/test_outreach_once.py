"""An outreach while workers are killed: nobody twice, nobody missing, the holdout untouched, stop stops."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import timedelta
from email import message_from_bytes

import pytest
from django.utils import timezone

from makegood.ground.messages.models import Message
from makegood.prevent.incidents.models import IncidentCase
from makegood.prevent.outreach import services
from makegood.prevent.outreach.models import Outreach, Recipient
from makegood.recover.cases.models import Case, CaseEvent
from tests.factories import colleague
from tests.guarantees.test_messages_once import database_url, wait_until
from tests.prevent.outreach.world import SILENT, URL, a_draft, affect_many, an_incident
from tests.relay import Relay, listening

# A quarter of an hour on two cores: MAKEGOOD_TEST_OUTREACH=100000
PEOPLE = int(os.environ.get("MAKEGOOD_TEST_OUTREACH", "1000"))
KILLS = max(6, PEOPLE // 5000)
PATIENCE = 120 + PEOPLE / 20

# What the worker does every few seconds, all the time, so that the kills fall into its work.
WORKER = """
import time
from makegood.app.cli.start import set_up
set_up()
from django.utils import timezone
from makegood.ground.messages.services import deliver_due
from makegood.prevent.outreach.services import send_due
while True:
    send_due(now=timezone.now())
    deliver_due(now=timezone.now())
    time.sleep(0.02)
"""


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_killed_workers_tell_nobody_twice_and_forget_nobody(settings):  # noqa: PLR0915  one story
    settings.MAKEGOOD_URL = URL
    incident, mia = an_incident(), colleague("mia")
    affect_many(incident, PEOPLE)
    began = time.monotonic()
    outreach = a_draft(incident, holdout=10, remedy="none", amount=None, texts=SILENT)
    services.draw(outreach_id=outreach.pk, now=timezone.now())
    print(f"{PEOPLE:,} people worked out in {time.monotonic() - began:.1f} s")
    people = Recipient.objects.filter(outreach=outreach)
    drawn = dict(people.values_list("customer__email", "arm"))
    to_tell = sum(arm == "told" for arm in drawn.values())
    assert len(drawn) == PEOPLE
    assert to_tell == PEOPLE - round(PEOPLE / 10)

    chance = random.Random(13)
    workers: list[subprocess.Popen[bytes]] = []
    with listening(Relay()) as relay:
        environment = {**os.environ, "DATABASE_URL": database_url(), "MAKEGOOD_URL": URL, "MAKEGOOD_QUIET_HOURS": "",
                       "MAKEGOOD_MAIL_URL": f"smtp://127.0.0.1:{relay.port}"}  # fmt: skip

        def hire() -> None:
            workers.append(subprocess.Popen([sys.executable, "-c", WORKER], env=environment))

        def kill() -> None:
            victim = workers.pop(chance.randrange(len(workers)))
            os.kill(victim.pid, signal.SIGKILL)
            victim.wait()

        try:
            services.start(outreach_id=outreach.pk, by=mia, now=timezone.now())
            began = time.monotonic()
            hire()
            hire()
            for n in range(KILLS):
                goal = to_tell * (n + 1) // (KILLS + 3)
                wait_until(lambda goal=goal: len(relay.received) >= goal, PATIENCE)
                time.sleep(chance.random() * 0.05)
                kill()
                hire()
                if n == KILLS // 2:
                    _stop_and_go_on(outreach, relay, mia)
            wait_until(lambda: not people.filter(state__in=["waiting", "queued"]).exists(), PATIENCE)
            took = time.monotonic() - began
        finally:
            for worker in workers:
                worker.kill()
                worker.wait()
        received = Counter(relay.received)
        addressed = Counter(str(message_from_bytes(mail)["To"]) for mail in relay.mails)
    services.settle(now=timezone.now())
    print(f"{to_tell:,} told in {took:.0f} s with {KILLS} workers killed and one stop: {to_tell / took:.0f} a second")

    assert max(received.values()) == 1, "a message was delivered twice"
    assert max(addressed.values()) == 1, "somebody was told twice"
    assert not set(addressed) & {who for who, arm in drawn.items() if arm == "holdout"}, "somebody held out was told"
    # A kill inside the last bytes of a dialogue leaves that one message to a person, and it says so.
    perhaps = set(people.filter(state="uncertain").values_list("customer__email", flat=True))
    assert len(perhaps) <= KILLS
    print(f"{len(received):,} delivered, {len(perhaps)} perhaps told")
    missing = {who for who, arm in drawn.items() if arm == "told"} - set(addressed)
    assert missing <= perhaps, "somebody was forgotten"
    assert people.filter(state="holdout").count() == PEOPLE - to_tell

    told = people.exclude(case=None)
    assert told.count() == to_tell
    assert Case.objects.count() == told.values("case").distinct().count() == to_tell
    assert IncidentCase.objects.filter(incident=incident).count() == to_tell
    assert Message.objects.filter(idempotency_key__startswith="reply:").count() == to_tell
    assert CaseEvent.objects.filter(kind="contact").count() == to_tell
    assert not Case.objects.exclude(status="waiting_customer").exists()
    assert not Case.objects.exclude(due_at=None).exists(), "a clock runs on a case that waits for its customer"


def _stop_and_go_on(outreach: Outreach, relay: Relay, mia) -> None:
    began = time.monotonic()
    left = services.stop(outreach_id=outreach.pk, by=mia, now=timezone.now())
    took = time.monotonic() - began
    time.sleep(1)  # what was being handed over at that moment
    after_grace = len(relay.received)
    print(f"stopped in {took:.2f} s: {left.told:,} told, {left.taken_back:,} taken back, {left.under_way} under way")
    time.sleep(3)
    people = Recipient.objects.filter(outreach=outreach)

    def nobody_is_under_way() -> bool:
        services.settle(now=timezone.now())
        return not people.filter(state="queued").exists()

    # What a worker was handing over when it was killed is known by the next one, once that has started.
    wait_until(nobody_is_under_way, PATIENCE)
    assert len(relay.received) == after_grace, "something left after the stop"
    # A message that was perhaps sent may be among those that the relay has, or not.
    perhaps = people.filter(state="uncertain").count()
    assert left.told <= after_grace + perhaps
    assert after_grace <= left.told + left.under_way + perhaps
    services.resume(outreach_id=outreach.pk, by=mia, now=timezone.now() + timedelta(microseconds=1))
