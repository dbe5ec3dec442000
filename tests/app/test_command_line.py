"""What somebody reads who starts a command where it cannot work: one sentence that says what to do."""

import os
import subprocess
import sys

import pytest


def makegood(*words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **settings}
    command = [sys.executable, "-m", "makegood", *words]
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=60)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/none"}, "The database does not answer"),
        ({"DATABASE_URL": "mysql://x"}, "DATABASE_URL names no database"),
        ({"MAKEGOOD_TIME_ZONE": "Mars/Base"}, "A setting cannot be read"),
        ({"MAKEGOOD_HOME": "/proc/nowhere"}, "Set MAKEGOOD_HOME to a directory"),
    ],
)
def test_a_start_that_cannot_work_is_said_in_one_sentence(settings, says):
    done = makegood("doctor", "--json", **settings)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("makegood: ")
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
