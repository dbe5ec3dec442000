"""What was said, in words of people: a person can be erased while the events of the timeline stay."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from makegood.ids import uuid7
from makegood.recover.cases.models.case import Case


class Channel(models.TextChoices):
    EMAIL = "email", "E-mail"
    PHONE = "phone", "Phone"
    CHAT = "chat", "Chat"
    WEB = "web", "Web form"
    STORE = "store", "Store desk"
    SOCIAL = "social", "Social media"
    REVIEW = "review", "Review"
    API = "api", "API"


class Direction(models.TextChoices):
    IN = "in", "From the customer"
    OUT = "out", "To the customer"
    PARTNER = "par", "From a partner"


class Contact(models.Model):
    """One touch by or to the customer."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    case = models.ForeignKey(Case, models.PROTECT, related_name="contacts")
    channel = models.CharField(max_length=12, choices=Channel)
    direction = models.CharField(max_length=3, choices=Direction)
    author = models.CharField(max_length=200, blank=True, default="")
    staff = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    subject = models.CharField(max_length=300, blank=True, default="")
    body = models.TextField()
    language = models.CharField(max_length=8, blank=True, default="")
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.channel} {self.direction} {self.at:%Y-%m-%d %H:%M}"


class Envelope(models.Model):
    """What a contact that came by mail had around its words."""

    contact = models.OneToOneField(Contact, models.PROTECT, primary_key=True, related_name="envelope")
    message_id = models.CharField(max_length=998, blank=True, default="", help_text="The Message-ID header.")
    references = models.TextField(blank=True, default="", help_text="The References header.")
    brand = models.CharField(max_length=40, blank=True, default="", help_text="Of the address that was written to.")
    quoted = models.TextField(blank=True, default="", help_text="What the writer repeated below their words.")

    class Meta:
        indexes: ClassVar = [
            models.Index(fields=["message_id"], name="envelope_by_message", condition=Q(message_id__gt="")),
        ]

    def __str__(self) -> str:
        return self.message_id


class Attachment(models.Model):
    """A file that came with a contact, or left with it. Its content lies outside the database, by its hash."""

    class Scan(models.TextChoices):
        WAITING = "waiting", "Not yet checked"
        CLEAN = "clean", "No virus found"
        INFECTED = "infected", "Virus found"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    contact = models.ForeignKey(Contact, models.PROTECT, related_name="attachments")
    name = models.CharField(max_length=200)
    type = models.CharField(max_length=100, help_text="What its content looks like, not what its sender calls it.")
    size = models.BigIntegerField()
    sha256 = models.CharField(max_length=64, blank=True, default="")
    key = models.CharField(max_length=200, blank=True, default="", help_text="Where it is stored; empty: it is not.")
    left_out = models.CharField(max_length=200, blank=True, default="", help_text="Why it was not kept.")
    inline = models.BooleanField(default=False, help_text="A picture that stood within the words.")
    scan = models.CharField(max_length=8, choices=Scan, default=Scan.WAITING)
    scan_says = models.CharField(max_length=200, blank=True, default="")

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                name="attachment_kept_or_says_why",
                condition=Q(key__gt="", left_out="") | Q(key="", left_out__gt=""),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["id"], name="attachment_unscanned", condition=Q(scan="waiting", key__gt="")),
        ]

    def __str__(self) -> str:
        return self.name


class Note(models.Model):
    """What a colleague wrote for colleagues."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    case = models.ForeignKey(Case, models.PROTECT, related_name="notes")
    staff = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    body = models.TextField()
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.body[:60]


class CustomerLink(models.Model):
    """The customer's way to their own case without signing in. One at a time per case; revoked, it is gone for good."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    case = models.ForeignKey(Case, models.PROTECT, related_name="links", db_index=False)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True, blank=True, help_text="When the customer last opened it.")
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["case"], name="link_one_per_case", condition=Q(revoked_at=None)),
        ]

    def __str__(self) -> str:
        return f"link to {self.case_id}"
