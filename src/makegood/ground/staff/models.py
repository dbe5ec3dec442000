"""Who works here, in which role, and which part of the company they see."""

from typing import ClassVar

import pghistory
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Q

from makegood.ground.retail.models import Place
from makegood.ids import uuid7


class Role(models.TextChoices):
    """What a person's job is. What each may do stands in `rules.py`."""

    ASSOCIATE = "associate", "Associate"
    SPECIALIST = "specialist", "Specialist"
    MANAGER = "manager", "Manager"
    ANALYST = "analyst", "Analyst"
    ADMINISTRATOR = "administrator", "Administrator"


@pghistory.track(exclude=["password", "last_login"])
class User(AbstractUser):
    """A member of staff. Without places they see the whole company, with places only those and what is below."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    role = models.CharField(max_length=14, choices=Role, default=Role.ASSOCIATE)
    time_zone = models.CharField(max_length=64, blank=True, default="", help_text="Empty: that of the company.")
    notices_by_mail = models.BooleanField("notices by e-mail", default=False)
    places = models.ManyToManyField(Place, blank=True, related_name="staff")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="user_role_known", condition=Q(role__in=Role.values)),
        ]

    @property
    def display_name(self) -> str:
        return self.get_full_name() or self.username
