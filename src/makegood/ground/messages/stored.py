"""Whether every file that the database speaks of is there, whole, and whether others lie about."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from django.apps import apps
from django.core.files.storage import FileSystemStorage
from django.db.models import Model, QuerySet

from makegood.ground.messages import files
from makegood.ground.messages.models import Message

# A file is written before the row that speaks of it is committed.
YOUNG = timedelta(hours=1)
NAMED_AT_MOST = 5
_KEEPS = {"key", "size"}


class Check(NamedTuple):
    """How the files stand against the database."""

    kept: int
    bytes: int
    missing: list[str]  # keys that the database speaks of and nobody can open
    damaged: list[str]  # of another size than the database says
    orphaned: int  # that no row speaks of: harmless, they take room
    orphaned_bytes: int
    looked_into: bool  # False: the storage is no folder of ours, what lies about there is not known


def check(*, now: datetime) -> Check:
    """Hold the database against the storage. Reads every key and looks at every file; opens none."""
    known = dict(_known())
    found = _found()
    if found is None:
        missing = [key for key in known if not files.storage().exists(key)]
        return Check(len(known), 0, missing, [], 0, 0, looked_into=False)
    orphans = [key for key in found.keys() - known.keys() if now.timestamp() - found[key][1] > YOUNG.total_seconds()]
    return Check(
        kept=len(known),
        bytes=sum(found[key][0] for key in known.keys() & found.keys()),
        missing=sorted(known.keys() - found.keys()),
        damaged=sorted(
            key for key, size in known.items() if size is not None and key in found and found[key][0] != size
        ),
        orphaned=len(orphans),
        orphaned_bytes=sum(found[key][0] for key in orphans),
        looked_into=True,
    )


def keepers() -> list[type[Model]]:
    """The models whose rows speak of a stored file: by convention those with the columns `key` and `size`."""
    return [it for it in apps.get_models() if {f.name for f in it._meta.get_fields()} >= _KEEPS]  # noqa: SLF001  public


def _known() -> Iterator[tuple[str, int | None]]:
    for told in Message.objects.exclude(files=[]).values_list("files", flat=True).iterator():
        yield from ((file["key"], None) for file in told)
    for model in keepers():
        yield from QuerySet(model).filter(key__gt="").values_list("key", "size").iterator()


def _found() -> dict[str, tuple[int, float]] | None:
    """Size and age of every file by its key; None where they do not lie in a folder."""
    kept = files.storage()
    if not isinstance(kept, FileSystemStorage):
        return None
    root = Path(kept.location)
    there = {}
    for path in root.rglob("*"):
        if path.is_file():
            about = path.stat()
            there[path.relative_to(root).as_posix()] = (about.st_size, about.st_mtime)
    return there
