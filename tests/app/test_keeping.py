"""What is kept comes back: database, attachments, original mails; and the doctor sees what is not there."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import FileSystemStorage
from django.utils import timezone

from makegood.app.cli.keeping import _files
from makegood.ground.messages import files, stored
from makegood.recover.cases.models import Attachment
from makegood.recover.intake.models import Mail
from makegood.recover.intake.services.mailing import Where, keep_mail, take_in_mail

RAW = (
    b"From: maria@example.com\r\nTo: care@localhost\r\nSubject: Broken\r\nMessage-ID: <1@x>\r\n"
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nThe kettle arrived broken.\r\n--b\r\n"
    b"Content-Type: image/png\r\nContent-Disposition: attachment; filename=kettle.png\r\n\r\n\x89PNG\r\n--b--\r\n"
)

# -- the doctor


@pytest.fixture
def kept(db: None, tree: None, settings: Any, tmp_path: Path) -> Path:
    """A mail with an attachment, in a folder of the test."""
    settings.STORAGES = settings.STORAGES | {
        "attachments": {
            "BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path},
        }
    }  # fmt: skip
    now = timezone.now()
    assert keep_mail(raw=RAW, where=Where("care", "", now))
    assert take_in_mail(now)["taken"] == 1
    return tmp_path


@pytest.fixture
def tree(db: None) -> None:
    from makegood.recover.cases.services import plant_defaults

    plant_defaults()


def test_all_is_well(kept: Path):
    found = _files()
    assert (found.state, found.says[:7]) == ("ok", "2 kept,")


def test_a_file_that_is_gone_and_one_that_was_cut_are_named(kept: Path):
    mail, attachment = Mail.objects.get(), Attachment.objects.get()
    (kept / mail.key).unlink()
    (kept / attachment.key).write_bytes(b"?")
    found = _files()
    assert found.state == "broken"
    assert found.says == f"1 missing, 1 damaged of 2: {mail.key}, {attachment.key}."


def test_what_belongs_to_nothing_is_counted_once_it_is_old_enough_to_be_sure(kept: Path):
    stray = kept / "ab/cd/abcd"
    stray.parent.mkdir(parents=True)
    stray.write_bytes(b"x" * 1000)
    now = timezone.now()
    assert stored.check(now=now).orphaned == 0
    later = now + 2 * stored.YOUNG
    assert (stored.check(now=later).orphaned, stored.check(now=later).orphaned_bytes) == (1, 1000)
    os.utime(stray, (time.time() - 9000,) * 2)
    found = _files()
    assert (found.state, "1 more belong to nothing" in found.says) == ("ok", True)


class Elsewhere(FileSystemStorage):
    """Stands for object storage: it can be asked for a file, not walked through."""


def test_a_storage_that_is_no_folder_is_asked_for_each_file(kept: Path, monkeypatch):
    elsewhere = files.storage()
    monkeypatch.setattr(stored, "FileSystemStorage", Elsewhere)
    monkeypatch.setattr(files, "storage", lambda: elsewhere)
    (kept / Mail.objects.get().key).unlink()
    seen = stored.check(now=timezone.now())
    assert (seen.missing, seen.looked_into) == ([Mail.objects.get().key], False)


def test_every_model_that_speaks_of_a_file_is_looked_at():
    assert {Attachment, Mail} <= set(stored.keepers())


# -- backup and restore, from one machine to another


@pytest.fixture
def machines() -> Iterator[tuple[Path, Path]]:
    """Two homes, each with a database of its own; their paths are short, as sockets need them."""
    homes = [Path(tempfile.mkdtemp(prefix="mg", dir="/tmp")) for _ in range(2)]
    yield homes[0], homes[1]
    for home in homes:
        shutil.rmtree(home, ignore_errors=True)


def run(home: Path, *arguments: str) -> str:
    names = {name: value for name, value in os.environ.items() if not name.startswith(("MAKEGOOD_", "DATABASE_URL"))}
    done = subprocess.run(
        [sys.executable, *arguments],
        env=names | {"MAKEGOOD_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


BEGIN = "from makegood.app.cli.start import set_up\nset_up()\nfrom django.utils import timezone\n"
TAKE_IN = (
    BEGIN
    + f"""
from makegood.recover.intake.services.mailing import Where, keep_mail, take_in_mail
keep_mail(raw={RAW!r}, where=Where("care", "", timezone.now()))
assert take_in_mail(timezone.now())["taken"] == 1
"""
)
LOOK = (
    BEGIN
    + f"""
from makegood.app.cli.keeping import _files
from makegood.ground.messages import files
from makegood.recover.cases.models import Attachment
from makegood.recover.intake.models import Mail
mail, attachment = Mail.objects.get(), Attachment.objects.get()
assert files.get(mail.key) == {RAW!r}
assert files.get(attachment.key).startswith(b"\\x89PNG")
assert mail.contact.attachments.get() == attachment
print(_files().state)
"""
)


@pytest.mark.slow
def test_a_backup_brings_mails_and_attachments_to_another_machine(machines: tuple[Path, Path], tmp_path: Path):
    here, there = machines
    file = tmp_path / "all.tar"
    run(here, "-c", TAKE_IN)
    written = json.loads(run(here, "-m", "makegood", "backup", str(file), "--json"))
    assert written["files"] == 2
    assert written["left_out"] == ["lake", "secret key", "mail tokens"]
    run(there, "-m", "makegood", "restore", str(file))
    assert run(there, "-c", LOOK).strip() == "ok"
