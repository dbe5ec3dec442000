"""The ground under every test: a real PostgreSQL, a fixed hour, a small cast."""

import os
from datetime import UTC, datetime
from pathlib import Path

import django
import pytest

ROOT = Path(__file__).resolve().parents[1]
# Before settings are read: tests never touch anybody's real data.
os.environ.setdefault("MAKEGOOD_HOME", str(ROOT / ".makegood-test"))
os.environ.setdefault("MAKEGOOD_SECRET_KEY", "for tests only")
os.environ["DJANGO_SETTINGS_MODULE"] = "makegood.app.config.settings"


from makegood.app.config import settings  # noqa: E402  the environment comes first
from makegood.app.config.embedded import EmbeddedDatabase  # noqa: E402

if settings.EMBEDDED:
    EmbeddedDatabase(settings.MAKEGOOD_HOME).start()
# Before the conftest files of the rooms, which import models.
django.setup()


@pytest.fixture
def noon() -> datetime:
    """Thursday, 5 March 2026, 12:00 UTC."""
    return datetime(2026, 3, 5, 12, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real histories, kept outside the repository. Tests that need them skip loudly where they are absent."""
    path = Path(os.environ.get("MAKEGOOD_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not path.is_dir():
        pytest.skip(f"No real data at {path}: set MAKEGOOD_SHARED_DATA to the folder that holds olist/.")
    return path
