"""A real IMAP server on loopback (pymap), with mail put into it as any mail program would."""

import imaplib
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

USER, SECRET = "care", "right horse"


@dataclass
class Mailbox:
    """Where the server listens."""

    port: int

    @property
    def url(self) -> str:
        return f"imap://{USER}:right%20horse@127.0.0.1:{self.port}/INBOX"

    def put(self, *mails: bytes) -> None:
        with imaplib.IMAP4("127.0.0.1", self.port) as client:
            client.login(USER, SECRET)
            for mail in mails:
                client.append("INBOX", None, None, mail)  # type: ignore[arg-type]

    def clear(self) -> None:
        """Throw away the mails that the server begins with."""
        with imaplib.IMAP4("127.0.0.1", self.port) as client:
            client.login(USER, SECRET)
            client.select("INBOX")
            client.store("1:*", "+FLAGS", "\\Deleted")
            client.expunge()

    def seen(self) -> int:
        with imaplib.IMAP4("127.0.0.1", self.port) as client:
            client.login(USER, SECRET)
            client.select("INBOX", readonly=True)
            return len(client.search(None, "SEEN")[1][0].split())


@contextmanager
def serving() -> Iterator[Mailbox]:
    """Run the server on a free port; its mail lives as long as it does."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-c", "from pymap.main import main; main()", "--host", "127.0.0.1", "--port", str(port),
         "dict", "--demo-data", "--demo-user", USER, "--demo-password", SECRET],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _wait_for(port, server)
        yield Mailbox(port)
    finally:
        server.terminate()
        server.wait(10)


def _wait_for(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("the IMAP server did not start")
