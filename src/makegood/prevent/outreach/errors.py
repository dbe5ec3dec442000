"""What this room refuses, and how it says so."""

from decimal import Decimal

from makegood.errors import Conflict, NotFound


class OutreachNotFound(NotFound):
    code = "outreach_not_found"

    def __init__(self, number: int | str) -> None:
        self.number = number
        super().__init__(f"There is no outreach {number}.")


class IncidentUnknown(NotFound):
    code = "outreach_incident_unknown"

    def __init__(self, number: int | str) -> None:
        self.number = number
        super().__init__(f"There is no incident {number}.")


class NobodyAffected(Conflict):
    code = "outreach_nobody_affected"

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"I-{number} has no list of affected orders yet. Find them first, then write to them.")


class NoHoldoutInRecall(Conflict):
    code = "outreach_recall_holdout"
    status = 422

    def __init__(self) -> None:
        super().__init__(
            "This is a recall: everybody affected must be told, so nobody can be held out. Set the holdout to 0."
        )


class NotADraft(Conflict):
    """Somebody was first, or it is under way."""

    code = "outreach_not_draft"

    def __init__(self, number: int, state: str) -> None:
        self.number, self.state = number, state
        super().__init__(f"O-{number} is no draft any more ({state.lower()}). Nothing was changed.")


class CannotGoThere(Conflict):
    code = "outreach_state"

    def __init__(self, number: int, state: str, wanted: str) -> None:
        self.number, self.state, self.wanted = number, state, wanted
        super().__init__(f"O-{number} cannot be {wanted}: it is {state.lower()}. Nothing was changed.")


class NotWorkedOut(Conflict):
    code = "outreach_not_worked_out"

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"Something in O-{number} changed since its people were worked out. Do that again and look.")


class NobodyToTell(Conflict):
    code = "outreach_nobody_to_tell"

    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"O-{number} would reach nobody: all its people are left out or held out.")


class NoAddressOfOurs(Conflict):
    code = "outreach_needs_url"

    def __init__(self) -> None:
        super().__init__(
            "Set MAKEGOOD_URL first: without it people could neither accept an offer nor ask for no more messages."
        )


class AboveLimit(Conflict):
    """Within nobody's limit, or above that of whoever asks."""

    code = "outreach_above_limit"

    def __init__(self, each: Decimal, total: Decimal, most_each: Decimal, most_total: Decimal) -> None:
        self.each, self.total, self.most_each, self.most_total = each, total, most_each, most_total
        super().__init__(
            f"This may cost {total:,.2f} in all and {each:,.2f} for one customer; the limit here is"
            f" {most_total:,.2f} and {most_each:,.2f}. Somebody with a higher limit has to approve it."
        )


class AboveEveryLimit(Conflict):
    code = "outreach_above_every_limit"

    def __init__(self, each: Decimal, total: Decimal) -> None:
        self.each, self.total = each, total
        super().__init__(
            f"This may cost {total:,.2f} in all and {each:,.2f} for one customer: more than anybody may approve here."
            " Offer less, or to fewer."
        )


class FourEyes(Conflict):
    code = "outreach_four_eyes"

    def __init__(self) -> None:
        super().__init__("You asked for this approval; somebody else has to give it.")


class SegmentUnfit(Conflict):
    """Words or a remedy that cannot be sent."""

    code = "outreach_segment_unfit"
    status = 422


class SegmentNotFound(NotFound):
    code = "outreach_segment_not_found"

    def __init__(self) -> None:
        super().__init__("There is no such segment in this outreach.")


class OfferGone(NotFound):
    """Which of forged, unknown, taken back or run out it is, is not said."""

    code = "offer_gone"

    def __init__(self) -> None:
        super().__init__("This link does not work (any more). Answer the message that it came with, and we will help.")
