"""What a command needs before it can work: a home, settings, a database that is up to date."""

import os
import secrets

import django
from django.core.exceptions import ImproperlyConfigured
from environs import EnvError

from makegood.app.config.embedded import EmbeddedDatabase, EmbeddedDatabaseError


class CannotStart(Exception):
    """One sentence for the person at the keyboard."""


def set_up(*, database: bool = True, migrate: bool = True) -> None:
    """Read the settings, start the embedded database if it is ours, apply migrations.

    Raises
    ------
    CannotStart
        A setting cannot be read, the home cannot be written, the database does not answer.
    """
    try:
        from makegood.app.config import settings as raw  # read now, so that problems are ours to tell

        if not os.environ.get("MAKEGOOD_SECRET_KEY") and not os.environ.get("MAKEGOOD_SECRET_KEY_FILE"):
            raw.SECRET_KEY = _kept_secret_key(raw.MAKEGOOD_HOME)
        if database and raw.EMBEDDED:
            EmbeddedDatabase(raw.MAKEGOOD_HOME).start()
        django.setup()
    except EnvError as problem:
        said = str(problem).rstrip(".")
        raise CannotStart(f"A setting cannot be read: {said}.") from problem
    except (EmbeddedDatabaseError, ImproperlyConfigured) as problem:
        raise CannotStart(str(problem)) from problem
    except ValueError as problem:  # Django's word for a time zone that there is not
        raise CannotStart(f"A setting cannot be read: {str(problem).rstrip('.')}.") from problem
    except OSError as problem:
        raise CannotStart(
            f"{problem.filename}: {problem.strerror}. Set MAKEGOOD_HOME to a directory that can be written."
        ) from problem
    from makegood.app.config import logs

    logs.setup()
    if database:
        _reach()
    if database and migrate:
        _migrate()


def _kept_secret_key(home: os.PathLike[str]) -> str:
    path = os.path.join(home, "secret-key")  # noqa: PTH118
    os.makedirs(home, exist_ok=True)  # noqa: PTH103
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        with open(path) as kept:  # noqa: PTH123
            return kept.read().strip()
    with os.fdopen(handle, "w") as kept:
        key = secrets.token_urlsafe(48)
        kept.write(key)
    return key


def _reach() -> None:
    """Connect once, past the pool: that would try for long and log each attempt."""
    import psycopg
    from django.db import connection

    try:
        psycopg.connect(**{"connect_timeout": 10, **connection.get_connection_params()}).close()
    except ImproperlyConfigured as problem:
        raise CannotStart(
            "DATABASE_URL names no database. Write postgresql://user:password@host:5432/name."
        ) from problem
    except psycopg.OperationalError as problem:
        said = str(problem).strip().splitlines()[0].rstrip(".")
        raise CannotStart(f"The database does not answer: {said}. Check DATABASE_URL.") from problem


def _migrate() -> None:
    """Apply what is missing. Two at once wait for each other on an advisory lock."""
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(7267320)")
        try:
            executor = MigrationExecutor(connection)
            if executor.migration_plan(executor.loader.graph.leaf_nodes()):
                call_command("migrate", verbosity=0, interactive=False)
                from makegood.recover.cases.services.reasons import plant_defaults

                plant_defaults()
        finally:
            cursor.execute("SELECT pg_advisory_unlock(7267320)")
