"""The case: one customer's problem, from first contact to a fair end.

A case's timeline is the append-only table `CaseEvent`. Every event names the columns it set, so that the columns of a
case equal what replaying its events gives (`replay.py`, a property test says so). Words of people (contacts, notes) are
kept apart from events: a person can be erased while the facts stay.
"""

from makegood.recover.cases.models.batches import Batch, BatchItem
from makegood.recover.cases.models.case import Case, Locus, Outcome, Queue, Reason, Severity, Status, Tier
from makegood.recover.cases.models.contacts import Attachment, Channel, Contact, CustomerLink, Direction, Envelope, Note
from makegood.recover.cases.models.macros import Macro, MacroFile
from makegood.recover.cases.models.people import Presence, Usual, Watch
from makegood.recover.cases.models.questions import Question, QuestionWord
from makegood.recover.cases.models.rules import AssignmentRule
from makegood.recover.cases.models.timeline import CaseEvent
from makegood.recover.cases.models.views import SavedView

__all__ = [
    "AssignmentRule",
    "Attachment",
    "Batch",
    "BatchItem",
    "Case",
    "CaseEvent",
    "Channel",
    "Contact",
    "CustomerLink",
    "Direction",
    "Envelope",
    "Locus",
    "Macro",
    "MacroFile",
    "Note",
    "Outcome",
    "Presence",
    "Question",
    "QuestionWord",
    "Queue",
    "Reason",
    "SavedView",
    "Severity",
    "Status",
    "Tier",
    "Usual",
    "Watch",
]

# Last, because they build on the case.
import makegood.recover.cases.service_levels.models  # noqa: F401  so that Django finds them
