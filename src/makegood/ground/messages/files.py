"""Files that come in and go out, kept outside the database; identical content once.

`STORAGES["attachments"]` says where: a folder by default, object storage where several machines work.
"""

import hashlib
from typing import NamedTuple

from django.core.files.base import ContentFile
from django.core.files.storage import Storage, storages


class Stored(NamedTuple):
    """Where a content lies; the key follows from the content."""

    key: str
    sha256: str
    size: int


def storage() -> Storage:
    return storages["attachments"]


def put(content: bytes) -> Stored:
    """Keep a content under its hash. What is there already is not written again.

    A file that a killed process left half written has another size and is written anew.
    """
    sha256 = hashlib.sha256(content).hexdigest()
    key = f"{sha256[:2]}/{sha256[2:4]}/{sha256}"
    kept = storage()
    if not (kept.exists(key) and kept.size(key) == len(content)):
        kept.delete(key)
        # Where two write the same content at once the second may get another name: a copy, not a loss.
        key = kept.save(key, ContentFile(content))
    return Stored(key, sha256, len(content))


def get(key: str) -> bytes:
    """A content by its key. Raises FileNotFoundError (or what the storage raises) where it is gone."""
    with storage().open(key) as file:
        content: bytes = file.read()
    return content
