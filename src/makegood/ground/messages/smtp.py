"""Django's SMTP backend, which also tells the moment after which a message can no longer be called unsent."""

import smtplib
import socket
from collections.abc import Callable
from typing import Any

from django.core.mail.backends.smtp import EmailBackend

END_OF_DATA = b".\r\n"


class SmtpBackend(EmailBackend):
    """Calls `before_end` right before the end-of-data mark leaves: until then the relay has accepted nothing."""

    before_end: Callable[[], None] | None = None

    @property
    def connection_class(self) -> type[smtplib.SMTP]:
        backend = self
        base: type[smtplib.SMTP] = smtplib.SMTP_SSL if self.use_ssl else smtplib.SMTP

        class Announcing(base):  # type: ignore[misc, valid-type]
            def _get_socket(self, *args: Any) -> socket.socket:
                # The end-of-data mark is a packet of its own: it must not wait for the one before to be acknowledged,
                # which receivers put off for 40 ms.
                opened: socket.socket = super()._get_socket(*args)
                opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                return opened

            def send(self, s: Any) -> None:
                if isinstance(s, bytes) and s.endswith(b"\r\n" + END_OF_DATA) and backend.before_end:
                    # The body may be large; only the last three bytes make it count.
                    super().send(s[: -len(END_OF_DATA)])
                    try:
                        backend.before_end()
                    except BaseException:
                        self.close()  # in the middle of a mail a relay takes QUIT for one more line of it
                        raise
                    s = END_OF_DATA
                super().send(s)

        return Announcing
