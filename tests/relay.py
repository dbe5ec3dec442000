"""A mail relay on loopback that remembers what it accepted."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email.parser import BytesHeaderParser
from typing import Any

from aiosmtpd.controller import Controller


class Relay:
    """Handler for aiosmtpd: keeps the Message-IDs it accepted, answers as told."""

    def __init__(self, *, takes: float = 0.0) -> None:
        self.received: list[str] = []
        self.mails: list[bytes] = []
        self.answer = "250 OK"
        self.refuse = ""
        self.takes = takes
        self.port = 0

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if address == self.refuse:
            return "550 No such person"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802  aiosmtpd's name
        await asyncio.sleep(self.takes)
        if self.answer.startswith("250"):
            self.mails.append(envelope.content)
            self.received.append(str(BytesHeaderParser().parsebytes(envelope.content)["Message-ID"]))
        return self.answer


@contextmanager
def listening(relay: Relay) -> Iterator[Relay]:
    """Run the relay on a free port of this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        relay.port = probe.getsockname()[1]
    controller = Controller(relay, hostname="127.0.0.1", port=relay.port)
    controller.start()
    try:
        yield relay
    finally:
        controller.stop()
