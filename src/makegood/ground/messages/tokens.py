"""What an answer must carry to be put to a case: the case's number with our signature.

It stands in the address that people answer to (`care+c-12.5f0c…@shop.example`) and in the Message-ID of every mail
about the case, which mail programs repeat in the headers of an answer. Whoever holds one got a mail of ours about this
case; nobody can make one. In lower case throughout, because some servers fold the case of addresses.
"""

import re
from collections.abc import Iterator

from django.utils.crypto import constant_time_compare, salted_hmac

_SALT = "makegood.messages.tokens"
_DIGITS = 20  # of 4 bits each: 80 bits cannot be guessed through a mailbox
_TOKEN = re.compile(rf"(?<![a-z0-9-])(c-\d{{1,12}})\.([0-9a-f]{{{_DIGITS}}})(?![0-9a-f])", re.IGNORECASE)


def token_for(number: str) -> str:
    """The token of a case by its number: "C-12" gives "c-12.5f0c…"."""
    return f"{number.lower()}.{_signature(number.lower())}"


def genuine(text: str) -> Iterator[str]:
    """The numbers ("C-12") of all tokens in a text that we signed, in the order in which they stand there."""
    for number, signature in _TOKEN.findall(text):
        if constant_time_compare(signature.lower(), _signature(number.lower())):
            yield number.upper()


def forged(text: str) -> bool:
    """Whether a text holds something that looks like a token and is none of ours."""
    return len(_TOKEN.findall(text)) > len(list(genuine(text)))


def _signature(number: str) -> str:
    return salted_hmac(_SALT, number, algorithm="sha256").hexdigest()[:_DIGITS]
