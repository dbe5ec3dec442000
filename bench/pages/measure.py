"""Every page at every concurrency, and the floors, in one run against one server."""

import os
import platform
import statistics
import time
from pathlib import Path
from typing import Any, Final

import psutil
from bench.pages import mix
from bench.pages.generate import EVERYTHING, PASSWORD, SOME_PLACES
from bench.pages.load import WARM, Answers, Clients, Request
from bench.pages.server import Used, postmaster, serving, sign_in, used
from django.conf import settings
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from makegood.ground.staff.models import User

CONCURRENCY: Final = (1, 4, 16)
Figures = dict[str, Any]


def measure(words: dict[str, list[str]], *, cases: int, seconds: float, workers: int) -> Figures:
    """All figures by page, floor and number of clients."""
    asked = mix.questions(words, cases=cases)
    found: Figures = {
        "cases": cases, "events": _count("cases_caseevent"), "machine": _machine(), "workers": workers,
        "seconds": seconds, "problems": [], "pages": {}, "floors": {},
        "statements": {page: _statements(some) for page, some in asked.items()},
    }  # fmt: skip
    with Clients() as clients, serving(workers=workers) as (address, web):
        cookies = {name: sign_in(address, name, PASSWORD) for name in (EVERYTHING, SOME_PLACES)}
        database = postmaster(Path(settings.MAKEGOOD_HOME) / "postgres" / "postmaster.pid")
        requests = {page: mix.requests(some, cookies) for page, some in asked.items()}
        parameters = {"host": connection.settings_dict["HOST"], "user": connection.settings_dict["USER"],
                      "dbname": connection.settings_dict["NAME"]}  # fmt: skip
        connection.close()

        def cell(to: Any, some: list[Request], count: int) -> Figures:
            return _cell(clients, to, some, count, seconds, web=web, database=database, problems=found["problems"])

        for count in CONCURRENCY:
            found["floors"].setdefault("empty page", {})[count] = cell(address, mix.empty(cookies), count)
            for page, some in requests.items():
                found["floors"].setdefault(f"{page} SQL", {})[count] = cell(parameters, some, count)
                found["pages"].setdefault(page, {})[count] = cell(address, some, count)
    return found


def _cell(
    clients: Clients, to: Any, requests: list[Request], count: int, seconds: float, *,
    web: psutil.Process, database: psutil.Process, problems: list[str],
) -> Figures:  # fmt: skip
    """One measurement: so many clients for so many seconds, after some that do not count: every thread of the server is
    kept busy in them, so that each connection has planned its statements.
    """
    clients.run(to, requests, clients=max(CONCURRENCY), seconds=min(WARM, seconds))
    before = _used(web, database)
    answers = clients.run(to, requests, clients=count, seconds=seconds)
    after = _used(web, database)
    problems += answers.problems
    return _figures(answers, before, after)


def _used(web: psutil.Process, database: psutil.Process) -> tuple[Used, Used]:
    """By both, once the database has put away the sessions of clients that left: their time is counted then."""
    time.sleep(0.3)
    return used(web), used(database)


def _figures(answers: Answers, before: tuple[Used, Used], after: tuple[Used, Used]) -> Figures:
    times = sorted(value for values in answers.milliseconds.values() for value in values)
    per_thousand = 1000 / max(1, len(times))
    web, database = ((then.cpu - first.cpu) * per_thousand for first, then in zip(before, after, strict=True))
    return {
        "requests": len(times), "p50_ms": _percentile(times, 0.5), "p95_ms": _percentile(times, 0.95),
        "per_second": round(len(times) / max(answers.seconds, 0.001), 1),
        "bytes": round(answers.bytes / max(1, len(times))),
        "web_cpu_s_per_1000": round(web, 2), "database_cpu_s_per_1000": round(database, 2),
        "client_cpu_s_per_1000": round(answers.cpu * per_thousand, 2),
        "web_mb": round(after[0].megabytes), "database_mb": round(after[1].megabytes),
        "p50_ms_by_kind": {kind: _percentile(sorted(some), 0.5) for kind, some in sorted(answers.milliseconds.items())},
    }  # fmt: skip


def _percentile(values: list[float], share: float) -> float:
    return round(values[min(len(values) - 1, int(share * len(values)))], 2) if values else float("nan")


def _statements(asked: list[mix.Question]) -> Figures:
    """SQL statements of a page, counted inside this process with the middleware of a real request."""
    counts = []
    browser = browsers()
    for question in asked[:: max(1, len(asked) // 30)]:
        with CaptureQueriesContext(connection) as captured:
            status = browser[question.who].get(question.path).status_code
        if status != 200:
            raise RuntimeError(f"{question.path} answers {status}.")
        counts.append(len(captured))
    return {"most": max(counts), "mean": round(statistics.mean(counts), 1)}


def browsers() -> dict[str, Client]:
    """Both people, signed in, within this process."""
    browser = {name: Client(HTTP_HOST="localhost") for name in (EVERYTHING, SOME_PLACES)}
    for name, client in browser.items():
        client.force_login(User.objects.get(username=name), backend="makegood.ground.messages.notices.StaffBackend")
    return browser


def _count(table: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        return int(cursor.fetchall()[0][0])


def _machine() -> Figures:
    load = os.getloadavg()[0]
    memory = round(psutil.virtual_memory().total / 2**30)
    return {
        "cores": os.cpu_count(),
        "memory_gb": memory,
        "python": platform.python_version(),
        "load_before": round(load, 1),
    }
