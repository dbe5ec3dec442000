"""Fails when a model changed and no migration says so (`make contracts`)."""

import os
import sys

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "makegood.app.config.settings")


def main() -> int:
    import django
    from django.core.management import call_command

    from makegood.app.config import settings
    from makegood.app.config.embedded import EmbeddedDatabase

    if settings.EMBEDDED:
        EmbeddedDatabase(settings.MAKEGOOD_HOME).start()
    django.setup()
    call_command("makemigrations", check=True, dry_run=True, verbosity=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
