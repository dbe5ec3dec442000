import pytest


@pytest.fixture(autouse=True)
def somewhere(settings, tmp_path) -> None:
    """Files of a test lie in a folder of their own, and the company has an address."""
    settings.MAKEGOOD_FILES = tmp_path
    settings.STORAGES = settings.STORAGES | {
        "attachments": {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": tmp_path / "attachments"},
        }
    }
    settings.DEFAULT_FROM_EMAIL = "Shop Care <care@shop.example>"
