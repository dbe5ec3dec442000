"""A word aside among colleagues: a question within a case, and what was answered."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from makegood.ids import uuid7
from makegood.recover.cases.models.case import Case, Queue


class Question(models.Model):
    """What somebody asks a colleague, or whoever works a queue. The customer never sees it."""

    class State(models.TextChoices):
        OPEN = "open", "Open"
        ANSWERED = "answered", "Answered"
        CLOSED = "closed", "Closed"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    case = models.ForeignKey(Case, models.PROTECT, related_name="questions", db_index=False)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+", db_index=False)
    to = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    to_queue = models.ForeignKey(Queue, models.PROTECT, null=True, blank=True, related_name="+", db_index=False)
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                name="question_to_one_or_queue",
                condition=Q(to=None, to_queue__isnull=False) | Q(to__isnull=False, to_queue=None),
            ),
            models.CheckConstraint(
                name="question_closed_has_time",
                condition=Q(state="closed", closed_at__isnull=False) | ~Q(state="closed") & Q(closed_at=None),
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["case"], name="question_of_case"),
            # What is on somebody's desk: open questions to a person or a queue, and answers that the asker has to read.
            models.Index(fields=["to"], name="question_to_open", condition=Q(state="open")),
            models.Index(fields=["to_queue"], name="question_queue_open", condition=Q(state="open")),
            models.Index(fields=["asked_by"], name="question_answered", condition=Q(state="answered")),
            # Counted on each row of the queue.
            models.Index(fields=["case"], name="question_open", condition=Q(closed_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.state} on {self.case_id}"


class QuestionWord(models.Model):
    """What somebody said in a question, kept apart from the events that tell of it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    question = models.ForeignKey(Question, models.CASCADE, related_name="words")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    body = models.TextField()
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.body[:60]
