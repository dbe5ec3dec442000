"""A mailbox that takes access tokens only, and whoever hands them out, both on loopback.

The mailbox is the real server of `imap.py` behind a small gate: pymap knows no XOAUTH2, so the gate checks the token as
Google and Microsoft do and then signs in with the password. Everything after that is between client and server.
"""

import base64
import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

from tests.imap import SECRET, USER, Mailbox


@dataclass
class Provider:
    """Hands out tokens; `says` is the next answer, and `asked` what it was asked for."""

    url: str = ""
    says: tuple[int, dict[str, object]] = (200, {"access_token": "token-1", "expires_in": 3600})
    asked: list[dict[str, str]] = field(default_factory=list)
    good: set[str] = field(default_factory=lambda: {"token-1"})


@contextmanager
def providing() -> Iterator[Provider]:
    provider = Provider()

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            provider.asked.append(dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode())))
            status, told = provider.says
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(told).encode() if told else b"<html>busy</html>")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    provider.url = f"http://127.0.0.1:{server.server_port}/token"
    try:
        yield provider
    finally:
        server.shutdown()
        server.server_close()


@contextmanager
def guarding(mailbox: Mailbox, provider: Provider) -> Iterator[int]:
    """The gate before a mailbox; its port."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=_pass_through, args=(client, mailbox, provider), daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()


def _pass_through(client: socket.socket, mailbox: Mailbox, provider: Provider) -> None:
    with suppress(OSError), client, socket.create_connection(("127.0.0.1", mailbox.port)) as server:
        said, answers = client.makefile("rb"), server.makefile("rb")
        client.sendall(answers.readline())
        for line in said:
            tag, _, command = line.strip().partition(b" ")
            if command.upper() != b"AUTHENTICATE XOAUTH2":
                server.sendall(line)
                _until_done(tag, answers, client)
                continue
            client.sendall(b"+ \r\n")
            who, proof, *_ = base64.b64decode(said.readline()).split(b"\1")
            token = proof.removeprefix(b"auth=Bearer ").decode()
            if who != b"user=" + USER.encode() or token not in provider.good:
                client.sendall(b"+ " + base64.b64encode(b'{"status":"401","schemes":"Bearer"}') + b"\r\n")
                assert said.readline() == b"\r\n", "a refusal is answered with nothing"
                client.sendall(tag + b" NO AUTHENTICATE failed.\r\n")
                continue
            server.sendall(tag + f' LOGIN {USER} "{SECRET}"\r\n'.encode())
            _until_done(tag, answers, client)


def _until_done(tag: bytes, answers, client: socket.socket) -> None:  # type: ignore[no-untyped-def]
    for line in answers:
        client.sendall(line)
        if line.startswith(tag + b" "):
            return
