"""The next best action on a case, in one sentence: a table of rules, the first that speaks wins."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from django.utils.translation import gettext as _

from makegood.ground.retail.queries.orders import Parcel, Purchase
from makegood.ground.web.formats import day_time, duration
from makegood.recover.cases.queries.case import CaseDetail, Moment

# A customer who has not answered for so long is reminded, or the case ends.
SILENCE = timedelta(days=3)


class Situation(NamedTuple):
    """What the rules look at."""

    case: CaseDetail
    order: Purchase | None
    parcel: Parcel | None
    last_reply: Moment | None
    now: datetime

    @property
    def who(self) -> str:
        return self.case.customer or _("the customer")

    @property
    def is_late(self) -> bool:
        return self.case.due_at is not None and self.case.due_at < self.now


class NextStep(NamedTuple):
    """What to do and which key does it (empty: nothing on this page)."""

    says: str
    key: str = ""


Rule = Callable[[Situation], NextStep | None]


def next_step(situation: Situation) -> NextStep:
    """What to do now."""
    return next((step for rule in RULES if (step := rule(situation))), NextStep(_("Nothing to do.")))


def _resolved(at: Situation) -> NextStep | None:
    case = at.case
    if case.is_open:
        return None
    if case.merged_into:
        return NextStep(_("Nothing to do here: it goes on in C-%(number)s.") % {"number": case.merged_into})
    if (
        case.last_contact_by == "customer"
        and case.last_contact_at
        and case.resolved_at
        and case.last_contact_at > case.resolved_at
    ):
        return NextStep(
            _("%(who)s wrote after the case was resolved. Read it; if it is not settled, reopen.") % {"who": at.who},
            "o",
        )
    return NextStep(_("Nothing to do: the case is resolved."))


def _put_off(at: Situation) -> NextStep | None:
    until = at.case.snoozed_until
    if until is None:
        return None
    facts = {"when": day_time(until, now=at.now), "who": at.who}
    return NextStep(_("Put off until %(when)s, or until %(who)s writes.") % facts, "h")


def _reply_stuck(at: Situation) -> NextStep | None:
    last = at.last_reply
    if last is None or last.message_status not in ("failed", "uncertain"):
        return None
    if last.message_status == "failed":
        return NextStep(_("Your last reply was not sent. Call %(who)s, or have it sent again.") % {"who": at.who}, "c")
    return NextStep(
        _("Nobody knows whether your last reply arrived. Call %(who)s, or have it sent again.") % {"who": at.who}, "c"
    )


def _customer_waits(at: Situation) -> NextStep | None:
    case = at.case
    if case.last_contact_by != "customer" or case.last_contact_at is None:
        return None
    facts = {
        "who": at.who,
        "time": duration(at.now - case.last_contact_at),
        "late": duration(at.now - (case.answer_due_at or at.now)),
    }
    key = "r" if case.email else "c"
    if case.answer_due_at and case.answer_due_at < at.now:
        return NextStep(
            _("Answer %(who)s now: waiting for %(time)s, and the answer was due %(late)s ago.") % facts, key
        )
    if at.now - case.last_contact_at < timedelta(minutes=1):
        return NextStep(_("Answer %(who)s, who has just written.") % facts, key)
    return NextStep(_("Answer %(who)s: waiting for %(time)s.") % facts, key)


def _nobody_spoke(at: Situation) -> NextStep | None:
    case = at.case
    if case.last_contact_by or not case.customer_id:
        return None
    key = "r" if case.email else "c"
    if at.parcel and at.parcel.delivered_at is None and case.reason_code.startswith("delivery."):
        carrier = at.parcel.carrier or _("the carrier")
        return NextStep(
            _("Ask %(carrier)s where the parcel is, then tell %(who)s before they ask.")
            % {"carrier": carrier, "who": at.who},
            key,
        )
    return NextStep(_("Tell %(who)s what went wrong before they ask.") % {"who": at.who}, key)


def _arrived_meanwhile(at: Situation) -> NextStep | None:
    delivered = at.parcel.delivered_at if at.parcel else None
    if delivered is None or delivered <= at.case.opened_at or not at.case.reason_code.startswith("delivery."):
        return None
    return NextStep(
        _("The parcel arrived %(when)s. Make sure that all is well, then resolve.")
        % {"when": day_time(delivered, now=at.now)},
        "s",
    )


def _no_answer(at: Situation) -> NextStep | None:
    case = at.case
    if case.status != "waiting_customer" or case.last_contact_at is None or at.now - case.last_contact_at < SILENCE:
        return None
    return NextStep(
        _("%(who)s has not answered for %(time)s. Remind them once more, or resolve.")
        % {"who": at.who, "time": duration(at.now - case.last_contact_at)},
        "r" if case.email else "c",
    )


def _reason_unclear(at: Situation) -> NextStep | None:
    return (
        NextStep(_("Find out what went wrong and set the reason."), "x")
        if at.case.reason_code == "other.unclear"
        else None
    )


def _waiting(at: Situation) -> NextStep | None:
    if at.case.status == "waiting_customer" and not at.is_late:
        return NextStep(_("Wait for %(who)s.") % {"who": at.who})
    return None


def _put_right(at: Situation) -> NextStep | None:
    due_at = at.case.due_at
    if due_at is None:
        return NextStep(_("Wait for whoever has it; the clocks pause meanwhile."))
    if at.is_late:
        return NextStep(
            _("Put it right now: it should have been settled %(late)s ago.") % {"late": duration(at.now - due_at)}, "s"
        )
    return NextStep(_("Put it right within %(time)s, then resolve.") % {"time": duration(due_at - at.now)}, "s")


RULES: tuple[Rule, ...] = (
    _resolved, _put_off, _reply_stuck, _customer_waits, _nobody_spoke, _arrived_meanwhile, _no_answer, _reason_unclear,
    _waiting, _put_right,
)  # fmt: skip
