"""Planning, doing and judging improvements. Every write is one transaction that begins with the row's lock."""

import re
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final

import structlog
from django.db import Error, transaction
from django.db.models import Min
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from makegood.engines.statistics.effect import LEAST_BEFORE
from makegood.ground.messages.notices import notify
from makegood.ground.staff.models import User
from makegood.prevent.improvements import effects
from makegood.prevent.improvements.errors import (
    ImprovementMovedOn,
    ImprovementNotFound,
    ImprovementSaysNothing,
    NoHypothesis,
)
from makegood.prevent.improvements.models import Event, Hypothesis, Improvement, Look, State, Verdict
from makegood.prevent.incidents.models import Incident
from makegood.prevent.lake import lake_state
from makegood.prevent.slices import DIMENSIONS
from makegood.recover.cases.models import Locus
from makegood.recover.commitments import services as commitments
from makegood.recover.commitments.models import Commitment, Kind, To
from makegood.recover.commitments.models import State as Promised

AT_A_TIME: Final = 20
WATCHED: Final = timedelta(weeks=52)  # after a verdict "worked", for the same cause
log = structlog.get_logger(__name__)
_KEY = re.compile(r"[^\w]+")


# -- planning


@transaction.atomic
def plan(
    *, title: str, owner: User, due_at: datetime, by: User, now: datetime, what: str = "",
    incidents: Sequence[int] = (), cause: str = "", cause_key: str = "", locus: str = Locus.UNKNOWN,
    cost: Decimal | None = None, currency: str = "",
) -> Improvement:  # fmt: skip
    """Plan an improvement; in the same transaction its owner promises it, so that it is noticed when due.

    Raises
    ------
    ImprovementSaysNothing
        No title, or an incident that there is not. Nothing is written.
    NothingPromised, WhenNotUnderstood, NobodyOwnsIt
        `due_at` is not ahead, or the owner left. Nothing is written.
    """
    title = " ".join(title.split())[:200]
    if not title:
        raise ImprovementSaysNothing("Say in a few words what is to be changed.")
    if (cost is None) != (not currency):
        raise ImprovementSaysNothing("A cost needs its currency, such as 900 GBP.")
    answered = list(Incident.objects.filter(number__in=incidents))
    if missing := set(incidents) - {incident.number for incident in answered}:
        raise ImprovementSaysNothing(f"There is no incident I-{min(missing)}.")
    promised = commitments.promise(
        text=title, kind=Kind.OTHER, due_at=due_at, owner=owner, by=by, now=now, to=To.COLLEAGUE
    )
    made = Improvement.objects.create(
        title=title, what=what.strip(), owner=owner, due_at=due_at, commitment=promised, cause=cause.strip(),
        cause_key=key_of(cause_key or cause), locus=locus, cost=cost, currency=currency, created_at=now, created_by=by,
    )  # fmt: skip
    made.refresh_from_db(fields=["number"])
    made.incidents.set(answered)
    _note(made, Event.Kind.PLANNED, now, by, incidents=sorted(incidents))
    return made


def key_of(cause: str) -> str:
    """The same cause in the same words: lower case, words joined by single spaces, at most 80 signs."""
    return " ".join(_KEY.split(cause.casefold())).strip()[:80]


@transaction.atomic
def say_hypothesis(
    *, improvement_id: uuid.UUID, any_of: effects.Slices, percent: int, by_when: date, by: User, now: datetime,
    within_days: int = 28, beside: str = Hypothesis.Beside.NOTHING, beside_any_of: effects.Slices | None = None,
) -> Hypothesis:  # fmt: skip
    """Say which number should move, by how much and by when. Said again it is a new version; the old one stays.

    Raises
    ------
    ImprovementSaysNothing
        It names no part or one that there is not, the end is past, or nothing is left to compare with.
    ImprovementMovedOn
        It is judged or dropped. Nothing is written.
    """
    it = _lock(improvement_id)
    _still(it, it.state != State.DROPPED and it.verdict == Verdict.UNKNOWN)
    beside_any_of = beside_any_of or {} if beside == Hypothesis.Beside.SLICE else {}
    _check_slices(any_of, beside, beside_any_of)
    if not (1 <= percent <= 99 and 1 <= within_days <= 120):  # noqa: PLR2004  the bounds of the constraints
        raise ImprovementSaysNothing("Name a fall of 1 to 99 percent, and 1 to 120 days in which cases come in.")
    if by_when <= max(filter(None, (now.date(), it.started_on))):
        raise ImprovementSaysNothing("The planned end lies ahead, after the start: choose a later day.")
    said = Hypothesis.objects.create(
        improvement=it, version=it.hypotheses.count() + 1, any_of=_lists(any_of), percent=percent, by_when=by_when,
        within_days=within_days, beside=beside, beside_any_of=_lists(beside_any_of), said_at=now, said_by=by,
    )  # fmt: skip
    it.next_look_at = now
    it.save(update_fields=["next_look_at"])
    _note(it, Event.Kind.HYPOTHESIS, now, by, version=said.version, percent=percent, by_when=by_when.isoformat(),
          after_start=it.started_on is not None)  # fmt: skip
    return said


def _check_slices(any_of: effects.Slices, beside: str, beside_any_of: effects.Slices) -> None:
    for part in (any_of, beside_any_of):
        if unknown := set(part) - set(DIMENSIONS):
            raise ImprovementSaysNothing(f"There is no dimension {min(unknown)}. There are: {', '.join(DIMENSIONS)}.")
        if not all(part.values()):
            raise ImprovementSaysNothing("Each dimension names at least one value.")
    if not any_of:
        raise ImprovementSaysNothing("Say which cases should become fewer: a reason, a carrier, a product ...")
    if beside == Hypothesis.Beside.REST and all(DIMENSIONS[name].from_case for name in any_of):
        raise ImprovementSaysNothing("All purchases are in that part: there are no others to compare it with.")
    if beside == Hypothesis.Beside.SLICE and not beside_any_of:
        raise ImprovementSaysNothing("Say which part it is compared with.")


def _lists(any_of: effects.Slices) -> dict[str, list[str]]:
    return {name: [str(value) for value in of] for name, of in any_of.items()}


# -- doing


@transaction.atomic
def begin(*, improvement_id: uuid.UUID, on: date, by: User, now: datetime) -> Improvement:
    """The change takes effect, from that day on. The hypothesis said by then is the one that was pre-registered.

    One that did not work or came back begins anew: the verdict is open again.

    Raises
    ------
    NoHypothesis, ImprovementMovedOn, ImprovementSaysNothing
        Nothing said yet that should move; it is under way or dropped; the day lies ahead. Nothing is written.
    """
    it = _lock(improvement_id)
    anew = it.verdict in (Verdict.DID_NOT, Verdict.CAME_BACK) and it.state != State.DROPPED
    _still(it, it.state == State.PLANNED or anew)
    said = it.hypotheses.order_by("-version").first()
    if said is None:
        raise NoHypothesis(it.number)
    if on > now.date():
        raise ImprovementSaysNothing("It begins when the change is there: today, or an earlier day.")
    it.state, it.started_on, it.finished_on, it.verdict, it.judged_at = State.UNDER_WAY, on, None, Verdict.UNKNOWN, None
    it.next_look_at = now
    it.save()
    _note(it, Event.Kind.BEGUN, now, by, on=on.isoformat(), version=said.version, anew=anew)
    return it


@transaction.atomic
def finish(*, improvement_id: uuid.UUID, on: date, by: User, now: datetime) -> Improvement:
    """All of the change is there. The promise is kept with it.

    Raises
    ------
    ImprovementMovedOn, ImprovementSaysNothing
        It is not under way, or the day is before the start or ahead. Nothing is written.
    """
    it = _lock(improvement_id)
    _still(it, it.state == State.UNDER_WAY)
    if it.started_on is None or not it.started_on <= on <= now.date():
        raise ImprovementSaysNothing("It is complete on a day from its start until today.")
    it.state, it.finished_on = State.DONE, on
    it.save(update_fields=["state", "finished_on"])
    _note(it, Event.Kind.FINISHED, now, by, on=on.isoformat())
    if (promised := _promised(it)) is not None:
        evening = timezone.make_aware(datetime.combine(on, time(23, 59, 59)))
        commitments.keep(commitment_id=promised.pk, by=by, now=now, at=min(max(evening, promised.made_at), now))
    return it


@transaction.atomic
def drop(*, improvement_id: uuid.UUID, why: str, by: User, now: datetime) -> Improvement:
    """It will not be done. The promise is let go of.

    Raises
    ------
    ImprovementMovedOn, ImprovementSaysNothing
        It is done or dropped, or no reason is given. Nothing is written.
    """
    it = _lock(improvement_id)
    _still(it, it.state in (State.PLANNED, State.UNDER_WAY))
    if not why.strip():
        raise ImprovementSaysNothing("Say why it is dropped, for whoever asks next year.")
    it.state, it.next_look_at = State.DROPPED, None
    it.save(update_fields=["state", "next_look_at"])
    _note(it, Event.Kind.DROPPED, now, by, why=why.strip()[:500])
    if (promised := _promised(it)) is not None:
        commitments.release(commitment_id=promised.pk, agreed_by=by.display_name, by=by, now=now)
    return it


@transaction.atomic
def say_words(*, improvement_id: uuid.UUID, words: str, by: User, now: datetime) -> Improvement:
    """What a person makes of the verdict. The verdict itself is computed."""
    it = _lock(improvement_id)
    it.words = words.strip()
    it.save(update_fields=["words"])
    _note(it, Event.Kind.WORDS, now, by, words=it.words[:2000])
    return it


# -- judging


def look_at_what_is_due(*, now: datetime) -> int:
    """One look at each improvement whose weekly look is due; returns at how many. An index scan of what is due.

    None before the lake was filled. What fails is logged and tried again the next day: the others get their turn.
    """
    if lake_state().refreshed_at is None:
        return 0
    due = Improvement.objects.filter(next_look_at__lte=now).order_by("next_look_at").values_list("pk", flat=True)
    done = 0
    for pk in list(due[:AT_A_TIME]):
        try:
            look(improvement_id=pk, now=now)
        except (ArithmeticError, ValueError, Error):
            log.exception("improvement_look_failed", improvement=str(pk))
            Improvement.objects.filter(pk=pk).update(next_look_at=now + timedelta(days=1))
        done += 1
    return done


def look(*, improvement_id: uuid.UUID, now: datetime, counted: effects.Counted | None = None) -> Look | None:
    """Count the weeks that can be counted by now, keep what they say, and judge.

    Counting happens before the row is locked; what was said or begun meanwhile wins, and the next look sees it. The
    same weeks are looked at once (constraint `look_once`), so that looking twice at once judges and tells once. None:
    there is no hypothesis, or it was dropped.
    """
    it = find_by_id(improvement_id)
    said = it.hypotheses.order_by("-version").first()
    if said is None or it.state == State.DROPPED:
        return None
    counted = counted or read_weeks(it, said, now)
    found = effects.find(
        counted, percent=said.percent, by_when=said.by_when, started_on=it.started_on, finished_on=it.finished_on
    )
    back = it.verdict == Verdict.WORKED and _same_cause(it, said, counted)
    verdict, found.why = effects.judge(found) if it.started_on else (Verdict.UNKNOWN, "")
    with transaction.atomic():
        held = _lock(improvement_id)
        if (held.started_on, held.state, held.verdict) != (it.started_on, it.state, it.verdict) or (
            held.hypotheses.count() != said.version
        ):
            return None
        kept, fresh = Look.objects.get_or_create(
            improvement=held, hypothesis=said, started_on=held.started_on, until=counted.until,
            defaults={"at": now, "found": found.kept(), "verdict": verdict},
        )  # fmt: skip
        if held.verdict == Verdict.UNKNOWN and verdict != Verdict.UNKNOWN:
            _judge(held, verdict, found, kept, now)
        elif held.verdict == Verdict.WORKED and back:
            return_of_cause(held, back, now)
        held.next_look_at = _next(held, now)
        held.save(update_fields=["next_look_at"])
    return kept if fresh else Look.objects.get(pk=kept.pk)


def read_weeks(it: Improvement, said: Hypothesis, now: datetime) -> effects.Counted:
    """The weeks that a look at this moment counts. Two SQL queries and one of the lake.

    What answers an incident that detection found is compared with the weeks in which that went on, where these are
    enough: a failure that came late would else be scatter of the time before, and its end never told from chance.
    """
    until = effects.countable_until(now, said.within_days)
    begins = min(effects.first_whole_week(it.started_on), until) if it.started_on else until
    first = begins - effects.HISTORY * effects.WEEK
    if since := it.incidents.filter(signal__rule=None, signal__isnull=False).aggregate(since=Min("since"))["since"]:
        went_on = effects.first_whole_week(since.astimezone(UTC).date())
        if begins - went_on >= LEAST_BEFORE * effects.WEEK:
            first = max(first, went_on)
    return effects.count(said, first=first, until=until)


def _judge(held: Improvement, verdict: Verdict, found: effects.Finding, kept: Look, now: datetime) -> None:
    held.verdict, held.judged_at = verdict, now
    held.save(update_fields=["verdict", "judged_at"])
    _note(held, Event.Kind.JUDGED, now, None, verdict=verdict, why=found.why, ratio=found.kept()["ratio"],
          until=kept.until.isoformat())  # fmt: skip
    _tell(held, f"judged:{kept.pk}", lambda: _("A-%(number)s %(title)s: %(verdict)s") % {
        "number": held.number, "title": held.title, "verdict": Verdict(verdict).label}, now)  # fmt: skip


def _same_cause(it: Improvement, said: Hypothesis, counted: effects.Counted) -> str:
    """Why the cause seems to be back; empty where it does not. Three SQL queries."""
    judged = it.events.filter(kind=Event.Kind.JUDGED).order_by("-at", "-id").first()
    if judged is None or it.started_on is None or it.judged_at is None:
        return ""
    for incident in Incident.objects.filter(declared_at__gt=it.judged_at, merged_into=None).order_by("declared_at"):
        if incident.any_of and overlap(incident.any_of, said.any_of):
            return f"incident I-{incident.number}"
    reached = max(judged.facts["ratio"][0] or 0.0, 1 - said.percent / 100)
    until = date.fromisoformat(judged.facts["until"])
    if effects.came_back(counted, started_on=it.started_on, judged_until=until, reached=reached):
        return "rate"
    return ""


def overlap(one: Mapping[str, Sequence[str]], other: Mapping[str, Sequence[str]]) -> bool:
    """Whether two predicates name the same values in all dimensions that both name, and both name at least one."""
    both = set(one) & set(other)
    return bool(both) and all(set(one[name]) & set(other[name]) for name in both)


def return_of_cause(held: Improvement, why: str, now: datetime) -> None:
    """Open a locked improvement again because its cause came back, and tell its owner once."""
    held.verdict, held.judged_at = Verdict.CAME_BACK, now
    held.save(update_fields=["verdict", "judged_at"])
    came = _note(held, Event.Kind.CAME_BACK, now, None, why=why)
    _tell(held, f"came_back:{came.pk}", lambda: _("A-%(number)s %(title)s: the cause came back. It is open again.") % {
        "number": held.number, "title": held.title}, now)  # fmt: skip


def _next(held: Improvement, now: datetime) -> datetime | None:
    watched = held.verdict == Verdict.UNKNOWN or (
        held.verdict == Verdict.WORKED and held.judged_at is not None and now < held.judged_at + WATCHED
    )
    days = 7 - timezone.localtime(now).weekday()
    monday = (timezone.localtime(now) + timedelta(days=days)).replace(hour=6, minute=0, second=0, microsecond=0)
    return monday if watched and held.state != State.DROPPED else None


# -- shared


def find_by_id(improvement_id: uuid.UUID) -> Improvement:
    found = Improvement.objects.select_related("owner").filter(pk=improvement_id).first()
    if found is None:
        raise ImprovementNotFound(str(improvement_id))
    return found


def _promised(it: Improvement) -> Commitment | None:
    """What its owner promised, if that is open. Whoever ended it by hand has said how."""
    return it.commitment if it.commitment and it.commitment.state == Promised.OPEN else None


def _lock(improvement_id: uuid.UUID) -> Improvement:
    held = Improvement.objects.select_for_update(of=("self",)).select_related("owner")
    found = held.filter(pk=improvement_id).first()
    if found is None:
        raise ImprovementNotFound(str(improvement_id))
    return found


def _still(it: Improvement, allowed: bool) -> None:
    if not allowed:
        judged = it.verdict != Verdict.UNKNOWN and it.state != State.DROPPED
        raise ImprovementMovedOn(it.number, str(Verdict(it.verdict).label if judged else State(it.state).label))


def _note(it: Improvement, kind: str, now: datetime, by: User | None, **facts: Any) -> Event:
    return Event.objects.create(improvement=it, kind=kind, at=now, by=by, facts=facts)


def _tell(it: Improvement, key: str, text: Any, now: datetime) -> None:
    notify(
        to=[it.owner], key=f"improvement:{it.pk}:{key}", text=text, about=f"improvement:{it.pk}", now=now,
        link=reverse("improvements:one", args=[it.number]),
    )  # fmt: skip
