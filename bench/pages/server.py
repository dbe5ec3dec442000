"""`makegood serve` as anybody runs it, and what it and its database use."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import psutil

ROOT = Path(__file__).resolve().parents[2]
START_WITHIN = 60


class Address(NamedTuple):
    host: str
    port: int


class Used(NamedTuple):
    """Seconds of processor time since they started, and megabytes now (shared memory counted once)."""

    cpu: float
    megabytes: float


@contextmanager
def serving(*, workers: int) -> Iterator[tuple[Address, psutil.Process]]:
    """The desk on a free port, with the settings of this process's environment."""
    address = Address("127.0.0.1", _free_port())
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "src")])}
    command = [sys.executable, "-m", "makegood", "serve", "--port", str(address.port), "--workers", str(workers)]
    child = subprocess.Popen(command, env=environment, cwd=ROOT, start_new_session=True)
    try:
        _wait_for(address, child)
        yield address, psutil.Process(child.pid)
    finally:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)


def used(root: psutil.Process) -> Used:
    """By a process, those below it, and those below it that have ended."""
    cpu = megabytes = 0.0
    for process in [root, *root.children(recursive=True)]:
        with suppress(psutil.Error):
            times = process.cpu_times()
            cpu += times.user + times.system + times.children_user + times.children_system
            megabytes += process.memory_full_info().pss / 1e6
    return Used(cpu, megabytes)


def sign_in(address: Address, username: str, password: str) -> str:
    """The Cookie header of somebody who signed in through the page."""
    jar: dict[str, str] = {}
    page = _ask(address, "GET", jar)
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    if token is None:
        raise RuntimeError("The sign-in page holds no form.")
    _ask(address, "POST", jar, {"login": username, "password": password, "csrfmiddlewaretoken": token[1]})
    if "sessionid" not in jar:
        raise RuntimeError(f"{username} could not sign in.")
    return _header(jar)


def _ask(address: Address, method: str, jar: dict[str, str], form: dict[str, str] | None = None) -> str:
    wire = http.client.HTTPConnection(*address, timeout=30)
    headers = {"Cookie": _header(jar), "Content-Type": "application/x-www-form-urlencoded"}
    wire.request(method, "/account/login/", urllib.parse.urlencode(form or {}), headers)
    answer = wire.getresponse()
    body = answer.read().decode()
    for cookie in answer.headers.get_all("Set-Cookie") or []:
        name, _, value = cookie.partition(";")[0].partition("=")
        jar[name] = value
    wire.close()
    return body


def _header(jar: dict[str, str]) -> str:
    return "; ".join(f"{name}={value}" for name, value in jar.items())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(address: Address, child: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_WITHIN
    while time.monotonic() < deadline and child.poll() is None:
        with suppress(OSError, http.client.HTTPException):
            wire = http.client.HTTPConnection(*address, timeout=5)
            wire.request("GET", "/healthz")
            if wire.getresponse().status == 200:
                return
        time.sleep(0.2)
    raise RuntimeError("The desk does not answer (see what it said above).")


def postmaster(pid_file: Path) -> psutil.Process:
    return psutil.Process(int(pid_file.read_text().split("\n", 1)[0]))
