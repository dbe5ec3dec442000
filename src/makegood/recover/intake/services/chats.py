"""Chat transcripts come in: a file with one conversation a line, each of which becomes one contact."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from django.db import transaction

from makegood.ground.retail.errors import NothingToImport
from makegood.ground.retail.models import ImportRun, Reject, Source
from makegood.recover.cases.models import Channel
from makegood.recover.intake.models import Arrival

BATCH = 500
_LONGEST_LINE = 5_000_000
_WORDS_AT_MOST = 100_000
_AHEAD_AT_MOST = timedelta(minutes=5)
TABLE = "chats"


class Line(msgspec.Struct, forbid_unknown_fields=True):
    """What one side said."""

    at: datetime
    by: str  # customer, agent or bot
    text: str
    name: str = ""


class Chat(msgspec.Struct, forbid_unknown_fields=True):
    """One conversation."""

    ref: str
    messages: list[Line]
    email: str = ""
    customer_ref: str = ""
    order_ref: str = ""
    language: str = ""


@dataclass
class Imported:
    """What an import did: read = new + same + rejected."""

    source: str
    read: int = 0
    new: int = 0
    same: int = 0
    rejected: int = 0


def import_chats(*, file: Path, source: str, now: datetime, time_zone: str = "UTC") -> Imported:
    """Bring in a file of transcripts (NDJSON). A conversation that is there already (by its `ref`) stays as it is.

    What cannot be read is kept as a reject with its line and the reason. Intake makes contacts of the rest at its next
    look. Each batch is a transaction: an import that dies is resumed by running it again.

    Raises
    ------
    NothingToImport
        No such file.
    """
    if not file.is_file():
        raise NothingToImport(f"{file} is not a file.")
    origin, _ = Source.objects.get_or_create(slug=source, defaults={"name": source, "time_zone": time_zone})
    run = ImportRun.objects.create(source=origin, path=str(file.absolute())[:1000], started_at=now)
    done = Imported(source)
    batch: list[tuple[int, bytes]] = []
    with file.open("rb") as lines:
        for number, line in enumerate(_lines(lines), start=1):
            if line.strip():
                batch.append((number, line))
            if len(batch) == BATCH:
                _bring(batch, run, file.name, now, done)
                batch = []
    _bring(batch, run, file.name, now, done)
    run.ended_at = now
    run.tables = {
        TABLE: {"read": done.read, "new": done.new, "changed": 0, "same": done.same, "rejected": done.rejected}
    }
    run.save(update_fields=["ended_at", "tables"])
    return done


def _lines(file: Any) -> Iterator[bytes]:
    """Lines, however long; of one that is longer than any conversation only the beginning is held in memory."""
    while line := file.readline(_LONGEST_LINE):
        whole: bytes = line
        while not line.endswith(b"\n") and (line := file.readline(_LONGEST_LINE)):
            pass
        yield whole


@transaction.atomic
def _bring(batch: list[tuple[int, bytes]], run: ImportRun, name: str, now: datetime, done: Imported) -> None:
    arrivals: dict[str, Arrival] = {}
    rejects: list[Reject] = []
    repeated = 0
    for number, line in batch:
        try:
            chat = _read(line, now)
        except (msgspec.DecodeError, ValueError) as problem:
            payload = line[:4000].decode("utf-8", "replace").replace("\0", "")
            reason = str(problem)[:500]
            rejects.append(Reject(run=run, table=TABLE, file=name, line=number, reason=reason, payload=payload))
            continue
        repeated += chat.ref in arrivals
        arrivals.setdefault(chat.ref, _arrival(chat, run.source))
    before = set(Arrival.objects.filter(source=run.source, ref__in=list(arrivals)).values_list("ref", flat=True))
    Arrival.objects.bulk_create([a for ref, a in arrivals.items() if ref not in before], ignore_conflicts=True)
    Reject.objects.bulk_create(rejects)
    done.read += len(batch)
    done.rejected += len(rejects)
    done.same += len(before) + repeated
    done.new += len(arrivals) - len(before)


def _read(line: bytes, now: datetime) -> Chat:
    chat = msgspec.json.decode(line, type=Chat)
    if not chat.ref or len(chat.ref) > 200:  # noqa: PLR2004  the column's
        raise ValueError("ref must have 1 to 200 characters.")
    said = [message for message in chat.messages if message.text.strip()]
    if not any(message.by == "customer" for message in said):
        raise ValueError("The customer says nothing in it.")
    for message in said:
        if message.by not in ("customer", "agent", "bot"):
            raise ValueError(f"by must be customer, agent or bot, not {json.dumps(message.by)[:40]}.")
        if message.at.tzinfo is None:
            raise ValueError("at needs a time zone, such as 2026-03-05T12:00:00Z.")
        if message.at > now + _AHEAD_AT_MOST:
            raise ValueError("at lies in the future.")
    return chat


def _arrival(chat: Chat, source: Source) -> Arrival:
    said = [message for message in chat.messages if message.text.strip()]
    first = next(message for message in said if message.by == "customer")
    called = {"customer": first.name or "Customer", "agent": "Agent", "bot": "Bot"}
    lines = [f"{message.at:%H:%M} {message.name or called[message.by]}: {message.text.strip()}" for message in said]
    return Arrival(
        source=source, ref=chat.ref, channel=Channel.CHAT, author=_clean(chat.email or first.name)[:254],
        customer_ref=_clean(chat.customer_ref)[:200], order_ref=_clean(chat.order_ref)[:200],
        ours=_clean("\n".join(message.text.strip() for message in said if message.by == "agent"))[:_WORDS_AT_MOST],
        subject=_clean(first.text.strip().split("\n")[0])[:300], body=_clean("\n".join(lines))[:_WORDS_AT_MOST],
        language=_clean(chat.language)[:8], at=first.at,
    )  # fmt: skip


def _clean(text: str) -> str:
    return text.replace("\0", "").encode("utf-8", "replace").decode()
