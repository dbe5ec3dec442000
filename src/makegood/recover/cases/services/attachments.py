"""Files of contacts: kept by their content, looked at by a virus scanner where there is one, handed out with care."""

import shlex
import subprocess
import tempfile
import uuid
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import Final, NamedTuple

import puremagic
import structlog
from django.conf import settings
from django.db import transaction

from makegood.ground.messages import files
from makegood.recover.cases.errors import AttachmentNotFound, AttachmentUnsafe, FileRefused
from makegood.recover.cases.models import Attachment

log = structlog.get_logger(__name__)
Scan = Attachment.Scan

LARGEST: Final = 25 * 1024**2
# What a browser may show within a page: pictures made of dots. SVG is a program.
PICTURES: Final = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_PROGRAMS: Final = frozenset(
    [
        ".apk",
        ".app",
        ".bat",
        ".cmd",
        ".com",
        ".cpl",
        ".dll",
        ".exe",
        ".hta",
        ".iso",
        ".jar",
        ".js",
        ".jse",
        ".lnk",
        ".msi",
        ".pif",
        ".ps1",
        ".scr",
        ".sh",
        ".vb",
        ".vbe",
        ".vbs",
        ".wsf",
    ]
)
_UNKNOWN = "application/octet-stream"
_SCAN_WITHIN = 120  # seconds
_AT_ONCE = 100


class Given(NamedTuple):
    """A file as it came. `content` None: it could not be read."""

    name: str
    content: bytes | None
    inline: bool = False


def keep(contact_id: uuid.UUID, given: Iterable[Given]) -> list[Attachment]:
    """Keep files with a contact, in the caller's transaction; those that are left out are listed with the reason.

    One SQL query; where a scanner is set, its job is enqueued in the same transaction.
    """
    kept = [_kept(contact_id, one) for one in given]
    Attachment.objects.bulk_create(kept)
    if settings.MAKEGOOD_SCAN and any(one.key for one in kept):
        from makegood.recover.cases.tasks import scan  # noqa: PLC0415  tasks call this module

        scan.defer()
    return kept


def refuse_unfit(given: Sequence[Given]) -> None:
    """Before a colleague sends files. Raises FileRefused."""
    for one in given:
        if why := _why_not(one):
            raise FileRefused(one.name, why)


def _kept(contact_id: uuid.UUID, one: Given) -> Attachment:
    attachment = Attachment(
        contact_id=contact_id, name=one.name[:200] or "file", type=sniff(one.content or b""),
        size=len(one.content or b""), inline=one.inline, left_out=_why_not(one),
    )  # fmt: skip
    if not attachment.left_out:
        stored = files.put(one.content or b"")
        attachment.key, attachment.sha256 = stored.key, stored.sha256
    return attachment


def _why_not(one: Given) -> str:
    if one.content is None:
        return "It could not be read."
    if len(one.content) > LARGEST:
        return f"It is larger than {LARGEST // 1024**2} MB."
    if PurePosixPath(one.name.lower()).suffix in _PROGRAMS or one.content.startswith((b"MZ", b"\x7fELF")):
        return "It is a program."
    return ""


def sniff(content: bytes) -> str:
    """The type that a content looks like; what its sender calls it counts for nothing."""
    try:
        found: str = puremagic.from_string(content[:8192], mime=True)
    except Exception:  # noqa: BLE001  no known type, or one made to confuse
        found = ""
    return found[:100] or _UNKNOWN


def is_safe(attachment: Attachment) -> bool:
    """Whether people may open it: kept, and found clean where there is a scanner."""
    return bool(attachment.key) and is_cleared(attachment.scan)


def is_cleared(scan: str) -> bool:
    """Whether a state of the scan lets people open a file. Without a scanner everything but a known virus does."""
    return scan == Scan.CLEAN or (scan == Scan.WAITING and not settings.MAKEGOOD_SCAN)


def attachment_of(case_id: uuid.UUID, attachment_id: uuid.UUID) -> Attachment:
    """A file of a case that may be opened. One SQL query.

    Raises
    ------
    AttachmentNotFound
        The case has no such file.
    AttachmentUnsafe
        It was not kept, is not yet scanned, or a virus was found.
    """
    found = Attachment.objects.filter(pk=attachment_id, contact__case_id=case_id).first()
    if found is None:
        raise AttachmentNotFound
    if not is_safe(found):
        raise AttachmentUnsafe(found.name, found.left_out or found.get_scan_display())
    return found


def scan_waiting() -> int:
    """Show the files that wait to the scanner (`MAKEGOOD_SCAN`); how many now have a verdict.

    Identical content has one verdict. Each file is locked while the scanner looks, so that several workers share the
    work (SKIP LOCKED). Where the scanner itself fails the file keeps waiting.
    """
    judged = 0
    after = uuid.UUID(int=0)
    while settings.MAKEGOOD_SCAN and judged < _AT_ONCE:
        with transaction.atomic():
            waiting = Attachment.objects.select_for_update(skip_locked=True).order_by("pk")
            one = waiting.filter(scan=Scan.WAITING, key__gt="", pk__gt=after).first()
            if one is None:
                break
            after = one.pk
            if verdict := _verdict(files.get(one.key)):
                alike = Attachment.objects.filter(key=one.key, scan=Scan.WAITING)
                judged += alike.update(scan=verdict[0], scan_says=verdict[1][:200])
    return judged


def _verdict(content: bytes) -> tuple[Attachment.Scan, str] | None:
    """What the scanner says: exit code 0 is clean, 1 is infected, anything else says nothing about the file."""
    with tempfile.NamedTemporaryFile(prefix="makegood-scan-") as file:
        file.write(content)
        file.flush()
        command = [*shlex.split(settings.MAKEGOOD_SCAN), file.name]
        try:
            done = subprocess.run(  # noqa: S603  the administrator's command, no shell
                command, capture_output=True, text=True, timeout=_SCAN_WITHIN, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as problem:
            log.warning("scanner failed", problem=type(problem).__name__)
            return None
    if done.returncode not in (0, 1):
        log.warning("scanner failed", exit_code=done.returncode)
        return None
    says = " ".join(done.stdout.replace(file.name, "").strip(": \n").split())
    return (Scan.INFECTED, says) if done.returncode else (Scan.CLEAN, "")
