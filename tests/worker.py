"""What the worker does, done when a journey says so: the jobs that wait, and those whose hour has come."""

import json

from django.db import connection
from procrastinate.contrib.django import app


def work(*periodic: str) -> None:
    """Do these periodic jobs, by name, and then every job that waits, until none does."""
    for name in periodic:
        app.tasks[name](timestamp=0)
    while waiting := _taken():
        for name, arguments in waiting:
            app.tasks[name](**arguments)


def begin() -> None:
    """Leave no job that another test left behind: what it is about is gone."""
    _taken()


def _taken() -> list[tuple[str, dict[str, object]]]:
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs WHERE status = 'todo' RETURNING id, task_name, args")
        return [(name, args if isinstance(args, dict) else json.loads(args)) for _, name, args in sorted(cursor)]
