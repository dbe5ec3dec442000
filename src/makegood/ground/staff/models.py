"""Who works here, in which role, and which part of the company they see."""

from typing import ClassVar

import pghistory
from django.contrib.auth.models import AbstractUser
from django.contrib.postgres.fields import ArrayField
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
    places = models.ManyToManyField(Place, blank=True, related_name="staff")
    skills = ArrayField(
        models.CharField(max_length=40), default=list, blank=True,
        help_text="What rules of assignment ask for, separated by commas, such as pt, warranty.",
    )  # fmt: skip
    case_cap = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="Rules of assignment give no more open cases than that. Empty: no limit."
    )

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="user_role_known", condition=Q(role__in=Role.values)),
        ]

    @property
    def display_name(self) -> str:
        return self.get_full_name() or self.username
