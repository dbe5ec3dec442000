"""`makegood up`, `serve` and `worker`: what runs, and how it stops."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from types import FrameType
from typing import Annotated, Any

import typer

from makegood.app.cli import output
from makegood.app.cli.start import CannotStart, set_up

running = typer.Typer()

Host = Annotated[str, typer.Option(help="Address to listen on.", envvar="MAKEGOOD_HOST")]
Port = Annotated[int, typer.Option(help="Port to listen on.", envvar="MAKEGOOD_PORT", min=1, max=65535)]
Workers = Annotated[int, typer.Option(help="Web processes; about one per core.", envvar="MAKEGOOD_WORKERS", min=1)]

STOP_WITHIN = 15  # seconds; a worker finishes the job in hand
START_WITHIN = 30
FOLLOWED = "MAKEGOOD_FOLLOW"


@running.command()
def up(host: Host = "127.0.0.1", port: Port = 8000, workers: Workers = 2) -> None:
    """Run the desk and the worker together; Ctrl-C stops both."""
    _require_free(host, port)
    set_up()
    _let_go_of_the_database()
    environment = {**os.environ, FOLLOWED: str(os.getpid())}
    command = [sys.executable, "-m", "makegood"]
    web = [*command, "serve", "--host", host, "--port", str(port), "--workers", str(workers)]
    # Sessions of their own: Ctrl-C reaches us alone, and we decide the order in which things end.
    children = {
        name: subprocess.Popen(arguments, env=environment, start_new_session=True)  # noqa: S603  our own command
        for name, arguments in {"desk": web, "worker": [*command, "worker"]}.items()
    }
    stopping = threading.Event()

    def stop(_signal: int, _frame: FrameType | None) -> None:
        stopping.set()

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    try:
        if _answers(host, port, children["desk"], stopping):
            output.stderr.print(f"The desk is on [bold]http://{host}:{port}[/bold] (Ctrl-C stops it).", highlight=False)
        ended = _wait_for_an_end(children, stopping)
    finally:
        for child in children.values():
            if child.poll() is None:
                child.terminate()
        for child in children.values():
            _wait_or_kill(child)
    if ended:
        output.fail(f"The {ended} stopped by itself (see above), so everything was stopped.")


@running.command()
def serve(host: Host = "127.0.0.1", port: Port = 8000, workers: Workers = 2) -> None:
    """Run the desk alone (the worker elsewhere)."""
    _require_free(host, port)
    set_up()
    _let_go_of_the_database()
    _follow_parent()
    from granian.constants import Interfaces
    from granian.log import LogLevels
    from granian.server import Server

    Server(
        "makegood.app.config.wsgi:application", address=host, port=port, interface=Interfaces.WSGI, workers=workers,
        blocking_threads=4, respawn_failed_workers=True, log_level=LogLevels.warning, websockets=False,
    ).serve()  # fmt: skip


@running.command()
def worker() -> None:
    """Run the worker alone: messages, arrivals, failures, facts."""
    set_up()
    _follow_parent()
    from procrastinate.contrib.django import app

    # What a killed worker left half done is taken up at once, not at the next full minute.
    app.configure_task("messages.deliver").defer()
    connector: Any = app.connector  # Django's, which knows the worker's own
    with app.replace_connector(connector.get_worker_connector()) as jobs:
        jobs.run_worker(delete_jobs="successful", shutdown_graceful_timeout=STOP_WITHIN - 5, listen_notify=True)


def _require_free(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as problem:
            raise CannotStart(
                f"Makegood cannot listen on {host}:{port} ({problem.strerror}). "
                "Is it running already? Otherwise choose another port with --port."
            ) from problem


def _let_go_of_the_database() -> None:
    """Processes that start others hold no connection: forked ones would share it."""
    from django.db import connection

    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]  # only PostgreSQL's wrapper has it


def _follow_parent() -> None:
    """Stop when the `up` that started us is gone, even if it was killed."""
    parent = int(os.environ.get(FOLLOWED, "0"))
    if not parent:
        return

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, daemon=True).start()


def _answers(host: str, port: int, desk: subprocess.Popen[bytes], stopping: threading.Event) -> bool:
    deadline = time.monotonic() + START_WITHIN
    while time.monotonic() < deadline and desk.poll() is None and not stopping.is_set():
        try:
            with urllib.request.urlopen(f"http://{host}:{port}/healthz", timeout=2) as answer:
                return bool(answer.status == 200)  # noqa: PLR2004
        except (OSError, urllib.error.URLError):
            time.sleep(0.2)
    return False


def _wait_for_an_end(children: dict[str, subprocess.Popen[bytes]], stopping: threading.Event) -> str:
    while not stopping.wait(0.5):
        for name, child in children.items():
            if child.poll() is not None:
                return name
    return ""


def _wait_or_kill(child: subprocess.Popen[bytes]) -> None:
    try:
        child.wait(STOP_WITHIN)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
