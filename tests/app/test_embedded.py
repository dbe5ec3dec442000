"""The database Makegood brings along survives what happens to programs on real machines."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from makegood.app.config.embedded import EmbeddedDatabase, EmbeddedDatabaseError, socket_directory

USE_IT = """
import sys, time
from pathlib import Path
from makegood.app.config.embedded import EmbeddedDatabase
EmbeddedDatabase(Path(sys.argv[1])).start()
print("up", flush=True)
time.sleep(float(sys.argv[2]))
"""


@pytest.fixture
def home(tmp_path: Path):
    home = tmp_path / "home"
    yield home
    EmbeddedDatabase(home).stop() if (home / "postgres").exists() else None


def another_process(home: Path, seconds: float = 0) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", USE_IT, str(home), str(seconds)], stdout=subprocess.PIPE, text=True)


def ask(home: Path, question: str) -> object:
    with psycopg.connect(host=str(socket_directory(home)), user="postgres", dbname="makegood") as connection:
        return connection.execute(question).fetchone()[0]


def test_it_starts_answers_and_stops_with_its_last_user(home: Path):
    database = EmbeddedDatabase(home)
    database.start()
    assert ask(home, "SELECT 1") == 1
    database.release()
    assert not database.is_running()


def test_two_starts_at_once_share_one_server(home: Path):
    users = [another_process(home, 1.5) for _ in range(3)]
    assert [user.stdout.readline() for user in users] == ["up\n"] * 3
    assert ask(home, "SELECT count(*) FROM pg_database WHERE datname = 'makegood'") == 1
    for user in users:
        assert user.wait(20) == 0
        user.stdout.close()
    assert not EmbeddedDatabase(home).is_running()


def test_it_stays_up_while_somebody_else_uses_it(home: Path):
    database = EmbeddedDatabase(home)
    database.start()
    other = another_process(home, 60)
    other.stdout.readline()
    database.release()
    assert database.is_running()
    other.terminate()
    other.wait(20)
    other.stdout.close()


def test_a_killed_parent_leaves_a_server_that_the_next_one_takes_over(home: Path):
    parent = another_process(home, 60)
    parent.stdout.readline()
    parent.kill()
    parent.wait()
    parent.stdout.close()
    database = EmbeddedDatabase(home)
    database.start()
    assert ask(home, "SELECT 1") == 1
    database.release()
    assert not database.is_running()


def test_a_killed_server_recovers_with_everything_that_was_committed(home: Path):
    database = EmbeddedDatabase(home)
    database.start()
    with psycopg.connect(host=str(socket_directory(home)), user="postgres", dbname="makegood") as connection:
        connection.execute("CREATE TABLE kept AS SELECT generate_series(1, 1000)")
    os.kill(database._pid(), signal.SIGKILL)
    deadline = time.monotonic() + 10
    while database.is_running() and time.monotonic() < deadline:
        time.sleep(0.05)
    again = EmbeddedDatabase(home)
    again.start()
    assert ask(home, "SELECT count(*) FROM kept") == 1000
    again.release()
    database.release()


def test_a_pid_file_that_names_a_stranger_is_not_believed(home: Path):
    database = EmbeddedDatabase(home)
    database.start()
    database.release()
    stale = f"{os.getpid()}\n{home / 'postgres'}\n1\n5432\n{home / 'postgres'}\n\n  1 1\nready\n"
    (home / "postgres" / "postmaster.pid").write_text(stale)
    database.start()
    assert ask(home, "SELECT 1") == 1
    database.release()


def test_an_initialisation_that_died_half_way_is_done_again(home: Path):
    (home / "postgres.new").mkdir(parents=True)
    (home / "postgres.new" / "PG_VERSION").write_text("18")
    database = EmbeddedDatabase(home)
    database.start()
    assert ask(home, "SELECT 1") == 1
    database.release()


def test_a_very_long_path_still_gets_a_socket(tmp_path: Path):
    home = tmp_path / ("long" * 20)
    database = EmbeddedDatabase(home)
    database.start()
    assert ask(home, "SELECT 1") == 1
    database.release()


def test_a_directory_that_cannot_be_written_is_one_sentence():
    with pytest.raises(EmbeddedDatabaseError, match="cannot write to /proc/makegood .* Set MAKEGOOD_HOME"):
        EmbeddedDatabase(Path("/proc/makegood")).start()


def test_a_file_in_place_of_the_directory_is_one_sentence(tmp_path: Path):
    (tmp_path / "home").write_text("")
    with pytest.raises(EmbeddedDatabaseError, match="Set MAKEGOOD_HOME"):
        EmbeddedDatabase(tmp_path / "home").start()


def test_a_full_disk_is_one_sentence(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("makegood.app.config.embedded.MINIMUM_FREE_BYTES", 1 << 62)
    with pytest.raises(EmbeddedDatabaseError, match="Free some space"):
        EmbeddedDatabase(home).start()


def test_data_of_another_version_is_left_alone(home: Path):
    (home / "postgres").mkdir(parents=True)
    (home / "postgres" / "PG_VERSION").write_text("15\n")
    with pytest.raises(EmbeddedDatabaseError, match="written by PostgreSQL 15"):
        EmbeddedDatabase(home).start()
    assert (home / "postgres" / "PG_VERSION").read_text() == "15\n"
