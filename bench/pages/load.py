"""Clients: some threads in two processes of their own, each asking again as soon as it was answered, for some seconds.

Over HTTP they speak through a bare socket that stays open, so that what is measured is the server: a request costs the
client about 50 microseconds. Over SQL each has its own connection.
"""

import random
import socket
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, Final, NamedTuple, Self

import psycopg

PROCESSES: Final = 2
WARM: Final = 2.0  # seconds before anything counts


class Request(NamedTuple):
    """What one kind of request sends: the bytes of an HTTP request, or statements with their values."""

    kind: str
    http: bytes = b""
    sql: tuple[tuple[str, tuple[Any, ...]], ...] = ()


class Answers(NamedTuple):
    """Milliseconds by kind of request; bytes of all answers; processor time of the client; what went wrong."""

    milliseconds: dict[str, list[float]]
    bytes: int
    seconds: float
    cpu: float
    problems: list[str]


Client = Callable[[Request], int]


class Clients:
    """The processes that ask. Use as a context manager; nothing is measured while they start."""

    def __init__(self) -> None:
        self._pool = ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn"))

    def __enter__(self) -> Self:
        list(self._pool.map(time.sleep, [0.2] * PROCESSES))
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.shutdown()

    def run(self, to: Any, requests: Sequence[Request], *, clients: int, seconds: float) -> Answers:
        """Ask `to` (an address, or the parameters of a database) in a random but repeatable order."""
        shares = [
            share for share in (clients // PROCESSES + (n < clients % PROCESSES) for n in range(PROCESSES)) if share
        ]
        begin = time.time() + 0.2
        jobs = [
            self._pool.submit(_work, to, requests, clients=share, begin=begin, seconds=seconds, seed=n)
            for n, share in enumerate(shares)
        ]
        return _merge([job.result() for job in jobs])


def _merge(parts: list[Answers]) -> Answers:
    kinds: dict[str, list[float]] = {}
    for part in parts:
        for kind, values in part.milliseconds.items():
            kinds.setdefault(kind, []).extend(values)
    problems = [problem for part in parts for problem in part.problems]
    return Answers(
        kinds, sum(p.bytes for p in parts), max(p.seconds for p in parts), sum(p.cpu for p in parts), problems
    )


def _work(to: Any, requests: Sequence[Request], *, clients: int, begin: float, seconds: float, seed: int) -> Answers:
    """One process's share of the clients."""
    gathered: list[Answers] = []
    barrier = threading.Barrier(clients)
    threads = [
        threading.Thread(target=_ask, args=(to, requests, barrier, begin, seconds, seed * 1000 + n, gathered))
        for n in range(clients)
    ]
    cpu = time.process_time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return _merge(gathered)._replace(cpu=time.process_time() - cpu)


def _ask(
    to: Any, requests: Sequence[Request], barrier: threading.Barrier, begin: float, seconds: float, seed: int,
    gathered: list[Answers],
) -> None:  # fmt: skip
    """One client."""
    choose = random.Random(seed).choice
    kinds: dict[str, list[float]] = {}
    received, problems = 0, []
    wire: Wire | Database = Wire(to) if isinstance(to, tuple) else Database(to)
    barrier.wait(30)
    time.sleep(max(0.0, begin - time.time()))
    started = at = time.perf_counter()
    while at < started + seconds:
        request = choose(requests)
        try:
            received += wire.ask(request)
        except (OSError, ValueError, psycopg.Error) as problem:
            problems.append(f"{request.kind}: {type(problem).__name__} {problem}"[:200])
            break
        after = time.perf_counter()
        kinds.setdefault(request.kind, []).append((after - at) * 1000)
        at = after
    wire.close()
    gathered.append(Answers(kinds, received, at - started, 0.0, problems))


class Wire:
    """One kept-alive HTTP connection."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._socket = socket.create_connection(address, timeout=30)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, request: Request) -> int:
        """Bytes of the answer's body. ValueError for any answer but 200."""
        self._socket.sendall(request.http)
        answer = b""
        while (end := answer.find(b"\r\n\r\n")) < 0:
            answer += self._more()
        head = answer[:end].lower()
        if b" 200 " not in head[:16]:
            raise ValueError(head[:120].decode("latin-1"))
        length = int(head.split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0])
        missing = length - (len(answer) - end - 4)
        while missing > 0:
            missing -= len(self._more())
        return length

    def _more(self) -> bytes:
        piece = self._socket.recv(262144)
        if not piece:
            raise ValueError("The connection was closed.")
        return piece

    def close(self) -> None:
        self._socket.close()


class Database:
    """One connection that prepares what it runs, as the pages' own do."""

    def __init__(self, parameters: dict[str, Any]) -> None:
        self._connection = psycopg.connect(**parameters, autocommit=True, prepare_threshold=1)

    def ask(self, request: Request) -> int:
        """Rows of all answers."""
        return sum(len(self._connection.execute(text, values).fetchall()) for text, values in request.sql)

    def close(self) -> None:
        self._connection.close()
