"""Each message leaves once: real relay on loopback, real workers, killed without warning."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import datetime
from urllib.parse import quote

import pytest
from django.db import connection

from makegood.ground.messages import services
from makegood.ground.messages.models import Message
from tests.relay import Relay, listening

MESSAGES = 120
KILLS = 4
PATIENCE = 90


def database_url() -> str:
    params = connection.get_connection_params()
    host, port = quote(str(params.get("host", "")), safe=""), params.get("port") or 5432
    password = f":{quote(params['password'])}" if params.get("password") else ""
    return f"postgres://{params['user']}{password}@{host}:{port}/{params['dbname']}"


def start_worker(relay: Relay) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "DATABASE_URL": database_url(), "MAKEGOOD_MAIL_URL": f"smtp://127.0.0.1:{relay.port}"}
    return subprocess.Popen([sys.executable, "-m", "makegood", "worker"], env=environment)


def wait_until(condition, seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "the worker did not get there in time"
        time.sleep(0.01)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_killed_workers_lose_no_message_and_double_none(noon: datetime):
    ids = [
        services.enqueue(
            key=f"m{n}", about="case:1", recipient="maria@example.com", subject=f"No {n}", body="Hello", now=noon
        ).message_id
        for n in range(MESSAGES)
    ]
    chance = random.Random(7)
    with listening(Relay(takes=0.01)) as relay:
        for _ in range(KILLS):
            worker = start_worker(relay)
            goal = len(relay.received) + chance.randrange(5, MESSAGES // (KILLS + 2))
            wait_until(lambda goal=goal: len(relay.received) >= goal)
            time.sleep(chance.random() * 0.01)
            os.kill(worker.pid, signal.SIGKILL)
            worker.wait()
        worker = start_worker(relay)
        wait_until(lambda: not Message.objects.filter(status__in=["waiting", "sending"]).exists())
        worker.terminate()
        assert worker.wait(30) == 0
    counts = Counter(relay.received)
    status = dict(Message.objects.values_list("message_id", "status"))
    assert max(counts.values()) == 1, "a message was delivered twice"
    # A kill inside the last bytes of a dialogue leaves that one message to a person, and it says so.
    perhaps = [message for message in ids if status[message] == "uncertain"]
    assert len(perhaps) <= KILLS
    assert all(counts[message] == 1 for message in ids if message not in perhaps), "a message was lost"
    assert all(status[message] in ("sent", "uncertain") for message in ids)
