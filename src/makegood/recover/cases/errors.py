"""What this room refuses, and how it says so."""

from typing import Any

from makegood.errors import Conflict, NotFound, NotPermitted


class CaseNotFound(NotFound):
    code = "case_not_found"

    def __init__(self, number: int | str) -> None:
        self.number = number
        super().__init__(f"There is no case {number}, or it lies outside the part of the company that you see.")


class CaseAlreadyResolved(Conflict):
    code = "case_already_resolved"

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"Case C-{number} is already resolved. Reopen it to work on it again.")


class CaseMerged(Conflict):
    """Another case goes on in its place."""

    code = "case_merged"

    def __init__(self, number: int, into: int) -> None:
        self.number, self.into = number, into
        super().__init__(f"C-{number} was merged into C-{into}. Work on that one, or undo the merge.")


class NotMerged(Conflict):
    code = "not_merged"

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"C-{number} is not merged into another case: there is nothing to undo.")


class NotSplit(Conflict):
    code = "not_split"

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"C-{number} was not split off another case: there is nothing to undo.")


class MergeWithItself(Conflict):
    code = "merge_with_itself"

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"C-{number} cannot be merged with itself. Choose another case.")


class NotTheSameCustomer(Conflict):
    """What one customer wrote must not be read by another."""

    code = "not_the_same_customer"

    def __init__(self, number: int, other: int) -> None:
        self.number, self.other = number, other
        super().__init__(
            f"C-{number} and C-{other} belong to different customers. Link them to one parent instead of merging."
        )


class NotInThisCase(Conflict):
    """Somebody took these words out of the case before."""

    code = "not_in_this_case"

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"These words are not in C-{number} any more. Load the page again to see where they went.")


class NothingToSplit(Conflict):
    code = "nothing_to_split"
    status = 422

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"Choose contacts of C-{number} that are about something else.")


class NotAParent(Conflict):
    """Families are one deep."""

    code = "not_a_parent"

    def __init__(self, number: int, why: str) -> None:
        self.number = number
        super().__init__(f"Nothing can be linked to C-{number}: {why}.")


class NotLinked(Conflict):
    code = "not_linked"

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"C-{number} is not linked to a parent: there is nothing to take back.")


class ChangedSince(Conflict):
    """What was done cannot be taken back: somebody has built on it."""

    code = "changed_since"

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"C-{number} was worked on since: what was done there stays.")


class FieldEmpty(Conflict):
    """A text for many speaks of something that this case does not have."""

    code = "field_empty"

    def __init__(self, number: int, field: str) -> None:
        self.number, self.field = number, field
        super().__init__(f"C-{number} has nothing to put in place of {{{field}}}. Answer it by itself.")


class BatchNotFound(NotFound):
    code = "batch_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such batch, somebody else started it, or it cannot be taken back.")


class NotInTheFuture(Conflict):
    code = "not_in_the_future"
    status = 422

    def __init__(self) -> None:
        super().__init__("Choose a time that is still to come, within a year.")


class NotSnoozed(Conflict):
    code = "not_snoozed"

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"C-{number} is not put off: it is in the queue.")


class HandOverMissing(Conflict):
    """Whoever takes it over must not have to ask."""

    code = "hand_over_missing"
    status = 422

    def __init__(self) -> None:
        super().__init__("Say what happened, what was promised (“nothing” will do) and what is needed now.")


class NotAnEscalation(Conflict):
    code = "not_an_escalation"

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"Choose a higher tier or another queue for C-{number}: it is there already.")


class QueueNotFound(NotFound):
    code = "queue_not_found"

    def __init__(self, queue: str) -> None:
        self.queue = queue
        super().__init__(f"There is no queue {queue}.")


class CaseNotResolved(Conflict):
    code = "case_not_resolved"

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"Case C-{number} is open: there is nothing to reopen.")


class CaseChanged(Conflict):
    """Somebody wrote on it since this person read it."""

    code = "case_changed"

    def __init__(self, number: int, seen: int, version: int) -> None:
        self.number, self.seen, self.version = number, seen, version
        super().__init__(f"Case C-{number} was changed while you looked at it. Read what is new, then try again.")


class CaseExists(Conflict):
    """One open case per customer, order and reason."""

    code = "case_exists"

    def __init__(self, number: int, other: int) -> None:
        self.number, self.other = number, other
        super().__init__(f"C-{other} is already open for this customer, order and reason. Work on that one.")


class ReasonNotFound(NotFound):
    code = "reason_not_found"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(f"There is no reason code {reason}, or it is no longer used.")


class NoAddress(Conflict):
    code = "no_address"

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"We have no e-mail address for the customer of C-{number}. Call them and log the call.")


class NothingToSay(Conflict):
    code = "nothing_to_say"
    status = 422

    def __init__(self) -> None:
        super().__init__("The text is empty. Write something first.")


class PersonNotFound(NotFound):
    code = "person_not_found"

    def __init__(self, person: str) -> None:
        self.person = person
        super().__init__("There is nobody by that name who may work cases.")


class MacroNotFound(NotFound):
    code = "macro_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such macro, or it is somebody else's own.")


class LinkGone(NotFound):
    """Forged, unknown, expired or revoked: which of these is not said."""

    code = "link_gone"

    def __init__(self) -> None:
        super().__init__("This link no longer opens anything. Answer our last mail and we send you a new one.")


class AttachmentNotFound(NotFound):
    code = "attachment_not_found"

    def __init__(self) -> None:
        super().__init__("This case has no such file.")


class AttachmentUnsafe(Conflict):
    """It is not there, was not looked at, or was found infected."""

    code = "attachment_unsafe"

    def __init__(self, name: str, why: str) -> None:
        self.name, self.why = name, why
        super().__init__(f"{name} cannot be opened: {why.rstrip('.').lower()}.")


class FileRefused(Conflict):
    code = "file_refused"
    status = 422

    def __init__(self, name: str, why: str) -> None:
        self.name, self.why = name, why
        super().__init__(f"{name} cannot be sent: {why[:1].lower()}{why[1:]} Nothing was sent.")


class CommitmentStillOpen(Conflict):
    """Something promised is neither kept nor released."""

    code = "commitment_still_open"

    def __init__(self, number: int, promises: list[dict[str, Any]]) -> None:
        self.number, self.promises = number, promises
        self.href = f"/commitments/?show=open&whose=all&case=C-{number}"
        named = ", ".join(f"{it['text']} (P-{it['number']}, {it['owner']})" for it in promises)
        super().__init__(
            f"C-{number} still has something promised: {named}. Keep it, or say who let us off it, then resolve."
        )


class SameQueue(Conflict):
    """It stands in that queue already."""

    code = "same_queue"

    def __init__(self, number: int, queue: str) -> None:
        self.number, self.queue = number, queue
        super().__init__(f"C-{number} is in {queue} already: there is nothing to move.")


class ColleagueCannotSee(Conflict):
    """Telling them of a case that lies outside their part of the company would lead them nowhere."""

    code = "colleague_cannot_see"
    status = 422

    def __init__(self, number: int, name: str) -> None:
        self.number, self.name = number, name
        super().__init__(f"{name} does not see C-{number}: it lies outside their part of the company.")


class NobodyToAsk(Conflict):
    """Neither a colleague nor a queue is named, both are, or it is oneself."""

    code = "nobody_to_ask"
    status = 422

    def __init__(self) -> None:
        super().__init__("Choose one colleague, not yourself, or one queue to ask.")


class QuestionNotFound(NotFound):
    code = "question_not_found"

    def __init__(self) -> None:
        super().__init__("This case has no such question.")


class QuestionClosed(Conflict):
    code = "question_closed"

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"This question on C-{number} is closed. Write a note, or ask anew.")


class NotYourQuestion(NotPermitted):
    code = "not_your_question"

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"Only {name}, who asked, or a manager closes this question.")


class NotYourMacro(NotPermitted):
    """Shared macros are edited by whoever made them, and by managers."""

    code = "not_your_macro"

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"“{name}” is edited by whoever made it, and by managers. Make one of your own instead.")


class MacroChanged(Conflict):
    """Somebody edited it after it was chosen: it would do something else than was shown."""

    code = "macro_changed"

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"“{name}” was edited since you chose it. Nothing was done: choose it again.")


class ActionUnfit(Conflict):
    """An action of a macro that could never be done as it is written."""

    code = "action_unfit"
    status = 422

    def __init__(self, action: str, why: str) -> None:
        self.action, self.why = action, why
        super().__init__(f"{action}: {why}")


class ActionsRefused(Conflict):
    """What a macro would do cannot be done to this case, so nothing was, and nothing was sent."""

    code = "actions_refused"
    status = 422

    def __init__(self, refused: list[tuple[str, str]]) -> None:
        self.refused = refused
        told = " ".join(f"{action}: {why}" for action, why in refused)
        super().__init__(f"Nothing was sent or done. {told}")


class ViewTooLong(Conflict):
    code = "view_too_long"
    status = 422

    def __init__(self) -> None:
        super().__init__("These filters are too long to be kept. Use fewer words.")
