"""The command `makegood`. Each topic is a file; this one puts them together and speaks for errors."""

import os
import sys

import structlog


def main() -> None:
    """Entry point: one sentence for whatever a person can mend, a traceback only for bugs."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "makegood.app.config.settings")
    from makegood.app.cli.commands import run  # settings are read on import

    structlog.contextvars.clear_contextvars()
    sys.exit(run())
