"""Where the files of a lake are: a local directory, or any place pyarrow has a file system for (s3://, gs://, ...)."""

import fcntl
import hashlib
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from pyarrow import fs

STATE: Final = "refresh.json"
FORMAT: Final = 1
PART: Final = "part.parquet"


class LakeBusy(Exception):
    """Somebody else refreshes this lake at the moment."""


class Store:
    """The files of one lake. A file appears whole or not at all: it is written beside its place and renamed."""

    def __init__(self, root: str) -> None:
        self.local = "://" not in root
        if self.local:
            Path(root).mkdir(parents=True, exist_ok=True)
            self.files, self.root = fs.LocalFileSystem(), str(Path(root).absolute())
        else:
            self.files, self.root = fs.FileSystem.from_uri(root)
        self.address = self.root if self.local else root.rstrip("/")

    def parts(self, fact: str) -> dict[str, int]:
        """Months of a fact that are there, with their bytes."""
        selector = fs.FileSelector(f"{self.root}/{fact}", allow_not_found=True, recursive=True)
        found = {info.path: info.size for info in self.files.get_file_info(selector) if info.base_name == PART}
        return {path.rsplit("/", 2)[1].removeprefix("month="): size for path, size in sorted(found.items())}

    def part(self, fact: str, month: str) -> str:
        return f"{self.root}/{fact}/month={month}/{PART}"

    def public_part(self, fact: str, month: str) -> str:
        """The address other programs read the file at."""
        return f"{self.address}/{fact}/month={month}/{PART}"

    @contextmanager
    def writing(self, path: str) -> Iterator[pa.NativeFile]:
        """A stream into `<path>.new`; `publish` gives it its name. What a killed writer left is written over."""
        self.files.create_dir(path.rsplit("/", 1)[0], recursive=True)
        with self.files.open_output_stream(f"{path}.new") as stream:
            yield stream

    def publish(self, path: str) -> None:
        self.files.move(f"{path}.new", path)

    def withdraw(self, path: str) -> None:
        self.files.delete_dir(path.rsplit("/", 1)[0])

    def state(self) -> dict[str, Any]:
        """What the last refresh wrote down; empty for a lake that is new, unreadable or of another format."""
        try:
            with self.files.open_input_stream(f"{self.root}/{STATE}") as stream:
                kept = json.loads(stream.read())
        except (FileNotFoundError, ValueError):
            return {}
        return kept if isinstance(kept, dict) and kept.get("format") == FORMAT else {}

    def keep_state(self, state: dict[str, Any]) -> None:
        path = f"{self.root}/{STATE}"
        with self.writing(path) as stream:
            stream.write(json.dumps({"format": FORMAT, **state}, indent=1).encode())
        self.publish(path)

    @contextmanager
    def locked(self, *, wait: bool = True) -> Iterator[None]:
        """Hold the lake for writing. The kernel lets go when the process dies, however it dies.

        A remote lake is locked on this machine only.

        Raises
        ------
        LakeBusy
            Somebody else holds it and `wait` is false.
        """
        home = self.root if self.local else tempfile.gettempdir()
        name = "refresh.lock" if self.local else f"lake-{hashlib.sha256(self.address.encode()).hexdigest()[:16]}.lock"
        with Path(home, name).open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as problem:
                raise LakeBusy("The lake is being refreshed at this moment; try again in a minute.") from problem
            yield
