"""Lists kept under a name."""

from typing import ClassVar

from django.conf import settings
from django.db import models

from makegood.ids import uuid7


class SavedView(models.Model):
    """Filters of the queue under a name: one person's, or everybody's."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=40)
    address = models.CharField(max_length=1000, help_text="The query string of the filters.")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", db_index=False)
    shared = models.BooleanField(default=False, db_index=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["owner", "name"], name="view_name_once")]

    def __str__(self) -> str:
        return self.name
