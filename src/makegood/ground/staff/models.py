"""Who works here, in which role, and which part of the company they see."""

from typing import ClassVar

import pghistory
from django.conf import settings
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
    language = models.CharField(
        max_length=8, blank=True, default="", choices=settings.LANGUAGES, help_text="Empty: that of the company."
    )
    notices_by_mail = models.BooleanField("notices by e-mail", default=False)
    places = models.ManyToManyField(Place, blank=True, related_name="staff")
    is_integration = models.BooleanField(default=False, help_text="Another system, not a person: has keys, no sign-in.")
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


class ApiKey(models.Model):
    """How another system proves who it is. Only hashes are kept: a key is shown once, when it is made or rotated."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, models.PROTECT, related_name="keys", help_text="The integration it speaks for.")
    scopes = ArrayField(models.CharField(max_length=60), help_text="Permissions: at most those of the account's role.")
    digest = models.CharField(max_length=64, unique=True)
    # After a rotation the former key still works for a while, so that both sides need not change at once.
    former_digest = models.CharField(max_length=64, blank=True, default="", db_index=True)
    former_until = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()
    created_by = models.ForeignKey(User, models.PROTECT, related_name="+", db_index=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    used_at = models.DateTimeField(null=True, blank=True, help_text="Last use, to the minute.")
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(name="key_has_scopes", condition=Q(scopes__len__gt=0)),
            models.CheckConstraint(
                name="key_former_until",
                condition=Q(former_digest="", former_until=None) | Q(former_digest__gt="", former_until__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"key of {self.user_id}"
