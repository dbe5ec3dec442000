"""One failure of the demo retailer, owned to its end: declared, everybody affected told, cause found, change begun.

People do it through the services of the rooms, each deed at its hour; their letters were sent in the past.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import transaction
from django.db.models import Min
from django.test.utils import override_settings

from makegood.app.demo.hidden import HIDDEN
from makegood.app.demo.year import LONDON
from makegood.ground.messages.services import deliver_due
from makegood.ground.staff.models import User
from makegood.prevent.casing import matches
from makegood.prevent.improvements import services as improvements
from makegood.prevent.incidents import services as incidents
from makegood.prevent.incidents.models import Incident, Kind
from makegood.prevent.incidents.services import affecting, joining
from makegood.prevent.outreach import services as outreach
from makegood.prevent.outreach.models import Outreach, Recipient, Remedy, State
from makegood.prevent.outreach.tokens import token_of
from makegood.prevent.signals.models import Signal
from makegood.prevent.slices import Predicate
from makegood.recover.cases.models import Case, CaseEvent, Locus, Outcome
from makegood.recover.cases.services import assign_case, receive_contact, reply
from makegood.recover.cases.services.bulk import Entry, lock_cases, write_entries
from makegood.recover.cases.services.handling import ended
from makegood.recover.commitments import services as commitments
from makegood.recover.commitments.models import Commitment

DAY, WEEK = timedelta(days=1), timedelta(weeks=1)
ANSWERING = 150  # people, at most, whatever the scale
_ADDRESS = "http://127.0.0.1:8000"
_SILENT_MAIL = "django.core.mail.backends.dummy.EmailBackend"

TITLE = "AirCrisp air fryers of one batch stop heating"
ANSWER = """We are sorry: your air fryer is one of a batch whose heating element can fail. A new one of another batch \
leaves today, and a label for the old one is in the parcel. You need not do anything until it arrives."""
LETTER = {
    "subject": "Your air fryer from order {orders}",
    "body": """Dear {first_name},

the {item} that you bought from us may stop heating: the element of one batch is faulty. It is safe to use; if it \
fails, answer this message and a new one leaves the same day.

For the trouble we would like to give you a credit of {amount}: {link}

{company}""",
}
WHYS = (
    "The fryers stop heating within six weeks.",
    "The heating element loses contact where it is crimped.",
    "The maker changed the crimp with batch NA55-K3.",
    "The change was not announced, and deliveries are not tested by us.",
    "We test a product when it is new to us, and never again.",
)
REPLIES = (
    "Thank you for telling me before it happened! Mine still works, I will keep an eye on it.",
    "Mine stopped last week and I had already bought another one elsewhere. A refund would be fairer.",
    "Ours has been fine so far. Is it really safe to leave it on the worktop?",
)


@dataclass(frozen=True)
class _Cast:
    manager: User
    analyst: User
    specialist: User
    administrator: User


def own(signal: Signal, predicate: Predicate, *, name: str, end: datetime) -> Incident | None:
    """Play an incident through, from a signal to the change that should remove its cause.

    None, and nothing is done, where the signal came too late for that to have happened before `end`.
    """
    declared = _morning(signal.raised_at)
    contained = max(declared + 2 * DAY, _morning(HIDDEN[name].window(end)[1]))
    if contained > end - 4 * WEEK:
        return None
    cast = _Cast(*(User.objects.get(username=role) for role in ("manager", "analyst", "specialist", "administrator")))
    with override_settings(EMAIL_BACKEND=_SILENT_MAIL, MAKEGOOD_URL=_ADDRESS):
        incident = _declare(signal, predicate, declared, cast)
        _contain(incident, contained, cast)
        incident.refresh_from_db()
        _tell(incident, contained + DAY, cast)
        _say_cause(incident, contained + 3 * DAY, cast)
        _improve(incident, contained + 4 * DAY, end, cast)
        deliver_due(now=end)
        affecting.look(incident, by=None, now=end)
        affecting.write_down(incident_id=incident.pk, now=end)
    incident.refresh_from_db()
    return incident


def _declare(signal: Signal, predicate: Predicate, now: datetime, cast: _Cast) -> Incident:
    claimed = matches(predicate, among=list(signal.claimed.values_list("case_id", flat=True)))
    first = Case.objects.filter(pk__in=claimed).aggregate(at=Min("order__placed_at"))["at"]
    incident = incidents.declare(
        incidents.Declared(
            title=TITLE, commander=cast.manager, signal=signal, kind=Kind.FAILURE, case_ids=claimed,
            predicate=Predicate(any_of=predicate.any_of, since=first or signal.since),
            why="All of one batch, and the first of them are six weeks old.",
        ),
        by=cast.analyst, now=now,
    )  # fmt: skip
    joining.join_matching(now=now + timedelta(minutes=1))
    affecting.write_down(incident_id=incident.pk, now=now + timedelta(minutes=2))
    incidents.say_status(
        incident_id=incident.pk, by=cast.manager, now=now + timedelta(minutes=40),
        texts={"status_inside": "The maker looks at three fryers that came back.", "answer": ANSWER,
               "status_public": "We know that air fryers of one batch stop heating. A new one is sent at once."},
    )  # fmt: skip
    asked = incidents.give_task(
        incident_id=incident.pk, text="Have three returned fryers opened by Mendwell Repairs", owner=cast.analyst,
        due_at=now + 4 * DAY, by=cast.manager, now=now + timedelta(minutes=50),
    )  # fmt: skip
    commitments.keep(commitment_id=asked.pk, by=cast.analyst, now=now + DAY)
    incidents.update(
        incident_id=incident.pk,
        by=cast.analyst,
        now=now + DAY,
        words="Mendwell has opened three: the heating element has lost contact in each, always at the same crimp.",
    )
    return incident


def _say_cause(incident: Incident, now: datetime, cast: _Cast) -> None:
    incidents.say_cause(
        incident_id=incident.pk, by=cast.analyst, now=now, state="found", whys=WHYS, locus=Locus.PRODUCT,
        cause="The crimp of the heating element was changed with batch NA55-K3 and comes loose.",
        contributing=["A fryer fails weeks after it was bought: the batch sold on meanwhile."],
    )  # fmt: skip


def _contain(incident: Incident, now: datetime, cast: _Cast) -> None:
    incidents.contain(
        incident_id=incident.pk,
        at=now,
        by=cast.manager,
        now=now,
        how="What was left of the batch is taken from both warehouses and all stores and goes back to the maker.",
    )
    # Who bought until the last day is found, too, before anybody is written to.
    incidents.say_status(
        incident_id=incident.pk,
        by=cast.manager,
        now=now + timedelta(minutes=4),
        texts={"status_inside": "The maker pays for what comes back. From October ten of every delivery are tested."},
    )
    affecting.look(incident, by=cast.analyst, now=now + timedelta(minutes=5))
    affecting.write_down(incident_id=incident.pk, now=now + timedelta(minutes=6))
    joining.join_matching(now=now + timedelta(minutes=7))


def _tell(incident: Incident, now: datetime, cast: _Cast) -> None:
    """Write to everybody affected, but for a tenth; the administrator approves. Some accept, a few write back."""
    made = outreach.make(
        incident_number=incident.number, title="Tell everybody who has a fryer of the batch", by=cast.manager, now=now
    )
    for given in (
        {"name": "Gold and platinum", "who": {"tiers": ["gold", "platinum"]}, "amount": Decimal(20)},
        {"name": "Everybody else", "who": {}, "amount": Decimal(10)},
    ):
        outreach.save_segment(outreach_id=made.pk, given=given | {"texts": {"en": LETTER}, "remedy": Remedy.CREDIT})
    outreach.draw(outreach_id=made.pk, now=now)
    outreach.ask_approval(outreach_id=made.pk, by=cast.manager, now=now, why="Before the rest of them fail.")
    outreach.approve(outreach_id=made.pk, by=cast.administrator, now=now + timedelta(minutes=30))
    now += timedelta(minutes=31)
    while Outreach.objects.filter(pk=made.pk, state=State.RUNNING).exists():
        outreach.send_due(now=now)
        deliver_due(now=now)
        now += timedelta(minutes=1)
    _hear(made, now, cast)


def _hear(made: Outreach, now: datetime, cast: _Cast) -> None:
    told = Recipient.objects.filter(outreach=made, state=Recipient.State.SENT).order_by("pk").select_related("case")
    opened = [one for one in told.filter(opened=True)[:ANSWERING] if one.case]
    for n, one in enumerate(opened):
        if n % 10 in (1, 3, 4, 6, 9):
            at = now + n * timedelta(minutes=37)
            outreach.accept_or_decline(token=token_of(one.pk), accept=n % 20 != 9, now=at)  # noqa: PLR2004  two in twenty decline
            for owed in Commitment.objects.filter(case=one.case, ended_at=None):
                commitments.keep(commitment_id=owed.pk, by=cast.specialist, now=_morning(at))
    for (one, words), hours in zip(zip(opened[::7], REPLIES, strict=False), (3, 20, 26), strict=False):
        at = now + timedelta(hours=hours)
        assert one.case
        receive_contact(case_id=one.case.pk, channel="email", author=one.customer.email, body=words, at=at)
        assign_case(case_id=one.case.pk, to=cast.specialist, by=cast.specialist, now=at + timedelta(minutes=50))
        reply(case_id=one.case.pk, body=ANSWER, by=cast.specialist, now=at + timedelta(hours=1))
    _close(opened, now + 12 * DAY, cast)


@transaction.atomic
def _close(told: list[Recipient], now: datetime, cast: _Cast) -> None:
    """Whoever took the credit has it; whoever did not answer needs nothing more."""
    numbers = {one.case.number: one.pk for one in told if one.case}
    accepted = set(Recipient.objects.filter(pk__in=numbers.values(), answer="accepted").values_list("pk", flat=True))
    entries = []
    for case in lock_cases(customers=(), numbers=list(numbers)):
        if case.resolved_at is None:
            outcome = Outcome.RECOVERED if numbers.get(case.number) in accepted else Outcome.EXPLAINED
            changes = ended(case, outcome, "Heating element, known with this batch.", cast.specialist.pk, now, "")
            entries.append(
                Entry(case=case, kind=CaseEvent.Kind.RESOLVED, at=now, by_id=cast.specialist.pk, changes=changes)
            )
    write_entries(entries)


def _improve(incident: Incident, now: datetime, end: datetime, cast: _Cast) -> None:
    made = improvements.plan(
        title="Test ten of every delivery for an hour", owner=cast.analyst, due_at=now + 2 * WEEK,
        by=cast.manager, now=now, what="In both warehouses, before the first of a batch is sold.",
        incidents=[incident.number], cause=incident.cause,
        cause_key="part changed, not tested", locus=Locus.PRODUCT, cost=Decimal(1800), currency="GBP",
    )  # fmt: skip
    improvements.say_hypothesis(
        improvement_id=made.pk, any_of={"reason": incident.any_of["reason"]}, percent=40,
        by_when=(end + 8 * WEEK).date(), by=cast.analyst, now=now + timedelta(hours=1), within_days=21,
    )  # fmt: skip
    improvements.begin(improvement_id=made.pk, on=(now + 2 * DAY).date(), by=cast.analyst, now=now + 2 * DAY)
    improvements.finish(improvement_id=made.pk, on=(now + 9 * DAY).date(), by=cast.analyst, now=now + 9 * DAY)
    for back in (2, 1, 0):
        improvements.look(improvement_id=made.pk, now=end - back * WEEK)


def _morning(moment: datetime) -> datetime:
    """The next morning in London, when the day's work begins."""
    local = moment.astimezone(LONDON)
    return (local + DAY).replace(hour=9, minute=20, second=0, microsecond=0)
