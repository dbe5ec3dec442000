"""How often something was tried: the memory of `throttle.py`, shared by all web processes."""

from django.db import models


class Throttle(models.Model):
    key = models.CharField(max_length=64, primary_key=True)
    used = models.PositiveIntegerField()
    resets_at = models.DateTimeField(db_index=True)

    def __str__(self) -> str:
        return f"{self.used} until {self.resets_at:%H:%M:%S}"
