"""`makegood doctor`, `backup` and `restore`."""

import json
import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from makegood.app.cli import output
from makegood.app.cli.start import set_up

keeping = typer.Typer()

LEAST_FREE_BYTES = 1024**3
WAITING_TOO_LONG = timedelta(minutes=10)
LAKE_TOO_OLD = timedelta(hours=26)
WORKER_SILENT_FOR = timedelta(seconds=40)  # it reports every ten seconds


@dataclass(frozen=True)
class Finding:
    """What the doctor saw in one place: fine, worth a look, or broken; and what to do."""

    what: str
    state: str  # ok, look, broken
    says: str
    do: str = ""


@keeping.command()
def doctor(as_json: output.AsJson = False) -> None:
    """Check database, worker, outbox, mailboxes, files, lake, disk; say what to do. Exit code 1 if any is broken."""
    set_up(migrate=False)
    findings = [check() for check in CHECKS]
    if as_json:
        output.print_json([asdict(finding) for finding in findings])
    else:
        marks = {"ok": "[green]ok[/green]", "look": "[yellow]look[/yellow]", "broken": "[red]broken[/red]"}
        for finding in findings:
            advice = f" {finding.do}" if finding.do else ""
            output.stdout.print(
                f"{marks[finding.state]:>22}  [bold]{finding.what}[/bold]: {finding.says}{advice}", highlight=False
            )
    if any(finding.state == "broken" for finding in findings):
        raise typer.Exit(1)


def _database() -> Finding:
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    missing = len(executor.migration_plan(executor.loader.graph.leaf_nodes()))
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version'), pg_size_pretty(pg_database_size(current_database()))")
        version, size = cursor.fetchone() or ("?", "?")
    if missing:
        return Finding("database", "broken", f"{missing} migrations are missing.", "Run `makegood up` once.")
    return Finding("database", "ok", f"PostgreSQL {version.split()[0]}, {size}.")


def _worker() -> Finding:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - %s::interval),"
            " (SELECT count(*) FROM procrastinate_jobs WHERE status = 'todo' AND scheduled_at IS NULL),"
            " (SELECT count(*) FROM procrastinate_jobs WHERE status = 'failed')",
            [f"{WORKER_SILENT_FOR.seconds} seconds"],
        )
        alive, waiting, failed = cursor.fetchone() or (0, 0, 0)
    if not alive:
        advice = "Start `makegood up` (or `makegood worker`)."
        return Finding("worker", "broken", f"None is running; {waiting} jobs wait.", advice)
    if failed:
        return Finding("worker", "look", f"{alive} running, {failed} jobs failed for good.", "Read the worker's log.")
    return Finding("worker", "ok", f"{alive} running, {waiting} jobs wait.")


def _outbox() -> Finding:
    from django.utils import timezone

    from makegood.ground.messages.models import Message

    count = Message.objects.filter
    overdue = count(status="waiting", due_at__lt=timezone.now() - WAITING_TOO_LONG).count()
    stuck = count(status__in=["failed", "uncertain"]).count()
    if overdue:
        return Finding("outbox", "broken", f"{overdue} messages wait for over 10 minutes.", "See the worker.")
    if stuck:
        return Finding(
            "outbox", "look", f"{stuck} messages were not sent, or perhaps sent.", "Decide on the page Outbox."
        )
    return Finding("outbox", "ok", f"{count(status='waiting').count()} messages wait.")


def _mail() -> Finding:
    from django.utils import timezone

    from makegood.errors import MakegoodError
    from makegood.recover.intake.models import Mail
    from makegood.recover.intake.services.fetching import check, with_mailbox

    try:
        found = [check(brand, now=timezone.now()) for brand in with_mailbox()]
    except MakegoodError as problem:
        return Finding("mail", "broken", str(problem), "Try `makegood mail check` after mending it.")
    waiting = Mail.objects.filter(status=Mail.Status.WAITING).count()
    says = f"{len(found)} mailboxes answer, {waiting} mails wait." if found else "No mailbox is set."
    return Finding("mail", "ok", says)


def _files() -> Finding:
    from django.utils import timezone

    from makegood.ground.messages import stored

    seen = stored.check(now=timezone.now())
    gone = seen.missing + seen.damaged
    if gone:
        named = ", ".join(gone[: stored.NAMED_AT_MOST]) + (" …" if len(gone) > stored.NAMED_AT_MOST else "")
        says = f"{len(seen.missing)} missing, {len(seen.damaged)} damaged of {seen.kept}: {named}."
        return Finding("files", "broken", says, "Bring them back from a backup: `tar -xf FILE.tar files`.")
    says = f"{seen.kept} kept, {seen.bytes / 1024**2:,.1f} MB."
    if seen.orphaned:
        says += f" {seen.orphaned} more belong to nothing ({seen.orphaned_bytes / 1024**2:,.1f} MB); they do no harm."
    return Finding("files", "ok", says)


def _lake() -> Finding:
    from django.utils import timezone

    from makegood.prevent.lake import lake_state

    state = lake_state()
    if state.refreshed_at is None:
        return Finding("lake", "look", "No facts yet.", "They come with the first report or within the hour.")
    age = timezone.now() - state.refreshed_at
    size = f"{sum(state.rows.values()):,} rows, {state.bytes / 1024**2:,.1f} MB"
    says = f"{size}, refreshed {state.refreshed_at:%Y-%m-%d %H:%M} UTC."
    return (
        Finding("lake", "look", says, "Is the worker running?") if age > LAKE_TOO_OLD else Finding("lake", "ok", says)
    )


def _disk() -> Finding:
    from django.conf import settings

    free = shutil.disk_usage(settings.MAKEGOOD_HOME).free
    says = f"{free / 1024**3:,.1f} GB free at {settings.MAKEGOOD_HOME}."
    return (
        Finding("disk", "ok", says) if free > LEAST_FREE_BYTES else Finding("disk", "broken", says, "Free some space.")
    )


CHECKS: tuple[Callable[[], Finding], ...] = (_database, _worker, _outbox, _mail, _files, _lake, _disk)


@keeping.command()
def backup(
    file: Annotated[Path, typer.Argument(help="Where to write it (a .tar file).", dir_okay=False)],
    as_json: output.AsJson = False,
) -> None:
    """Write database, attachments and original mails into one file. Safe while Makegood runs.

    Left out: the lake (it can be made anew), and what is secret and of this machine (the secret key, mail tokens).
    """
    set_up(migrate=False)
    from django.conf import settings
    from django.db.migrations.recorder import MigrationRecorder

    if not file.absolute().parent.is_dir():
        output.fail(f"The folder {file.absolute().parent} does not exist. Make it, or choose another.")
    with tempfile.TemporaryDirectory(dir=file.absolute().parent, prefix=".makegood-backup-") as folder:
        dump = Path(folder) / "database.dump"
        _postgres("pg_dump", "--format=custom", "--no-owner", f"--file={dump}")
        about = Path(folder) / "about.json"
        applied = MigrationRecorder.Migration.objects.count()
        about.write_text(json.dumps({"makegood": 1, "migrations": applied}))
        fresh = Path(folder) / "backup.tar"
        with tarfile.open(fresh, "w") as tar:
            tar.add(about, "about.json")
            tar.add(dump, "database.dump")
            # After the database: files are only ever added, so all that it speaks of are there.
            files = settings.MAKEGOOD_FILES
            if files.is_dir():
                tar.add(files, "files")
            held = sum(member.isfile() and member.name.startswith("files/") for member in tar.getmembers())
        fresh.replace(file)  # appears whole or not at all
    left_out = ["lake", "secret key", "mail tokens", *([] if _in_a_folder() else ["attachments and original mails"])]
    result = {"file": str(file), "bytes": file.stat().st_size, "files": held, "left_out": left_out}
    if as_json:
        output.print_json(result)
    else:
        output.stdout.print(f"Wrote {file} ({result['bytes']:,} bytes, {held:,} files).", highlight=False)
        output.stdout.print(f"Not in it: {', '.join(left_out)}.", highlight=False)
        output.stdout.print(
            "Keep the secret key too (MAKEGOOD_SECRET_KEY, or the file secret-key in MAKEGOOD_HOME): without it links"
            " and reply addresses of mails that were sent no longer work.",
            highlight=False, soft_wrap=True,
        )  # fmt: skip


def _in_a_folder() -> bool:
    """Whether files lie where we can take them along; object storage has backups of its own."""
    from django.core.files.storage import FileSystemStorage

    from makegood.ground.messages.files import storage

    return isinstance(storage(), FileSystemStorage)


@keeping.command()
def restore(
    file: Annotated[Path, typer.Argument(help="A file that `makegood backup` wrote.")],
    replace: Annotated[bool, typer.Option("--replace", help="Replace what the database holds now.")] = False,
    as_json: output.AsJson = False,
) -> None:
    """Bring a backup back, all or nothing. Stop `makegood up` first."""
    set_up(migrate=False)
    from django.conf import settings
    from django.db import connection

    if not file.is_file() or not tarfile.is_tarfile(file):
        output.fail(f"{file} is not a backup that Makegood wrote. Name a file made by `makegood backup`.")
    if connection.introspection.table_names() and not replace:
        output.fail("The database already holds something. Add --replace to put the backup in its place.")
    connection.close()
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(file) as tar:
            if "database.dump" not in tar.getnames():
                output.fail(f"{file} holds no database. Name a file made by `makegood backup`.")
            tar.extractall(folder, filter="data")
        _postgres(
            "pg_restore", "--clean", "--if-exists", "--no-owner", "--single-transaction", "--exit-on-error",
            str(Path(folder) / "database.dump"), database_option=True,
        )  # fmt: skip
        files = Path(folder) / "files"
        if files.is_dir():
            shutil.copytree(files, settings.MAKEGOOD_FILES, dirs_exist_ok=True)
    # The lake describes the data that was replaced.
    lake = Path(settings.MAKEGOOD_LAKE)
    if lake.is_dir():
        shutil.rmtree(lake)
    if as_json:
        output.print_json({"file": str(file), "restored": True})
    else:
        output.stdout.print(f"Restored {file}. Start Makegood with `makegood up`.", highlight=False)


def _postgres(program: str, *arguments: str, database_option: bool = False) -> None:
    """Run one of PostgreSQL's own programs against our database."""
    from django.conf import settings
    from django.db import connection

    from makegood.app.config.embedded import binary

    # A given server is best served by the programs installed beside it; the embedded one by its own.
    path = binary(program) if settings.EMBEDDED else Path(shutil.which(program) or binary(program))
    params: dict[str, Any] = connection.get_connection_params()
    names = {"PGHOST": "host", "PGPORT": "port", "PGUSER": "user", "PGPASSWORD": "password", "PGDATABASE": "dbname"}
    environment = {name: str(params[key]) for name, key in names.items() if params.get(key)}
    extra = [f"--dbname={params['dbname']}"] if database_option else []
    done = subprocess.run(  # noqa: S603  fixed program, no shell
        [str(path), *extra, *arguments], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = next((line for line in done.stderr.splitlines() if "error" in line.lower()), done.stderr.strip())
        output.fail(f"{program} could not finish: {said}. Nothing was changed.")
