"""A year of work at the desks: cases are taken, answered, looked into, resolved, and some come back.

The simulation decides who does what and when; what each deed changes on a case is said by the same functions that the
services use, and it is written by `cases.services.bulk`, so that the timeline is the one real work would have left.
Nothing is handed to the outbox: these letters were sent in the past.
"""

# ruff: noqa: PLR2004  the chances and hours of an invented company; a name for each would not say more

import heapq
import uuid
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from django.db import connection, transaction

from makegood.app.demo import answers
from makegood.app.demo.hidden import HIDDEN, LANE
from makegood.app.demo.promises import Promises
from makegood.app.demo.staff import SIGN_IN
from makegood.app.demo.voices import Writer
from makegood.app.demo.year import LONDON, Plan
from makegood.ground.retail.models import Place
from makegood.ground.staff.models import Role, User
from makegood.recover.cases.models import Case, CaseEvent, Channel, Contact, Direction, Note, Reason, Status
from makegood.recover.cases.reasons import UNCLEAR
from makegood.recover.cases.services.bulk import Entry, write_entries
from makegood.recover.cases.services.contacts import facts_of, heard, told
from makegood.recover.cases.services.handling import ended, given, taken_up, turned

Kind = CaseEvent.Kind
DAY = timedelta(days=1)
LONGEST_DEED = timedelta(minutes=30)  # from its first event to its last

# Median hours until somebody answers, by severity, when it is calm.
_ANSWERS_IN = {1: 0.3, 2: 1.2, 3: 7.0, 4: 20.0}
# How much sooner or later than usual a case is brought to its end, by severity.
_ENDS_IN = {1: 0.15, 2: 0.45, 3: 1.6, 4: 2.4}
_SUNDAYS_ARE_SLOWER = 1.9
_NOBODY_WAITS = 2.5  # a failure that we found before the customer spoke is looked at later
_USUAL_WEEKS = 8
_NOT_TRUE_AGAIN = {("delivery.overdue", "delivery.late"), ("delivery.late", "delivery.overdue")}
_AFTER_A_CALL = ("product.quality", "product.not_as_described", "service.no_answer", "store.conduct", UNCLEAR, UNCLEAR)
_WHO_ANSWERS_LATER = (Channel.EMAIL, Channel.WEB, Channel.REVIEW, Channel.SOCIAL, Channel.API)


@dataclass(frozen=True)
class Colleague:
    user: User
    district: uuid.UUID | None


@dataclass
class Handling:
    """A case in somebody's hands. `case` is as stored, `draft` as it will be once the day is written."""

    case: Case
    draft: Case
    busy_until: datetime  # nothing further can happen before
    plan: str = ""
    plan_at: datetime | None = None
    rounds: int = 0
    reopened: bool = False


@dataclass
class Crew:
    """The people who work cases, and everything they have in hand."""

    plan: Plan
    truth: dict[str, str]  # what really went wrong, by order reference
    hands: dict[uuid.UUID, Handling] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.random = self.plan.random(30)
        self.writer = Writer(self.plan.random(31))
        self.reasons = {reason.pk: reason for reason in Reason.objects.all()}
        self.by_code = {reason.code: reason for reason in self.reasons.values()}
        self.district = dict(Place.objects.filter(kind=Place.Kind.STORE).values_list("pk", "parent_id"))
        self.associates, self.specialists, self.managers = (self._people(role) for role in _WORKING)
        self.opened_per_day: list[int] = []
        self.promises = Promises(self.plan, self._promised, self.reasons)
        self._incident = HIDDEN[LANE].window(self.plan.end)[0]
        self._agenda: list[tuple[datetime, int, uuid.UUID]] = []
        self._entries: list[Entry] = []
        self._taken: set[tuple[uuid.UUID, uuid.UUID | None, int]] = set()

    @staticmethod
    def _people(role: Role) -> list[Colleague]:
        users = User.objects.filter(role=role).prefetch_related("places").order_by("username")
        return [Colleague(user, next((place.pk for place in user.places.all()), None)) for user in users]

    # -- a day

    @transaction.atomic
    def work_until(self, now: datetime) -> int:
        """Do what is to be done up to `now`; returns how many events were written. Twelve SQL queries at most."""
        self._look_around()
        while self._agenda and self._agenda[0][0] <= now - LONGEST_DEED:
            at, _, pk = heapq.heappop(self._agenda)
            hands = self.hands.get(pk)
            if hands is None or hands.plan_at != at:
                continue  # planned anew since
            if hands.busy_until >= at:
                self._plan(hands, hands.plan, hands.busy_until + timedelta(minutes=3 + 20 * self.writer.chance()))
                continue
            self.promises.settle(hands.case, at, not_before=hands.busy_until)
            self._do(hands, at)
        for pk in self.promises.due_to_end(now - LONGEST_DEED):
            hands = self.hands[pk]
            self.promises.settle(hands.case, now - LONGEST_DEED, not_before=hands.busy_until)
        self.promises.write_ended()
        entries, self._entries = self._entries, []
        write_entries(entries)
        self.promises.write_open()
        for entry in entries:
            if entry.case.resolved_at is not None and (hands := self.hands.get(entry.case.pk)) and not hands.plan:
                del self.hands[entry.case.pk]
        return len(entries)

    def _look_around(self) -> None:
        """Take note of new cases, and of what customers and intake did to the others since. At most four queries."""
        versions = dict(Case.objects.filter(resolved_at=None).values_list("pk", "version"))
        # Resolved, and to be taken up again one day.
        resting = [pk for pk in self.hands if pk not in versions]
        if resting:
            versions |= dict(Case.objects.filter(pk__in=resting).values_list("pk", "version"))
        stale = [
            pk for pk, version in versions.items() if pk not in self.hands or self.hands[pk].case.version != version
        ]
        fresh = (
            Case.objects.filter(pk__in=stale)
            .select_related("customer", "order", "shipment__carrier")
            .defer("search", "customer__search")
            .order_by("number")
        )
        latest = _latest_events(stale)
        new = 0
        for case in fresh if stale else ():
            hands = self.hands.get(case.pk)
            if hands is None:
                new += 1
                hands = self.hands[case.pk] = Handling(case, copy(case), latest[case.pk])
                self._plan(hands, "answer", self._answers_at(hands, case.opened_at))
                continue
            spoke = case.last_contact_by == "customer" and case.last_contact_at != hands.case.last_contact_at
            hands.case, hands.draft, hands.busy_until = case, copy(case), latest[case.pk]
            if spoke and case.resolved_at is None and case.first_response_at and case.last_contact_at:
                self._plan(hands, "answer", self._answers_at(hands, case.last_contact_at))
        self.opened_per_day.append(new)
        self._taken = {key for hands in self.hands.values() if (key := _key(hands.draft))}

    def _plan(self, hands: Handling, what: str, at: datetime) -> None:
        hands.plan, hands.plan_at = what, at
        heapq.heappush(self._agenda, (at, hands.draft.number, hands.draft.pk))

    def _do(self, hands: Handling, at: datetime) -> None:
        what, hands.plan, hands.plan_at = hands.plan, "", None
        {
            "answer": self._answer,
            "hear": self._hear,
            "chase": self._chase,
            "resolve": self._resolve,
            "give up": self._give_up,
            "reopen": self._reopen,
        }[what](hands, at)

    # -- deeds

    def _answer(self, hands: Handling, at: datetime) -> None:
        case = hands.draft
        if case.assignee_id is None:
            who = self._who(case, at).pk
            giver = self._manager() if self.writer.chance() < 0.15 else who
            self._record(hands, Kind.ASSIGNED, at, giver, changes=given(case, who))
        by_id = case.assignee_id
        assert by_id
        self._correct(hands, at + timedelta(minutes=2), by_id)
        if self.writer.chance() < 0.3:
            self._note(hands, at + timedelta(minutes=4), by_id)
        at += timedelta(minutes=5 + 10 * self.writer.chance())
        silent = not case.channel
        if silent and self.writer.chance() < 0.45:
            # Looked into without a word to the customer: the parcel is nearly there, or has come.
            self._plan(hands, "resolve", self._working(at + self._takes(case, 66)))
            return
        hands.rounds += 1
        u = self.writer.chance() / (1 + 0.25 * hands.rounds)
        wait = u < 0.3
        self._tell(hands, at, by_id, self._fill(answers.ACKNOWLEDGE, case), wait=wait)
        self.promises.maybe(hands.case, at, by_id, self._load(at))
        if wait:
            answers_in = self._spread(16)
            hears = self.writer.chance() < 0.8
            self._plan(hands, "hear" if hears else "give up", at + answers_in if hears else self._working(at + 5 * DAY))
        elif u < 0.62:
            self._record(
                hands, Kind.STATUS, at + timedelta(minutes=1), by_id, changes={"status": Status.WAITING_PARTNER}
            )
            self._plan(hands, "chase", self._working(at + self._takes(case, 125)))
        else:
            self._plan(hands, "resolve", self._working(at + self._takes(case, 108)))

    def _hear(self, hands: Handling, at: datetime) -> None:
        case = hands.draft
        channel = (
            case.channel
            if case.channel in (Channel.EMAIL, Channel.PHONE, Channel.CHAT, Channel.STORE)
            else Channel.EMAIL
        )
        self._listen(hands, at, channel, self.writer.pick(answers.HEARD))
        self._plan(hands, "answer" if self.writer.chance() < 0.35 else "resolve", self._answers_at(hands, at))

    def _chase(self, hands: Handling, at: datetime) -> None:
        case = hands.draft
        assert case.assignee_id
        self._note(hands, at, case.assignee_id)
        if self.writer.chance() < 0.25:  # no news: once more
            self._plan(hands, "chase", self._working(at + self._takes(case, 110)))
            return
        self._record(hands, Kind.STATUS, at + timedelta(minutes=2), case.assignee_id, changes={"status": Status.OPEN})
        self._plan(hands, "resolve", self._working(at + self._takes(case, 24)))

    def _resolve(self, hands: Handling, at: datetime, outcome: str = "") -> None:
        case, writer = hands.draft, self.writer
        by_id = case.assignee_id
        assert by_id
        outcome = outcome or self._outcome()
        if outcome != "no_answer" and case.last_contact_by != "us" and not case.channel and writer.chance() < 0.6:
            outcome = "explained" if writer.chance() < 0.4 else "recovered"
        elif case.last_contact_by == "customer" or writer.chance() < 0.6:
            self._tell(hands, at, by_id, writer.pick(answers.CONCLUDE[outcome]))
            at += timedelta(minutes=1)
        self.promises.settle(hands.case, at, not_before=hands.busy_until, last=True)
        code = self.reasons[case.reason_id].code
        cause = self._fill({"": answers.CAUSES.get(code, ("",))}, case) if writer.chance() < 0.65 else ""
        locus = "" if case.locus or not cause else writer.pick(answers.LOCI.get(code, ("",)))
        self._record(hands, Kind.RESOLVED, at, by_id, changes=ended(case, outcome, cause, by_id, at, locus))
        if outcome in ("recovered", "explained", "no_answer") and not hands.reopened and writer.chance() < 0.05:
            self._plan(hands, "reopen", at + DAY + 7 * DAY * writer.chance())

    def _give_up(self, hands: Handling, at: datetime) -> None:
        self._resolve(hands, at, "no_answer")

    def _reopen(self, hands: Handling, at: datetime) -> None:
        case = hands.draft
        key = _key(case, anyway=True)
        if key and key in self._taken:
            del self.hands[case.pk]  # another case about the same is open: it goes on there
            return
        said = self.writer.pick(answers.REOPENED)
        channel = case.channel if case.channel in (Channel.EMAIL, Channel.PHONE) else Channel.EMAIL
        self._listen(hands, at, channel, said)
        changes = taken_up()
        self._record(
            hands,
            Kind.REOPENED,
            at + timedelta(minutes=1),
            case.assignee_id,
            why=f"The customer wrote again: {said}",
            changes=changes,
        )
        if key:
            self._taken.add(key)
        hands.reopened = True
        self._plan(hands, "answer", self._answers_at(hands, at))

    # -- the parts of a deed

    def _promised(
        self, case: Case, kind: CaseEvent.Kind, at: datetime, by_id: uuid.UUID | None, why: str, facts: dict[str, Any]
    ) -> None:
        self._entries.append(Entry(case=case, kind=kind, at=at, by_id=by_id, why=why, facts=facts))

    def _correct(self, hands: Handling, at: datetime, by_id: uuid.UUID) -> None:
        """Whoever reads a case with care sees what it is really about, most of the time."""
        case = hands.draft
        old = self.reasons[case.reason_id]
        true = self.truth.get(case.order.ref, "") if case.order else ""
        if not true and old.code == UNCLEAR:
            true = self.writer.pick(_AFTER_A_CALL)
        if not true or true == old.code or (old.code, true) in _NOT_TRUE_AGAIN:
            return
        # A parcel that never comes is first of all overdue: it takes a while until somebody says lost.
        if self.writer.chance() > (0.9 if old.code == UNCLEAR else 0.5):
            return
        new = self.by_code[true]
        key = (case.customer_id, case.order_id, new.pk) if case.customer_id else None
        if key in self._taken:
            return
        if key:
            self._taken.add(key)
        why = f"From {old.name} to {new.name}."
        self._record(hands, Kind.REASON, at, by_id, why=why, changes=turned(case, old, new))

    def _tell(self, hands: Handling, at: datetime, by_id: uuid.UUID, said: str, *, wait: bool = False) -> None:
        case = hands.draft
        channel = Channel(case.channel) if case.channel else Channel.EMAIL
        if channel in _WHO_ANSWERS_LATER:
            channel = Channel.EMAIL if case.customer_id else channel
        if channel == Channel.EMAIL and self.writer.chance() < 0.12 and case.customer_id:
            channel = Channel.PHONE
        name = self._names[by_id]
        body = answers.SIGNED.format(body=said, who=name) if channel == Channel.EMAIL else said
        contact = Contact(
            case_id=case.pk, channel=channel, direction=Direction.OUT, author=name, staff_id=by_id, body=body, at=at
        )
        changes = told(case, at) | ({"status": Status.WAITING_CUSTOMER} if wait else {})
        self._record(hands, Kind.CONTACT, at, by_id, changes=changes, facts=facts_of(contact), contact=contact)

    def _listen(self, hands: Handling, at: datetime, channel: str, said: str) -> None:
        case = hands.draft
        author = (case.customer.email if channel == Channel.EMAIL else case.customer.name) if case.customer else ""
        contact = Contact(
            case_id=case.pk, channel=channel, direction=Direction.IN, author=author, body=said, language="en", at=at
        )
        self._record(
            hands, Kind.CONTACT, at, None, changes=heard(case, channel, at), facts=facts_of(contact), contact=contact
        )

    def _note(self, hands: Handling, at: datetime, by_id: uuid.UUID) -> None:
        body = self._fill({"": answers.NOTES}, hands.draft)
        note = Note(case_id=hands.draft.pk, staff_id=by_id, body=body, at=at)
        self._record(hands, Kind.NOTE, at, by_id, facts={"note": note.pk}, note=note)

    def _record(
        self, hands: Handling, kind: CaseEvent.Kind, at: datetime, by_id: uuid.UUID | None, *, why: str = "",
        changes: dict[str, Any] | None = None, facts: dict[str, Any] | None = None, contact: Contact | None = None,
        note: Note | None = None,
    ) -> None:  # fmt: skip
        for column, value in (changes or {}).items():
            setattr(hands.draft, column, value)
        hands.busy_until = max(hands.busy_until, at)
        self._entries.append(
            Entry(case=hands.case, kind=kind, at=at, by_id=by_id, why=why, changes=changes or {}, facts=facts or {},
                  contact=contact, note=note)
        )  # fmt: skip

    def _fill(self, texts: dict[str, tuple[str, ...]], case: Case) -> str:
        kind = self.reasons[case.reason_id].code.partition(".")[0]
        carrier = case.shipment.carrier if case.shipment else None
        text = self.writer.pick(texts.get(kind) or texts[""])
        return text.format(carrier=carrier.name if carrier else "the courier")

    # -- who and when

    @property
    def _names(self) -> dict[uuid.UUID, str]:
        if not hasattr(self, "_name_of"):
            everybody = (*self.associates, *self.specialists, *self.managers)
            self._name_of = {one.user.pk: one.user.display_name for one in everybody}
        return self._name_of

    def _who(self, case: Case, at: datetime) -> User:
        """Somebody of the right tier, near the store where there is one."""
        team = {"specialist": self.specialists, "manager": self.managers}.get(case.tier, self.associates)
        district = self.district.get(case.place_id) if case.place_id else None
        near = [one for one in team if one.district and one.district == district]
        anywhere = [one for one in team if one.district is None]
        team = near if near and (self.writer.chance() < 0.75 or not anywhere) else anywhere
        # Who signs in to look around finds something on the desk.
        if at > self.plan.end - 14 * DAY:
            hosts = [one for one in (*team, *self.managers) if one.user.username in SIGN_IN]
            share = {Role.ASSOCIATE: 0.6, Role.SPECIALIST: 0.12, Role.MANAGER: 0.06}
            for host in hosts:
                if self.writer.chance() < share[Role(host.user.role)]:
                    return host.user
        return team[int(self.writer.chance() * len(team))].user

    def _manager(self) -> uuid.UUID:
        return self.managers[int(self.writer.chance() * len(self.managers))].user.pk

    def _answers_at(self, hands: Handling, since: datetime) -> datetime:
        case = hands.draft
        median = _ANSWERS_IN[case.severity] * (1.0 if case.channel else _NOBODY_WAITS)
        if since.astimezone(LONDON).weekday() == 6:
            median *= _SUNDAYS_ARE_SLOWER
        return self._working(since + self._spread(median, 0.75) * self._load(since))

    def _takes(self, case: Case, median: float) -> timedelta:
        assert case.assignee_id
        return self._spread(median * _ENDS_IN[case.severity], 0.55) * self._load(self.hands[case.pk].busy_until)

    def _spread(self, median: float, sigma: float = 0.8) -> timedelta:
        return timedelta(hours=min(median * float(np.exp(self.random.normal(0, sigma))), 45 * 24.0))

    def _load(self, at: datetime) -> float:
        """How much slower everything is than usual: in weeks with many cases, and since the parcels began to vanish."""
        days = self.opened_per_day
        weeks_after = (at - self._incident) / (7 * DAY) - 2  # the first ones are written off as bad luck
        strain = 1 + 0.6 * min(1.0, max(0.0, weeks_after / 3))
        if len(days) < 3 * 7:
            return strain
        usual = sum(days[-7 * _USUAL_WEEKS :]) / min(len(days), 7 * _USUAL_WEEKS)
        lately = sum(days[-10:]) / 10
        return float(min(3.0, max(0.8, lately / max(usual, 0.1))) * strain)

    def _working(self, at: datetime) -> datetime:
        return working_time(at, self.writer.chance())

    def _outcome(self) -> str:
        u = self.writer.chance() * 100
        for outcome, share in answers.OUTCOMES:
            u -= share
            if u < 0:
                return outcome
        return "recovered"


_WORKING = (Role.ASSOCIATE, Role.SPECIALIST, Role.MANAGER)


def working_time(at: datetime, chance: float, zone: ZoneInfo = LONDON) -> datetime:
    """The moment itself while the desk is staffed (8 to 20, Sundays 10 to 16), else soon after it opens."""
    local = at.astimezone(zone)
    opens, closes = (10, 16) if local.weekday() == 6 else (8, 20)
    if opens <= local.hour < closes:
        return at
    day = local.date() if local.hour < opens else local.date() + DAY
    opens = 10 if day.weekday() == 6 else 8
    return datetime(day.year, day.month, day.day, opens, tzinfo=zone) + timedelta(minutes=90 * chance)


def _key(case: Case, *, anyway: bool = False) -> tuple[uuid.UUID, uuid.UUID | None, int] | None:
    """What only one open case may have: customer, order and reason."""
    if case.customer_id is None or case.split_key or (case.resolved_at is not None and not anyway):
        return None
    return case.customer_id, case.order_id, case.reason_id


def _latest_events(case_ids: list[uuid.UUID]) -> dict[uuid.UUID, datetime]:
    """When something last happened to each case. One SQL query."""
    if not case_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT case_id, max(at) FROM cases_caseevent WHERE case_id = ANY(%s::uuid[]) GROUP BY case_id", [case_ids]
        )
        return dict(cursor.fetchall())
